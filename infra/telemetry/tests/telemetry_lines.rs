//! What a line says, and that it says it in the words of Google's logging and Error Reporting.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::{Arc, Mutex};

use sentinel_domain::clock::ManualClock;
use sentinel_telemetry::{JsonLogs, Labels};
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt;

fn labels(project: Option<&str>) -> Labels {
    Labels {
        project: project.map(str::to_owned),
        function: "archive-trades".to_owned(),
        environment: "PROD".to_owned(),
        git_hash: "0123abc".to_owned(),
    }
}

fn logged(project: Option<&str>, work: impl FnOnce()) -> Vec<Value> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let clock = Arc::new(ManualClock::at(1_735_776_300_123));
    let layer = JsonLogs::new(Arc::clone(&lines), labels(project), clock);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    let lines = lines.lock().unwrap();
    let written = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    written.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

#[test]
fn a_line_has_severity_time_labels_fields_of_all_spans_and_the_trace() {
    let lines = logged(Some("my-project"), || {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let request = tracing::info_span!("request", trace, span_id = "b7ad6b7169203331", trace_sampled = true);
        let _request = request.enter();
        let run = tracing::info_span!("run", job = "archive-trades", rows = tracing::field::Empty);
        let _run = run.enter();
        run.record("rows", 5);
        tracing::info!(error = "a \"quoted\"\nline", ok = false, "run put off");
    });
    let expected = json!({
        "severity": "INFO", "message": "run put off", "time": "2025-01-02T00:05:00.123Z",
        "target": "telemetry_lines", "job": "archive-trades", "rows": 5, "ok": false,
        "error": "a \"quoted\"\nline", "logging.googleapis.com/spanId": "b7ad6b7169203331",
        "logging.googleapis.com/trace": "projects/my-project/traces/0af7651916cd43dd8448eb211c80319c",
        "logging.googleapis.com/trace_sampled": true,
        "logging.googleapis.com/labels":
            { "function": "archive-trades", "environment": "PROD", "git_hash": "0123abc" },
    });
    assert_eq!(lines, [expected]);
}

#[test]
fn severities_are_those_of_the_cloud() {
    let lines = logged(None, || {
        tracing::error!("a");
        tracing::warn!("b");
        tracing::info!("c");
        tracing::debug!("d");
    });
    let severities: Vec<&str> = lines.iter().map(|line| line["severity"].as_str().unwrap()).collect();
    assert_eq!(severities, ["ERROR", "WARNING", "INFO", "DEBUG"]);
}

#[test]
fn an_error_is_one_that_error_reporting_groups_and_others_are_not() {
    let lines = logged(None, || {
        tracing::error!(error = "no rows", "run failed");
        tracing::warn!("run put off");
    });
    let error = &lines[0];
    let reported = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent";
    assert_eq!((&error["@type"], &error["message"]), (&json!(reported), &json!("run failed")));
    assert_eq!(error["serviceContext"], json!({ "service": "archive-trades", "version": "0123abc" }));
    let place = &error["context"]["reportLocation"];
    assert!(place["filePath"].as_str().unwrap().ends_with("telemetry_lines.rs") && place["lineNumber"].is_u64());
    assert_eq!(place["functionName"], "telemetry_lines");
    // Google wants the line as text here, and as a number there.
    assert!(error["logging.googleapis.com/sourceLocation"]["line"].is_string());
    assert!(lines[1].get("@type").is_none() && lines[1]["logging.googleapis.com/sourceLocation"].is_object());
}
