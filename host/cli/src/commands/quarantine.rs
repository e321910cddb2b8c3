//! `sentinel quarantine …`

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use sentinel_domain::documents::{Collection, Query};
use sentinel_domain::guardian::Violation;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_function_runtime::RunRequest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::args::{QuarantineCommand, QuarantineRetryArgs};
use crate::failure::usage;
use crate::format::{counted, moment};
use crate::home::Home;
use crate::laptop::{Laptop, block_on};
use crate::output::{Output, dim};
use crate::place::Place;

/// Rows asked for at a time.
const PAGE_ROWS: u32 = 500;

/// A row that was held back, as far as people are shown it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeldBack {
    quarantine_id: String,
    table: String,
    job_name: String,
    ds: chrono::NaiveDate,
    source_collection: String,
    source_id: String,
    reasons: Vec<Violation>,
    row: Value,
    noted_at: UnixMillis,
}

/// Shows what was held back.
pub(super) async fn run(command: &QuarantineCommand, place: &Place, output: &Output) -> Result<()> {
    match command {
        QuarantineCommand::Show(args) => show(&one(all(place).await?, &args.id)?, output),
        QuarantineCommand::List | QuarantineCommand::Retry(_) => list(&all(place).await?, output),
    }
}

/// Returns every row that was held back, oldest first.
pub(super) async fn all(place: &Place) -> Result<Vec<HeldBack>> {
    let mut query = Query::of(place.environment.collection(Collection::Quarantine)).limit(PAGE_ROWS);
    let mut rows: Vec<HeldBack> = Vec::new();
    loop {
        let page = place.documents.query(&query).await?;
        let next = page.last().filter(|_| page.len() == PAGE_ROWS as usize).map(|last| query.clone().start_after(last));
        for document in page {
            let unreadable = |error| anyhow!("the row {} in quarantine cannot be read: {error}", document.id);
            rows.push(serde_json::from_value(document.body).map_err(unreadable)?);
        }
        match next {
            Some(next) => query = next,
            None => break,
        }
    }
    rows.sort_by(|a, b| (a.noted_at, &a.quarantine_id).cmp(&(b.noted_at, &b.quarantine_id)));
    Ok(rows)
}

fn one(rows: Vec<HeldBack>, id: &str) -> Result<HeldBack> {
    let mut found: Vec<_> = rows.into_iter().filter(|row| row.quarantine_id.starts_with(id)).collect();
    match (found.pop(), found.len()) {
        (Some(row), 0) => Ok(row),
        (None, _) => {
            Err(usage(format_args!("no row {id} is in quarantine; `sentinel quarantine list` shows which are")))
        }
        (Some(_), others) => Err(usage(format_args!("{} rows begin with {id}: write more of it", others + 1))),
    }
}

fn list(rows: &[HeldBack], output: &Output) -> Result<()> {
    if output.is_json() {
        return output.json(&rows);
    }
    if rows.is_empty() {
        return output.line("No row is in quarantine.");
    }
    let mut table = output.new_table(["Row", "Table", "Job", "Day", "Made of", "Why"]);
    for row in rows {
        let more = match row.reasons.len() {
            0 | 1 => String::new(),
            reasons => format!(" (and {} more)", reasons - 1),
        };
        let why = row.reasons.first().map_or_else(String::new, ToString::to_string);
        table.add_row([
            comfy_table::Cell::new(short(&row.quarantine_id)),
            comfy_table::Cell::new(&row.table),
            comfy_table::Cell::new(&row.job_name),
            comfy_table::Cell::new(row.ds),
            dim(format!("{} {}", row.source_collection, short(&row.source_id))),
            comfy_table::Cell::new(why + &more),
        ]);
    }
    output.table(&table)
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

fn show(row: &HeldBack, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.json(row);
    }
    let facts = [
        ("Row", row.quarantine_id.clone()),
        ("Table", row.table.clone()),
        ("Held back", format!("by {} for {}, at {}", row.job_name, row.ds, moment(row.noted_at))),
        ("Made of", format!("{} {}", row.source_collection, row.source_id)),
    ];
    for (name, text) in facts {
        output.paragraph(&output.dim(&format!("{name:<12}")), &text)?;
    }
    output.line("")?;
    let mut table = output.new_table(["Column", "Found", "Allowed"]);
    for Violation { column, found, allowed } in &row.reasons {
        table.add_row([column, found, allowed]);
    }
    output.table(&table)?;
    output.line(format!("\n{}", serde_json::to_string_pretty(&row.row)?))
}

/// Runs the jobs again that held rows back. Each looks at its documents anew, so a cause that was healed is enough.
pub(super) fn retry(args: &QuarantineRetryArgs, home: &Home, output: &Output) -> Result<()> {
    let laptop = Laptop::open(home, "sentinel quarantine")?;
    block_on(retry_on(&laptop, args, output))
}

async fn retry_on(laptop: &Laptop, args: &QuarantineRetryArgs, output: &Output) -> Result<()> {
    let place = laptop.place();
    let mut rows = all(&place).await?;
    if let Some(id) = &args.id {
        rows = vec![one(rows, id)?];
    }
    let jobs: BTreeSet<_> = rows.iter().map(|row| (row.job_name.clone(), row.ds)).collect();
    let before: BTreeSet<_> = rows.into_iter().map(|row| row.quarantine_id).collect();
    let mut runs = Vec::new();
    for (job, ds) in jobs {
        let function = laptop.function(&job).await?;
        let _spinner = output.spinner(format!("running {job} for {ds}"));
        let request = RunRequest { at: Some(laptop.clock.now()), ds: Some(ds), event: None };
        let outcome = laptop.run(function.as_ref(), request).await?;
        runs.push(outcome.job_run().clone());
    }
    let left = all(&place).await?.into_iter().filter(|row| before.contains(&row.quarantine_id)).count();
    let healed = before.len() - left;
    if output.is_json() {
        return output.json(&json!({ "healed": healed, "left": left, "runs": runs }));
    }
    output.line(format!("{} passed, {} still in quarantine.", counted(healed, "row"), counted(left, "row")))
}
