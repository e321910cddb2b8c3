//! What led to signals: decisions, candles, versions and instruments, and what they may refer to.

use rust_decimal::dec;
use sentinel_archive::Quarantined;
use sentinel_archive::rows::chunks_of;
use sentinel_domain::documents::Record;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::live::{Asset, CandleChunk, Decided, DecisionChunk, LiveSignal, RejectedBy, RejectedSignal};
use sentinel_domain::signal::{SignalState, SignalType};
use sentinel_domain::tables::{
    CandleRow, DecisionRow, DimAsset, DimStrategy, FactRejectedSignal, FactSignalExpired, SignalRow,
};
use sentinel_domain::timeframe::Timeframe;
use sentinel_function_runtime::JobStatus;

use crate::world::{DAY, DAYS, HOUR, OPENED, STRATEGY, World, instrument, market, signal, version};

/// Returns the record of what the strategy decided `hour` hours after the account opened.
fn decided(signal_id: Option<String>) -> Decided {
    let version = version(OPENED);
    Decided {
        strategy_id: STRATEGY.to_owned(),
        version: version.version,
        component_hash: version.component_hash,
        config_hash: version.config_hash,
        instrument: instrument(),
        timeframe: Timeframe::H1,
        revision: 0,
        warm_up_bars: 20,
        session_bars: 30,
        input_hash: ContentHash::of(b"input"),
        fuel: 4_711,
        output_hash: ContentHash::of(b"output"),
        signal_id,
        failure: None,
    }
}

fn chunk(hour: i64, decided: Vec<Decided>) -> DecisionChunk {
    DecisionChunk {
        namespace: "test".to_owned(),
        close_time: OPENED + hour * HOUR,
        shard: 0,
        shards: 1,
        decided_at: OPENED + hour * HOUR + 7,
        engine_version: "wasmtime 48".to_owned(),
        decided,
        archived: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_come_back_as_they_were_recorded() {
    let world = World::new().await;
    let given = signal(2, SignalType::Buy);
    world.live(0..4, std::slice::from_ref(&given)).await;
    let failed = Decided {
        fuel: 0,
        output_hash: ContentHash::of(&[]),
        failure: Some("it ran out of fuel".to_owned()),
        ..decided(None)
    };
    let recorded =
        [chunk(1, vec![decided(None)]), chunk(2, vec![decided(Some(given.signal_id.clone()))]), chunk(3, vec![failed])];
    for chunk in &recorded {
        world.put(chunk).await;
    }
    let run = world.night(1).await.remove("archive-decisions").unwrap();
    assert_eq!((run.status, run.rows_quarantined), (JobStatus::Succeeded, 0));
    let mut rows = world.rows::<DecisionRow>().await;
    rows.sort_by_key(|row| row.close_time);
    let outcomes: Vec<_> = rows.iter().map(|row| row.outcome.as_str()).collect();
    assert_eq!(outcomes, ["silent", "signal", "failed"]);
    assert_eq!(rows[1].signal_type.as_deref(), Some("BUY"));
    assert_eq!(rows[1].output["reasons"], serde_json::json!(["low"]));
    assert_eq!(rows[0].decided_at.timestamp_millis(), OPENED + HOUR + 7);
    let archived = recorded.map(|chunk| DecisionChunk { archived: true, ..chunk });
    assert_eq!(chunks_of(&rows), archived);

    // They stay a week for those who ask what was decided lately.
    assert_eq!(world.hot::<DecisionChunk>().await.len(), 3);
    world.night(9).await;
    assert!(world.hot::<DecisionChunk>().await.is_empty());
    assert_eq!(world.rows::<DecisionRow>().await, {
        let mut rows = rows;
        rows.sort_by(|a, b| (a.ds, &a.decision_id).cmp(&(b.ds, &b.decision_id)));
        rows
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_names_what_does_not_exist_is_held_back() {
    let world = World::new().await;
    let other = Decided { version: ContentHash::of(b"another"), ..decided(None) };
    world.put(&chunk(1, vec![decided(None)])).await;
    world.put(&chunk(2, vec![decided(Some("nobody gave this".to_owned()))])).await;
    world.put(&chunk(3, vec![other])).await;
    let run = world.night(1).await.remove("archive-decisions").unwrap();
    assert_eq!((run.status, run.rows_quarantined), (JobStatus::Partial, 2));
    assert_eq!(world.rows::<DecisionRow>().await.len(), 1);
    let mut held: Vec<_> = world.hot::<Quarantined>().await.into_iter().map(|stored| stored.record).collect();
    held.sort_by(|a, b| a.source_id.cmp(&b.source_id));
    let columns = |held: &Quarantined| held.reasons.iter().map(|it| it.column.clone()).collect::<Vec<_>>();
    assert!(columns(&held[0]).contains(&"signal_id".to_owned()), "{:?}", held[0].reasons);
    assert_eq!(columns(&held[1]), ["strategy_version"]);
    // Nothing is lost, and the broom leaves it alone.
    world.night(9).await;
    assert_eq!(world.hot::<DecisionChunk>().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn candles_are_added_once_and_a_corrected_one_under_its_revision() {
    let world = World::new().await;
    world.night(1).await;
    let rows = world.rows::<CandleRow>().await;
    assert_eq!(rows.len(), usize::try_from(DAYS * 24).unwrap());
    let id = CandleChunk::id_at(&instrument(), Timeframe::H1, OPENED);
    let mut corrected = world.records::<CandleChunk>().get(&id).await.unwrap().unwrap().record;
    corrected.columns.close[30] += 0.05;
    corrected.revision = 1;
    world.put(&corrected).await;
    assert_eq!(world.night(3).await["archive-decisions"].status, JobStatus::Succeeded);
    let revised = world.rows::<CandleRow>().await;
    assert_eq!(revised.len(), rows.len() + 1);
    let [row] = revised.iter().filter(|row| row.revision == 1).collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(row.open_time.timestamp_millis(), corrected.columns.open_time[30]);
    assert!(world.hot::<Quarantined>().await.is_empty());
    world.night(4).await;
    assert_eq!(world.rows::<CandleRow>().await, revised);
}

#[tokio::test(flavor = "multi_thread")]
async fn candles_leave_the_hot_store_when_the_warehouse_tells_the_very_same() {
    let world = World::new().await;
    let months = 10 * 31;
    world.night(months).await;
    assert!(world.hot::<CandleChunk>().await.is_empty(), "their month is long over");
    assert_eq!(world.rows::<CandleRow>().await.len(), market().len());

    // The same, but one candle changed after it was archived.
    let world = World::new().await;
    world.night(60).await;
    let [mut chunk] = world.hot::<CandleChunk>().await.try_into().unwrap();
    assert!(chunk.record.archived && chunk.expire_at.is_some());
    chunk.record.columns.close[3] += 0.01;
    let write = world.records::<CandleChunk>().put_back(&chunk).unwrap();
    world.runtime.store.commit(vec![write]).await.unwrap();
    let run = world.night(months).await.remove("cleanup-hot-store").unwrap();
    assert!(run.notes.iter().any(|note| note.contains(&chunk.record.id())), "{:?}", run.notes);
    assert_eq!(world.hot::<CandleChunk>().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_and_instruments_are_there_though_nothing_was_traded() {
    let world = World::new().await;
    let asset = Asset { instrument: instrument(), rules: InstrumentRules::default(), broker_asset_id: None };
    world.put(&asset).await;
    world.night(1).await;
    assert_eq!(world.rows::<DimStrategy>().await.len(), 1);
    let [first] = world.rows::<DimAsset>().await.try_into().unwrap();
    assert!(first.is_current && first.symbol == "BTC/USD" && first.broker_asset_id.is_some());
    world.night(2).await;
    assert_eq!(world.rows::<DimAsset>().await, std::slice::from_ref(&first));

    let rules = InstrumentRules { tick_size: dec!(0.5), ..asset.rules };
    world.broker.load(&market(), rules).unwrap();
    world.night(3).await;
    let [kept] = world.hot::<Asset>().await.try_into().unwrap();
    assert_eq!(kept.record.rules, rules);
    let [closed, current] = world.rows::<DimAsset>().await.try_into().unwrap();
    assert_eq!(closed.valid_to, Some(current.valid_from));
    assert_eq!((closed.is_current, current.is_current), (false, true));
    assert_eq!((closed.tick_size, current.tick_size), (first.tick_size, dec!(0.5)));
    assert_eq!(current.valid_from.timestamp_millis(), OPENED + 2 * DAY);
    // Run again, and again for a day before, nothing changes, and what is the same is not written.
    world.night_at(OPENED + 3 * DAY + 10 * 60_000).await;
    world.night_at(OPENED + 2 * DAY + 10 * 60_000).await;
    assert_eq!(world.rows::<DimAsset>().await, [closed, current]);
    assert_eq!(world.hot::<Asset>().await, [kept]);
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_of_a_version_that_never_was_are_held_back() {
    let world = World::new().await;
    let stray = |hour| LiveSignal { strategy_version: ContentHash::of(b"another"), ..signal(hour, SignalType::Buy) };
    let nobodys = |hour| LiveSignal { strategy_id: "nobody".to_owned(), ..signal(hour, SignalType::Buy) };
    world.put(&LiveSignal { status: SignalState::Expired, ..stray(3) }).await;
    let rejection = Some(RejectedBy { reason: "cooldown".to_owned(), detail: "2 bars of 5".to_owned() });
    let rejected = LiveSignal { status: SignalState::Rejected, rejection, ..stray(4) };
    world.put(&RejectedSignal { signal: rejected, quantity: None }).await;
    world.put(&LiveSignal { status: SignalState::NoAction, ..nobodys(5) }).await;
    let runs = world.night(9).await;
    assert_eq!(runs["archive-expirations"].rows_quarantined, 2);
    assert_eq!(runs["archive-rejections"].rows_quarantined, 1);
    assert!(world.rows::<SignalRow>().await.is_empty());
    assert!(world.rows::<FactSignalExpired>().await.is_empty());
    assert!(world.rows::<FactRejectedSignal>().await.is_empty());
    let held = world.hot::<Quarantined>().await;
    let reasons: Vec<_> = held.iter().flat_map(|stored| &stored.record.reasons).map(ToString::to_string).collect();
    assert!(reasons.iter().all(|reason| reason.starts_with("strategy_version is ")), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("none was")), "{reasons:?}");
}
