//! The functions put together over what is at a place, and a signal for them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use sentinel_alpaca::{AlpacaClient, AlpacaConfig};
use sentinel_domain::broker::Broker;
use sentinel_domain::clock::ManualClock;
use sentinel_domain::components::ComponentStore;
use sentinel_domain::documents::DocumentStore;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::live::{LiveSignal, signal_id};
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::signal::{SignalState, SignalType};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::Warehouse;
use sentinel_embedded::components::UploadFolder;
use sentinel_function_runtime::Holder;
use sentinel_functions::{Desktop, Wiring};
use sentinel_runtime::{LazyRuntime, RuntimeConfig};

use crate::mortal::Mortal;
use crate::points::Points;
use crate::stage::{DAY, ENVIRONMENT, Place, instrument, terms};

/// Returns all functions on stores of their own handles; around their writes `points` may end the process.
pub(crate) fn desktop(
    place: &Place,
    holder: Holder,
    clock: &Arc<ManualClock>,
    points: Option<&Arc<Points>>,
) -> Result<Desktop> {
    let client = Arc::new(AlpacaClient::new(AlpacaConfig::local(&place.broker_url))?);
    let mut store: Arc<dyn DocumentStore> = place.documents();
    let mut warehouse: Arc<dyn Warehouse> = Arc::new(place.warehouse());
    let mut broker: Arc<dyn Broker> = client.clone();
    let mut components: Arc<dyn ComponentStore> = place.components();
    if let Some(points) = points {
        store = Arc::new(Mortal { port: store, points: Arc::clone(points) });
        warehouse = Arc::new(Mortal { port: warehouse, points: Arc::clone(points) });
        broker = Arc::new(Mortal { port: broker, points: Arc::clone(points) });
        components = Arc::new(Mortal { port: components, points: Arc::clone(points) });
    }
    let sandbox = RuntimeConfig { cache_dir: Some(Place::compiled()), ..RuntimeConfig::default() };
    let sandbox = Arc::new(LazyRuntime::new(sandbox));
    let uploads = Arc::new(UploadFolder::new(place.drop_folder()));
    let mut desktop = Desktop::new(Wiring {
        store,
        components,
        broker,
        data: client,
        clock: clock.clone(),
        environment: ENVIRONMENT,
        git_hash: "test".to_owned(),
        sandbox,
        terms: terms(),
        patience: Duration::ZERO,
        holder: (holder, Duration::from_secs(60)),
    });
    desktop.add_archive(&warehouse, Some(instrument()));
    desktop.add_registry(uploads);
    Ok(desktop)
}

/// Returns a buy of the trend that nobody has asked for at `close_time`.
pub(crate) fn signal(version: &StrategyVersion, close_time: UnixMillis) -> Result<LiveSignal> {
    let instrument = instrument();
    Ok(LiveSignal {
        signal_id: signal_id(&terms().namespace, &version.strategy_id, &instrument, Timeframe::D1, close_time),
        status: SignalState::New,
        account_id: terms().account_id,
        strategy_id: version.strategy_id.clone(),
        strategy_version: version.version,
        priority: 20,
        instrument,
        timeframe: Timeframe::D1,
        close_time,
        signal_type: SignalType::Buy,
        pattern_name: "cross".to_owned(),
        confidence: 70.0,
        reasons: Vec::new(),
        warnings: Vec::new(),
        stop_loss: None,
        take_profit: None,
        valid_bars: Some(1),
        price: 100.0,
        volume: 1_000.0,
        volume_delta: None,
        imbalance: None,
        risk_params: serde_json::from_value(version.config.risk_params.clone())?,
        rules: InstrumentRules::default(),
        expiration_at: close_time + DAY,
        rejection: None,
    })
}
