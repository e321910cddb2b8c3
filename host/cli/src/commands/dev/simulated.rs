//! `sentinel dev --from --to`: the functions on simulated time, with the broker of this machine.

use std::ops::Range;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use sentinel_domain::clock::Clock;
use sentinel_domain::components::ComponentStore;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::live::Account;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_function_runtime::http::stop_signal;
use sentinel_function_runtime::{RunRequest, Runtime};
use sentinel_laptop::{Simulation, SimulationOptions};
use sentinel_register_strategy::{history, scan_drop_folder};

use super::pace::Pace;
use super::sources::Sources;
use crate::commands::thread;
use crate::failure::usage;
use crate::format::moment;
use crate::home::Home;
use crate::laptop::{Laptop, git_hash};
use crate::local_broker::{self, Listening};
use crate::markets;
use crate::output::Output;
use crate::simulated_time::SimulatedTime;

pub(super) fn run(
    mut laptop: Laptop,
    span: Range<UnixMillis>,
    speed: Option<f64>,
    mut sources: Sources,
    home: &Home,
    output: &Output,
) -> Result<()> {
    if span.start >= span.end {
        return Err(usage("--from is not before --to; no time lies between"));
    }
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    threads.block_on(async {
        refuse_real_time(&laptop).await?;
        if let Some(mark) = laptop.simulated {
            if span.start < mark.from {
                return Err(usage(format_args!(
                    "simulated time in these stores began at {}, after --from; begin there, or name another data folder \
                     with --data-dir",
                    moment(mark.from)
                )));
            }
            if mark.reached >= span.end {
                output.note(format!("simulated time is at {} already", moment(mark.reached)));
                return thread::show(&laptop.place(), output).await;
            }
        }
        sources.build_changed(output)?;
        take_in(&laptop.runtime(), &laptop, span.start).await?;
        let mut mark = begin(&laptop, &span, home).await?;
        laptop.simulated = Some(mark);
        let mut simulation = open(&laptop, mark.from..span.end, home).await?;
        let _listening = Listening::at(&simulation.broker().url(), &laptop.folder)?;
        mark.reached = simulation.clock().now();
        mark.write(&laptop.folder)?;
        let pace = Pace::new(speed, mark.reached);
        let is_whole = go(&mut simulation, &laptop, &mut mark, pace, &mut sources, output).await;
        mark.reached = mark.reached.max(simulation.clock().now());
        mark.write(&laptop.folder)?;
        if !is_whole? {
            output.note(format!("stopped at {}; the same command goes on from there", moment(mark.reached)));
        }
        thread::show(&laptop.place(), output).await
    })
}

/// Returns where simulated time begins and stands: in fresh stores, at the span's beginning.
async fn begin(laptop: &Laptop, span: &Range<UnixMillis>, home: &Home) -> Result<SimulatedTime> {
    if let Some(mark) = laptop.simulated {
        return Ok(mark);
    }
    let versions = history::all(&laptop.documents, laptop.environment).await?;
    let finest = markets::finest(&versions, span, laptop.account()?.finest, home)?;
    Ok(SimulatedTime { from: span.start, reached: span.start, finest })
}

async fn open(laptop: &Laptop, span: Range<UnixMillis>, home: &Home) -> Result<Simulation> {
    let account = laptop.account()?;
    let versions = history::all(&laptop.documents, laptop.environment).await?;
    let terms = laptop.terms(&account);
    let finest = markets::finest(&versions, &span, Some(terms.finest), home)?;
    let markets = markets::read(&versions, &span, finest, home)?;
    let markets = markets.into_iter().map(|market| (market.candles, InstrumentRules::default())).collect();
    let mut simulation = Simulation::open(SimulationOptions {
        folder: laptop.folder.clone(),
        environment: laptop.environment,
        terms,
        cash: account.cash,
        markets,
        from: Some(span.start),
        broker_file: Some(local_broker::file(&laptop.folder)),
        components: Arc::clone(&laptop.components) as Arc<dyn ComponentStore>,
        sandbox: Arc::clone(&laptop.sandbox),
        git_hash: git_hash().to_owned(),
    })
    .await?;
    simulation.archive_into(&laptop.archive(), account.benchmark)?;
    simulation.desktop_mut().add_registry(laptop.uploads());
    Ok(simulation)
}

/// Goes through all moments and the night after the last; returns whether it came so far.
async fn go(
    simulation: &mut Simulation,
    laptop: &Laptop,
    mark: &mut SimulatedTime,
    pace: Pace,
    sources: &mut Sources,
    output: &Output,
) -> Result<bool> {
    let progress = output.progress("simulating", simulation.moments_left() as u64);
    let stop = tokio::spawn(stop_signal());
    let mut last = mark.reached;
    while let Some(time) = simulation.next_moment() {
        tokio::time::sleep(pace.until(time)).await;
        if stop.is_finished() {
            return Ok(false);
        }
        simulation.run_next().await.map_err(|error| anyhow!("at {}: {error}", moment(time)))?;
        progress.step();
        if Timeframe::D1.candle_open(time) != Timeframe::D1.candle_open(last) {
            progress.now(format!("simulating {}", moment(time)));
            mark.reached = time;
            mark.write(&laptop.folder)?;
            sources.build_changed(output)?;
            take_in(simulation.desktop().runtime(), laptop, time).await?;
        }
        last = time;
    }
    stop.abort();
    simulation.night(last).await?;
    Ok(true)
}

/// Registers what lies in the drop folder, as of `at`; what is registered already stays as it is.
async fn take_in(runtime: &Runtime, laptop: &Laptop, at: UnixMillis) -> Result<()> {
    let function = laptop.register_uploads();
    for event in scan_drop_folder(&laptop.drop_folder, Some(at))? {
        let request = RunRequest { at: Some(at), ds: None, event: Some(event) };
        runtime.run_once(function.as_ref(), request).await?;
    }
    Ok(())
}

/// Refuses stores in which the machine's own time has passed already.
async fn refuse_real_time(laptop: &Laptop) -> Result<()> {
    let accounts = laptop.records::<Account>();
    if laptop.simulated.is_some() || accounts.query(&accounts.select().limit(1)).await?.is_empty() {
        return Ok(());
    }
    Err(usage(format_args!(
        "the stores in {} have traded in real time, with which simulated time does not mix; name another data folder \
         with --data-dir",
        laptop.folder.display()
    )))
}
