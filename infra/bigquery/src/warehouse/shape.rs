//! Whether a table is what its schema says; where tables are made here, how.

use std::collections::BTreeMap;

use gcp_bigquery_client::model::dataset::Dataset;
use gcp_bigquery_client::model::table::Table;
use gcp_bigquery_client::model::table_field_schema::TableFieldSchema;
use gcp_bigquery_client::model::table_schema::TableSchema;
use gcp_bigquery_client::model::time_partitioning::TimePartitioning;
use gcp_bigquery_client::model::view_definition::ViewDefinition;
use sentinel_domain::tables::PARTITION;
use sentinel_domain::tables::export::bigquery_schema;
use sentinel_domain::warehouse::{ColumnDrift, TableId, ViewId, WarehouseError};

use crate::api::Api;
use crate::failure::Failure;

/// Compares a live table with its schema.
pub(super) async fn check(api: &Api, table: &TableId) -> Result<(), WarehouseError> {
    let live = match get(api, &table.physical_name).await {
        Err(failure) if failure.is_absent() => return Err(WarehouseError::NoTable { table: table.to_string() }),
        live => live.map_err(|failure| failure.of("look at a table of", &api.settings.name()))?,
    };
    let mut found: BTreeMap<String, String> =
        live.schema.fields.iter().flatten().map(|field| (field.name.clone(), described(field))).collect();
    let mut drift = Vec::new();
    for field in fields(table)? {
        let expected = described(&field);
        match found.remove(&field.name) {
            None => drift.push(ColumnDrift::Missing(field.name)),
            Some(found) if found != expected => {
                drift.push(ColumnDrift::Different { column: field.name, expected, found });
            }
            Some(_) => {}
        }
    }
    drift.extend(found.into_keys().map(ColumnDrift::Unknown));
    if drift.is_empty() {
        return Ok(());
    }
    Err(WarehouseError::Drift { table: table.to_string(), columns: drift })
}

/// Makes a table, and its dataset where there is none.
///
/// Without the option that refuses questions without a day, which Terraform sets: the counterpart would refuse every
/// `MERGE` then, also one that names its days.
pub(super) async fn make(api: &Api, table: &TableId) -> Result<(), WarehouseError> {
    let settings = &api.settings;
    let failed = |failure: Failure| failure.of("make a table in", &settings.name());
    let schema = TableSchema::new(fields(table)?);
    let new = Table::new(&settings.project, &settings.dataset, &table.physical_name, schema)
        .time_partitioning(TimePartitioning::per_day().field(PARTITION));
    match create(api, &new).await {
        Err(failure) if failure.is_absent() => {
            make_dataset(api).await.map_err(failed)?;
            create(api, &new).await.map_err(failed)
        }
        made => made.map_err(failed),
    }
}

/// Makes a view, or replaces it. Inside it every table says in full where it is, and which days are read: all of them.
pub(super) async fn make_view(api: &Api, view: &ViewId) -> Result<(), WarehouseError> {
    let settings = &api.settings;
    let failed = |failure: Failure| failure.of("make a view in", &settings.name());
    let query = view.query_over(|name| {
        let (project, dataset) = (&settings.project, &settings.dataset);
        format!("(SELECT * FROM `{project}.{dataset}.{name}` WHERE {PARTITION} >= DATE '1970-01-01')")
    });
    let definition = ViewDefinition { query, use_legacy_sql: Some(false), user_defined_function_resources: None };
    let new = Table::new(&settings.project, &settings.dataset, &view.physical_name, TableSchema::default())
        .view(definition.clone());
    if let Some(statements) = &settings.statements {
        statements.note_view(&definition.query);
    }
    match get(api, &view.physical_name).await {
        Ok(live) if live.view.as_ref().is_some_and(|live| live.query == definition.query) => Ok(()),
        Ok(_) => {
            let replace = || async {
                let tables = api.client.table();
                Ok(tables.update(&settings.project, &settings.dataset, &view.physical_name, new.clone()).await?)
            };
            api.call("replace a view in", replace).await.map(drop).map_err(failed)
        }
        Err(failure) if failure.is_absent() => create(api, &new).await.map_err(failed),
        Err(failure) => Err(failed(failure)),
    }
}

/// Checks that a view is there.
pub(super) async fn check_view(api: &Api, view: &ViewId) -> Result<(), WarehouseError> {
    match get(api, &view.physical_name).await {
        Err(failure) if failure.is_absent() => Err(WarehouseError::NoTable { table: view.physical_name.clone() }),
        live => live.map(drop).map_err(|failure| failure.of("look at a view of", &api.settings.name())),
    }
}

async fn get(api: &Api, name: &str) -> Result<Table, Failure> {
    let settings = &api.settings;
    let get = || async { Ok(api.client.table().get(&settings.project, &settings.dataset, name, None).await?) };
    api.call("look at a table of", get).await
}

/// That it is there already is what was wanted.
async fn create(api: &Api, table: &Table) -> Result<(), Failure> {
    let create = || async { Ok(api.client.table().create(table.clone()).await?) };
    match api.call("make a table in", create).await {
        Err(failure) if failure.is_duplicate() => Ok(()),
        made => made.map(drop),
    }
}

async fn make_dataset(api: &Api) -> Result<(), Failure> {
    let settings = &api.settings;
    let mut dataset = Dataset::new(&settings.project, &settings.dataset);
    if let Some(location) = &settings.location {
        dataset = dataset.location(location);
    }
    let create = || async { Ok(api.client.dataset().create(dataset.clone()).await?) };
    match api.call("make a dataset in", create).await {
        Err(failure) if failure.is_duplicate() => Ok(()),
        made => made.map(drop),
    }
}

/// Returns the columns as the interface writes them, from the same declaration that Terraform's schema is written from.
fn fields(table: &TableId) -> Result<Vec<TableFieldSchema>, WarehouseError> {
    serde_json::from_value(bigquery_schema(table.schema)).map_err(|error| WarehouseError::Store {
        operation: "write the schema of",
        store: table.to_string(),
        message: error.to_string(),
        retryable: false,
    })
}

fn described(field: &TableFieldSchema) -> String {
    let kind = serde_json::to_value(&field.r#type).unwrap_or_default();
    let kind = match kind.as_str().unwrap_or_default() {
        "INT64" => "INTEGER",
        "FLOAT64" => "FLOAT",
        "BOOL" => "BOOLEAN",
        "STRUCT" => "RECORD",
        other => other,
    };
    format!("{kind} {}", field.mode.as_deref().unwrap_or("NULLABLE"))
}
