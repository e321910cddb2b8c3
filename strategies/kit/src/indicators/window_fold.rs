//! A sliding window under an operation that has no inverse, such as "the larger of two".
//!
//! A running maximum cannot forget the value that leaves, and a running sum that forgets by subtraction keeps the
//! rounding error of every large value it ever held. This window never subtracts. It cuts time into blocks of
//! `period` values; at each seam the finished block is turned, in place, into its folds from the right, so that any
//! window is one such fold of the old block and the running fold of the new one:
//!
//! ```text
//!  old block   [ a  b  c  d ]      slots at the seam:  [ a∘b∘c∘d   b∘c∘d   c∘d   d ]
//!  new block   [ e  f …     ]      window at f:        (c∘d) ∘ (e∘f)
//! ```
//!
//! Three operations a value at most, whatever the values do, and no counter that could overflow.

/// The fold of the last `period` values under an operation that the caller names at each update.
#[derive(Debug, Clone)]
pub(super) struct WindowFold {
    /// Left of `next`: values of the new block. From `next` on: folds of the old block from the right.
    slots: Box<[f64]>,
    next: usize,
    new_block: f64,
    identity: f64,
    latest: f64,
    full: bool,
}

impl WindowFold {
    /// Returns an empty window. `identity` is the value that changes nothing under the operation.
    pub(super) fn new(period: usize, identity: f64) -> Self {
        assert!(period > 0, "an indicator's period must be at least 1");
        Self {
            slots: vec![identity; period].into_boxed_slice(),
            next: 0,
            new_block: identity,
            identity,
            latest: identity,
            full: false,
        }
    }

    /// Takes in `value` and returns the fold of the window, `None` until it holds `period` values.
    #[inline]
    pub(super) fn update(&mut self, value: f64, combine: impl Fn(f64, f64) -> f64) -> Option<f64> {
        self.new_block = combine(self.new_block, value);
        self.slots[self.next] = value;
        self.next += 1;
        if let Some(&old_block) = self.slots.get(self.next) {
            self.latest = combine(old_block, self.new_block);
        } else {
            self.latest = self.new_block;
            self.start_block(combine);
        }
        self.value()
    }

    /// Folds the finished block from the right, in place, and begins the next one.
    fn start_block(&mut self, combine: impl Fn(f64, f64) -> f64) {
        let mut fold = self.identity;
        for slot in self.slots.iter_mut().rev() {
            fold = combine(*slot, fold);
            *slot = fold;
        }
        self.next = 0;
        self.new_block = self.identity;
        self.full = true;
    }

    /// Returns the latest fold.
    #[inline]
    pub(super) fn value(&self) -> Option<f64> {
        self.full.then_some(self.latest)
    }

    /// Returns the number of values in a full window.
    pub(super) fn period(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::WindowFold;

    fn check(period: usize, values: &[f64], expected: &[Option<f64>]) {
        let mut window = WindowFold::new(period, 0.0);
        let sums: Vec<Option<f64>> = values.iter().map(|&value| window.update(value, |a, b| a + b)).collect();
        assert_eq!(sums, expected);
    }

    #[test]
    fn the_window_slides_across_the_seam() {
        check(
            3,
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
            &[None, None, Some(6.0), Some(9.0), Some(12.0), Some(15.0), Some(18.0)],
        );
    }

    #[test]
    fn a_window_of_one_is_the_value() {
        check(1, &[4.0, 0.5], &[Some(4.0), Some(0.5)]);
    }

    /// A sum that subtracts would answer 0 here: 1e-20 is lost beside 1e20.
    #[test]
    fn a_huge_value_leaves_nothing_behind() {
        check(2, &[1e20, 1e-20, 1e-20], &[None, Some(1e20), Some(2e-20)]);
    }
}
