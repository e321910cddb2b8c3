//! What trades can be explained by, long after: every recorded decision, the candles that were shown, and the versions
//! and instruments that all rows refer to.
//!
//! Nothing here is about money. The four loops archive what became of signals; this archives what led to them, so that
//! the hot store may forget it and a replay still finds it. Decisions go with the version that was active at their
//! close and with the signal they gave, or to quarantine; candles are only ever added: one that its source has
//! corrected is a new row with the next revision.
//!
//! Start with [`ArchiveDecisions`]; the rows are made in `decisions`, `candles` and `assets`.

mod assets;
mod candles;
mod decisions;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sentinel_archive::{Archive, Entry, Source, Versions};
use sentinel_domain::events::CloudEvent;
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::warehouse::Warehouse;
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, LogicalDate, Report, RunContext, Trigger, async_trait,
};

/// Chunks that are read, checked and written together.
const PAGE_CHUNKS: u32 = 50;

/// The function.
#[derive(Clone)]
pub struct ArchiveDecisions {
    warehouse: Arc<dyn Warehouse>,
}

impl fmt::Debug for ArchiveDecisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveDecisions").finish_non_exhaustive()
    }
}

impl ArchiveDecisions {
    /// What it says about itself.
    pub const DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
        description: "Recorded decisions, the candles they saw, versions and instruments go to the warehouse",
        triggers: &[Trigger::Schedule { cron: "25 0 * * *" }],
        logical_date: LogicalDate::DayEnded,
        timeout: Duration::from_secs(1_800),
        memory_mib: 2_048,
        ..FunctionDescriptor::new("archive-decisions")
    };

    /// Makes the function.
    #[must_use]
    pub const fn new(warehouse: Arc<dyn Warehouse>) -> Self {
        Self { warehouse }
    }
}

#[async_trait]
impl Function for ArchiveDecisions {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = ArchiveDecisions::DESCRIPTOR;
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let mut report = Report::default();
        let versions = Versions::read(ctx).await?;
        let mut dimensions = version_entries(&versions);
        dimensions.extend(assets::entries(ctx, &self.warehouse).await?);
        report.rows_in += dimensions.len() as u64;
        Archive::new(ctx, &self.warehouse).store(dimensions, &mut report).await?;
        candles::archive(ctx, &self.warehouse, &mut report).await?;
        decisions::archive(ctx, &self.warehouse, &versions, &mut report).await?;
        Ok(report)
    }
}

/// Returns an entry for each version there ever was: the warehouse has the registry's history as it stands.
fn version_entries(versions: &Versions) -> Vec<Entry> {
    let entry = |version: &StrategyVersion| {
        let mut entry = Entry::new(Source::of(version));
        versions.add(&mut entry, version);
        entry
    };
    versions.iter().map(entry).collect()
}
