//! Answers of the market data interface: only what has happened by the broker's clock.
//!
//! There are candles and nothing finer, so a trade is the close of a candle and a quote lies a tick around it, and the
//! count of trades and their mean price are the plainest that fit the candle.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sentinel_domain::candles::{Candle, Candles};
use sentinel_domain::instrument::Symbol;
use sentinel_domain::money::to_f64;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use serde_json::{Value, json};

use super::queries::{Parameters, bar_timeframe};
use super::refusals::Refused;
use super::{find_symbol, time};
use crate::exchange::Exchange;
use crate::market::Market;
use crate::moment::Moment;

const LIMIT_DEFAULT: usize = 1_000;
const LIMIT_MAX: usize = 10_000;
/// What Alpaca shows without a beginning: the current day.
const START_DEFAULT: i64 = Timeframe::D1.millis();

/// What a list is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    Bars,
    Trades,
    Quotes,
}

impl Listed {
    const fn key(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Trades => "trades",
            Self::Quotes => "quotes",
        }
    }

    fn entry(self, candle: &Candle, close_time: UnixMillis, tick: Decimal) -> Value {
        match self {
            Self::Bars => bar(candle),
            Self::Trades => trade(candle, close_time),
            Self::Quotes => quote(candle, close_time, tick),
        }
    }
}

fn bar(candle: &Candle) -> Value {
    json!({
        "t": time(candle.open_time),
        "o": candle.open,
        "h": candle.high,
        "l": candle.low,
        "c": candle.close,
        "v": candle.volume,
        "n": u8::from(candle.volume > 0.0),
        "vw": (candle.high + candle.low + candle.close) / 3.0,
    })
}

fn trade(candle: &Candle, close_time: UnixMillis) -> Value {
    let taker = if candle.close >= candle.open { "B" } else { "S" };
    json!({ "t": time(close_time), "p": candle.close, "s": candle.volume, "i": close_time / 1000, "tks": taker })
}

fn quote(candle: &Candle, close_time: UnixMillis, tick: Decimal) -> Value {
    let tick = to_f64(tick);
    json!({
        "t": time(close_time),
        "bp": (candle.close - tick).max(tick), "bs": candle.volume,
        "ap": candle.close + tick, "as": candle.volume,
    })
}

fn symbols(exchange: &Exchange, parameters: &Parameters) -> Result<Vec<Symbol>, Refused> {
    let names = parameters.list("symbols");
    if names.is_empty() {
        return Err(Refused::parameter("symbols is required"));
    }
    let found = names.into_iter().map(|name| {
        if !name.contains('/') {
            return Err(Refused::parameter(format!("invalid symbol: {name} does not match ^[A-Z]+/[A-Z]+$")));
        }
        Ok(find_symbol(exchange, name))
    });
    let found: Vec<Option<Symbol>> = found.collect::<Result<_, _>>()?;
    let mut found: Vec<Symbol> = found.into_iter().flatten().collect();
    found.sort();
    found.dedup();
    Ok(found)
}

/// Returns one page of candles or of what is made from them, symbol after symbol.
pub(crate) fn list(exchange: &mut Exchange, parameters: &Parameters, listed: Listed) -> Result<Value, Refused> {
    let symbols = symbols(exchange, parameters)?;
    let timeframe = match (listed, parameters.get("timeframe")) {
        (Listed::Bars, None) => return Err(Refused::parameter("timeframe is required")),
        (Listed::Bars, Some(text)) => Some(bar_timeframe(text).ok_or_else(|| {
            Refused::parameter(format!("invalid timeframe {text}: use 1Min, 5Min, 15Min, 1Hour, 4Hour or 1Day"))
        })?),
        (Listed::Trades | Listed::Quotes, _) => None,
    };
    let now = exchange.now();
    let start = parameters.time("start")?.unwrap_or_else(|| Timeframe::D1.candle_open(now.time - START_DEFAULT + 1));
    let end = parameters.time("end")?.unwrap_or(now.time);
    let limit = parameters.number::<usize>("limit")?.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Refused::parameter(format!("limit must be 1 to {LIMIT_MAX}")));
    }
    let is_descending = parameters.get("sort") == Some("desc");
    let token = parameters.get("page_token").map(read_token).transpose()?;

    let mut left = limit;
    let mut pages = BTreeMap::new();
    let mut next = None;
    for symbol in symbols {
        if token.as_ref().is_some_and(|(from, _)| symbol < *from) {
            continue;
        }
        let Some((candles, tick)) = candles_of(exchange, &symbol, timeframe)? else { continue };
        let seen = token.as_ref().filter(|(from, _)| *from == symbol).map(|(_, time)| *time);
        let rows = rows(&candles, listed, (start, end), now, is_descending, seen);
        if left == 0 && !rows.is_empty() {
            // Nothing of this symbol is on the page, so the token lies before its first entry.
            let before = if is_descending { UnixMillis::MAX } else { UnixMillis::MIN };
            next = Some(format!("{symbol}|{before}"));
            break;
        }
        let page: Vec<Value> = rows
            .iter()
            .take(left)
            .map(|row| listed.entry(&candles.candle(*row), candles.close_time(*row), tick))
            .collect();
        if rows.len() > left {
            next = Some(format!("{symbol}|{}", candles.columns().open_time[rows[left - 1]]));
        }
        left -= page.len();
        if !page.is_empty() {
            pages.insert(symbol.to_string(), page);
        }
        if next.is_some() {
            break;
        }
    }
    Ok(json!({ listed.key(): pages, "next_page_token": next }))
}

/// Returns the rows that may be shown, in the order asked for, behind the one that was `seen` last.
fn rows(
    candles: &Candles,
    listed: Listed,
    (start, end): (UnixMillis, UnixMillis),
    now: Moment,
    is_descending: bool,
    seen: Option<UnixMillis>,
) -> Vec<usize> {
    let times = &candles.columns().open_time;
    let millis = candles.timeframe().millis();
    let closed = times.partition_point(|open| Moment::at_close(open + millis) <= now);
    // Bars are found by their open, trades and quotes by the close at which they happen.
    let offset = if listed == Listed::Bars { 0 } else { millis };
    let from = times[..closed].partition_point(|open| open + offset < start);
    let to = times[..closed].partition_point(|open| open + offset <= end);
    let rows = from..to.max(from);
    if is_descending {
        rows.rev().filter(|row| seen.is_none_or(|seen| times[*row] < seen)).collect()
    } else {
        rows.filter(|row| seen.is_none_or(|seen| times[*row] > seen)).collect()
    }
}

type Series = (std::sync::Arc<Candles>, Decimal);

fn candles_of(
    exchange: &mut Exchange,
    symbol: &Symbol,
    timeframe: Option<Timeframe>,
) -> Result<Option<Series>, Refused> {
    let Some(market) = exchange.market_mut(symbol) else { return Ok(None) };
    let tick = market.rules().tick_size;
    let finest = market.candles().timeframe();
    let timeframe = timeframe.unwrap_or(finest);
    if timeframe < finest {
        return Err(Refused::parameter(format!("the finest candles of {symbol} here are {finest}")));
    }
    // Too few candles for a coarse one is an empty answer, not a mistake.
    Ok(market.coarser(timeframe).ok().map(|candles| (candles, tick)))
}

fn read_token(text: &str) -> Result<(Symbol, UnixMillis), Refused> {
    let read = text.split_once('|').and_then(|(symbol, time)| Some((symbol.parse().ok()?, time.parse().ok()?)));
    read.ok_or_else(|| Refused::parameter("invalid page_token"))
}

/// What is asked for of the last moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Latest {
    Bars,
    Trades,
    Quotes,
    OrderBooks,
}

/// Returns the last of something for each symbol.
pub(crate) fn latest(exchange: &mut Exchange, parameters: &Parameters, latest: Latest) -> Result<Value, Refused> {
    let key = match latest {
        Latest::Bars => "bars",
        Latest::Trades => "trades",
        Latest::Quotes => "quotes",
        Latest::OrderBooks => "orderbooks",
    };
    let mut all = BTreeMap::new();
    for symbol in symbols(exchange, parameters)? {
        let now = exchange.now().time;
        let Some(market) = exchange.markets().get(&symbol) else { continue };
        let Some(seen) = last_seen(market, now) else { continue };
        let tick = market.rules().tick_size;
        let entry = match latest {
            Latest::Bars => bar(&seen.candle),
            Latest::Trades => trade(&seen.at_price(), seen.time),
            Latest::Quotes => quote(&seen.at_price(), seen.time, tick),
            Latest::OrderBooks => order_book(&seen, tick),
        };
        all.insert(symbol.to_string(), entry);
    }
    Ok(json!({ key: all }))
}

/// The last closed candle and the last price, which may be the open of the next.
struct Seen {
    candle: Candle,
    time: UnixMillis,
    price: f64,
}

impl Seen {
    fn at_price(&self) -> Candle {
        Candle { close: self.price, ..self.candle }
    }
}

fn last_seen(market: &Market, now: UnixMillis) -> Option<Seen> {
    let row = market.closed().checked_sub(1)?;
    let candle = market.candles().candle(row);
    let price = to_f64(market.last_price()?);
    let close_time = market.candles().close_time(row);
    let is_running = market.just_opened(now).is_some();
    Some(Seen { candle, time: if is_running { now } else { close_time }, price })
}

fn order_book(seen: &Seen, tick: Decimal) -> Value {
    const LEVELS: u8 = 5;
    let tick = to_f64(tick);
    let size = seen.candle.volume / f64::from(LEVELS);
    let level = |side: f64| {
        let prices = (1..=LEVELS).map(move |step| seen.price + side * tick * f64::from(step));
        prices.filter(|price| *price > 0.0).map(|price| json!({ "p": price, "s": size })).collect::<Vec<_>>()
    };
    json!({ "t": time(seen.time), "b": level(-1.0), "a": level(1.0) })
}

/// Returns the last trade, quote and candles of each symbol together.
pub(crate) fn snapshots(exchange: &mut Exchange, parameters: &Parameters) -> Result<Value, Refused> {
    let mut all = BTreeMap::new();
    for symbol in symbols(exchange, parameters)? {
        let now = exchange.now();
        let Some(market) = exchange.market_mut(&symbol) else { continue };
        let Some(seen) = last_seen(market, now.time) else { continue };
        let tick = market.rules().tick_size;
        let mut snapshot = json!({
            "latestTrade": trade(&seen.at_price(), seen.time),
            "latestQuote": quote(&seen.at_price(), seen.time, tick),
            "minuteBar": bar(&seen.candle),
        });
        if let Ok(days) = market.coarser(Timeframe::D1) {
            let millis = Timeframe::D1.millis();
            let closed = days.columns().open_time.partition_point(|open| Moment::at_close(open + millis) <= now);
            for (key, back) in [("dailyBar", 1), ("prevDailyBar", 2)] {
                if let Some(row) = closed.checked_sub(back) {
                    snapshot[key] = bar(&days.candle(row));
                }
            }
        }
        all.insert(symbol.to_string(), snapshot);
    }
    Ok(json!({ "snapshots": all }))
}
