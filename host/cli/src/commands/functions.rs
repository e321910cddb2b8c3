//! `sentinel functions` and `sentinel run`

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use sentinel_domain::candles::format_time;
use sentinel_function_runtime::http::event_from_json;
use sentinel_function_runtime::{FunctionDescriptor, JobRun, Outcome, RunRequest, Trigger};
use serde_json::{Value, json};

use crate::args::RunFunctionArgs;
use crate::failure::usage;
use crate::home::Home;
use crate::laptop::{Laptop, block_on};
use crate::output::{Output, number};

/// As much as the functions take over HTTP.
const EVENT_BYTES_MAX: u64 = 1 << 20;

pub(super) fn list(home: &Home, output: &Output) -> Result<()> {
    let laptop = Laptop::open(home, "sentinel functions")?;
    let desktop = block_on(laptop.desktop())?;
    let descriptors: Vec<_> = desktop.functions().map(|function| function.descriptor()).collect();
    if output.is_json() {
        return output.json(&descriptors.iter().map(|descriptor| descriptor.to_json()).collect::<Vec<Value>>());
    }
    let mut table = output.new_table(["Function", "Started by", "After", "Timeout", "Memory", "What it does"]);
    for FunctionDescriptor { name, description, triggers, after, timeout, memory_mib, .. } in descriptors {
        let started_by: Vec<_> = triggers.iter().map(started_by).collect();
        table.add_row([
            (*name).into(),
            started_by.join(", ").into(),
            after.join(", ").into(),
            number(format!("{} s", timeout.as_secs())),
            number(format!("{memory_mib} MiB")),
            (*description).into(),
        ]);
    }
    output.table(&table)
}

fn started_by(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Schedule { cron } => (*cron).to_owned(),
        Trigger::Event { event_type } | Trigger::Task { event_type } => (*event_type).to_owned(),
        Trigger::ObjectFinalized => "upload".to_owned(),
    }
}

/// Reads an event's file, of which a device or a log that is no event is not read to its end.
fn event_bytes(path: &Path) -> Result<Vec<u8>> {
    let cannot_read = || format!("cannot read the event {}", path.display());
    let file = File::open(path).with_context(cannot_read)?;
    let mut bytes = Vec::new();
    file.take(EVENT_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(cannot_read)?;
    if bytes.len() as u64 > EVENT_BYTES_MAX {
        return Err(usage(format_args!(
            "{} is too long for an event: at most {EVENT_BYTES_MAX} bytes; put the data into a store and send its name",
            path.display()
        )));
    }
    Ok(bytes)
}

pub(super) fn run(args: &RunFunctionArgs, home: &Home, output: &Output) -> Result<()> {
    let laptop = Laptop::open(home, "sentinel run")?;
    let event = match &args.event {
        None => None,
        Some(path) => {
            let bytes = event_bytes(path)?;
            let event = event_from_json(&bytes);
            Some(event.map_err(|refusal| usage(format_args!("{}: {}", path.display(), refusal.error())))?)
        }
    };
    let request = RunRequest { at: args.at, ds: None, event };
    let outcome = block_on(async {
        let function = laptop.function(&args.name).await?;
        laptop.run(function.as_ref(), request).await
    })?;
    let is_duplicate = matches!(outcome, Outcome::Duplicate(_));
    let JobRun { job_name, status, ds, at, rows_in, rows_out, rows_quarantined, notes, .. } = outcome.job_run();
    if output.is_json() {
        let mut json = json!(outcome.job_run());
        json["duplicate"] = is_duplicate.into();
        return output.json(&json);
    }
    let seen = if is_duplicate { " (the event was seen before)" } else { "" };
    output.line(format!(
        "{} {status} for {ds}, at {}: {rows_in} rows in, {rows_out} out, {rows_quarantined} quarantined{seen}",
        output.bold(job_name),
        format_time(*at)
    ))?;
    notes.iter().try_for_each(|note| output.line(format!("  {note}")))
}
