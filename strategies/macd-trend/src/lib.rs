//! MACD trend: long while momentum builds up in the direction of the long trend.
//!
//! The MACD line is the distance between a fast and a slow exponential average; its crossing above its own average, the
//! signal line, says that the rise is gaining pace. Taken alone it fires in every sideways market, so by default the
//! strategy says `buy` only where the price also lies above a long average. It says `sell` on the bar on which the line
//! falls below its signal, whatever the trend. It fails where trends are shorter than its averages.

use sentinel_kit::indicators::{Cross, CrossOver, Macd, Sma};
use sentinel_kit::prelude::*;

parameters! {
    /// What the user may turn.
    pub struct Settings {
        /// Bars of the fast average.
        fast: usize in 2..=500, default 12;
        /// Bars of the slow average; more than those of the fast one.
        slow: usize in 3..=1000, default 26;
        /// Bars of the signal line, the average of the distance between them.
        signal: usize in 1..=200, default 9;
        /// Bars of the average that tells the long trend.
        trend: usize in 2..=2000, default 200;
        /// Whether to buy only above that average.
        only_with_trend: bool, default true;
    }
}

labels! {
    /// What the strategy recognises.
    pub enum Pattern {
        /// The MACD line rose above its signal line.
        MomentumUp,
        /// The MACD line fell below its signal line.
        MomentumDown,
    }
}

labels! {
    /// Why the strategy says so.
    pub enum Reason {
        /// The move up is gaining pace.
        PaceRising,
        /// The move up is losing pace.
        PaceFalling,
        /// The price lies above its long average.
        TrendUp,
        /// The fast average lies above the slow one: the move up is under way.
        AboveZero,
        /// The fast average lies below the slow one: a move down is under way.
        BelowZero,
    }
}

labels! {
    /// What speaks against a signal.
    pub enum Warning {
        /// The price lies below its long average.
        AgainstTrend,
        /// The fast average still lies below the slow one: so far the fall only slows down.
        StillFalling,
    }
}

/// What the first closes may still weigh in the averages when signals begin to count.
const FORGOTTEN: f64 = 1e-8;

/// One session of the strategy.
#[derive(Debug)]
pub struct MacdTrend {
    macd: Macd,
    trend: Sma,
    cross: CrossOver,
    only_with_trend: bool,
}

impl Strategy for MacdTrend {
    const ID: &'static str = "macd-trend";
    const DESCRIPTION: &'static str = "Buys when the MACD line rises above its signal line while the price lies above \
        its long average, and sells when the line falls below the signal. Works in trends that last longer than its \
        averages; fails in short swings.";
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
            macd: Macd::new(settings.fast, settings.slow, settings.signal),
            trend: Sma::new(settings.trend),
            cross: CrossOver::new(),
            only_with_trend: settings.only_with_trend,
        })
    }

    /// One bar more than the indicators need, so that the first bar that counts has a side to cross from.
    fn warm_up_bars(&self) -> usize {
        self.macd.settled_bars(FORGOTTEN).max(self.trend.warm_up_bars()) + 1
    }

    fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
        let trend = self.trend.update(bar.close());
        let macd = self.macd.update(bar.close())?;
        // Put on top of the price, so that a histogram too small to matter beside the price counts as touching zero: in
        // a market that stands still it is nothing but rounding.
        let cross = self.cross.update(bar.close() + macd.histogram, bar.close())?;
        let above_zero = macd.line > 0.0;
        match cross {
            Cross::Above => self.buy(trend.is_some_and(|trend| bar.close() > trend), above_zero),
            Cross::Below => Some(sell(above_zero)),
        }
    }
}

impl MacdTrend {
    fn buy(&self, with_trend: bool, above_zero: bool) -> Option<Signal<Self>> {
        let signal = match (with_trend, above_zero) {
            (false, _) if self.only_with_trend => return None,
            (true, true) => Signal::strong_buy(Pattern::MomentumUp).confidence(75.0),
            (true, false) | (false, true) => Signal::buy(Pattern::MomentumUp).confidence(60.0),
            (false, false) => Signal::buy(Pattern::MomentumUp).confidence(40.0),
        };
        Some(
            signal
                .reason(Reason::PaceRising)
                .reason_if(with_trend, Reason::TrendUp)
                .reason_if(above_zero, Reason::AboveZero)
                .warning_if(!with_trend, Warning::AgainstTrend)
                .warning_if(!above_zero, Warning::StillFalling),
        )
    }
}

fn sell(above_zero: bool) -> Signal<MacdTrend> {
    if above_zero {
        Signal::sell(Pattern::MomentumDown).confidence(60.0).reason(Reason::PaceFalling)
    } else {
        Signal::strong_sell(Pattern::MomentumDown)
            .confidence(75.0)
            .reason(Reason::PaceFalling)
            .reason(Reason::BelowZero)
    }
}

sentinel_kit::export_strategy!(MacdTrend);

#[cfg(test)]
mod tests {
    use sentinel_kit::testing::{
        assert_cut_invariant, assert_readme_lists_parameters, assert_warm_up_suffices, candles_from_closes,
        random_walk, run,
    };

    use super::*;

    fn settings() -> Settings {
        Settings { fast: 2, slow: 4, signal: 2, trend: 3, only_with_trend: true }
    }

    fn signals(settings: Settings, closes: &[f64]) -> Vec<(usize, Signal<MacdTrend>)> {
        run::<MacdTrend>(&settings, &candles_from_closes(closes)).unwrap()
    }

    /// Falls, turns on bar 8, turns again on bar 13.
    const FALL_RISE_FALL: [f64; 16] =
        [20.0, 19.0, 18.0, 17.0, 16.0, 14.0, 12.0, 10.0, 13.0, 16.0, 19.0, 22.0, 25.0, 22.0, 18.0, 14.0];

    #[test]
    fn buys_when_momentum_turns_up_and_sells_when_it_turns_down() {
        let signals = signals(settings(), &FALL_RISE_FALL);
        assert_eq!(signals.iter().map(|(bar, _)| *bar).collect::<Vec<_>>(), [8, 13], "{signals:?}");
        assert!(signals[0].1.is_buy() && signals[0].1.has_warning(Warning::StillFalling));
        assert!(signals[1].1.is_sell() && signals[1].1.has_reason(Reason::PaceFalling));
    }

    #[test]
    fn a_turn_below_the_long_average_is_bought_only_if_the_user_says_so() {
        let long_average = Settings { trend: 8, ..settings() };
        let filtered = signals(long_average.clone(), &FALL_RISE_FALL);
        assert!(filtered.iter().all(|(_, signal)| !signal.is_buy()), "{filtered:?}");

        let all = signals(Settings { only_with_trend: false, ..long_average }, &FALL_RISE_FALL);
        assert!(all[0].1.is_buy() && all[0].1.has_warning(Warning::AgainstTrend), "{all:?}");
    }

    #[test]
    fn a_market_that_stands_still_has_no_momentum() {
        let closes = [&FALL_RISE_FALL[..], &[14.1; 2_000]].concat();
        assert!(signals(settings(), &closes).iter().all(|(bar, _)| *bar < 40));
    }

    #[test]
    fn slow_not_above_fast_is_refused_by_name() {
        let error = run::<MacdTrend>(&Settings { fast: 26, ..Settings::default() }, &[]).unwrap_err();
        assert_eq!(error, Settings::slow.invalid("must be above fast"));
    }

    #[test]
    fn the_readme_lists_the_parameters() {
        assert_readme_lists_parameters::<MacdTrend>(include_str!("../README.md"));
    }

    #[test]
    fn signals_do_not_depend_on_cuts_or_on_where_the_session_begins() {
        let candles = random_walk(5, 3_000);
        assert_cut_invariant::<MacdTrend>(&Settings::default(), &candles);
        assert_warm_up_suffices::<MacdTrend>(&Settings::default(), &candles);
    }
}
