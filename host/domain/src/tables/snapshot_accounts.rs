//! `snapshot_accounts`: the pulse of each account, once a day.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::guardian::Report;
use crate::tables::Field;

crate::table! {
    /// The state of each account at the end of a UTC day, from the broker's account (Loop D, the pulse check).
    pub struct AccountSnapshot in "snapshot_accounts" {
        grain: "one account at the end of one UTC day",
        key: ["account_id"],
        laws: AccountSnapshot::check_sums,
    }
    columns {
        /// The account.
        account_id: String [; Rule::NotEmpty],
        /// The currency of its sums.
        currency: String [; Rule::NotEmpty],
        /// The account's state at the broker.
        status: String [; Rule::NotEmpty],
        /// Cash and positions marked at the last close: cash + exposure_usd.
        equity: Decimal ["USD"],
        /// Equity at the end of the day before; empty on the first day.
        last_equity: Option<Decimal> ["USD"],
        /// Cash, reserved or not.
        cash: Decimal ["USD"],
        /// What the broker would let the account buy.
        buying_power: Decimal ["USD"; Rule::AtLeast(0)],
        /// Margin that open positions had to bring; 0 for crypto, which is paid in full.
        initial_margin: Decimal ["USD"; Rule::AtLeast(0)],
        /// Margin that open positions have to keep.
        maintenance_margin: Decimal ["USD"; Rule::AtLeast(0)],
        /// Value of open positions, marked at the last close.
        exposure_usd: Decimal ["USD"; Rule::AtLeast(0)],
        /// The same against equity; empty when equity is not above 0.
        exposure_pct: Option<f64> ["per cent"; Rule::AtLeast(0)],
        /// What the account gains when all prices rise by their own size: of spot coins, their value.
        delta_usd: Decimal ["USD"],
        /// How delta changes with prices: 0 without options.
        gamma_usd: Decimal ["USD"],
        /// What a day costs: 0 without options.
        theta_usd: Decimal ["USD a day"],
        /// What volatility brings: 0 without options.
        vega_usd: Decimal ["USD a volatility point"],
        /// Positions held.
        open_positions: i64 ["positions"; Rule::AtLeast(0)],
        /// Profit of positions held, not yet made.
        unrealized_pnl_usd: Decimal ["USD"],
        /// Profit of trades closed on the day.
        realized_pnl_usd: Decimal ["USD"],
        /// Fees the broker has not booked yet.
        accrued_fees_usd: Decimal ["USD"; Rule::AtLeast(0)],
        /// Change of equity over the day, as a fraction; empty on the first day.
        daily_return: Option<f64> ["fraction"; Rule::AtLeast(-1)],
        /// Highest equity so far, the starting equity included.
        equity_peak: Decimal ["USD"; Rule::Above(0)],
        /// Loss against equity_peak.
        drawdown_pct: f64 ["per cent"; Rule::AtMost(0)],
        /// The largest such loss so far.
        max_drawdown_pct: f64 ["per cent"; Rule::AtMost(0)],
        /// Yearly growth against the largest loss; empty until there was one.
        calmar_ratio: Option<f64> ["ratio"],
        /// Why there is no Calmar ratio.
        calmar_undefined_reason: Option<String> [; Rule::NotEmpty],
        /// The moment the row is about: 00:00 UTC after the day.
        timestamp: DateTime<Utc>,
        /// Logical date: the UTC day that just ended.
        ds: NaiveDate [; Rule::DayEndedAt("timestamp")],
    }
}

impl AccountSnapshot {
    fn check_sums(&self, report: &mut Report) {
        report.expect_sum("equity", self.equity, self.cash + self.exposure_usd, "cash + exposure_usd");
        if let Some(exposure) = self.exposure_pct {
            let formula = "exposure_usd / equity × 100";
            report.expect_percent("exposure_pct", exposure, self.exposure_usd, self.equity, formula);
        }
        let peak_is_highest = self.equity_peak >= self.equity;
        report.expect(peak_is_highest, "equity_peak", self.equity_peak, "equity or more");
        let fallen = self.equity - self.equity_peak;
        report.expect_percent(
            "drawdown_pct",
            self.drawdown_pct,
            fallen,
            self.equity_peak,
            "(equity − peak) / peak × 100",
        );
        let deepest = self.max_drawdown_pct <= self.drawdown_pct;
        report.expect(deepest, "max_drawdown_pct", self.max_drawdown_pct, "drawdown_pct or less");
        let explained = self.calmar_ratio.is_some() != self.calmar_undefined_reason.is_some();
        let reason = self.calmar_undefined_reason.to_cell();
        if !explained {
            report.add("calmar_undefined_reason", &reason, "a reason where calmar_ratio is empty, and only there");
        }
    }
}
