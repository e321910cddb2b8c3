//! The end of a hot document: found in the warehouse, and nothing more is to be done with it.

use std::collections::BTreeSet;

use sentinel_domain::documents::{Record, Stored};
use sentinel_function_runtime::{FunctionError, RunContext};

use crate::archive::expires_at;
use crate::entry::Source;

/// Gives those of `documents` their time to expire that are among `stored` and of which `is_over` says that nothing
/// more is to be done; it may mark them so.
///
/// # Errors
/// When the store cannot be written, or one of them was changed meanwhile.
pub async fn let_go<T: Record>(
    ctx: &RunContext,
    documents: Vec<Stored<T>>,
    stored: &[Source],
    is_over: impl Fn(&mut T) -> bool,
) -> Result<(), FunctionError> {
    let records = ctx.records::<T>();
    let verified: BTreeSet<&str> = stored.iter().map(|source| source.id.as_str()).collect();
    let mut writes = Vec::new();
    for mut document in documents {
        if verified.contains(document.record.id().as_str()) && is_over(&mut document.record) {
            writes.push(records.put_back(&document)?.expiring(expires_at(ctx.at())));
        }
    }
    ctx.commit_in_batches(writes).await
}
