//! What is kept of an instrument, by what the broker lists.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use rust_decimal::{Decimal, dec};
use sentinel_domain::broker::BrokerAsset;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::live::Asset;

fn instrument() -> Instrument {
    "test:BTC/USD".parse().unwrap()
}

fn listed(tick_size: Decimal) -> BrokerAsset {
    let rules = InstrumentRules { tick_size, ..InstrumentRules::default() };
    BrokerAsset { id: "1".to_owned(), symbol: instrument().symbol, name: "Bitcoin".to_owned(), rules }
}

#[test]
fn the_broker_has_the_last_word_but_on_what_it_does_not_publish() {
    let rules = InstrumentRules { notional_min: dec!(5), ..InstrumentRules::default() };
    let known = Asset { instrument: instrument(), rules, broker_asset_id: None };
    let asset = Asset::as_listed(&instrument(), Some(&known), Some(&listed(dec!(1)))).unwrap();
    assert_eq!((asset.rules.tick_size, asset.rules.notional_min), (dec!(1), dec!(5)));
    assert_eq!(asset.broker_asset_id.as_deref(), Some("1"));
    assert_eq!(Asset::as_listed(&instrument(), Some(&asset), Some(&listed(dec!(1)))), Some(asset));
}

#[test]
fn what_the_broker_had_and_leaves_out_takes_no_orders() {
    let known = Asset::as_listed(&instrument(), None, Some(&listed(dec!(1)))).unwrap();
    assert!(known.rules.tradable);
    assert!(!Asset::as_listed(&instrument(), Some(&known), None).unwrap().rules.tradable);
    let never_named = Asset { broker_asset_id: None, ..known };
    assert_eq!(Asset::as_listed(&instrument(), Some(&never_named), None), Some(never_named));
    assert_eq!(Asset::as_listed(&instrument(), None, None), None);
}
