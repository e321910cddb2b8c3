//! One symbol's candles and how far the clock has come in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use sentinel_domain::candles::resample::{ResampleError, resample};
use sentinel_domain::candles::{Candle, Candles};
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::money::decimal_price;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};

use crate::moment::{Moment, Phase};

/// The finest candles that are known of a symbol. Those behind the clock have happened; the others nobody may see.
#[derive(Debug, Clone)]
pub struct Market {
    rules: InstrumentRules,
    candles: Arc<Candles>,
    /// Candles that have opened.
    opened: usize,
    /// Candles that have closed: as many, or one less.
    closed: usize,
    coarse: BTreeMap<Timeframe, Arc<Candles>>,
}

impl Market {
    /// Returns a market of which everything up to `now` is the past.
    pub(crate) fn new(candles: Arc<Candles>, rules: InstrumentRules, now: Moment) -> Self {
        let times = &candles.columns().open_time;
        let opened = times.partition_point(|time| Moment::at_open(*time) <= now);
        let millis = candles.timeframe().millis();
        let closed = times.partition_point(|time| Moment::at_close(*time + millis) <= now);
        Self { rules, candles, opened, closed, coarse: BTreeMap::new() }
    }

    /// Returns how orders are rounded.
    #[must_use]
    pub const fn rules(&self) -> &InstrumentRules {
        &self.rules
    }

    /// Returns the finest candles, those of the future included.
    #[must_use]
    pub const fn candles(&self) -> &Arc<Candles> {
        &self.candles
    }

    /// Returns the number of candles that have closed.
    #[must_use]
    pub const fn closed(&self) -> usize {
        self.closed
    }

    /// Puts longer candles in the place of these, of which they must be a continuation.
    pub(crate) fn extend(&mut self, candles: Arc<Candles>, rules: InstrumentRules) {
        self.candles = candles;
        self.rules = rules;
        self.coarse.clear();
    }

    /// Returns candles of a coarser timeframe, those of the future included.
    pub(crate) fn coarser(&mut self, timeframe: Timeframe) -> Result<Arc<Candles>, ResampleError> {
        if timeframe == self.candles.timeframe() {
            return Ok(Arc::clone(&self.candles));
        }
        if let Some(known) = self.coarse.get(&timeframe) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(resample(&self.candles, timeframe)?.candles);
        self.coarse.insert(timeframe, Arc::clone(&made));
        Ok(made)
    }

    /// Returns when something happens next.
    pub(crate) fn next_event(&self) -> Option<Moment> {
        let times = &self.candles.columns().open_time;
        let close = (self.closed < times.len()).then(|| Moment::at_close(self.candles.close_time(self.closed)));
        let open = times.get(self.opened).map(|time| Moment::at_open(*time));
        [close, open].into_iter().flatten().min()
    }

    /// Passes the open or close that happens at `moment` and returns its candle, if there is one.
    pub(crate) fn pass(&mut self, moment: Moment) -> Option<Candle> {
        if self.next_event() != Some(moment) {
            return None;
        }
        let row = match moment.phase {
            Phase::Close => &mut self.closed,
            Phase::Open => &mut self.opened,
        };
        *row += 1;
        Some(self.candles.candle(*row - 1))
    }

    /// Returns the candle that opened at this very time, if one did.
    pub(crate) fn just_opened(&self, time: UnixMillis) -> Option<Candle> {
        let row = self.opened.checked_sub(1)?;
        let candle = self.candles.candle(row);
        (candle.open_time == time && self.closed == row).then_some(candle)
    }

    /// Returns the last close, or before the first one the open of the candle that is under way.
    #[must_use]
    pub fn mark_price(&self) -> Option<Decimal> {
        let columns = self.candles.columns();
        let close = self.closed.checked_sub(1).map(|row| columns.close[row]);
        close.or_else(|| self.opened.checked_sub(1).map(|row| columns.open[row])).map(decimal_price)
    }

    /// Returns the last price that was seen: the open of the candle under way, or the last close.
    #[must_use]
    pub fn last_price(&self) -> Option<Decimal> {
        let columns = self.candles.columns();
        if self.opened > self.closed {
            return columns.open.get(self.opened - 1).copied().map(decimal_price);
        }
        self.mark_price()
    }

    /// Returns the close of the last candle that had closed at `time`, or of the first one there was.
    #[must_use]
    pub fn close_at(&self, time: UnixMillis) -> Option<Decimal> {
        let columns = self.candles.columns();
        let millis = self.candles.timeframe().millis();
        let closed = columns.open_time[..self.closed].partition_point(|open| open + millis <= time);
        columns.close[..self.closed].get(closed.saturating_sub(1)).copied().map(decimal_price)
    }
}
