//! The Alpaca client against the server over HTTP: every call and every fault.

use std::time::Duration;

use rust_decimal::{Decimal, dec};
use sentinel_alpaca::{AlpacaClient, AlpacaConfig, Credentials};
use sentinel_domain::broker::{
    Activity, ActivityKind, ActivityQuery, Broker, BrokerError, BrokerOrderId, BrokerOrderStatus as Status,
    ClosePortion, Direction, HistoryQuery, OrderKind, OrderQuery, OrderRequest, OrderSize, TimeInForce, all_activities,
};
use sentinel_domain::fees::FeeCurrency;
use sentinel_domain::fill::Side;
use sentinel_domain::instrument::{InstrumentRules, Symbol};
use sentinel_domain::market_data::{BarsQuery, MarketData, all_bars};
use sentinel_domain::timeframe::Timeframe;
use sentinel_simulated_broker::faults::{Fault, FaultRule, WireFault};
use sentinel_simulated_broker::{Keys, Moment, Options, SimulatedBroker};

use crate::scene::{MINUTE, btc, minutes, settings};

/// Returns a plain HTTP client that needs no certificates.
pub(crate) fn http() -> reqwest::Client {
    // Made by the client that is tested: it installs what TLS needs.
    drop(client_of("http://127.0.0.1:1", Duration::from_secs(1)));
    reqwest::Client::builder().tls_certs_only([]).build().unwrap()
}

fn client_of(url: &str, request_timeout: Duration) -> AlpacaClient {
    AlpacaClient::new(AlpacaConfig { request_timeout, ..AlpacaConfig::local(url) }).unwrap()
}

fn rows(count: usize) -> Vec<[f64; 4]> {
    (0..count).map(|row| [100.0 + row as f64; 4]).collect()
}

/// A broker whose clock stands at the close of the first minute, and a client of it.
fn desk(minutes_known: usize) -> (SimulatedBroker, AlpacaClient) {
    let settings = settings(dec!(100_000), dec!(25), FeeCurrency::Received);
    let broker = SimulatedBroker::start(Options { settings, ..Options::default() }).unwrap();
    broker.load(&minutes(&btc(), &rows(minutes_known)), InstrumentRules::default()).unwrap();
    broker.advance(Moment::at_close(MINUTE)).unwrap();
    let client = client_of(&broker.url(), Duration::from_secs(5));
    (broker, client)
}

fn request(name: &str, side: Side, quantity: Decimal) -> OrderRequest {
    OrderRequest {
        client_order_id: name.parse().unwrap(),
        symbol: btc(),
        side,
        size: OrderSize::Quantity(quantity),
        kind: OrderKind::Market,
        time_in_force: TimeInForce::Gtc,
    }
}

fn on_orders(fault: WireFault) -> FaultRule {
    FaultRule::next(Fault::Wire(fault)).on("POST", "/v2/orders")
}

fn order_count(broker: &SimulatedBroker) -> usize {
    broker.look(|exchange| exchange.orders().len())
}

#[tokio::test]
async fn an_order_goes_from_submission_to_fill() {
    let (broker, client) = desk(10);
    let sent = request("a", Side::Buy, dec!(0.5));
    let taken = client.submit_order(&sent).await.unwrap();
    assert_eq!((taken.status, &taken.request, taken.submitted_at), (Status::PendingNew, &sent, MINUTE));
    broker.advance(Moment::at_open(MINUTE)).unwrap();
    let filled = client.order(&taken.id).await.unwrap();
    assert_eq!(
        (filled.status, filled.filled_avg_price, filled.filled_at),
        (Status::Filled, Some(dec!(101)), Some(MINUTE))
    );
    assert_eq!(client.order_by_client_id(&sent.client_order_id).await.unwrap(), filled);
    assert_eq!(filled.differences(&sent), Vec::<&str>::new());

    let position = client.position(&btc()).await.unwrap().unwrap();
    assert_eq!((position.quantity, position.entry_price_avg), (dec!(0.49875), dec!(101)));
    assert_eq!(client.positions().await.unwrap(), [position]);
    let account = client.account().await.unwrap();
    assert_eq!(account, broker.look(|exchange| exchange.account()));
    let asset = client.asset(&btc()).await.unwrap();
    assert_eq!((asset.rules, asset.symbol), (InstrumentRules::default(), btc()));
}

#[tokio::test]
async fn every_kind_of_order_survives_the_wire() {
    let (_broker, client) = desk(10);
    let kinds = [
        OrderKind::Limit { limit_price: dec!(90.5) },
        OrderKind::StopLimit { stop_price: dec!(120), limit_price: dec!(121.25) },
    ];
    for (index, kind) in kinds.into_iter().enumerate() {
        for (name, time_in_force) in [("gtc", TimeInForce::Gtc), ("ioc", TimeInForce::Ioc)] {
            for (form, size) in [("q", OrderSize::Quantity(dec!(0.25))), ("n", OrderSize::Notional(dec!(33.33)))] {
                let base = request(&format!("{index}{name}{form}"), Side::Buy, dec!(1));
                let sent = OrderRequest { kind, time_in_force, size, ..base };
                let id = client.submit_order(&sent).await.unwrap().id;
                assert_eq!(client.order(&id).await.unwrap().request, sent);
            }
        }
    }
}

#[tokio::test]
async fn orders_are_listed_over_pages_and_taken_back() {
    let (broker, client) = desk(10);
    for index in 0..1_203 {
        broker.advance(Moment::at_close(MINUTE + index)).unwrap();
        let kind = OrderKind::Limit { limit_price: dec!(1) };
        client.submit_order(&OrderRequest { kind, ..request(&format!("o{index}"), Side::Buy, dec!(1)) }).await.unwrap();
    }
    for direction in [Direction::Ascending, Direction::Descending] {
        let query = OrderQuery { working: Some(true), direction, ..OrderQuery::default() };
        let all = client.orders(&query).await.unwrap();
        assert_eq!(all.len(), 1_203);
        let rising = all.windows(2).all(|pair| pair[0].submitted_at < pair[1].submitted_at);
        assert_eq!(rising, direction == Direction::Ascending);
    }
    let query = OrderQuery { after: Some(MINUTE + 1_199), until: Some(MINUTE + 1_201), ..OrderQuery::default() };
    let few = client.orders(&query).await.unwrap();
    let names: Vec<_> = few.iter().map(|order| order.request.client_order_id.as_str()).collect();
    assert_eq!(names, ["o1200", "o1201"]);

    let id = few[0].id.clone();
    client.cancel_order(&id).await.unwrap();
    client.cancel_order(&id).await.unwrap();
    assert_eq!(client.order(&id).await.unwrap().status, Status::Canceled);
    let closed = OrderQuery { working: Some(false), ..OrderQuery::default() };
    assert_eq!(client.orders(&closed).await.unwrap().len(), 1);
    let unknown = client.cancel_order(&BrokerOrderId("none".to_owned())).await.unwrap_err();
    assert!(matches!(unknown, BrokerError::NotFound { .. }), "{unknown}");
}

#[tokio::test]
async fn a_filled_order_cannot_be_taken_back() {
    let (broker, client) = desk(10);
    let id = client.submit_order(&request("a", Side::Buy, dec!(1))).await.unwrap().id;
    broker.advance(Moment::at_open(MINUTE)).unwrap();
    let error = client.cancel_order(&id).await.unwrap_err();
    assert!(matches!(error, BrokerError::NotCancelable { status: "filled" }), "{error}");
}

#[tokio::test]
async fn refusals_arrive_as_what_they_are() {
    let (_broker, client) = desk(10);
    let poor = client.submit_order(&request("poor", Side::Buy, dec!(2000))).await.unwrap_err();
    assert!(matches!(poor, BrokerError::InsufficientFunds { .. }), "{poor}");
    let short = client.submit_order(&request("short", Side::Sell, dec!(1))).await.unwrap_err();
    assert!(matches!(short, BrokerError::InsufficientFunds { .. }), "{short}");
    let dust = client.submit_order(&request("dust", Side::Buy, dec!(0.000001))).await.unwrap_err();
    assert!(matches!(dust, BrokerError::Refused { status: 403, .. }), "{dust}");
    let unknown: Symbol = "DOGE/USD".parse().unwrap();
    let elsewhere = OrderRequest { symbol: unknown.clone(), ..request("doge", Side::Buy, dec!(1)) };
    let refused = client.submit_order(&elsewhere).await.unwrap_err();
    assert!(matches!(refused, BrokerError::Refused { status: 422, .. }), "{refused}");
    assert!(matches!(client.asset(&unknown).await.unwrap_err(), BrokerError::NotFound { .. }));
    assert_eq!(client.position(&btc()).await.unwrap(), None);
    assert!(!poor.is_retryable() && !poor.is_ambiguous());
}

#[tokio::test]
async fn the_same_order_twice_is_one_and_another_under_its_id_is_refused() {
    let (broker, client) = desk(10);
    let sent = request("id", Side::Buy, dec!(1));
    let first = client.submit_order(&sent).await.unwrap();
    broker.advance(Moment::at_open(MINUTE)).unwrap();
    let again = client.submit_order(&sent).await.unwrap();
    assert_eq!((again.id, again.status), (first.id, Status::Filled));
    let other = client.submit_order(&request("id", Side::Buy, dec!(2))).await.unwrap_err();
    assert!(
        matches!(&other, BrokerError::DuplicateClientOrderId { differences, .. } if *differences == ["size"]),
        "{other}"
    );
    assert_eq!(order_count(&broker), 1);
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_is_found_and_not_sent_twice() {
    for fault in [WireFault::LoseAnswer, WireFault::LieAboutFailure { status: 502 }] {
        let (broker, client) = desk(10);
        broker.arm(on_orders(fault)).unwrap();
        let order = client.submit_order(&request("lost", Side::Buy, dec!(1))).await.unwrap();
        assert_eq!((order.status, order_count(&broker)), (Status::New, 1));
    }
}

#[tokio::test]
async fn an_order_that_never_arrived_is_sent_again() {
    let faults = [
        WireFault::CutConnection,
        WireFault::ServerError { status: 500 },
        WireFault::TooManyRequests { retry_after_seconds: 0 },
    ];
    for fault in faults {
        let (broker, client) = desk(10);
        broker.arm(on_orders(fault).times(2)).unwrap();
        client.submit_order(&request("again", Side::Buy, dec!(1))).await.unwrap();
        assert_eq!(order_count(&broker), 1);
    }
}

#[tokio::test]
async fn when_nobody_can_say_whether_an_order_is_there_the_error_says_so() {
    let (broker, client) = desk(10);
    broker.arm(on_orders(WireFault::LoseAnswer)).unwrap();
    let look_up = FaultRule::next(Fault::Wire(WireFault::ServerError { status: 503 })).on("GET", "/v2/orders:");
    broker.arm(look_up.times(100)).unwrap();
    let sent = request("unknown", Side::Buy, dec!(1));
    let error = client.submit_order(&sent).await.unwrap_err();
    assert!(error.is_ambiguous() && error.is_retryable(), "{error}");
    broker.disarm().unwrap();
    assert_eq!(client.submit_order(&sent).await.unwrap().status, Status::New);
    assert_eq!(order_count(&broker), 1);
}

#[tokio::test]
async fn a_slow_answer_is_an_answer_that_nobody_knows() {
    let (broker, _) = desk(10);
    let hasty = client_of(&broker.url(), Duration::from_millis(100));
    broker.arm(on_orders(WireFault::Latency { millis: 400 })).unwrap();
    let order = hasty.submit_order(&request("slow", Side::Buy, dec!(1))).await.unwrap();
    assert_eq!(order.request.client_order_id.as_str(), "slow");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(order_count(&broker), 1);
}

#[tokio::test]
async fn questions_are_asked_again_until_the_patience_ends() {
    let (broker, client) = desk(10);
    let fail = |fault, times| FaultRule::next(Fault::Wire(fault)).on("GET", "/v2/account").times(times);
    for fault in [WireFault::ServerError { status: 500 }, WireFault::CutConnection, WireFault::LoseAnswer] {
        broker.arm(fail(fault, 4)).unwrap();
        client.account().await.unwrap();
    }
    broker.arm(fail(WireFault::ServerError { status: 500 }, 5)).unwrap();
    let error = client.account().await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    client.account().await.unwrap();
}

#[tokio::test]
async fn a_wait_is_kept_to_and_too_long_a_one_is_told() {
    let (broker, client) = desk(10);
    let limited = |seconds| {
        let fault = WireFault::TooManyRequests { retry_after_seconds: seconds };
        FaultRule::next(Fault::Wire(fault)).on("GET", "/v2/account")
    };
    broker.arm(limited(1)).unwrap();
    let asked = tokio::time::Instant::now();
    client.account().await.unwrap();
    assert!(asked.elapsed() >= Duration::from_millis(990));
    broker.arm(limited(3600)).unwrap();
    let error = client.account().await.unwrap_err();
    let waits = matches!(error, BrokerError::RateLimited { retry_after } if retry_after == Duration::from_secs(3600));
    assert!(waits, "{error}");
}

#[tokio::test]
async fn requests_are_paced() {
    let (broker, _) = desk(10);
    let config = AlpacaConfig { requests_per_minute: 120, ..AlpacaConfig::local(&broker.url()) };
    let client = AlpacaClient::new(config).unwrap();
    let begun = tokio::time::Instant::now();
    // 120 at once are within the minute's allowance; the next two wait half a second each.
    for _ in 0..122 {
        client.account().await.unwrap();
    }
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_unavailable() {
    let client = client_of("http://127.0.0.1:1", Duration::from_secs(1));
    let error = client.submit_order(&request("a", Side::Buy, dec!(1))).await.unwrap_err();
    assert!(matches!(error, BrokerError::Unavailable { .. }) && !error.is_ambiguous(), "{error}");
}

#[tokio::test]
async fn keys_are_asked_for() {
    let keys = Keys { key_id: "key".to_owned(), secret: "secret".to_owned() };
    let broker = SimulatedBroker::start(Options { keys: Some(keys), ..Options::default() }).unwrap();
    let config = AlpacaConfig::local(&broker.url());
    let wrong = AlpacaClient::new(config.clone()).unwrap().account().await.unwrap_err();
    assert!(matches!(wrong, BrokerError::Unauthorized { status: 401 }), "{wrong}");
    let credentials = Credentials { key_id: "key".to_owned(), secret: "secret".to_owned().into() };
    let right = AlpacaClient::new(AlpacaConfig { credentials: Some(credentials), ..config }).unwrap();
    right.account().await.unwrap();
    assert!(!format!("{right:?}").contains("\"secret\""), "{right:?}");
}

#[tokio::test]
async fn positions_are_closed_whole_or_in_part_and_by_hand() {
    let (broker, client) = desk(10);
    client.submit_order(&request("buy", Side::Buy, dec!(4))).await.unwrap();
    broker.advance(Moment::at_open(MINUTE)).unwrap();
    let held = dec!(3.99);
    let half = client.close_position(&btc(), ClosePortion::Percentage(dec!(50))).await.unwrap();
    assert_eq!(half.request.size, OrderSize::Quantity(held / dec!(2)));
    let one = client.close_position(&btc(), ClosePortion::Quantity(dec!(1))).await.unwrap();
    assert_eq!((one.request.side, one.request.size), (Side::Sell, OrderSize::Quantity(dec!(1))));
    broker.advance(Moment::at_close(2 * MINUTE)).unwrap();
    let stop = OrderKind::StopLimit { stop_price: dec!(50), limit_price: dec!(49) };
    let stop = OrderRequest { kind: stop, ..request("stop", Side::Sell, dec!(0.9)) };
    client.submit_order(&stop).await.unwrap();
    let bound = client.close_position(&btc(), ClosePortion::Whole).await.unwrap_err();
    assert!(matches!(bound, BrokerError::InsufficientFunds { .. }), "{bound}");
    broker.close_by_hand(&btc()).unwrap();
    broker.advance(Moment::at_open(2 * MINUTE)).unwrap();
    assert_eq!(client.position(&btc()).await.unwrap(), None);
    assert_eq!(client.order_by_client_id(&stop.client_order_id).await.unwrap().status, Status::Canceled);
}

#[tokio::test]
async fn activities_are_paged_and_fees_are_among_them_the_next_day() {
    let (broker, client) = desk(300);
    for index in 0..205 {
        client.submit_order(&request(&format!("f{index}"), Side::Buy, dec!(0.1))).await.unwrap();
    }
    broker.advance(Moment::at_close(Timeframe::D1.millis())).unwrap();
    let fills = ActivityQuery { kinds: vec![ActivityKind::Fill], ..ActivityQuery::default() };
    assert_eq!(all_activities(&client, &fills).await.unwrap().len(), 205);
    let newest = ActivityQuery { direction: Direction::Descending, page_size: Some(7), ..ActivityQuery::default() };
    let mut all = all_activities(&client, &newest).await.unwrap();
    all.reverse();
    assert_eq!(all.len(), 410);
    assert_eq!(all, broker.look(|exchange| with_wire_names(exchange.activities())));
    let day_two = ActivityQuery { after: Some(Timeframe::D1.millis()), ..ActivityQuery::default() };
    assert_eq!(client.activities(&day_two).await.unwrap().items, []);
}

/// The wire names fees' pairs without slash.
fn with_wire_names(activities: &[Activity]) -> Vec<Activity> {
    let mut all = activities.to_vec();
    for activity in &mut all {
        if let Activity::CryptoFee(fee) = activity {
            fee.symbol = fee.symbol.as_ref().map(|symbol| symbol.replace('/', ""));
        }
    }
    all
}

#[tokio::test]
async fn history_ends_with_the_equity_of_the_account() {
    let (broker, client) = desk(3000);
    client.submit_order(&request("buy", Side::Buy, dec!(10))).await.unwrap();
    broker.advance(Moment::at_close(2 * Timeframe::D1.millis())).unwrap();
    let account = client.account().await.unwrap();
    for (timeframe, windows) in [(Timeframe::D1, 2), (Timeframe::H1, 48), (Timeframe::M15, 192)] {
        let query = HistoryQuery { timeframe, from: Some(0), to: None };
        let history = client.portfolio_history(&query).await.unwrap();
        assert_eq!(history.equity.len(), windows);
        assert_eq!(history.equity.last(), Some(&Some(account.equity)));
        assert_eq!(history.base_value, Some(dec!(100_000)));
        assert_eq!(history.open_time[1] - history.open_time[0], timeframe.millis());
    }
    assert_eq!(account.cash + account.long_market_value, account.equity);
}

#[tokio::test]
async fn candles_come_in_pages_and_only_closed_ones() {
    let (broker, client) = desk(2_000);
    let eth: Symbol = "ETH/USD".parse().unwrap();
    broker.load(&minutes(&eth, &rows(50)), InstrumentRules::default()).unwrap();
    broker.advance(Moment::at_open(1_507 * MINUTE)).unwrap();
    let query = |timeframe, page_size| BarsQuery {
        symbols: vec![btc(), eth.clone()],
        timeframe,
        from: 0,
        to: None,
        page_size,
        page_token: None,
    };
    let all = all_bars(&client, &query(Timeframe::M1, 100)).await.unwrap();
    assert_eq!((all[&btc()].open_time.len(), all[&eth].open_time.len()), (1_507, 50));
    assert_eq!(all[&btc()].open, rows(1_507).iter().map(|row| row[0]).collect::<Vec<_>>());
    assert!(all[&btc()].open_time.windows(2).all(|pair| pair[1] - pair[0] == MINUTE));
    let hours = all_bars(&client, &query(Timeframe::H1, 10_000)).await.unwrap();
    assert_eq!(hours[&btc()].open_time.len(), 25);
    assert!(!hours.contains_key(&eth));

    let trades = client.latest_trades(&[btc()]).await.unwrap();
    assert_eq!((trades[&btc()].price, trades[&btc()].time), (dec!(1607), 1_507 * MINUTE));
    let books = client.order_books(&[btc()]).await.unwrap();
    assert!(books[&btc()].bids[0].0 < dec!(1607) && books[&btc()].asks[0].0 > dec!(1607));
}
