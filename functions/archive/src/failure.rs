//! What a warehouse says, as what a function ends with.

use sentinel_domain::warehouse::WarehouseError;
use sentinel_function_runtime::FunctionError;

/// Returns what turns a warehouse's refusal into the end of a function; `what` was attempted.
pub fn warehouse_failed(what: &'static str) -> impl FnOnce(WarehouseError) -> FunctionError {
    move |error| FunctionError::Failed { what: what.to_owned(), retryable: error.is_retryable(), source: error.into() }
}
