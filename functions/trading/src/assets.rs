//! By which rules orders on an instrument are rounded.

use sentinel_domain::documents::StoreError;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::live::Asset;
use sentinel_function_runtime::Reads;

/// Returns the rules of an instrument: those that were kept, else those of a liquid pair at the broker.
///
/// # Errors
/// When the store cannot be read.
pub async fn rules_of(ctx: &impl Reads, instrument: &Instrument) -> Result<InstrumentRules, StoreError> {
    let asset = ctx.records::<Asset>().get(&Asset::id_of(instrument)).await?;
    Ok(asset.map_or_else(InstrumentRules::default, |asset| asset.record.rules))
}
