//! Laws over random markets and random orders: nothing comes from nowhere and nothing is lost.

use proptest::prelude::*;
use rust_decimal::{Decimal, dec};
use sentinel_domain::broker::{Activity, OrderKind, OrderSize, TimeInForce};
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::fill::{FillModel, Side};
use sentinel_domain::money::round_money;
use sentinel_domain::timeframe::Timeframe;
use sentinel_simulated_broker::exchange::{Command, Exchange, NewOrder};
use sentinel_simulated_broker::faults::{FaultRule, OrderFault};
use sentinel_simulated_broker::{Moment, Settings};

use crate::scene::{Scene, btc, settings};

/// One thing that a random client does.
#[derive(Debug, Clone)]
enum Action {
    Wait { minutes: i64, to_open: bool },
    Order { side: Side, size: OrderSize, kind: OrderKind, time_in_force: TimeInForce },
    CancelOldest,
    Partial { fraction: Decimal },
}

fn cents(units: i64) -> Decimal {
    Decimal::new(units, 2)
}

fn any_market() -> impl Strategy<Value = Vec<[f64; 4]>> {
    prop::collection::vec((0.9_f64..1.1, 0.9_f64..1.1, 0.0_f64..0.1, 0.0_f64..0.1), 5..60).prop_map(|moves| {
        let mut price = 100.0_f64;
        moves
            .into_iter()
            .map(|(gap, change, up, down)| {
                let cents = |value: f64| (value * 100.0).round().max(1.0) / 100.0;
                let open = cents(price * gap);
                let close = cents(open * change);
                price = close;
                [open, cents(open.max(close) * (1.0 + up)), cents(open.min(close) * (1.0 - down)), close]
            })
            .collect()
    })
}

fn any_action() -> impl Strategy<Value = Action> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let size = prop_oneof![
        (1_i64..400).prop_map(|units| OrderSize::Quantity(cents(units))),
        (100_i64..60_000).prop_map(|units| OrderSize::Notional(cents(units))),
    ];
    let kind = prop_oneof![
        3 => Just(OrderKind::Market),
        2 => (5_000_i64..16_000).prop_map(|price| OrderKind::Limit { limit_price: cents(price) }),
        2 => (5_000_i64..16_000, 0_i64..300).prop_map(|(price, offset)| OrderKind::StopLimit {
            stop_price: cents(price),
            limit_price: cents(price - offset),
        }),
    ];
    let time_in_force = prop_oneof![3 => Just(TimeInForce::Gtc), 1 => Just(TimeInForce::Ioc)];
    let order = (side, size, kind, time_in_force).prop_map(|(side, size, kind, time_in_force)| Action::Order {
        side,
        size,
        kind,
        time_in_force,
    });
    prop_oneof![
        4 => (0_i64..4, any::<bool>()).prop_map(|(minutes, to_open)| Action::Wait { minutes, to_open }),
        5 => order,
        1 => Just(Action::CancelOldest),
        1 => (5_i64..95).prop_map(|pct| Action::Partial { fraction: cents(pct) }),
    ]
}

fn any_settings() -> impl Strategy<Value = Settings> {
    (any::<bool>(), any::<bool>(), 0_i64..50).prop_map(|(received, tiers, slippage)| {
        let rate = if tiers { FeeRate::alpaca() } else { FeeRate::Fixed { bps: dec!(25) } };
        let currency = if received { FeeCurrency::Received } else { FeeCurrency::Quote };
        Settings {
            fees: FeeSchedule { rate, currency },
            fill_model: FillModel { slippage_bps: slippage.into() },
            ..settings(dec!(1000), dec!(0), currency)
        }
    })
}

/// Does what it can of the actions; what the exchange refuses changes nothing.
fn act(scene: &mut Scene, actions: &[Action]) {
    for (index, action) in actions.iter().enumerate() {
        let exchange = &mut scene.exchange;
        match action.clone() {
            Action::Wait { minutes, to_open } => {
                let time = exchange.now().time + minutes * 60_000;
                let to = if to_open { Moment::at_open(time) } else { Moment::at_close(time) };
                let _ = exchange.execute(Command::Advance { to });
            }
            Action::Order { side, size, kind, time_in_force } => {
                let client_order_id = Some(format!("order-{index}").parse().unwrap());
                let _ = exchange.submit(NewOrder { client_order_id, symbol: btc(), side, size, kind, time_in_force });
            }
            Action::CancelOldest => {
                if let Some(order) = exchange.open_orders().into_iter().next() {
                    exchange.execute(Command::Cancel { id: order.id }).unwrap();
                }
            }
            Action::Partial { fraction } => {
                let rule = FaultRule::next(OrderFault::PartialFills { fraction }).times(2);
                exchange.execute(Command::Arm { rule }).unwrap();
            }
        }
    }
}

/// Returns cash and coins as the journal alone tells them.
fn reckon(exchange: &Exchange) -> (Decimal, Decimal) {
    let mut cash = exchange.settings().cash;
    let mut coins = Decimal::ZERO;
    for activity in exchange.activities() {
        match activity {
            Activity::Fill(fill) => {
                let notional = round_money(fill.quantity * fill.price);
                match fill.side {
                    Side::Buy => (cash -= notional, coins += fill.quantity),
                    Side::Sell => (cash += notional, coins -= fill.quantity),
                };
            }
            Activity::CryptoFee(fee) => {
                cash += fee.net_amount;
                coins += fee.quantity;
            }
            Activity::Other(other) => panic!("{other:?}"),
        }
    }
    (cash, coins)
}

proptest! {
    #[test]
    fn fills_and_fees_explain_cash_and_coins(
        rows in any_market(),
        settings in any_settings(),
        actions in prop::collection::vec(any_action(), 1..60),
    ) {
        let mut scene = Scene::with(settings, &rows);
        act(&mut scene, &actions);
        let end = scene.exchange.now().time.max(Timeframe::D1.millis());
        scene.exchange.execute(Command::Advance { to: Moment::at_open(end) }).unwrap();
        let exchange = &scene.exchange;
        prop_assert_eq!(reckon(exchange), (exchange.cash(), scene.held()));
        prop_assert!(exchange.cash() >= Decimal::ZERO && exchange.buying_power() >= Decimal::ZERO);
        let account = exchange.account();
        prop_assert_eq!(account.cash + account.long_market_value, account.equity);
        let history = exchange.history(Timeframe::M1, 0, i64::MAX);
        prop_assert_eq!(history.last().unwrap().equity, account.equity);
        for order in exchange.orders() {
            if let OrderSize::Quantity(quantity) = order.request.size {
                prop_assert!(order.filled_quantity <= quantity);
            }
            let fills = || exchange.activities().iter().filter_map(|activity| match activity {
                Activity::Fill(fill) if fill.order_id == order.id => Some(fill),
                _ => None,
            });
            prop_assert_eq!(fills().map(|fill| fill.quantity).sum::<Decimal>(), order.filled_quantity);
            for (fill, limit) in fills().filter_map(|fill| Some((fill, order.request.kind.limit_price()?))) {
                match order.request.side {
                    Side::Buy => prop_assert!(fill.price <= limit),
                    Side::Sell => prop_assert!(fill.price >= limit),
                }
            }
        }
    }

    /// Looking at the clock on the way changes nothing: one long stride equals many small ones.
    #[test]
    fn strides_do_not_matter(
        rows in any_market(),
        actions in prop::collection::vec(any_action(), 1..30),
        stops in prop::collection::vec(0_i64..3_600_000, 0..20),
    ) {
        let mut scene = Scene::with(settings(dec!(1000), dec!(25), FeeCurrency::Received), &rows);
        act(&mut scene, &actions);
        let now = scene.exchange.now().time;
        let mut stepwise = scene.exchange.clone();
        let mut stops = stops;
        stops.sort_unstable();
        for stop in stops {
            let to = if stop % 2 == 0 { Moment::at_close(now + stop) } else { Moment::at_open(now + stop) };
            let _ = stepwise.execute(Command::Advance { to });
        }
        let end = Moment::at_open(now + 4_000_000);
        scene.exchange.execute(Command::Advance { to: end }).unwrap();
        stepwise.execute(Command::Advance { to: end }).unwrap();
        prop_assert_eq!(scene.exchange.orders(), stepwise.orders());
        prop_assert_eq!(scene.exchange.activities(), stepwise.activities());
        prop_assert_eq!(scene.exchange.equity_points(), stepwise.equity_points());
    }
}
