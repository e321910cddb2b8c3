//! A download: what is missing is asked for page by page, and stored page by page.

use std::ops::Range;
use std::time::Duration;

use sentinel_candle_store::{CandleStore, OnConflict, WriteReport};
use sentinel_domain::candles::resample::resample;
use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::instrument::{Instrument, Symbol};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};

use crate::api::RawCandle;
use crate::client::{Answer, Client};
use crate::error::FetchError;
use crate::source::{FetchOptions, Source};

/// For so long after its end a stretch counts as answered only up to its last candle: an exchange may be late to
/// publish one, or may yet correct it.
const SETTLED_AFTER_MILLIS: i64 = 3_600_000;

/// What to download.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchRequest {
    /// From where.
    pub source: Source,
    /// Of what.
    pub symbol: Symbol,
    /// How long the candles are.
    pub timeframe: Timeframe,
    /// When they open. The end may lie in the future: candles that are still open are left out.
    pub range: Range<UnixMillis>,
    /// How to ask.
    pub options: FetchOptions,
}

/// What happens during a download.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// A page was stored.
    Page {
        /// The whole range, without what is still open.
        range: Range<UnixMillis>,
        /// Everything in the range before this time is stored.
        stored_until: UnixMillis,
        /// Candles stored in this run.
        candles: usize,
    },
    /// A request failed and is tried again.
    Retry {
        /// What went wrong.
        reason: String,
        /// How long is waited first.
        wait: Duration,
    },
}

/// What a download did.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchReport {
    /// What the candles are of.
    pub instrument: Instrument,
    /// How long they are.
    pub timeframe: Timeframe,
    /// The range, without what is still open.
    pub range: Range<UnixMillis>,
    /// What was stored.
    pub written: WriteReport,
    /// How many requests were answered.
    pub pages: usize,
    /// How many requests failed and were tried again.
    pub retries: usize,
    /// Candles that open between two boundaries of the timeframe, which were left out.
    pub off_grid: usize,
    /// The finer candles that these were made of, where the exchange does not have them. They are stored too.
    pub made_of: Option<Timeframe>,
}

/// Downloads the closed candles of a range that are not stored yet. `clock` tells the time in Unix milliseconds.
///
/// Blocks until the end; not to be called from within an async runtime.
///
/// # Errors
/// Pages that came before an error are stored, and the next call goes on behind them.
pub fn fetch(
    request: &FetchRequest,
    store: &CandleStore,
    clock: &dyn Fn() -> UnixMillis,
    progress: &mut dyn FnMut(Progress),
) -> Result<FetchReport, FetchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| FetchError::Setup(error.to_string()))?;
    let mut download = Download::new(request, store, clock, progress)?;
    let outcome = runtime.block_on(download.run());
    // Also after a failure: what came is kept where the next run, and every reader, finds it fastest.
    let settled = store.settle(&download.report.instrument, download.fetched);
    outcome?;
    settled?;
    download.make_coarser()?;
    Ok(download.report)
}

struct Download<'a> {
    request: &'a FetchRequest,
    store: &'a CandleStore,
    clock: &'a dyn Fn() -> UnixMillis,
    progress: &'a mut dyn FnMut(Progress),
    client: Client,
    /// The timeframe that is asked for.
    fetched: Timeframe,
    report: FetchReport,
}

impl<'a> Download<'a> {
    fn new(
        request: &'a FetchRequest,
        store: &'a CandleStore,
        clock: &'a dyn Fn() -> UnixMillis,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Result<Self, FetchError> {
        let FetchRequest { source, timeframe, .. } = *request;
        let fetched = source.fetched_timeframe(timeframe);
        let report = FetchReport {
            instrument: Instrument { exchange: source.exchange(), symbol: request.symbol.clone() },
            timeframe,
            range: closed_part(&request.range, timeframe, clock())?,
            written: WriteReport::default(),
            pages: 0,
            retries: 0,
            off_grid: 0,
            made_of: (fetched != timeframe).then_some(fetched),
        };
        let client = Client::new(source, request.options.clone())?;
        Ok(Self { request, store, clock, progress, client, fetched, report })
    }

    async fn run(&mut self) -> Result<(), FetchError> {
        for stretch in self.stretches()? {
            let mut start = stretch.start;
            while start < stretch.end {
                let window = start..stretch.end.min(start + self.page_millis(self.fetched));
                start = window.end;
                let is_empty = self.fetch_page(window).await?;
                if is_empty && start < stretch.end {
                    start = self.skip_silence(start..stretch.end).await?;
                }
            }
        }
        Ok(())
    }

    /// Returns what has to be asked for.
    fn stretches(&self) -> Result<Vec<Range<UnixMillis>>, FetchError> {
        let whole = self.report.range.clone();
        match self.request.options.on_conflict {
            OnConflict::Refuse => Ok(self.store.uncovered(&self.report.instrument, self.fetched, whole)?),
            OnConflict::Replace => Ok(vec![whole]),
        }
    }

    /// Returns how much time one page spans.
    fn page_millis(&self, timeframe: Timeframe) -> i64 {
        i64::try_from(self.request.source.page_candles()).unwrap_or(i64::MAX) * timeframe.millis()
    }

    /// Fetches and stores the candles of a window; returns whether there are none.
    async fn fetch_page(&mut self, window: Range<UnixMillis>) -> Result<bool, FetchError> {
        let answer = self.ask(self.fetched, &window).await?;
        let now = self.now(&answer);
        let first_served = answer.page.candles.iter().map(|candle| candle.open_time).min();
        if let Some(earliest) = first_served
            && answer.page.is_end_of_history
            && earliest > window.start
        {
            return Err(self.beyond_history(window.start, earliest));
        }
        let candles = self.closed_candles(answer.page.candles, &window, now)?;
        let last_close = candles.as_ref().map_or(window.start, |candles| candles.close_time(candles.len() - 1));
        let covered = window.start..last_close.max(window.end.min(now - SETTLED_AFTER_MILLIS));
        self.keep(candles.as_ref(), covered)?;
        Ok(candles.is_none())
    }

    /// Finds where trading begins after a window without candles, by asking for days. A market that was listed late
    /// would else cost a request for each few hours of the years before.
    async fn skip_silence(&mut self, rest: Range<UnixMillis>) -> Result<UnixMillis, FetchError> {
        let day = Timeframe::D1;
        if self.fetched == day {
            return Ok(rest.start);
        }
        let first_day = day.candle_open(rest.start);
        let days = first_day..first_day + self.page_millis(day);
        let answer = self.ask(day, &days).await?;
        let now = self.now(&answer);
        let within = answer.page.candles.iter().map(|candle| candle.open_time).filter(|time| days.contains(time));
        let begins = within.min().unwrap_or(days.end).clamp(rest.start, rest.end);
        self.keep(None, rest.start..begins.min(now - SETTLED_AFTER_MILLIS))?;
        Ok(begins)
    }

    async fn ask(&mut self, timeframe: Timeframe, window: &Range<UnixMillis>) -> Result<Answer, FetchError> {
        let Self { client, request, report, progress, .. } = self;
        let on_retry = |reason: &str, wait| {
            report.retries += 1;
            progress(Progress::Retry { reason: reason.to_owned(), wait });
        };
        let answer = client.page(&request.symbol, timeframe, window, on_retry).await?;
        self.report.pages += 1;
        Ok(answer)
    }

    /// Returns the time, by the slower of two clocks: one that is fast would take an open candle for a closed one.
    fn now(&self, answer: &Answer) -> UnixMillis {
        let now = (self.clock)();
        answer.server_time.map_or(now, |server_time| now.min(server_time))
    }

    fn closed_candles(
        &mut self,
        mut raw: Vec<RawCandle>,
        window: &Range<UnixMillis>,
        now: UnixMillis,
    ) -> Result<Option<Candles>, FetchError> {
        raw.retain(|candle| window.contains(&candle.open_time) && self.fetched.close_time(candle.open_time) <= now);
        raw.sort_by_key(|candle| candle.open_time);
        raw.dedup();
        let came = raw.len();
        raw.retain(|candle| self.fetched.is_aligned(candle.open_time));
        self.report.off_grid += came - raw.len();
        if raw.is_empty() {
            return Ok(None);
        }
        Candles::new(self.report.instrument.clone(), self.fetched, into_columns(&raw))
            .map(Some)
            .map_err(|source| FetchError::BadCandle { source_name: self.request.source, source })
    }

    fn keep(&mut self, page: Option<&Candles>, covered: Range<UnixMillis>) -> Result<(), FetchError> {
        let on_conflict = self.request.options.on_conflict;
        let stored_until = covered.end.max(covered.start);
        let written = self.store.append(&self.report.instrument, self.fetched, page, covered, on_conflict)?;
        let sum = &mut self.report.written;
        sum.added += written.added;
        sum.unchanged += written.unchanged;
        sum.completed += written.completed;
        sum.replaced += written.replaced;
        let candles = sum.added + sum.completed + sum.replaced;
        (self.progress)(Progress::Page { range: self.report.range.clone(), stored_until, candles });
        Ok(())
    }

    fn beyond_history(&self, from: UnixMillis, earliest: UnixMillis) -> FetchError {
        let source_name = self.request.source;
        // The last one is still open and does not count.
        let served = source_name.page_candles() - 1;
        FetchError::BeyondHistory { source_name, timeframe: self.fetched, served, from, earliest }
    }

    /// Makes the candles that were asked for of the finer ones that were fetched.
    fn make_coarser(&mut self) -> Result<(), FetchError> {
        if self.report.made_of.is_some() {
            let fine = self.store.read(&self.report.instrument, self.fetched, self.report.range.clone())?;
            let coarse = resample(&fine, self.request.timeframe)?;
            // Not a conflict: a fine candle that came later changes what the coarse one is made of.
            self.report.written = self.store.write(&coarse.candles, OnConflict::Replace)?;
        }
        Ok(())
    }
}

/// Returns the boundaries of the candles that open in `range` and have closed by `now`.
fn closed_part(
    range: &Range<UnixMillis>,
    timeframe: Timeframe,
    now: UnixMillis,
) -> Result<Range<UnixMillis>, FetchError> {
    let round_up = |time| timeframe.candle_open(time + timeframe.millis() - 1);
    let closed = round_up(range.start)..round_up(range.end).min(timeframe.candle_open(now));
    if closed.is_empty() {
        return Err(FetchError::EmptyRange { timeframe, from: range.start, to: range.end.min(now) });
    }
    Ok(closed)
}

fn into_columns(raw: &[RawCandle]) -> Columns {
    let column = |value: fn(&RawCandle) -> f64| raw.iter().map(value).collect::<Vec<_>>();
    Columns {
        open_time: raw.iter().map(|candle| candle.open_time).collect(),
        open: column(|candle| candle.open),
        high: column(|candle| candle.high),
        low: column(|candle| candle.low),
        close: column(|candle| candle.close),
        volume: column(|candle| candle.volume),
        volume_delta: raw.iter().map(|candle| candle.volume_delta).collect(),
        imbalance: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn open_candles_are_no_part_of_a_range() {
        let part = |range: Range<i64>, now| closed_part(&range, Timeframe::H1, now).ok();
        assert_eq!(part(0..10 * HOUR, 20 * HOUR), Some(0..10 * HOUR));
        assert_eq!(part(1..10 * HOUR + 1, 20 * HOUR), Some(HOUR..11 * HOUR));
        assert_eq!(part(0..10 * HOUR, 5 * HOUR + 1), Some(0..5 * HOUR));
        assert_eq!(part(0..10 * HOUR, HOUR - 1), None);
        assert_eq!(part(5 * HOUR..5 * HOUR, 20 * HOUR), None);
    }
}
