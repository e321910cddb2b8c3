//! Loop A, the happy path: closed positions become rows of `fact_trades`.
//!
//! Each closed position is compared with the broker's orders and with the version of its strategy that was active when
//! its signal was given; what does not agree goes to quarantine with both sides. A fill whose price the broker does not
//! tell yet waits for the price patch and is named. Signal, position and trade are written in this order, verified, and
//! only then is the hot position marked `archived`.
//!
//! Positions whose entry died leave their row in `positions` here too, and those still held have theirs brought up to
//! date, so that a trade's position can be found in the warehouse at any time.
//!
//! Start with [`ArchiveTrades`]; what a trade's numbers are is in `trade`.

mod trade;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sentinel_archive::rows::signal_row;
use sentinel_archive::{Archive, BrokerOrders, Entry, Signals, Source, Tape, Versions, Word, let_go, position_row};
use sentinel_domain::broker::Broker;
use sentinel_domain::documents::Stored;
use sentinel_domain::events::CloudEvent;
use sentinel_domain::live::{LivePosition, PositionStatus};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::warehouse::Warehouse;
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, LogicalDate, Report, RunContext, Trigger, async_trait,
};
use sentinel_trading::Terms;

/// The function.
#[derive(Clone)]
pub struct ArchiveTrades {
    warehouse: Arc<dyn Warehouse>,
    broker: Arc<dyn Broker>,
    terms: Terms,
}

impl fmt::Debug for ArchiveTrades {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveTrades").field("terms", &self.terms).finish_non_exhaustive()
    }
}

impl ArchiveTrades {
    /// What it says about itself.
    pub const DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
        description: "Loop A: closed positions become trades in the warehouse",
        triggers: &[Trigger::Schedule { cron: "5 0 * * *" }],
        logical_date: LogicalDate::DayEnded,
        timeout: Duration::from_secs(900),
        memory_mib: 1024,
        ..FunctionDescriptor::new("archive-trades")
    };

    /// Makes the function for one account.
    #[must_use]
    pub const fn new(warehouse: Arc<dyn Warehouse>, broker: Arc<dyn Broker>, terms: Terms) -> Self {
        Self { warehouse, broker, terms }
    }
}

#[async_trait]
impl Function for ArchiveTrades {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = ArchiveTrades::DESCRIPTOR;
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let positions = self.unarchived(ctx).await?;
        let mut report = Report { rows_in: positions.len() as u64, ..Report::default() };
        if positions.is_empty() {
            return Ok(report);
        }
        let entries = self.entries(ctx, &positions, &mut report).await?;
        let stored = Archive::new(ctx, &self.warehouse).store(entries, &mut report).await?;
        let is_over = |position: &mut LivePosition| {
            let is_over = matches!(position.status, PositionStatus::Closed | PositionStatus::Abandoned);
            position.archived |= is_over;
            is_over
        };
        let_go(ctx, positions, &stored, is_over).await?;
        Ok(report)
    }
}

impl ArchiveTrades {
    async fn unarchived(&self, ctx: &RunContext) -> Result<Vec<Stored<LivePosition>>, FunctionError> {
        let records = ctx.records::<LivePosition>();
        let mut positions = records.all(records.select().equal("archived", false)).await?;
        positions.retain(|stored| {
            let position = &stored.record;
            // Run again later, a run is still about what had happened by its own moment.
            position.account_id == self.terms.account_id && position.exit_time.is_none_or(|exit| exit <= ctx.at())
        });
        Ok(positions)
    }

    async fn entries(
        &self,
        ctx: &RunContext,
        positions: &[Stored<LivePosition>],
        report: &mut Report,
    ) -> Result<Vec<Entry>, FunctionError> {
        let versions = Versions::read(ctx).await?;
        let closed: Vec<&LivePosition> =
            positions.iter().map(|stored| &stored.record).filter(|it| it.status == PositionStatus::Closed).collect();
        let (orders, signals) = futures_util::try_join!(
            BrokerOrders::of(self.broker.as_ref(), &closed),
            Signals::read(ctx, &self.warehouse, positions.iter().map(|stored| named(&stored.record))),
        )?;
        let mut tape = Tape::new(ctx, &self.warehouse, self.terms.finest);
        let mut entries = Vec::new();
        for stored in positions {
            let position = &stored.record;
            let mut violations = Vec::new();
            if position.status == PositionStatus::Closed {
                match orders.word_on(position) {
                    Word::Agrees => {}
                    Word::Waits(order) => {
                        let id = &position.position_id;
                        report.notes.push(format!("{id} waits for patch-prices: {order} has no fill price yet"));
                        continue;
                    }
                    Word::Differs(found) => violations = found,
                }
            }
            let (id, version, time) = (&position.strategy_id, position.strategy_version, position.signal_time);
            violations.extend(versions.check(id, version, time));
            let mut entry = Entry::new(Source::read(stored));
            versions.add_to(&mut entry, id, time);
            violations.extend(signals.check(&position.signal_id));
            if let Some(signal) = signals.hot(&position.signal_id) {
                entry.add(&signal_row(signal, &mut tape).await?);
            }
            entry.add_with(&position_row(position), violations);
            if position.status == PositionStatus::Closed {
                let (trade, excursion) = trade::row(position, &mut tape).await?;
                entry.add_with(&trade, excursion);
            }
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// Returns the signal that a position came of.
fn named(position: &LivePosition) -> (&str, UnixMillis) {
    (&position.signal_id, position.signal_time)
}
