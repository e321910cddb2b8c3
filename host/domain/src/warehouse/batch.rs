//! What every adapter checks of a batch before it writes.

use std::collections::BTreeSet;

use super::{TableId, WarehouseError};
use crate::tables::{Row, RowError, TableSchema, WrongKind};

/// Checks that each row fits its table and that no two have one key.
///
/// # Errors
/// [`WarehouseError::Row`] names the first row and column that do not fit, [`WarehouseError::DuplicateKey`] the first
/// key that comes twice.
pub fn check_batch(table: &TableId, rows: &[Row]) -> Result<(), WarehouseError> {
    let matched: Vec<usize> = table.schema.matched().filter_map(|column| table.schema.position(column.name)).collect();
    let mut keys = BTreeSet::new();
    for (index, row) in rows.iter().enumerate() {
        check_row(table.schema, row).map_err(|source| WarehouseError::Row {
            table: table.to_string(),
            row: index,
            source,
        })?;
        let key = matched.iter().map(|place| row[*place].to_string()).collect::<Vec<_>>();
        if let Some(key) = keys.replace(key) {
            return Err(WarehouseError::DuplicateKey { table: table.to_string(), key: key.join(", "), row: index });
        }
    }
    Ok(())
}

fn check_row(schema: &TableSchema, row: &Row) -> Result<(), RowError> {
    RowError::check_width(schema, row.len())?;
    for (column, cell) in schema.columns.iter().zip(row) {
        let fits = cell.kind().map_or(column.nullable, |kind| kind == column.kind);
        if !fits {
            let found = cell.kind().map_or_else(|| "NULL".to_owned(), |kind| kind.to_string());
            return Err(RowError::column(schema, column.name, WrongKind { expected: column.kind, found }));
        }
    }
    Ok(())
}
