//! Candles as rows of `candles`.

use sentinel_domain::live::CandleChunk;
use sentinel_domain::tables::CandleRow;

use crate::time::{date_of, utc};

/// Returns the row of the candle in `row` of a chunk, under `revision`.
#[must_use]
pub fn candle_row(chunk: &CandleChunk, row: usize, revision: i64) -> CandleRow {
    let columns = &chunk.columns;
    let open_time = columns.open_time[row];
    let of = |column: &Option<Vec<f64>>| column.as_ref().map(|values| values[row]);
    CandleRow {
        exchange: chunk.instrument.exchange.to_string(),
        symbol: chunk.instrument.symbol.to_string(),
        interval: chunk.timeframe.as_str().to_owned(),
        open_time: utc(open_time),
        close_time: utc(chunk.timeframe.close_time(open_time)),
        revision,
        open: columns.open[row],
        high: columns.high[row],
        low: columns.low[row],
        close: columns.close[row],
        volume: columns.volume[row],
        vwap: None,
        trade_count: None,
        volume_delta: of(&columns.volume_delta),
        imbalance: of(&columns.imbalance),
        // Gaps are filled for those who are shown candles, never in what is kept.
        is_filler: false,
        time_received: utc(chunk.received_at(row)),
        timestamp: utc(open_time),
        ds: date_of(open_time),
    }
}
