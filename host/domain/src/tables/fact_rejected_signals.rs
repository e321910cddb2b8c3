//! `fact_rejected_signals`: trades that were not made, and what they would have brought.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::guardian::Report;
use crate::tables::Field;

crate::table! {
    /// Signals that the risk gate turned away, with the reason and the trade it would have been (Loop B, the shadow
    /// loop). Written once seven days of candles after the signal are there, by the fill model of the backtest.
    pub struct FactRejectedSignal in "fact_rejected_signals" {
        grain: "one rejected signal",
        key: ["signal_id"],
        references: [
            Reference { columns: &["strategy_id", "strategy_version"], table: "dim_strategies", to: &["strategy_id", "version"] },
            Reference { columns: &["signal_id"], table: "signals", to: &["signal_id"] },
        ],
        laws: FactRejectedSignal::check_theory,
    }
    columns {
        /// The signal.
        signal_id: String [; Rule::NotEmpty],
        /// The account whose gate turned it away.
        account_id: String [; Rule::NotEmpty],
        /// The strategy that gave it.
        strategy_id: String [; Rule::NotEmpty],
        /// The version of the strategy that was active then.
        strategy_version: String [; Rule::Hash],
        /// Where the candles come from.
        exchange: String [; Rule::NotEmpty],
        /// What would have been traded.
        symbol: String [; Rule::Symbol],
        /// Length of the candles.
        timeframe: String [; Rule::OneOf(crate::tables::TIMEFRAMES)],
        /// The advice.
        signal_type: String [; Rule::OneOf(crate::tables::SIGNAL_TYPES)],
        /// What the strategy recognised.
        pattern_name: Option<String>,
        /// How sure the strategy was.
        confidence_score: f64 ["0 to 100"; Rule::AtLeast(0), Rule::AtMost(100)],
        /// Close of the signal's bar.
        price: Decimal ["quote currency"; Rule::Above(0)],
        /// When the signal's bar closed.
        signal_time: DateTime<Utc>,
        /// When the gate turned it away.
        rejected_at: DateTime<Utc> [; Rule::NotBefore("signal_time")],
        /// The gate's rule, by name.
        rejection_reason: String [; Rule::NotEmpty],
        /// The rule with its numbers.
        rejection_detail: String [; Rule::NotEmpty],
        /// How long the trade was followed.
        validity_window_days: i64 ["days"; Rule::AtLeast(1)],
        /// Quantity of the trade it would have been; empty when there would have been none.
        theoretical_quantity: Option<Decimal> ["base units"; Rule::Above(0)],
        /// When it would have been entered.
        theoretical_entry_time: Option<DateTime<Utc>> [; Rule::NotBefore("signal_time")],
        /// At what price.
        theoretical_entry_price: Option<Decimal> ["quote currency"; Rule::Above(0)],
        /// When it would have been left, or the end of the window.
        theoretical_exit_time: Option<DateTime<Utc>> [; Rule::NotBefore("theoretical_entry_time")],
        /// At what price, or the last close of the window.
        theoretical_exit_price: Option<Decimal> ["quote currency"; Rule::Above(0)],
        /// Why it would have been left; `open` when it would still be held at the end of the window.
        theoretical_exit_reason: Option<String> [; Rule::OneOf(crate::tables::THEORETICAL_EXITS)],
        /// Whether it would still be held at the end of the window and is marked at the last close.
        theoretical_is_open: bool,
        /// Fees of both sides by the broker's schedule.
        theoretical_fee_usd: Option<Decimal> ["USD"; Rule::AtLeast(0)],
        /// Profit after fees of the trade it would have been.
        theoretical_pnl: Option<Decimal> ["USD"],
        /// The same against what the entry would have cost.
        theoretical_pnl_pct: Option<f64> ["per cent"],
        /// Why there is no theoretical trade.
        theoretical_undefined_reason: Option<String> [; Rule::NotEmpty],
        /// The UTC date of the theoretical entry.
        entry_date: Option<NaiveDate> [; Rule::DateOf("theoretical_entry_time")],
        /// The UTC date of the theoretical exit.
        exit_date: Option<NaiveDate> [; Rule::DateOf("theoretical_exit_time")],
        /// The moment the row is about: signal_time.
        timestamp: DateTime<Utc> [; Rule::SameAs("signal_time")],
        /// Logical date: the UTC date on which the signal's bar closed.
        ds: NaiveDate [; Rule::DateOf("signal_time")],
    }
}

impl FactRejectedSignal {
    fn check_theory(&self, report: &mut Report) {
        report.expect_together([
            ("theoretical_quantity", self.theoretical_quantity.to_cell()),
            ("theoretical_entry_time", self.theoretical_entry_time.to_cell()),
            ("theoretical_entry_price", self.theoretical_entry_price.to_cell()),
            ("theoretical_exit_time", self.theoretical_exit_time.to_cell()),
            ("theoretical_exit_price", self.theoretical_exit_price.to_cell()),
            ("theoretical_exit_reason", self.theoretical_exit_reason.to_cell()),
            ("theoretical_fee_usd", self.theoretical_fee_usd.to_cell()),
            ("theoretical_pnl", self.theoretical_pnl.to_cell()),
            ("theoretical_pnl_pct", self.theoretical_pnl_pct.to_cell()),
            ("entry_date", self.entry_date.to_cell()),
            ("exit_date", self.exit_date.to_cell()),
        ]);
        self.check_profit(report);
        let reason = self.theoretical_undefined_reason.as_deref();
        let explained = self.theoretical_pnl.is_some() != reason.is_some();
        let allowed = "a reason where theoretical_pnl is empty, and only there";
        report.expect(explained, "theoretical_undefined_reason", reason.unwrap_or("NULL"), allowed);
        let exit = self.theoretical_exit_reason.as_deref();
        let open_agrees = (exit == Some("open")) == self.theoretical_is_open;
        report.expect(
            open_agrees,
            "theoretical_is_open",
            self.theoretical_is_open,
            "true where the exit reason is open",
        );
    }

    fn check_profit(&self, report: &mut Report) {
        let (Some(quantity), Some(entry), Some(exit), Some(fee), Some(pnl)) = (
            self.theoretical_quantity,
            self.theoretical_entry_price,
            self.theoretical_exit_price,
            self.theoretical_fee_usd,
            self.theoretical_pnl,
        ) else {
            return;
        };
        let formula = "quantity × (exit − entry price) − fee";
        report.expect_product("theoretical_pnl", pnl, quantity * (exit - entry) - fee, formula);
    }
}
