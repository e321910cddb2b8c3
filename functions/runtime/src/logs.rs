//! Logs as Google's structured JSON: one object a line, with `severity`, `message`, `time`, the fields of the event
//! and of the spans around it, and the trace that the request came with.

use std::fmt::{self, Write as _};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use sentinel_domain::clock::Clock;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock::WallClock;

/// What is logged unless `RUST_LOG` says otherwise.
const FILTER: &str = "info";

/// Writes JSON lines.
pub struct JsonLogs<W> {
    writer: Arc<Mutex<W>>,
    project: Option<String>,
    clock: Arc<dyn Clock>,
}

impl<W: Write> JsonLogs<W> {
    /// Returns a layer that writes to `writer`. With a `project`, traces are written as that project's.
    pub fn new(writer: Arc<Mutex<W>>, project: Option<String>, clock: Arc<dyn Clock>) -> Self {
        Self { writer, project, clock }
    }

    fn trace(&self, trace: &Value) -> Value {
        let trace = trace.as_str().unwrap_or_default();
        self.project
            .as_ref()
            .map_or_else(|| json!(trace), |project| json!(format!("projects/{project}/traces/{trace}")))
    }

    /// Moves what has a meaning of its own to the names that it has in Google's logs.
    fn line(&self, level: Level, target: &str, mut fields: Map<String, Value>) -> Value {
        if let Some(trace) = fields.remove("trace") {
            let trace = self.trace(&trace);
            fields.insert("logging.googleapis.com/trace".to_owned(), trace);
        }
        if let Some(span) = fields.remove("span_id") {
            fields.insert("logging.googleapis.com/spanId".to_owned(), span);
        }
        let time = DateTime::<Utc>::from_timestamp_millis(self.clock.now()).unwrap_or_default();
        fields.insert("severity".to_owned(), json!(severity(level)));
        fields.insert("time".to_owned(), json!(time.to_rfc3339_opts(SecondsFormat::Millis, true)));
        fields.insert("target".to_owned(), json!(target));
        Value::Object(fields)
    }
}

impl<W> fmt::Debug for JsonLogs<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLogs").field("project", &self.project).finish_non_exhaustive()
    }
}

/// Sends the logs of this process to standard error as JSON. Call it once, in `main`.
pub fn init_json(project: Option<String>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(FILTER));
    let layer = JsonLogs::new(Arc::new(Mutex::new(std::io::stderr())), project, Arc::new(WallClock));
    // A second call changes nothing: the first subscriber stays.
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().unwrap_or_default();
}

const fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

/// The fields of a span, kept with it.
struct SpanFields(Map<String, Value>);

impl<S, W> Layer<S> for JsonLogs<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Write + Send + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = ctx.span(id) {
            span.extensions_mut().insert(SpanFields(fields.0));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(kept) = span.extensions_mut().get_mut::<SpanFields>() {
            kept.0.extend(fields.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let mut fields = Map::new();
        for span in ctx.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(kept) = span.extensions().get::<SpanFields>() {
                fields.extend(kept.0.clone());
            }
        }
        let mut own = Fields::default();
        event.record(&mut own);
        fields.extend(own.0);
        let line = self.line(*event.metadata().level(), event.metadata().target(), fields);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written has nowhere to complain.
        writeln!(writer, "{line}").unwrap_or_default();
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        write!(text, "{value:?}").unwrap_or_default();
        self.put(field, json!(text));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }
}

#[cfg(test)]
mod tests {
    use sentinel_domain::clock::ManualClock;

    use super::*;

    fn logged(project: Option<&str>, work: impl FnOnce()) -> Vec<Value> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let clock = Arc::new(ManualClock::at(1_735_776_300_123));
        let layer = JsonLogs::new(Arc::clone(&lines), project.map(str::to_owned), clock);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        let lines = lines.lock().unwrap();
        lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_has_severity_time_fields_of_all_spans_and_the_trace() {
        let lines = logged(Some("my-project"), || {
            let request = tracing::info_span!(
                "request",
                trace = "0af7651916cd43dd8448eb211c80319c",
                span_id = "b7ad6b7169203331"
            );
            let _request = request.enter();
            let run = tracing::info_span!("run", job = "archive-trades", rows = tracing::field::Empty);
            let _run = run.enter();
            run.record("rows", 5);
            tracing::warn!(error = "a \"quoted\"\nline", ok = false, "run put off");
        });
        let expected = json!({
            "severity": "WARNING", "message": "run put off", "time": "2025-01-02T00:05:00.123Z",
            "target": "sentinel_function_runtime::logs::tests", "job": "archive-trades", "rows": 5, "ok": false,
            "error": "a \"quoted\"\nline", "logging.googleapis.com/spanId": "b7ad6b7169203331",
            "logging.googleapis.com/trace": "projects/my-project/traces/0af7651916cd43dd8448eb211c80319c",
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn severities_are_those_of_the_cloud() {
        let lines = logged(None, || {
            tracing::error!("a");
            tracing::info!("b");
            tracing::debug!("c");
        });
        let severities: Vec<&str> = lines.iter().map(|line| line["severity"].as_str().unwrap()).collect();
        assert_eq!(severities, ["ERROR", "INFO", "DEBUG"]);
    }
}
