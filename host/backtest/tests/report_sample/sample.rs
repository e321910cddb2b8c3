//! A result to draw: long while a short mean lies above a long one, by a plain loop, without sandbox or engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::{Decimal, dec};
use sentinel_backtest::metrics::{Benchmark, Metrics};
use sentinel_backtest::moments::Moments;
use sentinel_backtest::result::{
    Assumptions, BacktestResult, EquityCurve, OpenPosition, RejectedSignal, SeriesSummary, SignalCounts,
    StrategySummary,
};
use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::fill::FillModel;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::money::{decimal_price, to_f64};
use sentinel_domain::risk::{AccountLimits, RiskParams, Sizing};
use sentinel_domain::strategy::Label;
use sentinel_domain::timeframe::Timeframe;
use sentinel_domain::trade::{ExitReason, Trade};

const FAST: usize = 10;
const SLOW: usize = 30;
const QUANTITY: Decimal = dec!(0.1);
const FEE: Decimal = dec!(0.001);
const CASH: Decimal = dec!(100000);

/// Candles that swing around a slowly rising price, without randomness.
pub(crate) fn wavy_candles(timeframe: Timeframe, bars: i32) -> Candles {
    let price = |i: i32| {
        let i = f64::from(i);
        20_000.0 + 6.0 * i + 2_500.0 * (i / 19.0).sin() + 700.0 * (i / 3.7).sin()
    };
    let close: Vec<f64> = (0..bars).map(|i| round(price(i + 1))).collect();
    let open: Vec<f64> = (0..bars).map(|i| round(price(i))).collect();
    let beyond = |pick: fn(f64, f64) -> f64, by: f64| -> Vec<f64> {
        open.iter().zip(&close).map(|(open, close)| round(pick(*open, *close) + by)).collect()
    };
    let columns = Columns {
        // 2024-01-01T00:00:00Z
        open_time: (0..i64::from(bars)).map(|i| 1_704_067_200_000 + i * timeframe.millis()).collect(),
        high: beyond(f64::max, 60.0),
        low: beyond(f64::min, -60.0),
        volume: (0..bars).map(|i| f64::from(i % 17) + 0.5).collect(),
        open,
        close,
        ..Columns::default()
    };
    Candles::new(instrument(), timeframe, columns).unwrap()
}

fn round(price: f64) -> f64 {
    (price * 100.0).round() / 100.0
}

/// Returns what all samples are about.
pub(crate) fn instrument() -> Instrument {
    Instrument { exchange: "binance".parse().unwrap(), symbol: "BTC/USDT".parse().unwrap() }
}

/// An open position: row and price of its entry, and the fee paid.
struct Entry {
    row: usize,
    price: Decimal,
    fee: Decimal,
}

/// Trades `candles` with 0.1 coins and 10 basis points, filled at the next open.
pub(crate) fn result_on(candles: &Candles) -> BacktestResult {
    let columns = candles.columns();
    let instrument = Arc::new(candles.instrument().clone());
    let mut cash = CASH;
    let (mut entries, mut fees, mut turnover) = (0, dec!(0), dec!(0));
    let mut held: Option<Entry> = None;
    let mut trades = Vec::new();
    let (mut times, mut equity) = (Vec::new(), Vec::new());
    let mut wants_long = false;
    for row in 0..candles.len() {
        let open = decimal_price(columns.open[row]);
        if wants_long != held.is_some() {
            let fee = open * QUANTITY * FEE;
            fees += fee;
            turnover += open * QUANTITY;
            cash -= fee;
            if let Some(entry) = held.take() {
                cash += open * QUANTITY;
                trades.push(trade(candles, &instrument, &entry, row, open, fee, trades.len()));
            } else {
                cash -= open * QUANTITY;
                entries += 1;
                held = Some(Entry { row, price: open, fee });
            }
        }
        let value = held.as_ref().map_or(dec!(0), |_| decimal_price(columns.close[row]) * QUANTITY);
        times.push(candles.close_time(row));
        equity.push(to_f64(cash + value));
        wants_long = row + 1 >= SLOW && mean(columns, row, FAST) - mean(columns, row, SLOW) > 1e-5;
    }
    let last = decimal_price(columns.close[candles.len() - 1]);
    let open_positions: Vec<OpenPosition> = held
        .iter()
        .map(|entry| OpenPosition {
            strategy: 0,
            instrument: candles.instrument().clone(),
            entry_time: columns.open_time[entry.row],
            entry_fill_price: entry.price,
            quantity: QUANTITY,
            mark_price: last,
            pnl_usd: (last - entry.price) * QUANTITY - entry.fee,
        })
        .collect();
    let consumed = trades.len() as u64;
    let mut result = BacktestResult {
        strategies: vec![strategy(candles.timeframe())],
        series: vec![series(candles)],
        assumptions: Assumptions {
            fees: FeeSchedule { rate: FeeRate::Fixed { bps: dec!(10) }, currency: FeeCurrency::Quote },
            fill_model: FillModel { slippage_bps: dec!(0) },
            limits: AccountLimits::default(),
        },
        cash_initial: CASH,
        cash_final: cash,
        equity_final: cash + held.map_or(dec!(0), |_| last * QUANTITY),
        entries,
        fees_usd: fees,
        turnover_usd: turnover,
        signals: signals(entries as u64, consumed),
        trades,
        open_positions,
        rejected: rejected(candles),
        equity: EquityCurve { time: Moments::Listed(times), equity },
        metrics: Metrics::default(),
    };
    result.metrics = sentinel_backtest::metrics::of_result(&result, Benchmark::buy_and_hold([candles]).as_ref(), None);
    result
}

fn mean(columns: &Columns, row: usize, bars: usize) -> f64 {
    columns.close[row + 1 - bars..=row].iter().sum::<f64>() / bars as f64
}

fn trade(
    candles: &Candles,
    instrument: &Arc<Instrument>,
    entry: &Entry,
    row: usize,
    exit: Decimal,
    fee: Decimal,
    number: usize,
) -> Trade {
    const REASONS: [ExitReason; 6] = [
        ExitReason::Signal,
        ExitReason::Signal,
        ExitReason::Stop,
        ExitReason::Target,
        ExitReason::Trailing,
        ExitReason::Time,
    ];
    let columns = candles.columns();
    let held = entry.row..row;
    let against_entry = |price: f64| (price / to_f64(entry.price) - 1.0) * 100.0;
    let pnl = (exit - entry.price) * QUANTITY - entry.fee - fee;
    Trade {
        strategy: 0,
        instrument: Arc::clone(instrument),
        timeframe: candles.timeframe(),
        signal_time: columns.open_time[entry.row],
        confidence: 60.0,
        pattern: 0,
        entry_time: columns.open_time[entry.row],
        entry_fill_price: entry.price,
        exit_time: columns.open_time[row],
        exit_fill_price: exit,
        // A plain loop knows one reason; the others are dealt out so that the report has all to draw.
        exit_reason: REASONS[number % REASONS.len()],
        quantity: QUANTITY,
        fees_usd: entry.fee + fee,
        pnl_usd: pnl,
        pnl_pct: to_f64(pnl / (entry.price * QUANTITY + entry.fee)) * 100.0,
        slippage_pct: 0.0,
        max_favorable_excursion: against_entry(columns.high[held.clone()].iter().copied().fold(0.0, f64::max)).max(0.0),
        max_adverse_excursion: against_entry(columns.low[held].iter().copied().fold(f64::MAX, f64::min)).min(0.0),
        bars_held: u32::try_from(row - entry.row).unwrap(),
    }
}

fn strategy(timeframe: Timeframe) -> StrategySummary {
    StrategySummary {
        strategy_id: "sma-cross".into(),
        description: "Long while the short mean of closes lies above the long one.\n\
                      Works in trends; pays fees for nothing when prices go sideways."
            .into(),
        timeframe,
        version: ContentHash::of(b"version"),
        component_hash: ContentHash::of(b"component"),
        config_hash: ContentHash::of(b"config"),
        parameters: BTreeMap::from([
            ("fast".into(), "10".into()),
            ("slow".into(), "30".into()),
            ("threshold".into(), "0.00001".into()),
        ]),
        risk: RiskParams { sizing: Sizing::Quantity(QUANTITY), ..RiskParams::default() },
        patterns: vec![Label { name: "cross-up".into(), description: String::new() }],
        recorded: None,
    }
}

fn series(candles: &Candles) -> SeriesSummary {
    SeriesSummary {
        instrument: candles.instrument().clone(),
        timeframe: candles.timeframe(),
        bars: candles.len(),
        bars_missing: 0,
        gaps: "flat".into(),
        from: candles.columns().open_time[0],
        to: candles.close_time(candles.len() - 1),
        data_hash: candles.content_hash(),
    }
}

fn signals(filled: u64, consumed: u64) -> SignalCounts {
    SignalCounts {
        total: filled + consumed + 40 + 7 + 5 + 12 + 3,
        filled,
        consumed,
        no_action: 40,
        expired: 7,
        abandoned: 5,
        ordered: 0,
        rejected: BTreeMap::from([("low_confidence", 12), ("max_positions", 3)]),
    }
}

fn rejected(candles: &Candles) -> Vec<RejectedSignal> {
    let signal = |i: usize, reason, detail: &str| RejectedSignal {
        strategy: 0,
        instrument: candles.instrument().clone(),
        time: candles.close_time(i),
        price: candles.columns().close[i],
        confidence: 31.5,
        reason,
        detail: detail.into(),
    };
    (0..candles.len().min(15))
        .map(|i| match i % 5 {
            4 => signal(i, "max_positions", "1 position is open, 1 is allowed"),
            _ => signal(i, "low_confidence", "confidence 31.5 is below 40"),
        })
        .collect()
}
