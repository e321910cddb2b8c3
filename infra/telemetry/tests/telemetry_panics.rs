//! A panic on any thread is a line of JSON, and whoever wants to end the process hears of it. Alone in its process, whose
//! hook it sets.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use sentinel_domain::clock::ManualClock;
use sentinel_telemetry::{JsonLogs, Labels, report_panics};
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt;

static HEARD: AtomicU32 = AtomicU32::new(0);

#[test]
fn panics_are_logged_as_errors_and_told_of() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let labels = Labels {
        project: None,
        function: "archive-trades".to_owned(),
        environment: "TEST".to_owned(),
        git_hash: "0123abc".to_owned(),
    };
    let layer = JsonLogs::new(Arc::clone(&lines), labels, Arc::new(ManualClock::at(0)));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    report_panics(|| {
        HEARD.fetch_add(1, Ordering::SeqCst);
    });
    assert!(std::thread::spawn(|| panic!("the books of {} do not add up", "main")).join().is_err());
    let line: Value = serde_json::from_slice(&lines.lock().unwrap()).unwrap();
    assert_eq!((&line["severity"], &line["message"]), (&"ERROR".into(), &"panicked".into()));
    assert_eq!(line["error"], "the books of main do not add up");
    assert!(line["place"].as_str().unwrap().contains("telemetry_panics.rs:"), "{line}");
    assert_eq!(HEARD.load(Ordering::SeqCst), 1);
}
