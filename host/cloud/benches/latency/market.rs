//! The market: minutes that go up and down in turn, so that a cross of averages buys at one close and sells at the next.

use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::documents::{DocumentStore, Precondition, Records};
use sentinel_domain::environment::Environment;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::live::CandleChunk;
use sentinel_domain::registry::{Change, History, Registration, StrategyVersion};
use sentinel_domain::session::SessionLength;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_runtime::Strategy;
use sentinel_tests::reference;

pub(crate) const TIMEFRAME: Timeframe = Timeframe::M1;
/// A day and an hour: the day's session is as long as it is, and another one lies before it.
const MINUTES_BEFORE: i64 = 25 * 60;
const MINUTES_AFTER: i64 = 3;
const PRICE: f64 = 50_000.0;
const SWING: f64 = 50.0;
/// Closes lie in the past by as many minutes as there are rounds.
const VALID_BARS: u32 = 100_000;

pub(crate) fn instrument() -> Instrument {
    "alpaca:BTC/USD".parse().unwrap()
}

/// Returns minutes around those that close from `first` to `last`.
pub(crate) fn candles(first: UnixMillis, last: UnixMillis) -> Candles {
    let minute = TIMEFRAME.millis();
    let mut columns = Columns::default();
    for open_time in ((first - MINUTES_BEFORE * minute)..(last + MINUTES_AFTER * minute)).step_by(60_000) {
        // The first close buys.
        let is_up = ((open_time - first) / minute).rem_euclid(2) == 1;
        let (open, close) = if is_up { (PRICE - SWING, PRICE + SWING) } else { (PRICE + SWING, PRICE - SWING) };
        columns.open_time.push(open_time);
        columns.open.push(open);
        columns.high.push(open.max(close));
        columns.low.push(open.min(close));
        columns.close.push(close);
        columns.volume.push(1.0);
    }
    Candles::new(instrument(), TIMEFRAME, columns).unwrap()
}

/// Puts the candles into the hot store, as `ingest-candles` does.
pub(crate) async fn keep(store: &dyn DocumentStore, environment: Environment, candles: &Candles) {
    let records = Records::<CandleChunk>::of(store, environment);
    let (columns, length) = (candles.columns(), SessionLength::of(TIMEFRAME));
    let mut row = 0;
    while row < candles.len() {
        let session = length.around(columns.open_time[row]);
        let end = columns.open_time.partition_point(|time| *time < session.end);
        let chunk = CandleChunk::of(candles.instrument(), TIMEFRAME, columns.slice(row..end), session.start).unwrap();
        store.commit(vec![records.put(&chunk, Precondition::Absent).unwrap()]).await.unwrap();
        row = end;
    }
}

/// Registers the strategy before the first candle, with a stop that rests at the broker and is never met.
pub(crate) async fn register(
    store: &dyn DocumentStore,
    environment: Environment,
    strategy: Strategy,
    candles: &Candles,
) -> String {
    let mut setup = reference::setup(strategy, candles, &[("fast", "1"), ("slow", "2")]);
    setup.risk.signal_valid_bars = VALID_BARS;
    setup.risk.stop_loss_pct = Some(50.into());
    let registration = Registration {
        component_hash: setup.component.component_hash(),
        git_hash: None,
        active: true,
        config: setup.config("skip".to_owned()),
        assets: vec![instrument()],
        description: String::new(),
        wit_version: "0.1.0".to_owned(),
    };
    let change = History::new(setup.strategy_id.clone(), Vec::new()).register(registration, 0);
    let Ok(Change::Opened { opened, .. }) = change else { panic!("a first version opens") };
    let put = Records::<StrategyVersion>::of(store, environment).put(&opened, Precondition::Absent).unwrap();
    store.commit(vec![put]).await.unwrap();
    setup.strategy_id
}
