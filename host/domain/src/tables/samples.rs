//! A good row of each table, for tests to spoil.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::dec;
use serde_json::json;

use super::*;
use crate::hash::ContentHash;
use crate::strategy::strategy_version;

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn hash(text: &str) -> String {
    ContentHash::of(text.as_bytes()).to_string()
}

fn version() -> String {
    strategy_version(ContentHash::of(b"component"), ContentHash::of(b"config")).to_string()
}

pub(crate) fn trade() -> FactTrade {
    FactTrade {
        trade_id: "t-1".to_owned(),
        position_id: "p-1".to_owned(),
        signal_id: "s-1".to_owned(),
        account_id: "paper".to_owned(),
        strategy_id: "sma-cross".to_owned(),
        strategy_version: version(),
        exchange: "binance".to_owned(),
        symbol: "BTC/USD".to_owned(),
        timeframe: "1d".to_owned(),
        side: "long".to_owned(),
        pattern_name: Some("golden-cross".to_owned()),
        confidence_score: 80.0,
        signal_time: at("2024-01-02T00:00:00Z"),
        entry_time: at("2024-01-02T00:00:01Z"),
        exit_time: at("2024-01-09T12:30:00Z"),
        entry_date: day("2024-01-02"),
        exit_date: day("2024-01-09"),
        quantity: dec!(0.5),
        entry_reference_price: Some(dec!(39990)),
        entry_fill_price: dec!(40000),
        exit_reference_price: None,
        exit_fill_price: dec!(42000),
        entry_notional_usd: dec!(20000),
        exit_notional_usd: dec!(21000),
        entry_cost_usd: dec!(20050),
        estimated_fee_usd: dec!(102.5),
        actual_fee_usd: None,
        fee_finalized: false,
        pnl_usd: dec!(897.5),
        pnl_pct: 897.5 / 20050.0 * 100.0,
        slippage_pct: Some(0.025),
        max_favorable_excursion: 6.0,
        max_adverse_excursion: -1.5,
        exit_reason: "target".to_owned(),
        bars_held: 7,
        stop_loss: Some(dec!(38000)),
        take_profit: Some(dec!(42000)),
        entry_client_order_id: "o-1".to_owned(),
        exit_client_order_id: Some("o-2".to_owned()),
        timestamp: at("2024-01-09T12:30:00Z"),
        ds: day("2024-01-09"),
    }
}

pub(crate) fn rejected() -> FactRejectedSignal {
    FactRejectedSignal {
        signal_id: "s-2".to_owned(),
        account_id: "paper".to_owned(),
        strategy_id: "sma-cross".to_owned(),
        strategy_version: version(),
        exchange: "binance".to_owned(),
        symbol: "BTC/USD".to_owned(),
        timeframe: "1h".to_owned(),
        signal_type: "BUY".to_owned(),
        pattern_name: None,
        confidence_score: 40.0,
        price: dec!(40000),
        signal_time: at("2024-01-02T05:00:00Z"),
        rejected_at: at("2024-01-02T05:00:02Z"),
        rejection_reason: "low_confidence".to_owned(),
        rejection_detail: "confidence 40 is below 50".to_owned(),
        validity_window_days: 7,
        theoretical_quantity: Some(dec!(0.1)),
        theoretical_entry_time: Some(at("2024-01-02T05:00:00Z")),
        theoretical_entry_price: Some(dec!(40000)),
        theoretical_exit_time: Some(at("2024-01-09T05:00:00Z")),
        theoretical_exit_price: Some(dec!(41000)),
        theoretical_exit_reason: Some("open".to_owned()),
        theoretical_is_open: true,
        theoretical_fee_usd: Some(dec!(10)),
        theoretical_pnl: Some(dec!(90)),
        theoretical_pnl_pct: Some(2.25),
        theoretical_undefined_reason: None,
        entry_date: Some(day("2024-01-02")),
        exit_date: Some(day("2024-01-09")),
        timestamp: at("2024-01-02T05:00:00Z"),
        ds: day("2024-01-02"),
    }
}

pub(crate) fn expired() -> FactSignalExpired {
    FactSignalExpired {
        signal_id: "s-3".to_owned(),
        account_id: "paper".to_owned(),
        strategy_id: "sma-cross".to_owned(),
        strategy_version: version(),
        exchange: "binance".to_owned(),
        symbol: "BTC/USD".to_owned(),
        timeframe: "1h".to_owned(),
        signal_type: "STRONG_BUY".to_owned(),
        pattern_name: None,
        confidence_score: 90.0,
        price: dec!(40000),
        signal_time: at("2024-01-02T05:00:00Z"),
        expiration_at: at("2024-01-02T06:00:00Z"),
        expired_at: at("2024-01-02T06:00:30Z"),
        status_before: "NEW".to_owned(),
        max_mfe: Some(2.5),
        max_mfe_price: Some(dec!(41000)),
        max_mfe_at: Some(at("2024-01-02T22:00:00Z")),
        mfe_until: Some(at("2024-01-03T06:00:00Z")),
        mfe_undefined_reason: None,
        entry_date: day("2024-01-02"),
        exit_date: day("2024-01-02"),
        timestamp: at("2024-01-02T05:00:00Z"),
        ds: day("2024-01-02"),
    }
}

pub(crate) fn snapshot() -> AccountSnapshot {
    AccountSnapshot {
        account_id: "paper".to_owned(),
        currency: "USD".to_owned(),
        status: "ACTIVE".to_owned(),
        equity: dec!(9000),
        last_equity: Some(dec!(9100)),
        cash: dec!(4500),
        buying_power: dec!(4500),
        initial_margin: dec!(0),
        maintenance_margin: dec!(0),
        exposure_usd: dec!(4500),
        exposure_pct: Some(50.0),
        delta_usd: dec!(4500),
        gamma_usd: dec!(0),
        theta_usd: dec!(0),
        vega_usd: dec!(0),
        open_positions: 1,
        unrealized_pnl_usd: dec!(-20),
        realized_pnl_usd: dec!(-80),
        accrued_fees_usd: dec!(1.25),
        daily_return: Some(-0.010989),
        equity_peak: dec!(10000),
        drawdown_pct: -10.0,
        max_drawdown_pct: -12.0,
        calmar_ratio: None,
        calmar_undefined_reason: Some("there are fewer than two daily returns".to_owned()),
        timestamp: at("2024-01-03T00:00:00Z"),
        ds: day("2024-01-02"),
    }
}

pub(crate) fn performance() -> StrategyPerformance {
    StrategyPerformance {
        account_id: "paper".to_owned(),
        strategy_id: "sma-cross".to_owned(),
        strategy_version: version(),
        from_date: day("2024-01-01"),
        trade_count: 4,
        win_count: 3,
        pnl_usd: dec!(310.5),
        fees_usd: dec!(12),
        capital_usd: dec!(10000),
        win_rate: Some(75.0),
        sharpe_ratio: Some(1.2),
        sortino_ratio: Some(1.9),
        profit_factor: Some(3.1),
        max_drawdown_pct: Some(-4.0),
        alpha: Some(0.11),
        beta: Some(0.4),
        expectancy_usd: Some(dec!(77.625)),
        slippage_pct: Some(0.02),
        signal_count: 12,
        rejected_count: 5,
        expired_count: 1,
        undefined_reasons: json!({}),
        timestamp: at("2024-02-01T00:00:00Z"),
        ds: day("2024-01-31"),
    }
}

pub(crate) fn strategy() -> DimStrategy {
    DimStrategy {
        strategy_id: "sma-cross".to_owned(),
        version: version(),
        component_hash: hash("component"),
        config_hash: hash("config"),
        git_hash: None,
        active: true,
        timeframe: "1d".to_owned(),
        assets: vec!["binance:BTC/USD".to_owned()],
        risk_params: json!({"sizing": {"notional": "100"}}),
        parameters: json!({"fast": 10, "slow": 30}),
        limits: json!({"class": "compiled"}),
        priority: 0,
        description: "Buys when the fast average crosses the slow one.".to_owned(),
        wit_version: "0.1.0".to_owned(),
        valid_from: at("2024-01-01T00:00:00Z"),
        valid_to: None,
        is_current: true,
        timestamp: at("2024-01-01T00:00:00Z"),
        ds: day("2024-01-01"),
    }
}

pub(crate) fn asset() -> DimAsset {
    DimAsset {
        exchange: "binance".to_owned(),
        symbol: "BTC/USD".to_owned(),
        base: "BTC".to_owned(),
        quote: "USD".to_owned(),
        asset_class: "crypto".to_owned(),
        broker_asset_id: None,
        tick_size: dec!(0.01),
        step_size: dec!(0.000000001),
        quantity_min: dec!(0.000000001),
        notional_min: dec!(1),
        tradable: true,
        valid_from: at("2024-01-01T00:00:00Z"),
        valid_to: Some(at("2024-06-01T00:00:00Z")),
        is_current: false,
        timestamp: at("2024-01-01T00:00:00Z"),
        ds: day("2024-01-01"),
    }
}

pub(crate) fn candle() -> CandleRow {
    CandleRow {
        exchange: "binance".to_owned(),
        symbol: "BTC/USD".to_owned(),
        interval: "1h".to_owned(),
        open_time: at("2024-01-01T23:00:00Z"),
        close_time: at("2024-01-02T00:00:00Z"),
        revision: 0,
        open: 40_000.0,
        high: 40_500.0,
        low: 39_900.0,
        close: 40_100.5,
        volume: 12.5,
        vwap: Some(40_050.25),
        trade_count: Some(912),
        volume_delta: Some(-0.5),
        imbalance: Some(0.1),
        is_filler: false,
        time_received: at("2024-01-02T00:00:01Z"),
        timestamp: at("2024-01-01T23:00:00Z"),
        ds: day("2024-01-01"),
    }
}

pub(crate) fn signal() -> SignalRow {
    SignalRow {
        signal_id: "s-1".to_owned(),
        id: "s-1".to_owned(),
        account_id: None,
        is_backtest: true,
        backtest_id: Some("run-1".to_owned()),
        strategy_id: "sma-cross".to_owned(),
        strategy_name: "sma-cross".to_owned(),
        strategy_version: version(),
        exchange: "binance".to_owned(),
        symbol: "BTC/USD".to_owned(),
        timeframe: "1d".to_owned(),
        signal_type: "BUY".to_owned(),
        pattern_name: Some("golden-cross".to_owned()),
        confidence_score: 80.0,
        confidence_level: "HIGH".to_owned(),
        reasons: vec!["fast-above-slow".to_owned(), "rising-volume".to_owned()],
        warnings: Vec::new(),
        price: dec!(39990),
        volume: Some(1_200.5),
        volume_delta: Some(-3.0),
        cvd: Some(14.0),
        orderbook_imbalance: Some(-0.2),
        stop_loss: Some(dec!(38000)),
        take_profit: Some(dec!(42000)),
        expiration_at: Some(at("2024-01-03T00:00:00Z")),
        status: "FILLED".to_owned(),
        rejection_reason: None,
        timestamp: at("2024-01-02T00:00:00Z"),
        ds: day("2024-01-02"),
    }
}

pub(crate) fn position() -> PositionRow {
    PositionRow {
        position_id: "p-1".to_owned(),
        signal_id: "s-1".to_owned(),
        account_id: Some("paper".to_owned()),
        is_backtest: false,
        backtest_id: None,
        strategy_id: "sma-cross".to_owned(),
        strategy_name: "sma-cross".to_owned(),
        strategy_version: version(),
        exchange: "binance".to_owned(),
        symbol: "BTC/USD".to_owned(),
        timeframe: "1d".to_owned(),
        side: "long".to_owned(),
        status: "stopped".to_owned(),
        signal_time: at("2024-01-02T00:00:00Z"),
        entry_timestamp: Some(at("2024-01-02T00:00:01Z")),
        entry_fill_price: Some(dec!(40000)),
        exit_timestamp: Some(at("2024-01-05T03:00:00Z")),
        exit_fill_price: Some(dec!(38000)),
        exit_reason: Some("stop".to_owned()),
        quantity: dec!(0.5),
        stop_loss: Some(dec!(38000)),
        current_stop: Some(dec!(38000)),
        take_profit: None,
        fee_usd: dec!(97.5),
        pnl: Some(dec!(-1097.5)),
        pnl_pct: Some(-5.4738),
        entry_date: Some(day("2024-01-02")),
        exit_date: Some(day("2024-01-05")),
        timestamp: at("2024-01-02T00:00:00Z"),
        ds: day("2024-01-02"),
    }
}

pub(crate) fn decision() -> DecisionRow {
    DecisionRow {
        decision_id: "d-1".to_owned(),
        namespace: "prod/paper".to_owned(),
        strategy_id: "sma-cross".to_owned(),
        strategy_version: version(),
        component_hash: hash("component"),
        config_hash: hash("config"),
        exchange: "binance".to_owned(),
        symbol: "BTC/USD".to_owned(),
        timeframe: "1d".to_owned(),
        close_time: at("2024-01-02T00:00:00Z"),
        session_start: at("2024-01-01T00:00:00Z"),
        warm_up_bars: 30,
        session_bars: 1,
        candle_revision: 0,
        input_hash: hash("input"),
        engine_version: "wasmtime 48".to_owned(),
        fuel: Some(12_345),
        output_hash: Some(hash("output")),
        outcome: "signal".to_owned(),
        signal_id: Some("s-1".to_owned()),
        signal_type: Some("BUY".to_owned()),
        confidence_score: Some(80.0),
        output: json!({"pattern": 0}),
        error: None,
        decided_at: at("2024-01-02T00:00:01Z"),
        timestamp: at("2024-01-02T00:00:00Z"),
        ds: day("2024-01-02"),
    }
}

pub(crate) fn run() -> BacktestRun {
    BacktestRun {
        backtest_id: "run-1".to_owned(),
        strategy_name: "sma-cross".to_owned(),
        strategy_id: "sma-cross".to_owned(),
        strategy_version: version(),
        strategy_config: json!([{"strategy_id": "sma-cross"}]),
        exchange: "binance".to_owned(),
        symbol: "BTC/USD".to_owned(),
        timeframe: "1d".to_owned(),
        series: json!([]),
        assumptions: json!({}),
        start_time: at("2023-01-01T00:00:00Z"),
        end_time: at("2024-01-01T00:00:00Z"),
        start_date: day("2023-01-01"),
        end_date: day("2024-01-01"),
        status: "completed".to_owned(),
        error: None,
        bars: 365,
        initial_cash: dec!(10000),
        final_equity: dec!(11500),
        total_pnl: dec!(1500),
        total_return_pct: 15.0,
        fees_usd: dec!(100),
        turnover_usd: dec!(50000),
        trade_count: 10,
        win_rate: Some(60.0),
        sharpe_ratio: Some(1.0),
        sortino_ratio: None,
        calmar_ratio: None,
        max_drawdown: Some(-8.0),
        profit_factor: Some(1.8),
        alpha: None,
        beta: None,
        metrics: json!({}),
        lookahead_verified: true,
        sentinel_version: "0.1.0".to_owned(),
        timestamp: at("2024-01-01T00:00:00Z"),
        ds: day("2024-01-01"),
    }
}

pub(crate) fn equity() -> BacktestEquityPoint {
    BacktestEquityPoint {
        backtest_id: "run-1".to_owned(),
        timestamp: at("2024-01-02T00:00:00Z"),
        equity: dec!(10100),
        drawdown: -0.5,
        ds: day("2024-01-01"),
    }
}
