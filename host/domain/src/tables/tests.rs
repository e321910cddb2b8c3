use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::export::{bigquery_schema, catalog, dbml, sql};
use super::*;
use crate::gate::Rejection;
use crate::signal::{SignalState, SignalType};
use crate::timeframe::Timeframe;
use crate::trade::ExitReason;

/// Checks what must hold of every declaration.
#[test]
fn every_table_is_declared_whole() {
    for table in all() {
        let names: BTreeSet<_> = table.columns.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), table.columns.len(), "{}: a column comes twice", table.name);
        assert_eq!(table.matched().count(), table.key.len() + 1, "{}: key or ds is no column", table.name);
        assert!(table.description().ends_with(['.', '?']), "{}", table.name);
        for column in table.columns {
            assert!(column.description().ends_with('.'), "{}.{}", table.name, column.name);
            assert!(!(column.nullable && table.is_key(column.name)), "{}.{} is key", table.name, column.name);
            check_rules(table, column);
        }
        for reference in table.references {
            let target = named(reference.table).expect("the table is there");
            assert_eq!(reference.columns.len(), reference.to.len());
            assert!(reference.columns.iter().all(|column| table.position(column).is_some()));
            assert!(reference.to.iter().all(|column| target.position(column).is_some()));
        }
    }
}

fn check_rules(table: &TableSchema, column: &Column) {
    for rule in column.rules {
        let is_number = matches!(column.kind, Kind::Integer | Kind::Real | Kind::Decimal);
        let fits = match rule {
            Rule::Above(_) | Rule::AtLeast(_) | Rule::AtMost(_) => is_number,
            Rule::OneOf(_) | Rule::NotEmpty | Rule::Hash | Rule::Symbol => column.kind == Kind::Text,
            Rule::NotBefore(other) | Rule::SameAs(other) => table.position(other).is_some_and(|place| {
                let kind = table.columns[place].kind;
                kind == column.kind || (column.name == PARTITION && kind == Kind::Date)
            }),
            Rule::DateOf(other) | Rule::DayEndedAt(other) => {
                table.position(other).is_some() && column.kind == Kind::Date
            }
        };
        assert!(fits, "{}.{}: {rule:?}", table.name, column.name);
    }
}

#[test]
fn every_table_has_the_columns_that_all_share() {
    for table in all() {
        for name in ["timestamp", "ds"] {
            assert!(table.position(name).is_some(), "{} lacks {name}", table.name);
        }
    }
    for table in all().into_iter().filter(|table| table.name.starts_with("fact_")) {
        for name in ["exchange", "symbol", "entry_date", "exit_date", "strategy_id", "strategy_version"] {
            assert!(table.position(name).is_some(), "{} lacks {name}", table.name);
        }
    }
}

#[test]
fn lists_of_names_are_those_of_the_domain() {
    use SignalState as State;
    use SignalType as Type;
    let name = |value: serde_json::Value| value.as_str().unwrap().to_owned();
    let types = [Type::StrongBuy, Type::Buy, Type::Neutral, Type::Sell, Type::StrongSell].map(SignalType::as_str);
    assert_eq!(SIGNAL_TYPES, types);
    let states = [
        State::New,
        State::Ordered,
        State::Filled,
        State::Abandoned,
        State::Rejected,
        State::Expired,
        State::Consumed,
        State::NoAction,
    ];
    assert_eq!(SIGNAL_STATES, states.map(|state| name(serde_json::to_value(state).unwrap())));
    use ExitReason as Exit;
    let exits = [Exit::Stop, Exit::Target, Exit::Trailing, Exit::Time, Exit::Signal, Exit::Manual];
    assert_eq!(EXIT_REASONS, exits.map(ExitReason::as_str));
    assert!(TIMEFRAMES.iter().all(|text| text.parse::<Timeframe>().is_ok()));
    assert!(!Rejection::StrategyPaused.reason().is_empty());
}

/// The columns that the requirements name, table by table.
#[test]
fn required_columns_are_there_under_their_names() {
    let required = [
        ("dim_strategies", "strategy_id active timeframe assets risk_params valid_from valid_to git_hash version"),
        ("dim_assets", "exchange symbol"),
        (
            "fact_trades",
            "trade_id pnl_usd pnl_pct slippage_pct max_favorable_excursion actual_fee_usd fee_finalized ds",
        ),
        ("fact_trades", "entry_date exit_date entry_fill_price strategy_id"),
        ("fact_rejected_signals", "signal_id rejection_reason theoretical_pnl"),
        ("fact_signals_expired", "signal_id max_mfe pattern_name expiration_at"),
        ("snapshot_accounts", "account_id equity cash buying_power calmar_ratio drawdown_pct"),
        ("summary_strategy_performance", "strategy_id win_rate sharpe_ratio profit_factor alpha beta"),
        ("candles", "timestamp exchange symbol interval open high low close volume vwap trade_count"),
        ("signals", "id timestamp signal_type confidence_score confidence_level reasons warnings price cvd"),
        ("signals", "orderbook_imbalance exchange symbol signal_id status pattern_name expiration_at"),
        ("positions", "signal_id entry_timestamp exit_timestamp status pnl pnl_pct stop_loss take_profit quantity"),
        ("positions", "is_backtest backtest_id strategy_name position_id entry_fill_price current_stop"),
        (
            "backtest_runs",
            "backtest_id strategy_name status win_rate total_pnl sharpe_ratio max_drawdown profit_factor",
        ),
        ("backtest_runs", "strategy_config start_date end_date"),
        ("backtest_equity_curve", "backtest_id timestamp equity drawdown"),
    ];
    for (table, columns) in required {
        let schema = named(table).expect("the table is there");
        for column in columns.split(' ') {
            assert!(schema.position(column).is_some(), "{table} lacks {column}");
        }
    }
}

#[test]
fn cells_come_back_as_the_row_they_were() {
    fn check<T: Table>(row: &T) {
        assert_eq!(T::from_cells(row.cells()).as_ref(), Ok(row));
        let json = serde_json::to_value(row).unwrap();
        assert_eq!(serde_json::from_value::<T>(json).as_ref().ok(), Some(row));
    }
    check(&samples::trade());
    check(&samples::rejected());
    check(&samples::expired());
    check(&samples::snapshot());
    check(&samples::performance());
    check(&samples::strategy());
    check(&samples::asset());
    check(&samples::candle());
    check(&samples::signal());
    check(&samples::position());
    check(&samples::decision());
    check(&samples::run());
    check(&samples::equity());
}

#[test]
fn rows_of_a_wrong_shape_are_refused_with_the_column() {
    let mut cells = samples::equity().cells();
    cells[2] = Cell::Text("much".to_owned());
    let error = BacktestEquityPoint::from_cells(cells).unwrap_err();
    assert_eq!(error.to_string(), "backtest_equity_curve.equity: expected decimal, found text much");
    let error = BacktestEquityPoint::from_cells(Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "a row of backtest_equity_curve has 5 columns, found 0");
}

#[test]
fn bigquery_fields_have_type_mode_and_meaning() {
    let fields = bigquery_schema(SignalRow::schema());
    let field = |name: &str| fields.as_array().unwrap().iter().find(|field| field["name"] == name).unwrap().clone();
    assert_eq!((field("price")["type"].clone(), field("price")["mode"].clone()), ("NUMERIC".into(), "REQUIRED".into()));
    assert_eq!(field("reasons")["mode"], "REPEATED");
    assert_eq!(field("cvd")["mode"], "NULLABLE");
    assert_eq!(field("cvd")["type"], "FLOAT");
    let meaning = "How sure the strategy was. Unit: 0 to 100. Allowed: 0 or more; 100 or less.";
    assert_eq!(field("confidence_score")["description"], meaning);
}

#[test]
fn sql_makes_every_table_and_view() {
    let text = sql(&all(), &views());
    for table in all() {
        assert!(text.contains(&format!("CREATE TABLE IF NOT EXISTS \"{}\" (", table.name)));
    }
    assert!(text.contains("  \"pnl_usd\" DECIMAL(38,9) NOT NULL"));
    assert!(text.contains("CREATE OR REPLACE VIEW \"agg_strategy_daily\""));
    assert!(text.contains("broker''s"), "quotes in comments are doubled");
}

#[test]
fn view_reads_the_tables_of_its_environment() {
    let query = AGG_STRATEGY_DAILY.query(|name| format!("{name}_test"));
    assert!(query.contains("FROM fact_trades_test"));
    assert!(!query.contains('{'));
}

/// Compares a committed file with what is written from the declarations. `SENTINEL_RENEW=1` renews it instead.
fn check_in_step(file: &str, written: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    let renew = "renew it with `sentinel schema export --format dbml|markdown --out docs`, or run this test with SENTINEL_RENEW=1";
    if std::env::var_os("SENTINEL_RENEW").is_some() {
        write(&path, written);
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}; {renew}"));
    assert!(committed == written, "{file} is not in step with host/domain/src/tables; {renew}");
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn committed_diagram_is_in_step() {
    check_in_step("docs/current_schema.dbml", &dbml(&all(), &views()));
}

#[test]
fn committed_catalog_is_in_step() {
    check_in_step("docs/data/00_data_catalog.md", &catalog(&all(), &views()));
}
