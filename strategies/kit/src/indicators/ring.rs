//! The memory under every windowed indicator: the last `length` values, in a buffer that is filled round and round.
//!
//! The place where the buffer starts over is called the *seam*. It comes once in `length` values, and right after it
//! the slots lie in order of time; that is when the running sums of the indicators are put right from scratch.

/// The last `length` values. Slots not yet written hold zero.
#[derive(Debug, Clone)]
pub(super) struct Ring {
    slots: Box<[f64]>,
    next: usize,
}

/// What a push left behind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pushed {
    /// The value that fell out: the one pushed `length` pushes ago, or zero while the ring fills.
    pub(super) displaced: f64,
    /// The buffer has just come round: every slot is written, and slot 0 is the oldest.
    pub(super) at_seam: bool,
}

impl Ring {
    /// Returns an empty ring. The only allocation of its life.
    pub(super) fn new(length: usize) -> Self {
        assert!(length > 0, "an indicator's period must be at least 1");
        Self { slots: vec![0.0; length].into_boxed_slice(), next: 0 }
    }

    /// Puts `value` in the place of the oldest one.
    #[inline]
    pub(super) fn push(&mut self, value: f64) -> Pushed {
        let displaced = core::mem::replace(&mut self.slots[self.next], value);
        self.next += 1;
        // A compare and a rarely taken branch; `%` would be an integer division on every bar.
        let at_seam = self.next == self.slots.len();
        if at_seam {
            self.next = 0;
        }
        Pushed { displaced, at_seam }
    }

    /// Returns the values from the oldest to the newest, zeros first while the ring fills.
    pub(super) fn oldest_first(&self) -> impl Iterator<Item = f64> + '_ {
        let (newer, older) = self.slots.split_at(self.next);
        older.iter().chain(newer).copied()
    }

    /// Returns the number of slots.
    pub(super) fn length(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Ring;

    #[test]
    fn values_leave_in_the_order_they_came() {
        let mut ring = Ring::new(3);
        let displaced: Vec<f64> = [1.0, 2.0, 3.0, 4.0, 5.0].map(|value| ring.push(value).displaced).to_vec();
        assert_eq!(displaced, [0.0, 0.0, 0.0, 1.0, 2.0]);
        assert_eq!(ring.oldest_first().collect::<Vec<_>>(), [3.0, 4.0, 5.0]);
    }

    #[test]
    fn the_seam_comes_once_in_a_round() {
        let mut ring = Ring::new(3);
        let seams: Vec<bool> = (0..7).map(|value| ring.push(f64::from(value)).at_seam).collect();
        assert_eq!(seams, [false, false, true, false, false, true, false]);
    }

    #[test]
    #[should_panic(expected = "period must be at least 1")]
    fn length_zero_is_refused() {
        let _ = Ring::new(0);
    }
}
