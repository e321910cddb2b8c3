//! By which rules orders on an instrument are rounded.

use std::collections::BTreeMap;

use sentinel_domain::documents::StoreError;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::live::Asset;
use sentinel_function_runtime::Reads;

/// Returns the rules of many instruments, as [`rules_of`] does of one.
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

/// Returns the rules of an instrument: those that were kept, else those of a liquid pair at the broker.
///
/// # Errors
/// When the store cannot be read.
pub async fn rules_of(ctx: &impl Reads, instrument: &Instrument) -> Result<InstrumentRules, StoreError> {
    let asset = ctx.records::<Asset>().get(&Asset::id_of(instrument)).await?;
    Ok(asset.map_or_else(InstrumentRules::default, |asset| asset.record.rules))
}
