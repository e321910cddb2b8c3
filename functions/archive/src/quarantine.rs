//! Rows that may not reach the warehouse yet, kept with every reason.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sentinel_domain::documents::{Collection, Precondition, Record, Write};
use sentinel_domain::guardian::Violation;
use sentinel_domain::hash::ContentHasher;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_function_runtime::{FunctionError, RunContext};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::entry::{Entry, Source};

/// A row that was held back. Its document stays where it is and is looked at again by the next run, so healing the cause
/// is enough: the row then passes, and this goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Derives from table and source.
    pub quarantine_id: String,
    /// The table it was meant for, by its name in production.
    pub table: String,
    /// The job that held it back.
    pub job_name: String,
    /// The run that did so last.
    pub run_id: String,
    /// That run's logical date.
    pub ds: NaiveDate,
    /// Collection of the document it is made of, by its name in production.
    pub source_collection: String,
    /// Name of that document.
    pub source_id: String,
    /// Everything that is wrong.
    pub reasons: Vec<Violation>,
    /// The row as it would have been written.
    pub row: Value,
    /// The moment of that run.
    pub noted_at: UnixMillis,
}

impl Record for Quarantined {
    const COLLECTION: Collection = Collection::Quarantine;

    fn id(&self) -> String {
        self.quarantine_id.clone()
    }
}

impl Quarantined {
    fn of(ctx: &RunContext, entry: &Entry) -> Self {
        let (table, row) = entry.shown().map_or(("", Value::Null), |row| (row.schema.name, row.json.clone()));
        let Source { collection, id } = &entry.source;
        let name = ContentHasher::new("quarantine").text(ctx.job_name()).text(collection).text(id).finish();
        Self {
            quarantine_id: name.to_string(),
            table: table.to_owned(),
            job_name: ctx.job_name().to_owned(),
            run_id: ctx.run_id().to_owned(),
            ds: ctx.ds(),
            source_collection: (*collection).to_owned(),
            source_id: id.clone(),
            reasons: entry.violations.clone(),
            row,
            noted_at: ctx.at(),
        }
    }
}

/// Returns the writes that keep `bad` entries and let go of those of this job that are no longer bad.
pub(crate) async fn writes(ctx: &RunContext, bad: &[Entry], good: &[Source]) -> Result<Vec<Write>, FunctionError> {
    let records = ctx.records::<Quarantined>();
    let known = records.all(records.select().equal("job_name", ctx.job_name())).await?;
    let mut healed: BTreeMap<(String, String), Write> = known
        .iter()
        .map(|stored| {
            let row = &stored.record;
            let source = (row.source_collection.clone(), row.source_id.clone());
            (source, records.delete(&row.quarantine_id, stored.unchanged()))
        })
        .collect();
    let mut writes = Vec::new();
    for entry in bad {
        writes.push(records.put(&Quarantined::of(ctx, entry), Precondition::Any)?);
    }
    for source in good {
        writes.extend(healed.remove(&(source.collection.to_owned(), source.id.clone())));
    }
    Ok(writes)
}
