//! What the broker tells late: prices and fees.

use rust_decimal::{Decimal, dec};
use sentinel_domain::live::LivePosition;
use sentinel_domain::signal::SignalType;
use sentinel_domain::tables::{FactTrade, PositionRow};
use sentinel_function_runtime::JobStatus;
use sentinel_simulated_broker::faults::{Fault, FaultRule, OrderFault};

use crate::world::{DAY, HOUR, OPENED, World, signal};

#[tokio::test(flavor = "multi_thread")]
async fn a_trade_waits_for_its_price_and_is_healed() {
    let undisturbed = World::new().await;
    let signals = [signal(2, SignalType::Buy), signal(20, SignalType::Sell)];
    undisturbed.live(0..24, &signals).await;
    undisturbed.night(1).await;

    let world = World::new().await;
    world.live(0..20, &signals).await;
    // The sale at hour 20 shows no price for the next ten hours.
    let hidden = OrderFault::NullPrice { millis: 10 * HOUR };
    world.broker.arm(FaultRule::next(Fault::Order(hidden))).unwrap();
    world.live(20..24, &signals).await;
    let position = world.hot::<LivePosition>().await.remove(0).record;
    assert_eq!(position.position.sold().price, Decimal::ZERO);

    let run = world.night(1).await.remove("archive-trades").unwrap();
    let sale = &position.orders[1].client_order_id;
    assert!(run.notes.iter().any(|note| note.contains(sale)), "{:?}", run.notes);
    assert_eq!((run.status, run.rows_out), (JobStatus::Succeeded, 0));
    // Nothing to be had yet.
    let early = world.run(&world.patch_prices(), OPENED + DAY + HOUR).await;
    assert_eq!((early.rows_in, early.rows_out), (1, 0));

    world.live(25..32, &[]).await;
    let healed = world.run(&world.patch_prices(), OPENED + 32 * HOUR).await;
    assert_eq!((healed.rows_in, healed.rows_out), (1, 1));
    let run = world.run(&world.archive_trades(), OPENED + 32 * HOUR).await;
    assert_eq!(run.status, JobStatus::Succeeded);
    let estimated = |trade: FactTrade| FactTrade { actual_fee_usd: None, fee_finalized: false, ..trade };
    let trades = |rows: Vec<FactTrade>| rows.into_iter().map(estimated).collect::<Vec<_>>();
    assert_eq!(trades(world.rows().await), trades(undisturbed.rows().await));
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_that_come_a_day_late_are_settled_then() {
    let world = World::new().await;
    let late = FaultRule { count: None, ..FaultRule::next(Fault::Order(OrderFault::LateFees { days: 1 })) };
    world.broker.arm(late).unwrap();
    world.live(0..24, &[signal(2, SignalType::Buy), signal(20, SignalType::Sell)]).await;
    world.broker.advance(sentinel_simulated_broker::Moment::at_open(OPENED + DAY)).unwrap();
    let first = world.night(1).await.remove("patch-fees").unwrap();
    assert!(first.notes.iter().any(|note| note.contains("1 trades wait")), "{:?}", first.notes);
    let [trade] = world.rows::<FactTrade>().await.try_into().unwrap();
    assert!(!trade.fee_finalized && trade.actual_fee_usd.is_none());
    // Its orders are still asked for, so the position is not swept away.
    assert_eq!(world.hot::<LivePosition>().await.len(), 1);

    world.live(25..49, &[]).await;
    let second = world.night(2).await.remove("patch-fees").unwrap();
    assert_eq!((second.rows_in, second.notes.len()), (1, 0));
    let [settled] = world.rows::<FactTrade>().await.try_into().unwrap();
    assert!(settled.fee_finalized);
    assert_eq!(settled.actual_fee_usd, Some(trade.estimated_fee_usd));
    assert!(world.hot::<LivePosition>().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn profit_is_settled_by_what_was_charged() {
    let world = World::new().await;
    world.live(0..24, &[signal(2, SignalType::Buy), signal(20, SignalType::Sell)]).await;
    world.broker.advance(sentinel_simulated_broker::Moment::at_open(OPENED + DAY)).unwrap();
    world.clock.set(OPENED + DAY);
    // The estimate was too low by a dollar on the way in.
    let mut position = world.hot::<LivePosition>().await.remove(0).record;
    world.run(&world.archive_trades(), OPENED + DAY).await;
    let [estimated] = world.rows::<FactTrade>().await.try_into().unwrap();
    let off = FactTrade {
        estimated_fee_usd: estimated.estimated_fee_usd - dec!(1),
        pnl_usd: estimated.pnl_usd + dec!(1),
        ..estimated.clone()
    };
    position.archived = true;
    world.put(&position).await;
    let table = sentinel_archive::table::<FactTrade>(sentinel_domain::environment::Environment::Test);
    sentinel_domain::warehouse::WarehouseExt::merge_rows(&world.duck, &table, &[off]).await.unwrap();
    world.run(&world.patch_fees(), OPENED + DAY).await;
    let [settled] = world.rows::<FactTrade>().await.try_into().unwrap();
    assert_eq!(settled.actual_fee_usd, Some(estimated.estimated_fee_usd));
    assert_eq!(settled.pnl_usd, estimated.pnl_usd);
    let [row] = world.rows::<PositionRow>().await.try_into().unwrap();
    assert_eq!(row.pnl, Some(settled.pnl_usd));
    // Settled is settled: the loop that knows only estimates changes nothing any more.
    position.archived = false;
    world.put(&position).await;
    world.run(&world.archive_trades(), OPENED + DAY + 60_000).await;
    assert_eq!(world.rows::<FactTrade>().await, [settled]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_closed_by_hand_is_archived_as_such() {
    let world = World::new().await;
    world.live(0..10, &[signal(2, SignalType::Buy)]).await;
    world.broker.close_by_hand(&"BTC/USD".parse().unwrap()).unwrap();
    world.live(10..24, &[]).await;
    world.broker.advance(sentinel_simulated_broker::Moment::at_open(OPENED + DAY)).unwrap();
    world.night(1).await;
    let [trade] = world.rows::<FactTrade>().await.try_into().unwrap();
    assert_eq!((trade.exit_reason.as_str(), &trade.exit_client_order_id), ("manual", &None));
    assert!(trade.fee_finalized);
    assert_eq!(trade.actual_fee_usd, Some(trade.estimated_fee_usd));
}
