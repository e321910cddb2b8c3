//! Bollinger breakout: long when the price leaves its usual range upwards, until it falls back to the middle.
//!
//! The bands lie two standard deviations around an average: a close above them is a move larger than what was usual
//! lately, and large moves come in clusters. Best when the bands had been narrow before (a *squeeze*: quiet markets end
//! in loud ones) and when more is traded than usual. The strategy says `buy` on the bar on which the price leaves the
//! bands upwards and `sell` on the bar on which it falls below the middle. It fails in markets that swing widely
//! around a level, where every breakout is the top.

use sentinel_kit::indicators::{Bands, Bollinger, Lowest, Sma};
use sentinel_kit::prelude::*;

parameters! {
    /// What the user may turn.
    pub struct Settings {
        /// Bars that the bands look back on.
        period: usize in 2..=500, default 20;
        /// Distance of the bands from the average, in standard deviations.
        deviations: f64 in 0.5..=5.0, default 2.0;
        /// Bars over which the bands are compared with themselves to be called narrow.
        squeeze: usize in 2..=2000, default 120;
    }
}

labels! {
    /// What the strategy recognises.
    pub enum Pattern {
        /// The price closed above the upper band.
        BreakoutUp,
        /// The price closed below the middle of the bands.
        BackToMiddle,
    }
}

labels! {
    /// Why the strategy says so.
    pub enum Reason {
        /// The price moved up further than was usual lately.
        LargeMove,
        /// The bands were about as narrow as they have been for long.
        AfterSqueeze,
        /// More was traded than on an average bar.
        VolumeHigh,
        /// The move has been taken back.
        MoveOver,
    }
}

labels! {
    /// What speaks against a signal.
    pub enum Warning {
        /// No more was traded than on an average bar.
        VolumeLow,
    }
}

/// Bands up to this much wider than the narrowest of the squeeze window still count as narrow.
const NARROW: f64 = 1.25;

/// One session of the strategy.
#[derive(Debug)]
pub struct BollingerBreakout {
    bollinger: Bollinger,
    narrowest: Lowest,
    volume_average: Sma,
    last_bandwidth: Option<f64>,
    breakout: Onset,
    fall_back: Onset,
}

impl Strategy for BollingerBreakout {
    const ID: &'static str = "bollinger-breakout";
    const DESCRIPTION: &'static str = "Buys when the price closes above its upper Bollinger band and sells when it \
        closes below the middle one, where the stop lies from the beginning. Works when quiet markets become loud; \
        fails in wide swings around a level.";
    const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
    const COLUMNS: &'static [Column] = &[Column::Close, Column::Volume];
    type Parameters = Settings;
    type Pattern = Pattern;
    type Reason = Reason;
    type Warning = Warning;

    fn open(_: &Instrument, settings: &Settings) -> Result<Self, StrategyError> {
        Ok(Self {
            bollinger: Bollinger::new(settings.period, settings.deviations),
            narrowest: Lowest::new(settings.squeeze),
            volume_average: Sma::new(settings.period),
            last_bandwidth: None,
            breakout: Onset::new(),
            fall_back: Onset::new(),
        })
    }

    /// The window of the squeeze is filled with bandwidths, the first of which comes with the first bands.
    fn warm_up_bars(&self) -> usize {
        self.bollinger.warm_up_bars() + self.narrowest.warm_up_bars()
    }

    fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
        let volume_average = self.volume_average.update(bar.volume());
        let bands = self.bollinger.update(bar.close())?;
        let after_squeeze = self.is_after_squeeze(bands.bandwidth());
        let breaks_out = self.breakout.begins(bar.close() > bands.upper);
        let falls_back = self.fall_back.begins(bar.close() < bands.middle);

        if breaks_out {
            let volume_high = volume_average.is_some_and(|average| bar.volume() > average);
            return Some(buy(bands, after_squeeze, volume_high));
        }
        falls_back.then(|| Signal::sell(Pattern::BackToMiddle).confidence(60.0).reason(Reason::MoveOver))
    }
}

impl BollingerBreakout {
    /// Returns whether the bands before this bar, whose move has already widened them, were narrow.
    fn is_after_squeeze(&mut self, bandwidth: f64) -> bool {
        let narrowest = self.narrowest.update(bandwidth);
        let before = self.last_bandwidth.replace(bandwidth);
        matches!((before, narrowest), (Some(before), Some(narrowest)) if before <= NARROW * narrowest)
    }
}

fn buy(bands: Bands, after_squeeze: bool, volume_high: bool) -> Signal<BollingerBreakout> {
    let signal = match (after_squeeze, volume_high) {
        (true, true) => Signal::strong_buy(Pattern::BreakoutUp).confidence(80.0),
        (true, false) | (false, true) => Signal::buy(Pattern::BreakoutUp).confidence(65.0),
        (false, false) => Signal::buy(Pattern::BreakoutUp).confidence(50.0),
    };
    signal
        .reason(Reason::LargeMove)
        .reason_if(after_squeeze, Reason::AfterSqueeze)
        .reason_if(volume_high, Reason::VolumeHigh)
        .warning_if(!volume_high, Warning::VolumeLow)
        .stop_loss(bands.middle)
}

sentinel_kit::export_strategy!(BollingerBreakout);

#[cfg(test)]
mod tests {
    use sentinel_kit::testing::{
        Candle, assert_cut_invariant, assert_readme_lists_parameters, assert_warm_up_suffices, candles_from_closes,
        random_walk, run,
    };

    use super::*;

    fn settings() -> Settings {
        Settings { period: 4, deviations: 1.5, squeeze: 3 }
    }

    fn signals(candles: &[Candle]) -> Vec<(usize, Signal<BollingerBreakout>)> {
        run::<BollingerBreakout>(&settings(), candles).unwrap()
    }

    /// Quiet, then a jump, then back.
    const JUMP: [f64; 9] = [100.0, 101.0, 100.0, 101.0, 100.0, 110.0, 112.0, 111.0, 100.0];

    #[test]
    fn buys_the_close_above_the_bands_and_sells_the_one_below_the_middle() {
        let signals = signals(&candles_from_closes(&JUMP));
        assert_eq!(signals.iter().map(|(bar, _)| *bar).collect::<Vec<_>>(), [4, 5, 8], "{signals:?}");
        assert!(signals[0].1.is_sell(), "the price wavers around the middle of the quiet bands");
        assert!(signals[1].1.is_buy() && signals[1].1.has_reason(Reason::AfterSqueeze));
        assert!(signals[2].1.is_sell() && signals[2].1.has_pattern(Pattern::BackToMiddle));
    }

    #[test]
    fn the_stop_lies_on_the_middle_band() {
        let signals = signals(&candles_from_closes(&JUMP));
        let middle = (100.0 + 101.0 + 100.0 + 110.0) / 4.0;
        let expected = Signal::buy(Pattern::BreakoutUp)
            .confidence(65.0)
            .reason(Reason::LargeMove)
            .reason(Reason::AfterSqueeze)
            .warning(Warning::VolumeLow)
            .stop_loss(middle);
        assert_eq!(signals[1], (5, expected));
    }

    #[test]
    fn a_breakout_of_quiet_bands_on_high_volume_is_a_strong_buy() {
        let mut candles = candles_from_closes(&JUMP);
        candles[5].volume = 9.0;
        assert_eq!(signals(&candles)[1].1.signal_type(), SignalType::StrongBuy);
    }

    #[test]
    fn a_market_that_stands_still_breaks_nothing() {
        assert_eq!(signals(&candles_from_closes(&[0.1; 50])), []);
    }

    #[test]
    fn the_readme_lists_the_parameters() {
        assert_readme_lists_parameters::<BollingerBreakout>(include_str!("../README.md"));
    }

    #[test]
    fn signals_do_not_depend_on_cuts_or_on_where_the_session_begins() {
        let candles = random_walk(3, 3_000);
        assert_cut_invariant::<BollingerBreakout>(&Settings::default(), &candles);
        assert_warm_up_suffices::<BollingerBreakout>(&Settings::default(), &candles);
    }
}
