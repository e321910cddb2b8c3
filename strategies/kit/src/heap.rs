//! The guest's heap: its beginning is part of the component's own memory, the rest is grown when it is needed.
//!
//! A strategy runs on a fresh instance for each session, and growing memory is the dearest thing that an instance does:
//! the host has to unlock what was grown and to lock it again for the next. The usual session fits into what is here
//! from the start.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::memory_grow;
use core::cell::{Cell, UnsafeCell};
use core::ptr;

use dlmalloc::{Allocator, Dlmalloc};

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Pages { is_reserve_taken: Cell::new(false) })));

const PAGE_BYTES: usize = 64 << 10;
/// A day of minutes takes 90 KiB when a strategy reads every column. Larger would cost a little, too: when an instance
/// ends, the host looks through all of its memory for what was touched.
const RESERVE_BYTES: usize = 256 << 10;

static RESERVE: Reserve = Reserve(UnsafeCell::new([0; RESERVE_BYTES]));

#[repr(align(16))]
struct Reserve(UnsafeCell<[u8; RESERVE_BYTES]>);

struct Heap(UnsafeCell<Dlmalloc<Pages>>);

/// Where the allocator takes its memory: the reserve first, then pages from the host.
struct Pages {
    is_reserve_taken: Cell<bool>,
}

// A component has one thread: the target has no atomics.
unsafe impl Sync for Reserve {}
unsafe impl Sync for Heap {}
unsafe impl Send for Pages {}

unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { (*self.0.get()).free(block, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        unsafe { (*self.0.get()).realloc(block, layout.size(), layout.align(), size) }
    }
}

unsafe impl Allocator for Pages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        if size <= RESERVE_BYTES && !self.is_reserve_taken.replace(true) {
            return (RESERVE.0.get().cast(), RESERVE_BYTES, 0);
        }
        let pages = size.div_ceil(PAGE_BYTES);
        match memory_grow::<0>(pages) {
            usize::MAX => (ptr::null_mut(), 0, 0),
            before => (ptr::without_provenance_mut(before * PAGE_BYTES), pages * PAGE_BYTES, 0),
        }
    }

    fn remap(&self, _block: *mut u8, _size: usize, _size_new: usize, _can_move: bool) -> *mut u8 {
        ptr::null_mut()
    }

    fn free_part(&self, _block: *mut u8, _size: usize, _size_new: usize) -> bool {
        false
    }

    fn free(&self, _block: *mut u8, _size: usize) -> bool {
        false
    }

    fn can_release_part(&self, _flags: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE_BYTES
    }
}
