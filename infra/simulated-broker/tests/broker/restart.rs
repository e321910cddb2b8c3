//! The account comes back from its file, whatever moment it was ended at.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use rust_decimal::dec;
use sentinel_domain::fees::FeeCurrency;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_simulated_broker::faults::{Fault, FaultRule, OrderFault};
use sentinel_simulated_broker::{JournalError, Moment, Options, Settings, SimulatedBroker, StartError};

use crate::scene::{MINUTE, btc, minutes, settings};

const ROWS: [[f64; 4]; 5] = [[100.0; 4], [101.0; 4], [102.0, 103.0, 90.0, 95.0], [96.0; 4], [97.0; 4]];

fn start(file: &std::path::Path, settings: Settings) -> Result<SimulatedBroker, StartError> {
    SimulatedBroker::start(Options { settings, file: Some(file.to_owned()), ..Options::default() })
}

fn account() -> Settings {
    settings(dec!(1000), dec!(25), FeeCurrency::Received)
}

/// Returns everything that can be seen.
fn seen(broker: &SimulatedBroker) -> String {
    broker.look(|exchange| {
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?}",
            exchange.now(),
            exchange.account(),
            exchange.orders(),
            exchange.activities(),
            exchange.equity_points(),
            exchange.faults()
        )
    })
}

/// Posts a market order over the wire and returns the status.
fn post(broker: &SimulatedBroker, name: &str) -> u16 {
    let body = format!(
        r#"{{"symbol":"BTC/USD","qty":1,"side":"buy","type":"market","time_in_force":"gtc","client_order_id":"{name}"}}"#
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = crate::client::http();
        let url = format!("{}/v2/orders", broker.url());
        client.post(url).header("content-type", "application/json").body(body).send().await.unwrap().status().as_u16()
    })
}

#[test]
fn what_was_taken_is_there_after_a_restart_and_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("account.sqlite");
    let broker = start(&file, account()).unwrap();
    let rules = InstrumentRules::default();
    broker.load(&minutes(&btc(), &ROWS[..3]), rules).unwrap();
    broker.arm(FaultRule::next(Fault::Order(OrderFault::PartialFills { fraction: dec!(0.5) }))).unwrap();
    broker.advance(Moment::at_close(MINUTE)).unwrap();
    assert_eq!(post(&broker, "one"), 200);
    broker.advance(Moment::at_open(MINUTE)).unwrap();
    broker.advance(Moment::at_close(3 * MINUTE)).unwrap();
    assert_eq!(post(&broker, "two"), 200);
    let before = seen(&broker);
    drop(broker);

    let broker = start(&file, account()).unwrap();
    assert_eq!(seen(&broker), before);
    // What a client sends again is not carried out again.
    assert_eq!(post(&broker, "two"), 422);
    // The same candles and more of them.
    broker.load(&minutes(&btc(), &ROWS[..3]), rules).unwrap();
    broker.load(&minutes(&btc(), &ROWS), rules).unwrap();
    broker.advance(Moment::at_close(5 * MINUTE)).unwrap();
    let before = seen(&broker);
    drop(broker);
    assert_eq!(seen(&start(&file, account()).unwrap()), before);
}

#[test]
fn the_file_grows_with_orders_and_not_with_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("account.sqlite");
    let broker = start(&file, account()).unwrap();
    broker.load(&minutes(&btc(), &ROWS), InstrumentRules::default()).unwrap();
    for second in 0..500 {
        broker.advance(Moment::at_close(second * 1000)).unwrap();
    }
    drop(broker);
    let connection = rusqlite::Connection::open(&file).unwrap();
    let entries: i64 = connection.query_row("select count(*) from journal", [], |row| row.get(0)).unwrap();
    assert_eq!(entries, 2);
}

#[test]
fn a_file_is_one_accounts_and_one_brokers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("account.sqlite");
    let broker = start(&file, account()).unwrap();
    let second = start(&file, account()).unwrap_err();
    assert!(second.to_string().contains("another broker"), "{second}");
    drop(broker);
    let other = start(&file, Settings { cash: dec!(5), ..account() }).unwrap_err();
    assert!(matches!(other, StartError::Journal(JournalError::Settings { .. })), "{other}");

    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let newer = start(&file, account()).unwrap_err();
    assert!(newer.to_string().contains("format 7"), "{newer}");
    std::fs::write(&file, "no database at all, but long enough to be taken for one").unwrap();
    assert!(start(&file, account()).is_err());
}

/// Starts the program and returns it with the URL it prints.
fn program(file: &std::path::Path) -> (std::process::Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sentinel-simulated-broker"))
        .args(["--cash", "1000000000", "--file"])
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim().rsplit(' ').next().unwrap().to_owned())
}

#[tokio::test]
async fn killed_while_orders_pour_in_it_forgets_none_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("account.sqlite");
    let csv = folder.path().join("btc.csv");
    std::fs::write(
        &csv,
        "open_time,open,high,low,close,volume\n1970-01-01T00:00:00Z,1,1,1,1,5\n1970-01-01T00:01:00Z,1,1,1,1,5\n",
    )
    .unwrap();
    let http = crate::client::http();
    let send = async |url: &str, path: &str, body: serde_json::Value| {
        let answer = http.post(format!("{url}{path}")).json(&body).send().await.ok()?;
        Some(answer.status().as_u16())
    };
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0_u64..6 {
        let (mut child, url) = program(&file);
        let load = serde_json::json!({ "path": csv, "symbol": "BTC/USD", "timeframe": "1m" });
        assert_eq!(send(&url, "/simulation/market", load).await, Some(200));
        let to = 60_000 + i64::try_from(round).unwrap();
        assert_eq!(send(&url, "/simulation/advance", serde_json::json!({ "to": to })).await, Some(200));

        let listed = http.get(format!("{url}/v2/orders?status=all&limit=500")).send().await.unwrap();
        let listed: Vec<serde_json::Value> = listed.json().await.unwrap();
        let names: Vec<_> = listed.iter().map(|order| order["client_order_id"].as_str().unwrap().to_owned()).collect();
        for name in &acknowledged {
            assert_eq!(names.iter().filter(|listed| *listed == name).count(), 1, "{name} after {round} kills");
        }
        // At most the one order whose answer was lost each time.
        assert!(names.len() - acknowledged.len() <= usize::try_from(round).unwrap());

        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30 + 17 * round));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        for index in 0..40 {
            let name = format!("{round}-{index}");
            let order = serde_json::json!({
                "symbol": "BTC/USD", "qty": "2", "side": "buy", "type": "market", "time_in_force": "gtc",
                "client_order_id": name,
            });
            match send(&url, "/v2/orders", order).await {
                Some(status) => {
                    assert_eq!(status, 200);
                    acknowledged.push(name);
                }
                None => break,
            }
        }
        killer.join().unwrap();
    }
    assert!(acknowledged.len() > 6, "{}", acknowledged.len());
}
