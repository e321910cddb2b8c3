//! Whether the program serves or runs once, and who may call it.

use std::collections::BTreeSet;

use sentinel_domain::environment::Environment;

use super::read::{Reader, shown};

/// Where Google publishes the keys that it signs tokens with.
const KEYS_URL: &str = "https://www.googleapis.com/oauth2/v3/certs";
/// What `SENTINEL_FUNCTION` says of the worker that listens to the broker.
pub const TRADE_UPDATES: &str = "trade-updates";
const PORT: u16 = 8080;

/// What the platform wants of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// To run once and end.
    Job,
    /// To listen to the broker, and to tell `sync-positions` when it has news.
    TradeUpdates,
    /// To answer requests.
    Service {
        /// The port to listen on.
        port: u16,
        /// Whom tokens may be made out to: addresses, each with at most one `*` for letters, digits, dots and hyphens.
        audiences: Vec<String>,
        /// The accounts that may call.
        callers: BTreeSet<String>,
        /// Where the keys are published that tokens are signed with.
        keys_url: String,
    },
}

pub(super) fn read(reader: &mut Reader<'_>, environment: Option<Environment>) -> Option<Role> {
    if is_worker(reader) {
        return Some(Role::TradeUpdates);
    }
    // Cloud Run sets it in a job and in no service.
    if reader.text("CLOUD_RUN_JOB").is_some() {
        return Some(Role::Job);
    }
    let port = port(reader);
    let audiences = audiences(reader);
    let callers = callers(reader);
    let keys_url = keys_url(reader, environment);
    Some(Role::Service { port: port?, audiences: audiences?, callers: callers?, keys_url: keys_url? })
}

/// Returns whether the program is the worker, and none of the functions.
pub(super) fn is_worker(reader: &mut Reader<'_>) -> bool {
    reader.text("SENTINEL_FUNCTION").as_deref() == Some(TRADE_UPDATES)
}

fn port(reader: &mut Reader<'_>) -> Option<u16> {
    let Some(text) = reader.text("PORT") else { return Some(PORT) };
    let port = text.parse().ok();
    if port.is_none() {
        reader.fault("PORT", format!("is {}: allowed is a number from 0 to 65535", shown(&text)));
    }
    port
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

fn audiences(reader: &mut Reader<'_>) -> Option<Vec<String>> {
    let what = "whom a call's token must be made out to, as addresses with commas between them";
    let audiences = list(&reader.required("SENTINEL_AUDIENCE", what)?);
    let wrong = audiences.iter().find(|one| !one.starts_with("https://") || one.matches('*').count() > 1);
    let problem = match wrong {
        Some(wrong) => format!("names {}: allowed is an address with https://, and one * in it", shown(wrong)),
        None if audiences.is_empty() => format!("names nobody: it holds {what}"),
        None => return Some(audiences),
    };
    reader.fault("SENTINEL_AUDIENCE", problem);
    None
}

fn callers(reader: &mut Reader<'_>) -> Option<BTreeSet<String>> {
    let what = "the e-mail addresses of the accounts that may call, with commas between them";
    let callers: BTreeSet<String> = list(&reader.required("SENTINEL_CALLERS", what)?).into_iter().collect();
    let wrong = callers.iter().find(|one| !one.contains('@') || one.contains(|c: char| c.is_whitespace() || c == ':'));
    let problem = match wrong {
        Some(wrong) => format!("names {}, which is no e-mail address", shown(wrong)),
        None if callers.is_empty() => format!("names nobody: it holds {what}"),
        None => return Some(callers),
    };
    reader.fault("SENTINEL_CALLERS", problem);
    None
}

/// Other keys than Google's are for tests: whoever chooses the keys decides who is believed.
fn keys_url(reader: &mut Reader<'_>, environment: Option<Environment>) -> Option<String> {
    let Some(url) = reader.text("SENTINEL_KEYS_URL") else { return Some(KEYS_URL.to_owned()) };
    let problem = if url == KEYS_URL {
        return Some(url);
    } else if environment.is_some_and(Environment::is_production) {
        "is set, and ENVIRONMENT is PROD, which believes Google's keys alone: unset it".to_owned()
    } else if url.starts_with("https://") || url.starts_with("http://127.0.0.1:") {
        return Some(url);
    } else {
        format!("is {}: allowed is an address with https://, or http://127.0.0.1:port", shown(&url))
    };
    reader.fault("SENTINEL_KEYS_URL", problem);
    None
}
