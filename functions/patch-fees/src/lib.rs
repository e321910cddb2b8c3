//! Settles fees: the broker posts what it really charged at the end of the day, or days later.
//!
//! Every night the trades whose fees are still estimates are looked through. Where the fees of all fills of a trade are
//! posted, they become `actual_fee_usd`, the profit is settled and `fee_finalized` set, in `fact_trades` and in
//! `positions`. Where one is missing the trade is left for the next night, for as long as thirty nights.
//!
//! Start with [`PatchFees`]; which fee belongs to which trade is decided in `ledger`.

mod ledger;
mod orders;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sentinel_archive::time::days_before;
use sentinel_archive::{Archive, Entry, Source, table, warehouse_failed};
use sentinel_domain::broker::Broker;
use sentinel_domain::events::CloudEvent;
use sentinel_domain::money::to_f64;
use sentinel_domain::tables::{Cell, FactTrade, PositionRow};
use sentinel_domain::warehouse::{Warehouse, WarehouseExt};
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, LogicalDate, Report, RunContext, Trigger, async_trait,
};
use sentinel_trading::Terms;

use ledger::{FeeLedger, TradeFees};
use orders::TradeOrders;

/// How long a fee is waited for.
pub const NIGHTS_MAX: u64 = 30;

/// The function.
#[derive(Clone)]
pub struct PatchFees {
    warehouse: Arc<dyn Warehouse>,
    broker: Arc<dyn Broker>,
    terms: Terms,
}

impl fmt::Debug for PatchFees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PatchFees").field("terms", &self.terms).finish_non_exhaustive()
    }
}

impl PatchFees {
    /// What it says about itself.
    pub const DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
        description: "Puts the fees that were charged (T+1) in place of the estimated ones",
        triggers: &[Trigger::Schedule { cron: "30 1 * * *" }],
        after: &["archive-trades"],
        logical_date: LogicalDate::DayEnded,
        timeout: Duration::from_secs(900),
        ..FunctionDescriptor::new("patch-fees")
    };

    /// Makes the function for one account.
    #[must_use]
    pub const fn new(warehouse: Arc<dyn Warehouse>, broker: Arc<dyn Broker>, terms: Terms) -> Self {
        Self { warehouse, broker, terms }
    }

    /// Returns the trades whose fees are estimates, oldest first.
    async fn unsettled(&self, ctx: &RunContext) -> Result<Vec<FactTrade>, FunctionError> {
        let table = table::<FactTrade>(ctx.environment());
        self.warehouse.ensure(&table).await.map_err(warehouse_failed("make a table"))?;
        let condition = "t.ds BETWEEN ? AND ? AND t.account_id = ? AND t.fee_finalized = FALSE";
        let parameters = [
            Cell::Date(days_before(ctx.ds(), NIGHTS_MAX)),
            Cell::Date(ctx.ds()),
            Cell::Text(self.terms.account_id.clone()),
        ];
        self.warehouse.select(&table, condition, &parameters).await.map_err(warehouse_failed("read trades"))
    }

    /// Returns the rows of `positions` of these trades, by position.
    async fn positions(
        &self,
        ctx: &RunContext,
        trades: &[FactTrade],
    ) -> Result<BTreeMap<String, PositionRow>, FunctionError> {
        let days = trades.iter().map(|trade| trade.signal_time.date_naive());
        let (Some(first), Some(last)) = (days.clone().min(), days.max()) else { return Ok(BTreeMap::new()) };
        let table = table::<PositionRow>(ctx.environment());
        self.warehouse.ensure(&table).await.map_err(warehouse_failed("make a table"))?;
        let condition = "t.ds BETWEEN ? AND ? AND t.account_id = ? AND t.pnl IS NOT NULL";
        let parameters = [Cell::Date(first), Cell::Date(last), Cell::Text(self.terms.account_id.clone())];
        let rows: Vec<PositionRow> =
            self.warehouse.select(&table, condition, &parameters).await.map_err(warehouse_failed("read positions"))?;
        Ok(rows.into_iter().map(|row| (row.position_id.clone(), row)).collect())
    }
}

#[async_trait]
impl Function for PatchFees {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = PatchFees::DESCRIPTOR;
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let trades = self.unsettled(ctx).await?;
        let mut report = Report { rows_in: trades.len() as u64, ..Report::default() };
        if trades.is_empty() {
            return Ok(report);
        }
        let orders = TradeOrders::read(ctx, self.broker.as_ref(), &trades).await?;
        let ledger = FeeLedger::read(self.broker.as_ref(), &trades).await?;
        let mut positions = self.positions(ctx, &trades).await?;
        let mut entries = Vec::new();
        let mut waiting = 0_u64;
        for trade in trades {
            let Some(fees) = ledger.of(orders.of(&trade.trade_id)) else {
                waiting += 1;
                continue;
            };
            let mut entry = Entry::new(Source { collection: "fact_trades", id: trade.trade_id.clone() });
            let settled = settled(trade, fees);
            if let Some(position) = positions.remove(&settled.position_id) {
                entry.add(&with_fees(position, &settled));
            }
            entry.add(&settled);
            entries.push(entry);
        }
        if waiting > 0 {
            report.notes.push(format!("{waiting} trades wait for fees that are not posted yet"));
        }
        Archive::new(ctx, &self.warehouse).store(entries, &mut report).await?;
        Ok(report)
    }
}

/// Returns the trade with the fees that were charged.
fn settled(trade: FactTrade, fees: TradeFees) -> FactTrade {
    let actual = fees.entry + fees.exit;
    let pnl_usd = trade.exit_notional_usd - trade.entry_notional_usd - actual;
    let entry_cost_usd = trade.entry_notional_usd + fees.entry;
    FactTrade {
        actual_fee_usd: Some(actual),
        fee_finalized: true,
        pnl_usd,
        entry_cost_usd,
        pnl_pct: to_f64(pnl_usd) / to_f64(entry_cost_usd) * 100.0,
        ..trade
    }
}

fn with_fees(position: PositionRow, trade: &FactTrade) -> PositionRow {
    PositionRow { fee_usd: trade.fee_usd(), pnl: Some(trade.pnl_usd), pnl_pct: Some(trade.pnl_pct), ..position }
}
