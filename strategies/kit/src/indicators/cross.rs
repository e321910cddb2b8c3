//! Crossings of two lines.

/// Differences below this part of the larger value count as touching.
///
/// Two averages of the same flat prices differ by the rounding of their sums, some 1e-15 of the price, in either
/// direction; without this a market that stands still would cross for ever. A hundred thousand times that is still
/// far below any price step: 1e-10 on a price of 1.
const TOUCHING: f64 = 1e-10;

/// Tells when one line crosses another, remembering on which side it was.
///
/// A line that touches the other and returns has not crossed it; one that touches it for a while and leaves on the
/// other side crosses when it leaves. The first difference sets the side and is no crossing.
///
/// ```
/// # use sentinel_kit::indicators::{Cross, CrossOver};
/// let mut cross = CrossOver::new();
/// let crossings: Vec<_> = [1.0, 2.0, 3.0, 1.0].map(|fast| cross.update(fast, 2.0)).to_vec();
/// assert_eq!(crossings, [None, None, Some(Cross::Above), Some(Cross::Below)]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct CrossOver {
    side: Option<Cross>,
    latest: Option<Cross>,
}

/// The side on which a line lies, or to which it has crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cross {
    /// The first line is above the second.
    Above,
    /// The first line is below the second.
    Below,
}

impl CrossOver {
    /// Returns a detector that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in both lines at the next bar and returns the crossing that happened on it. For the crossing of a level,
    /// give the level as the second line.
    #[inline]
    pub fn update(&mut self, line: f64, other: f64) -> Option<Cross> {
        let (size, size_other) = (line.abs(), other.abs());
        let touching = TOUCHING * if size > size_other { size } else { size_other };
        let difference = line - other;
        let side = if difference > touching {
            Cross::Above
        } else if difference < -touching {
            Cross::Below
        } else {
            self.latest = None;
            return None;
        };
        self.latest = self.side.replace(side).filter(|&before| before != side).map(|_| side);
        self.latest
    }

    /// Returns the crossing that happened on the latest bar.
    #[inline]
    pub fn value(&self) -> Option<Cross> {
        self.latest
    }

    /// Returns the side on which the first line was last seen, `None` before the lines differed.
    #[inline]
    pub fn side(&self) -> Option<Cross> {
        self.side
    }

    /// Returns the number of bars, with both lines standing, until a crossing can be seen: 2.
    pub fn warm_up_bars(&self) -> usize {
        2
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sma;
    use super::{Cross, CrossOver};

    fn check(differences: &[f64], expected: &[(usize, Cross)]) {
        let mut cross = CrossOver::new();
        let found: Vec<(usize, Cross)> = differences
            .iter()
            .enumerate()
            .filter_map(|(bar, difference)| cross.update(100.0 + difference, 100.0).map(|cross| (bar, cross)))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_first_side_is_no_crossing() {
        check(&[1.0, 1.0, 2.0], &[]);
        check(&[0.0, 1.0], &[]);
    }

    #[test]
    fn a_touch_is_no_crossing_until_the_line_leaves_on_the_other_side() {
        check(&[1.0, 0.0, 1.0], &[]);
        check(&[1.0, 0.0, 0.0, -1.0], &[(3, Cross::Below)]);
    }

    #[test]
    fn every_change_of_side_is_a_crossing() {
        check(&[-1.0, 1.0, -1.0], &[(1, Cross::Above), (2, Cross::Below)]);
    }

    #[test]
    fn a_level_of_zero_is_crossed_by_the_smallest_difference() {
        let mut cross = CrossOver::new();
        cross.update(-1e-300, 0.0);
        assert_eq!(cross.update(1e-300, 0.0), Some(Cross::Above));
        assert_eq!((cross.value(), cross.side()), (Some(Cross::Above), Some(Cross::Above)));
    }

    /// The averages of 0.1 over 10 and over 30 bars are not the same float.
    #[test]
    fn two_averages_of_a_flat_market_never_cross() {
        let (mut fast, mut slow, mut cross) = (Sma::new(10), Sma::new(30), CrossOver::new());
        for bar in 0..500 {
            let price = if bar < 40 { 0.3 + 0.001 * f64::from(bar) } else { 0.1 };
            let crossing = fast.update(price).zip(slow.update(price)).and_then(|(fast, slow)| cross.update(fast, slow));
            assert!(crossing.is_none() || bar < 80, "crossed on bar {bar}");
        }
    }
}
