//! Which trace a request belongs to, by W3C's header or Google's.

use axum::http::HeaderMap;
use tracing::Span;

/// A trace as logs name it.
#[derive(Debug, PartialEq, Eq)]
struct Trace {
    /// 32 hexadecimal digits.
    id: String,
    /// 16 hexadecimal digits.
    span: String,
    sampled: bool,
}

/// Returns the span of a request, with its trace if it has one.
pub(super) fn span_of(headers: &HeaderMap) -> Span {
    match trace_of(headers) {
        Some(Trace { id, span, sampled }) => {
            tracing::info_span!("request", trace = id, span_id = span, trace_sampled = sampled)
        }
        None => tracing::info_span!("request"),
    }
}

fn trace_of(headers: &HeaderMap) -> Option<Trace> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    text("traceparent").and_then(w3c).or_else(|| text("x-cloud-trace-context").and_then(google))
}

/// Reads `00-TRACE-SPAN-FLAGS`.
fn w3c(value: &str) -> Option<Trace> {
    let mut parts = value.split('-').skip(1);
    let (id, span, flags) = (parts.next()?, parts.next()?, parts.next()?);
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
    (is_hex(id, 32) && is_hex(span, 16)).then(|| Trace { id: id.to_owned(), span: span.to_owned(), sampled })
}

/// Reads `TRACE/SPAN;o=SAMPLED`, whose span is a decimal number.
fn google(value: &str) -> Option<Trace> {
    let (id, rest) = value.split_once('/')?;
    let (span, options) = rest.split_once(';').unwrap_or((rest, ""));
    let span = format!("{:016x}", span.parse::<u64>().ok()?);
    is_hex(id, 32).then(|| Trace { id: id.to_owned(), span, sampled: options == "o=1" })
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    fn trace(name: &'static str, value: &str) -> Option<Trace> {
        trace_of(&HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]))
    }

    #[test]
    fn both_headers_are_read_and_spans_are_hexadecimal() {
        let expected = |span: &str, sampled| Some(Trace { id: ID.to_owned(), span: span.to_owned(), sampled });
        assert_eq!(trace("traceparent", &format!("00-{ID}-b7ad6b7169203331-01")), expected("b7ad6b7169203331", true));
        assert_eq!(trace("traceparent", &format!("00-{ID}-b7ad6b7169203331-00")), expected("b7ad6b7169203331", false));
        let google = "x-cloud-trace-context";
        assert_eq!(trace(google, &format!("{ID}/255;o=1")), expected("00000000000000ff", true));
        assert_eq!(trace(google, &format!("{ID}/255")), expected("00000000000000ff", false));
    }

    #[test]
    fn what_is_no_trace_is_left_out() {
        for value in ["", "00-x-y-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "{\"a\":1}/5;o=1"] {
            assert_eq!(trace("traceparent", value), None, "{value}");
            assert_eq!(trace("x-cloud-trace-context", value), None, "{value}");
        }
    }
}
