//! The worker that listens to the broker: what it opens, what it tells whom, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use rust_decimal::dec;
use sentinel_cloud::{Role, program};
use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::clock::ManualClock;
use sentinel_domain::closes::POSITIONS_DUE;
use sentinel_domain::events::CloudEvent;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::timeframe::Timeframe;
use sentinel_simulated_broker::{Keys, Moment, Options, Settings, SimulatedBroker};
use serde_json::json;

use crate::world::{Machine, NOW, client, settings};

fn broker(keys: Option<Keys>) -> SimulatedBroker {
    let settings = Settings { cash: dec!(1000), ..Settings::default() };
    let broker = SimulatedBroker::start(Options { settings, keys, ..Options::default() }).unwrap();
    let prices = || vec![100.0; 2];
    let columns = Columns {
        open_time: vec![0, 60_000],
        open: prices(),
        high: prices(),
        low: prices(),
        close: prices(),
        volume: prices(),
        ..Columns::default()
    };
    let candles = Candles::new("test:BTC/USD".parse().unwrap(), Timeframe::M1, columns).unwrap();
    broker.load(&candles, InstrumentRules::default()).unwrap();
    broker.advance(Moment::at_close(60_000)).unwrap();
    broker
}

/// Waits until so many events were handed over.
async fn events(machine: &Machine, count: usize) -> Vec<(String, CloudEvent)> {
    for _ in 0..500 {
        let events = machine.carrier.events.lock().unwrap().clone();
        if events.len() >= count {
            return events;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", machine.carrier.events.lock().unwrap());
}

#[tokio::test]
async fn word_from_the_broker_makes_positions_due() {
    let broker = broker(None);
    let account = format!("broker = {{ kind = \"server\", url = \"{}\" }}", broker.url());
    let settings = settings("trade-updates", &[("SENTINEL_ACCOUNT", &account), ("SENTINEL_CALLERS", "")]);
    assert_eq!(settings.role, Role::TradeUpdates);
    let machine = Arc::new(Machine::new());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (adapters, clock) = (Arc::clone(&machine), Arc::new(ManualClock::at(NOW)));
    let running =
        tokio::spawn(
            async move { program::run(&settings, adapters.as_ref(), clock, async { drop(stopped.await) }).await },
        );

    // Something may have been missed before.
    let first = events(&machine, 1).await;
    let order = json!({ "symbol": "BTC/USD", "qty": 1, "side": "buy", "type": "market", "time_in_force": "gtc" });
    let sent = client().post(format!("{}/v2/orders", broker.url())).body(order.to_string());
    assert!(sent.header("Content-Type", "application/json").send().await.unwrap().status().is_success());
    let all = events(&machine, first.len() + 1).await;
    for (topic, event) in &all {
        assert_eq!((topic.as_str(), event.event_type.as_str(), event.time), ("positions", POSITIONS_DUE, Some(NOW)));
        assert_eq!(event.data, json!({ "at": NOW }));
    }
    assert_ne!(all[0].1.id, all[1].1.id);
    // Nothing but the way out was opened.
    assert_eq!(*machine.opened.lock().unwrap(), ["events"]);

    stop.send(()).unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(5), running).await.unwrap().unwrap().is_ok());
}

#[tokio::test]
async fn refused_keys_end_the_worker_so_that_the_next_one_reads_them_anew() {
    let broker = broker(Some(Keys { key_id: "new".to_owned(), secret: "new".to_owned() }));
    let account = format!("broker = {{ kind = \"server\", url = \"{}\" }}", broker.url());
    let settings = settings("trade-updates", &[("SENTINEL_ACCOUNT", &account)]);
    let (machine, clock) = (Machine::new(), Arc::new(ManualClock::at(NOW)));
    let ended = program::run(&settings, &machine, clock, std::future::pending());
    let ended = tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap();
    assert!(matches!(ended, Err(program::ProgramError::KeysRefused)), "{ended:?}");
    assert!(machine.carrier.events.lock().unwrap().is_empty());
}
