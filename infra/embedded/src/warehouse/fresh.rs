//! A store that is not there yet: made beside its place and moved there whole. A file that a full disk or the end of the
//! process left half-written would be no store, and nobody's to delete.

use std::fs;

use duckdb::{Config, Connection};
use sentinel_domain::warehouse::WarehouseError;

use super::file::StoreFile;
use super::session::restrict;

/// Makes an empty store where there is none. The store's lock is held.
pub(super) fn make_whole(store: &StoreFile) -> Result<(), WarehouseError> {
    if store.path.exists() {
        return Ok(());
    }
    let (new, log) = (store.beside(".new"), store.beside(".new.wal"));
    let clear = || [&new, &log].into_iter().filter(|path| path.exists()).try_for_each(fs::remove_file);
    let made = || -> Result<(), Box<dyn std::error::Error>> {
        clear()?;
        let connection = Connection::open_with_flags(&new, restrict(Config::default())?)?;
        connection.close().map_err(|(_, error)| error)?;
        fs::File::open(&new)?.sync_all()?;
        Ok(fs::rename(&new, &store.path)?)
    };
    made().map_err(|error| {
        // What cannot be cleared now is cleared by the next try.
        drop(clear());
        store.failed("make", error, false)
    })
}
