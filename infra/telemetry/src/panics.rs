//! A panic is a line like any other error.

use std::panic::{self, PanicHookInfo};

/// Logs each panic of this process as an error, in place of the text that is printed without it, and calls `then`: what
/// panicked may have left something half-way, so a process had better end and begin anew.
pub fn report_panics(then: impl Fn() + Send + Sync + 'static) {
    panic::set_hook(Box::new(move |info| {
        tracing::error!(error = said(info), place = info.location().map(ToString::to_string), "panicked");
        then();
    }));
}

fn said(info: &PanicHookInfo<'_>) -> String {
    info.payload_as_str().unwrap_or("without a message").to_owned()
}
