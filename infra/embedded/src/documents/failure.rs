//! What SQLite's errors mean to a caller of the port.

use std::path::Path;

use rusqlite::{Error, ErrorCode};
use sentinel_domain::documents::StoreError;

/// Returns what `error` of the file at `path` means.
pub(super) fn store_error(path: &Path, error: &Error) -> StoreError {
    let (store, reason) = (path.display().to_string(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            let reason = "another process has been writing for too long".to_owned();
            StoreError::Unavailable { store, reason }
        }
        Some(ErrorCode::DiskFull) => StoreError::Full { store, reason },
        Some(ErrorCode::NotADatabase) => StoreError::NotAStore { store, reason },
        Some(ErrorCode::CannotOpen) => {
            let reason = "cannot open or create the file: check that its folder exists and may be written".to_owned();
            StoreError::Failed { store, reason }
        }
        _ => StoreError::Failed { store, reason },
    }
}
