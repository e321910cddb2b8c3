use chrono::{Duration, NaiveDate};
use proptest::prelude::*;
use rust_decimal::{Decimal, dec};
use serde_json::json;

use super::*;
use crate::tables::{
    AccountSnapshot, BacktestRun, CandleRow, DecisionRow, DimAsset, DimStrategy, FactRejectedSignal, FactSignalExpired,
    FactTrade, PositionRow, Row, Rule, SignalRow, StrategyPerformance, TableSchema, samples,
};

/// Spoils a good row and expects exactly these columns to be named.
fn check<T: Table>(good: &T, spoil: impl Fn(&mut T), columns: &[&str]) {
    assert_eq!(Guardian::check(good), Ok(()), "the row is not good to begin with");
    let mut row = good.clone();
    spoil(&mut row);
    let violations = Guardian::check(&row).expect_err("the spoiled row passed");
    let named: std::collections::BTreeSet<_> = violations.iter().map(|violation| violation.column.as_str()).collect();
    assert_eq!(named, columns.iter().copied().collect(), "{violations:?}");
}

fn trade_with(spoil: impl Fn(&mut FactTrade), columns: &[&str]) {
    check(&samples::trade(), spoil, columns);
}

#[test]
fn profit_is_recomputed_from_its_parts() {
    trade_with(|row| row.pnl_usd += dec!(0.01), &["pnl_usd", "pnl_pct"]);
    trade_with(|row| row.pnl_pct += 0.01, &["pnl_pct"]);
    trade_with(|row| row.estimated_fee_usd += dec!(0.000000001), &["pnl_usd"]);
    trade_with(|row| row.quantity = dec!(0.6), &["entry_notional_usd", "exit_notional_usd"]);
    trade_with(|row| row.exit_fill_price = dec!(42001), &["exit_notional_usd"]);
    trade_with(|row| row.entry_cost_usd = dec!(19999), &["entry_cost_usd", "pnl_pct"]);
}

#[test]
fn actual_fees_count_once_they_are_final() {
    let mut row = samples::trade();
    row.actual_fee_usd = Some(dec!(100));
    assert_eq!(Guardian::check(&row), Ok(()));
    row.fee_finalized = true;
    assert!(Guardian::check(&row).is_err());
    row.pnl_usd = dec!(900);
    row.pnl_pct = 900.0 / 20050.0 * 100.0;
    assert_eq!(Guardian::check(&row), Ok(()));
    row.actual_fee_usd = None;
    assert!(Guardian::check(&row).unwrap_err().iter().any(|violation| violation.column == "actual_fee_usd"));
}

#[test]
fn times_stand_in_order_and_dates_follow_them() {
    trade_with(|row| row.signal_time += Duration::days(1), &["entry_time"]);
    trade_with(|row| row.ds = samples::day("2024-01-10"), &["ds"]);
    trade_with(|row| row.timestamp = row.entry_time, &["timestamp"]);
    trade_with(|row| row.entry_date = samples::day("2024-01-03"), &["entry_date"]);
}

#[test]
fn every_reason_is_named_at_once() {
    let spoil = |row: &mut FactTrade| {
        row.symbol = "bitcoin".to_owned();
        row.confidence_score = 101.0;
        row.max_adverse_excursion = 1.0;
        row.strategy_version = "7".to_owned();
    };
    trade_with(spoil, &["symbol", "confidence_score", "max_adverse_excursion", "strategy_version"]);
}

#[test]
fn violation_reads_as_a_sentence() {
    let mut row = samples::trade();
    row.exit_reason = "boredom".to_owned();
    let violation = &Guardian::check(&row).unwrap_err()[0];
    let sentence = "exit_reason is boredom, allowed is one of stop, target, trailing, time, signal, manual";
    assert_eq!(violation.to_string(), sentence);
}

#[test]
fn numbers_that_no_warehouse_keeps_are_named() {
    trade_with(|row| row.max_favorable_excursion = f64::NAN, &["max_favorable_excursion"]);
    trade_with(|row| row.slippage_pct = Some(f64::INFINITY), &["slippage_pct"]);
    trade_with(|row| row.stop_loss = Some(dec!(0.0000000001)), &["stop_loss"]);
    trade_with(|row| row.take_profit = Some(Decimal::MAX), &["take_profit"]);
}

#[test]
fn rejected_signal_has_a_trade_or_a_reason() {
    let row = samples::rejected();
    check(&row, |row| row.theoretical_pnl = Some(dec!(95)), &["theoretical_pnl"]);
    check(&row, |row| row.theoretical_exit_price = None, &["theoretical_exit_price"]);
    check(&row, |row| row.theoretical_is_open = false, &["theoretical_is_open"]);
    check(&row, |row| row.theoretical_undefined_reason = Some("x".to_owned()), &["theoretical_undefined_reason"]);
    check(&row, |row| row.rejected_at -= Duration::hours(1), &["rejected_at"]);
}

#[test]
fn expired_signal_has_an_excursion_or_a_reason() {
    let row = samples::expired();
    check(&row, |row| row.max_mfe = Some(2.6), &["max_mfe"]);
    check(&row, |row| row.max_mfe = None, &["mfe_undefined_reason"]);
    check(&row, |row| row.expired_at -= Duration::hours(1), &["expired_at"]);
}

#[test]
fn snapshot_adds_up() {
    let row = samples::snapshot();
    check(&row, |row| row.cash += dec!(1), &["equity"]);
    check(&row, |row| row.exposure_pct = Some(51.0), &["exposure_pct"]);
    check(&row, |row| row.drawdown_pct = -9.0, &["drawdown_pct"]);
    check(&row, |row| row.max_drawdown_pct = -1.0, &["max_drawdown_pct"]);
    check(&row, |row| row.equity_peak = dec!(8000), &["equity_peak", "drawdown_pct"]);
    check(&row, |row| row.calmar_undefined_reason = None, &["calmar_undefined_reason"]);
    check(&row, |row| row.ds = samples::day("2024-01-03"), &["ds"]);
}

#[test]
fn performance_explains_what_it_lacks() {
    let row = samples::performance();
    check(&row, |row| row.win_count = 5, &["win_count", "win_rate"]);
    check(&row, |row| row.alpha = None, &["alpha"]);
    let explained = StrategyPerformance { alpha: None, undefined_reasons: json!({"alpha": "no benchmark"}), ..row };
    assert_eq!(Guardian::check(&explained), Ok(()));
}

#[test]
fn dimensions_are_open_or_closed() {
    check(&samples::strategy(), |row| row.is_current = false, &["is_current"]);
    check(&samples::strategy(), |row| row.component_hash = row.config_hash.clone(), &["version"]);
    check(&samples::strategy(), |row| row.assets.clear(), &["assets"]);
    check(&samples::asset(), |row| row.valid_to = None, &["is_current"]);
    check(&samples::asset(), |row| row.base = "ETH".to_owned(), &["symbol"]);
}

#[test]
fn candle_has_the_shape_of_one() {
    let row = samples::candle();
    check(&row, |row| row.high = 40_050.0, &["high"]);
    check(&row, |row| row.low = 40_050.0, &["low"]);
    check(&row, |row| row.close_time += Duration::minutes(1), &["close_time", "time_received"]);
    check(&row, |row| row.interval = "4h".to_owned(), &["open_time", "close_time"]);
}

#[test]
fn signal_is_of_an_account_or_of_a_backtest() {
    let row = samples::signal();
    check(&row, |row| row.confidence_level = "LOW".to_owned(), &["confidence_level"]);
    check(&row, |row| row.is_backtest = false, &["backtest_id", "account_id"]);
    check(&row, |row| row.status = "REJECTED".to_owned(), &["rejection_reason"]);
    check(&row, |row| row.id = "s-2".to_owned(), &["id"]);
}

#[test]
fn position_status_says_what_happened() {
    let row = samples::position();
    check(&row, |row| row.status = "closed".to_owned(), &["status"]);
    check(&row, |row| row.exit_fill_price = None, &["exit_fill_price"]);
    check(&row, |row| row.pnl = Some(dec!(1)), &["pnl"]);
    check(&row, |row| row.account_id = None, &["account_id"]);
}

#[test]
fn decision_outcome_agrees_with_what_came_out() {
    let row = samples::decision();
    check(&row, |row| row.signal_id = None, &["signal_id"]);
    check(&row, |row| row.outcome = "silent".to_owned(), &["signal_id", "signal_type", "confidence_score"]);
    check(&row, |row| row.output_hash = None, &["output_hash"]);
    check(&row, |row| row.error = Some("trap".to_owned()), &["error"]);
}

#[test]
fn backtest_run_adds_up() {
    let row = samples::run();
    check(&row, |row| row.total_pnl = dec!(1501), &["total_pnl", "total_return_pct"]);
    check(&row, |row| row.status = "failed".to_owned(), &["error"]);
    check(&row, |row| row.start_time += Duration::days(700), &["end_time", "start_date"]);
}

#[test]
fn row_from_json_is_admitted_or_every_bad_field_named() {
    let good = samples::trade();
    let mut json = serde_json::to_value(&good).unwrap();
    assert_eq!(Guardian::admit::<FactTrade>(&json), Ok(good));

    json["quantity"] = json!("half");
    json["entry_time"] = json!("yesterday");
    json["surprise"] = json!(1);
    json.as_object_mut().unwrap().remove("symbol");
    let violations = Guardian::admit::<FactTrade>(&json).unwrap_err();
    let columns: Vec<_> = violations.iter().map(|violation| violation.column.as_str()).collect();
    assert_eq!(columns, ["symbol", "entry_time", "quantity", "surprise"]);
    assert_eq!(violations[0].found, "null");

    let violations = Guardian::admit::<FactTrade>(&json!([1])).unwrap_err();
    assert_eq!((violations[0].column.as_str(), violations[0].allowed.as_str()), ("row", "a JSON object"));
}

/// Returns a value that breaks the rule, or `None` where the rule is one that others cover.
fn breaking(rule: Rule, cell: &Cell) -> Option<Cell> {
    let number = |bound: i32| match cell {
        Cell::Integer(_) => Some(Cell::Integer(bound.into())),
        Cell::Decimal(_) => Some(Cell::Decimal(bound.into())),
        Cell::Real(_) => Some(Cell::Real(bound.into())),
        _ => None,
    };
    match rule {
        Rule::Above(bound) => number(bound),
        Rule::AtLeast(bound) => number(bound - 1),
        Rule::AtMost(bound) => number(bound + 1),
        Rule::OneOf(_) => Some(Cell::Text("nobody knows it".to_owned())),
        Rule::NotEmpty => Some(Cell::Text(" ".to_owned())),
        Rule::Hash => Some(Cell::Text("F".repeat(64))),
        Rule::Symbol => Some(Cell::Text("btc/usd".to_owned())),
        Rule::NotBefore(_) | Rule::SameAs(_) => match cell {
            Cell::Timestamp(time) => Some(Cell::Timestamp(*time - Duration::days(4_000))),
            Cell::Text(text) => Some(Cell::Text(format!("{text}!"))),
            _ => None,
        },
        Rule::DateOf(_) | Rule::DayEndedAt(_) => Some(Cell::Date(NaiveDate::MIN)),
    }
}

fn rules_named(schema: &'static TableSchema, row: &Row) -> Vec<String> {
    let mut report = Report::default();
    rules::check(schema, row, &mut report);
    report.violations.into_iter().map(|violation| violation.column).collect()
}

/// Every cell of every table, each rule of its column.
fn every_single_corruption() -> Vec<(&'static TableSchema, Row, usize, Cell)> {
    fn of<T: Table>(row: &T) -> Vec<(&'static TableSchema, Row, usize, Cell)> {
        let (schema, cells) = (T::schema(), row.cells());
        let mut corruptions = Vec::new();
        for (place, column) in schema.columns.iter().enumerate() {
            let broken = column.rules.iter().filter_map(|rule| breaking(*rule, &cells[place]));
            let absent = (!column.nullable).then_some(Cell::Null);
            corruptions.extend(broken.chain(absent).map(|cell| (schema, cells.clone(), place, cell)));
        }
        corruptions
    }
    let mut all = of::<FactTrade>(&samples::trade());
    all.extend(of::<FactRejectedSignal>(&samples::rejected()));
    all.extend(of::<FactSignalExpired>(&samples::expired()));
    all.extend(of::<AccountSnapshot>(&samples::snapshot()));
    all.extend(of::<StrategyPerformance>(&samples::performance()));
    all.extend(of::<DimStrategy>(&samples::strategy()));
    all.extend(of::<DimAsset>(&samples::asset()));
    all.extend(of::<CandleRow>(&samples::candle()));
    all.extend(of::<SignalRow>(&samples::signal()));
    all.extend(of::<PositionRow>(&samples::position()));
    all.extend(of::<DecisionRow>(&samples::decision()));
    all.extend(of::<BacktestRun>(&samples::run()));
    all
}

#[test]
fn each_single_corruption_is_named() {
    let corruptions = every_single_corruption();
    assert!(corruptions.len() > 400, "{}", corruptions.len());
    for (schema, good, place, cell) in corruptions {
        assert_eq!(rules_named(schema, &good), Vec::<String>::new(), "{}", schema.name);
        let mut row = good;
        row[place] = cell;
        let column = schema.columns[place].name;
        assert!(
            rules_named(schema, &row).iter().any(|named| named == column),
            "{}.{column} {}",
            schema.name,
            row[place]
        );
    }
}

prop_compose! {
    fn any_trade()(
        quantity in 1_i64..1_000_000_000_000,
        entry in 1_i64..10_000_000,
        exit in 1_i64..10_000_000,
        fee in 0_i64..1_000_000,
        held in 0_i64..1_000_000,
    ) -> FactTrade {
        let mut row = samples::trade();
        row.quantity = Decimal::new(quantity, 7);
        (row.entry_fill_price, row.exit_fill_price) = (Decimal::new(entry, 2), Decimal::new(exit, 2));
        row.entry_notional_usd = row.quantity * row.entry_fill_price;
        row.exit_notional_usd = row.quantity * row.exit_fill_price;
        row.entry_cost_usd = row.entry_notional_usd;
        row.estimated_fee_usd = Decimal::new(fee, 4);
        row.pnl_usd = row.exit_notional_usd - row.entry_notional_usd - row.estimated_fee_usd;
        row.pnl_pct = to_f64(row.pnl_usd) / to_f64(row.entry_cost_usd) * 100.0;
        row.exit_time = row.entry_time + Duration::minutes(held);
        row.timestamp = row.exit_time;
        row.ds = row.exit_time.date_naive();
        row.exit_date = row.ds;
        row
    }
}

proptest! {
    #[test]
    fn consistent_trade_passes(row in any_trade()) {
        prop_assert_eq!(Guardian::check(&row), Ok(()));
    }

    #[test]
    fn wrong_profit_is_always_named(row in any_trade(), off in prop_oneof![-1_000_i64..0, 1_i64..1_000]) {
        let mut row = row;
        row.pnl_usd += Decimal::new(off, 9);
        let violations = Guardian::check(&row).expect_err("passed");
        prop_assert!(violations.iter().any(|violation| violation.column == "pnl_usd"));
    }
}
