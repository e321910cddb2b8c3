//! One line: the fields of an event and of the spans around it, under the names that Google's logging gives them.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use sentinel_domain::clock::Clock;
use serde_json::{Map, Value, json};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::fields::Fields;

/// What makes Error Reporting take a line without a stack trace for an error.
const REPORTED_ERROR: &str = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent";

/// What each line of a process says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// The project whose traces these are; `None` where there is none.
    pub project: Option<String>,
    /// Which function, or program.
    pub function: String,
    /// `PROD`, `DEV` or `TEST`.
    pub environment: String,
    /// The commit that the program was built from.
    pub git_hash: String,
}

/// Writes JSON lines.
pub struct JsonLogs<W> {
    writer: Arc<Mutex<W>>,
    labels: Labels,
    clock: Arc<dyn Clock>,
}

impl<W: Write> JsonLogs<W> {
    /// Returns a layer that writes to `writer`.
    pub fn new(writer: Arc<Mutex<W>>, labels: Labels, clock: Arc<dyn Clock>) -> Self {
        Self { writer, labels, clock }
    }

    /// Moves what has a meaning of its own to the names that it has in Google's logs.
    fn line(&self, metadata: &Metadata<'_>, mut fields: Map<String, Value>) -> Value {
        if let Some(trace) = fields.remove("trace") {
            fields.insert("logging.googleapis.com/trace".to_owned(), self.trace(&trace));
        }
        for (ours, theirs) in [("span_id", "spanId"), ("trace_sampled", "trace_sampled")] {
            if let Some(value) = fields.remove(ours) {
                fields.insert(format!("logging.googleapis.com/{theirs}"), value);
            }
        }
        let time = DateTime::<Utc>::from_timestamp_millis(self.clock.now()).unwrap_or_default();
        let Labels { function, environment, git_hash, .. } = &self.labels;
        let labels = BTreeMap::from([("function", function), ("environment", environment), ("git_hash", git_hash)]);
        fields.insert("severity".to_owned(), json!(severity(*metadata.level())));
        fields.insert("time".to_owned(), json!(time.to_rfc3339_opts(SecondsFormat::Millis, true)));
        fields.insert("target".to_owned(), json!(metadata.target()));
        fields.insert("logging.googleapis.com/labels".to_owned(), json!(labels));
        if *metadata.level() <= Level::WARN {
            fields.insert("logging.googleapis.com/sourceLocation".to_owned(), source_location(metadata));
        }
        if *metadata.level() == Level::ERROR {
            self.report(metadata, &mut fields);
        }
        Value::Object(fields)
    }

    fn trace(&self, trace: &Value) -> Value {
        let trace = trace.as_str().unwrap_or_default();
        let project = self.labels.project.as_ref();
        project.map_or_else(|| json!(trace), |project| json!(format!("projects/{project}/traces/{trace}")))
    }

    /// Errors are grouped by service and place; the message stays fixed, and the cause is in `error`.
    fn report(&self, metadata: &Metadata<'_>, fields: &mut Map<String, Value>) {
        let Labels { function, git_hash, .. } = &self.labels;
        let place = json!({
            "filePath": metadata.file(), "lineNumber": metadata.line(), "functionName": metadata.target(),
        });
        fields.insert("@type".to_owned(), json!(REPORTED_ERROR));
        fields.insert("serviceContext".to_owned(), json!({ "service": function, "version": git_hash }));
        fields.insert("context".to_owned(), json!({ "reportLocation": place }));
    }
}

/// Lines are text there.
fn source_location(metadata: &Metadata<'_>) -> Value {
    let line = metadata.line().map(|line| line.to_string());
    json!({ "file": metadata.file(), "line": line, "function": metadata.target() })
}

impl<W> fmt::Debug for JsonLogs<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLogs").field("labels", &self.labels).finish_non_exhaustive()
    }
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
        let line = self.line(event.metadata(), fields);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written has nowhere to complain.
        writeln!(writer, "{line}").unwrap_or_default();
    }
}
