//! What the charts draw: candles, equity and trades, thinned to what a screen can show.
//!
//! Everything goes into one JSON island of columns. Times are whole seconds since 1970-01-01 UTC.

use sentinel_domain::candles::Candles;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::money::to_f64;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::trade::ExitReason;
use serde::Serialize;

use super::words;
use crate::metrics::Benchmark;
use crate::result::{BacktestResult, EquityCurve, OpenPosition, StrategySummary};

/// Candles drawn of all series together, and of one: more cannot be told apart on a screen.
const CANDLES_MAX: usize = 20_000;
const CANDLES_PER_SERIES_MAX: usize = 5_000;

/// Buckets of an equity curve; each gives its highest and its lowest point.
const EQUITY_BUCKETS_MAX: usize = 2_000;

/// Trades listed and drawn: about 110 bytes each.
pub(super) const TRADES_MAX: usize = 25_000;

/// Rejected signals listed.
pub(super) const REJECTED_MAX: usize = 1_000;

/// Lengths that a coarser candle may have, in minutes.
const STEPS_MINUTES: [i64; 20] =
    [1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1_440, 2_880, 4_320, 10_080, 40_320];

#[derive(Debug, Serialize)]
pub(super) struct Island {
    pub(super) quote: String,
    pub(super) equity: EquityPoints,
    pub(super) prices: Vec<PriceChart>,
    pub(super) trades: TradeColumns,
    pub(super) open: Vec<OpenPoint>,
    pub(super) rejected: RejectedColumns,
}

impl Island {
    pub(super) fn new(
        result: &BacktestResult,
        candles: &[&Candles],
        benchmark: Option<(&Benchmark, &Candles)>,
        quote: &str,
    ) -> Self {
        let per_series = (CANDLES_MAX / candles.len().max(1)).clamp(200, CANDLES_PER_SERIES_MAX);
        Self {
            quote: quote.to_owned(),
            equity: EquityPoints::new(&result.equity, to_f64(result.cash_initial), benchmark),
            prices: candles.iter().map(|candles| PriceChart::new(candles, per_series)).collect(),
            trades: TradeColumns::new(result, candles),
            open: result.open_positions.iter().map(|position| OpenPoint::new(position, candles)).collect(),
            rejected: RejectedColumns::new(result),
        }
    }
}

/// Equity, its drawdown in per cent, and the value of holding the benchmark instead.
#[derive(Debug, Default, Serialize)]
pub(super) struct EquityPoints {
    pub(super) time: Vec<i64>,
    pub(super) equity: Vec<f64>,
    pub(super) drawdown: Vec<f64>,
    pub(super) benchmark: Option<Vec<f64>>,
}

impl EquityPoints {
    fn new(curve: &EquityCurve, initial: f64, benchmark: Option<(&Benchmark, &Candles)>) -> Self {
        let drawdown = curve.drawdown_pct(initial);
        let rows = telling_rows(&curve.equity, &drawdown, EQUITY_BUCKETS_MAX);
        let time: Vec<UnixMillis> = rows.iter().map(|row| curve.time.at(*row)).collect();
        Self {
            equity: rows.iter().map(|row| rounded(curve.equity[*row], 2)).collect(),
            drawdown: rows.iter().map(|row| rounded(drawdown[*row], 3)).collect(),
            benchmark: benchmark.map(|(benchmark, candles)| {
                let hold = |time| rounded(initial * close_at(candles, time) / benchmark.initial, 2);
                time.iter().map(|time| hold(*time)).collect()
            }),
            time: time.iter().map(|time| seconds(*time)).collect(),
        }
    }
}

/// Returns the rows to draw: all, or of each bucket the lowest and the highest, and the deepest drawdown of all.
fn telling_rows(values: &[f64], drawdown: &[f64], buckets_max: usize) -> Vec<usize> {
    if values.len() <= 2 * buckets_max {
        return (0..values.len()).collect();
    }
    let by = |values: &[f64], a: &usize, b: &usize| values[*a].total_cmp(&values[*b]);
    let width = values.len().div_ceil(buckets_max);
    let mut rows: Vec<usize> = (0..values.len())
        .step_by(width)
        .flat_map(|from| {
            let bucket = from..(from + width).min(values.len());
            let lowest = bucket.clone().min_by(|a, b| by(values, a, b));
            let highest = bucket.max_by(|a, b| by(values, a, b));
            [lowest, highest].into_iter().flatten()
        })
        .chain([0, values.len() - 1])
        .chain((0..drawdown.len()).min_by(|a, b| by(drawdown, a, b)))
        .collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// Returns the last close at or before `time`, or the first open.
fn close_at(candles: &Candles, time: UnixMillis) -> f64 {
    let columns = candles.columns();
    let closed = columns.open_time.partition_point(|open| candles.timeframe().close_time(*open) <= time);
    if closed == 0 { columns.open[0] } else { columns.close[closed - 1] }
}

/// Candles of one series, made coarser until they fit.
#[derive(Debug, Serialize)]
pub(super) struct PriceChart {
    pub(super) name: String,
    /// Decimals of a price.
    pub(super) decimals: usize,
    /// Seconds from one candle to the next.
    pub(super) step: i64,
    /// How many candles of the data make one that is drawn.
    pub(super) merged: i64,
    pub(super) caption: String,
    pub(super) time: Vec<i64>,
    pub(super) open: Vec<f64>,
    pub(super) high: Vec<f64>,
    pub(super) low: Vec<f64>,
    pub(super) close: Vec<f64>,
    pub(super) volume: Vec<f64>,
}

impl PriceChart {
    fn new(candles: &Candles, candles_max: usize) -> Self {
        let step = step_for(candles, candles_max);
        let merged = step / candles.timeframe().millis();
        let last_close = candles.columns().close.last().copied().unwrap_or(1.0);
        let caption = if merged == 1 {
            format!("{} candles", words::step(step))
        } else {
            format!("{} candles made of {} ones", words::step(step), words::step(candles.timeframe().millis()))
        };
        let mut chart = Self {
            name: candles.instrument().to_string(),
            decimals: decimals_of(last_close),
            step: step / 1_000,
            merged,
            caption,
            time: Vec::new(),
            open: Vec::new(),
            high: Vec::new(),
            low: Vec::new(),
            close: Vec::new(),
            volume: Vec::new(),
        };
        (0..candles.len()).for_each(|row| chart.add(candles, row, step));
        chart.volume.iter_mut().for_each(|volume| *volume = significant(*volume));
        chart
    }

    fn add(&mut self, candles: &Candles, row: usize, step: i64) {
        let candle = candles.candle(row);
        let time = seconds(candle.open_time - candle.open_time.rem_euclid(step));
        if self.time.last() != Some(&time) {
            self.time.push(time);
            self.open.push(candle.open);
            self.high.push(candle.high);
            self.low.push(candle.low);
            self.close.push(candle.close);
            self.volume.push(candle.volume);
            return;
        }
        let last = self.time.len() - 1;
        self.high[last] = self.high[last].max(candle.high);
        self.low[last] = self.low[last].min(candle.low);
        self.close[last] = candle.close;
        self.volume[last] += candle.volume;
    }
}

/// Returns the shortest length, in milliseconds, at which the candles are few enough.
fn step_for(candles: &Candles, candles_max: usize) -> i64 {
    let own = candles.timeframe().millis();
    if candles.len() <= candles_max {
        return own;
    }
    let times = &candles.columns().open_time;
    let count = |step: i64| {
        let buckets = times.iter().map(|time| time.div_euclid(step));
        1 + buckets.clone().zip(buckets.skip(1)).filter(|(a, b)| a != b).count()
    };
    STEPS_MINUTES
        .into_iter()
        .map(|minutes| minutes * 60_000)
        .filter(|step| step % own == 0)
        .find(|step| count(*step) <= candles_max)
        .unwrap_or(own * i64::try_from(candles.len().div_ceil(candles_max)).unwrap_or(1))
}

/// Closed positions as columns; names are given once and referred to by index.
#[derive(Debug, Default, Serialize)]
pub(super) struct TradeColumns {
    pub(super) strategies: Vec<String>,
    pub(super) symbols: Vec<String>,
    /// For each symbol, its chart among the prices.
    pub(super) chart: Vec<Option<usize>>,
    pub(super) reasons: Vec<&'static str>,
    pub(super) strategy: Vec<usize>,
    pub(super) symbol: Vec<usize>,
    pub(super) reason: Vec<usize>,
    pub(super) entry_time: Vec<i64>,
    pub(super) entry_price: Vec<f64>,
    pub(super) exit_time: Vec<i64>,
    pub(super) exit_price: Vec<f64>,
    pub(super) quantity: Vec<f64>,
    pub(super) fees: Vec<f64>,
    pub(super) pnl: Vec<f64>,
    pub(super) pnl_pct: Vec<f64>,
    pub(super) favorable: Vec<f64>,
    pub(super) adverse: Vec<f64>,
    pub(super) bars: Vec<u32>,
}

/// Every way out of a position, in the order of the legend.
pub(super) const REASONS: [ExitReason; 6] = [
    ExitReason::Signal,
    ExitReason::Stop,
    ExitReason::Target,
    ExitReason::Trailing,
    ExitReason::Time,
    ExitReason::Manual,
];

impl TradeColumns {
    fn new(result: &BacktestResult, candles: &[&Candles]) -> Self {
        let mut columns = Self {
            strategies: result.strategies.iter().map(StrategySummary::title).collect(),
            reasons: REASONS.map(ExitReason::as_str).to_vec(),
            ..Self::default()
        };
        let first = result.trades.first().map(|trade| &trade.instrument.exchange);
        let with_exchange = result.trades.iter().any(|trade| Some(&trade.instrument.exchange) != first);
        for trade in result.trades.iter().take(TRADES_MAX) {
            let symbol = columns.symbol_index(&trade.instrument, with_exchange, candles);
            columns.symbol.push(symbol);
            columns.strategy.push(trade.strategy);
            columns.reason.push(REASONS.iter().position(|reason| *reason == trade.exit_reason).unwrap_or_default());
            columns.entry_time.push(seconds(trade.entry_time));
            columns.entry_price.push(to_f64(trade.entry_fill_price));
            columns.exit_time.push(seconds(trade.exit_time));
            columns.exit_price.push(to_f64(trade.exit_fill_price));
            columns.quantity.push(to_f64(trade.quantity));
            columns.fees.push(cents(to_f64(trade.fees_usd)));
            columns.pnl.push(cents(to_f64(trade.pnl_usd)));
            columns.pnl_pct.push(rounded(trade.pnl_pct, 3));
            columns.favorable.push(rounded(trade.max_favorable_excursion, 3));
            columns.adverse.push(rounded(trade.max_adverse_excursion, 3));
            columns.bars.push(trade.bars_held);
        }
        columns
    }

    fn symbol_index(&mut self, instrument: &Instrument, with_exchange: bool, candles: &[&Candles]) -> usize {
        let name = if with_exchange { instrument.to_string() } else { instrument.symbol.to_string() };
        if let Some(index) = self.symbols.iter().position(|symbol| *symbol == name) {
            return index;
        }
        self.symbols.push(name);
        self.chart.push(chart_of(instrument, candles));
        self.symbols.len() - 1
    }
}

/// A position that is open at the end.
#[derive(Debug, Serialize)]
pub(super) struct OpenPoint {
    /// Its chart among the prices.
    chart: Option<usize>,
    entry_time: i64,
    entry_price: f64,
    mark_price: f64,
    pnl: f64,
}

impl OpenPoint {
    fn new(position: &OpenPosition, candles: &[&Candles]) -> Self {
        Self {
            chart: chart_of(&position.instrument, candles),
            entry_time: seconds(position.entry_time),
            entry_price: to_f64(position.entry_fill_price),
            mark_price: to_f64(position.mark_price),
            pnl: to_f64(position.pnl_usd),
        }
    }
}

/// Returns the chart that shows an instrument.
fn chart_of(instrument: &Instrument, candles: &[&Candles]) -> Option<usize> {
    candles.iter().position(|candles| candles.instrument() == instrument)
}

/// Rejected signals as columns.
#[derive(Debug, Default, Serialize)]
pub(super) struct RejectedColumns {
    pub(super) time: Vec<i64>,
    pub(super) strategy: Vec<usize>,
    pub(super) symbol: Vec<String>,
    pub(super) price: Vec<f64>,
    pub(super) confidence: Vec<f64>,
    pub(super) reason: Vec<&'static str>,
    pub(super) detail: Vec<String>,
}

impl RejectedColumns {
    fn new(result: &BacktestResult) -> Self {
        let rows = || result.rejected.iter().take(REJECTED_MAX);
        Self {
            time: rows().map(|signal| seconds(signal.time)).collect(),
            strategy: rows().map(|signal| signal.strategy).collect(),
            symbol: rows().map(|signal| signal.instrument.to_string()).collect(),
            price: rows().map(|signal| signal.price).collect(),
            confidence: rows().map(|signal| rounded(signal.confidence, 1)).collect(),
            reason: rows().map(|signal| signal.reason).collect(),
            detail: rows().map(|signal| signal.detail.clone()).collect(),
        }
    }
}

const fn seconds(time: UnixMillis) -> i64 {
    time.div_euclid(1_000)
}

/// Returns `value` with so many decimals; what a screen does not show need not be in the file.
fn rounded(value: f64, decimals: i32) -> f64 {
    let factor = 10_f64.powi(decimals);
    (value * factor).round() / factor
}

/// Returns a sum to the cent; one below 1 keeps what there is of it.
fn cents(sum: f64) -> f64 {
    rounded(sum, if sum.abs() < 1.0 { 6 } else { 2 })
}

/// Returns `value` with about four significant digits.
fn significant(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the exponent of an f64 is below 400")]
    let decimals = 3 - value.log10().floor() as i32;
    if decimals >= 0 { rounded(value, decimals.min(12)) } else { value.round() }
}

/// Returns the decimals that prices of this size are shown with.
fn decimals_of(price: f64) -> usize {
    match price {
        price if price >= 10.0 => 2,
        price if price >= 0.1 => 4,
        price if price >= 0.001 => 6,
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_ends_extremes_and_the_deepest_drawdown() {
        let values: Vec<f64> = (0..100_000).map(|i| (f64::from(i) / 700.0).sin() * f64::from(i % 997)).collect();
        let drawdown: Vec<f64> = (0..100_000).map(|i| -f64::from((i * 37) % 50_021)).collect();
        let rows = telling_rows(&values, &drawdown, 500);
        assert!(rows.len() <= 1_003 && rows.is_sorted(), "{}", rows.len());
        let has = |row: Option<usize>| rows.contains(&row.unwrap());
        let all = || 0..values.len();
        assert!(has(Some(0)) && has(Some(99_999)));
        assert!(has(all().max_by(|a, b| values[*a].total_cmp(&values[*b]))));
        assert!(has(all().min_by(|a, b| values[*a].total_cmp(&values[*b]))));
        assert!(has(all().min_by(|a, b| drawdown[*a].total_cmp(&drawdown[*b]))));
    }

    #[test]
    fn short_curve_is_kept_whole() {
        assert_eq!(telling_rows(&[3.0, 1.0, 2.0], &[0.0; 3], 2), [0, 1, 2]);
    }

    #[test]
    fn volumes_keep_four_digits() {
        let check = |volume, expected: f64| assert!((significant(volume) - expected).abs() < 1e-12, "{volume}");
        check(123_456.0, 123_456.0);
        check(0.012_345_6, 0.01235);
        check(0.0, 0.0);
    }
}
