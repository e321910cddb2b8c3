//! RSI reversion: buys when a fast fall ends, sells when the recovery is done.
//!
//! Prices that fell faster than usual tend to come part of the way back, because those who had to sell have sold. The
//! relative strength index says how much of the recent movement went up; the strategy says `buy` on the bar on which
//! it climbs back out of the oversold zone (not when it enters it: a fall can go on for long) and `sell` on the bar on
//! which it reaches the exit level. It fails in a crash that pauses and goes on.

use sentinel_kit::indicators::{Rsi, Sma};
use sentinel_kit::prelude::*;

parameters! {
    /// What the user may turn.
    pub struct Settings {
        /// Price changes that the index looks back on.
        period: usize in 2..=200, default 14;
        /// Reading of the index below which the price has fallen too fast.
        oversold: f64 in 1.0..=50.0, default 30.0;
        /// Reading at which the recovery is done; above oversold.
        exit: f64 in 10.0..=95.0, default 55.0;
        /// Bars of the average that tells a dip in a rise from one in a fall.
        trend: usize in 2..=1000, default 200;
        /// Whether to leave alone the dips that end below that average.
        only_with_trend: bool, default false;
    }
}

labels! {
    /// What the strategy recognises.
    pub enum Pattern {
        /// The index climbed back out of the oversold zone.
        FallEnded,
        /// The index reached the exit level.
        RecoveryDone,
    }
}

labels! {
    /// Why the strategy says so.
    pub enum Reason {
        /// The price had fallen unusually fast and stopped to.
        OversoldEnds,
        /// The price lies above its long average: a dip in a rise.
        TrendUp,
        /// The price came back as far as such recoveries usually go.
        ExitReached,
    }
}

labels! {
    /// What speaks against a signal.
    pub enum Warning {
        /// The price lies below its long average: perhaps a pause in a longer fall.
        AgainstTrend,
    }
}

/// What the first changes may still weigh in the index when signals begin to count: a reading off by 1e-6 at most.
const FORGOTTEN: f64 = 1e-8;

/// One session of the strategy.
#[derive(Debug)]
pub struct RsiReversion {
    rsi: Rsi,
    trend: Sma,
    settings: Settings,
    last_reading: Option<f64>,
}

impl Strategy for RsiReversion {
    const ID: &'static str = "rsi-reversion";
    const DESCRIPTION: &'static str = "Buys when the relative strength index climbs back out of the oversold zone and \
        sells when it reaches the exit level. Works where prices swing around a level or rise with dips; fails in a \
        crash that pauses and goes on.";
    const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
    const COLUMNS: &'static [Column] = &[Column::Close];
    type Parameters = Settings;
    type Pattern = Pattern;
    type Reason = Reason;
    type Warning = Warning;

    fn open(_: &Instrument, settings: &Settings) -> Result<Self, StrategyError> {
        if settings.exit <= settings.oversold {
            return Err(Settings::exit.invalid("must be above oversold"));
        }
        Ok(Self {
            rsi: Rsi::new(settings.period),
            trend: Sma::new(settings.trend),
            settings: settings.clone(),
            last_reading: None,
        })
    }

    /// One bar more than the indicators need, so that the first bar that counts has a reading before it.
    fn warm_up_bars(&self) -> usize {
        self.rsi.settled_bars(FORGOTTEN).max(self.trend.warm_up_bars()) + 1
    }

    fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
        let trend = self.trend.update(bar.close());
        // A reading of 0 is none: nothing has risen as far as the index remembers, mostly because nothing has moved.
        let reading = self.rsi.update(bar.close()).filter(|&reading| reading > 0.0);
        let before = core::mem::replace(&mut self.last_reading, reading)?;
        let reading = reading?;
        let climbs_to = |level: f64| before < level && level <= reading;

        if climbs_to(self.settings.exit) {
            return Some(Signal::sell(Pattern::RecoveryDone).confidence(70.0).reason(Reason::ExitReached));
        }
        climbs_to(self.settings.oversold).then(|| self.buy(trend.is_some_and(|trend| bar.close() > trend)))?
    }
}

impl RsiReversion {
    fn buy(&self, with_trend: bool) -> Option<Signal<Self>> {
        let signal = match (with_trend, self.settings.only_with_trend) {
            (true, _) => Signal::strong_buy(Pattern::FallEnded).confidence(75.0).reason(Reason::TrendUp),
            (false, false) => Signal::buy(Pattern::FallEnded).confidence(50.0).warning(Warning::AgainstTrend),
            (false, true) => return None,
        };
        Some(signal.reason(Reason::OversoldEnds))
    }
}

sentinel_kit::export_strategy!(RsiReversion);

#[cfg(test)]
mod tests {
    use sentinel_kit::testing::{
        assert_cut_invariant, assert_readme_lists_parameters, assert_warm_up_suffices, candles_from_closes,
        random_walk, run,
    };

    use super::*;

    /// With a period of 2 the index forgets half of what it knew on every bar, so that short examples suffice.
    fn settings() -> Settings {
        Settings { period: 2, trend: 2, ..Settings::default() }
    }

    fn signals(settings: Settings, closes: &[f64]) -> Vec<(usize, Signal<RsiReversion>)> {
        run::<RsiReversion>(&settings, &candles_from_closes(closes)).unwrap()
    }

    /// Readings from the third bar on: 50, 14, 5, 42, 81.
    const DIP_AND_RECOVERY: [f64; 7] = [100.0, 102.0, 100.0, 95.0, 90.0, 92.0, 98.0];

    #[test]
    fn buys_when_the_index_climbs_out_of_the_oversold_zone_and_sells_at_the_exit_level() {
        let signals = signals(settings(), &DIP_AND_RECOVERY);
        assert_eq!(signals.iter().map(|(bar, _)| *bar).collect::<Vec<_>>(), [5, 6]);
        assert!(signals[0].1.is_buy() && signals[0].1.has_reason(Reason::OversoldEnds));
        assert!(signals[1].1.is_sell() && signals[1].1.has_pattern(Pattern::RecoveryDone));
    }

    #[test]
    fn a_jump_over_both_levels_is_a_recovery_already_done() {
        let signals = signals(settings(), &[100.0, 102.0, 100.0, 95.0, 90.0, 120.0]);
        assert_eq!(signals.len(), 1);
        assert!(signals[0].1.is_sell());
    }

    #[test]
    fn a_dip_that_ends_below_the_average_carries_a_warning_or_is_left_alone() {
        let long_average = Settings { trend: 6, ..settings() };
        let warned = signals(long_average.clone(), &DIP_AND_RECOVERY);
        assert!(warned[0].1.has_warning(Warning::AgainstTrend), "{warned:?}");

        let left_alone = signals(Settings { only_with_trend: true, ..long_average }, &DIP_AND_RECOVERY);
        assert!(left_alone.iter().all(|(_, signal)| !signal.is_buy()), "{left_alone:?}");
    }

    #[test]
    fn a_market_that_stands_still_and_then_moves_is_not_oversold() {
        assert_eq!(signals(settings(), &[5.0, 5.0, 5.0, 5.0, 5.0, 5.1, 5.2]), []);
    }

    #[test]
    fn an_exit_below_the_entry_is_refused_by_name() {
        let error = run::<RsiReversion>(&Settings { exit: 30.0, ..settings() }, &[]).unwrap_err();
        assert_eq!(error, Settings::exit.invalid("must be above oversold"));
    }

    #[test]
    fn the_readme_lists_the_parameters() {
        assert_readme_lists_parameters::<RsiReversion>(include_str!("../README.md"));
    }

    #[test]
    fn signals_do_not_depend_on_cuts_or_on_where_the_session_begins() {
        let candles = random_walk(11, 3_000);
        assert_cut_invariant::<RsiReversion>(&Settings::default(), &candles);
        assert_warm_up_suffices::<RsiReversion>(&Settings::default(), &candles);
    }
}
