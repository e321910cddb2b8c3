//! `signals`: every advice, live and backtested, with the market at its moment.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::guardian::Report;
use crate::tables::Field;

crate::table! {
    /// Every signal that a strategy gave, live and in backtests, with how sure it was, why, what spoke against it, the
    /// market at that moment, and what became of it.
    pub struct SignalRow in "signals" {
        grain: "one signal",
        key: ["signal_id"],
        references: [
            Reference { columns: &["backtest_id"], table: "backtest_runs", to: &["backtest_id"] },
        ],
        laws: SignalRow::check_origin,
    }
    columns {
        /// Identity of the signal: hash over namespace, strategy, instrument, timeframe and bar close.
        signal_id: String [; Rule::NotEmpty],
        /// The same, under the name that joins use.
        id: String [; Rule::SameAs("signal_id")],
        /// The account it was meant for; empty in a backtest.
        account_id: Option<String> [; Rule::NotEmpty],
        /// Whether it was given in a backtest.
        is_backtest: bool,
        /// The backtest that gave it; empty for live ones.
        backtest_id: Option<String> [; Rule::NotEmpty],
        /// The strategy that gave it.
        strategy_id: String [; Rule::NotEmpty],
        /// The strategy's name.
        strategy_name: String [; Rule::NotEmpty],
        /// The version of the strategy that was active then.
        strategy_version: String [; Rule::Hash],
        /// Where the candles come from.
        exchange: String [; Rule::NotEmpty],
        /// What it is about.
        symbol: String [; Rule::Symbol],
        /// Length of the candles.
        timeframe: String [; Rule::OneOf(crate::tables::TIMEFRAMES)],
        /// The advice.
        signal_type: String [; Rule::OneOf(crate::tables::SIGNAL_TYPES)],
        /// What the strategy recognised.
        pattern_name: Option<String> [; Rule::NotEmpty],
        /// How sure the strategy was.
        confidence_score: f64 ["0 to 100"; Rule::AtLeast(0), Rule::AtMost(100)],
        /// The same in a word: LOW below 50, MEDIUM below 75, HIGH from there.
        confidence_level: String [; Rule::OneOf(&["LOW", "MEDIUM", "HIGH"])],
        /// Why it was given.
        reasons: Vec<String>,
        /// What spoke against it.
        warnings: Vec<String>,
        /// Close of its bar.
        price: Decimal ["quote currency"; Rule::Above(0)],
        /// Volume of its bar.
        volume: Option<f64> ["base units"; Rule::AtLeast(0)],
        /// Aggressive buys minus sells of its bar, where the source tells.
        volume_delta: Option<f64> ["base units"],
        /// Cumulative volume delta since the session began, where the source tells.
        cvd: Option<f64> ["base units"],
        /// Order-book imbalance at its close, where the source tells.
        orderbook_imbalance: Option<f64> ["-1 to 1"; Rule::AtLeast(-1), Rule::AtMost(1)],
        /// Price to sell at a loss that the strategy named.
        stop_loss: Option<Decimal> ["quote currency"; Rule::Above(0)],
        /// Price to sell at a profit that the strategy named.
        take_profit: Option<Decimal> ["quote currency"; Rule::Above(0)],
        /// Until when it could be acted on.
        expiration_at: Option<DateTime<Utc>> [; Rule::NotBefore("timestamp")],
        /// What became of it.
        status: String [; Rule::OneOf(crate::tables::SIGNAL_STATES)],
        /// The gate's rule that turned it away.
        rejection_reason: Option<String> [; Rule::NotEmpty],
        /// The moment of the signal: the close of its bar.
        timestamp: DateTime<Utc>,
        /// Logical date: the UTC date on which its bar closed.
        ds: NaiveDate [; Rule::DateOf("timestamp")],
    }
}

/// Returns a confidence score in a word.
#[must_use]
pub fn confidence_level(score: f64) -> &'static str {
    match score {
        score if score < 50.0 => "LOW",
        score if score < 75.0 => "MEDIUM",
        _ => "HIGH",
    }
}

impl SignalRow {
    fn check_origin(&self, report: &mut Report) {
        let level = confidence_level(self.confidence_score);
        let allowed = format!("{level} at a score of {}", self.confidence_score);
        report.expect(self.confidence_level == level, "confidence_level", &self.confidence_level, allowed);
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
        if (self.status == "REJECTED") != self.rejection_reason.is_some() {
            report.add(
                "rejection_reason",
                &self.rejection_reason.to_cell(),
                "a rule where status is REJECTED, and only there",
            );
        }
    }
}
