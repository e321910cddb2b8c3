//! `backtest_runs`: what backtests found.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::guardian::Report;

crate::table! {
    /// Backtests: what was run on which candles with which settings, and how it did. A run with several strategies or
    /// series names the first here and all of them in `strategy_config` and `series`.
    pub struct BacktestRun in "backtest_runs" {
        grain: "one backtest",
        key: ["backtest_id"],
        laws: BacktestRun::check_sums,
    }
    columns {
        /// Identity of the run: hash over versions, candles and settings.
        backtest_id: String [; Rule::NotEmpty],
        /// The strategy's name.
        strategy_name: String [; Rule::NotEmpty],
        /// The strategy.
        strategy_id: String [; Rule::NotEmpty],
        /// Its version.
        strategy_version: String [; Rule::Hash],
        /// Full configuration of all strategies of the run: parameters, risk, component and config hashes.
        strategy_config: serde_json::Value,
        /// Where the candles come from.
        exchange: String [; Rule::NotEmpty],
        /// What was traded.
        symbol: String [; Rule::Symbol],
        /// Length of the candles.
        timeframe: String [; Rule::OneOf(crate::tables::TIMEFRAMES)],
        /// All candles of the run: instrument, timeframe, bars, gaps, data hash.
        series: serde_json::Value,
        /// Fees, fills and limits of the account.
        assumptions: serde_json::Value,
        /// First opening time of all candles.
        start_time: DateTime<Utc>,
        /// Last closing time of all candles.
        end_time: DateTime<Utc> [; Rule::NotBefore("start_time")],
        /// The UTC date of start_time.
        start_date: NaiveDate [; Rule::DateOf("start_time")],
        /// The UTC date of end_time.
        end_date: NaiveDate [; Rule::DateOf("end_time")],
        /// How the run ended.
        status: String [; Rule::OneOf(&["running", "completed", "failed"])],
        /// Why it failed.
        error: Option<String> [; Rule::NotEmpty],
        /// Candles of all series.
        bars: i64 ["bars"; Rule::AtLeast(0)],
        /// Cash at the beginning.
        initial_cash: Decimal ["USD"; Rule::Above(0)],
        /// Cash and open positions at the end, marked at the last close.
        final_equity: Decimal ["USD"],
        /// What was won or lost: final_equity − initial_cash.
        total_pnl: Decimal ["USD"],
        /// The same against initial_cash.
        total_return_pct: f64 ["per cent"],
        /// Fees, valued in quote currency.
        fees_usd: Decimal ["USD"; Rule::AtLeast(0)],
        /// What was traded, both sides.
        turnover_usd: Decimal ["USD"; Rule::AtLeast(0)],
        /// Closed trades.
        trade_count: i64 ["trades"; Rule::AtLeast(0)],
        /// Share of trades that won; empty without a trade.
        win_rate: Option<f64> ["per cent"; Rule::AtLeast(0), Rule::AtMost(100)],
        /// Mean daily return against its deviation, a year.
        sharpe_ratio: Option<f64> ["ratio"],
        /// The same against the deviation of losses.
        sortino_ratio: Option<f64> ["ratio"],
        /// Yearly growth against the largest loss.
        calmar_ratio: Option<f64> ["ratio"],
        /// Largest fall from peak to trough.
        max_drawdown: Option<f64> ["per cent"; Rule::AtMost(0)],
        /// What winning trades brought against what losing ones cost.
        profit_factor: Option<f64> ["ratio"; Rule::AtLeast(0)],
        /// Return a year that holding BTC does not explain.
        alpha: Option<f64> ["fraction a year"],
        /// How much of BTC's daily return is found in the run's.
        beta: Option<f64> ["ratio"],
        /// Every statistic by name, with unit and, where it is undefined, the reason.
        metrics: serde_json::Value,
        /// Whether every decision was made again bar by bar, with later bars out of reach, and came out the same.
        lookahead_verified: bool,
        /// The version of this software.
        sentinel_version: String [; Rule::NotEmpty],
        /// The moment the row is about: end_time.
        timestamp: DateTime<Utc> [; Rule::SameAs("end_time")],
        /// Logical date: the UTC date of end_time.
        ds: NaiveDate [; Rule::DateOf("end_time")],
    }
}

impl BacktestRun {
    fn check_sums(&self, report: &mut Report) {
        let profit = self.final_equity - self.initial_cash;
        report.expect_sum("total_pnl", self.total_pnl, profit, "final_equity − initial_cash");
        let formula = "total_pnl / initial_cash × 100";
        report.expect_percent("total_return_pct", self.total_return_pct, self.total_pnl, self.initial_cash, formula);
        let failed = self.status == "failed";
        let error = self.error.as_deref().unwrap_or("NULL");
        report.expect(self.error.is_some() == failed, "error", error, "a text where status is failed, and only there");
    }
}
