//! Asking: in place as long as it is quick, of a copy when it is not.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use duckdb::{Connection, params_from_iter};
use sentinel_domain::tables::{Cell, Row};
use sentinel_domain::warehouse::{ResultSet, WarehouseError};

use super::file::StoreFile;
use super::session::Session;
use super::snapshot::Snapshot;
use super::value::{to_cell, to_value};

/// Returns the error of a statement.
#[expect(clippy::needless_pass_by_value, reason = "it stands where errors are mapped")]
pub(super) fn failed(error: duckdb::Error) -> WarehouseError {
    WarehouseError::Query { message: error.to_string() }
}

/// Asks; after `in_place` the question is put to a copy, so that nobody waits for it any longer.
pub(super) fn ask(
    store: &StoreFile,
    sql: &str,
    parameters: &[Cell],
    in_place: Duration,
) -> Result<ResultSet, WarehouseError> {
    if !in_place.is_zero() {
        let session = Session::read(store)?;
        if let Some(answer) = within(&session.connection, in_place, || run(&session.connection, sql, parameters)) {
            return answer;
        }
    }
    let snapshot = Snapshot::take(store)?;
    run(&snapshot.session.connection, sql, parameters)
}

/// Runs `work`; when it takes longer than `limit`, it is stopped and has no answer.
fn within<T>(
    connection: &Connection,
    limit: Duration,
    work: impl FnOnce() -> Result<T, WarehouseError>,
) -> Option<Result<T, WarehouseError>> {
    let handle = connection.interrupt_handle();
    let (done, is_done) = mpsc::channel::<()>();
    let guard = thread::spawn(move || {
        let too_long = matches!(is_done.recv_timeout(limit), Err(RecvTimeoutError::Timeout));
        if too_long {
            handle.interrupt();
        }
        too_long
    });
    let answer = work();
    drop(done);
    let too_long = guard.join().unwrap_or(false);
    // It may have finished in the very moment in which it was to be stopped.
    if too_long && answer.is_err() { None } else { Some(answer) }
}

fn run(connection: &Connection, sql: &str, parameters: &[Cell]) -> Result<ResultSet, WarehouseError> {
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut answer = statement.query(params_from_iter(parameters.iter().map(to_value))).map_err(failed)?;
    let mut result = ResultSet::default();
    let mut is_json = Vec::new();
    while let Some(row) = answer.next().map_err(failed)? {
        if is_json.is_empty() {
            is_json = json_columns(row.as_ref());
        }
        let cell = |(place, is_json): (usize, &bool)| Ok(to_cell(row.get(place)?, *is_json));
        let cells: Row = is_json.iter().enumerate().map(cell).collect::<duckdb::Result<_>>().map_err(failed)?;
        result.rows.push(cells);
    }
    drop(answer);
    result.columns = statement.column_names();
    Ok(result)
}

/// Returns for each column whether it holds documents, which arrive as text.
fn json_columns(statement: &duckdb::Statement<'_>) -> Vec<bool> {
    (0..statement.column_count())
        .map(|place| statement.column_logical_type(place).get_alias().as_deref() == Some("JSON"))
        .collect()
}
