//! The reference run of the backtest, traded through the exchange: the same entries, the same equity.

use std::path::PathBuf;
use std::sync::Arc;

use rust_decimal::{Decimal, dec};
use sentinel_candle_store::load_file;
use sentinel_domain::broker::{OrderKind, OrderSize, TimeInForce};
use sentinel_domain::candles::Candles;
use sentinel_domain::fees::FeeCurrency;
use sentinel_domain::fill::Side;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::timeframe::Timeframe;
use sentinel_simulated_broker::Moment;
use sentinel_simulated_broker::exchange::{Command, Exchange, NewOrder};

use crate::scene::settings;

fn real_candles(test: &str) -> Option<Candles> {
    let folder = std::env::var_os("SENTINEL_DATA").map(PathBuf::from).filter(|folder| folder.is_dir());
    let Some(folder) = folder else {
        eprintln!("SKIPPED {test}: SENTINEL_DATA names no folder of candles");
        return None;
    };
    let instrument = Instrument { exchange: "binance".parse().unwrap(), symbol: "BTC/USDT".parse().unwrap() };
    Some(load_file(&folder.join("btcusdt-1d.csv"), &instrument, Timeframe::D1).unwrap().candles)
}

/// Whether the average of 10 closes lies above that of 30, bar by bar, summed up as the native loop does.
fn is_long(close: &[f64]) -> Vec<Option<bool>> {
    let (mut fast, mut slow) = (0.0, 0.0);
    (0..close.len())
        .map(|bar| {
            fast += close[bar] - if bar >= 10 { close[bar - 10] } else { 0.0 };
            slow += close[bar] - if bar >= 30 { close[bar - 30] } else { 0.0 };
            (bar >= 29).then(|| fast / 10.0 - slow / 30.0 > 1e-5)
        })
        .collect()
}

#[test]
fn the_reference_run_comes_out_as_in_the_backtest() {
    let Some(candles) = real_candles("the_reference_run_comes_out_as_in_the_backtest") else { return };
    let candles = Arc::new(candles);
    let mut exchange = Exchange::new(settings(dec!(100_000), dec!(10), FeeCurrency::Quote));
    let load = Command::Load { rules: InstrumentRules::default(), candles: Some(Arc::clone(&candles)) };
    exchange.execute(load).unwrap();
    let symbol = candles.instrument().symbol.clone();
    let (mut entries, mut held) = (0, false);
    for (bar, wanted) in is_long(&candles.columns().close).into_iter().enumerate() {
        exchange.execute(Command::Advance { to: Moment::at_close(candles.close_time(bar)) }).unwrap();
        let is_last = bar + 1 == candles.len();
        let Some(wanted) = wanted.filter(|wanted| *wanted != held && !is_last) else { continue };
        let side = if wanted { Side::Buy } else { Side::Sell };
        entries += usize::from(wanted);
        let order = NewOrder {
            client_order_id: Some(format!("bar-{bar}").parse().unwrap()),
            symbol: symbol.clone(),
            side,
            size: OrderSize::Quantity(dec!(0.1)),
            kind: OrderKind::Market,
            time_in_force: TimeInForce::Gtc,
        };
        exchange.submit(order).unwrap();
        held = wanted;
    }
    assert_eq!(entries, 61);
    assert_eq!(exchange.equity().round_dp(6), dec!(104_236.903097));
    let last = exchange.history(Timeframe::D1, 0, i64::MAX).last().map(|window| window.equity);
    assert_eq!(last, Some(exchange.equity()));
    let filled: Decimal = exchange.orders().iter().map(|order| order.filled_quantity).sum();
    assert_eq!(filled, Decimal::from(exchange.orders().len()) * dec!(0.1));
}
