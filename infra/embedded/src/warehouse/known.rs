//! What a session knows of rows without asking.
//!
//! While it lasts nobody else can write, so a row that was written in it stays as it is. Facts refer to the same few rows
//! of dimensions again and again: a night's loops would write each of them, and look for it, once for every loop.

use std::collections::BTreeMap;

use sentinel_domain::tables::{Cell, PARTITION, Row};
use sentinel_domain::warehouse::{RowKey, TableId};

/// Rows of more than that in one batch are not those that come again.
const BATCH_MAX: usize = 32;
/// Rows that are kept; when there would be more, all are forgotten.
const ROWS_MAX: usize = 1_000;

/// Rows that this session has written.
#[derive(Debug, Default)]
pub(super) struct KnownRows(BTreeMap<String, Known>);

#[derive(Debug)]
struct Known {
    cells: Row,
    /// Whether it was looked for and found after it was written.
    is_found: bool,
}

impl KnownRows {
    /// Returns whether a row stands in the table just as it is here.
    pub(super) fn holds(&self, table: &TableId, row: &Row) -> bool {
        self.0.get(&name_of_row(table, row)).is_some_and(|known| known.cells == *row)
    }

    /// Returns whether a row was looked for since it was written, and found.
    pub(super) fn has_found(&self, table: &TableId, key: &RowKey) -> bool {
        self.0.get(&name(table, &Cell::Date(key.ds), key.values.iter())).is_some_and(|known| known.is_found)
    }

    /// Notes rows that stand in the table now. Of settled rows it cannot be known: there the table may have kept its own.
    pub(super) fn note_written(&mut self, table: &TableId, rows: &[&Row]) {
        if table.schema.settled.is_some() || rows.len() > BATCH_MAX {
            return;
        }
        if self.0.len() + rows.len() > ROWS_MAX {
            self.0.clear();
        }
        let known = |row: &&Row| (name_of_row(table, row), Known { cells: (*row).clone(), is_found: false });
        self.0.extend(rows.iter().map(known));
    }

    /// Notes that a row was found.
    pub(super) fn note_found(&mut self, table: &TableId, key: &RowKey) {
        if let Some(known) = self.0.get_mut(&name(table, &Cell::Date(key.ds), key.values.iter())) {
            known.is_found = true;
        }
    }
}

fn name_of_row(table: &TableId, row: &Row) -> String {
    let cell = |name: &str| table.schema.position(name).and_then(|place| row.get(place)).unwrap_or(&Cell::Null);
    name(table, cell(PARTITION), table.schema.key.iter().map(|name| cell(name)))
}

/// Names a row by table, logical date and key, in a form in which no two are alike.
fn name<'a>(table: &TableId, ds: &Cell, key: impl Iterator<Item = &'a Cell>) -> String {
    format!("{table} {ds:?} {:?}", key.collect::<Vec<_>>())
}
