//! How each version of each strategy has done so far, computed as a backtest's statistics are.
//!
//! For each version that had begun by the end of the day, its trades of all days become a daily equity path: the account's
//! equity when the version began, and what its trades brought since, each on the day of its exit. The metrics are those
//! of `sentinel-metrics`; what cannot be computed is empty and `undefined_reasons` says why.
//!
//! Start with [`SummarizePerformance`]; what is read is in `facts`, what is computed in `summary`.

mod benchmark;
mod facts;
mod summary;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sentinel_archive::{Archive, Entry, Source, Tape, Versions};
use sentinel_domain::events::CloudEvent;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::warehouse::Warehouse;
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, LogicalDate, Report, RunContext, Trigger, async_trait,
};
use sentinel_trading::Terms;

use facts::Facts;
use summary::Version;

/// The function.
#[derive(Clone)]
pub struct SummarizePerformance {
    warehouse: Arc<dyn Warehouse>,
    terms: Terms,
    benchmark: Option<Instrument>,
}

impl fmt::Debug for SummarizePerformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SummarizePerformance").field("benchmark", &self.benchmark).finish_non_exhaustive()
    }
}

impl SummarizePerformance {
    /// What it says about itself.
    pub const DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
        description: "Win rate, Sharpe, profit factor, alpha, beta and more for each strategy version",
        triggers: &[Trigger::Schedule { cron: "20 0 * * *" }],
        after: &["archive-trades"],
        logical_date: LogicalDate::DayEnded,
        timeout: Duration::from_secs(900),
        memory_mib: 1024,
        ..FunctionDescriptor::new("summarize-performance")
    };

    /// Makes the function for one account; `benchmark` is what alpha and beta are taken against, BTC as a rule.
    #[must_use]
    pub const fn new(warehouse: Arc<dyn Warehouse>, terms: Terms, benchmark: Option<Instrument>) -> Self {
        Self { warehouse, terms, benchmark }
    }
}

#[async_trait]
impl Function for SummarizePerformance {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = SummarizePerformance::DESCRIPTOR;
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let account_id = &self.terms.account_id;
        let versions = Versions::read(ctx).await?;
        let begun = Version::begun_by(&versions, ctx.ds());
        let mut report = Report { rows_in: begun.len() as u64, ..Report::default() };
        let Some(first) = begun.iter().map(|version| version.from_date).min() else { return Ok(report) };
        let facts = Facts::read(ctx, &self.warehouse, account_id).await?;
        let mut tape = Tape::new(ctx, &self.warehouse, self.terms.finest);
        let benchmark = benchmark::read(ctx, &mut tape, self.benchmark.as_ref(), first).await?;
        let mut entries = Vec::new();
        for version in begun {
            let name = format!("{} {}", version.strategy_id, version.version);
            let mut entry = Entry::new(Source { collection: "dim_strategies", id: name });
            versions.add_to(&mut entry, &version.strategy_id, version.valid_from);
            entry.add(&summary::row(&version, account_id, ctx.ds(), &facts, benchmark.as_ref()));
            entries.push(entry);
        }
        Archive::new(ctx, &self.warehouse).store(entries, &mut report).await?;
        Ok(report)
    }
}
