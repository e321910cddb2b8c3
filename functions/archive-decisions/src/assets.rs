//! Instruments and their rules over time, as rows of `dim_assets`.
//!
//! The hot store knows the rules of now: `snapshot-accounts` has asked the broker for them some minutes before. A change
//! is seen on the night after and counts from the beginning of the day that ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use sentinel_archive::time::{end_of, midnight, utc};
use sentinel_archive::{Entry, Source, table, warehouse_failed};
use sentinel_domain::documents::Stored;
use sentinel_domain::live::Asset;
use sentinel_domain::tables::{Cell, DimAsset};
use sentinel_domain::warehouse::{Warehouse, WarehouseExt};
use sentinel_function_runtime::{FunctionError, RunContext};

/// Returns the entries of instruments that are new or whose rules have changed.
pub(crate) async fn entries(ctx: &RunContext, warehouse: &Arc<dyn Warehouse>) -> Result<Vec<Entry>, FunctionError> {
    let records = ctx.records::<Asset>();
    let assets = records.all(records.select()).await?;
    if assets.is_empty() {
        return Ok(Vec::new());
    }
    let table = table::<DimAsset>(ctx.environment());
    warehouse.ensure(&table).await.map_err(warehouse_failed("make a table"))?;
    // Later days too: run again, a run must not open a row beside the one that came after it.
    let since = [Cell::Date(NaiveDate::default())];
    let current = warehouse.select::<DimAsset>(&table, "t.ds >= ? AND t.is_current = TRUE", &since).await;
    let current = current.map_err(warehouse_failed("read instruments"))?;
    let current: BTreeMap<(String, String), DimAsset> =
        current.into_iter().map(|row| ((row.exchange.clone(), row.symbol.clone()), row)).collect();
    Ok(assets.iter().filter_map(|stored| entry(ctx, stored, &current)).collect())
}

fn entry(ctx: &RunContext, stored: &Stored<Asset>, current: &BTreeMap<(String, String), DimAsset>) -> Option<Entry> {
    let row = row(ctx, &stored.record);
    let mut entry = Entry::new(Source::read(stored));
    if let Some(known) = current.get(&(row.exchange.clone(), row.symbol.clone())) {
        let unchanged =
            DimAsset { valid_from: known.valid_from, timestamp: known.timestamp, ds: known.ds, ..row.clone() };
        // Run again later, a run is still about its own day.
        if unchanged == *known || known.valid_from >= utc(end_of(ctx.ds())) {
            return None;
        }
        if known.valid_from < row.valid_from {
            entry.add(&DimAsset { valid_to: Some(row.valid_from), is_current: false, ..known.clone() });
        }
    }
    entry.add(&row);
    Some(entry)
}

fn row(ctx: &RunContext, Asset { instrument, rules, broker_asset_id }: &Asset) -> DimAsset {
    let valid_from = utc(midnight(ctx.ds()));
    DimAsset {
        exchange: instrument.exchange.to_string(),
        symbol: instrument.symbol.to_string(),
        base: instrument.symbol.base().to_owned(),
        quote: instrument.symbol.quote().to_owned(),
        asset_class: "crypto".to_owned(),
        broker_asset_id: broker_asset_id.clone(),
        tick_size: rules.tick_size,
        step_size: rules.step_size,
        quantity_min: rules.quantity_min,
        notional_min: rules.notional_min,
        tradable: rules.tradable,
        valid_from,
        valid_to: None,
        is_current: true,
        timestamp: valid_from,
        ds: ctx.ds(),
    }
}
