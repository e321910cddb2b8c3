//! Asking in SQL that every warehouse understands.

use chrono::{TimeDelta, Utc};
use rust_decimal::{Decimal, dec};
use sentinel_domain::guardian::Guardian;
use sentinel_domain::tables::{self, CandleRow, Cell, FactTrade, Reference};
use sentinel_domain::warehouse::{TableId, ViewId, Warehouse, WarehouseError, WarehouseExt};

use super::keys::candle;
use super::{count, made, probe};

/// Parameters of every plain kind find their rows, and columns have the names that were given.
pub async fn a_query_has_names_and_parameters(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let rows: Vec<_> = (0..10).map(probe).collect();
    warehouse.merge_rows(&table, &rows).await.unwrap();
    let sql = format!(
        "SELECT probe_id AS name, whole, money, is_settled, day, seen_at, real FROM {table} \
         WHERE probe_id >= ? AND whole < ? AND money > ? AND is_settled = ? AND ds = ? AND seen_at <= ? AND real < ? \
         ORDER BY probe_id"
    );
    let parameters = [
        Cell::Text("probe-000004".to_owned()),
        Cell::Integer(2),
        Cell::Decimal(dec!(3.5)),
        Cell::Boolean(false),
        Cell::Date(rows[0].ds),
        Cell::Timestamp(rows[9].seen_at.unwrap()),
        Cell::Real(1e6),
    ];
    let answer = warehouse.query(&sql, &parameters).await.unwrap();
    assert_eq!(answer.columns, ["name", "whole", "money", "is_settled", "day", "seen_at", "real"]);
    let names: Vec<_> = answer.rows.iter().map(|row| row[0].to_string()).collect();
    assert_eq!(names, ["probe-000004", "probe-000005", "probe-000006"]);
    assert_eq!(answer.rows[0][2], Cell::Decimal(dec!(3.876543211)));
    assert_eq!(answer.to_json()[0]["money"], "3.876543211");
}

/// An answer without rows still says which columns it would have.
pub async fn an_answer_without_rows_has_its_columns(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    let answer = warehouse.query(&format!("SELECT probe_id, whole FROM {table}"), &[]).await.unwrap();
    assert_eq!((answer.columns, answer.rows), (vec!["probe_id".to_owned(), "whole".to_owned()], Vec::new()));
}

/// Asking changes nothing, whatever is asked.
pub async fn a_query_writes_nothing(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    warehouse.merge_rows(&table, &[probe(1)]).await.unwrap();
    for sql in
        [format!("DELETE FROM {table} WHERE TRUE"), format!("DROP TABLE {table}"), "CREATE TABLE x (y DATE)".to_owned()]
    {
        let error = warehouse.query(&sql, &[]).await.unwrap_err();
        assert!(matches!(error, WarehouseError::Query { .. }), "{error}");
    }
    assert_eq!(count(warehouse, &table).await, 1);
}

/// What is wrong with the SQL is told, and asking again does not help.
pub async fn wrong_sql_is_told(warehouse: &impl Warehouse) {
    let table = made(warehouse).await;
    for (sql, told) in [("SELEC 1".to_owned(), "SELEC"), (format!("SELECT colour FROM {table}"), "colour")] {
        let error = warehouse.query(&sql, &[]).await.unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        assert!(!error.is_retryable());
    }
}

/// `interval` is a word of SQL and the requirements' name of a column.
pub async fn a_column_named_like_a_word_of_sql_is_read(warehouse: &impl Warehouse) {
    let table = TableId::of::<CandleRow>("candles_test");
    warehouse.ensure(&table).await.unwrap();
    warehouse.merge_rows(&table, &[candle()]).await.unwrap();
    let condition = "t.exchange = ? AND t.interval = ?";
    let parameters = ["binance", "1h"].map(|text| Cell::Text(text.to_owned()));
    assert_eq!(warehouse.select::<CandleRow>(&table, condition, &parameters).await.unwrap(), [candle()]);
}

/// A reference to a row that does not exist is found, an empty one is none.
pub async fn rows_that_name_what_is_not_there_are_found(warehouse: &impl Warehouse) {
    let from = made(warehouse).await;
    let to = TableId { physical_name: "target_test".to_owned(), ..from.clone() };
    warehouse.ensure(&to).await.unwrap();
    let referring = |n: i64, note: Option<&str>| super::Probe { note: note.map(str::to_owned), ..probe(n) };
    let rows = [referring(1, Some("probe-000001")), referring(2, Some("gone")), referring(3, None)];
    warehouse.merge_rows(&from, &rows).await.unwrap();
    warehouse.merge_rows(&to, &[probe(1)]).await.unwrap();
    let reference = Reference { columns: &["note"], table: "probe", to: &["probe_id"] };
    let day = probe(1).ds;
    let orphans = warehouse.orphans(&from, &reference, &to, day, day).await.unwrap();
    assert_eq!(orphans, [[Cell::Text("gone".to_owned())]]);
    let later = day.succ_opt().unwrap();
    assert!(warehouse.orphans(&from, &reference, &to, later, later).await.unwrap().is_empty());
}

/// The view for dashboards counts, sums and keeps a running total.
pub async fn the_daily_view_adds_up_trades(warehouse: &impl Warehouse) {
    let named = |table: &str| format!("{table}_test");
    let table = TableId::of::<FactTrade>(named("fact_trades"));
    warehouse.ensure(&table).await.unwrap();
    let view = ViewId::new(&tables::AGG_STRATEGY_DAILY, named);
    warehouse.ensure_view(&view).await.unwrap();
    let trades = [trade(1, 0, dec!(110)), trade(2, 0, dec!(90)), trade(3, 1, dec!(105.5))];
    for trade in &trades {
        assert_eq!(Guardian::check(trade), Ok(()));
    }
    warehouse.merge_rows(&table, &trades).await.unwrap();
    let sql = "SELECT trade_count, win_count, win_rate, pnl_usd, pnl_usd_total, fee_usd, turnover_usd, fees_finalized \
               FROM agg_strategy_daily_test ORDER BY ds";
    let answer = warehouse.query(sql, &[]).await.unwrap();
    let first = [
        Cell::Integer(2),
        Cell::Integer(1),
        Cell::Real(50.0),
        Cell::Decimal(dec!(-2)),
        Cell::Decimal(dec!(-2)),
        Cell::Decimal(dec!(2)),
        Cell::Decimal(dec!(400)),
        Cell::Boolean(false),
    ];
    assert_eq!(answer.rows[0], first);
    assert_eq!(answer.rows[1][3..5], [Cell::Decimal(dec!(4.5)), Cell::Decimal(dec!(2.5))]);
}

/// Returns a trade of one coin that was bought at 100 and cost 1 in fees.
fn trade(n: i64, days: i64, exit_price: Decimal) -> FactTrade {
    let signal_time = probe(n).timestamp;
    let exit_time = signal_time + TimeDelta::days(days);
    let pnl_usd = exit_price - dec!(101);
    let pnl_pct = f64::try_from(pnl_usd).unwrap() / 100.5 * 100.0;
    let day = |time: chrono::DateTime<Utc>| time.date_naive();
    FactTrade {
        trade_id: format!("trade-{n}"),
        position_id: format!("position-{n}"),
        signal_id: format!("signal-{n}"),
        account_id: "paper".to_owned(),
        strategy_id: "sma-cross".to_owned(),
        strategy_version: "0".repeat(64),
        exchange: "binance".to_owned(),
        symbol: "BTC/USD".to_owned(),
        timeframe: "1h".to_owned(),
        side: "long".to_owned(),
        pattern_name: None,
        confidence_score: 50.0,
        signal_time,
        entry_time: signal_time,
        exit_time,
        entry_date: day(signal_time),
        exit_date: day(exit_time),
        quantity: Decimal::ONE,
        entry_reference_price: None,
        entry_fill_price: dec!(100),
        exit_reference_price: None,
        exit_fill_price: exit_price,
        entry_notional_usd: dec!(100),
        exit_notional_usd: exit_price,
        entry_cost_usd: dec!(100.5),
        estimated_fee_usd: Decimal::ONE,
        actual_fee_usd: None,
        fee_finalized: false,
        pnl_usd,
        pnl_pct,
        slippage_pct: None,
        max_favorable_excursion: 10.0,
        max_adverse_excursion: -10.0,
        exit_reason: "signal".to_owned(),
        bars_held: days * 24,
        stop_loss: None,
        take_profit: None,
        entry_client_order_id: format!("order-{n}"),
        exit_client_order_id: None,
        timestamp: exit_time,
        ds: day(exit_time),
    }
}
