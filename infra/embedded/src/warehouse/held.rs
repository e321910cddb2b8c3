//! A session that is kept for a moment, in case the next call comes at once.
//!
//! Opening and closing the file costs more than most calls do in between. So a writing session outlives its call by a
//! second, unless another process waits: jobs of many small steps that follow on one another pay once, and nobody waits
//! longer than for the step at hand.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use sentinel_domain::warehouse::WarehouseError;

use super::file::StoreFile;
use super::lock::{self, POLL};
use super::session::Session;

/// How many polls a session may lie idle: a second.
const IDLE_POLLS_MAX: u32 = 200;

/// The session of one process, if it has one.
#[derive(Debug, Default)]
pub(super) struct Held {
    slot: Mutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    session: Option<Session>,
    idle_polls: u32,
}

impl Held {
    /// Works in a session that may write.
    pub(super) fn write<T>(
        self: &Arc<Self>,
        store: &StoreFile,
        work: impl FnOnce(&Session) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        let mut slot = self.lock();
        let (session, is_new) = match slot.session.take() {
            Some(session) => (session, false),
            None => (Session::write(store)?, true),
        };
        let result = work(&session);
        // After a failure nothing is taken for granted.
        if result.is_ok() && !lock::is_wanted(store) {
            *slot = Slot { session: Some(session), idle_polls: 0 };
            if is_new {
                self.close_when_idle(store);
            }
        }
        result
    }

    /// Works in the session that is held; `None` when there is none.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Session) -> Option<T>) -> Option<T> {
        let mut slot = self.lock();
        let answer = slot.session.as_ref().and_then(work);
        match answer {
            Some(_) => slot.idle_polls = 0,
            // The caller will open one of its own, beside which there can be no other.
            None => slot.session = None,
        }
        answer
    }

    /// Closes the session, if there is one.
    pub(super) fn close(&self) {
        self.lock().session = None;
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        // A panic drops the session it happened in; what is left is an empty slot.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close_when_idle(self: &Arc<Self>, store: &StoreFile) {
        let (held, store) = (Arc::downgrade(self), store.clone());
        thread::spawn(move || while is_still_held(&held, &store) {});
    }
}

/// Waits for one poll and closes a session that is idle or wanted by others; returns whether it is still there.
fn is_still_held(held: &Weak<Held>, store: &StoreFile) -> bool {
    thread::sleep(POLL);
    let Some(held) = held.upgrade() else { return false };
    let mut slot = held.lock();
    slot.idle_polls += 1;
    if slot.idle_polls > IDLE_POLLS_MAX || lock::is_wanted(store) {
        slot.session = None;
    }
    slot.session.is_some()
}
