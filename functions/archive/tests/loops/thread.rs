//! The golden thread from signals to the archive, and its repetition.

use rust_decimal::{Decimal, dec};
use sentinel_domain::live::{LivePosition, LiveSignal, RejectedSignal};
use sentinel_domain::money::{decimal_price, to_f64};
use sentinel_domain::signal::{SignalState, SignalType};
use sentinel_domain::tables::{
    AccountSnapshot, DimStrategy, FactRejectedSignal, FactSignalExpired, FactTrade, PositionRow, SignalRow,
    StrategyPerformance,
};
use sentinel_function_runtime::JobStatus;

use crate::world::{DAY, HOUR, OPENED, World, market, signal, sum, terms};

/// One trade by signal, one by stop, one rejected, one that asked for nothing, one that came too late, one still open.
fn signals() -> Vec<LiveSignal> {
    let stopped = LiveSignal { stop_loss: Some(105.0), ..signal(27, SignalType::Buy) };
    let unsure = LiveSignal { confidence: 10.0, ..signal(50, SignalType::StrongBuy) };
    vec![
        signal(10, SignalType::Buy),
        signal(12, SignalType::Buy),
        signal(25, SignalType::Sell),
        stopped,
        unsure,
        signal(75, SignalType::Sell),
        signal(100, SignalType::Buy),
    ]
}

/// Lives five days with a signal that nobody decided, and runs the first night.
async fn lived() -> World {
    let world = World::new().await;
    world.live(0..24, &signals()).await;
    world.night(1).await;
    world.live(24..96, &signals()).await;
    let late = LiveSignal { status: SignalState::New, ..signal(80, SignalType::Buy) };
    world.put(&late).await;
    world.night(4).await;
    world.live(97..120, &signals()).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_become_trades_and_facts() {
    let world = lived().await;
    let runs = world.night(5).await;
    let ended: Vec<_> = runs.values().map(|run| (run.job_name.as_str(), run.status, run.rows_quarantined)).collect();
    assert!(ended.iter().all(|(_, status, _)| *status == JobStatus::Succeeded), "{ended:?}");

    let mut trades = world.rows::<FactTrade>().await;
    trades.sort_by_key(|trade| trade.exit_time);
    let reasons: Vec<_> = trades.iter().map(|trade| trade.exit_reason.as_str()).collect();
    assert_eq!(reasons, ["signal", "stop"]);
    for trade in &trades {
        assert!(trade.max_favorable_excursion > 0.0 && trade.max_adverse_excursion <= 0.0, "{trade:?}");
        assert_eq!(trade.strategy_version, crate::world::version(OPENED).version.to_string());
    }
    let expected = world.rows::<SignalRow>().await.into_iter().map(|row| row.status);
    let mut statuses: Vec<_> = expected.collect();
    statuses.sort();
    assert_eq!(statuses, ["CONSUMED", "EXPIRED", "FILLED", "FILLED", "FILLED", "NO_ACTION", "NO_ACTION", "REJECTED"]);

    let positions = world.rows::<PositionRow>().await;
    let mut states: Vec<_> = positions.iter().map(|position| position.status.as_str()).collect();
    states.sort_unstable();
    assert_eq!(states, ["closed", "open", "stopped"]);

    // The price went on rising after the signal that came too late.
    let [expired] = world.rows::<FactSignalExpired>().await.try_into().unwrap();
    let signalled = market();
    let columns = signalled.columns();
    let first = columns.open_time.partition_point(|open| *open < OPENED + 80 * HOUR);
    let end = columns.open_time.partition_point(|open| *open < OPENED + 5 * DAY);
    let best = columns.high[first..end].iter().copied().fold(0.0, f64::max);
    assert_eq!(expired.max_mfe_price, Some(decimal_price(best)));

    // Not yet: seven days of candles are not there.
    assert!(world.rows::<FactRejectedSignal>().await.is_empty());
    assert_eq!(world.hot::<RejectedSignal>().await.len(), 1);
    assert_eq!(world.rows::<DimStrategy>().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn profits_explain_the_change_of_equity() {
    let world = lived().await;
    world.night(5).await;
    let trades = world.rows::<FactTrade>().await;
    let account = world.desk.broker.account().await.unwrap();
    let open: Decimal = {
        let positions = world.hot::<LivePosition>().await;
        let close = decimal_price(*market().columns().close.get(usize::try_from(24 + 119).unwrap()).unwrap());
        let last = world.desk.broker.positions().await.unwrap();
        let mark = last.first().and_then(|position| position.current_price).unwrap_or(close);
        sum(positions.iter().filter(|it| !it.record.archived).map(|it| it.record.position.pnl_open(mark)))
    };
    let made = sum(trades.iter().map(|trade| trade.pnl_usd));
    // Dust keeps its price: a billionth of a coin.
    assert!((account.equity - dec!(10000) - made - open).abs() < dec!(0.000001), "{account:?} {made} {open}");
    let snapshots = world.rows::<AccountSnapshot>().await;
    let last = snapshots.last().unwrap();
    assert_eq!(last.equity, account.equity);
    assert_eq!(last.equity, last.cash + last.exposure_usd);
    assert_eq!((last.open_positions, last.delta_usd), (1, last.exposure_usd));
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_are_settled_and_performance_follows() {
    let world = lived().await;
    world.night(5).await;
    let trades = world.rows::<FactTrade>().await;
    assert!(trades.iter().all(|trade| trade.fee_finalized), "{trades:?}");
    for trade in &trades {
        // The broker charges what its schedule says, so the estimate was right.
        assert_eq!(trade.actual_fee_usd, Some(trade.estimated_fee_usd));
    }
    let positions = world.rows::<PositionRow>().await;
    for trade in &trades {
        let position = positions.iter().find(|position| position.position_id == trade.position_id).unwrap();
        assert_eq!((position.pnl, position.fee_usd), (Some(trade.pnl_usd), trade.fee_usd()));
    }
    let summaries = world.rows::<StrategyPerformance>().await;
    let last = summaries.last().unwrap();
    assert_eq!((last.trade_count, last.signal_count, last.rejected_count, last.expired_count), (2, 8, 1, 1));
    assert_eq!(last.pnl_usd, sum(trades.iter().map(|trade| trade.pnl_usd)));
    assert_eq!(last.capital_usd, dec!(10000));
    assert!(last.sharpe_ratio.is_some() && last.beta.is_some() && last.alpha.is_some(), "{last:?}");
    let wins = trades.iter().filter(|trade| trade.pnl_usd > Decimal::ZERO).count();
    assert_eq!(last.win_count, i64::try_from(wins).unwrap());
    // On the first night nothing had been closed: every ratio of trades is empty and says why.
    let first = &summaries[0];
    assert_eq!((first.win_rate, first.profit_factor), (None, None));
    assert_eq!(first.undefined_reasons["win_rate"], "no trade was closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn run_again_every_loop_leaves_the_same_rows() {
    let world = lived().await;
    world.night(5).await;
    let before = world.everything().await;
    world.night_at(OPENED + 5 * DAY + 10 * 60_000).await;
    assert_eq!(world.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_signal_is_followed_for_seven_days() {
    let world = lived().await;
    world.night(5).await;
    world.live(121..24 * 10, &[]).await;
    world.night(10).await;
    let [fact] = world.rows::<FactRejectedSignal>().await.try_into().unwrap();
    assert_eq!(fact.rejection_reason, "low_confidence");
    // The strategy said sell at hour 75: it is out at the open of that hour.
    assert_eq!(fact.theoretical_exit_reason.as_deref(), Some("signal"));
    assert_eq!(fact.theoretical_exit_time.unwrap().timestamp_millis(), OPENED + 75 * HOUR);
    let candles = market();
    let open = |hour: usize| decimal_price(candles.columns().open[24 + hour]);
    let model = terms().fill_model;
    assert_eq!(fact.theoretical_entry_price, Some(model.market(sentinel_domain::fill::Side::Buy, open(50))));
    assert_eq!(fact.theoretical_exit_price, Some(model.market(sentinel_domain::fill::Side::Sell, open(75))));
    let (quantity, pnl) = (fact.theoretical_quantity.unwrap(), fact.theoretical_pnl.unwrap());
    let gross = quantity * (fact.theoretical_exit_price.unwrap() - fact.theoretical_entry_price.unwrap());
    assert!((gross - fact.theoretical_fee_usd.unwrap() - pnl).abs() < dec!(0.000001));
    assert!((to_f64(quantity) * to_f64(fact.theoretical_entry_price.unwrap()) - 1000.0).abs() < 20.0);
    // Its time is over: the next night sweeps it away.
    assert!(world.hot::<RejectedSignal>().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_warehouse_holds_is_deleted() {
    let world = lived().await;
    // Marked as done, and never archived.
    let position = world.hot::<LivePosition>().await.remove(0);
    let stray = LivePosition { archived: true, ..position.record };
    let write = world.records::<LivePosition>().put(&stray, sentinel_domain::documents::Precondition::Any).unwrap();
    let unmarked = world.records::<LiveSignal>();
    let lost = signal(119, SignalType::Sell);
    let lost = LiveSignal { status: SignalState::NoAction, ..lost };
    let lost_write =
        unmarked.put(&lost, sentinel_domain::documents::Precondition::Any).unwrap().expiring(OPENED + 90 * DAY);
    world.runtime.store.commit(vec![write.expiring(OPENED + 90 * DAY), lost_write]).await.unwrap();
    let runs = world.night(5).await;
    let cleanup = &runs["cleanup-hot-store"];
    assert!(cleanup.notes.iter().any(|note| note.contains(&lost.signal_id)), "{:?}", cleanup.notes);
    let signals = world.hot::<LiveSignal>().await;
    assert!(signals.iter().any(|stored| stored.record.signal_id == lost.signal_id));
    let cold = world.rows::<SignalRow>().await;
    let gone = crate::thread::signals();
    for signal in gone.iter().filter(|signal| signals.iter().all(|hot| hot.record.signal_id != signal.signal_id)) {
        assert!(cold.iter().any(|row| row.signal_id == signal.signal_id), "{} is in neither store", signal.signal_id);
    }
}
