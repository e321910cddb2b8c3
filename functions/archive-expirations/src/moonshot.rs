//! How far the price went the way of a signal that nobody acted on.

use rust_decimal::Decimal;
use sentinel_archive::Tape;
use sentinel_domain::live::LiveSignal;
use sentinel_domain::money::{decimal_price, to_f64};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_function_runtime::FunctionError;

/// The best price after a signal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Moonshot {
    /// The price.
    pub(crate) price: Decimal,
    /// When its candle closed.
    pub(crate) time: UnixMillis,
    /// The price above the signal's close, per cent; 0 where it never rose above it.
    pub(crate) percent: f64,
    /// The last close that was looked at.
    pub(crate) until: UnixMillis,
}

/// Returns the best price in the candles from the signal's close to `until`, or why there is none.
pub(crate) async fn find(
    signal: &LiveSignal,
    until: UnixMillis,
    tape: &mut Tape<'_>,
) -> Result<Result<Moonshot, &'static str>, FunctionError> {
    if !signal.signal_type.is_buy() {
        return Ok(Err("only a buy has a way to go: positions are long"));
    }
    let (timeframe, columns) = tape.between(&signal.instrument, signal.timeframe, signal.close_time, until).await?;
    let mut best: Option<(usize, f64)> = None;
    for (row, high) in columns.high.iter().copied().enumerate() {
        if best.is_none_or(|(_, known)| high > known) {
            best = Some((row, high));
        }
    }
    let Some((row, high)) = best else { return Ok(Err("no candle has closed since")) };
    let (price, close) = (decimal_price(high), decimal_price(signal.price));
    let gained = (price - close).max(Decimal::ZERO);
    let percent = to_f64(gained) / to_f64(close) * 100.0;
    let closed = |row: usize| timeframe.close_time(columns.open_time[row]);
    Ok(Ok(Moonshot { price, time: closed(row), percent, until: closed(columns.open_time.len() - 1) }))
}
