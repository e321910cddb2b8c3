//! `fact_signals_expired`: signals nobody acted on in time.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::guardian::Report;

crate::table! {
    /// The state of signals at the moment they expired (Loop C, the noise loop), with how far the price went their way
    /// afterwards: was a moonshot missed?
    pub struct FactSignalExpired in "fact_signals_expired" {
        grain: "one expired signal, at the moment it expired",
        key: ["signal_id"],
        references: [
            Reference { columns: &["strategy_id", "strategy_version"], table: "dim_strategies", to: &["strategy_id", "version"] },
            Reference { columns: &["signal_id"], table: "signals", to: &["signal_id"] },
        ],
        laws: FactSignalExpired::check_excursion,
    }
    columns {
        /// The signal.
        signal_id: String [; Rule::NotEmpty],
        /// The account it was meant for.
        account_id: String [; Rule::NotEmpty],
        /// The strategy that gave it.
        strategy_id: String [; Rule::NotEmpty],
        /// The version of the strategy that was active then.
        strategy_version: String [; Rule::Hash],
        /// Where the candles come from.
        exchange: String [; Rule::NotEmpty],
        /// What it was about.
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
        /// Until when it could have been acted on.
        expiration_at: DateTime<Utc> [; Rule::NotBefore("signal_time")],
        /// When it was found expired.
        expired_at: DateTime<Utc> [; Rule::NotBefore("expiration_at")],
        /// Where the signal stood before it expired.
        status_before: String [; Rule::OneOf(crate::tables::SIGNAL_STATES)],
        /// Best price between the signal and mfe_until, against its close; empty when there were no candles.
        max_mfe: Option<f64> ["per cent"; Rule::AtLeast(0)],
        /// The best price itself.
        max_mfe_price: Option<Decimal> ["quote currency"; Rule::Above(0)],
        /// When it was reached: the close of its bar.
        max_mfe_at: Option<DateTime<Utc>> [; Rule::NotBefore("signal_time")],
        /// How far the candles were looked at.
        mfe_until: Option<DateTime<Utc>> [; Rule::NotBefore("signal_time")],
        /// Why there is no excursion.
        mfe_undefined_reason: Option<String> [; Rule::NotEmpty],
        /// The UTC date on which it could have been entered: that of its bar's close.
        entry_date: NaiveDate [; Rule::DateOf("signal_time")],
        /// The UTC date on which it expired.
        exit_date: NaiveDate [; Rule::DateOf("expiration_at")],
        /// The moment the row is about: signal_time.
        timestamp: DateTime<Utc> [; Rule::SameAs("signal_time")],
        /// Logical date: the UTC date on which the signal's bar closed.
        ds: NaiveDate [; Rule::DateOf("signal_time")],
    }
}

impl FactSignalExpired {
    fn check_excursion(&self, report: &mut Report) {
        let reason = self.mfe_undefined_reason.as_deref();
        let explained = self.max_mfe.is_some() != reason.is_some();
        let allowed = "a reason where max_mfe is empty, and only there";
        report.expect(explained, "mfe_undefined_reason", reason.unwrap_or("NULL"), allowed);
        if let (Some(mfe), Some(price)) = (self.max_mfe, self.max_mfe_price) {
            let gained = (price - self.price).max(Decimal::ZERO);
            report.expect_percent("max_mfe", mfe, gained, self.price, "(max_mfe_price − price) / price × 100");
        }
    }
}
