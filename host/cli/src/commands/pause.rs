//! `sentinel pause` and `sentinel resume`: new entries stop at once, positions stay protected.
//!
//! The pause stands in the account's document, which the gate commits its decisions together with: one that was under
//! way when a person paused fails and is decided again, under the pause.

use anyhow::{Result, anyhow};
use sentinel_domain::candles::format_time;
use sentinel_domain::live::{Account, Pause};
use sentinel_domain::timeframe::UnixMillis;
use serde_json::json;

use crate::args::PauseArgs;
use crate::failure::usage;
use crate::output::Output;
use crate::place::{Place, Whose};

/// How often functions may come in between before the person is asked to try again.
const TRIES: usize = 50;

pub(super) async fn pause(args: &PauseArgs, place: &Place, output: &Output) -> Result<()> {
    let since = place.clock.now();
    let reason = args.reason.clone().unwrap_or_else(|| "no reason given".to_owned());
    // A second pause keeps the moment of the first.
    let account = change(place, |account| {
        let since = account.paused.as_ref().map_or(since, |pause| pause.since);
        account.paused = Some(Pause { since, reason: reason.clone() });
    });
    report(&account.await?, since, place, output)
}

pub(super) async fn resume(place: &Place, output: &Output) -> Result<()> {
    let account = change(place, |account| account.paused = None).await?;
    report(&account, place.clock.now(), place, output)
}

/// Changes the account under the condition that no function has changed it meanwhile.
async fn change(place: &Place, change: impl Fn(&mut Account)) -> Result<Account> {
    let id = place.account_id()?;
    let records = place.records::<Account>();
    for _ in 0..TRIES {
        let Some(mut stored) = records.get(&id).await? else {
            return Err(usage(format_args!(
                "no function has looked at the account {id} yet, so nothing is traded that could be paused{}",
                if matches!(place.whose, Whose::Laptop(_)) { "; `sentinel dev` starts the functions" } else { "" }
            )));
        };
        change(&mut stored.record);
        match place.documents.commit(vec![records.put_back(&stored)?]).await {
            Ok(()) => return Ok(stored.record),
            Err(error) if error.is_conflict() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(anyhow!("the account {id} was changed by functions {TRIES} times in a row; try again"))
}

fn report(account: &Account, now: UnixMillis, place: &Place, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.json(&json!({ "account_id": account.account_id, "paused": account.paused }));
    }
    let name = output.bold(&account.account_id);
    match &account.paused {
        Some(pause) => output.line(format!(
            "Account {name} is paused since {}: {}. Nothing new is bought; entries that wait are taken back by the \
             next sync, stops and exits go on. {} ends it.",
            format_time(pause.since),
            pause.reason,
            place.command("resume")
        )),
        None => output.line(format!("Account {name} trades again, from {} on.", format_time(now))),
    }
}
