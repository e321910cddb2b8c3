//! What a client that is not ours meets: the control of the simulation, forms of input, refusals in Alpaca's words.

use std::sync::atomic::{AtomicI64, Ordering};

use rust_decimal::dec;
use sentinel_domain::fees::FeeCurrency;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_simulated_broker::{ClockSource, Moment, Options, SimulatedBroker};
use serde_json::{Value, json};

use crate::scene::{MINUTE, btc, minutes, settings};

struct Desk {
    broker: SimulatedBroker,
    http: reqwest::Client,
}

impl Desk {
    fn new() -> Self {
        let settings = settings(dec!(1000), dec!(0), FeeCurrency::Quote);
        let broker = SimulatedBroker::start(Options { settings, ..Options::default() }).unwrap();
        broker.load(&minutes(&btc(), &[[100.0; 4]; 20]), InstrumentRules::default()).unwrap();
        broker.advance(Moment::at_close(MINUTE)).unwrap();
        Self { broker, http: crate::client::http() }
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.broker.url());
        let mut request = self.http.request(method.parse().unwrap(), url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send("POST", path, Some(body)).await
    }
}

fn order(edit: impl FnOnce(&mut Value)) -> Value {
    let mut order = json!({ "symbol": "BTC/USD", "qty": 1, "side": "buy", "type": "market", "time_in_force": "gtc" });
    edit(&mut order);
    order
}

#[tokio::test]
async fn the_clock_is_moved_over_the_wire_and_never_back() {
    let desk = Desk::new();
    let to = json!({ "to": "1970-01-01T00:05:00Z", "phase": "open" });
    let (status, clock) = desk.post("/simulation/advance", to).await;
    assert_eq!((status, &clock["unix_millis"], &clock["phase"]), (200, &json!(5 * MINUTE), &json!("open")));
    assert_eq!(desk.get("/simulation/clock").await.1, clock);
    let (status, refused) = desk.post("/simulation/advance", json!({ "to": 0 })).await;
    assert_eq!(status, 409);
    assert!(refused["message"].as_str().unwrap().contains("cannot go back"), "{refused}");
    assert_eq!(desk.post("/simulation/advance", json!({ "to": "soon" })).await.0, 422);
    assert_eq!(desk.get("/v2/clock").await.1["timestamp"], "1970-01-01T00:05:00Z");
}

#[tokio::test]
async fn faults_are_armed_listed_and_cleared_over_the_wire() {
    let desk = Desk::new();
    let rules = json!([
        { "fault": { "kind": "server_error", "status": 503 }, "method": "GET", "path": "/v2/account" },
        { "fault": { "kind": "partial_fills", "fraction": 0.5 }, "count": null },
    ]);
    let (status, armed) = desk.post("/simulation/faults", rules).await;
    assert_eq!((status, armed.as_array().map(Vec::len)), (200, Some(2)));
    assert_eq!(desk.get("/v2/account").await.0, 503);
    assert_eq!(desk.get("/v2/account").await.0, 200);
    assert_eq!(desk.get("/simulation/faults").await.1.as_array().map(Vec::len), Some(1));
    assert_eq!(desk.send("DELETE", "/simulation/faults", None).await.1, json!([]));
    for bad in
        [json!({ "fault": { "kind": "partial_fills", "fraction": 2 } }), json!({ "fault": { "kind": "hunger" } })]
    {
        assert_eq!(desk.post("/simulation/faults", bad).await.0, 422);
    }
}

#[tokio::test]
async fn orders_are_refused_in_alpacas_words() {
    let desk = Desk::new();
    assert_eq!(desk.post("/v2/orders", order(|order| order["client_order_id"] = json!("a"))).await.0, 200);
    let cases = [
        (order(|order| order["client_order_id"] = json!("a")), 422, "client_order_id must be unique"),
        (order(|order| order["client_order_id"] = json!("x".repeat(129))), 422, "no more than 128 characters"),
        (order(|order| order["qty"] = json!("100")), 403, "insufficient balance for USD"),
        (order(|order| order["side"] = json!("sell")), 403, "insufficient balance for BTC"),
        (order(|order| order["time_in_force"] = json!("day")), 422, "invalid crypto time_in_force"),
        (order(|order| order["type"] = json!("stop")), 422, "invalid order type for crypto order"),
        (order(|order| order["notional"] = json!("5")), 422, "only one of qty or notional"),
        (order(|order| order["symbol"] = json!("AAPL")), 422, "not found"),
        (order(|order| order["order_class"] = json!("bracket")), 422, "advanced order_class"),
        (order(|order| order["qty"] = json!("0")), 422, "qty must be above 0"),
        (order(|order| order["qty"] = json!("one")), 422, "is not a number"),
    ];
    for (body, status, words) in cases {
        let (found, answer) = desk.post("/v2/orders", body.clone()).await;
        let message = answer["message"].as_str().unwrap();
        assert!(found == status && message.contains(words), "{body}: {found} {message}");
        assert!(answer["code"].is_i64());
    }
    assert_eq!(desk.get("/v2/nowhere").await.0, 404);
    assert_eq!(desk.get("/v2/positions/BTCUSD").await.0, 404);
    assert_eq!(desk.get("/v2/account/activities?page_token=none").await.0, 422);
}

#[tokio::test]
async fn candles_are_loaded_by_path() {
    let desk = Desk::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("eth.csv");
    let text = "open_time,open,high,low,close,volume\n1970-01-01T00:00:00Z,1,2,1,2,5\n1970-01-01T00:01:00Z,2,3,2,3,5\n";
    std::fs::write(&path, text).unwrap();
    let body = json!({ "path": path, "symbol": "ETH/USD", "timeframe": "1m" });
    let (status, loaded) = desk.post("/simulation/market", body.clone()).await;
    assert_eq!((status, &loaded["rows"]), (200, &json!(2)), "{loaded}");
    assert_eq!(desk.post("/simulation/market", body).await.0, 200);
    let (_, bars) = desk.get("/v1beta3/crypto/us/bars?symbols=ETH/USD,BTC/USD&timeframe=1Min&start=1970-01-01").await;
    assert_eq!(bars["bars"]["ETH/USD"][0]["c"], json!(2.0), "{bars}");
    let missing = json!({ "path": "/nowhere.csv", "symbol": "ETH/USD", "timeframe": "1m" });
    assert_eq!(desk.post("/simulation/market", missing).await.0, 422);
}

#[tokio::test]
async fn symbols_are_found_with_and_without_slash() {
    let desk = Desk::new();
    desk.post("/v2/orders", order(|order| order["symbol"] = json!("BTCUSD"))).await;
    desk.broker.advance(Moment::at_open(MINUTE)).unwrap();
    for name in ["BTCUSD", "BTC%2FUSD", "BTC/USD"] {
        assert_eq!(desk.get(&format!("/v2/positions/{name}")).await.1["symbol"], "BTCUSD", "{name}");
        assert_eq!(desk.get(&format!("/v2/assets/{name}")).await.1["symbol"], "BTC/USD", "{name}");
    }
    let (status, closed) = desk.send("DELETE", "/v2/positions?cancel_orders=true", None).await;
    assert_eq!((status, &closed[0]["status"]), (207, &json!(200)));
    let resting = order(|order| (order["type"], order["limit_price"]) = (json!("limit"), json!(50)));
    assert_eq!(desk.post("/v2/orders", resting).await.0, 200);
    let (status, canceled) = desk.send("DELETE", "/v2/orders", None).await;
    assert_eq!((status, canceled.as_array().map(Vec::len)), (207, Some(1)));
}

static WALL: AtomicI64 = AtomicI64::new(MINUTE);

#[tokio::test]
async fn the_wall_clock_is_followed_and_a_jump_back_is_waited_out() {
    let settings = settings(dec!(1000), dec!(0), FeeCurrency::Quote);
    let clock = ClockSource::Wall(|| WALL.load(Ordering::SeqCst));
    let broker = SimulatedBroker::start(Options { settings, clock, ..Options::default() }).unwrap();
    let desk = Desk { broker, http: crate::client::http() };
    desk.broker.load(&minutes(&btc(), &[[100.0; 4]; 2]), InstrumentRules::default()).unwrap();
    let at = async |time: i64| {
        WALL.store(time, Ordering::SeqCst);
        desk.get("/simulation/clock").await.1["unix_millis"].as_i64().unwrap()
    };
    assert_eq!((at(2 * MINUTE).await, at(MINUTE).await, at(3 * MINUTE).await), (2 * MINUTE, 2 * MINUTE, 3 * MINUTE));
    let (_, taken) = desk.post("/v2/orders", order(|_| ())).await;
    // The candle after the order becomes known only once it has closed.
    desk.broker.load(&minutes(&btc(), &[[100.0; 4]; 5]), InstrumentRules::default()).unwrap();
    at(5 * MINUTE).await;
    let (_, filled) = desk.get(&format!("/v2/orders/{}", taken["id"].as_str().unwrap())).await;
    assert_eq!((&filled["status"], &filled["filled_at"]), (&json!("filled"), &json!("1970-01-01T00:03:00Z")));
}
