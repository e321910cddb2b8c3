//! Laws that every indicator keeps, on candles made up by proptest: flat stretches, jumps and dead volume among them.

use proptest::prelude::*;
use sentinel_kit::indicators::{
    Adx, Atr, Bollinger, Delay, Donchian, Ema, Highest, LinearSlope, Lowest, Macd, RollingSum, RollingVwap, Rsi, Sma,
    StandardDeviation, Stochastic, SwingPoints, TrueRange, Wma, ZScore,
};

#[derive(Debug, Clone, Copy)]
struct Bar {
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

/// Prices in cents that mostly step, sometimes stand still and now and then jump by up to a hundredfold.
fn bars() -> impl Strategy<Value = Vec<Bar>> {
    let step = prop_oneof![
        3 => (-300_i32..300).prop_map(|bps| 1.0 + f64::from(bps) * 1e-4),
        2 => Just(1.0),
        1 => 0.1_f64..10.0,
    ];
    let bar = (step, 0..50_u32, 0..50_u32, prop_oneof![Just(0.0), 1e-3..1e3]);
    (100.0_f64..50_000.0, prop::collection::vec(bar, 1..160)).prop_map(|(first, bars)| {
        let cents = |price: f64| (price.clamp(1.0, 1e6) * 100.0).round() / 100.0;
        let mut close = first;
        bars.into_iter()
            .map(|(step, above, below, volume)| {
                close = cents(close * step);
                let (high, low) = (cents(close + f64::from(above) * 0.01), cents(close - f64::from(below) * 0.01));
                Bar { high, low, close, volume }
            })
            .collect()
    })
}

/// An indicator under test: how to make it, its warm-up, and all it answers on a bar (empty while warming up).
struct Subject {
    name: &'static str,
    warm_up_bars: usize,
    make: Box<dyn Fn() -> Stream>,
}

/// Takes in a bar; answers what `update` and then what `value` return.
type Stream = Box<dyn FnMut(&Bar) -> (Vec<f64>, Vec<f64>)>;

macro_rules! subject {
    ($name:expr, $make:expr, |$bar:ident| $update:ident($($column:expr),*), |$output:ident| $numbers:expr) => {
        Subject {
            name: $name,
            warm_up_bars: $make.warm_up_bars(),
            make: Box::new(move || {
                let mut indicator = $make;
                Box::new(move |$bar: &Bar| {
                    let updated = indicator.$update($($column),*);
                    let [updated, stands] =
                        [updated, indicator.value()].map(|output| output.map(|$output| $numbers.to_vec()));
                    (updated.unwrap_or_default(), stands.unwrap_or_default())
                })
            }),
        }
    };
}

/// Those whose memory is a window.
fn windowed(period: usize) -> Vec<Subject> {
    vec![
        subject!("sma", Sma::new(period), |bar| update(bar.close), |value| [value]),
        subject!("wma", Wma::new(period), |bar| update(bar.close), |value| [value]),
        subject!("rolling sum", RollingSum::new(period), |bar| update(bar.close), |value| [value]),
        subject!("deviation", StandardDeviation::new(period), |bar| update(bar.close), |value| [value]),
        subject!("bollinger", Bollinger::new(period, 2.0), |bar| update(bar.close), |bands| {
            [bands.upper, bands.middle, bands.lower]
        }),
        subject!("true range", TrueRange::new(), |bar| update(bar.high, bar.low, bar.close), |value| [value]),
        subject!("highest", Highest::new(period), |bar| update(bar.high), |value| [value]),
        subject!("lowest", Lowest::new(period), |bar| update(bar.low), |value| [value]),
        subject!("donchian", Donchian::new(period), |bar| update(bar.high, bar.low), |channel| {
            [channel.upper, channel.lower]
        }),
        subject!("slope", LinearSlope::new(period.max(2)), |bar| update(bar.close), |value| [value]),
        subject!("delay", Delay::new(period), |bar| update(bar.close), |value| [value]),
        subject!("stochastic", Stochastic::new(period, 3, 2), |bar| update(bar.high, bar.low, bar.close), |lines| {
            [lines.k, lines.d]
        }),
    ]
}

/// Those that have no value where there is nothing to divide by, so that the first may come late.
fn windowed_with_holes(period: usize) -> Vec<Subject> {
    vec![
        subject!("z-score", ZScore::new(period), |bar| update(bar.close), |value| [value]),
        subject!("vwap", RollingVwap::new(period), |bar| update(bar.high, bar.low, bar.close, bar.volume), |value| [
            value
        ]),
    ]
}

/// Those that carry a trace of their first bars.
fn fading(period: usize) -> Vec<Subject> {
    vec![
        subject!("ema", Ema::new(period), |bar| update(bar.close), |value| [value]),
        subject!("rsi", Rsi::new(period), |bar| update(bar.close), |value| [value]),
        subject!("macd", Macd::new(period, 2 * period, 3), |bar| update(bar.close), |value| {
            [value.line, value.signal, value.histogram]
        }),
        subject!("atr", Atr::new(period), |bar| update(bar.high, bar.low, bar.close), |value| [value]),
        subject!("adx", Adx::new(period), |bar| update(bar.high, bar.low, bar.close), |value| {
            [value.adx, value.plus, value.minus]
        }),
    ]
}

fn all(period: usize) -> Vec<Subject> {
    let mut all = windowed(period);
    all.extend(windowed_with_holes(period));
    all.extend(fading(period));
    all
}

fn run(subject: &Subject, bars: &[Bar]) -> Vec<Vec<f64>> {
    let mut stream = (subject.make)();
    bars.iter().map(|bar| stream(bar).0).collect()
}

proptest! {
    /// Whatever came before the window, the answer is that of an indicator which has seen the window alone.
    #[test]
    fn streaming_equals_the_window_taken_on_its_own(bars in bars(), period in 1_usize..25) {
        for subject in windowed(period).into_iter().chain(windowed_with_holes(period)) {
            let window_length = subject.warm_up_bars;
            for (end, streamed) in run(&subject, &bars).iter().enumerate().skip(window_length) {
                let window = &bars[end + 1 - window_length..=end];
                let alone = run(&subject, window).pop().unwrap();
                prop_assert_eq!(streamed.len(), alone.len(), "{} on bar {}", subject.name, end);
                // Prices move within some powers of ten here, and a jump stays in the running sums for one round more.
                let lately = &bars[(end + 1).saturating_sub(3 * window_length)..=end];
                let scale = lately.iter().map(|bar| bar.high).fold(0.0, f64::max);
                for (streamed, alone) in streamed.iter().zip(&alone) {
                    let allowed = match subject.name {
                        "z-score" | "stochastic" => 1e-6 * (1.0 + alone.abs()),
                        _ => 1e-12 * window_length as f64 * scale,
                    };
                    prop_assert!(
                        (streamed - alone).abs() <= allowed,
                        "{} of {period} on bar {end}: {streamed} instead of {alone}", subject.name
                    );
                }
            }
        }
    }

    #[test]
    fn value_repeats_what_update_answered(bars in bars(), period in 1_usize..25) {
        for subject in all(period) {
            let mut stream = (subject.make)();
            for bar in &bars {
                let (updated, stands) = stream(bar);
                prop_assert_eq!(updated, stands, "{}", subject.name);
            }
        }
    }

    #[test]
    fn the_first_value_comes_with_the_last_bar_of_the_warm_up(bars in bars(), period in 1_usize..25) {
        for subject in windowed(period).into_iter().chain(fading(period)) {
            let first = run(&subject, &bars).iter().position(|numbers| !numbers.is_empty());
            let expected = (bars.len() >= subject.warm_up_bars).then(|| subject.warm_up_bars - 1);
            prop_assert_eq!(first, expected, "{}", subject.name);
        }
    }

    /// Doubling is exact in binary, so prices quoted in another unit must give the very same digits: a tolerance that
    /// is right for BTC and wrong for a coin worth 1e-9 would show here.
    #[test]
    fn the_unit_of_the_price_does_not_matter(bars in bars(), period in 1_usize..25, doublings in -60_i32..20) {
        let unit = 2.0_f64.powi(doublings);
        let converted: Vec<Bar> = bars
            .iter()
            .map(|bar| Bar { high: bar.high * unit, low: bar.low * unit, close: bar.close * unit, ..*bar })
            .collect();
        for subject in all(period) {
            let is_ratio = matches!(subject.name, "rsi" | "adx" | "stochastic" | "z-score");
            let in_unit = if is_ratio { 1.0 } else { unit };
            for (numbers, converted) in run(&subject, &bars).iter().zip(run(&subject, &converted)) {
                let expected: Vec<f64> = numbers.iter().map(|number| number * in_unit).collect();
                prop_assert_eq!(converted, expected, "{}", subject.name);
            }
        }
    }

    #[test]
    fn oscillators_stay_within_their_bounds(bars in bars(), period in 1_usize..25) {
        for subject in all(period) {
            if matches!(subject.name, "rsi" | "adx" | "stochastic") {
                for number in run(&subject, &bars).into_iter().flatten() {
                    prop_assert!((-1e-9..=100.0 + 1e-9).contains(&number), "{}: {number}", subject.name);
                }
            }
        }
    }

    /// A swing point is known after its right-hand bars and depends on no bar after them.
    #[test]
    fn swing_points_are_those_that_stand_out(bars in bars(), left in 1_usize..6, right in 1_usize..6) {
        let mut swings = SwingPoints::new(left, right);
        for (end, bar) in bars.iter().enumerate() {
            let found = swings.update(bar.high, bar.low);
            let pivot = end.checked_sub(right).filter(|&pivot| pivot >= left);
            let stands_out = |beats: fn(&Bar, &Bar) -> bool| {
                pivot.filter(|&pivot| {
                    (pivot - left..=end).all(|other| other == pivot || beats(&bars[pivot], &bars[other]))
                })
            };
            prop_assert_eq!(found.low, stands_out(|one, other| one.low < other.low).map(|pivot| bars[pivot].low));
            prop_assert_eq!(found.high, stands_out(|one, other| one.high > other.high).map(|pivot| bars[pivot].high));
        }
    }

    /// Two histories that differ by at most `spread` before, and not at all after, end closer than the tolerance.
    #[test]
    fn after_the_settled_bars_the_beginning_is_forgotten(
        beginning in prop::collection::vec((90.0_f64..110.0, 90.0_f64..110.0), 30),
        later in prop::collection::vec(90.0_f64..110.0, 1000),
        period in 1_usize..25,
        tolerance in 1e-9_f64..1e-3,
    ) {
        let settled = Ema::new(period).settled_bars(tolerance);
        let (mut one, mut other) = (Ema::new(period), Ema::new(period));
        for &(a, b) in beginning.iter().take(period) {
            one.update(a);
            other.update(b);
        }
        for &price in later.iter().cycle().take(settled - period) {
            one.update(price);
            other.update(price);
        }
        let difference = (one.value().unwrap() - other.value().unwrap()).abs();
        prop_assert!(difference <= 20.0 * tolerance + 1e-12, "{difference:e} after {settled} bars");
    }
}
