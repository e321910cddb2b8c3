//! `sentinel status`

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sentinel_domain::documents::{Direction, Query, Record, Records};
use sentinel_domain::live::{Account, DecisionChunk, LivePosition, LiveSignal, Pause, PositionStatus, RejectedSignal};
use sentinel_domain::tables::{AccountSnapshot, Table};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::sql::last_day;
use sentinel_domain::warehouse::{TableId, WarehouseExt};
use sentinel_function_runtime::JobRun;
use sentinel_function_runtime::outbox::OutboxRow;
use serde::Serialize;

use crate::args::StatusArgs;
use crate::format::{count, counted, moment, money, percent};
use crate::output::{Output, dim, number};
use crate::place::Place;

/// How far before the last decided close rejections are counted.
const REJECTIONS_MS: UnixMillis = Timeframe::D1.millis();

/// Everything that is shown.
#[derive(Debug, Serialize)]
struct Status {
    environment: String,
    accounts: Vec<Account>,
    /// Equity at the end of the last day that is archived, by account: what is known where no limit asks for more.
    snapshots: BTreeMap<String, Snapshot>,
    positions: Vec<LivePosition>,
    /// The day whose jobs these are: today, or the last one that had any.
    jobs_ds: Option<NaiveDate>,
    jobs: Vec<JobRun>,
    decisions: Option<Decisions>,
    quarantined: usize,
    outbox: Outbox,
}

/// An account at the end of a day.
#[derive(Debug, Serialize)]
struct Snapshot {
    ds: NaiveDate,
    equity: Decimal,
    drawdown_pct: f64,
}

/// The last close that was decided, and what came of it.
#[derive(Debug, Default, Serialize)]
struct Decisions {
    close_time: UnixMillis,
    decisions: usize,
    signals: usize,
    /// Signals of that close by what became of them.
    by_state: BTreeMap<String, usize>,
    /// Why strategies could not decide.
    failures: BTreeMap<String, usize>,
    /// Signals that the gate turned away in the day up to that close, by reason.
    rejections: BTreeMap<String, usize>,
}

#[derive(Debug, Default, Serialize)]
struct Outbox {
    waiting: usize,
    /// Why messages could not be delivered, by topic.
    failing: BTreeMap<String, String>,
}

pub(super) async fn run(args: &StatusArgs, place: &Place, output: &Output) -> Result<()> {
    let now = args.at.unwrap_or_else(|| place.clock.now());
    let status = gather(place, now).await?;
    if output.is_json() { output.json(&status) } else { print(&status, place, output) }
}

async fn gather(place: &Place, now: UnixMillis) -> Result<Status> {
    let accounts = place.records::<Account>();
    let positions = place.records::<LivePosition>();
    let alive = PositionStatus::ALIVE.map(PositionStatus::as_str);
    let (jobs_ds, jobs) = jobs(place, now).await?;
    Ok(Status {
        environment: place.environment.to_string(),
        accounts: records(&accounts, accounts.select()).await?,
        snapshots: snapshots(place).await?,
        positions: records(&positions, positions.select().one_of("status", alive)).await?,
        jobs_ds,
        jobs,
        decisions: decisions(place).await?,
        quarantined: super::quarantine::all(place).await?.len(),
        outbox: outbox(place).await?,
    })
}

async fn snapshots(place: &Place) -> Result<BTreeMap<String, Snapshot>> {
    let table = TableId::of::<AccountSnapshot>(place.environment.table(AccountSnapshot::schema().name));
    let rows = place.warehouse.select::<AccountSnapshot>(&table, &last_day(&table), &[]).await?;
    let snapshot = |row: AccountSnapshot| {
        let AccountSnapshot { account_id, ds, equity, drawdown_pct, .. } = row;
        (account_id, Snapshot { ds, equity, drawdown_pct })
    };
    Ok(rows.into_iter().map(snapshot).collect())
}

async fn records<T: Record>(records: &Records<'_, T>, query: Query) -> Result<Vec<T>> {
    Ok(records.all(query).await?.into_iter().map(|stored| stored.record).collect())
}

/// Returns the jobs of today or, where there are none, of the last day that had any: simulated time has its own days.
async fn jobs(place: &Place, now: UnixMillis) -> Result<(Option<NaiveDate>, Vec<JobRun>)> {
    let runs = place.records::<JobRun>();
    let today = DateTime::<Utc>::from_timestamp_millis(now).map(|time| time.date_naive());
    for ds in [today, last_ds(&runs).await?].into_iter().flatten() {
        let mut found = records(&runs, runs.select().equal("ds", ds.to_string())).await?;
        if !found.is_empty() {
            found.sort_by_key(|run| run.started);
            return Ok((Some(ds), found));
        }
    }
    Ok((None, Vec::new()))
}

async fn last_ds(runs: &Records<'_, JobRun>) -> Result<Option<NaiveDate>> {
    let last = runs.query(&runs.select().order_by("ds", Direction::Descending).limit(1)).await?;
    Ok(last.first().map(|run| run.record.ds))
}

async fn decisions(place: &Place) -> Result<Option<Decisions>> {
    let chunks = place.records::<DecisionChunk>();
    let last = chunks.query(&chunks.select().order_by("close_time", Direction::Descending).limit(1)).await?;
    let Some(close_time) = last.first().map(|chunk| chunk.record.close_time) else { return Ok(None) };
    let mut decisions = Decisions { close_time, ..Decisions::default() };
    for chunk in records(&chunks, chunks.select().equal("close_time", close_time)).await? {
        for decided in chunk.decided {
            decisions.decisions += 1;
            decisions.signals += usize::from(decided.signal_id.is_some());
            if let Some(failure) = decided.failure {
                *decisions.failures.entry(failure).or_default() += 1;
            }
        }
    }
    let signals = place.records::<LiveSignal>();
    for signal in records(&signals, signals.select().equal("close_time", close_time)).await? {
        *decisions.by_state.entry(signal.status.as_str().to_owned()).or_default() += 1;
    }
    let rejected = place.records::<RejectedSignal>();
    let recent = rejected.select().greater("close_time", close_time - REJECTIONS_MS);
    for rejected in records(&rejected, recent).await? {
        let reason = rejected.signal.rejection.map_or_else(|| "unknown".to_owned(), |rejection| rejection.reason);
        *decisions.rejections.entry(reason).or_default() += 1;
        if rejected.signal.close_time == close_time {
            *decisions.by_state.entry(rejected.signal.status.as_str().to_owned()).or_default() += 1;
        }
    }
    Ok(Some(decisions))
}

async fn outbox(place: &Place) -> Result<Outbox> {
    let rows = place.records::<OutboxRow>();
    let mut outbox = Outbox::default();
    for row in records(&rows, rows.select()).await? {
        outbox.waiting += 1;
        if let Some(error) = row.last_error {
            outbox.failing.insert(row.topic, error);
        }
    }
    Ok(outbox)
}

fn print(status: &Status, place: &Place, output: &Output) -> Result<()> {
    output.line(format!("{} {}", output.bold("Environment"), status.environment))?;
    print_accounts(status, output)?;
    print_positions(&status.positions, output)?;
    print_jobs(status, output)?;
    print_decisions(status.decisions.as_ref(), output)?;
    output.line("")?;
    let held_back = match status.quarantined {
        0 => "No row is in quarantine.".to_owned(),
        rows => {
            let list = place.command("quarantine list");
            format!("{} in quarantine; {list} shows why.", counted(rows, "row"))
        }
    };
    output.line(held_back)?;
    for (topic, error) in &status.outbox.failing {
        output.line(format!("A message to {topic} cannot be delivered: {error}"))?;
    }
    match status.outbox.waiting {
        0 => Ok(()),
        waiting => output.line(format!("{} to be delivered.", counted(waiting, "message"))),
    }
}

fn print_accounts(status: &Status, output: &Output) -> Result<()> {
    for account in &status.accounts {
        let marked =
            account.equity.zip(account.marked_at).map(|(equity, at)| format!("equity {equity:.2} at {}", moment(at)));
        let ended = status.snapshots.get(&account.account_id).map(|Snapshot { ds, equity, drawdown_pct }| {
            format!("equity {} at the end of {ds}, drawdown {}", money(*equity), percent(*drawdown_pct))
        });
        let known = marked.or(ended).unwrap_or_else(|| format!("begun with {}", money(account.cash_initial)));
        output.line(format!("{} {}: {known}", output.bold("Account"), account.account_id))?;
        if let Some(Pause { since, reason }) = &account.paused {
            output.line(format!("  ! paused since {}: {reason}; nothing new is bought", moment(*since)))?;
        }
        for (about, trouble) in &account.troubles {
            output.line(format!("  ! {about}: {trouble}"))?;
        }
    }
    Ok(())
}

fn print_positions(positions: &[LivePosition], output: &Output) -> Result<()> {
    output.line("")?;
    if positions.is_empty() {
        return output.line("No position is open.");
    }
    let mut table =
        output.new_table(["Position", "Strategy", "Instrument", "State", "Entry", "Price", "Coins", "Stop"]);
    for position in positions {
        let price = |price: Option<rust_decimal::Decimal>| price.map_or_else(|| dim("–"), |price| number(money(price)));
        table.add_row([
            dim(&position.position_id[..12.min(position.position_id.len())]),
            position.strategy_id.as_str().into(),
            position.instrument.to_string().into(),
            position.status.as_str().into(),
            position.entry_time.map_or_else(|| dim("–"), |time| moment(time).into()),
            price(position.entry_fill_price),
            number(position.position.bought().quantity.normalize()),
            price(position.current_stop),
        ]);
    }
    output.table(&table)
}

fn print_jobs(status: &Status, output: &Output) -> Result<()> {
    output.line("")?;
    let Some(ds) = status.jobs_ds else { return output.line("No job has run yet.") };
    // A function that runs each minute would fill the screen: the last run of each, and how many there were.
    let mut last: BTreeMap<&str, (&JobRun, usize, usize)> = BTreeMap::new();
    for run in &status.jobs {
        let entry = last.entry(&run.job_name).or_insert((run, 0, 0));
        entry.0 = run;
        entry.1 += 1;
        entry.2 += usize::from(run.status == sentinel_function_runtime::JobStatus::Failed);
    }
    let title = format!("Job on {ds}");
    let mut table =
        output.new_table([title.as_str(), "Runs", "Failed", "Last", "State", "In", "Out", "Held back", "Why"]);
    for (name, (run, runs, failed)) in last {
        table.add_row([
            name.into(),
            number(count(runs as u64)),
            number(count(failed as u64)),
            moment(run.at).into(),
            run.status.as_str().into(),
            number(count(run.rows_in)),
            number(count(run.rows_out)),
            number(count(run.rows_quarantined)),
            run.error.clone().unwrap_or_default().into(),
        ]);
    }
    output.table(&table)
}

fn print_decisions(decisions: Option<&Decisions>, output: &Output) -> Result<()> {
    output.line("")?;
    let Some(Decisions { close_time, decisions, signals, by_state, failures, rejections }) = decisions else {
        return output.line("Nothing was decided yet.");
    };
    output.line(format!(
        "{} at the close of {}: {}, {}",
        output.bold("Last decisions"),
        moment(*close_time),
        counted(*decisions, "evaluation"),
        counted(*signals, "signal")
    ))?;
    let listed = |counts: &BTreeMap<String, usize>| {
        counts.iter().map(|(what, times)| format!("{times} {what}")).collect::<Vec<_>>().join(", ")
    };
    if !by_state.is_empty() {
        output.line(format!("  of these signals: {}", listed(by_state)))?;
    }
    for (failure, times) in failures {
        output.paragraph("  could not decide: ", &format!("{failure} ({times} times)"))?;
    }
    if rejections.is_empty() {
        return output.line("  no signal was rejected in the day before");
    }
    output.line(format!("  rejected in the day before: {}", listed(rejections)))
}
