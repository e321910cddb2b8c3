//! Asking: in place as long as it is quick, of a copy when it is not.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use duckdb::{Connection, params_from_iter};
use sentinel_domain::tables::{Cell, Row};
use sentinel_domain::warehouse::{ResultSet, WarehouseError};

use super::file::StoreFile;
use super::held::Held;
use super::session::{Session, says_absent};
use super::snapshot::Snapshot;
use super::value::{to_cell, to_value};

/// Returns the error of a statement.
#[expect(clippy::needless_pass_by_value, reason = "it stands where errors are mapped")]
pub(super) fn failed(error: duckdb::Error) -> WarehouseError {
    WarehouseError::Query { message: error.to_string() }
}

/// Returns whether a question failed because a table it names is not there.
pub(super) fn names_what_is_absent(error: &WarehouseError) -> bool {
    matches!(error, WarehouseError::Query { message } if says_absent(message))
}

/// Asks; after `in_place` the question is put to a copy, so that nobody waits for it any longer.
pub(super) fn ask(
    held: &Held,
    store: &StoreFile,
    sql: &str,
    parameters: &[Cell],
    in_place: Duration,
) -> Result<ResultSet, WarehouseError> {
    if !in_place.is_zero() {
        let in_held = |session: &Session| {
            let plain = is_plain(sql).then_some(&session.connection)?;
            within(plain, in_place, || read_only(plain, sql, parameters))
        };
        if let Some(answer) = held.read(in_held) {
            return answer;
        }
        let session = Session::read(store)?;
        if let Some(answer) = within(&session.connection, in_place, || run(&session.connection, sql, parameters)) {
            return answer;
        }
    }
    held.close();
    let snapshot = Snapshot::take(store)?;
    run(&snapshot.session.connection, sql, parameters)
}

/// Returns whether the text is one question and nothing else, so that it may be asked where writing is possible.
fn is_plain(sql: &str) -> bool {
    let text = sql.trim().trim_end_matches(';');
    let first = text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    matches!(first.as_str(), "SELECT" | "WITH") && !text.contains(';')
}

/// Asks in a transaction that refuses to write.
fn read_only(connection: &Connection, sql: &str, parameters: &[Cell]) -> Result<ResultSet, WarehouseError> {
    connection.execute_batch("BEGIN TRANSACTION READ ONLY").map_err(failed)?;
    let answer = run(connection, sql, parameters);
    connection.execute_batch("ROLLBACK").map_err(failed)?;
    answer
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
