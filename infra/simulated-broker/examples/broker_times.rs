//! Measures the broker: `cargo run --release -p sentinel-simulated-broker --example broker_times`.
//!
//! An order over HTTP until it is on the disk, a year of minutes passed by, and an account opened again.

#![expect(clippy::print_stdout, reason = "figures are for people")]

use std::time::Duration;

use anyhow::Result;
use rust_decimal::{Decimal, dec};
use sentinel_alpaca::{AlpacaClient, AlpacaConfig};
use sentinel_domain::broker::{Broker as _, OrderKind, OrderRequest, OrderSize, TimeInForce};
use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::fill::Side;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::timeframe::Timeframe;
use sentinel_simulated_broker::{Moment, Options, Settings, SimulatedBroker};
use tokio::time::Instant;

const ORDERS: usize = 5_000;
const MINUTES: i64 = 525_600;

fn year() -> Result<Candles> {
    let millis = Timeframe::M1.millis();
    let price = vec![100.0; usize::try_from(MINUTES)?];
    let columns = Columns {
        open_time: (0..MINUTES).map(|minute| minute * millis).collect(),
        open: price.clone(),
        high: price.clone(),
        low: price.clone(),
        close: price.clone(),
        volume: price,
        volume_delta: None,
        imbalance: None,
    };
    let instrument = Instrument { exchange: "flat".parse()?, symbol: "BTC/USD".parse()? };
    Ok(Candles::new(instrument, Timeframe::M1, columns)?)
}

fn order(index: usize) -> Result<OrderRequest> {
    Ok(OrderRequest {
        client_order_id: format!("order-{index}").parse()?,
        symbol: "BTC/USD".parse()?,
        side: Side::Buy,
        size: OrderSize::Quantity(dec!(0.1)),
        kind: OrderKind::Market,
        time_in_force: TimeInForce::Gtc,
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let settings = Settings { cash: Decimal::from(1_000_000), ..Settings::default() };
    let options = Options { settings, file: Some(folder.path().join("account.sqlite")), ..Options::default() };
    let broker = SimulatedBroker::start(options.clone())?;
    broker.load(&year()?, InstrumentRules::default())?;
    broker.advance(Moment::at_close(Timeframe::M1.millis()))?;
    let client = AlpacaClient::new(AlpacaConfig::local(&broker.url()))?;

    let mut times: Vec<Duration> = Vec::with_capacity(ORDERS);
    for index in 0..ORDERS {
        let begun = Instant::now();
        client.submit_order(&order(index)?).await?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    println!("order over HTTP, on the disk: median {:?}, p99 {:?}", times[ORDERS / 2], times[ORDERS * 99 / 100]);

    let begun = Instant::now();
    broker.advance(Moment::at_open(Timeframe::M1.millis()))?;
    println!("{ORDERS} orders filled at one open: {:?}", begun.elapsed());
    let begun = Instant::now();
    broker.advance(Moment::at_close(MINUTES * Timeframe::M1.millis()))?;
    println!("{MINUTES} minutes in one stride: {:?}", begun.elapsed());
    drop(broker);

    let begun = Instant::now();
    let broker = SimulatedBroker::start(options)?;
    println!("opened again: {:?}, {} orders", begun.elapsed(), broker.look(|exchange| exchange.orders().len()));
    Ok(())
}
