//! The broker's keys, as canaries: whatever a broker answers, and wherever it sends us, they are in no error, no log, no
//! document, and reach no other host. Everything is logged that can be, by libraries too, which production does not let.

mod echo;

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use rust_decimal::dec;
use sentinel_alpaca::{AlpacaClient, AlpacaConfig, Credentials};
use sentinel_domain::broker::{
    ActivityQuery, Broker, BrokerError, BrokerOrderId, ClosePortion, HistoryQuery, OrderKind, OrderQuery, OrderRequest,
    OrderSize, TimeInForce,
};
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::documents::{Collection, DocumentStore, Query};
use sentinel_domain::environment::Environment;
use sentinel_domain::fill::Side;
use sentinel_domain::instrument::Symbol;
use sentinel_domain::market_data::{BarsQuery, MarketData};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_function_runtime::WallClock;
use sentinel_telemetry::{JsonLogs, Labels};
use sentinel_tests::data;
use sentinel_tests::parity::Scenario;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::echo::{Answer, Echo};

const KEY_ID: &str = "canary-key-id-zqzq";
/// A slash is written in two ways in JSON.
const SECRET: &str = "canary-secret/key-wxwx";
/// Either end of either key; no hash has such letters.
const PARTS: [&str; 4] = ["canary", "zqzq", "wxwx", "secret/key"];

/// Everything that this process logs.
#[derive(Debug, Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    /// Returns the one that all tests log to, from the first call on.
    fn everything() -> &'static Self {
        static LOGS: LazyLock<Logs> = LazyLock::new(|| {
            let logs = Logs::default();
            let labels = Labels {
                project: None,
                function: "test".to_owned(),
                environment: "TEST".to_owned(),
                git_hash: "0123abc".to_owned(),
            };
            let layer = JsonLogs::new(Arc::new(Mutex::new(logs.clone())), labels, Arc::new(WallClock));
            tracing_subscriber::registry().with(layer).with(LevelFilter::TRACE).init();
            logs
        });
        &LOGS
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap()
    }
}

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn client(url: &str) -> AlpacaClient {
    let credentials = Credentials { key_id: KEY_ID.to_owned(), secret: SECRET.to_owned().into() };
    let config = AlpacaConfig {
        trading_url: url.to_owned(),
        data_url: url.to_owned(),
        requests_per_minute: 6_000_000,
        request_timeout: Duration::from_millis(300),
        retries_max: 1,
        retry_after_max: Duration::ZERO,
        retry_delay_min: Duration::from_millis(1),
        retry_delay_max: Duration::from_millis(2),
        ..AlpacaConfig::paper(credentials)
    };
    let client = AlpacaClient::new(config).unwrap();
    holds_no_key(&format!("{client:?}"), "the client's Debug");
    client
}

#[track_caller]
fn holds_no_key(said: &str, whose: &str) {
    for part in PARTS {
        assert!(!said.contains(part), "{part} is in {whose}: {said}");
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work)
}

/// Returns how each kind of request failed; those that did not are left out.
async fn failures(client: &AlpacaClient) -> Vec<BrokerError> {
    let symbol: Symbol = "BTC/USD".parse().unwrap();
    let order = OrderRequest {
        client_order_id: "entry-1-1".parse().unwrap(),
        symbol: symbol.clone(),
        side: Side::Buy,
        size: OrderSize::Quantity(dec!(1)),
        kind: OrderKind::Market,
        time_in_force: TimeInForce::Gtc,
    };
    let bars = BarsQuery {
        symbols: vec![symbol.clone()],
        timeframe: Timeframe::H1,
        from: 0,
        to: None,
        page_size: 10,
        page_token: None,
    };
    let history = HistoryQuery { timeframe: Timeframe::D1, from: None, to: None };
    let id = &order.client_order_id;
    let failed = [
        client.account().await.err(),
        client.portfolio_history(&history).await.err(),
        client.submit_order(&order).await.err(),
        client.order_by_client_id(id).await.err(),
        client.orders(&OrderQuery::default()).await.err(),
        client.cancel_order(&BrokerOrderId("1".to_owned())).await.err(),
        client.positions().await.err(),
        client.position(&symbol).await.err(),
        client.close_position(&symbol, ClosePortion::Whole).await.err(),
        client.activities(&ActivityQuery::default()).await.err(),
        client.asset(&symbol).await.err(),
        client.bars(&bars).await.err(),
        client.latest_trades(std::slice::from_ref(&symbol)).await.err(),
        client.order_books(std::slice::from_ref(&symbol)).await.err(),
    ];
    failed.into_iter().flatten().collect()
}

#[test]
fn a_broker_that_repeats_the_keys_is_quoted_without_them() {
    let logs = Logs::everything();
    block_on(async {
        for answer in Answer::REPEATING {
            let broker = Echo::start(answer).await;
            let failed = failures(&client(&broker.url)).await;
            assert!(failed.len() >= 10, "{answer:?}: {failed:?}");
            for error in &failed {
                holds_no_key(&format!("{error} {error:?}"), &format!("what {answer:?} led to"));
            }
            assert!(broker.saw(SECRET) && broker.saw(KEY_ID), "{answer:?} was asked without keys");
            if answer.is_quoted() {
                assert!(failed.iter().any(|error| error.to_string().contains("[REDACTED]")), "{answer:?}: {failed:?}");
            }
        }
    });
    holds_no_key(&logs.text(), "the logs");
}

#[test]
fn a_broker_that_never_answers_or_hangs_up_is_told_of_without_keys() {
    let logs = Logs::everything();
    block_on(async {
        for answer in [Answer::Silence, Answer::HalfABody] {
            let broker = Echo::start(answer).await;
            let failed = failures(&client(&broker.url)).await;
            assert!(failed.len() >= 14, "{answer:?}: {failed:?}");
            for error in failed {
                holds_no_key(&format!("{error} {error:?}"), &format!("what {answer:?} led to"));
            }
            assert!(broker.saw(SECRET), "{answer:?} was asked without keys");
        }
        for error in failures(&client("http://127.0.0.1:9")).await {
            holds_no_key(&format!("{error} {error:?}"), "what nobody's answer led to");
        }
    });
    holds_no_key(&logs.text(), "the logs");
}

#[test]
fn keys_do_not_follow_a_redirect() {
    let logs = Logs::everything();
    block_on(async {
        for status in [301, 302, 303, 307, 308] {
            let elsewhere = Echo::start(Answer::Json(200)).await;
            let broker = Echo::start_to(Answer::Redirect(status), &elsewhere.url).await;
            let failed = failures(&client(&broker.url)).await;
            assert_eq!(elsewhere.requests(), 0, "a {status} was followed");
            assert!(failed.len() >= 13, "{status}: {failed:?}");
            let said = failed[0].to_string();
            assert!(said.contains("not followed") && said.contains(&format!("status {status}")), "{said}");
        }
    });
    holds_no_key(&logs.text(), "the logs");
}

/// The functions on a broker that refuses each order and repeats the keys: what they keep of it is kept for long.
#[test]
fn no_document_and_no_log_of_a_run_holds_a_key() {
    let Some(folder) = data::folder("no_document_and_no_log_of_a_run_holds_a_key") else { return };
    let logs = Logs::everything();
    let (candles, _) = apply(data::candles(&folder, "btcusdt-1d.csv", Timeframe::D1), GapPolicy::Flat).unwrap();
    let times = &candles.columns().open_time;
    let candles = candles.between(times[0], times[40] + 1).unwrap();
    let scenario = Scenario::on(candles, &[("sma-cross", &[("fast", "2"), ("slow", "5")])], |_| ());
    block_on(async {
        for (answer, ends) in [(Answer::RefusesOrders(422), true), (Answer::Json(401), false)] {
            let folder = tempfile::tempdir().unwrap();
            let mut simulation = scenario.simulation(folder.path()).await;
            let broker = Echo::start_to(answer, &simulation.broker().url()).await;
            let keyed = Arc::new(client(&broker.url));
            simulation.restart(|mut wiring| {
                wiring.broker = keyed;
                wiring
            });
            let ran = simulation.run_until(UnixMillis::MAX).await;
            assert_eq!(ran.is_ok(), ends, "{answer:?}: {ran:?}");
            if let Err(error) = ran {
                holds_no_key(&format!("{error} {error:?}"), "what a run failed with");
            }
            let kept = everything_in(simulation.store().as_ref()).await;
            holds_no_key(&kept, "the hot store");
            assert!(!ends || kept.contains("[REDACTED]"), "no refusal was kept, which proves nothing");
            assert!(broker.saw(SECRET), "{answer:?} was asked without keys");
        }
    });
    let said = logs.text();
    holds_no_key(&said, "the logs");
    assert!(said.contains("run ended") && said.contains("run failed"), "the runs are not in the logs");
}

async fn everything_in(store: &dyn DocumentStore) -> String {
    let mut text = String::new();
    for collection in Collection::ALL {
        for document in store.query(&Query::of(Environment::Test.collection(collection))).await.unwrap() {
            text.push_str(&document.body.to_string());
        }
    }
    text
}
