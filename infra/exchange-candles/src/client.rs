//! Requests: paced, bounded in time and size, and tried again after failures that pass.

use std::error::Error;
use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::DateTime;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client as HttpClient, Response};
use sentinel_domain::instrument::Symbol;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};

use crate::api::{Page, Query, Refusal};
use crate::error::FetchError;
use crate::source::{FetchOptions, Source};

/// A page of a thousand candles takes some 200 kB.
const BODY_MAX_BYTES: usize = 16 * 1024 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Some exchanges refuse requests that do not say who asks.
const USER_AGENT: &str = concat!("crypto-sentinel/", env!("CARGO_PKG_VERSION"));

const NOT_SERVED_HERE: [u16; 2] = [403, 451];
/// Too many requests, and Binance's ban for not heeding that.
const RATE_LIMITED: [u16; 2] = [429, 418];

/// Asks one exchange.
pub(crate) struct Client {
    source: Source,
    options: FetchOptions,
    http: HttpClient,
    pace: DefaultDirectRateLimiter,
}

/// One answer, and when the exchange says it was given.
pub(crate) struct Answer {
    pub(crate) page: Page,
    pub(crate) server_time: Option<UnixMillis>,
}

/// Why one try failed.
#[derive(Debug)]
enum Failure {
    /// May pass.
    Passing { reason: String, wait: Option<Duration> },
    /// Will not pass by itself.
    Lasting(FetchError),
}

impl Client {
    pub(crate) fn new(source: Source, options: FetchOptions) -> Result<Self, FetchError> {
        // Fails only where one is installed already, which then is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut http = HttpClient::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(options.request_timeout);
        if options.base_url.starts_with("http://") {
            // A server without TLS is asked also on a machine without certificates.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(|error| {
            let reason = whole_reason(&error);
            FetchError::Setup(format!("{reason}; are its root certificates installed (ca-certificates)?"))
        })?;
        let per_second = NonZeroU32::new(options.requests_per_second).unwrap_or(NonZeroU32::MIN);
        // Without a burst: at the start of a second run the exchange still counts the requests of the first.
        let pace = RateLimiter::direct(Quota::per_second(per_second).allow_burst(NonZeroU32::MIN));
        Ok(Self { source, options, http, pace })
    }

    /// Asks for the candles that open in `window`. `on_retry` hears of each failure that may pass, and how long is
    /// waited then.
    pub(crate) async fn page(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        window: &Range<UnixMillis>,
        mut on_retry: impl FnMut(&str, Duration),
    ) -> Result<Answer, FetchError> {
        let query = self.source.query(symbol, timeframe, window);
        let mut tries = 0;
        let once = || {
            tries += 1;
            self.try_once(&query, symbol)
        };
        let outcome = once
            .retry(self.backoff())
            .when(|failure| matches!(failure, Failure::Passing { .. }))
            .adjust(|failure, delay| delay.and_then(|delay| self.wait_after(failure, delay)))
            .notify(|failure, delay| {
                if let Failure::Passing { reason, .. } = failure {
                    on_retry(reason, delay);
                }
            })
            .await;
        outcome.map_err(|failure| self.explain(failure, tries))
    }

    fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(self.options.retry_delay_min)
            .with_max_delay(self.options.retry_delay_max)
            .with_max_times(self.options.retries_max)
    }

    /// Returns how long to wait after a failure, or `None` when the exchange asks for too long a wait.
    fn wait_after(&self, failure: &Failure, delay: Duration) -> Option<Duration> {
        match failure {
            Failure::Passing { wait: Some(wait), .. } => {
                (*wait <= self.options.retry_after_max).then_some(delay.max(*wait))
            }
            Failure::Passing { wait: None, .. } | Failure::Lasting(_) => Some(delay),
        }
    }

    async fn try_once(&self, query: &Query, symbol: &Symbol) -> Result<Answer, Failure> {
        self.pace.until_ready().await;
        let url = format!("{}{}", self.options.base_url.trim_end_matches('/'), query.path);
        let response = self.http.get(url).query(&query.parameters).send().await.map_err(|error| passing(&error))?;
        let status = response.status().as_u16();
        let server_time = server_time(response.headers());
        let wait = retry_after(response.headers());
        let is_good = response.status().is_success();
        let body = read_body(response).await?;

        let refusal = match status {
            _ if is_good => match self.source.read_page(&body) {
                Ok(page) => return Ok(Answer { page, server_time }),
                Err(refusal) => refusal,
            },
            500.. => Refusal::Unavailable(format!("status {status}")),
            _ if RATE_LIMITED.contains(&status) => Refusal::RateLimited,
            _ if NOT_SERVED_HERE.contains(&status) => {
                return Err(Failure::Lasting(FetchError::Blocked { source_name: self.source, status }));
            }
            _ => self.source.read_refusal(status, &body),
        };
        Err(self.fail(refusal, status, wait, symbol))
    }

    fn fail(&self, refusal: Refusal, status: u16, wait: Option<Duration>, symbol: &Symbol) -> Failure {
        let source_name = self.source;
        Failure::Lasting(match refusal {
            Refusal::RateLimited => return Failure::Passing { reason: "too many requests".to_owned(), wait },
            Refusal::Unavailable(reason) => return Failure::Passing { reason, wait },
            Refusal::UnknownSymbol => {
                FetchError::UnknownSymbol { source_name, symbol: symbol.clone(), market: source_name.market(symbol) }
            }
            Refusal::Message(message) => FetchError::Refused { source_name, status, message },
            Refusal::Malformed(problem) => {
                FetchError::Malformed { source_name, base_url: self.options.base_url.clone(), problem }
            }
        })
    }

    fn explain(&self, failure: Failure, tries: usize) -> FetchError {
        let source_name = self.source;
        match failure {
            Failure::Lasting(error) => error,
            Failure::Passing { wait: Some(wait), .. } if wait > self.options.retry_after_max => {
                FetchError::RateLimited { source_name, wait }
            }
            Failure::Passing { reason, .. } => {
                FetchError::Unreachable { source_name, base_url: self.options.base_url.clone(), reason, tries }
            }
        }
    }
}

/// Reads an answer's body, up to a size that no page has.
async fn read_body(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| passing(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > BODY_MAX_BYTES {
            let reason = format!("an answer of more than {BODY_MAX_BYTES} bytes");
            return Err(Failure::Passing { reason, wait: None });
        }
    }
    Ok(body)
}

fn passing(error: &reqwest::Error) -> Failure {
    Failure::Passing { reason: whole_reason(error), wait: None }
}

/// Returns what an error says and the last thing that caused it: the first alone is `error sending request`.
fn whole_reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() }
}

/// Returns the seconds to wait that the exchange asks for.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn server_time(headers: &HeaderMap) -> Option<UnixMillis> {
    let text = headers.get(DATE)?.to_str().ok()?;
    Some(DateTime::parse_from_rfc2822(text).ok()?.timestamp_millis())
}
