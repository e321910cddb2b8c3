//! Small series for unit tests.

use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::instrument::Instrument;
use sentinel_domain::timeframe::Timeframe;

/// Returns candles whose four prices are the same, opening at the given whole multiples of the timeframe.
pub(crate) fn candles(timeframe: Timeframe, opens: &[i64], prices: &[f64]) -> Candles {
    let rows: Vec<_> = prices.iter().map(|price| [*price; 4]).collect();
    ohlc(timeframe, opens, &rows)
}

/// Returns candles of `[open, high, low, close]`.
pub(crate) fn ohlc(timeframe: Timeframe, opens: &[i64], rows: &[[f64; 4]]) -> Candles {
    let column = |index: usize| rows.iter().map(|row| row[index]).collect::<Vec<_>>();
    let columns = Columns {
        open_time: opens.iter().map(|open| open * timeframe.millis()).collect(),
        open: column(0),
        high: column(1),
        low: column(2),
        close: column(3),
        volume: vec![1.0; rows.len()],
        ..Columns::default()
    };
    let instrument = Instrument { exchange: "test".parse().unwrap(), symbol: "BTC/USD".parse().unwrap() };
    Candles::new(instrument, timeframe, columns).unwrap()
}
