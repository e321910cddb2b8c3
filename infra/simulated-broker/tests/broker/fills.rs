//! Facts about fills, on candles small enough to reckon by hand. The same ones hold for the backtest.

use rust_decimal::dec;
use sentinel_domain::broker::{Activity, BrokerOrderStatus as Status, OrderKind, OrderSize, TimeInForce};
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::fill::{FillModel, Side};
use sentinel_domain::timeframe::Timeframe;
use sentinel_simulated_broker::exchange::{NewOrder, Refusal};
use sentinel_simulated_broker::{Moment, Settings};

use crate::scene::{Scene, btc, candles, minutes, order, settings};

#[test]
fn a_market_order_fills_at_the_open_of_the_moment_it_came() {
    let mut scene = Scene::new(&[[100.0; 4], [101.0, 109.0, 101.0, 108.0], [110.0; 4]]);
    scene.close(1).market("buy", Side::Buy, dec!(2));
    assert_eq!(scene.fill("buy"), (Status::New, dec!(0), None, None));
    scene.open(1);
    assert_eq!(scene.fill("buy"), (Status::Filled, dec!(2), Some(dec!(101)), Some(1)));
    assert_eq!((scene.exchange.cash(), scene.exchange.equity()), (dec!(798), dec!(998)));
    scene.close(2);
    assert_eq!(scene.exchange.equity(), dec!(1014));
}

#[test]
fn an_order_that_comes_with_the_open_fills_at_it_and_one_inside_a_candle_at_the_next() {
    let mut scene = Scene::new(&[[100.0; 4], [101.0; 4], [102.0; 4], [103.0; 4]]);
    scene.open(1).market("at", Side::Buy, dec!(1));
    assert_eq!(scene.fill("at").2, Some(dec!(101)));
    let inside = Moment::at_close(90_000);
    scene.exchange.execute(sentinel_simulated_broker::exchange::Command::Advance { to: inside }).unwrap();
    scene.market("inside", Side::Buy, dec!(1)).close(4);
    assert_eq!((scene.fill("inside").2, scene.fill("inside").3), (Some(dec!(102)), Some(2)));
}

#[test]
fn a_stop_sells_inside_the_candle_it_was_bought_on() {
    let mut scene = Scene::new(&[[100.0; 4], [100.0, 101.0, 94.0, 99.0], [99.0; 4]]);
    scene.close(1).market("buy", Side::Buy, dec!(1)).open(1);
    scene.stop("stop", dec!(1), dec!(95), dec!(94.05)).close(2);
    assert_eq!(scene.fill("stop"), (Status::Filled, dec!(1), Some(dec!(95)), Some(2)));
    assert_eq!(scene.exchange.cash(), dec!(995));
}

#[test]
fn a_gap_within_the_offset_sells_at_the_open_and_beyond_it_stays_open() {
    let scene = |open: f64| {
        let mut scene = Scene::new(&[[100.0; 4], [100.0; 4], [open, open, 90.0, 91.0], [92.0; 4], [95.0; 4]]);
        scene.close(1).market("buy", Side::Buy, dec!(1)).open(1);
        scene.stop("stop", dec!(1), dec!(95), dec!(94.05)).close(3);
        scene
    };
    // Stamped at the open: that is when it traded.
    assert_eq!(scene(94.5).fill("stop"), (Status::Filled, dec!(1), Some(dec!(94.5)), Some(2)));

    let mut beyond = scene(93.0);
    assert_eq!(beyond.fill("stop").0, Status::New);
    let id = beyond.order("stop").id;
    beyond.exchange.execute(sentinel_simulated_broker::exchange::Command::Cancel { id }).unwrap();
    beyond.market("sell", Side::Sell, dec!(1)).open(3);
    assert_eq!(beyond.fill("sell"), (Status::Filled, dec!(1), Some(dec!(92)), Some(3)));

    // Left alone it is a limit order that waits for its price.
    let mut left = scene(93.0);
    left.close(4);
    assert_eq!(left.fill("stop").0, Status::New);
    left.open(4);
    assert_eq!(left.fill("stop"), (Status::Filled, dec!(1), Some(dec!(95)), Some(4)));
}

#[test]
fn slippage_worsens_market_orders_and_stops_but_no_limit() {
    let slippery = Settings {
        fill_model: FillModel { slippage_bps: dec!(100) },
        ..settings(dec!(1000), dec!(0), FeeCurrency::Quote)
    };
    let mut scene = Scene::with(slippery, &[[100.0; 4], [100.0; 4], [100.0, 100.0, 90.0, 95.0]]);
    scene.close(1).market("buy", Side::Buy, dec!(1)).limit("limit", Side::Buy, dec!(1), dec!(100.5)).open(1);
    assert_eq!((scene.fill("buy").2, scene.fill("limit").2), (Some(dec!(101)), Some(dec!(100.5))));
    scene.stop("tight", dec!(1), dec!(95), dec!(94.8)).stop("wide", dec!(1), dec!(95), dec!(90)).close(3);
    assert_eq!((scene.fill("tight").2, scene.fill("wide").2), (Some(dec!(94.8)), Some(dec!(94.05))));
}

#[test]
fn an_open_above_the_cash_buys_what_the_cash_pays() {
    let mut scene = Scene::new(&[[100.0; 4], [125.0; 4]]);
    scene.close(1).market("buy", Side::Buy, dec!(10)).open(1);
    assert_eq!(scene.fill("buy"), (Status::Canceled, dec!(8), Some(dec!(125)), Some(1)));
    assert_eq!((scene.exchange.cash(), scene.exchange.buying_power()), (dec!(0), dec!(0)));
}

#[test]
fn sales_come_before_purchases_at_the_same_open() {
    let mut scene = Scene::new(&[[100.0; 4], [100.0; 4], [50.0; 4], [75.0; 4]]);
    scene.close(1).market("first", Side::Buy, dec!(9)).open(1);
    scene.close(3).market("buy", Side::Buy, dec!(2)).market("sell", Side::Sell, dec!(9)).open(3);
    // 100 in cash pay for one and a third at 75; with the sale they pay for both.
    assert_eq!(scene.fill("buy"), (Status::Filled, dec!(2), Some(dec!(75)), Some(3)));
}

#[test]
fn a_limit_is_filled_when_the_candle_trades_through_it() {
    let mut scene = Scene::new(&[[100.0; 4], [100.0, 100.0, 95.0, 96.0], [96.0, 96.0, 94.9, 96.0], [90.0; 4]]);
    scene.close(1).limit("buy", Side::Buy, dec!(1), dec!(95)).limit("low", Side::Buy, dec!(1), dec!(91)).close(2);
    assert_eq!(scene.fill("buy").0, Status::New, "touched only");
    scene.close(3);
    assert_eq!(scene.fill("buy"), (Status::Filled, dec!(1), Some(dec!(95)), Some(3)));
    scene.open(3);
    assert_eq!(scene.fill("low"), (Status::Filled, dec!(1), Some(dec!(90)), Some(3)), "opened better");
}

#[test]
fn immediate_or_cancel_does_not_wait() {
    let mut scene = Scene::new(&[[100.0; 4], [100.0, 100.0, 80.0, 90.0]]);
    let ioc = |name: &str, limit_price| NewOrder {
        time_in_force: TimeInForce::Ioc,
        ..order(name, Side::Buy, OrderSize::Quantity(dec!(1)), OrderKind::Limit { limit_price })
    };
    scene.close(1).submit(ioc("at", dec!(100))).submit(ioc("below", dec!(99))).open(1);
    assert_eq!(scene.fill("at").0, Status::Filled);
    assert_eq!(scene.fill("below").0, Status::Canceled);
}

#[test]
fn a_buy_stop_wakes_above_the_market() {
    let mut scene = Scene::new(&[[100.0; 4], [100.0, 106.0, 100.0, 106.0]]);
    let kind = OrderKind::StopLimit { stop_price: dec!(105), limit_price: dec!(106) };
    scene.close(1).submit(order("buy", Side::Buy, OrderSize::Quantity(dec!(1)), kind)).close(2);
    assert_eq!(scene.fill("buy"), (Status::Filled, dec!(1), Some(dec!(105)), Some(2)));
}

#[test]
fn a_sum_buys_what_it_pays_for() {
    let mut scene = Scene::new(&[[100.0; 4], [120.0; 4]]);
    scene.close(1).submit(order("sum", Side::Buy, OrderSize::Notional(dec!(60)), OrderKind::Market)).open(1);
    assert_eq!(scene.fill("sum"), (Status::Filled, dec!(0.5), Some(dec!(120)), Some(1)));
}

#[test]
fn what_cannot_be_paid_or_delivered_is_refused() {
    let mut scene = Scene::new(&[[100.0; 4]; 4]);
    let buy = |name, quantity| order(name, Side::Buy, OrderSize::Quantity(quantity), OrderKind::Market);
    assert!(matches!(scene.refused(buy("early", dec!(1))), Refusal::NoPrice(_)));
    scene.close(1).submit(buy("a", dec!(6)));
    let poor = Refusal::InsufficientBalance { currency: "USD".into(), requested: dec!(500), available: dec!(400) };
    assert_eq!(scene.refused(buy("b", dec!(5))), poor);
    assert_eq!(scene.refused(buy("a", dec!(1))), Refusal::DuplicateClientOrderId);
    assert_eq!(scene.refused(buy("dust", dec!(0.001))), Refusal::MinNotional(dec!(1)));
    let short = order("short", Side::Sell, OrderSize::Quantity(dec!(1)), OrderKind::Market);
    assert!(matches!(scene.refused(short), Refusal::InsufficientBalance { currency, .. } if currency == "BTC"));
    let uneven = OrderKind::Limit { limit_price: dec!(1.001) };
    let uneven = order("uneven", Side::Buy, OrderSize::Quantity(dec!(2)), uneven);
    assert!(matches!(scene.refused(uneven), Refusal::Increment { field: "limit_price", .. }));

    scene.open(1).stop("stop", dec!(6), dec!(90), dec!(89));
    let twice = order("twice", Side::Sell, OrderSize::Quantity(dec!(1)), OrderKind::Market);
    assert!(matches!(scene.refused(twice), Refusal::InsufficientBalance { .. }), "the stop has the coins");
}

#[test]
fn a_refused_id_stays_taken_after_a_cancel() {
    let mut scene = Scene::new(&[[100.0; 4]; 3]);
    scene.close(1).limit("id", Side::Buy, dec!(1), dec!(50));
    let id = scene.order("id").id;
    scene.exchange.execute(sentinel_simulated_broker::exchange::Command::Cancel { id: id.clone() }).unwrap();
    let again = order("id", Side::Buy, OrderSize::Quantity(dec!(1)), OrderKind::Market);
    assert_eq!(scene.refused(again), Refusal::DuplicateClientOrderId);
    let cancel = scene.exchange.execute(sentinel_simulated_broker::exchange::Command::Cancel { id });
    assert_eq!(cancel, Err(Refusal::NotCancelable("canceled")));
}

#[test]
fn fees_are_taken_at_the_fill_and_posted_when_the_day_ends() {
    let day = Timeframe::D1.millis();
    let mut scene =
        Scene::with(settings(dec!(1000), dec!(25), FeeCurrency::Received), &[[100.0; 4], [100.0; 4], [200.0; 4]]);
    scene.close(1).market("buy", Side::Buy, dec!(1)).open(1);
    assert_eq!((scene.held(), scene.exchange.cash()), (dec!(0.9975), dec!(900)));
    assert_eq!(scene.exchange.account().accrued_fees, dec!(0.25));
    scene.close(2).market("sell", Side::Sell, dec!(0.9975)).open(2);
    assert_eq!(scene.exchange.cash(), dec!(1099.00125));
    assert_eq!(scene.exchange.activities().len(), 2);

    scene
        .exchange
        .execute(sentinel_simulated_broker::exchange::Command::Advance { to: Moment::at_close(day) })
        .unwrap();
    let fees: Vec<_> = scene.exchange.activities()[2..]
        .iter()
        .map(|activity| match activity {
            Activity::CryptoFee(fee) => (fee.quantity, fee.net_amount, fee.value().unwrap(), fee.date),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(fees, [(dec!(-0.0025), dec!(0), dec!(0.25), 0), (dec!(0), dec!(-0.49875), dec!(0.49875), 0)]);
    assert_eq!(scene.exchange.account().accrued_fees, dec!(0));
}

#[test]
fn the_tier_follows_volume_and_who_rests_pays_less() {
    let tiers = Settings {
        cash: dec!(1_000_000),
        fees: FeeSchedule { rate: FeeRate::alpaca(), currency: FeeCurrency::Quote },
        ..Settings::default()
    };
    let rows = [[50_000.0; 4], [50_000.0; 4], [50_000.0, 50_000.0, 40_000.0, 50_000.0], [50_000.0; 4]];
    let mut scene = Scene::with(tiers, &rows);
    scene.close(1).market("a", Side::Buy, dec!(1)).open(1);
    // 25 bps.
    assert_eq!(scene.exchange.cash(), dec!(949_875));
    scene.limit("b", Side::Buy, dec!(1), dec!(45_000)).close(3);
    // 15 bps: it rested.
    assert_eq!(scene.exchange.cash(), dec!(949_875) - dec!(45_067.5));
    scene.market("c", Side::Sell, dec!(1)).open(3).market("d", Side::Sell, dec!(1));
    // 95,000 of volume before the first sale, 145,000 before the second: 25 and 22 bps.
    assert_eq!(scene.exchange.cash(), dec!(949_875) - dec!(45_067.5) + dec!(49_875) + dec!(49_890));
}

#[test]
fn candles_that_come_late_fill_what_waited_for_them() {
    let rows = [[100.0; 4], [101.0; 4], [102.0, 102.0, 90.0, 95.0]];
    let mut scene = Scene::new(&rows[..1]);
    scene.close(1).market("buy", Side::Buy, dec!(1)).close(3);
    assert_eq!(scene.fill("buy").0, Status::New);
    scene.load(&minutes(&btc(), &rows));
    assert_eq!(scene.fill("buy"), (Status::Filled, dec!(1), Some(dec!(101)), Some(1)));
    assert_eq!(scene.exchange.equity(), dec!(994));

    let other = candles(&btc(), Timeframe::M1, 0, &[[7.0; 4]; 5]);
    let command = sentinel_simulated_broker::exchange::Command::Load {
        rules: sentinel_domain::instrument::InstrumentRules::default(),
        candles: Some(std::sync::Arc::new(other)),
    };
    assert!(matches!(scene.exchange.execute(command), Err(Refusal::OtherCandles { .. })));
}

#[test]
fn history_ends_with_the_equity_of_now() {
    let mut scene = Scene::new(&[[100.0; 4], [100.0, 100.0, 90.0, 90.0], [120.0; 4]]);
    scene.close(1).market("buy", Side::Buy, dec!(5)).close(2).open(2).market("more", Side::Buy, dec!(1));
    let windows = scene.exchange.history(Timeframe::M1, 0, i64::MAX);
    let equity: Vec<_> = windows.iter().map(|window| window.equity).collect();
    assert_eq!(equity, [dec!(1000), scene.exchange.equity()]);
    assert_eq!(scene.exchange.equity(), dec!(920));
}
