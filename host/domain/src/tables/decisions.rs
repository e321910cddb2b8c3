//! `decisions`: what every evaluation depended on and what came out.

use chrono::{DateTime, NaiveDate, Utc};

use crate::guardian::Report;
use crate::tables::Field;

crate::table! {
    /// One record for each evaluation of a strategy on a bar, silent ones included: enough to take the decision again
    /// with the very version and candles, and to compare bit for bit.
    pub struct DecisionRow in "decisions" {
        grain: "one strategy version evaluated on one closed bar of one instrument",
        key: ["decision_id"],
        grows_by: "close_time",
        references: [
            Reference { columns: &["strategy_id", "strategy_version"], table: "dim_strategies", to: &["strategy_id", "version"] },
            Reference { columns: &["signal_id"], table: "signals", to: &["signal_id"] },
        ],
        laws: DecisionRow::check_outcome,
    }
    columns {
        /// Identity of the decision: hash over namespace, strategy, instrument, timeframe and bar close.
        decision_id: String [; Rule::NotEmpty],
        /// Environment, account and, for simulated time, run in which it was taken.
        namespace: String [; Rule::NotEmpty],
        /// The strategy.
        strategy_id: String [; Rule::NotEmpty],
        /// The version that was active at the bar's close.
        strategy_version: String [; Rule::Hash],
        /// SHA-256 of the component that ran.
        component_hash: String [; Rule::Hash],
        /// SHA-256 of the config it ran under.
        config_hash: String [; Rule::Hash],
        /// Where the candles come from.
        exchange: String [; Rule::NotEmpty],
        /// What they are of.
        symbol: String [; Rule::Symbol],
        /// Their length.
        timeframe: String [; Rule::OneOf(crate::tables::TIMEFRAMES)],
        /// When the bar closed that was decided on.
        close_time: DateTime<Utc>,
        /// When the session began whose bars were shown.
        session_start: DateTime<Utc>,
        /// Bars shown before the session, whose signals were dropped.
        warm_up_bars: i64 ["bars"; Rule::AtLeast(0)],
        /// Bars of the session shown, the decided one included; 0 when none could be shown.
        session_bars: i64 ["bars"; Rule::AtLeast(0)],
        /// How often candles of the session had been corrected by then.
        candle_revision: i64 [; Rule::AtLeast(0)],
        /// Hash of all that the strategy was shown.
        input_hash: String [; Rule::Hash],
        /// The sandbox's engine; fuel can be compared only within one.
        engine_version: String [; Rule::NotEmpty],
        /// Fuel that the evaluation used; empty when it did not end by itself.
        fuel: Option<i64> ["units of work"; Rule::AtLeast(0)],
        /// Hash of what the strategy said; empty when it failed.
        output_hash: Option<String> [; Rule::Hash],
        /// What came of it: advice, none, or a failure of the strategy.
        outcome: String [; Rule::OneOf(&["signal", "silent", "failed"])],
        /// The signal that was given.
        signal_id: Option<String> [; Rule::NotEmpty],
        /// Its advice.
        signal_type: Option<String> [; Rule::OneOf(crate::tables::SIGNAL_TYPES)],
        /// How sure the strategy was.
        confidence_score: Option<f64> ["0 to 100"; Rule::AtLeast(0), Rule::AtMost(100)],
        /// All that the strategy said, as the sandbox let it out; null when it said nothing.
        output: serde_json::Value,
        /// Why the strategy failed.
        error: Option<String> [; Rule::NotEmpty],
        /// When the decision was taken.
        decided_at: DateTime<Utc> [; Rule::NotBefore("close_time")],
        /// The moment the row is about: close_time.
        timestamp: DateTime<Utc> [; Rule::SameAs("close_time")],
        /// Logical date: the UTC date of close_time.
        ds: NaiveDate [; Rule::DateOf("close_time")],
    }
}

impl DecisionRow {
    fn check_outcome(&self, report: &mut Report) {
        let allowed = |name: &str| format!("a value where outcome is {name}, and only there");
        let has_signal = self.outcome == "signal";
        let of_signal = [
            ("signal_id", self.signal_id.to_cell()),
            ("signal_type", self.signal_type.to_cell()),
            ("confidence_score", self.confidence_score.to_cell()),
        ];
        for (column, cell) in of_signal {
            if cell.is_null() == has_signal {
                report.add(column, &cell, allowed("signal"));
            }
        }
        let failed = self.outcome == "failed";
        if self.error.is_some() != failed {
            report.add("error", &self.error.to_cell(), allowed("failed"));
        }
        if self.output_hash.is_none() != failed {
            report.add("output_hash", &self.output_hash.to_cell(), "a hash unless outcome is failed");
        }
    }
}
