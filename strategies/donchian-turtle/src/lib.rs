//! Donchian turtle: buys new highs with a stop in average true ranges, sells new lows.
//!
//! After the rules that Richard Dennis taught his "turtles" in 1983: a price above everything of the last weeks has
//! nobody left who waits to get out even, so it may run. The strategy says `buy` on the bar on which the close leaves
//! the entry channel upwards, with a stop some average true ranges below, and `sell` on the bar on which it leaves the
//! shorter exit channel downwards. Most breakouts fail and cost the distance to the stop; the few that run pay for
//! them. It fails in years without a long trend.

use sentinel_kit::indicators::{Atr, Donchian};
use sentinel_kit::prelude::*;

parameters! {
    /// What the user may turn.
    pub struct Settings {
        /// Bars of the channel whose upper bound is the entry.
        entry: usize in 2..=500, default 20;
        /// Bars of the channel whose lower bound is the exit; not more than those of the entry.
        exit: usize in 1..=500, default 10;
        /// Bars of the longer channel that makes a breakout a strong one; more than those of the entry.
        long_entry: usize in 3..=1000, default 55;
        /// Bars of the average true range.
        atr: usize in 1..=200, default 20;
        /// Distance of the stop below the close, in average true ranges.
        stop_atr: f64 in 0.1..=20.0, default 2.0;
    }
}

labels! {
    /// What the strategy recognises.
    pub enum Pattern {
        /// The price closed above the highest high of the entry channel.
        NewHigh,
        /// The price closed below the lowest low of the exit channel.
        NewLow,
    }
}

labels! {
    /// Why the strategy says so.
    pub enum Reason {
        /// Nobody who bought in the entry channel is at a loss.
        EntryChannelLeft,
        /// Nor has anybody who bought in the much longer one.
        LongChannelLeft,
        /// Everybody who bought in the exit channel is at a loss.
        ExitChannelLeft,
    }
}

labels! {
    /// What speaks against a signal.
    pub enum Warning {
        /// The stop lies more than a seventh of the price away: a loss will be large, or the quantity small.
        StopFarAway,
    }
}

/// What the first true ranges may still weigh in their average when signals begin to count.
const FORGOTTEN: f64 = 1e-8;

/// One session of the strategy.
#[derive(Debug)]
pub struct DonchianTurtle {
    entry: Donchian,
    exit: Donchian,
    long_entry: Donchian,
    atr: Atr,
    stop_atr: f64,
    new_high: Onset,
    new_low: Onset,
}

impl Strategy for DonchianTurtle {
    const ID: &'static str = "donchian-turtle";
    const DESCRIPTION: &'static str = "Buys a close above the channel of the last weeks, with a stop some average true \
        ranges below, and sells a close below a shorter channel: the turtle rules, long only. Works in years with a \
        long trend; fails, by many small losses, in those without.";
    const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
    const COLUMNS: &'static [Column] = &[Column::High, Column::Low, Column::Close];
    type Parameters = Settings;
    type Pattern = Pattern;
    type Reason = Reason;
    type Warning = Warning;

    fn open(_: &Instrument, settings: &Settings) -> Result<Self, StrategyError> {
        if settings.exit > settings.entry {
            return Err(Settings::exit.invalid("must not be above entry"));
        }
        if settings.long_entry <= settings.entry {
            return Err(Settings::long_entry.invalid("must be above entry"));
        }
        Ok(Self {
            entry: Donchian::new(settings.entry),
            exit: Donchian::new(settings.exit),
            long_entry: Donchian::new(settings.long_entry),
            atr: Atr::new(settings.atr),
            stop_atr: settings.stop_atr,
            new_high: Onset::new(),
            new_low: Onset::new(),
        })
    }

    /// One bar more than the longest channel, so that the last bar of the warm-up has a channel before it.
    fn warm_up_bars(&self) -> usize {
        self.atr.settled_bars(FORGOTTEN).max(self.long_entry.warm_up_bars() + 1)
    }

    fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
        let atr = self.atr.update(bar.high(), bar.low(), bar.close());
        for channel in [&mut self.entry, &mut self.exit, &mut self.long_entry] {
            channel.update(bar.high(), bar.low());
        }
        let leaves_upwards = |channel: &Donchian| channel.previous().is_some_and(|before| bar.close() > before.upper);
        let leaves_downwards = |channel: &Donchian| channel.previous().is_some_and(|before| bar.close() < before.lower);
        let new_high = self.new_high.begins(leaves_upwards(&self.entry));
        let new_low = self.new_low.begins(leaves_downwards(&self.exit));

        if new_low {
            return Some(Signal::sell(Pattern::NewLow).confidence(70.0).reason(Reason::ExitChannelLeft));
        }
        if new_high {
            return buy(bar.close(), self.stop_atr * atr?, leaves_upwards(&self.long_entry));
        }
        None
    }
}

/// Returns the advice to buy, unless the stop would have to lie below zero: a coin that moves by more than its price has
/// no channel worth the name.
fn buy(close: f64, stop_distance: f64, leaves_long_channel: bool) -> Option<Signal<DonchianTurtle>> {
    let stop = close - stop_distance;
    if stop <= 0.0 {
        return None;
    }
    let signal = if leaves_long_channel {
        Signal::strong_buy(Pattern::NewHigh).confidence(70.0)
    } else {
        Signal::buy(Pattern::NewHigh).confidence(50.0)
    };
    Some(
        signal
            .reason(Reason::EntryChannelLeft)
            .reason_if(leaves_long_channel, Reason::LongChannelLeft)
            .warning_if(stop_distance > close / 7.0, Warning::StopFarAway)
            .stop_loss(stop),
    )
}

sentinel_kit::export_strategy!(DonchianTurtle);

#[cfg(test)]
mod tests {
    use sentinel_kit::testing::{
        Candle, assert_cut_invariant, assert_readme_lists_parameters, assert_warm_up_suffices, candles_from_closes,
        random_walk, run,
    };

    use super::*;

    fn settings() -> Settings {
        Settings { entry: 3, exit: 2, long_entry: 5, atr: 1, stop_atr: 2.0 }
    }

    fn signals(settings: &Settings, candles: &[Candle]) -> Vec<(usize, Signal<DonchianTurtle>)> {
        run::<DonchianTurtle>(settings, candles).unwrap()
    }

    /// Falls, leaves the channel of three bars upwards on bar 5 and that of five on bar 7, falls out of that of two on
    /// bar 9.
    const BREAKOUT: [f64; 10] = [110.0, 104.0, 103.0, 102.5, 102.0, 105.0, 104.0, 112.0, 111.0, 101.0];

    #[test]
    fn buys_new_highs_and_sells_new_lows() {
        let signals = signals(&settings(), &candles_from_closes(&BREAKOUT));
        let types: Vec<_> = signals.iter().map(|(bar, signal)| (*bar, signal.signal_type())).collect();
        let expected = [(2, SignalType::Sell), (5, SignalType::Buy), (7, SignalType::StrongBuy), (9, SignalType::Sell)];
        assert_eq!(types, expected, "{signals:?}");
    }

    #[test]
    fn the_stop_lies_two_true_ranges_below_the_close() {
        let signals = signals(&settings(), &candles_from_closes(&BREAKOUT));
        let expected = Signal::buy(Pattern::NewHigh)
            .confidence(50.0)
            .reason(Reason::EntryChannelLeft)
            .stop_loss(105.0 - 2.0 * 3.0);
        assert_eq!(signals[1], (5, expected));
    }

    #[test]
    fn a_stop_far_from_the_price_is_a_warning_and_one_below_zero_no_entry() {
        let mut candles = candles_from_closes(&BREAKOUT);
        candles[5].low = 95.0;
        assert!(signals(&settings(), &candles)[1].1.has_warning(Warning::StopFarAway));
        candles[5].low = 40.0;
        assert!(signals(&settings(), &candles).iter().all(|(bar, _)| *bar != 5));
    }

    #[test]
    fn channels_the_wrong_way_round_are_refused_by_name() {
        let refused = |settings| run::<DonchianTurtle>(&settings, &[]).unwrap_err();
        assert_eq!(refused(Settings { exit: 4, ..settings() }), Settings::exit.invalid("must not be above entry"));
        assert_eq!(
            refused(Settings { long_entry: 3, ..settings() }),
            Settings::long_entry.invalid("must be above entry")
        );
    }

    #[test]
    fn the_readme_lists_the_parameters() {
        assert_readme_lists_parameters::<DonchianTurtle>(include_str!("../README.md"));
    }

    #[test]
    fn signals_do_not_depend_on_cuts_or_on_where_the_session_begins() {
        let candles = random_walk(9, 3_000);
        assert_cut_invariant::<DonchianTurtle>(&Settings::default(), &candles);
        assert_warm_up_suffices::<DonchianTurtle>(&Settings::default(), &candles);
    }
}
