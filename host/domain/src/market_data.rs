//! The port to a broker's market data: closed candles, last prices and order books.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rust_decimal::Decimal;

use crate::broker::BrokerError;
use crate::candles::Columns;
use crate::instrument::Symbol;
use crate::timeframe::{Timeframe, UnixMillis};

/// Which candles to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarsQuery {
    /// The symbols.
    pub symbols: Vec<Symbol>,
    /// The length of a candle.
    pub timeframe: Timeframe,
    /// The first opening time, inclusive.
    pub from: UnixMillis,
    /// The last opening time, inclusive; what there is without it.
    pub to: Option<UnixMillis>,
    /// Candles in a page, over all symbols, up to 10,000.
    pub page_size: usize,
    /// Where the page before ended.
    pub page_token: Option<String>,
}

/// One page of candles, oldest first for each symbol. The columns are as the broker sent them, not yet checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BarsPage {
    /// By symbol; a symbol without a candle on the page is absent.
    pub bars: BTreeMap<Symbol, Columns>,
    /// What to ask the next page with; `None` on the last.
    pub next: Option<String>,
}

/// The last trade of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatestTrade {
    /// When, in Unix milliseconds.
    pub time: UnixMillis,
    /// Price in quote currency.
    pub price: Decimal,
    /// Base units.
    pub quantity: Decimal,
}

/// The order book of a symbol: best price first, each with the base units offered at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBook {
    /// When it was so, in Unix milliseconds.
    pub time: UnixMillis,
    /// What others would buy at.
    pub bids: Vec<(Decimal, Decimal)>,
    /// What others would sell at.
    pub asks: Vec<(Decimal, Decimal)>,
}

/// A source of prices.
#[async_trait]
pub trait MarketData: Send + Sync {
    /// Returns one page of candles; see [`all_bars`]. The newest may still be open: who asks knows the time.
    async fn bars(&self, query: &BarsQuery) -> Result<BarsPage, BrokerError>;

    /// Returns the last trade of each symbol that had one.
    async fn latest_trades(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, LatestTrade>, BrokerError>;

    /// Returns the order book of each symbol that has one.
    async fn order_books(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, OrderBook>, BrokerError>;
}

/// Returns the candles of all pages.
///
/// # Errors
/// When a page cannot be had.
pub async fn all_bars(source: &dyn MarketData, query: &BarsQuery) -> Result<BTreeMap<Symbol, Columns>, BrokerError> {
    let mut query = query.clone();
    let mut all = BTreeMap::<Symbol, Columns>::new();
    loop {
        let page = source.bars(&query).await?;
        for (symbol, columns) in page.bars {
            all.entry(symbol).or_default().append(columns);
        }
        match page.next {
            Some(next) => query.page_token = Some(next),
            None => return Ok(all),
        }
    }
}
