//! `positions`: every position, live and backtested, open and closed.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::guardian::Report;
use crate::tables::Field;

crate::table! {
    /// Every position, live and in backtests, from its order to its end. The row of a position is replaced as it lives
    /// on; its logical date stays that of the signal that opened it.
    pub struct PositionRow in "positions" {
        grain: "one position",
        key: ["position_id"],
        references: [
            Reference { columns: &["signal_id"], table: "signals", to: &["signal_id"] },
            Reference { columns: &["backtest_id"], table: "backtest_runs", to: &["backtest_id"] },
        ],
        laws: PositionRow::check_life,
    }
    columns {
        /// Identity of the position, derived from its signal.
        position_id: String [; Rule::NotEmpty],
        /// The signal that opened it.
        signal_id: String [; Rule::NotEmpty],
        /// The account that holds it; empty in a backtest.
        account_id: Option<String> [; Rule::NotEmpty],
        /// Whether it is one of a backtest.
        is_backtest: bool,
        /// The backtest it is of; empty for live ones.
        backtest_id: Option<String> [; Rule::NotEmpty],
        /// The strategy that owns it.
        strategy_id: String [; Rule::NotEmpty],
        /// The strategy's name.
        strategy_name: String [; Rule::NotEmpty],
        /// The version of the strategy that opened it.
        strategy_version: String [; Rule::Hash],
        /// Where the candles come from.
        exchange: String [; Rule::NotEmpty],
        /// What is held.
        symbol: String [; Rule::Symbol],
        /// Length of the candles.
        timeframe: String [; Rule::OneOf(crate::tables::TIMEFRAMES)],
        /// Which way it is; crypto at the broker is long only.
        side: String [; Rule::OneOf(&["long"])],
        /// Where it is in its life; `stopped` is closed by its stop, `abandoned` an order that died.
        status: String [; Rule::OneOf(&["pending", "open", "closing", "closed", "stopped", "abandoned"])],
        /// Close of the bar whose signal opened it.
        signal_time: DateTime<Utc>,
        /// When the entry was filled.
        entry_timestamp: Option<DateTime<Utc>> [; Rule::NotBefore("signal_time")],
        /// Average price of the entry's fills.
        entry_fill_price: Option<Decimal> ["quote currency"; Rule::Above(0)],
        /// When the exit was filled.
        exit_timestamp: Option<DateTime<Utc>> [; Rule::NotBefore("entry_timestamp")],
        /// Average price of the exit's fills.
        exit_fill_price: Option<Decimal> ["quote currency"; Rule::Above(0)],
        /// Why it was closed.
        exit_reason: Option<String> [; Rule::OneOf(crate::tables::EXIT_REASONS)],
        /// Coins ordered, then bought; of a closed one, sold.
        quantity: Decimal ["base units"; Rule::Above(0)],
        /// Stop that it was opened with.
        stop_loss: Option<Decimal> ["quote currency"; Rule::Above(0)],
        /// Stop in force.
        current_stop: Option<Decimal> ["quote currency"; Rule::Above(0)],
        /// Target.
        take_profit: Option<Decimal> ["quote currency"; Rule::Above(0)],
        /// Fees so far, coins valued at their fill.
        fee_usd: Decimal ["USD"; Rule::AtLeast(0)],
        /// Profit after fees of a closed one; empty until then.
        pnl: Option<Decimal> ["USD"],
        /// The same against what the entry cost.
        pnl_pct: Option<f64> ["per cent"],
        /// The UTC date of the entry.
        entry_date: Option<NaiveDate> [; Rule::DateOf("entry_timestamp")],
        /// The UTC date of the exit.
        exit_date: Option<NaiveDate> [; Rule::DateOf("exit_timestamp")],
        /// The moment the row is about: signal_time.
        timestamp: DateTime<Utc> [; Rule::SameAs("signal_time")],
        /// Logical date: the UTC date of signal_time, which never changes.
        ds: NaiveDate [; Rule::DateOf("signal_time")],
    }
}

impl PositionRow {
    fn check_life(&self, report: &mut Report) {
        if self.is_backtest != self.backtest_id.is_some() {
            report.add("backtest_id", &self.backtest_id.to_cell(), "a run where is_backtest is true, and only there");
        }
        if self.is_backtest == self.account_id.is_some() {
            report.add(
                "account_id",
                &self.account_id.to_cell(),
                "an account where is_backtest is false, and only there",
            );
        }
        report.expect_together([
            ("entry_timestamp", self.entry_timestamp.to_cell()),
            ("entry_fill_price", self.entry_fill_price.to_cell()),
            ("entry_date", self.entry_date.to_cell()),
        ]);
        report.expect_together([
            ("exit_timestamp", self.exit_timestamp.to_cell()),
            ("exit_fill_price", self.exit_fill_price.to_cell()),
            ("exit_reason", self.exit_reason.to_cell()),
            ("exit_date", self.exit_date.to_cell()),
            ("pnl", self.pnl.to_cell()),
            ("pnl_pct", self.pnl_pct.to_cell()),
        ]);
        self.check_status(report);
        self.check_profit(report);
    }

    fn check_status(&self, report: &mut Report) {
        let is_closed = self.exit_timestamp.is_some();
        let by_stop = self.exit_reason.as_deref() == Some("stop");
        let agrees = match self.status.as_str() {
            "closed" => is_closed && !by_stop,
            "stopped" => is_closed && by_stop,
            "open" | "closing" => self.entry_timestamp.is_some() && !is_closed,
            _ => self.entry_timestamp.is_none() && !is_closed,
        };
        let allowed =
            "what entry, exit and exit_reason say: closed, stopped with an exit, open, closing with an entry alone";
        report.expect(agrees, "status", &self.status, allowed);
    }

    fn check_profit(&self, report: &mut Report) {
        if let (Some(entry), Some(exit), Some(pnl)) = (self.entry_fill_price, self.exit_fill_price, self.pnl) {
            let formula = "quantity × (exit − entry price) − fee_usd";
            report.expect_product("pnl", pnl, self.quantity * (exit - entry) - self.fee_usd, formula);
        }
    }
}
