//! `sentinel dev` on the clock of this machine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use sentinel_alpaca::{AlpacaClient, AlpacaConfig, TradeStream};
use sentinel_domain::timeframe::Timeframe;
use sentinel_function_runtime::http::stop_signal;
use sentinel_function_runtime::{JobRun, Outcome};
use sentinel_functions::AccountConfig;
use sentinel_laptop::{Feed, Watch, WatchEvent};
use serde_json::json;

use super::backups::Backups;
use super::sources::Sources;
use crate::account;
use crate::failure::usage;
use crate::format::moment;
use crate::laptop::Laptop;
use crate::local_broker::{self, Listening};
use crate::output::Output;

/// How often sources are looked at.
const LOOK: Duration = Duration::from_millis(500);

pub(super) fn run(laptop: &Laptop, mut sources: Sources, mut backups: Option<Backups>, output: &Output) -> Result<()> {
    if let Some(mark) = laptop.simulated {
        return Err(usage(format_args!(
            "the stores in {} hold simulated time, up to {}; go on with --from and --to, or name another data folder \
             with --data-dir",
            laptop.folder.display(),
            moment(mark.reached)
        )));
    }
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    threads.block_on(async {
        let account = laptop.account()?;
        // Kept until the end.
        let own = account::prices(&account).map(|prices| own_market(laptop, &account, prices)).transpose()?;
        let broker = match &own {
            Some(own) => Some(AlpacaConfig::local(&own.url)),
            None => account::remote(&account)?,
        };
        // Filled by the functions' threads, emptied by this one, which owns the terminal.
        let told = Arc::new(Mutex::new(Vec::new()));
        let teller = Arc::clone(&told);
        let report = move |event| locked(&teller).push(event);
        let mut watch = Watch::new(laptop.desktop().await?, &laptop.drop_folder, report)?;
        if let Some(own) = &own {
            watch = watch.with_feed(own.feed.clone());
        }
        if let Some(broker) = broker {
            watch = watch.with_updates(move || Box::new(TradeStream::new(broker.clone())));
        }
        output.note(format!("running on {}; stop with Ctrl-C", laptop.folder.display()));
        // Said once until it is heard again: it is tried again and again.
        let mut is_deaf = false;
        let mut running = tokio::spawn(async move { watch.run(async { drop(stop_signal().await) }).await });
        loop {
            sources.build_changed(output)?;
            let events = std::mem::take(&mut *locked(&told));
            for event in events {
                let is_known = is_deaf && matches!(event, WatchEvent::Deaf { .. });
                match event {
                    WatchEvent::Deaf { .. } => is_deaf = true,
                    WatchEvent::Listening => is_deaf = false,
                    _ => {}
                }
                if !is_known {
                    show(&event, output)?;
                }
            }
            if let Some(backups) = &mut backups {
                backups.look(laptop, output).await?;
            }
            tokio::select! {
                ended = &mut running => return Ok(ended??),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    })
}

/// The broker of this machine.
struct OwnMarket {
    feed: Feed,
    url: String,
    /// Other commands find the broker by it.
    _listening: Listening,
}

/// Opens the broker of this machine, with prices from elsewhere.
fn own_market(laptop: &Laptop, account: &AccountConfig, prices: AlpacaConfig) -> Result<OwnMarket> {
    let minute = Timeframe::M1.candle_open(laptop.clock.now());
    let broker = Arc::new(local_broker::start(account, &laptop.folder, minute)?);
    let url = broker.url();
    let listening = Listening::at(&url, &laptop.folder)?;
    let source = Arc::new(AlpacaClient::new(prices)?);
    Ok(OwnMarket { feed: Feed::new(broker, source, Timeframe::M1), url, _listening: listening })
}

fn locked(told: &Mutex<Vec<WatchEvent>>) -> MutexGuard<'_, Vec<WatchEvent>> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

fn show(event: &WatchEvent, output: &Output) -> Result<()> {
    match event {
        WatchEvent::Ran(Outcome::Ran(run)) if output.is_json() => output.json(run),
        WatchEvent::Ran(Outcome::Ran(run)) if is_news(run) => output.line(format!(
            "{} {} {}: {} in, {} out{}",
            output.dim(&moment(run.at)),
            output.bold(&run.job_name),
            run.status,
            run.rows_in,
            run.rows_out,
            run.notes.iter().map(|note| format!("; {note}")).collect::<String>()
        )),
        WatchEvent::Ran(_) => Ok(()),
        WatchEvent::Failed { name, error, again } if output.is_json() => {
            output.json(&json!({ "job_name": name, "error": error.to_string(), "again": again }))
        }
        WatchEvent::Failed { name, error, again } => {
            let then = if *again { "; it is tried again" } else { "" };
            output.warning(format!("{name}: {error}{then}"));
            Ok(())
        }
        WatchEvent::Undelivered { message, reason } => {
            output.warning(format!("message {} waits: {reason}", &message[..12.min(message.len())]));
            Ok(())
        }
        WatchEvent::Listening => Ok(()),
        WatchEvent::Deaf { reason, .. } if output.is_json() => {
            output.json(&json!({ "updates": "lost", "reason": reason }))
        }
        WatchEvent::Deaf { reason, .. } => {
            output.warning(format!("{reason}; positions are brought up to date each minute, and it is tried again"));
            Ok(())
        }
        WatchEvent::Unreadable(problem) => {
            output.warning(problem);
            Ok(())
        }
    }
}

/// Whether a run did anything: most of those of each minute do not.
fn is_news(run: &JobRun) -> bool {
    run.rows_out > 0 || run.rows_quarantined > 0 || !run.notes.is_empty()
}
