//! Real prices for the broker of this machine: candles of a source, brought to it as they close.
//!
//! With it, the local broker trades on the machine's own clock: its orders fill at the opens and within the ranges of
//! candles that the source publishes. What is absent: any account at the source.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use sentinel_domain::broker::BrokerError;
use sentinel_domain::candles::{CandleError, Candles};
use sentinel_domain::documents::{Records, StoreError};
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::market_data::{BarsQuery, MarketData, all_bars};
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_function_runtime::Runtime;
use sentinel_simulated_broker::exchange::Exchange;
use sentinel_simulated_broker::{CommandError, Moment, SimulatedBroker};
use thiserror::Error;

/// Candles before the first that a market is opened with: what strategies warm up on.
const HISTORY_BARS: i64 = 3_000;
const PAGE_BARS: usize = 10_000;

/// Why no prices came.
#[derive(Debug, Error)]
pub enum FeedError {
    /// The source.
    #[error("prices cannot be had: {0}")]
    Source(#[from] BrokerError),
    /// What it sent are no candles.
    #[error("the prices of {symbol} are no candles: {problem}")]
    Candles {
        /// Of what.
        symbol: String,
        /// What is wrong with them.
        problem: CandleError,
    },
    /// The local broker does not take them.
    #[error(transparent)]
    Broker(#[from] CommandError),
    /// What is traded cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The way of prices from a source to the local broker.
#[derive(Clone)]
pub struct Feed {
    broker: Arc<SimulatedBroker>,
    source: Arc<dyn MarketData>,
    /// The candles that are brought.
    timeframe: Timeframe,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("timeframe", &self.timeframe).finish_non_exhaustive()
    }
}

impl Feed {
    /// Returns the way of `timeframe` candles from `source` to `broker`.
    #[must_use]
    pub fn new(broker: Arc<SimulatedBroker>, source: Arc<dyn MarketData>, timeframe: Timeframe) -> Self {
        Self { broker, source, timeframe }
    }

    /// Returns the last close before or at `now`.
    #[must_use]
    pub const fn last_close(&self, now: UnixMillis) -> UnixMillis {
        self.timeframe.candle_open(now)
    }

    /// Brings what closed by `until` and is not there yet, of everything that the strategies in force trade. Returns
    /// the instruments whose candle that closes at `until` did not come.
    ///
    /// # Errors
    /// When the source does not answer, or the broker does not take what it says.
    pub async fn bring(&self, runtime: &Runtime, until: UnixMillis) -> Result<BTreeSet<Instrument>, FeedError> {
        let mut missing = BTreeSet::new();
        for instrument in traded(runtime).await? {
            let known = self.known(&instrument);
            let from = known.as_ref().map_or(until - HISTORY_BARS * self.timeframe.millis(), |candles| {
                candles.close_time(candles.len() - 1)
            });
            if from >= until {
                continue;
            }
            let candles = self.longer(&instrument, known.as_deref(), from..until).await?;
            let is_there = candles.as_ref().is_some_and(|candles| candles.close_time(candles.len() - 1) == until);
            if let Some(candles) = candles {
                self.broker.load(&candles, InstrumentRules::default())?;
            }
            if !is_there {
                missing.insert(instrument);
            }
        }
        Ok(missing)
    }

    /// Lets everything happen at the broker up to the opens at `until`.
    ///
    /// # Errors
    /// When the broker's file cannot be written.
    pub fn advance(&self, until: UnixMillis) -> Result<(), FeedError> {
        for moment in [Moment::at_close(until), Moment::at_open(until)] {
            if self.broker.look(Exchange::now) < moment {
                self.broker.advance(moment)?;
            }
        }
        Ok(())
    }

    fn known(&self, instrument: &Instrument) -> Option<Arc<Candles>> {
        self.broker
            .look(|exchange| exchange.markets().get(&instrument.symbol).map(|market| Arc::clone(market.candles())))
    }

    /// Returns what is known with what the source has besides; `None` when it has nothing.
    async fn longer(
        &self,
        instrument: &Instrument,
        known: Option<&Candles>,
        span: std::ops::Range<UnixMillis>,
    ) -> Result<Option<Candles>, FeedError> {
        let query = BarsQuery {
            symbols: vec![instrument.symbol.clone()],
            timeframe: self.timeframe,
            from: span.start,
            // The source may take its end to be included.
            to: Some(span.end - 1),
            page_size: PAGE_BARS,
            page_token: None,
        };
        let mut bars = all_bars(self.source.as_ref(), &query).await?;
        let Some(mut new) = bars.remove(&instrument.symbol) else { return Ok(None) };
        // The one that is still open comes when it has closed.
        let closed = new.open_time.partition_point(|open_time| self.timeframe.close_time(*open_time) <= span.end);
        new.truncate(closed);
        if new.open_time.is_empty() {
            return Ok(None);
        }
        let mut columns = known.map(|candles| candles.columns().clone()).unwrap_or_default();
        columns.append(new);
        Candles::new(instrument.clone(), self.timeframe, columns)
            .map(Some)
            .map_err(|problem| FeedError::Candles { symbol: instrument.to_string(), problem })
    }
}

/// Returns what the versions in force name.
async fn traded(runtime: &Runtime) -> Result<BTreeSet<Instrument>, StoreError> {
    let versions = Records::<StrategyVersion>::of(runtime.store.as_ref(), runtime.environment);
    let current = versions.all(versions.select().equal("is_current", true)).await?;
    Ok(current.into_iter().flat_map(|stored| stored.record.assets).collect())
}
