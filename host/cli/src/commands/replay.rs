//! `sentinel replay`

use std::sync::Arc;

use anyhow::Result;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::warehouse::Warehouse;
use sentinel_replay::{ReplayRange, ReplayVerdict, last_close, replay_archived};

use crate::args::ReplayArgs;
use crate::failure::{Refused, usage};
use crate::format::{count, counted, moment};
use crate::output::Output;
use crate::place::Place;

/// Differences that are printed; the JSON has all of them.
const SHOWN_MAX: usize = 20;

pub(super) async fn run(args: &ReplayArgs, place: &Place, output: &Output) -> Result<()> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from >= to
    {
        return Err(usage("--from is not before --to; no bar closes between"));
    }
    let range = ReplayRange { from: args.from, to: args.to, strategy_id: args.strategy.clone() };
    let verdict = {
        let reader = place.reader();
        let warehouse: &Arc<dyn Warehouse> = &place.warehouse;
        let end = last_close(&reader, Some(warehouse)).await?.unwrap_or_default();
        let way = output.way("taking decisions again");
        let mut begin: Option<UnixMillis> = None;
        let progress = |close_time: UnixMillis, decisions: usize| {
            let begin = *begin.get_or_insert(close_time);
            let part = |until: UnixMillis| u64::try_from(until - begin).unwrap_or(0);
            way.part(part(close_time), part(range.to.map_or(end, |to| to.min(end))).max(1));
            way.now(format!("taking decisions again: {} until {}", count(decisions as u64), moment(close_time)));
        };
        replay_archived(&reader, Some(warehouse), &place.library(), &range, progress).await?
    };
    if output.is_json() {
        output.json(&verdict)?;
    } else {
        print(&verdict, output)?;
    }
    // A verdict is an answer, so it is printed; the exit status is for scripts.
    if verdict.is_same() { Ok(()) } else { Err(Refused.into()) }
}

fn print(verdict: &ReplayVerdict, output: &Output) -> Result<()> {
    let ReplayVerdict { decisions, same, fuel_compared, failed_alike, differences } = verdict;
    for difference in differences.iter().take(SHOWN_MAX) {
        output.paragraph("  ", &difference.to_string())?;
    }
    if differences.len() > SHOWN_MAX {
        output
            .line(format!("  … and {} more; --json has all of them", count((differences.len() - SHOWN_MAX) as u64)))?;
    }
    if *decisions == 0 {
        return output.line("No decision is recorded in this range.");
    }
    let alike =
        if *failed_alike > 0 { format!(", {} failed alike", count(*failed_alike as u64)) } else { String::new() };
    output.line(format!(
        "{} taken again: {} the same to the bit (fuel compared in {}{alike}), {} different.",
        counted(*decisions, "decision"),
        count(*same as u64),
        count(*fuel_compared as u64),
        count((decisions - same) as u64),
    ))
}
