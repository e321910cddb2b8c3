//! `candles`: what strategies were shown.

use chrono::{DateTime, NaiveDate, Utc};

use crate::guardian::Report;
use crate::tables::Field;
use crate::timeframe::Timeframe;

crate::table! {
    /// Closed candles. Append-only: a candle that its source corrects is a new row with the next revision, and a
    /// decision names the revision it saw, so that it can be taken again. Prices are the very numbers that strategies
    /// were shown.
    pub struct CandleRow in "candles" {
        grain: "one revision of one closed candle",
        key: ["exchange", "symbol", "interval", "open_time", "revision"],
        grows_by: "open_time",
        laws: CandleRow::check_shape,
    }
    columns {
        /// Where it was quoted.
        exchange: String [; Rule::NotEmpty],
        /// What was quoted.
        symbol: String [; Rule::Symbol],
        /// Length of the candle; `timeframe` in other tables.
        interval: String [; Rule::OneOf(crate::tables::TIMEFRAMES)],
        /// When it opened.
        open_time: DateTime<Utc>,
        /// When it closed.
        close_time: DateTime<Utc> [; Rule::NotBefore("open_time")],
        /// How often the source had corrected it: 0 as first seen.
        revision: i64 [; Rule::AtLeast(0)],
        /// First traded price.
        open: f64 ["quote currency"; Rule::Above(0)],
        /// Highest traded price.
        high: f64 ["quote currency"; Rule::Above(0)],
        /// Lowest traded price.
        low: f64 ["quote currency"; Rule::Above(0)],
        /// Last traded price.
        close: f64 ["quote currency"; Rule::Above(0)],
        /// Traded quantity.
        volume: f64 ["base units"; Rule::AtLeast(0)],
        /// Average price, weighted by volume, where the source tells.
        vwap: Option<f64> ["quote currency"; Rule::Above(0)],
        /// Number of trades, where the source tells.
        trade_count: Option<i64> ["trades"; Rule::AtLeast(0)],
        /// Aggressive buys minus aggressive sells, where the source tells.
        volume_delta: Option<f64> ["base units"],
        /// Order-book imbalance at the close, where the source tells.
        imbalance: Option<f64> ["-1 to 1"; Rule::AtLeast(-1), Rule::AtMost(1)],
        /// Whether nothing was traded and the candle only carries the last close on.
        is_filler: bool,
        /// When it was received.
        time_received: DateTime<Utc> [; Rule::NotBefore("close_time")],
        /// The moment the row is about: open_time.
        timestamp: DateTime<Utc> [; Rule::SameAs("open_time")],
        /// Logical date: the UTC date on which it opened.
        ds: NaiveDate [; Rule::DateOf("open_time")],
    }
}

impl CandleRow {
    fn check_shape(&self, report: &mut Report) {
        let (top, bottom) = (self.open.max(self.close), self.open.min(self.close));
        report.expect(self.high >= top, "high", self.high, format!("{top} or more: no price of the candle is higher"));
        report.expect(
            self.low <= bottom,
            "low",
            self.low,
            format!("{bottom} or less: no price of the candle is lower"),
        );
        let Ok(timeframe) = self.interval.parse::<Timeframe>() else { return };
        let open_time = self.open_time.timestamp_millis();
        let is_boundary = timeframe.candle_open(open_time) == open_time;
        if !is_boundary {
            report.add("open_time", &self.open_time.to_cell(), format!("a boundary of {timeframe} candles"));
        }
        if self.close_time.timestamp_millis() != timeframe.close_time(open_time) {
            report.add("close_time", &self.close_time.to_cell(), format!("open_time + {timeframe}"));
        }
    }
}
