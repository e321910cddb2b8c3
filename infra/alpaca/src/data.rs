//! Crypto market data.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sentinel_domain::broker::BrokerError;
use sentinel_domain::candles::Columns;
use sentinel_domain::instrument::Symbol;
use sentinel_domain::market_data::{BarsPage, BarsQuery, LatestTrade, MarketData, OrderBook};
use sentinel_domain::timeframe::Timeframe;
use serde::Deserialize;

use crate::client::AlpacaClient;
use crate::forms::{Money, Time, time};
use crate::http::Ask;

const PAGE_MAX: usize = 10_000;

#[derive(Debug, Deserialize)]
struct BarForm {
    t: Time,
    o: f64,
    h: f64,
    l: f64,
    c: f64,
    v: f64,
}

#[derive(Debug, Deserialize)]
struct BarsForm {
    bars: Option<BTreeMap<Symbol, Vec<BarForm>>>,
    next_page_token: Option<String>,
}

#[derive(Debug, Deserialize)]
struct TradeForm {
    t: Time,
    p: Money,
    s: Money,
}

#[derive(Debug, Deserialize)]
struct TradesForm {
    trades: BTreeMap<Symbol, TradeForm>,
}

#[derive(Debug, Deserialize)]
struct LevelForm {
    p: Money,
    s: Money,
}

#[derive(Debug, Deserialize)]
struct BookForm {
    t: Time,
    b: Vec<LevelForm>,
    a: Vec<LevelForm>,
}

#[derive(Debug, Deserialize)]
struct BooksForm {
    orderbooks: BTreeMap<Symbol, BookForm>,
}

fn columns(bars: Vec<BarForm>) -> Columns {
    let mut columns = Columns::default();
    for bar in bars {
        columns.open_time.push(bar.t.0);
        columns.open.push(bar.o);
        columns.high.push(bar.h);
        columns.low.push(bar.l);
        columns.close.push(bar.c);
        columns.volume.push(bar.v);
    }
    columns
}

const fn timeframe_name(timeframe: Timeframe) -> &'static str {
    match timeframe {
        Timeframe::M1 => "1Min",
        Timeframe::M5 => "5Min",
        Timeframe::M15 => "15Min",
        Timeframe::H1 => "1Hour",
        Timeframe::H4 => "4Hour",
        Timeframe::D1 => "1Day",
    }
}

fn names(symbols: &[Symbol]) -> String {
    symbols.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

impl AlpacaClient {
    fn data(&self, path: &str, symbols: &[Symbol]) -> Ask {
        Ask::data(format!("/v1beta3/crypto/{}/{path}", self.config.data_location)).with("symbols", names(symbols))
    }
}

#[async_trait]
impl MarketData for AlpacaClient {
    async fn bars(&self, query: &BarsQuery) -> Result<BarsPage, BrokerError> {
        if query.symbols.is_empty() {
            return Ok(BarsPage::default());
        }
        let ask = self
            .data("bars", &query.symbols)
            .with("timeframe", timeframe_name(query.timeframe).to_owned())
            .with("start", time(query.from))
            .with("end", query.to.map(time))
            .with("limit", query.page_size.clamp(1, PAGE_MAX).to_string())
            .with("sort", "asc".to_owned())
            .with("page_token", query.page_token.clone());
        let form: BarsForm = self.ask(&ask).await?;
        let bars = form.bars.unwrap_or_default().into_iter().map(|(symbol, bars)| (symbol, columns(bars))).collect();
        Ok(BarsPage { bars, next: form.next_page_token })
    }

    async fn latest_trades(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, LatestTrade>, BrokerError> {
        if symbols.is_empty() {
            return Ok(BTreeMap::new());
        }
        let form: TradesForm = self.ask(&self.data("latest/trades", symbols)).await?;
        let trade = |trade: TradeForm| LatestTrade { time: trade.t.0, price: trade.p.0, quantity: trade.s.0 };
        Ok(form.trades.into_iter().map(|(symbol, form)| (symbol, trade(form))).collect())
    }

    async fn order_books(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, OrderBook>, BrokerError> {
        if symbols.is_empty() {
            return Ok(BTreeMap::new());
        }
        let form: BooksForm = self.ask(&self.data("latest/orderbooks", symbols)).await?;
        let levels = |side: Vec<LevelForm>| side.into_iter().map(|level| (level.p.0, level.s.0)).collect();
        let book = |book: BookForm| OrderBook { time: book.t.0, bids: levels(book.b), asks: levels(book.a) };
        Ok(form.orderbooks.into_iter().map(|(symbol, form)| (symbol, book(form))).collect())
    }
}
