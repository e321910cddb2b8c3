//! The stream of updates: what it says, whom it refuses, and a client that comes back whatever happens to it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rust_decimal::dec;
use sentinel_alpaca::{AlpacaConfig, Credentials, TradeStream};
use sentinel_domain::broker::{TradeUpdates, TradeWord};
use sentinel_domain::fees::FeeCurrency;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_simulated_broker::faults::{Fault, FaultRule, OrderFault, WireFault};
use sentinel_simulated_broker::{Keys, Moment, Options, SimulatedBroker};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::scene::{MINUTE, btc, minutes, settings};

const SECRET: &str = "canary-of-the-stream";
const PATIENCE: Duration = Duration::from_secs(10);

fn options() -> Options {
    let settings = settings(dec!(100_000), dec!(25), FeeCurrency::Received);
    let keys = Some(Keys { key_id: "key".to_owned(), secret: SECRET.to_owned() });
    Options { settings, keys, ..Options::default() }
}

fn broker() -> SimulatedBroker {
    started(options())
}

fn started(options: Options) -> SimulatedBroker {
    let broker = SimulatedBroker::start(options).unwrap();
    broker.load(&minutes(&btc(), &[[100.0; 4]; 20]), InstrumentRules::default()).unwrap();
    if broker.look(|exchange| exchange.now()) < Moment::at_close(MINUTE) {
        broker.advance(Moment::at_close(MINUTE)).unwrap();
    }
    broker
}

fn config(url: &str, secret: &str) -> AlpacaConfig {
    let credentials = Credentials { key_id: "key".to_owned(), secret: secret.to_owned().into() };
    AlpacaConfig { credentials: Some(credentials), ..AlpacaConfig::local(url) }
}

async fn order(broker: &SimulatedBroker, body: Value) -> String {
    let request = crate::client::http().post(format!("{}/v2/orders", broker.url())).json(&body);
    let request = request.header("APCA-API-KEY-ID", "key").header("APCA-API-SECRET-KEY", SECRET);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn market(name: &str) -> Value {
    json!({ "symbol": "BTC/USD", "qty": 1, "side": "buy", "type": "market", "time_in_force": "gtc", "client_order_id": name })
}

/// A client that is not ours.
struct Guest(WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>);

impl Guest {
    async fn at(broker: &SimulatedBroker) -> Self {
        let (socket, _) = connect_async(format!("{}/stream", broker.url().replace("http", "ws"))).await.unwrap();
        Self(socket)
    }

    async fn listening_at(broker: &SimulatedBroker) -> Self {
        let mut guest = Self::at(broker).await;
        guest.show(SECRET).await;
        guest.ask(json!({ "action": "listen", "data": { "streams": ["trade_updates"] } })).await;
        guest
    }

    async fn show(&mut self, secret: &str) -> Value {
        self.ask(json!({ "action": "authenticate", "data": { "key_id": "key", "secret_key": secret } })).await
    }

    async fn ask(&mut self, wish: Value) -> Value {
        self.0.send(Message::text(wish.to_string())).await.unwrap();
        self.hear().await
    }

    async fn hear(&mut self) -> Value {
        match timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap() {
            // As a paper account sends them.
            Message::Binary(bytes) => serde_json::from_slice(&bytes).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.hear().await["data"].take());
        }
        events
    }
}

#[tokio::test]
async fn nobody_listens_without_the_keys() {
    let broker = broker();
    let mut guest = Guest::at(&broker).await;
    let listen = json!({ "action": "listen", "data": { "streams": ["trade_updates", "nothing"] } });
    let refused =
        |action: &str| json!({ "stream": "authorization", "data": { "status": "unauthorized", "action": action } });
    assert_eq!(guest.ask(listen.clone()).await, refused("listen"));
    assert_eq!(guest.show("wrong").await, refused("authenticate"));
    assert_eq!(guest.ask(listen.clone()).await, refused("listen"));
    let admitted = json!({ "stream": "authorization", "data": { "status": "authorized", "action": "authenticate" } });
    assert_eq!(guest.show(SECRET).await, admitted);
    assert_eq!(guest.ask(listen).await, json!({ "stream": "listening", "data": { "streams": ["trade_updates"] } }));
    let plain = crate::client::http().get(format!("{}/stream", broker.url())).send().await.unwrap();
    assert_eq!(plain.status().as_u16(), 400);
    guest.0.send(Message::text("good morning")).await.unwrap();
    assert!(matches!(timeout(PATIENCE, guest.0.next()).await.unwrap(), Some(Ok(Message::Close(_))) | None));
}

#[tokio::test]
async fn an_order_is_told_of_from_its_arrival_to_its_end() {
    let broker = broker();
    let mut guest = Guest::listening_at(&broker).await;
    let id = order(&broker, market("whole")).await;
    broker.advance(Moment::at_open(MINUTE)).unwrap();
    let [taken, filled] = guest.events(2).await.try_into().unwrap();
    assert_eq!(
        (&taken["event"], &taken["order"]["status"], &taken["order"]["id"]),
        (&json!("new"), &json!("new"), &json!(id))
    );
    assert_eq!((&filled["event"], &filled["order"]["status"]), (&json!("fill"), &json!("filled")));
    assert_eq!(
        (&filled["price"], &filled["qty"], &filled["position_qty"]),
        (&json!("100"), &json!("1"), &json!("0.9975"))
    );
    assert_eq!((&filled["timestamp"], &filled["order"]["symbol"]), (&json!("1970-01-01T00:01:00Z"), &json!("BTCUSD")));
    assert_eq!(filled["order"]["filled_avg_price"], json!("100"));
    assert_ne!(filled["execution_id"], taken["execution_id"]);

    broker.arm(FaultRule::next(Fault::Order(OrderFault::PartialFills { fraction: dec!(0.5) }))).unwrap();
    let id = order(&broker, market("half")).await;
    let http = crate::client::http().delete(format!("{}/v2/orders/{id}", broker.url()));
    let cancel = http.header("APCA-API-KEY-ID", "key").header("APCA-API-SECRET-KEY", SECRET);
    assert_eq!(cancel.send().await.unwrap().status().as_u16(), 204);
    broker.arm(FaultRule::next(Fault::Order(OrderFault::RejectOrder))).unwrap();
    order(&broker, market("refused")).await;
    let events = guest.events(4).await;
    let told: Vec<_> = events.iter().map(|event| (event["event"].clone(), event["order"]["status"].clone())).collect();
    let expected =
        [("new", "new"), ("partial_fill", "partially_filled"), ("canceled", "canceled"), ("rejected", "rejected")];
    assert_eq!(told, expected.map(|(event, status)| (json!(event), json!(status))));
    assert_eq!((&events[1]["qty"], &events[2]["qty"]), (&json!("0.5"), &Value::Null));
}

#[tokio::test]
async fn what_is_not_paid_for_is_told_as_a_part_and_its_end() {
    let settings = settings(dec!(1_000), dec!(0), FeeCurrency::Quote);
    let broker = SimulatedBroker::start(Options { settings, ..Options::default() }).unwrap();
    let rows = [[100.0; 4], [110.0; 4], [110.0; 4]];
    broker.load(&minutes(&btc(), &rows), InstrumentRules::default()).unwrap();
    broker.advance(Moment::at_close(MINUTE)).unwrap();
    let mut guest = Guest::listening_at(&broker).await;
    let mut all = market("all");
    all["qty"] = json!("10");
    order(&broker, all).await;
    broker.advance(Moment::at_open(MINUTE)).unwrap();
    let told: Vec<_> = guest.events(3).await.iter().map(|event| event["event"].clone()).collect();
    assert_eq!(told, [json!("new"), json!("partial_fill"), json!("canceled")]);
}

/// Returns the next word that is no loss.
async fn word(stream: &mut TradeStream) -> TradeWord {
    let heard = async {
        loop {
            match stream.next().await {
                TradeWord::Lost { .. } => {}
                word => return word,
            }
        }
    };
    timeout(PATIENCE, heard).await.unwrap()
}

async fn lost(stream: &mut TradeStream) -> (String, Duration) {
    match timeout(PATIENCE, stream.next()).await.unwrap() {
        TradeWord::Lost { reason, again_in, .. } => (reason, again_in),
        word => panic!("{word:?}"),
    }
}

#[tokio::test]
async fn the_client_comes_back_after_the_broker_was_gone() {
    let folder = tempfile::tempdir().unwrap();
    let file = Some(folder.path().join("account.sqlite"));
    let first = started(Options { file: file.clone(), ..options() });
    let address = first.address();
    let mut stream = TradeStream::new(config(&first.url(), SECRET));
    assert_eq!(word(&mut stream).await, TradeWord::Listening);
    let id = order(&first, market("a")).await;
    let TradeWord::Update(update) = word(&mut stream).await else { panic!("no update") };
    assert_eq!((update.event.as_str(), update.order_id.0), ("new", id));
    drop(first);
    lost(&mut stream).await;
    let (reason, again_in) = lost(&mut stream).await;
    assert!(reason.contains("cannot be reached") && again_in <= Duration::from_secs(2), "{reason} {again_in:?}");

    let second = started(Options { file, address, ..options() });
    assert_eq!(word(&mut stream).await, TradeWord::Listening);
    order(&second, market("b")).await;
    assert!(matches!(word(&mut stream).await, TradeWord::Update(_)));
}

#[tokio::test]
async fn wrong_keys_are_shown_seldom_and_never_told() {
    let broker = broker();
    let config = AlpacaConfig { reconnect_delay_max: Duration::from_secs(30), ..config(&broker.url(), "canary-wrong") };
    let mut stream = TradeStream::new(config);
    let (reason, again_in) = lost(&mut stream).await;
    assert!(reason.contains("does not accept the keys") && !reason.contains("canary"), "{reason}");
    assert_eq!(again_in, Duration::from_secs(30));
    assert!(!format!("{stream:?}").contains("canary"));
}

#[tokio::test]
async fn refusals_and_cut_connections_are_tried_again() {
    let broker = broker();
    for fault in [WireFault::CutConnection, WireFault::ServerError { status: 503 }] {
        broker.arm(FaultRule::next(Fault::Wire(fault)).on("GET", "/stream")).unwrap();
        let mut stream = TradeStream::new(config(&broker.url(), SECRET));
        let (reason, _) = lost(&mut stream).await;
        assert!(reason.contains("/stream cannot be reached") && !reason.contains(SECRET), "{reason}");
        assert_eq!(word(&mut stream).await, TradeWord::Listening);
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let mut silent = Vec::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            for answer in [
                json!({ "stream": "authorization", "data": { "status": "authorized" } }),
                json!({ "stream": "listening", "data": { "streams": ["trade_updates"] } }),
            ] {
                socket.next().await.unwrap().unwrap();
                socket.send(Message::text(answer.to_string())).await.unwrap();
            }
            // Neither reads nor closes.
            silent.push(socket);
        }
    });
    let config = AlpacaConfig { silence_max: Duration::from_millis(200), ..config(&url, SECRET) };
    let mut stream = TradeStream::new(config);
    assert_eq!(word(&mut stream).await, TradeWord::Listening);
    let (reason, _) = lost(&mut stream).await;
    assert!(reason.contains("silent for 200 ms"), "{reason}");
    assert_eq!(word(&mut stream).await, TradeWord::Listening);
    serving.abort();
}

#[tokio::test]
async fn a_quiet_broker_is_not_taken_for_a_dead_one() {
    let broker = broker();
    let config = AlpacaConfig { silence_max: Duration::from_millis(200), ..config(&broker.url(), SECRET) };
    let mut stream = TradeStream::new(config);
    assert_eq!(word(&mut stream).await, TradeWord::Listening);
    // Pings are answered for many times as long.
    assert!(timeout(Duration::from_secs(2), stream.next()).await.is_err());
    order(&broker, market("late")).await;
    assert!(matches!(stream.next().await, TradeWord::Update(_)));
}

#[tokio::test]
async fn all_assets_are_listed_but_those_that_are_not_traded() {
    let broker = broker();
    let eth = "ETH/USD".parse().unwrap();
    let rules = InstrumentRules { tradable: false, ..InstrumentRules::default() };
    broker.load(&minutes(&eth, &[[10.0; 4]; 2]), rules).unwrap();
    let client = sentinel_alpaca::AlpacaClient::new(config(&broker.url(), SECRET)).unwrap();
    let assets = sentinel_domain::broker::Broker::assets(&client).await.unwrap();
    let symbols: Vec<_> = assets.iter().map(|asset| asset.symbol.to_string()).collect();
    assert_eq!(symbols, ["BTC/USD"]);
    let one = sentinel_domain::broker::Broker::asset(&client, &btc()).await.unwrap();
    assert_eq!(assets, [one]);
}
