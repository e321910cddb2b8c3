//! Long while the price lies above its average.
//!
//! A strategy to start from. It is shown one closed bar after the other and answers with advice; it never sees
//! positions, money or orders. Change `on_bar` first.

use sentinel_kit::indicators::Sma;
use sentinel_kit::prelude::*;

parameters! {
    /// What the user may turn: `sentinel backtest … --param period=50`.
    pub struct Settings {
        /// Bars of the average.
        period: usize in 2..=1000, default 20;
        /// How far above the average the price must close, in percent of it.
        margin: f64 in 0.0..=50.0, default 1.0;
    }
}

labels! {
    /// What the strategy recognises. Each signal names one, and the report shows it.
    pub enum Pattern {
        /// The price closed above its average by more than the margin.
        ClosedAbove,
        /// The price closed below its average.
        ClosedBelow,
    }
}

labels! {
    /// Why the strategy says so. A signal carries any number of these.
    pub enum Reason {
        /// The average itself is higher than on the bar before.
        AverageRises,
    }
}

/// One session of the strategy: all the memory it has. The host opens a fresh one at fixed times.
#[derive(Debug)]
pub struct StrategyName {
    average: Sma,
    average_before: f64,
    margin: f64,
}

impl Strategy for StrategyName {
    const ID: &'static str = "strategy-name";
    const DESCRIPTION: &'static str = "Long while the price lies above its average. Works in trends; fails in \
        sideways markets, where the price crosses its average back and forth.";
    const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
    /// Reading a column that is not named here does not compile; each one that is named costs time.
    const COLUMNS: &'static [Column] = &[Column::Close];
    type Parameters = Settings;
    type Pattern = Pattern;
    type Reason = Reason;
    type Warning = NoLabels;

    fn open(_: &Instrument, settings: &Settings) -> Result<Self, StrategyError> {
        Ok(Self {
            average: Sma::new(settings.period),
            average_before: f64::NAN,
            margin: settings.margin / 100.0,
        })
    }

    /// The bars to be shown before the first signal counts: here until there is an average and one before it.
    fn warm_up_bars(&self) -> usize {
        self.average.warm_up_bars() + 1
    }

    fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
        let average = self.average.update(bar.close())?;
        let average_before = core::mem::replace(&mut self.average_before, average);
        if bar.close() > average * (1.0 + self.margin) {
            // Said on every such bar; the host buys once and then keeps what it has.
            let signal = Signal::buy(Pattern::ClosedAbove).confidence(60.0);
            Some(if average > average_before {
                signal.reason(Reason::AverageRises)
            } else {
                signal
            })
        } else if bar.close() < average {
            Some(Signal::sell(Pattern::ClosedBelow).confidence(60.0))
        } else {
            None
        }
    }
}

sentinel_kit::export_strategy!(StrategyName);

#[cfg(test)]
mod tests {
    use sentinel_kit::testing::{
        assert_cut_invariant, assert_warm_up_suffices, candles_from_closes, random_walk, run,
    };

    use super::*;

    #[test]
    fn buys_above_the_average_and_sells_below() {
        let settings = Settings {
            period: 2,
            margin: 0.0,
        };
        let candles = candles_from_closes(&[10.0, 10.0, 12.0, 9.0]);
        let signals = run::<StrategyName>(&settings, &candles).unwrap();
        assert!(signals[0].0 == 2 && signals[0].1.is_buy(), "{signals:?}");
        assert_eq!(
            signals[1],
            (3, Signal::sell(Pattern::ClosedBelow).confidence(60.0))
        );
    }

    /// The two laws every strategy obeys; `sentinel strategy check` tries them on the component.
    #[test]
    fn signals_do_not_depend_on_cuts_or_on_where_the_session_begins() {
        let candles = random_walk(1, 2_000);
        assert_cut_invariant::<StrategyName>(&Settings::default(), &candles);
        assert_warm_up_suffices::<StrategyName>(&Settings::default(), &candles);
    }
}
