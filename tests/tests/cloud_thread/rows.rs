//! Everything that stands in two stores, as text that can be compared.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use sentinel_domain::documents::{Collection, DocumentStore, Query};
use sentinel_domain::tables::{
    AccountSnapshot, BacktestEquityPoint, BacktestRun, CandleRow, DecisionRow, DimAsset, DimStrategy,
    FactRejectedSignal, FactSignalExpired, FactTrade, PositionRow, SignalRow, StrategyPerformance, Table,
};
use sentinel_domain::warehouse::{EVERY_DAY, TableId, Warehouse, WarehouseExt};
use serde_json::Value;

use crate::ENVIRONMENT;

/// Rows by table, sorted.
pub(crate) type Tables = BTreeMap<String, Vec<String>>;
/// Documents by collection and id.
pub(crate) type Collections = BTreeMap<String, BTreeMap<String, Value>>;

/// What is traded with. Left out is what tells of runs and messages: events come more often on one side.
const COLLECTIONS: [Collection; 9] = [
    Collection::DimStrategies,
    Collection::DimAssets,
    Collection::LiveSignals,
    Collection::RejectedSignals,
    Collection::LivePositions,
    Collection::Accounts,
    Collection::Candles,
    Collection::Decisions,
    Collection::Quarantine,
];

pub(crate) async fn documents_of(store: &dyn DocumentStore) -> Collections {
    let mut found = Collections::new();
    for collection in COLLECTIONS {
        let name = ENVIRONMENT.collection(collection);
        let mut query = Query::of(name).limit(100);
        let documents = found.entry(name.as_str().to_owned()).or_default();
        loop {
            let page = store.query(&query).await.unwrap();
            let Some(last) = page.last() else { break };
            let next = query.clone().start_after(last);
            documents.extend(page.into_iter().map(|document| (document.id, document.body)));
            query = next;
        }
    }
    found
}

pub(crate) async fn rows_of(warehouse: &Arc<dyn Warehouse>) -> Tables {
    let mut tables = Tables::new();
    add::<FactTrade>(warehouse, &mut tables).await;
    add::<FactRejectedSignal>(warehouse, &mut tables).await;
    add::<FactSignalExpired>(warehouse, &mut tables).await;
    add::<AccountSnapshot>(warehouse, &mut tables).await;
    add::<StrategyPerformance>(warehouse, &mut tables).await;
    add::<DimStrategy>(warehouse, &mut tables).await;
    add::<DimAsset>(warehouse, &mut tables).await;
    add::<CandleRow>(warehouse, &mut tables).await;
    add::<SignalRow>(warehouse, &mut tables).await;
    add::<PositionRow>(warehouse, &mut tables).await;
    add::<DecisionRow>(warehouse, &mut tables).await;
    add::<BacktestRun>(warehouse, &mut tables).await;
    add::<BacktestEquityPoint>(warehouse, &mut tables).await;
    assert_eq!(tables.len(), sentinel_domain::tables::all().len(), "a table is missing here");
    tables
}

async fn add<T: Table + Debug>(warehouse: &Arc<dyn Warehouse>, tables: &mut Tables) {
    let name = ENVIRONMENT.table(T::schema().name);
    let table = TableId::of::<T>(name.clone());
    let rows: Vec<T> = warehouse.select(&table, EVERY_DAY, &[]).await.unwrap();
    let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    rows.sort();
    tables.insert(name, rows);
}
