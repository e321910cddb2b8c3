//! Replay: the same decisions to the bit, and whatever was tampered with found and named.

use std::fs;
use std::sync::Arc;

use sentinel_archive_decisions::ArchiveDecisions;
use sentinel_cleanup_hot_store::CleanupHotStore;
use sentinel_domain::candles::Candles;
use sentinel_domain::closes::CandleClosed;
use sentinel_domain::components::ComponentStore;
use sentinel_domain::documents::{Collection, DocumentStore, Precondition, Record, Records};
use sentinel_domain::events::CloudEvent;
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::fill::FillModel;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::live::{CandleChunk, DecisionChunk};
use sentinel_domain::risk::AccountLimits;
use sentinel_domain::session::sessions;
use sentinel_domain::strategy::ParameterValue;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::Warehouse;
use sentinel_embedded::warehouse::DuckWarehouse;
use sentinel_evaluate_strategies::{EvaluateStrategies, Library};
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, JobStatus, LogicalDate, Report, RunContext, RunRequest, async_trait,
};
use sentinel_replay::{DifferenceKind, ReplayRange, ReplayVerdict, replay, replay_archived};
use sentinel_runtime::synthetic_candles;
use sentinel_tests::shipped;
use sentinel_trading::Terms;

use crate::world::{ENVIRONMENT, World, sandbox};

/// Closes that are decided, the last ones of the series.
const CLOSES: usize = 60;

/// A world in which sma-cross has decided on the last closes, its config changed half-way.
struct Traded {
    world: World,
    candles: Candles,
    closes: Vec<UnixMillis>,
}

fn terms() -> Terms {
    Terms {
        account_id: "paper".to_owned(),
        namespace: "test.paper".to_owned(),
        fees: FeeSchedule { rate: FeeRate::alpaca(), currency: FeeCurrency::default() },
        fill_model: FillModel { slippage_bps: 5.into() },
        limits: AccountLimits::default(),
        finest: Timeframe::H1,
    }
}

fn library(world: &World) -> Arc<Library> {
    Arc::new(Library::new(Arc::clone(&world.components) as Arc<dyn ComponentStore>, sandbox()))
}

impl Traded {
    async fn new() -> Self {
        let world = World::new();
        let candles = synthetic_candles(Timeframe::H1, 24 * 50, 7).unwrap();
        let closes: Vec<_> = (candles.len() - CLOSES..candles.len()).map(|row| candles.close_time(row)).collect();
        let traded = Self { world, candles, closes };
        traded.keep_candles(&traded.candles).await;
        let component = shipped::component("sma-cross");
        let config = |fast: u32| {
            let instrument = traded.candles.instrument();
            format!("timeframe = \"1h\"\nassets = [\"{instrument}\"]\nparameters = {{ fast = {fast}, slow = 9 }}\n")
        };
        traded.world.register(&component, &config(2), 1_000).await;
        traded.world.register(&component, &config(3), traded.closes[CLOSES / 2]).await;
        let function = EvaluateStrategies { library: library(&traded.world), terms: terms() };
        for close_time in &traded.closes {
            let event = CandleClosed { close_time: *close_time, shard: 0, shards: 1 }.event(&terms().namespace);
            traded.world.run(&function, RunRequest::of_event(event)).await.unwrap();
        }
        traded
    }

    async fn keep_candles(&self, candles: &Candles) {
        let chunks = Records::<CandleChunk>::of(&self.world.store, ENVIRONMENT);
        for session in sessions(&candles.columns().open_time, Timeframe::H1) {
            let columns = candles.columns().slice(session.bars);
            let chunk = CandleChunk::of(candles.instrument(), Timeframe::H1, columns, session.start).unwrap();
            self.world.store.commit(vec![chunks.put(&chunk, Precondition::Any).unwrap()]).await.unwrap();
        }
    }

    /// Changes a record behind everybody's back.
    async fn tamper<T: Record>(&self, id: &str, change: impl FnOnce(&mut T)) {
        let records = Records::<T>::of(&self.world.store, ENVIRONMENT);
        let mut stored = records.get(id).await.unwrap().unwrap();
        change(&mut stored.record);
        self.world.store.commit(vec![records.put_back(&stored).unwrap()]).await.unwrap();
    }

    async fn replay(&self, range: &ReplayRange) -> ReplayVerdict {
        replay(&self.world.reader(), &library(&self.world), range, |_, _| ()).await.unwrap()
    }

    async fn replay_all(&self) -> ReplayVerdict {
        self.replay(&ReplayRange::default()).await
    }

    fn chunk_id(&self, close: usize) -> String {
        DecisionChunk::id_of(&terms().namespace, self.closes[close], 0)
    }
}

#[tokio::test]
async fn every_decision_comes_out_the_same_with_the_version_of_its_time() {
    let traded = Traded::new().await;
    let verdict = traded.replay_all().await;
    assert!(verdict.is_same(), "{:#?}", verdict.differences);
    assert_eq!((verdict.decisions, verdict.same, verdict.fuel_compared), (CLOSES, CLOSES, CLOSES));
    let chunks = Records::<DecisionChunk>::of(&traded.world.store, ENVIRONMENT);
    let ids = [0, CLOSES - 1].map(|close| traded.chunk_id(close));
    let ends = chunks.get_many(&ids).await.unwrap();
    assert_ne!(ends[0].record.decided[0].version, ends[1].record.decided[0].version);
    let half = ReplayRange { from: Some(traded.closes[CLOSES / 2]), ..ReplayRange::default() };
    assert_eq!(traded.replay(&half).await.decisions, CLOSES / 2);
    let other = ReplayRange { strategy_id: Some("other".to_owned()), ..ReplayRange::default() };
    assert_eq!(traded.replay(&other).await.decisions, 0);
}

#[tokio::test]
async fn candles_that_come_later_change_nothing_and_a_changed_one_is_found() {
    let traded = Traded::new().await;
    let columns = traded.candles.columns();
    let row = columns.open_time.len() - 10;
    let id = CandleChunk::id_at(traded.candles.instrument(), Timeframe::H1, columns.open_time[row]);
    traded
        .tamper::<CandleChunk>(&id, |chunk| {
            let place = chunk.columns.open_time.iter().position(|time| *time == columns.open_time[row]).unwrap();
            chunk.columns.close[place] = chunk.columns.close[place].next_up();
        })
        .await;
    let verdict = traded.replay_all().await;
    // Ten closes were decided with this candle in sight: its own and the nine after it in the same session or warm-up.
    assert!(!verdict.is_same());
    let inputs: Vec<_> = verdict
        .differences
        .iter()
        .filter(|difference| matches!(difference.kind, DifferenceKind::Input { .. }))
        .map(|difference| difference.close_time)
        .collect();
    assert_eq!(inputs, traded.closes[CLOSES - 10..]);
    let said = verdict.differences[0].to_string();
    assert!(said.contains("the candles were changed") && said.contains("sma-cross on"), "{said}");
}

#[tokio::test]
async fn candle_that_is_gone_is_found() {
    let traded = Traded::new().await;
    let last = *traded.candles.columns().open_time.last().unwrap();
    let id = CandleChunk::id_at(traded.candles.instrument(), Timeframe::H1, last);
    traded
        .tamper::<CandleChunk>(&id, |chunk| {
            let rows = chunk.columns.open_time.len() - 1;
            chunk.columns = chunk.columns.slice(0..rows);
        })
        .await;
    let verdict = traded.replay_all().await;
    assert_eq!(verdict.differences.len(), 1, "{:#?}", verdict.differences);
    assert!(verdict.differences[0].to_string().contains("the candle of this close did not come"));
}

#[tokio::test]
async fn changed_component_is_found() {
    let traded = Traded::new().await;
    let hash = ContentHash::of(&shipped::component("sma-cross"));
    fs::write(traded.world.components.path(hash), shipped::component("rsi-reversion")).unwrap();
    let verdict = traded.replay_all().await;
    assert_eq!(verdict.differences.len(), CLOSES);
    let said = verdict.differences[0].to_string();
    assert!(said.contains(&hash.to_string()) && said.contains("is damaged"), "{said}");
    fs::remove_file(traded.world.components.path(hash)).unwrap();
    let said = traded.replay_all().await.differences[0].to_string();
    assert!(said.contains("is not in the store"), "{said}");
    // Put back, all is well again.
    traded.world.components.put(&shipped::component("sma-cross")).await.unwrap();
    assert!(traded.replay_all().await.is_same());
}

#[tokio::test]
async fn changed_config_and_history_are_found() {
    use sentinel_domain::registry::StrategyVersion;
    let traded = Traded::new().await;
    let set = |fast: i64| {
        move |row: &mut StrategyVersion| {
            row.config.parameters.insert("fast".to_owned(), ParameterValue::Integer(fast));
        }
    };
    traded.tamper::<StrategyVersion>("sma-cross.000001", set(4)).await;
    let verdict = traded.replay_all().await;
    assert_eq!(verdict.differences.len(), CLOSES / 2);
    assert!(verdict.differences.iter().all(|d| matches!(d.kind, DifferenceKind::Config { .. })));
    assert!(verdict.differences[0].to_string().contains("the config in the registry was changed"));
    // Somebody who also makes the hashes fit has made another version of it.
    traded
        .tamper::<StrategyVersion>("sma-cross.000001", |row| {
            row.config_hash = row.config.config_hash();
            row.version = sentinel_domain::strategy::strategy_version(row.component_hash, row.config_hash);
        })
        .await;
    let verdict = traded.replay_all().await;
    assert!(verdict.differences.iter().all(|d| matches!(d.kind, DifferenceKind::Version { .. })));
    assert_eq!(verdict.differences.len(), CLOSES / 2);
}

#[tokio::test]
async fn changed_record_is_shown_with_both_outputs() {
    let traded = Traded::new().await;
    let chunks = Records::<DecisionChunk>::of(&traded.world.store, ENVIRONMENT);
    let all = chunks.all(chunks.select()).await.unwrap();
    let with_signal = all.iter().map(|stored| &stored.record).find(|chunk| chunk.decided[0].signal_id.is_some());
    let id = with_signal.expect("an SMA 2/9 crosses within 60 bars").id();
    traded
        .tamper::<DecisionChunk>(&id, |chunk| {
            chunk.decided[0].output_hash = ContentHash::of(b"something else");
        })
        .await;
    traded
        .tamper::<DecisionChunk>(&traded.chunk_id(CLOSES - 1), |chunk| {
            chunk.decided[0].fuel += 1;
        })
        .await;
    let verdict = traded.replay_all().await;
    let [output, fuel] = &verdict.differences[..] else { panic!("{:#?}", verdict.differences) };
    let DifferenceKind::Output { recorded_signal: Some(then), found_signal: Some(now), .. } = &output.kind else {
        panic!("{output}")
    };
    assert_eq!(then, now, "the signal itself was left alone");
    assert!(matches!(fuel.kind, DifferenceKind::Fuel { .. }), "{fuel}");
}

/// A loop of that night that had nothing to do: the broom waits for it.
struct Idle(FunctionDescriptor);

#[async_trait]
impl Function for Idle {
    fn descriptor(&self) -> &FunctionDescriptor {
        &self.0
    }

    async fn run(&self, _: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        Ok(Report::default())
    }
}

fn idle(name: &'static str) -> Box<dyn Function> {
    Box::new(Idle(FunctionDescriptor { logical_date: LogicalDate::DayEnded, ..FunctionDescriptor::new(name) }))
}

/// What the hot store has forgotten is found in the warehouse, and so is what was tampered with.
#[tokio::test]
async fn days_that_only_the_warehouse_remembers_are_replayed_with_the_same_verdict() {
    let traded = Traded::new().await;
    traded.tamper::<DecisionChunk>(&traded.chunk_id(7), |chunk| chunk.decided[0].fuel += 1).await;
    let hot = traded.replay_all().await;
    assert_eq!((hot.decisions, hot.differences.len()), (CLOSES, 1));

    let path = traded.world.folder.path().join("cold.duckdb");
    let warehouse: Arc<dyn Warehouse> = Arc::new(DuckWarehouse::new(path, "a replay under test"));
    let jobs: [Box<dyn Function>; 5] = [
        idle("archive-trades"),
        idle("archive-rejections"),
        idle("archive-expirations"),
        Box::new(ArchiveDecisions::new(Arc::clone(&warehouse))),
        Box::new(CleanupHotStore::new(Arc::clone(&warehouse))),
    ];
    let day = Timeframe::D1.millis();
    let last = traded.closes[CLOSES - 1];
    let again = async |range: &ReplayRange| {
        let (world, library) = (&traded.world, library(&traded.world));
        replay_archived(&world.reader(), Some(&warehouse), &library, range, |_, _| ()).await.unwrap()
    };
    // One half is cold, the other hot; then all of it; then the candles too.
    for (days, left) in [(6, true), (40, true), (400, false)] {
        for job in &jobs {
            let run = traded.world.run(job.as_ref(), RunRequest::scheduled_at(last + days * day)).await.unwrap();
            assert_eq!(run.status, JobStatus::Succeeded, "{run:?}");
        }
        assert_eq!(again(&ReplayRange::default()).await, hot, "after {days} days");
        assert_eq!(traded.world.count(Collection::Candles).await > 0, left, "after {days} days");
    }
    assert_eq!(traded.world.count(Collection::Decisions).await, 0);
    assert_eq!(traded.replay_all().await.decisions, 0);
    let half = ReplayRange { from: Some(traded.closes[CLOSES / 2]), to: Some(last), ..ReplayRange::default() };
    assert_eq!(again(&half).await.decisions, CLOSES / 2 - 1);
}
