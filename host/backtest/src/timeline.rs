//! One clock for several series: every moment at which a candle opens or closes.
//!
//! The simulation walks over steps, not over candles, so that series of different length, timeframe and gaps share
//! one account. For each series the timeline knows how many of its candles have closed at each step.

use sentinel_domain::candles::Candles;
use sentinel_domain::timeframe::UnixMillis;

use crate::moments::Moments;

/// An index into the [`Timeline`].
pub(crate) type Step = usize;

#[derive(Debug)]
pub(crate) struct Timeline {
    moments: Moments,
    rows: Vec<Rows>,
}

/// How many candles of a series have closed at each step.
#[derive(Debug)]
enum Rows {
    /// The series alone makes the timeline and has no gaps: as many as the step's number.
    Even,
    /// Looked up by step.
    Closed(Vec<usize>),
}

impl Timeline {
    /// Makes the timeline of `series`, with `moments` at which something else happens (closes of coarser bars
    /// that end in a gap).
    pub(crate) fn new(series: &[&Candles], moments: impl Iterator<Item = UnixMillis>) -> Self {
        if let [candles] = series
            && !has_gaps(candles)
        {
            let millis = candles.timeframe().millis();
            let moments = Moments::Even { first: candles.columns().open_time[0], millis, len: candles.len() + 1 };
            return Self { moments, rows: vec![Rows::Even] };
        }
        let mut times: Vec<UnixMillis> = series
            .iter()
            .flat_map(|candles| {
                let millis = candles.timeframe().millis();
                candles.columns().open_time.iter().flat_map(move |open| [*open, open + millis])
            })
            .chain(moments)
            .collect();
        // Already sorted in the main: one run for each series.
        times.sort();
        times.dedup();
        let rows = series.iter().map(|candles| Rows::of(candles, &times)).collect();
        Self { moments: Moments::Listed(times), rows }
    }

    /// Returns the number of steps.
    pub(crate) fn len(&self) -> usize {
        self.moments.len()
    }

    #[inline]
    pub(crate) fn time(&self, step: Step) -> UnixMillis {
        self.moments.at(step)
    }

    /// Returns the first step at or after `time`.
    #[inline]
    pub(crate) fn step_at(&self, time: UnixMillis) -> Step {
        self.moments.index_at(time)
    }

    /// Returns how many candles of the series have closed at `step`; also the row of the next one.
    #[inline]
    pub(crate) fn closed(&self, series: usize, step: Step) -> usize {
        match &self.rows[series] {
            Rows::Even => step,
            Rows::Closed(closed) => closed[step],
        }
    }

    /// Returns the candle that closes at `step`, if one does.
    #[inline]
    pub(crate) fn closing(&self, series: usize, step: Step) -> Option<usize> {
        let before = if step == 0 { 0 } else { self.closed(series, step - 1) };
        (self.closed(series, step) > before).then_some(before)
    }

    /// Returns whether candle `n` of the series closes at step `n + 1`, for every `n`.
    /// Returns the moments but the first, at which nothing has closed yet.
    pub(crate) fn closes(&self) -> Moments {
        match &self.moments {
            Moments::Even { first, millis, len } => {
                Moments::Even { first: first + millis, millis: *millis, len: len - 1 }
            }
            Moments::Listed(times) => Moments::Listed(times[1..].to_vec()),
        }
    }

    pub(crate) fn is_even(&self, series: usize) -> bool {
        matches!(self.rows[series], Rows::Even)
    }
}

/// Times rise strictly and lie on the grid, so the first and the last tell.
fn has_gaps(candles: &Candles) -> bool {
    let open_time = &candles.columns().open_time;
    let span = open_time[open_time.len() - 1] - open_time[0];
    span / candles.timeframe().millis() + 1 != i64::try_from(open_time.len()).unwrap_or(i64::MAX)
}

impl Rows {
    fn of(candles: &Candles, times: &[UnixMillis]) -> Self {
        let open_time = &candles.columns().open_time;
        let millis = candles.timeframe().millis();
        let mut row = 0;
        let closed = times
            .iter()
            .map(|time| {
                while open_time.get(row).is_some_and(|open| open + millis <= *time) {
                    row += 1;
                }
                row
            })
            .collect();
        Self::Closed(closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_candles::candles;
    use sentinel_domain::timeframe::Timeframe;

    const MINUTE: i64 = 60_000;

    #[test]
    fn a_series_without_gaps_closes_one_candle_a_step() {
        let series = candles(Timeframe::M1, &[0, 1, 2, 3], &[1.0; 4]);
        let timeline = Timeline::new(&[&series], std::iter::empty());
        assert_eq!((timeline.len(), timeline.time(4)), (5, 4 * MINUTE));
        assert_eq!(
            (0..5).map(|step| timeline.closing(0, step)).collect::<Vec<_>>(),
            [None, Some(0), Some(1), Some(2), Some(3)]
        );
    }

    #[test]
    fn a_gap_has_a_step_for_the_close_before_and_the_open_after() {
        let series = candles(Timeframe::M1, &[0, 5], &[1.0; 2]);
        let timeline = Timeline::new(&[&series], std::iter::empty());
        assert_eq!((0..timeline.len()).map(|step| timeline.time(step) / MINUTE).collect::<Vec<_>>(), [0, 1, 5, 6]);
        assert_eq!((0..4).map(|step| timeline.closing(0, step)).collect::<Vec<_>>(), [None, Some(0), None, Some(1)]);
    }

    #[test]
    fn series_of_different_timeframes_share_steps() {
        let fine = candles(Timeframe::M1, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[1.0; 10]);
        let coarse = candles(Timeframe::M5, &[0, 1], &[1.0; 2]);
        let timeline = Timeline::new(&[&fine, &coarse], std::iter::empty());
        assert_eq!(timeline.len(), 11);
        assert_eq!(timeline.closing(1, 5), Some(0));
        assert_eq!(timeline.closing(1, 6), None);
        assert_eq!(timeline.closed(1, 9), 1);
    }
}
