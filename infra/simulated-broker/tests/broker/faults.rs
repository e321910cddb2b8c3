//! Faults of orders: partial fills, hidden prices, late fees, rejections, and a hand at the account.

use rust_decimal::dec;
use sentinel_domain::broker::{Activity, BrokerOrderStatus as Status};
use sentinel_domain::fees::FeeCurrency;
use sentinel_domain::fill::Side;
use sentinel_domain::timeframe::Timeframe;
use sentinel_simulated_broker::Moment;
use sentinel_simulated_broker::exchange::Command;
use sentinel_simulated_broker::faults::{FaultRule, OrderFault};

use crate::scene::{Scene, settings};

#[test]
fn partial_fills_take_as_many_candles_as_the_fraction_says() {
    let mut scene = Scene::new(&[[100.0; 4], [100.0; 4], [110.0; 4], [120.0; 4], [130.0; 4], [140.0; 4]]);
    scene.arm(FaultRule::next(OrderFault::PartialFills { fraction: dec!(0.4) }));
    scene.close(1).market("slow", Side::Buy, dec!(1)).market("whole", Side::Buy, dec!(1)).open(1);
    assert_eq!(scene.fill("slow"), (Status::PartiallyFilled, dec!(0.4), Some(dec!(100)), Some(1)));
    assert_eq!(scene.fill("whole").0, Status::Filled);
    scene.open(2);
    assert_eq!(scene.fill("slow"), (Status::PartiallyFilled, dec!(0.8), Some(dec!(105)), Some(2)));
    scene.open(5);
    assert_eq!(scene.fill("slow"), (Status::Filled, dec!(1), Some(dec!(108)), Some(3)));
    let fills: Vec<_> = scene
        .exchange
        .activities()
        .iter()
        .filter_map(|activity| match activity {
            Activity::Fill(fill) if fill.order_id == scene.order("slow").id => {
                Some((fill.quantity, fill.quantity_cumulative, fill.quantity_left, fill.is_partial))
            }
            _ => None,
        })
        .collect();
    let expected = [
        (dec!(0.4), dec!(0.4), dec!(0.6), true),
        (dec!(0.4), dec!(0.8), dec!(0.2), true),
        (dec!(0.2), dec!(1), dec!(0), false),
    ];
    assert_eq!(fills, expected);
}

#[test]
fn a_stop_that_sold_in_part_goes_on_selling_at_its_limit_or_better() {
    let mut scene = Scene::new(&[[100.0; 4], [100.0; 4], [100.0, 100.0, 94.0, 96.0], [96.0; 4], [97.0; 4]]);
    scene.close(1).market("buy", Side::Buy, dec!(1)).open(1);
    scene.arm(FaultRule::next(OrderFault::PartialFills { fraction: dec!(0.5) }));
    scene.stop("stop", dec!(1), dec!(95), dec!(94)).close(3);
    assert_eq!(scene.fill("stop"), (Status::PartiallyFilled, dec!(0.5), Some(dec!(95)), Some(3)));
    scene.open(3);
    assert_eq!(scene.fill("stop"), (Status::Filled, dec!(1), Some(dec!(95.5)), Some(3)));
}

#[test]
fn a_price_is_hidden_for_a_while() {
    let mut scene = Scene::new(&[[100.0; 4]; 5]);
    scene.arm(FaultRule::next(OrderFault::NullPrice { millis: 120_000 }));
    scene.close(1).market("buy", Side::Buy, dec!(1)).open(1);
    assert_eq!(scene.fill("buy"), (Status::Filled, dec!(1), None, Some(1)));
    let shown = |scene: &Scene| match scene.exchange.shown_activity(&scene.exchange.activities()[0]) {
        Activity::Fill(fill) => fill.price,
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(&scene), dec!(0));
    scene.close(3);
    assert_eq!((scene.fill("buy").2, shown(&scene)), (Some(dec!(100)), dec!(100)));
}

#[test]
fn fees_come_a_day_late() {
    let day = Timeframe::D1.millis();
    let mut scene = Scene::with(settings(dec!(1000), dec!(25), FeeCurrency::Received), &[[100.0; 4]; 3]);
    scene.arm(FaultRule::next(OrderFault::LateFees { days: 1 }));
    scene.close(1).market("buy", Side::Buy, dec!(1));
    let posted = |scene: &mut Scene, days: i64| {
        scene.exchange.execute(Command::Advance { to: Moment::at_close(days * day) }).unwrap();
        scene.exchange.activities().len() - 1
    };
    assert_eq!((posted(&mut scene, 1), posted(&mut scene, 2)), (0, 1));
}

#[test]
fn an_order_is_rejected_after_it_was_taken() {
    let mut scene = Scene::new(&[[100.0; 4]; 3]);
    scene.arm(FaultRule::next(OrderFault::RejectOrder).after(1));
    scene.close(1).market("fine", Side::Buy, dec!(1)).market("rejected", Side::Buy, dec!(1)).open(1);
    assert_eq!((scene.fill("fine").0, scene.fill("rejected").0), (Status::Filled, Status::Rejected));
    assert_eq!(scene.order("rejected").failed_at, Some(60_000));
    assert_eq!(scene.exchange.buying_power(), dec!(900));
    assert!(scene.exchange.faults().is_empty());
}
