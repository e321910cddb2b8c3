//! Trying a strategy natively, with `cargo test`: made-up candles, sessions, and the two laws every strategy obeys.
//!
//! ```
//! # use sentinel_kit::prelude::*;
//! # labels! { /// Patterns.
//! # pub enum Pattern { /// Higher close.
//! # HigherClose } }
//! # struct RisingPrice { last_close: f64 }
//! # impl Strategy for RisingPrice {
//! #     const ID: &'static str = "rising-price";
//! #     const DESCRIPTION: &'static str = "";
//! #     const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
//! #     const COLUMNS: &'static [Column] = &[Column::Close];
//! #     type Parameters = NoParameters;
//! #     type Pattern = Pattern;
//! #     type Reason = NoLabels;
//! #     type Warning = NoLabels;
//! #     fn open(_: &Instrument, _: &NoParameters) -> Result<Self, StrategyError> { Ok(Self { last_close: f64::MAX }) }
//! #     fn warm_up_bars(&self) -> usize { 1 }
//! #     fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
//! #         let last_close = core::mem::replace(&mut self.last_close, bar.close());
//! #         (bar.close() > last_close).then(|| Signal::buy(Pattern::HigherClose))
//! #     }
//! # }
//! use sentinel_kit::testing::{assert_cut_invariant, assert_warm_up_suffices, candles_from_closes, random_walk, run};
//!
//! let signals = run::<RisingPrice>(&NoParameters, &candles_from_closes(&[3.0, 2.0, 4.0])).unwrap();
//! assert_eq!(signals, [(2, Signal::buy(Pattern::HigherClose))]);
//!
//! assert_cut_invariant::<RisingPrice>(&NoParameters, &random_walk(1, 500));
//! assert_warm_up_suffices::<RisingPrice>(&NoParameters, &random_walk(1, 500));
//! ```

use core::fmt;

use crate::bar::Column;
use crate::contract::{Bars, Instrument, Parameter, StrategyError, Timeframe};
use crate::parameters::ParameterSet;
use crate::plugin::show;
use crate::signal::Signal;
use crate::strategy::Strategy;

#[doc(inline)]
pub use crate::contract::{Manifest, ParameterKind};

/// A closed candle with all its columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candle {
    /// When it opened, in milliseconds since 1970-01-01T00:00:00Z.
    pub open_time: i64,
    /// First traded price.
    pub open: f64,
    /// Highest traded price.
    pub high: f64,
    /// Lowest traded price.
    pub low: f64,
    /// Last traded price.
    pub close: f64,
    /// Traded quantity in units of the base.
    pub volume: f64,
    /// Aggressive buys minus aggressive sells, in units of the base.
    pub volume_delta: f64,
    /// Order-book imbalance at the close, -1..1.
    pub imbalance: f64,
}

/// Length of the candles made here: an hour.
const CANDLE_MS: i64 = 3_600_000;

/// Returns hourly candles that close at `closes`. Each opens at the close before it, reaches no further than its open
/// and close, and trades one unit, as much bought as sold in a hurry.
pub fn candles_from_closes(closes: &[f64]) -> Vec<Candle> {
    let opens = closes.first().into_iter().chain(closes);
    (0..)
        .zip(opens.zip(closes))
        .map(|(hour, (&open, &close))| Candle {
            open_time: hour * CANDLE_MS,
            open,
            high: open.max(close),
            low: open.min(close),
            close,
            volume: 1.0,
            volume_delta: 0.0,
            imbalance: 0.0,
        })
        .collect()
}

/// Returns hourly candles of a market that wanders, with calm and wild stretches; the same for the same seed.
pub fn random_walk(seed: u64, bars: usize) -> Vec<Candle> {
    let mut random = Random { state: seed };
    let mut close = 10_000.0;
    let mut volatility = 0.01;
    (0..)
        .take(bars)
        .map(|hour| {
            let open = close;
            volatility = (volatility * (1.0 + 0.2 * random.next())).clamp(0.002, 0.03);
            close = open * (1.0 + volatility * random.next());
            let volume = 10.0 * (1.5 + random.next());
            Candle {
                open_time: hour * CANDLE_MS,
                open,
                high: open.max(close) * (1.0 + volatility * random.next().abs() / 2.0),
                low: open.min(close) * (1.0 - volatility * random.next().abs() / 2.0),
                close,
                volume,
                volume_delta: volume * random.next(),
                imbalance: random.next(),
            }
        })
        .collect()
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, and the same everywhere.
struct Random {
    state: u64,
}

impl Random {
    /// Returns a number in -1..1.
    fn next(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        // The 53 bits that fit into a float exactly.
        (bits >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// Returns an instrument to open sessions on: hourly BTC/USDT.
pub fn instrument() -> Instrument {
    Instrument { exchange: "test".to_owned(), symbol: "BTC/USDT".to_owned(), timeframe: Timeframe::H1, tick_size: 0.01 }
}

/// Returns what the strategy says about itself.
pub fn manifest<S: Strategy>() -> Manifest {
    crate::manifest::manifest::<S>()
}

/// A native session: what the host does with a component, without the component.
pub struct Session<S> {
    strategy: S,
    bars_shown: usize,
}

impl<S> fmt::Debug for Session<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("bars_shown", &self.bars_shown).finish_non_exhaustive()
    }
}

impl<S: Strategy> Session<S> {
    /// Opens a session on [`instrument`].
    ///
    /// # Errors
    /// The strategy's own.
    pub fn open(parameters: &S::Parameters) -> Result<Self, StrategyError> {
        Self::open_on(&instrument(), parameters)
    }

    /// Opens a session on an instrument of your choice.
    ///
    /// # Errors
    /// The strategy's own.
    pub fn open_on(instrument: &Instrument, parameters: &S::Parameters) -> Result<Self, StrategyError> {
        // By way of the contract's values, as the host would.
        let parameters = S::Parameters::from_values(&parameters.to_values());
        Ok(Self { strategy: S::open(instrument, &parameters)?, bars_shown: 0 })
    }

    /// Returns how many bars the strategy wants to be shown before its first signal counts.
    pub fn warm_up_bars(&self) -> usize {
        self.strategy.warm_up_bars()
    }

    /// Shows more candles, in one call, and returns the signals with the number of their bar, counted from the first
    /// candle this session was shown.
    pub fn show(&mut self, candles: &[Candle]) -> Vec<(usize, Signal<S>)> {
        let first = self.bars_shown;
        self.bars_shown += candles.len();
        show(&mut self.strategy, &columns::<S>(candles))
            .into_iter()
            .map(|signal| (first + signal.bar as usize, Signal::of(signal)))
            .collect()
    }
}

/// Runs one session over all the candles and returns every signal with the number of its bar.
///
/// # Errors
/// The strategy's own, at opening.
pub fn run<S: Strategy>(
    parameters: &S::Parameters,
    candles: &[Candle],
) -> Result<Vec<(usize, Signal<S>)>, StrategyError> {
    Ok(Session::open(parameters)?.show(candles))
}

/// Checks that the signals do not depend on how the candles are cut into calls, nor on candles still to come.
///
/// # Panics
/// Naming the cut, the bar and both answers, where they do; or if the session does not open.
pub fn assert_cut_invariant<S: Strategy>(parameters: &S::Parameters, candles: &[Candle]) {
    let whole = open::<S>(parameters).show(candles);
    for bars_per_call in [1, 2, 7, 61] {
        let mut session = open::<S>(parameters);
        let cut: Vec<_> = candles.chunks(bars_per_call).flat_map(|call| session.show(call)).collect();
        assert_same_signals(&format!("shown {bars_per_call} bars a call"), &cut, &whole);
    }
    for bars in [candles.len() / 3, candles.len() / 2, candles.len().saturating_sub(1)] {
        let truncated = open::<S>(parameters).show(&candles[..bars]);
        let before_cut: Vec<_> = whole.iter().copied().filter(|(bar, _)| *bar < bars).collect();
        assert_same_signals(&format!("shown only the first {bars} bars"), &truncated, &before_cut);
    }
}

/// Checks that a session begun anywhere, after its warm-up, gives the signals of one that saw everything before.
///
/// # Panics
/// Naming the beginning, the bar and both answers, where it does not; or if the session does not open, or the candles
/// are too few for more than the warm-up.
pub fn assert_warm_up_suffices<S: Strategy>(parameters: &S::Parameters, candles: &[Candle]) {
    let warm_up = open::<S>(parameters).warm_up_bars();
    assert!(
        candles.len() >= 2 * warm_up + 10,
        "{} candles are too few to judge a warm-up of {warm_up}: give at least twice as many and ten",
        candles.len()
    );
    let endless = open::<S>(parameters).show(candles);
    let later_starts = candles.len() - warm_up;
    for nth in 1..=10 {
        let boundary = warm_up + nth * later_starts / 11;
        let first_shown = boundary - warm_up;
        let from_boundary: Vec<_> = open::<S>(parameters)
            .show(&candles[first_shown..])
            .into_iter()
            .map(|(bar, signal)| (first_shown + bar, signal))
            .filter(|(bar, _)| *bar >= boundary)
            .collect();
        let expected: Vec<_> = endless.iter().copied().filter(|(bar, _)| *bar >= boundary).collect();
        let situation = format!("begun at bar {boundary} after {warm_up} bars of warm-up");
        assert_same_advice(&situation, &from_boundary, &expected);
    }
}

/// Checks that a strategy's README lists its parameters as the code has them: a row for each, in a table of name, range,
/// default and meaning.
///
/// # Panics
/// With the whole table, to be copied, where a row is missing or out of date.
pub fn assert_readme_lists_parameters<S: Strategy>(readme: &str) {
    let rows: Vec<String> = manifest::<S>().parameters.iter().map(parameter_row).collect();
    let stale = rows.iter().find(|row| !readme.lines().any(|line| line == row.as_str()));
    assert!(
        stale.is_none(),
        "the README of {} does not list its parameters as the code has them; the table is:\n\n\
         | parameter | range | default | meaning |\n|---|---|---|---|\n{}\n",
        S::ID,
        rows.join("\n")
    );
}

fn parameter_row(parameter: &Parameter) -> String {
    let (range, default) = match &parameter.kind {
        ParameterKind::Integer(range) => (format!("{} to {}", range.minimum, range.maximum), range.default.to_string()),
        ParameterKind::Real(range) => (format!("{} to {}", range.minimum, range.maximum), range.default.to_string()),
        ParameterKind::Boolean(default) => ("true, false".to_owned(), default.to_string()),
        ParameterKind::Choice(choice) => (choice.options.join(", "), choice.options[choice.default as usize].clone()),
    };
    format!("| `{}` | {range} | {default} | {} |", parameter.name, parameter.description)
}

fn open<S: Strategy>(parameters: &S::Parameters) -> Session<S> {
    Session::open(parameters).unwrap_or_else(|error| panic!("{} does not open a session: {error:?}", S::ID))
}

fn assert_same_signals<S: Strategy>(situation: &str, answer: &[(usize, Signal<S>)], expected: &[(usize, Signal<S>)]) {
    assert_pairwise(situation, answer, expected, |one, other| one == other);
}

/// Numbers may differ by the rounding that an indicator carries from far back; what is advised, and why, may not.
fn assert_same_advice<S: Strategy>(situation: &str, answer: &[(usize, Signal<S>)], expected: &[(usize, Signal<S>)]) {
    assert_pairwise(situation, answer, expected, |one, other| one.0 == other.0 && one.1.is_close_to(&other.1));
}

fn assert_pairwise<S: Strategy>(
    situation: &str,
    answer: &[(usize, Signal<S>)],
    expected: &[(usize, Signal<S>)],
    same: impl Fn(&(usize, Signal<S>), &(usize, Signal<S>)) -> bool,
) {
    let longer = answer.len().max(expected.len());
    let differs = |nth: &usize| match (answer.get(*nth), expected.get(*nth)) {
        (Some(one), Some(other)) => !same(one, other),
        _ => true,
    };
    if let Some(nth) = (0..longer).find(differs) {
        panic!(
            "{}, {situation}, answers differently:\n  answered {:?}\n  expected {:?}",
            S::ID,
            answer.get(nth),
            expected.get(nth)
        );
    }
}

/// Returns the declared columns of `candles` and leaves the others empty, as the host does.
fn columns<S: Strategy>(candles: &[Candle]) -> Bars {
    fn column<S: Strategy, T>(column: Column, candles: &[Candle], value: impl Fn(&Candle) -> T) -> Vec<T> {
        if column.is_in(S::COLUMNS) { candles.iter().map(value).collect() } else { Vec::new() }
    }
    Bars {
        open_time: column::<S, _>(Column::OpenTime, candles, |candle| candle.open_time),
        open: column::<S, _>(Column::Open, candles, |candle| candle.open),
        high: column::<S, _>(Column::High, candles, |candle| candle.high),
        low: column::<S, _>(Column::Low, candles, |candle| candle.low),
        close: column::<S, _>(Column::Close, candles, |candle| candle.close),
        volume: column::<S, _>(Column::Volume, candles, |candle| candle.volume),
        volume_delta: column::<S, _>(Column::VolumeDelta, candles, |candle| candle.volume_delta),
        imbalance: column::<S, _>(Column::Imbalance, candles, |candle| candle.imbalance),
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::{assert_cut_invariant, assert_readme_lists_parameters, assert_warm_up_suffices, random_walk, run};
    use crate::contract::ParameterKind;
    use crate::indicators::Ema;
    use crate::prelude::*;

    crate::labels! {
        /// Patterns of the tests.
        enum Pattern {
            /// The price lies above its average.
            Above,
            /// The price lies below its average.
            Below,
        }
    }

    crate::parameters! {
        /// Settings of the tests.
        struct Settings {
            /// Bars of the average.
            period: usize in 1..=100, default 20;
            /// Bars of warm-up.
            warm_up: u32 in 0..=1000, default 300;
            /// Whether the strategy remembers what is not in its session.
            cheats: bool, default false;
        }
    }

    /// Says on which side of its average the price begins to lie.
    struct SideOfAverage {
        average: Ema,
        settings: Settings,
        above: Onset,
        below: Onset,
    }

    thread_local! {
        /// What a strategy must not have: a memory that outlives its sessions.
        static BARS_EVER_SEEN: Cell<u32> = const { Cell::new(0) };
    }

    impl Strategy for SideOfAverage {
        const ID: &'static str = "side-of-average";
        const DESCRIPTION: &'static str = "";
        const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
        const COLUMNS: &'static [Column] = &[Column::Close];
        type Parameters = Settings;
        type Pattern = Pattern;
        type Reason = NoLabels;
        type Warning = NoLabels;

        fn open(_: &Instrument, settings: &Settings) -> Result<Self, StrategyError> {
            let average = Ema::new(settings.period);
            Ok(Self { average, settings: settings.clone(), above: Onset::new(), below: Onset::new() })
        }

        fn warm_up_bars(&self) -> usize {
            self.settings.warm_up as usize
        }

        fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
            let average = self.average.update(bar.close())?;
            let bars_ever_seen = BARS_EVER_SEEN.replace(BARS_EVER_SEEN.get() + 1);
            let above = self.above.begins(bar.close() > average);
            let below = self.below.begins(bar.close() < average);
            if self.settings.cheats && bars_ever_seen.is_multiple_of(17) {
                return None;
            }
            match (above, below) {
                (true, _) => Some(Signal::buy(Pattern::Above)),
                (_, true) => Some(Signal::sell(Pattern::Below)),
                _ => None,
            }
        }
    }

    #[test]
    fn an_honest_strategy_with_enough_warm_up_passes() {
        assert_cut_invariant::<SideOfAverage>(&Settings::default(), &random_walk(1, 1_000));
        assert_warm_up_suffices::<SideOfAverage>(&Settings::default(), &random_walk(1, 1_000));
    }

    #[test]
    #[should_panic(expected = "side-of-average, shown 1 bars a call, answers differently")]
    fn memory_outside_the_session_is_found() {
        assert_cut_invariant::<SideOfAverage>(
            &Settings { cheats: true, ..Settings::default() },
            &random_walk(1, 1_000),
        );
    }

    #[test]
    #[should_panic(expected = "after 20 bars of warm-up, answers differently")]
    fn too_short_a_warm_up_is_found() {
        let settings = Settings { warm_up: 20, ..Settings::default() };
        assert_warm_up_suffices::<SideOfAverage>(&settings, &random_walk(1, 1_000));
    }

    #[test]
    #[should_panic(expected = "give at least twice as many and ten")]
    fn too_few_candles_to_judge_a_warm_up_are_refused() {
        assert_warm_up_suffices::<SideOfAverage>(&Settings::default(), &random_walk(1, 600));
    }

    #[test]
    fn a_random_walk_is_the_same_every_time_and_made_of_candles() {
        let candles = random_walk(5, 5_000);
        assert_eq!(candles, random_walk(5, 5_000));
        assert_ne!(candles, random_walk(6, 5_000));
        for (candle, next) in candles.iter().zip(&candles[1..]) {
            assert!(0.0 < candle.low && candle.low <= candle.open.min(candle.close));
            assert!(candle.open.max(candle.close) <= candle.high && candle.high.is_finite());
            assert!(candle.volume > 0.0 && candle.volume_delta.abs() <= candle.volume && candle.imbalance.abs() <= 1.0);
            assert!(candle.open_time < next.open_time);
        }
    }

    #[test]
    fn a_session_goes_on_counting_bars_from_call_to_call() {
        let candles = random_walk(2, 300);
        let mut session = super::Session::<SideOfAverage>::open(&Settings::default()).unwrap();
        let cut = [session.show(&candles[..120]), session.show(&candles[120..])].concat();
        assert_eq!(cut, run::<SideOfAverage>(&Settings::default(), &candles).unwrap());
        assert!(cut.iter().any(|(bar, _)| *bar >= 120));
    }

    #[test]
    fn the_manifest_says_what_the_types_say() {
        let manifest = super::manifest::<SideOfAverage>();
        assert_eq!(manifest.id, "side-of-average");
        assert_eq!(manifest.columns, crate::contract::Columns::CLOSE);
        assert_eq!(manifest.timeframes, crate::contract::Timeframes::all());
        assert_eq!(manifest.patterns[1].name, "below");
        assert_eq!(manifest.parameters[1].name, "warm-up");
        assert_eq!(manifest.parameters[2].kind, ParameterKind::Boolean(false));
        assert!(manifest.reasons.is_empty() && manifest.warnings.is_empty());
    }

    #[test]
    #[should_panic(expected = "| `warm-up` | 0 to 1000 | 300 | Bars of warm-up. |")]
    fn a_readme_that_lags_behind_gets_the_table_to_copy() {
        assert_readme_lists_parameters::<SideOfAverage>("| `period` | 1 to 100 | 10 | Bars of the average. |");
    }
}
