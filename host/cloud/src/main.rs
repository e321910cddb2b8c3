//! `sentinel-function`: the function that `SENTINEL_FUNCTION` names, on Google Cloud. Its settings are environment
//! variables; it ends with 1 when it failed, with 2 when they are wrong, and with 101 when it panicked.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sentinel_cloud::{GoogleCloud, Role, Settings, TRADE_UPDATES, Variables, git_hash, program};
use sentinel_domain::environment::Environment;
use sentinel_function_runtime::WallClock;
use sentinel_function_runtime::http::stop_signal;
use sentinel_functions::FunctionName;
use sentinel_telemetry::Labels;
use tokio::sync::Notify;

const FAILED: u8 = 1;
const WRONG_SETTINGS: u8 = 2;
const PANICKED: u8 = 101;

/// One core runs the function, the other thread answers and keeps the lease.
const THREADS: usize = 2;

static HAS_PANICKED: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    sentinel_telemetry::init(labels(), Arc::new(WallClock));
    let panicked = Arc::new(Notify::new());
    let told = Arc::clone(&panicked);
    sentinel_telemetry::report_panics(move || {
        HAS_PANICKED.store(true, Ordering::Relaxed);
        told.notify_one();
    });
    let settings = match Settings::read(&Variables::of_process()) {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!(faults = error.faults.len(), %error, "the settings are wrong");
            return ExitCode::from(WRONG_SETTINGS);
        }
    };
    let status = run(settings, panicked);
    if HAS_PANICKED.load(Ordering::Relaxed) { ExitCode::from(PANICKED) } else { ExitCode::from(status) }
}

fn run(settings: Settings, panicked: Arc<Notify>) -> u8 {
    // Fails only where one is installed already, which then is used.
    drop(rustls::crypto::ring::default_provider().install_default());
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let ended = match threads {
        Ok(threads) => threads.block_on(async move {
            let adapters = GoogleCloud::new(settings.clone());
            // A job that panicked still writes that it failed, and ends by itself.
            let panicked = Some(panicked).filter(|_| settings.role != Role::Job);
            program::run(&settings, &adapters, Arc::new(WallClock), stop(panicked)).await
        }),
        Err(error) => {
            tracing::error!(%error, "cannot start the threads");
            return FAILED;
        }
    };
    match ended {
        Ok(()) => 0,
        Err(error) => {
            tracing::error!(error = chain(&error), "the function ends");
            FAILED
        }
    }
}

/// Ends when the platform says so, or when something panicked: what is running may end, and a new instance begins anew.
async fn stop(panicked: Option<Arc<Notify>>) {
    let panicked = async {
        match panicked {
            Some(panicked) => panicked.notified().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        signal = stop_signal() => if let Err(error) = signal {
            tracing::error!(%error, "cannot listen to signals");
        },
        () = panicked => {}
    }
}

/// Returns the labels of the logs, before the settings are known to be right.
fn labels() -> Labels {
    let read = |name: &str| std::env::var(name).unwrap_or_default();
    let unknown = || "unknown".to_owned();
    let project = read("GOOGLE_CLOUD_PROJECT");
    let function = read("SENTINEL_FUNCTION");
    let known = |name: &str| name.parse::<FunctionName>().map_or_else(|_| unknown(), |name| name.to_string());
    let is_plain = !project.is_empty() && project.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    Labels {
        project: Some(project).filter(|_| is_plain),
        function: if function == TRADE_UPDATES { function } else { known(&function) },
        environment: read("ENVIRONMENT").parse::<Environment>().map_or_else(|_| unknown(), |name| name.to_string()),
        git_hash: git_hash().to_owned(),
    }
}

fn chain(error: &dyn Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
