//! `backtest_equity_curve`: the way a backtest's account went.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

crate::table! {
    /// Equity over the time of a backtest: its rises, falls and stretches under water.
    pub struct BacktestEquityPoint in "backtest_equity_curve" {
        grain: "one moment of one backtest",
        key: ["backtest_id", "timestamp"],
        references: [
            Reference { columns: &["backtest_id"], table: "backtest_runs", to: &["backtest_id"] },
        ],
    }
    columns {
        /// The run.
        backtest_id: String [; Rule::NotEmpty],
        /// The close of a bar.
        timestamp: DateTime<Utc>,
        /// Cash and positions marked at that close.
        equity: Decimal ["USD"],
        /// Loss against the highest equity so far, the starting cash included.
        drawdown: f64 ["per cent"; Rule::AtMost(0)],
        /// Logical date: the UTC day that the point belongs to, a close at midnight being the end of the day before.
        ds: NaiveDate [; Rule::DayEndedAt("timestamp")],
    }
}
