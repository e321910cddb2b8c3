//! `fact_trades`: what closed positions left behind.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::guardian::Report;

crate::table! {
    /// The immutable ledger of completed trades, paper and live. Written once by the trade archival (Loop A) from the
    /// closed position and the broker's fills; only the fee columns, and with them the profit, are settled a day later.
    pub struct FactTrade in "fact_trades" {
        grain: "one closed trade",
        key: ["trade_id"],
        settled: "fee_finalized",
        references: [
            Reference { columns: &["strategy_id", "strategy_version"], table: "dim_strategies", to: &["strategy_id", "version"] },
            Reference { columns: &["signal_id"], table: "signals", to: &["signal_id"] },
            Reference { columns: &["position_id"], table: "positions", to: &["position_id"] },
        ],
        laws: FactTrade::check_sums,
    }
    columns {
        /// Identity of the trade, derived from its position.
        trade_id: String [; Rule::NotEmpty],
        /// The position that was closed.
        position_id: String [; Rule::NotEmpty],
        /// The signal that opened the position.
        signal_id: String [; Rule::NotEmpty],
        /// The account that traded.
        account_id: String [; Rule::NotEmpty],
        /// The strategy that gave the signal.
        strategy_id: String [; Rule::NotEmpty],
        /// The version of the strategy that was active when the signal was given, by time and by hash.
        strategy_version: String [; Rule::Hash],
        /// Where the candles come from that were traded on.
        exchange: String [; Rule::NotEmpty],
        /// What was traded.
        symbol: String [; Rule::Symbol],
        /// Length of the candles that were decided on.
        timeframe: String [; Rule::OneOf(crate::tables::TIMEFRAMES)],
        /// Which way the position was; crypto at the broker is long only.
        side: String [; Rule::OneOf(&["long"])],
        /// What the strategy recognised.
        pattern_name: Option<String>,
        /// How sure the strategy was.
        confidence_score: f64 ["0 to 100"; Rule::AtLeast(0), Rule::AtMost(100)],
        /// Close of the bar whose signal opened the position.
        signal_time: DateTime<Utc>,
        /// When the entry was filled, by the broker's clock: its last fill.
        entry_time: DateTime<Utc> [; Rule::NotBefore("signal_time")],
        /// When the exit was filled, by the broker's clock: its last fill.
        exit_time: DateTime<Utc> [; Rule::NotBefore("entry_time")],
        /// The UTC date of the entry.
        entry_date: NaiveDate [; Rule::DateOf("entry_time")],
        /// The UTC date of the exit.
        exit_date: NaiveDate [; Rule::DateOf("exit_time")],
        /// Coins sold.
        quantity: Decimal ["base units"; Rule::Above(0)],
        /// The price the order was decided on: the close of the signal's bar.
        entry_reference_price: Option<Decimal> ["quote currency"; Rule::Above(0)],
        /// Average price of the entry's fills.
        entry_fill_price: Decimal ["quote currency"; Rule::Above(0)],
        /// The price the exit was decided on.
        exit_reference_price: Option<Decimal> ["quote currency"; Rule::Above(0)],
        /// Average price of the exit's fills.
        exit_fill_price: Decimal ["quote currency"; Rule::Above(0)],
        /// What the coins sold had cost, without fees: quantity × entry_fill_price.
        entry_notional_usd: Decimal ["USD"; Rule::Above(0)],
        /// What the coins sold brought, without fees: quantity × exit_fill_price.
        exit_notional_usd: Decimal ["USD"; Rule::Above(0)],
        /// What the coins sold had cost, with the fees of the entry.
        entry_cost_usd: Decimal ["USD"; Rule::Above(0)],
        /// Fees of both sides as the broker's schedule has them, coins valued at their fill.
        estimated_fee_usd: Decimal ["USD"; Rule::AtLeast(0)],
        /// Fees of both sides as the broker charged them; empty until the fee patch (T+1) has them.
        actual_fee_usd: Option<Decimal> ["USD"; Rule::AtLeast(0)],
        /// Whether the fees are the actual ones.
        fee_finalized: bool,
        /// Profit after fees: exit_notional_usd − entry_notional_usd − fees; the actual fees once they are known.
        pnl_usd: Decimal ["USD"],
        /// Profit after fees against entry_cost_usd.
        pnl_pct: f64 ["per cent"],
        /// Fill against reference price, both sides together; above 0 is against the trader.
        slippage_pct: Option<f64> ["per cent"],
        /// Best price seen while held, against the entry fill.
        max_favorable_excursion: f64 ["per cent"; Rule::AtLeast(0)],
        /// Worst price seen while held, against the entry fill.
        max_adverse_excursion: f64 ["per cent"; Rule::AtMost(0)],
        /// Why the position was closed.
        exit_reason: String [; Rule::OneOf(crate::tables::EXIT_REASONS)],
        /// Bars of the timeframe from entry to exit.
        bars_held: i64 ["bars"; Rule::AtLeast(0)],
        /// Stop that was in force, if any.
        stop_loss: Option<Decimal> ["quote currency"; Rule::Above(0)],
        /// Target that was in force, if any.
        take_profit: Option<Decimal> ["quote currency"; Rule::Above(0)],
        /// Our id of the entry order, by which the broker knows it.
        entry_client_order_id: String [; Rule::NotEmpty],
        /// Our id of the exit order; empty when a person closed the position at the broker.
        exit_client_order_id: Option<String>,
        /// The moment the row is about: exit_time.
        timestamp: DateTime<Utc> [; Rule::SameAs("exit_time")],
        /// Logical date: the UTC date of the exit.
        ds: NaiveDate [; Rule::DateOf("exit_time")],
    }
}

impl FactTrade {
    /// Returns the fees that count: the actual ones once they are known.
    #[must_use]
    pub fn fee_usd(&self) -> Decimal {
        match self.actual_fee_usd {
            Some(actual) if self.fee_finalized => actual,
            _ => self.estimated_fee_usd,
        }
    }

    fn check_sums(&self, report: &mut Report) {
        let profit = self.exit_notional_usd - self.entry_notional_usd - self.fee_usd();
        report.expect_sum("pnl_usd", self.pnl_usd, profit, "exit_notional_usd − entry_notional_usd − fees");
        let (bought, sold) = (self.quantity * self.entry_fill_price, self.quantity * self.exit_fill_price);
        report.expect_product("entry_notional_usd", self.entry_notional_usd, bought, "quantity × entry_fill_price");
        report.expect_product("exit_notional_usd", self.exit_notional_usd, sold, "quantity × exit_fill_price");
        let cost_is_whole = self.entry_cost_usd >= self.entry_notional_usd;
        report.expect(cost_is_whole, "entry_cost_usd", self.entry_cost_usd, "entry_notional_usd or more");
        report.expect_percent(
            "pnl_pct",
            self.pnl_pct,
            self.pnl_usd,
            self.entry_cost_usd,
            "pnl_usd / entry_cost_usd × 100",
        );
        let fee_is_there = !self.fee_finalized || self.actual_fee_usd.is_some();
        report.expect(fee_is_there, "actual_fee_usd", "NULL", "a sum, as fee_finalized is true");
    }
}
