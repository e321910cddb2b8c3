//! By which rules orders on an instrument are rounded, as the broker says and as it is kept.
//!
//! The broker is asked each night for all that is traded ([`sync_assets`]), and within the minute for what a new version
//! trades ([`learn_new_assets`]), so that its first signal knows the rules. What has not changed is not written; the
//! warehouse has the history.

use std::collections::{BTreeMap, BTreeSet};

use sentinel_domain::broker::{Broker, BrokerAsset};
use sentinel_domain::documents::{Precondition, Record, StoreError, Stored};
use sentinel_domain::instrument::{Instrument, InstrumentRules, Symbol};
use sentinel_domain::live::{Account, Asset};
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_function_runtime::{FunctionError, Reads, RunContext};

use crate::desk::{Desk, broker_failed};

/// Returns the rules of instruments: those that were kept, else those of a liquid pair at the broker.
///
/// # Errors
/// When the store cannot be read.
pub async fn rules_of_all<'a>(
    ctx: &impl Reads,
    instruments: impl IntoIterator<Item = &'a Instrument>,
) -> Result<BTreeMap<Instrument, InstrumentRules>, StoreError> {
    let mut rules: BTreeMap<Instrument, InstrumentRules> =
        instruments.into_iter().map(|instrument| (instrument.clone(), InstrumentRules::default())).collect();
    let ids: Vec<_> = rules.keys().map(Asset::id_of).collect();
    for asset in ctx.records::<Asset>().get_many(&ids).await? {
        rules.insert(asset.record.instrument, asset.record.rules);
    }
    Ok(rules)
}

/// Brings what is kept of everything that is traded, or ever was, up to what the broker says now. Returns the
/// instruments that it has never named.
///
/// # Errors
/// When store or broker fail; what was written stays.
pub async fn sync_assets(ctx: &RunContext, broker: &dyn Broker) -> Result<BTreeSet<Instrument>, FunctionError> {
    let versions = ctx.records::<StrategyVersion>();
    let current = versions.all(versions.select().equal("is_current", true)).await?;
    let assets = ctx.records::<Asset>();
    let kept = assets.all(assets.select()).await?;
    let traded = current.into_iter().flat_map(|stored| stored.record.assets);
    let wanted = traded.chain(kept.iter().map(|stored| stored.record.instrument.clone())).collect();
    keep_as_listed(ctx, broker, wanted, kept).await
}

/// Asks the broker for the instruments of versions that came since it was asked last. One that it does not list is named
/// among the account's troubles and asked for again. A version that begins before those that are known waits for the
/// night.
///
/// # Errors
/// When store or broker fail; the next call asks again.
pub async fn learn_new_assets(ctx: &RunContext, desk: &Desk) -> Result<(), FunctionError> {
    let Some(account) = ctx.records::<Account>().get(&desk.terms.account_id).await? else { return Ok(()) };
    let versions = ctx.records::<StrategyVersion>();
    let since = account.record.assets_until.unwrap_or(UnixMillis::MIN);
    let new = versions.all(versions.select().greater("valid_from", since)).await?;
    let Some(until) = new.iter().map(|stored| stored.record.valid_from).max() else { return Ok(()) };
    let current = new.into_iter().map(|stored| stored.record).filter(|version| version.is_current);
    let wanted: BTreeSet<Instrument> = current.flat_map(|version| version.assets).collect();
    let ids: Vec<_> = wanted.iter().map(Asset::id_of).collect();
    let kept = ctx.records::<Asset>().get_many(&ids).await?;
    let missing = keep_as_listed(ctx, desk.broker.as_ref(), wanted, kept).await?;
    note(ctx, account, &missing, until).await
}

/// Writes what differs from the broker's list. Returns the instruments of which nothing is known.
async fn keep_as_listed(
    ctx: &RunContext,
    broker: &dyn Broker,
    wanted: BTreeSet<Instrument>,
    kept: Vec<Stored<Asset>>,
) -> Result<BTreeSet<Instrument>, FunctionError> {
    if wanted.is_empty() {
        return Ok(BTreeSet::new());
    }
    let listed = broker.assets().await.map_err(broker_failed("ask the broker for its assets"))?;
    if listed.is_empty() {
        // A broker that trades nothing at all has no list yet, or a bad day: nothing is taken off the market by it.
        return Ok(wanted);
    }
    let listed: BTreeMap<Symbol, BrokerAsset> = listed.into_iter().map(|asset| (asset.symbol.clone(), asset)).collect();
    let kept: BTreeMap<String, Stored<Asset>> = kept.into_iter().map(|stored| (stored.record.id(), stored)).collect();
    let (mut writes, mut missing) = (Vec::new(), BTreeSet::new());
    for instrument in wanted {
        let known = kept.get(&Asset::id_of(&instrument));
        let known_record = known.map(|stored| &stored.record);
        match Asset::as_listed(&instrument, known_record, listed.get(&instrument.symbol)) {
            None => drop(missing.insert(instrument)),
            Some(asset) if known_record == Some(&asset) => {}
            Some(asset) => {
                let unchanged = known.map_or(Precondition::Absent, Stored::unchanged);
                writes.push(ctx.records::<Asset>().put(&asset, unchanged)?);
            }
        }
    }
    ctx.commit_in_batches(writes).await?;
    Ok(missing)
}

/// Remembers up to where versions are known, once all that they trade is.
async fn note(
    ctx: &RunContext,
    read: Stored<Account>,
    missing: &BTreeSet<Instrument>,
    until: UnixMillis,
) -> Result<(), FunctionError> {
    let mut account = read.record.clone();
    account.troubles.retain(|about, _| !about.starts_with(Account::ABOUT_ASSETS));
    for instrument in missing {
        let trouble = "the broker does not list it: orders on it are refused".to_owned();
        account.note_trouble(Account::about_asset(instrument), trouble);
    }
    if missing.is_empty() {
        account.assets_until = Some(until);
    }
    if account != read.record {
        ctx.commit(vec![ctx.records::<Account>().put(&account, read.unchanged())?]).await?;
    }
    Ok(())
}
