//! The report: one HTML file that needs nothing else, to be looked at before it is read.
//!
//! Everything is computed here; the page's script only draws, sorts and filters. The file loads nothing from
//! anywhere, and its content security policy keeps it so, even if a strategy's description tried: names and
//! descriptions come from strangers and are escaped wherever they stand.

use minijinja::Environment;
use minijinja::value::Serde;
use rust_decimal::Decimal;
use sentinel_domain::candles::Candles;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::money::to_f64;
use serde::Serialize;

use crate::json::{date_of, run_id, span};
use crate::metrics::activity;
use crate::metrics::{
    Benchmark, DailyPath, Definition, Group, Metric, benchmark, day_of, drawdown, returns, risk, trades,
};
use crate::result::BacktestResult;

mod chart;
mod histogram;
mod table;
mod words;

use chart::Island;
use histogram::Histogram;
use table::{Breakdown, CountRow, DrawdownRow, Months};

const TEMPLATE: &str = include_str!("report/report.html");
const STYLE: &str = include_str!("report/report.css");

/// The page's own script: its parts share one scope that is closed to the outside.
const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("report/script/base.js"),
    include_str!("report/script/chart.js"),
    include_str!("report/script/equity.js"),
    include_str!("report/script/trade-marks.js"),
    include_str!("report/script/price.js"),
    include_str!("report/script/list.js"),
    include_str!("report/script/trades.js"),
    include_str!("report/script/page.js"),
    "})();\n"
);

/// TradingView Lightweight Charts 5.2.1 (Apache-2.0), the file `dist/lightweight-charts.standalone.production.js` of
/// its npm package. `vendor/NOTICE` says what its licence asks for.
const CHART_LIBRARY: &str = include_str!("report/vendor/lightweight-charts-5.2.1.js");

/// What a report says beyond the result.
#[derive(Debug, Clone, Default)]
pub struct Extras {
    /// Whether every decision was made again bar by bar, with later bars out of reach, and came out the same.
    pub lookahead_verified: bool,
    /// What the reader must know first, such as that the market was simulated.
    pub notes: Vec<String>,
}

/// Returns the report as an HTML file.
///
/// `candles` are those the run was on, in any order. They are drawn coarser where there are too many for a screen;
/// trades of series that are not given are listed but not drawn. The same arguments give the same bytes.
///
/// # Panics
/// Never: the template is part of this program and tested.
#[must_use]
pub fn render(result: &BacktestResult, candles: &[&Candles], extras: &Extras) -> String {
    let page = Page::new(result, candles, extras);
    let mut environment = Environment::new();
    #[expect(clippy::expect_used, reason = "the template is part of this program and tested")]
    environment
        .add_template("report.html", TEMPLATE)
        .and_then(|()| environment.get_template("report.html")?.render(Serde(&page)))
        .expect("the report's own template renders")
}

/// Everything that the template shows.
#[derive(Debug, Serialize)]
struct Page {
    title: String,
    strategies: Vec<StrategyBlock>,
    series: Vec<SeriesBlock>,
    period: String,
    verdict: Verdict,
    lookahead_verified: bool,
    notes: Vec<String>,
    run_id: String,
    sentinel_version: &'static str,
    quote: String,
    benchmark: Option<String>,
    cards: Vec<Card>,
    months: Months,
    drawdowns: Vec<DrawdownRow>,
    histogram: Option<Histogram>,
    breakdowns: Vec<Breakdown>,
    metric_groups: Vec<MetricGroup>,
    signals: Vec<CountRow>,
    signal_total: String,
    rejections: Vec<CountRow>,
    rejected_shown: String,
    rejected_total: String,
    rejected_are_all: bool,
    trades_total: String,
    trades_shown: String,
    trades_are_all: bool,
    open_positions: Vec<PositionBlock>,
    assumptions: Vec<(String, String)>,
    charts: Vec<ChartCaption>,
    policy: String,
    style: &'static str,
    script: &'static str,
    chart_library: &'static str,
    island: String,
}

/// What the run came to, in the words of the first sentence.
#[derive(Debug, Serialize)]
struct Verdict {
    initial: String,
    equity: String,
    change: String,
    class: &'static str,
    length: String,
    hold: Option<String>,
}

/// One large number.
#[derive(Debug, Serialize)]
struct Card {
    title: &'static str,
    value: Option<String>,
    unit: String,
    class: &'static str,
    note: String,
    help: &'static str,
}

#[derive(Debug, Serialize)]
struct StrategyBlock {
    name: String,
    description: String,
    timeframe: String,
    parameters: Vec<(String, String)>,
    version: String,
    component_hash: String,
    config_hash: String,
}

#[derive(Debug, Serialize)]
struct SeriesBlock {
    name: String,
    timeframe: String,
    bars: String,
    from: String,
    to: String,
    data_hash: String,
}

#[derive(Debug, Serialize)]
struct PositionBlock {
    name: String,
    since: String,
    entry: String,
    mark: String,
    quantity: String,
    pnl: String,
    is_loss: bool,
}

#[derive(Debug, Serialize)]
struct MetricGroup {
    title: &'static str,
    rows: Vec<MetricRow>,
}

#[derive(Debug, Serialize)]
struct MetricRow {
    title: &'static str,
    value: Option<String>,
    reason: Option<&'static str>,
    meaning: &'static str,
    formula: &'static str,
}

#[derive(Debug, Serialize)]
struct ChartCaption {
    name: String,
    text: String,
}

impl Page {
    fn new(result: &BacktestResult, candles: &[&Candles], extras: &Extras) -> Self {
        let quote = quote_of(result);
        let benchmark = Benchmark::buy_and_hold(candles.iter().copied());
        let held = benchmark.as_ref().and_then(|benchmark| {
            let is_held = |candles: &&&Candles| candles.instrument().to_string() == benchmark.name;
            Some((benchmark, *candles.iter().find(is_held)?))
        });
        let path = DailyPath::new(to_f64(result.cash_initial), &result.equity.daily()).ok();
        let island = Island::new(result, candles, held, &quote);
        let (from, to) = span(&result.series);
        let rejected: u64 = result.signals.rejected.values().sum();
        let rejected_total = usize::try_from(rejected).unwrap_or(usize::MAX);
        Self {
            title: title(result),
            strategies: strategies(result),
            series: series(result),
            period: format!("{} to {}", date_of(day_of(from + 1)), date_of(day_of(to))),
            verdict: verdict(result, &quote, to - from),
            lookahead_verified: extras.lookahead_verified,
            notes: extras.notes.clone(),
            run_id: run_id(result).to_string(),
            sentinel_version: env!("CARGO_PKG_VERSION"),
            cards: cards(result, &quote),
            months: Months::new(path.as_ref(), benchmark.as_ref()),
            drawdowns: table::drawdown_rows(path.as_ref()),
            histogram: Histogram::of(&result.trades),
            breakdowns: table::breakdowns(result),
            metric_groups: metric_groups(result, &quote),
            signals: table::signal_rows(&result.signals),
            signal_total: words::count(usize::try_from(result.signals.total).unwrap_or(usize::MAX)),
            rejections: table::rejection_rows(&result.signals),
            rejected_shown: words::count(island.rejected.time.len()),
            rejected_total: words::count(rejected_total),
            rejected_are_all: island.rejected.time.len() >= rejected_total,
            trades_total: words::count(result.trades.len()),
            trades_shown: words::count(island.trades.pnl.len()),
            trades_are_all: island.trades.pnl.len() == result.trades.len(),
            open_positions: open_positions(result),
            assumptions: words::assumptions(result),
            charts: island
                .prices
                .iter()
                .map(|chart| ChartCaption { name: chart.name.clone(), text: chart.caption.clone() })
                .collect(),
            benchmark: benchmark.map(|benchmark| benchmark.name),
            policy: policy(),
            style: STYLE,
            script: SCRIPT,
            chart_library: CHART_LIBRARY,
            island: island_json(&island),
            quote,
        }
    }
}

fn title(result: &BacktestResult) -> String {
    let mut names: Vec<&str> = result.strategies.iter().map(|strategy| strategy.strategy_id.as_str()).collect();
    names.dedup();
    names.join(" + ")
}

fn quote_of(result: &BacktestResult) -> String {
    result.series.first().map_or_else(String::new, |series| series.instrument.symbol.quote().to_owned())
}

fn strategies(result: &BacktestResult) -> Vec<StrategyBlock> {
    let block = |strategy: &crate::result::StrategySummary| StrategyBlock {
        name: strategy.title(),
        description: strategy.description.clone(),
        timeframe: strategy.timeframe.to_string(),
        parameters: strategy.parameters.clone().into_iter().collect(),
        version: strategy.version.to_string(),
        component_hash: strategy.component_hash.to_string(),
        config_hash: strategy.config_hash.to_string(),
    };
    result.strategies.iter().map(block).collect()
}

fn series(result: &BacktestResult) -> Vec<SeriesBlock> {
    let block = |series: &crate::result::SeriesSummary| SeriesBlock {
        name: series.instrument.to_string(),
        timeframe: series.timeframe.to_string(),
        bars: words::count(series.bars),
        from: words::minute(series.from),
        to: words::minute(series.to),
        data_hash: series.data_hash.to_string(),
    };
    result.series.iter().map(block).collect()
}

fn open_positions(result: &BacktestResult) -> Vec<PositionBlock> {
    let block = |position: &crate::result::OpenPosition| PositionBlock {
        name: position.instrument.to_string(),
        since: words::minute(position.entry_time),
        entry: words::exact(position.entry_fill_price),
        mark: words::exact(position.mark_price),
        quantity: words::exact(position.quantity),
        pnl: words::signed(to_f64(position.pnl_usd.round_dp(2)), 2),
        is_loss: position.pnl_usd < Decimal::ZERO,
    };
    result.open_positions.iter().map(block).collect()
}

fn verdict(result: &BacktestResult, quote: &str, millis: i64) -> Verdict {
    let change = to_f64(result.equity_final - result.cash_initial);
    let pct = if result.cash_initial.is_zero() { 0.0 } else { change / to_f64(result.cash_initial) * 100.0 };
    let hold = result.metrics.get(&benchmark::BENCHMARK_RETURN).value;
    Verdict {
        initial: words::money(result.cash_initial),
        equity: format!("{} {quote}", words::money(result.equity_final)),
        change: format!("{}\u{a0}%", words::signed(pct, 2)),
        class: class_of(change),
        length: words::span(millis),
        hold: hold.map(|pct| format!("{}\u{a0}%", words::signed(pct, 2))),
    }
}

/// Returns how a sum or a return is coloured.
fn class_of(value: f64) -> &'static str {
    match value {
        value if value < 0.0 => "loss",
        value if value > 0.0 => "gain",
        _ => "",
    }
}

fn cards(result: &BacktestResult, quote: &str) -> Vec<Card> {
    let text = |definition: &Definition| {
        let value = result.metrics.get(definition).value;
        value.map_or_else(|| "–".to_owned(), |value| words::metric(definition.unit, value, quote))
    };
    let beside = |name: &str, definition| format!("{name} {}", text(definition));
    let hold = |definition| beside("buy and hold", definition);
    let card = |definition: &'static Definition, is_coloured: bool, note: String| {
        let Metric { value, undefined_because } = result.metrics.get(definition);
        Card {
            title: definition.title,
            value: value.map(|value| words::number(definition.unit, value, is_coloured)),
            unit: words::sign(definition.unit, quote),
            class: value.filter(|_| is_coloured).map_or("", class_of),
            note: undefined_because.map_or(note, str::to_owned),
            help: definition.meaning,
        }
    };
    vec![
        card(&returns::TOTAL_RETURN, true, hold(&benchmark::BENCHMARK_RETURN)),
        card(&returns::CAGR, true, beside("volatility", &risk::VOLATILITY)),
        card(&risk::SHARPE, false, hold(&benchmark::BENCHMARK_SHARPE)),
        card(&drawdown::MAX_DRAWDOWN, true, hold(&benchmark::BENCHMARK_DRAWDOWN)),
        card(&trades::TRADE_COUNT, false, beside("win rate", &trades::WIN_RATE)),
        card(&trades::PROFIT_FACTOR, false, beside("a trade brings", &trades::EXPECTANCY)),
        card(&activity::EXPOSURE, false, beside("held for", &trades::BARS_HELD)),
        card(&activity::FEES, false, beside("turnover", &activity::TURNOVER)),
    ]
}

fn metric_groups(result: &BacktestResult, quote: &str) -> Vec<MetricGroup> {
    let row = |(definition, metric): (&'static Definition, Metric)| MetricRow {
        title: definition.title,
        value: metric.value.map(|value| words::metric(definition.unit, value, quote)),
        reason: metric.undefined_because,
        meaning: definition.meaning,
        formula: definition.formula,
    };
    let rows_of = |group: Group| result.metrics.iter().filter(move |(definition, _)| definition.group == group);
    Group::ALL
        .into_iter()
        .map(|group| MetricGroup { title: group.title(), rows: rows_of(group).map(row).collect() })
        .filter(|group| !group.rows.is_empty())
        .collect()
}

/// Returns the data for the script. A `<` could end the element that holds it, whatever the text around.
fn island_json(island: &Island) -> String {
    #[expect(clippy::expect_used, reason = "columns of numbers and strings serialise")]
    let json = serde_json::to_string(island).expect("the data of a report serialises");
    json.replace('<', "\\u003c")
}

/// Returns the content security policy: nothing is loaded, and only the page's own two scripts run.
fn policy() -> String {
    let hashes =
        [CHART_LIBRARY, SCRIPT].map(|script| format!("'sha256-{}'", base64(ContentHash::of(script.as_bytes()))));
    format!("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {}", hashes.join(" "))
}

/// Returns a hash in base 64, the form that a content security policy wants.
fn base64(hash: ContentHash) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |group: u32, shift: u32| char::from(DIGITS[(group >> shift & 63) as usize]);
    let mut text: String = hash
        .as_bytes()
        .chunks(3)
        .flat_map(|chunk| {
            let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
            let group = byte(0) << 16 | byte(1) << 8 | byte(2);
            [digit(group, 18), digit(group, 12), digit(group, 6), digit(group, 0)]
        })
        .collect();
    // 32 bytes end in a group of two.
    text.pop();
    text.push('=');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_in_base_64_is_what_others_compute() {
        // printf abc | openssl dgst -sha256 -binary | base64
        assert_eq!(base64(ContentHash::of(b"abc")), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    }

    #[test]
    fn scripts_cannot_end_their_own_element() {
        for script in [CHART_LIBRARY, SCRIPT] {
            assert!(!script.contains("</script") && !script.contains("<!--"));
        }
    }
}
