//! Coarser candles out of finer ones.
//!
//! A coarse candle is made only of candles that had closed: the first and the last are dropped where the fine candles
//! begin or end inside them. A coarse candle within the series that lacks some of its fine ones is kept, as an
//! exchange would publish it, and counted. So candles resampled up to some time are the beginning of those resampled
//! up to any later time.

use std::ops::Range;

use thiserror::Error;

use super::{Candles, Columns, format_time};
use crate::timeframe::{Timeframe, UnixMillis};

/// Coarser candles and what was left out of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Resampled {
    /// The coarser candles.
    pub candles: Candles,
    /// How many of them lack at least one fine candle.
    pub incomplete: usize,
    /// How many fine candles before the first whole coarse one were left out.
    pub dropped_before: usize,
    /// How many fine candles after the last whole coarse one were left out.
    pub dropped_after: usize,
}

/// Candles that cannot be resampled as asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResampleError {
    /// The target is finer than the source.
    #[error("{to} candles cannot be made of {from} candles: they are finer; use candles of {to} or finer")]
    Finer {
        /// What there is.
        from: Timeframe,
        /// What was asked for.
        to: Timeframe,
    },
    /// Not one whole coarse candle.
    #[error(
        "no whole {to} candle lies between {} and {}; use more candles or a timeframe finer than {to}",
        format_time(*first), format_time(*last_close)
    )]
    TooFew {
        /// When the first fine candle opens.
        first: UnixMillis,
        /// When the last fine candle closes.
        last_close: UnixMillis,
        /// What was asked for.
        to: Timeframe,
    },
}

/// Makes candles of timeframe `to` out of `candles`. The same timeframe gives the same candles.
///
/// # Errors
/// When `to` is finer, or when not one whole coarse candle comes out.
pub fn resample(candles: &Candles, to: Timeframe) -> Result<Resampled, ResampleError> {
    let from = candles.timeframe;
    if to < from {
        return Err(ResampleError::Finer { from, to });
    }
    let times = &candles.columns.open_time;
    let (first, last_close) = (times[0], candles.close_time(times.len() - 1));
    let begin = if to.is_aligned(first) { first } else { to.close_time(to.candle_open(first)) };
    let end = to.candle_open(last_close);

    let rows = times.partition_point(|time| *time < begin)..times.partition_point(|time| *time < end);
    if rows.is_empty() {
        return Err(ResampleError::TooFew { first, last_close, to });
    }
    let fine_rows = (rows.start, times.len() - rows.end);
    let per_coarse = usize::try_from(to.millis() / from.millis()).unwrap_or(1);
    let mut coarse = Columns::with_capacity_like(&candles.columns, rows.len() / per_coarse + 1);
    let mut incomplete = 0;
    let mut row = rows.start;
    while row < rows.end {
        let open_time = to.candle_open(times[row]);
        let close_time = to.close_time(open_time);
        // No more than `per_coarse` rows can open before the close, so the search stays short.
        let reach = (row + per_coarse).min(rows.end);
        let next = row + times[row..reach].partition_point(|time| *time < close_time);
        coarse.push_aggregate(open_time, &candles.columns, row..next);
        incomplete += usize::from(next - row < per_coarse);
        row = next;
    }
    Ok(Resampled {
        // Not checked again: highs stay above and lows below whatever they bound, and sums of volumes are volumes.
        candles: Candles { instrument: candles.instrument.clone(), timeframe: to, columns: coarse },
        incomplete,
        dropped_before: fine_rows.0,
        dropped_after: fine_rows.1,
    })
}

impl Columns {
    /// Appends one candle made of `rows` of `fine`, of which there is at least one.
    fn push_aggregate(&mut self, open_time: UnixMillis, fine: &Self, rows: Range<usize>) {
        let volume = fine.volume[rows.clone()].iter().sum::<f64>();
        self.open_time.push(open_time);
        self.open.push(fine.open[rows.start]);
        self.high.push(fine.high[rows.clone()].iter().copied().fold(f64::MIN, f64::max));
        self.low.push(fine.low[rows.clone()].iter().copied().fold(f64::MAX, f64::min));
        self.close.push(fine.close[rows.end - 1]);
        self.volume.push(volume);
        if let (Some(into), Some(from)) = (&mut self.volume_delta, &fine.volume_delta) {
            // A sum of rounded parts may pass the sum it is bounded by; the bound is the truth.
            into.push(from[rows.clone()].iter().sum::<f64>().clamp(-volume, volume));
        }
        if let (Some(into), Some(from)) = (&mut self.imbalance, &fine.imbalance) {
            into.push(from[rows.end - 1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::instrument::Instrument;

    const MINUTE: i64 = 60_000;

    /// Returns one-minute candles that open in the given minutes; prices rise by 1 a minute.
    fn minutes(minutes: &[i64]) -> Candles {
        let price = |up: f64| minutes.iter().map(|minute| 10_000.0 + *minute as f64 + up).collect::<Vec<_>>();
        let columns = Columns {
            open_time: minutes.iter().map(|minute| minute * MINUTE).collect(),
            open: price(0.0),
            high: price(3.0),
            low: price(-3.0),
            close: price(1.0),
            volume: vec![2.0; minutes.len()],
            volume_delta: Some(vec![-0.5; minutes.len()]),
            imbalance: Some(minutes.iter().map(|minute| (*minute % 10) as f64 / 10.0).collect()),
        };
        let instrument = Instrument { exchange: "test".parse().unwrap(), symbol: "BTC/USD".parse().unwrap() };
        Candles::new(instrument, Timeframe::M1, columns).unwrap()
    }

    fn five(candles: &Candles) -> Resampled {
        resample(candles, Timeframe::M5).unwrap()
    }

    #[test]
    fn coarse_candle_sums_up_its_fine_ones() {
        let coarse = five(&minutes(&[5, 6, 7, 8, 9]));
        let columns = coarse.candles.columns();
        assert_eq!(columns.open_time, [5 * MINUTE]);
        assert_eq!(
            (columns.open[0], columns.high[0], columns.low[0], columns.close[0]),
            (10_005.0, 10_012.0, 10_002.0, 10_010.0)
        );
        assert_eq!((columns.volume[0], columns.volume_delta.as_ref().unwrap()[0]), (10.0, -2.5));
        assert_eq!(columns.imbalance.as_deref(), Some([0.9].as_slice()));
        assert_eq!((coarse.incomplete, coarse.dropped_before, coarse.dropped_after), (0, 0, 0));
    }

    #[test]
    fn candles_that_are_cut_at_the_ends_are_dropped() {
        let coarse = five(&minutes(&(3..13).collect::<Vec<_>>()));
        assert_eq!(coarse.candles.columns().open_time, [5 * MINUTE]);
        assert_eq!((coarse.dropped_before, coarse.dropped_after), (2, 3));
    }

    #[test]
    fn inner_candle_with_missing_parts_is_kept_and_counted() {
        let coarse = five(&minutes(&[0, 1, 2, 3, 4, 5, 9, 20, 21, 22, 23, 24]));
        assert_eq!(coarse.candles.columns().open_time, [0, 5 * MINUTE, 20 * MINUTE]);
        assert_eq!(coarse.candles.columns().volume, [10.0, 4.0, 10.0]);
        assert_eq!(coarse.incomplete, 1);
    }

    #[test]
    fn finer_is_refused_and_same_is_the_same() {
        let candles = minutes(&(0..60).collect::<Vec<_>>());
        let hour = resample(&candles, Timeframe::H1).unwrap().candles;
        let error = resample(&hour, Timeframe::M5).unwrap_err();
        assert!(error.to_string().contains("5m candles cannot be made of 1h candles"), "{error}");
        assert_eq!(resample(&candles, Timeframe::M1).unwrap().candles, candles);
    }

    #[test]
    fn not_one_whole_candle_is_refused() {
        let error = resample(&minutes(&[1, 2, 3, 4, 5, 6]), Timeframe::H1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no whole 1h candle lies between 1970-01-01T00:01:00Z and 1970-01-01T00:07:00Z; \
             use more candles or a timeframe finer than 1h"
        );
    }

    proptest! {
        #[test]
        fn a_beginning_resamples_to_a_beginning(steps in prop::collection::vec(1_i64..8, 2..200), cut in 1_usize..200) {
            let times: Vec<i64> = steps.iter().scan(-100, |time, step| { *time += step; Some(*time) }).collect();
            let whole = resample(&minutes(&times), Timeframe::M15);
            let part = resample(&minutes(&times[..cut.min(times.len())]), Timeframe::M15);
            if let Ok(part) = part {
                let whole = whole.unwrap().candles.into_columns();
                let part = part.candles.into_columns();
                prop_assert_eq!(whole.slice(0..part.open_time.len()), part);
            }
        }

        #[test]
        fn resampled_candles_are_candles(steps in prop::collection::vec(1_i64..8, 2..200)) {
            let times: Vec<i64> = steps.iter().scan(-100, |time, step| { *time += step; Some(*time) }).collect();
            let fine = minutes(&times);
            if let Ok(coarse) = resample(&fine, Timeframe::M5) {
                let used = fine.len() - coarse.dropped_before - coarse.dropped_after;
                let columns = coarse.candles.into_columns();
                let halves: f64 = columns.volume.iter().sum::<f64>() / 2.0;
                prop_assert!((halves - used as f64).abs() < 0.5, "{} of {}", halves, used);
                prop_assert!(Candles::new(fine.instrument().clone(), Timeframe::M5, columns).is_ok());
            }
        }

        #[test]
        fn by_way_of_a_middle_is_the_same_where_no_gap_is_long(steps in prop::collection::vec(1_i64..3, 100..400)) {
            let times: Vec<i64> = steps.iter().scan(-100, |time, step| { *time += step; Some(*time) }).collect();
            let fine = minutes(&times);
            let straight = resample(&fine, Timeframe::H1);
            let by_way = resample(&five(&fine).candles, Timeframe::H1);
            if let (Ok(straight), Ok(by_way)) = (straight, by_way) {
                prop_assert_eq!(straight.candles, by_way.candles);
            }
        }
    }
}
