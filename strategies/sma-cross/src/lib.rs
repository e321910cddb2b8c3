//! Moving-average cross: long while a fast average of the price is above a slow one.
//!
//! The oldest trend follower there is. While a trend lasts, recent prices lie above older ones, so the fast average lies
//! above the slow one; the strategy says `buy` on the bar on which the difference starts to exceed a threshold and
//! `sell` on the bar on which it stops to. It earns in long trends and pays for them in sideways markets, where the
//! averages cross back and forth and each crossing costs fees.

use sentinel_kit::indicators::Sma;
use sentinel_kit::prelude::*;

parameters! {
    /// What the user may turn.
    pub struct Settings {
        /// Bars of the fast average.
        fast: usize in 1..=2000, default 10;
        /// Bars of the slow average; more than those of the fast one.
        slow: usize in 2..=5000, default 30;
        /// How far the fast average must lie above the slow one, in quote currency.
        threshold: f64 in 0.0..=1e9, default 0.0;
    }
}

labels! {
    /// What the strategy recognises.
    pub enum Pattern {
        /// The fast average rose above the slow one by more than the threshold.
        CrossUp,
        /// The fast average no longer lies above the slow one by more than the threshold.
        CrossDown,
    }
}

labels! {
    /// Why the strategy says so.
    pub enum Reason {
        /// Recent prices lie above older ones: the trend is up.
        TrendUp,
        /// Recent prices no longer lie above older ones: the trend is over.
        TrendOver,
    }
}

labels! {
    /// What speaks against a signal.
    pub enum Warning {
        /// The price closed on the other side of the fast average: the cross may be late.
        PriceDisagrees,
    }
}

/// A fast average within a ten-billionth of the slow one is not above it: two averages of a price that stands still
/// differ by the rounding of their sums.
const HARDLY_ABOVE: f64 = 1.0 + 1e-10;

/// One session of the strategy.
#[derive(Debug)]
pub struct SmaCross {
    fast: Sma,
    slow: Sma,
    threshold: f64,
    was_above: bool,
}

impl Strategy for SmaCross {
    const ID: &'static str = "sma-cross";
    const DESCRIPTION: &'static str = "Long while a fast moving average of the close lies above a slow one by more than \
        a threshold. Works in long trends; fails in sideways markets, where the averages cross back and forth.";
    const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
    const COLUMNS: &'static [Column] = &[Column::Close];
    type Parameters = Settings;
    type Pattern = Pattern;
    type Reason = Reason;
    type Warning = Warning;

    fn open(_: &Instrument, settings: &Settings) -> Result<Self, StrategyError> {
        if settings.fast >= settings.slow {
            return Err(Settings::slow.invalid("must be above fast"));
        }
        Ok(Self {
            fast: Sma::new(settings.fast),
            slow: Sma::new(settings.slow),
            threshold: settings.threshold,
            was_above: false,
        })
    }

    /// After these the averages stand on the last bar of the warm-up, so that the next one shows a change.
    fn warm_up_bars(&self) -> usize {
        self.slow.warm_up_bars()
    }

    fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
        let fast = self.fast.update(bar.close());
        let slow = self.slow.update(bar.close())?;
        let fast = fast?;
        let is_above = fast > slow * HARDLY_ABOVE + self.threshold;
        if is_above == self.was_above {
            return None;
        }
        self.was_above = is_above;
        Some(if is_above {
            Signal::buy(Pattern::CrossUp)
                .confidence(60.0)
                .reason(Reason::TrendUp)
                .warning_if(bar.close() < fast, Warning::PriceDisagrees)
        } else {
            Signal::sell(Pattern::CrossDown)
                .confidence(60.0)
                .reason(Reason::TrendOver)
                .warning_if(bar.close() > fast, Warning::PriceDisagrees)
        })
    }
}

sentinel_kit::export_strategy!(SmaCross);

#[cfg(test)]
mod tests {
    use sentinel_kit::testing::{
        assert_cut_invariant, assert_readme_lists_parameters, assert_warm_up_suffices, candles_from_closes,
        random_walk, run,
    };

    use super::*;

    fn settings(fast: usize, slow: usize, threshold: f64) -> Settings {
        Settings { fast, slow, threshold }
    }

    fn check(settings: Settings, closes: &[f64], expected: &[(usize, SignalType)]) {
        let signals = run::<SmaCross>(&settings, &candles_from_closes(closes)).unwrap();
        let advice: Vec<_> = signals.iter().map(|(bar, signal)| (*bar, signal.signal_type())).collect();
        assert_eq!(advice, expected);
    }

    #[test]
    fn buys_when_the_fast_average_rises_above_the_slow_one_and_sells_when_it_falls_back() {
        check(settings(1, 2, 0.0), &[5.0, 4.0, 6.0, 7.0, 6.0, 5.0], &[(2, SignalType::Buy), (4, SignalType::Sell)]);
    }

    #[test]
    fn a_first_average_already_above_is_an_entry() {
        check(settings(1, 3, 0.0), &[1.0, 2.0, 3.0, 4.0], &[(2, SignalType::Buy)]);
    }

    #[test]
    fn equal_averages_are_not_above() {
        check(settings(1, 2, 0.0), &[5.0, 5.0, 5.0, 6.0, 6.0], &[(3, SignalType::Buy), (4, SignalType::Sell)]);
    }

    #[test]
    fn the_difference_must_exceed_the_threshold() {
        check(settings(1, 2, 0.5), &[4.0, 4.0, 5.0, 6.5], &[(3, SignalType::Buy)]);
    }

    /// 0.1 has no exact form: sums of three and of seven of it, divided by three and by seven, are not quite the same.
    #[test]
    fn a_market_that_stands_still_crosses_nothing() {
        check(settings(3, 7, 0.0), &[0.1; 100], &[]);
    }

    #[test]
    fn a_price_below_the_fast_average_is_a_warning_on_a_buy() {
        let closes = [9.0, 9.0, 9.0, 3.0, 11.0, 10.0];
        let signals = run::<SmaCross>(&settings(2, 5, 0.0), &candles_from_closes(&closes)).unwrap();
        assert!(signals[0].1.is_buy() && signals[0].1.has_warning(Warning::PriceDisagrees), "{signals:?}");
    }

    #[test]
    fn slow_not_above_fast_is_refused_by_name() {
        let error = run::<SmaCross>(&settings(30, 30, 0.0), &[]).unwrap_err();
        assert_eq!(error, Settings::slow.invalid("must be above fast"));
    }

    #[test]
    fn the_readme_lists_the_parameters() {
        assert_readme_lists_parameters::<SmaCross>(include_str!("../README.md"));
    }

    #[test]
    fn signals_do_not_depend_on_cuts_or_on_where_the_session_begins() {
        let candles = random_walk(7, 2_000);
        assert_cut_invariant::<SmaCross>(&Settings::default(), &candles);
        assert_warm_up_suffices::<SmaCross>(&settings(10, 30, 1e-5), &candles);
    }
}
