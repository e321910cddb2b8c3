//! The tables of a report: months, drawdowns, kinds of trades, what became of signals.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sentinel_domain::money::to_f64;
use sentinel_domain::timeframe::Timeframe;
use sentinel_domain::trade::Trade;
use serde::Serialize;

use super::chart::REASONS;
use super::words;
use crate::json::date_of;
use crate::metrics::drawdown::drawdowns;
use crate::metrics::{Benchmark, DailyPath};
use crate::result::{BacktestResult, SignalCounts};

/// Drawdowns listed.
const DRAWDOWNS_MAX: usize = 5;

/// A table of the returns of calendar months.
#[derive(Debug, Default, Serialize)]
pub(super) struct Months {
    pub(super) years: Vec<YearRow>,
    pub(super) has_benchmark: bool,
    /// How many months gained, of all.
    pub(super) gained: usize,
    pub(super) total: usize,
}

/// One year of [`Months`].
#[derive(Debug, Serialize)]
pub(super) struct YearRow {
    pub(super) year: i64,
    /// January to December; months outside the run are empty.
    pub(super) months: Vec<Option<HeatCell>>,
    pub(super) total: Option<HeatCell>,
    pub(super) benchmark: Option<HeatCell>,
}

/// A return and how strongly it is coloured.
#[derive(Debug, Clone, Serialize)]
pub(super) struct HeatCell {
    pub(super) text: String,
    /// 0 to 100.
    pub(super) heat: u32,
    pub(super) class: &'static str,
}

impl HeatCell {
    fn new(fraction: f64, strongest: f64) -> Self {
        let pct = fraction * 100.0;
        let decimals = if pct.abs() < 99.95 { 1 } else { 0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
        let heat = ((fraction.abs() / strongest).min(1.0).sqrt() * 100.0).round() as u32;
        let class = match fraction {
            fraction if fraction < 0.0 => "loss",
            fraction if fraction > 0.0 => "gain",
            _ => "still",
        };
        Self { text: words::signed(pct, decimals), heat, class }
    }
}

impl Months {
    pub(super) fn new(path: Option<&DailyPath>, benchmark: Option<&Benchmark>) -> Self {
        let Some(path) = path else { return Self::default() };
        let months = returns_by(path, |date| date[..7].to_owned());
        let years = returns_by(path, |date| date[..4].to_owned());
        let hold = benchmark.and_then(|benchmark| DailyPath::new(benchmark.initial, &benchmark.daily).ok());
        let hold = hold.map(|hold| returns_by(&hold, |date| date[..4].to_owned())).unwrap_or_default();
        let strongest = strongest(months.values());
        let strongest_year = strongest_of(years.values());
        let row = |(year, total): (&String, &f64)| YearRow {
            year: year.parse().unwrap_or_default(),
            months: (1..=12)
                .map(|month| months.get(&format!("{year}-{month:02}")).map(|r| HeatCell::new(*r, strongest)))
                .collect(),
            total: Some(HeatCell::new(*total, strongest_year)),
            benchmark: hold.get(year).map(|r| HeatCell::new(*r, 1.0)),
        };
        Self {
            years: years.iter().map(row).collect(),
            has_benchmark: !hold.is_empty(),
            gained: months.values().filter(|r| **r > 0.0).count(),
            total: months.len(),
        }
    }
}

/// Returns the return of each stretch of days that `key` names alike, as fractions.
fn returns_by(path: &DailyPath, key: impl Fn(&str) -> String) -> BTreeMap<String, f64> {
    let mut ends: Vec<(String, f64)> = Vec::new();
    for (day, value) in (path.first_day..).zip(&path.values[1..]) {
        let name = key(&date_of(day));
        match ends.last_mut() {
            Some(last) if last.0 == name => last.1 = *value,
            _ => ends.push((name, *value)),
        }
    }
    let before = std::iter::once(path.values[0]).chain(ends.iter().map(|(_, value)| *value));
    let growth = |before: f64, after: f64| if before > 0.0 { after / before - 1.0 } else { 0.0 };
    let returns: Vec<f64> = before.zip(&ends).map(|(before, (_, after))| growth(before, *after)).collect();
    ends.into_iter().map(|(name, _)| name).zip(returns).collect()
}

/// Returns the size of return that gets the full colour: the ninth largest of ten, so that one month does not pale
/// all others.
fn strongest<'a>(returns: impl Iterator<Item = &'a f64>) -> f64 {
    let mut sizes: Vec<f64> = returns.map(|r| r.abs()).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    sizes.get((sizes.len() * 9 / 10).min(sizes.len().saturating_sub(1))).copied().unwrap_or(1.0).max(1e-9)
}

fn strongest_of<'a>(returns: impl Iterator<Item = &'a f64>) -> f64 {
    returns.fold(1e-9, |largest, r| r.abs().max(largest))
}

/// One drawdown in words.
#[derive(Debug, Serialize)]
pub(super) struct DrawdownRow {
    depth: String,
    /// 0 to 100, against the deepest.
    share: f64,
    from: String,
    low: String,
    recovered: Option<String>,
    days: String,
}

/// Returns the deepest drawdowns, deepest first.
pub(super) fn drawdown_rows(path: Option<&DailyPath>) -> Vec<DrawdownRow> {
    let Some(path) = path else { return Vec::new() };
    let mut found = drawdowns(path);
    found.sort_by(|a, b| a.depth.total_cmp(&b.depth));
    found.truncate(DRAWDOWNS_MAX);
    let deepest = found.first().map_or(1.0, |drawdown| drawdown.depth);
    let last_day = path.first_day + i64::try_from(path.days()).unwrap_or(i64::MAX) - 1;
    let rows = found.iter().map(|drawdown| DrawdownRow {
        depth: format!("{} %", words::grouped(drawdown.depth * 100.0, 2)),
        share: drawdown.depth / deepest * 100.0,
        from: date_of(drawdown.peak_day),
        low: date_of(drawdown.trough_day),
        recovered: drawdown.recovered_day.map(date_of),
        days: words::span(drawdown.days(last_day) * Timeframe::D1.millis()),
    });
    rows.collect()
}

/// Trades that have something in common.
#[derive(Debug, Serialize)]
pub(super) struct Breakdown {
    /// What they have in common: `Exit`, `Strategy`, `Symbol`, `Pattern`.
    pub(super) title: &'static str,
    pub(super) rows: Vec<BreakdownRow>,
}

/// One kind of [`Breakdown`].
#[derive(Debug, Serialize)]
pub(super) struct BreakdownRow {
    name: String,
    trades: String,
    win_rate: String,
    mean: String,
    pnl: String,
    is_loss: bool,
    /// 0 to 100, against the largest sum.
    share: f64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    trades: usize,
    wins: usize,
    pnl: Decimal,
    pct: f64,
}

/// Returns where the profit came from, leaving out what does not tell trades apart.
pub(super) fn breakdowns(result: &BacktestResult) -> Vec<Breakdown> {
    let strategy = |trade: &Trade| {
        result.strategies.get(trade.strategy).map_or_else(String::new, |strategy| strategy.strategy_id.clone())
    };
    let pattern = |trade: &Trade| {
        let patterns = result.strategies.get(trade.strategy).map(|strategy| strategy.patterns.as_slice());
        let label = patterns.and_then(|patterns| patterns.get(usize::try_from(trade.pattern).ok()?));
        label.map_or_else(|| "–".to_owned(), |label| label.name.clone())
    };
    let exit = breakdown("Exit", &result.trades, |trade| {
        let rank = REASONS.iter().position(|reason| *reason == trade.exit_reason).unwrap_or_default();
        (rank, trade.exit_reason.to_string())
    });
    let others = [
        breakdown("Strategy", &result.trades, |trade| (trade.strategy, strategy(trade))),
        breakdown("Symbol", &result.trades, |trade| (0, trade.instrument.to_string())),
        breakdown("Pattern", &result.trades, |trade| (trade.strategy, pattern(trade))),
    ];
    std::iter::once(exit)
        .filter(|breakdown| !breakdown.rows.is_empty())
        .chain(others.into_iter().filter(|breakdown| breakdown.rows.len() > 1))
        .collect()
}

fn breakdown(title: &'static str, trades: &[Trade], key: impl Fn(&Trade) -> (usize, String)) -> Breakdown {
    let mut kinds: BTreeMap<(usize, String), Sums> = BTreeMap::new();
    for trade in trades {
        let sums = kinds.entry(key(trade)).or_default();
        sums.trades += 1;
        sums.wins += usize::from(trade.pnl_usd > Decimal::ZERO);
        sums.pnl += trade.pnl_usd;
        sums.pct += trade.pnl_pct;
    }
    let largest = kinds.values().map(|sums| to_f64(sums.pnl).abs()).fold(1e-9, f64::max);
    let rows = kinds.iter().map(|((_, name), sums)| {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let (trades, wins) = (sums.trades as f64, sums.wins as f64);
        BreakdownRow {
            name: name.clone(),
            trades: words::count(sums.trades),
            win_rate: format!("{} %", words::grouped(wins / trades * 100.0, 1)),
            mean: format!("{} %", words::signed(sums.pct / trades, 2)),
            pnl: words::signed(to_f64(sums.pnl), 2),
            is_loss: sums.pnl < Decimal::ZERO,
            share: to_f64(sums.pnl).abs() / largest * 100.0,
        }
    });
    Breakdown { title, rows: rows.collect() }
}

/// What became of signals, or why they were rejected.
#[derive(Debug, Serialize)]
pub(super) struct CountRow {
    pub(super) class: &'static str,
    pub(super) name: String,
    pub(super) meaning: &'static str,
    pub(super) count: String,
    /// 0 to 100, against all signals.
    pub(super) share: f64,
    pub(super) percent: String,
}

/// Returns what became of all signals, states without a signal left out.
pub(super) fn signal_rows(counts: &SignalCounts) -> Vec<CountRow> {
    let rejected = counts.rejected.values().sum();
    let states = [
        ("filled", "Filled", "opened a position", counts.filled),
        ("consumed", "Consumed", "closed a position", counts.consumed),
        ("no-action", "No action", "asked for what already was", counts.no_action),
        ("rejected", "Rejected", "turned away by the risk gate", rejected),
        ("expired", "Expired", "came too late to be acted on", counts.expired),
        ("abandoned", "Abandoned", "became an order that was never filled", counts.abandoned),
        ("ordered", "Ordered", "became an order that still waits at the end", counts.ordered),
    ];
    let rows = states.into_iter().filter(|(.., count)| *count > 0);
    rows.map(|(class, name, meaning, count)| count_row(class, name.to_owned(), meaning, count, counts.total)).collect()
}

/// Returns why signals were rejected, the most frequent reason first.
pub(super) fn rejection_rows(counts: &SignalCounts) -> Vec<CountRow> {
    let total = counts.rejected.values().sum();
    let mut reasons: Vec<_> = counts.rejected.iter().filter(|(_, count)| **count > 0).collect();
    reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), **reason));
    let rows = reasons.into_iter();
    rows.map(|(reason, count)| count_row("rejected", reason.replace('_', " "), "", *count, total)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn count_row(class: &'static str, name: String, meaning: &'static str, count: u64, total: u64) -> CountRow {
    let share = count as f64 / total.max(1) as f64 * 100.0;
    let percent = format!("{} %", words::grouped(share, 1));
    CountRow { class, name, meaning, count: words::grouped(count as f64, 0), share, percent }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_compound_to_the_year() {
        // 60 days from 2019-01-01, 1 % each.
        let values: Vec<f64> = (0..=60).map(|day| 100.0 * 1.01_f64.powi(day)).collect();
        let path = DailyPath { first_day: 17_897, values };
        let months = returns_by(&path, |date| date[..7].to_owned());
        let names: Vec<&str> = months.keys().map(String::as_str).collect();
        assert_eq!(names, ["2019-01", "2019-02", "2019-03"]);
        assert!((months["2019-01"] - (1.01_f64.powi(31) - 1.0)).abs() < 1e-12);
        let compound = months.values().fold(1.0, |product, r| product * (1.0 + r));
        assert!((compound - 1.01_f64.powi(60)).abs() < 1e-9);
    }

    #[test]
    fn months_outside_the_run_are_empty() {
        let path = DailyPath { first_day: 17_897 + 40, values: vec![100.0, 101.0] };
        let months = Months::new(Some(&path), None);
        let filled: Vec<usize> = (0..12).filter(|month| months.years[0].months[*month].is_some()).collect();
        assert_eq!((filled.as_slice(), months.gained, months.total), ([1].as_slice(), 1, 1));
    }

    #[test]
    fn rejections_come_by_frequency() {
        let rejected = BTreeMap::from([("cooldown", 2), ("exposure", 5), ("duplicate", 0)]);
        let counts = SignalCounts { total: 10, filled: 3, rejected, ..SignalCounts::default() };
        let names: Vec<String> = rejection_rows(&counts).into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["exposure", "cooldown"]);
        let states: Vec<&str> = signal_rows(&counts).iter().map(|row| row.class).collect();
        assert_eq!(states, ["filled", "rejected"]);
    }
}
