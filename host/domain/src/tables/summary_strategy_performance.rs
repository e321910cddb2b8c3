//! `summary_strategy_performance`: how each version of each strategy has done so far.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::guardian::Report;

crate::table! {
    /// Statistics of each strategy version over all its trades up to the end of a UTC day. Definitions are those of the
    /// backtester: daily UTC returns, deviations over n − 1, 365 days a year. What cannot be computed is empty and
    /// `undefined_reasons` says why.
    pub struct StrategyPerformance in "summary_strategy_performance" {
        grain: "one strategy version in one account at the end of one UTC day",
        key: ["account_id", "strategy_id", "strategy_version"],
        references: [
            Reference { columns: &["strategy_id", "strategy_version"], table: "dim_strategies", to: &["strategy_id", "version"] },
        ],
        laws: StrategyPerformance::check_counts,
    }
    columns {
        /// The account.
        account_id: String [; Rule::NotEmpty],
        /// The strategy.
        strategy_id: String [; Rule::NotEmpty],
        /// Its version.
        strategy_version: String [; Rule::Hash],
        /// The first day that is counted.
        from_date: NaiveDate,
        /// Closed trades.
        trade_count: i64 ["trades"; Rule::AtLeast(0)],
        /// Of these, with a profit above 0 after fees.
        win_count: i64 ["trades"; Rule::AtLeast(0)],
        /// Profit after fees of all trades.
        pnl_usd: Decimal ["USD"],
        /// Fees of all trades.
        fees_usd: Decimal ["USD"; Rule::AtLeast(0)],
        /// Capital the returns are taken of: the account's equity when the version began.
        capital_usd: Decimal ["USD"; Rule::Above(0)],
        /// Share of trades that won.
        win_rate: Option<f64> ["per cent"; Rule::AtLeast(0), Rule::AtMost(100)],
        /// Mean daily return against its deviation, a year.
        sharpe_ratio: Option<f64> ["ratio"],
        /// The same against the deviation of losses.
        sortino_ratio: Option<f64> ["ratio"],
        /// What winning trades brought against what losing ones cost.
        profit_factor: Option<f64> ["ratio"; Rule::AtLeast(0)],
        /// Largest loss against the highest point before it.
        max_drawdown_pct: Option<f64> ["per cent"; Rule::AtMost(0)],
        /// Return a year that BTC does not explain.
        alpha: Option<f64> ["fraction a year"],
        /// How much of BTC's daily return is found in the strategy's.
        beta: Option<f64> ["ratio"],
        /// Mean profit of a trade.
        expectancy_usd: Option<Decimal> ["USD"],
        /// Mean slippage of a trade, both sides together; above 0 is against the trader.
        slippage_pct: Option<f64> ["per cent"],
        /// Signals given.
        signal_count: i64 ["signals"; Rule::AtLeast(0)],
        /// Signals turned away by the gate.
        rejected_count: i64 ["signals"; Rule::AtLeast(0)],
        /// Signals that came too late.
        expired_count: i64 ["signals"; Rule::AtLeast(0)],
        /// Why columns are empty, by their names.
        undefined_reasons: serde_json::Value,
        /// The moment the row is about: 00:00 UTC after the day.
        timestamp: DateTime<Utc>,
        /// Logical date: the UTC day that just ended.
        ds: NaiveDate [; Rule::DayEndedAt("timestamp"), Rule::NotBefore("from_date")],
    }
}

impl StrategyPerformance {
    fn check_counts(&self, report: &mut Report) {
        report.expect(self.win_count <= self.trade_count, "win_count", self.win_count, "trade_count or less");
        if let Some(win_rate) = self.win_rate {
            let (wins, trades) = (self.win_count.into(), self.trade_count.into());
            report.expect_percent("win_rate", win_rate, wins, trades, "win_count / trade_count × 100");
        }
        let ratios = [
            ("win_rate", self.win_rate),
            ("sharpe_ratio", self.sharpe_ratio),
            ("sortino_ratio", self.sortino_ratio),
            ("profit_factor", self.profit_factor),
            ("max_drawdown_pct", self.max_drawdown_pct),
            ("alpha", self.alpha),
            ("beta", self.beta),
        ];
        for (column, value) in ratios {
            let explained = value.is_some() || self.undefined_reasons.get(column).is_some();
            report.expect(explained, column, "NULL", "a number, or a reason under its name in undefined_reasons");
        }
    }
}
