//! Logs as Google Cloud reads them: one JSON object a line, with severity, trace, labels, and what Error Reporting
//! groups errors by.
//!
//! Metrics are read from these lines too: whatever scales to zero has nobody to ask and no time to send, so each run
//! leaves one line "run ended" with its counts and times, and Terraform makes metrics of its fields. What is absent:
//! any connection to anywhere; the platform collects what is written to standard error.
//!
//! Start with [`init`].

mod fields;
mod logs;
mod panics;

use std::sync::{Arc, Mutex};

use sentinel_domain::clock::Clock;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use logs::{JsonLogs, Labels};
pub use panics::report_panics;

/// What is logged unless `RUST_LOG` says otherwise.
const FILTER: &str = "info";
/// What our own targets begin with.
const OURS: &str = "sentinel";

/// Sends the logs of this process to standard error as JSON. Call it once, in `main`; the first call counts.
///
/// `RUST_LOG` chooses what is logged, within a bound: libraries are never asked for more than [`LevelFilter::INFO`],
/// because below it they may show headers, and with them tokens and keys.
pub fn init(labels: Labels, clock: Arc<dyn Clock>) {
    let asked = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(FILTER));
    let allowed = Targets::new().with_default(LevelFilter::INFO).with_target(OURS, LevelFilter::TRACE);
    let layer = JsonLogs::new(Arc::new(Mutex::new(std::io::stderr())), labels, clock);
    tracing_subscriber::registry().with(layer.with_filter(asked.and(allowed))).try_init().unwrap_or_default();
}
