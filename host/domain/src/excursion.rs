//! How far the price went for and against a position while it was held.

use std::ops::Range;

use crate::candles::Columns;
use crate::extremes::{highest, lowest};

/// Returns the maximum favourable and adverse excursion, per cent of the entry fill: 0 or more, 0 or less.
///
/// `held` are the candles held from open to close, the entry's among them. Of the candle in which a stop sold, only
/// the fall to the fill is known to have happened while the position was held; its high is left out.
#[must_use]
#[inline]
pub fn excursions(columns: &Columns, held: Range<usize>, entry: f64, exit: f64) -> (f64, f64) {
    let best = highest(&columns.high[held.clone()]).max(exit).max(entry);
    let worst = lowest(&columns.low[held]).min(exit).min(entry);
    ((best / entry - 1.0) * 100.0, (worst / entry - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ohlc(rows: &[[f64; 4]]) -> Columns {
        let column = |index: usize| rows.iter().map(|row| row[index]).collect::<Vec<_>>();
        Columns { open: column(0), high: column(1), low: column(2), close: column(3), ..Columns::default() }
    }

    #[test]
    fn extremes_of_held_candles_count() {
        let candles = ohlc(&[[100.0, 130.0, 90.0, 100.0], [100.0, 110.0, 95.0, 100.0], [100.0, 200.0, 10.0, 100.0]]);
        let (favorable, adverse) = excursions(&candles, 0..2, 100.0, 100.0);
        assert!((favorable - 30.0).abs() < 1e-9 && (adverse + 10.0).abs() < 1e-9);
    }

    #[test]
    fn the_exit_itself_counts() {
        let candles = ohlc(&[[100.0; 4]]);
        let (favorable, adverse) = excursions(&candles, 0..0, 100.0, 80.0);
        assert!(favorable.abs() < 1e-9 && (adverse + 20.0).abs() < 1e-9);
    }
}
