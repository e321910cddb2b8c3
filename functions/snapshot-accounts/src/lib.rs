//! Loop D, the pulse check: the account at the end of each UTC day.
//!
//! Cash, margin, buying power and positions are the broker's account; the way there, for drawdown and Calmar, is made of
//! the snapshots of earlier days and, where there is none, of the broker's portfolio history. A day that has its
//! snapshot keeps it: the broker only tells how things stand now, and a later answer is not about that day.
//!
//! The broker is asked in the same visit by which rules it takes orders: what differs from what is kept in `dim_assets`
//! is written there, and `archive-decisions` carries it on as history.
//!
//! Start with [`SnapshotAccounts`]; the way through the days is in `path`.

mod path;

use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;
use sentinel_archive::time::{end_of, midnight, utc};
use sentinel_archive::{Archive, Entry, Source, broker_failed};
use sentinel_domain::broker::{AccountState, Broker, BrokerPosition};
use sentinel_domain::events::CloudEvent;
use sentinel_domain::live::LivePosition;
use sentinel_domain::money::to_f64;
use sentinel_domain::tables::{AccountSnapshot, Cell};
use sentinel_domain::warehouse::{RowKey, Warehouse};
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, LogicalDate, Report, RunContext, Trigger, async_trait,
};
use sentinel_trading::Terms;
use sentinel_trading::assets::sync_assets;

use path::EquityPath;

/// The function.
#[derive(Clone)]
pub struct SnapshotAccounts {
    warehouse: Arc<dyn Warehouse>,
    broker: Arc<dyn Broker>,
    terms: Terms,
}

impl fmt::Debug for SnapshotAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotAccounts").field("terms", &self.terms).finish_non_exhaustive()
    }
}

impl SnapshotAccounts {
    /// What it says about itself.
    pub const DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
        description: "Loop D: equity, cash, margin, exposure, drawdown and Calmar at the end of the day",
        triggers: &[Trigger::Schedule { cron: "2 0 * * *" }],
        logical_date: LogicalDate::DayEnded,
        ..FunctionDescriptor::new("snapshot-accounts")
    };

    /// Makes the function for one account.
    #[must_use]
    pub const fn new(warehouse: Arc<dyn Warehouse>, broker: Arc<dyn Broker>, terms: Terms) -> Self {
        Self { warehouse, broker, terms }
    }

    /// Returns the profit of trades closed on the day: by then they may not be archived yet.
    async fn realized(&self, ctx: &RunContext) -> Result<Decimal, FunctionError> {
        let records = ctx.records::<LivePosition>();
        let (from, until) = (midnight(ctx.ds()), end_of(ctx.ds()));
        let query = records.select().equal("status", "CLOSED").at_least("exit_time", from).less("exit_time", until);
        let closed = records.all(query).await?;
        let ours = closed.iter().filter(|stored| stored.record.account_id == self.terms.account_id);
        Ok(ours.map(|stored| stored.record.position.pnl()).sum())
    }

    /// Writes the day's snapshot, unless it is there.
    async fn snapshot(&self, ctx: &RunContext) -> Result<Report, FunctionError> {
        let mut report = Report { rows_in: 1, ..Report::default() };
        let archive = Archive::new(ctx, &self.warehouse);
        let key = RowKey::new(ctx.ds(), vec![Cell::Text(self.terms.account_id.clone())]);
        if archive.holds::<AccountSnapshot>(&[key]).await? == [true] {
            report.notes.push(format!("{} has its snapshot, which is kept", ctx.ds()));
            return Ok(report);
        }
        let account = self.broker.account().await.map_err(broker_failed("ask the broker for the account"))?;
        let positions = self.broker.positions().await.map_err(broker_failed("ask the broker for positions"))?;
        let equity = account.cash + account.long_market_value;
        let path =
            EquityPath::read(ctx, &self.warehouse, self.broker.as_ref(), &account, &self.terms.account_id).await?;
        if let Some(note) = path.moved_on(ctx.ds(), equity) {
            report.notes.push(note);
        }
        let path = path.ending(ctx.ds(), equity);
        let row = self.row(ctx, account, &positions, &path, self.realized(ctx).await?);
        let mut entry = Entry::new(Source { collection: "accounts", id: self.terms.account_id.clone() });
        entry.add(&row);
        archive.store(vec![entry], &mut report).await?;
        Ok(report)
    }

    fn row(
        &self,
        ctx: &RunContext,
        account: AccountState,
        positions: &[BrokerPosition],
        path: &EquityPath,
        realized: Decimal,
    ) -> AccountSnapshot {
        let (equity, exposure) = (account.cash + account.long_market_value, account.long_market_value);
        let fallen = path.fallen();
        AccountSnapshot {
            account_id: self.terms.account_id.clone(),
            currency: account.currency,
            status: if account.trading_blocked { "TRADING_BLOCKED" } else { "ACTIVE" }.to_owned(),
            equity,
            last_equity: path.before(),
            cash: account.cash,
            buying_power: account.buying_power,
            initial_margin: account.initial_margin,
            maintenance_margin: account.maintenance_margin,
            exposure_usd: exposure,
            exposure_pct: (equity > Decimal::ZERO).then(|| to_f64(exposure) / to_f64(equity) * 100.0),
            delta_usd: exposure,
            gamma_usd: Decimal::ZERO,
            theta_usd: Decimal::ZERO,
            vega_usd: Decimal::ZERO,
            open_positions: i64::try_from(positions.len()).unwrap_or(i64::MAX),
            unrealized_pnl_usd: positions.iter().filter_map(|position| position.unrealized_pnl).sum(),
            realized_pnl_usd: realized,
            accrued_fees_usd: account.accrued_fees,
            daily_return: path.last_return(),
            equity_peak: fallen.peak,
            drawdown_pct: fallen.drawdown_pct,
            max_drawdown_pct: fallen.max_drawdown_pct,
            calmar_ratio: fallen.calmar.value,
            calmar_undefined_reason: fallen.calmar.undefined_because.map(ToOwned::to_owned),
            timestamp: utc(end_of(ctx.ds())),
            ds: ctx.ds(),
        }
    }
}

#[async_trait]
impl Function for SnapshotAccounts {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = SnapshotAccounts::DESCRIPTOR;
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let mut report = self.snapshot(ctx).await?;
        let missing = sync_assets(ctx, self.broker.as_ref()).await?;
        report.notes.extend(missing.iter().map(|instrument| format!("the broker does not list {instrument}")));
        Ok(report)
    }
}
