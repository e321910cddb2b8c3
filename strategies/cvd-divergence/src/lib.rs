//! CVD divergence: buys a lower low that sellers had to be fewer for.
//!
//! The cumulative volume delta adds up, bar by bar, how much more was bought than sold by those in a hurry. Where the
//! price makes a lower low and the delta a higher one, less selling has moved the price further: the sellers are
//! running out. The strategy says `buy` when such a low is confirmed, with the stop on the low itself, and `sell` on the
//! mirror image at a high, or once the lowest low of the last bars is lost. A swing is known only some bars after it
//! was made, so every entry is late by that much. It fails in one-way markets, where divergences pile up unheard.

use sentinel_kit::indicators::{Cvd, Divergence, Donchian, Lowest, SwingDivergence};
use sentinel_kit::prelude::*;

parameters! {
    /// What the user may turn.
    pub struct Settings {
        /// Bars before a swing point that must not reach as far.
        left: usize in 1..=100, default 5;
        /// Bars after a swing point that must not reach as far; each is a bar of delay.
        right: usize in 1..=50, default 3;
        /// Most bars between two swing points that are compared.
        bars_apart: usize in 2..=1000, default 60;
        /// Bars whose lowest low ends the trade when the price closes below it.
        exit: usize in 1..=500, default 20;
    }
}

labels! {
    /// What the strategy recognises.
    pub enum Pattern {
        /// A lower low of the price with a higher low of the volume delta.
        BullishDivergence,
        /// A higher high of the price with a lower high of the volume delta.
        BearishDivergence,
        /// The price closed below the lowest low of the last bars.
        SupportLost,
    }
}

labels! {
    /// Why the strategy says so.
    pub enum Reason {
        /// Less selling moved the price further down: sellers run out.
        SellersRunOut,
        /// Less buying moved the price further up: buyers run out.
        BuyersRunOut,
        /// On the bar that confirms the low those in a hurry were buyers.
        BuyersInAHurry,
        /// Everybody who bought in the exit window is at a loss.
        SupportLost,
    }
}

labels! {
    /// What speaks against a signal.
    pub enum Warning {
        /// On the bar that confirms the low those in a hurry were still sellers.
        SellersInAHurry,
    }
}

/// One session of the strategy.
#[derive(Debug)]
pub struct CvdDivergence {
    cvd: Cvd,
    divergence: SwingDivergence,
    /// Finds the swing low again on the bar that confirms it.
    swing_low: Lowest,
    support: Donchian,
    support_lost: Onset,
    warm_up_bars: usize,
}

impl Strategy for CvdDivergence {
    const ID: &'static str = "cvd-divergence";
    const DESCRIPTION: &'static str = "Buys when the price makes a lower low while the cumulative volume delta makes a \
        higher one, with the stop on the low; sells on the mirror image or when support is lost. Needs candles with \
        volume delta. Works at exhausted ends of moves; fails in one-way markets.";
    const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
    const COLUMNS: &'static [Column] = &[Column::High, Column::Low, Column::Close, Column::VolumeDelta];
    type Parameters = Settings;
    type Pattern = Pattern;
    type Reason = Reason;
    type Warning = Warning;

    fn open(_: &Instrument, settings: &Settings) -> Result<Self, StrategyError> {
        let Settings { left, right, bars_apart, exit } = *settings;
        if exit <= right {
            return Err(Settings::exit.invalid("must be above right, or a low is lost before it is confirmed"));
        }
        Ok(Self {
            cvd: Cvd::new(),
            divergence: SwingDivergence::new(left, right, bars_apart),
            swing_low: Lowest::new(right + 1),
            support: Donchian::new(exit),
            support_lost: Onset::new(),
            // The earlier swing may be confirmed that long ago, and is known by the bars around it.
            warm_up_bars: (bars_apart + left + right).max(exit + 1),
        })
    }

    fn warm_up_bars(&self) -> usize {
        self.warm_up_bars
    }

    fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
        let cvd = self.cvd.update(bar.volume_delta());
        let divergence = self.divergence.update(bar.high(), bar.low(), cvd);
        let swing_low = self.swing_low.update(bar.low());
        self.support.update(bar.high(), bar.low());
        let below_support = self.support.previous().is_some_and(|before| bar.close() < before.lower);

        if self.support_lost.begins(below_support) {
            return Some(Signal::strong_sell(Pattern::SupportLost).confidence(70.0).reason(Reason::SupportLost));
        }
        match divergence? {
            Divergence::Bullish => Some(buy(bar.volume_delta(), swing_low?)),
            Divergence::Bearish => {
                Some(Signal::sell(Pattern::BearishDivergence).confidence(60.0).reason(Reason::BuyersRunOut))
            }
        }
    }
}

/// The swing low lies below every low since, so also below the close.
fn buy(volume_delta: f64, swing_low: f64) -> Signal<CvdDivergence> {
    let buyers_in_a_hurry = volume_delta > 0.0;
    Signal::buy(Pattern::BullishDivergence)
        .confidence(if buyers_in_a_hurry { 70.0 } else { 55.0 })
        .reason(Reason::SellersRunOut)
        .reason_if(buyers_in_a_hurry, Reason::BuyersInAHurry)
        .warning_if(volume_delta < 0.0, Warning::SellersInAHurry)
        .stop_loss(swing_low)
}

sentinel_kit::export_strategy!(CvdDivergence);

#[cfg(test)]
mod tests {
    use sentinel_kit::testing::{
        Candle, assert_cut_invariant, assert_readme_lists_parameters, assert_warm_up_suffices, candles_from_closes,
        random_walk, run,
    };

    use super::*;

    fn settings() -> Settings {
        Settings { left: 1, right: 1, bars_apart: 10, exit: 4 }
    }

    fn signals(settings: &Settings, candles: &[Candle]) -> Vec<(usize, Signal<CvdDivergence>)> {
        run::<CvdDivergence>(settings, candles).unwrap()
    }

    /// Candles that close at the first of each pair, in the middle of their range of 1, with the second as volume delta.
    fn candles<const BARS: usize>(closes_and_deltas: [(f64, f64); BARS]) -> Vec<Candle> {
        let mut candles = candles_from_closes(&closes_and_deltas.map(|(close, _)| close));
        for (candle, (close, delta)) in candles.iter_mut().zip(closes_and_deltas) {
            (candle.high, candle.low, candle.volume_delta) = (close + 0.5, close - 0.5, delta);
        }
        candles
    }

    /// Lows on bars 1 and 3, the second lower; the delta adds up to -10 on the first and to -8 on the second.
    const LOWER_LOW: [(f64, f64); 5] = [(12.0, 0.0), (10.0, -10.0), (11.0, 5.0), (9.8, -3.0), (11.0, 4.0)];

    #[test]
    fn a_lower_low_on_less_selling_is_bought_with_the_stop_on_the_low() {
        let expected = Signal::buy(Pattern::BullishDivergence)
            .confidence(70.0)
            .reason(Reason::SellersRunOut)
            .reason(Reason::BuyersInAHurry)
            .stop_loss(9.8 - 0.5);
        assert_eq!(signals(&settings(), &candles(LOWER_LOW)), [(4, expected)]);
    }

    #[test]
    fn a_lower_low_on_more_selling_is_left_alone() {
        let mut on_more_selling = LOWER_LOW;
        on_more_selling[3].1 = -6.0;
        assert_eq!(signals(&settings(), &candles(on_more_selling)), []);
    }

    #[test]
    fn sellers_on_the_confirming_bar_are_a_warning() {
        let mut sellers = LOWER_LOW;
        sellers[4].1 = -1.0;
        let signals = signals(&settings(), &candles(sellers));
        assert!(signals[0].1.has_warning(Warning::SellersInAHurry), "{signals:?}");
    }

    #[test]
    fn a_higher_high_on_less_buying_is_sold() {
        let higher_high = [(10.0, 0.0), (12.0, 10.0), (11.0, -5.0), (12.2, 3.0), (11.5, 1.0)];
        let signals = signals(&settings(), &candles(higher_high));
        assert_eq!(signals.len(), 1, "{signals:?}");
        assert!(signals[0].1.has_pattern(Pattern::BearishDivergence) && signals[0].1.is_sell());
    }

    #[test]
    fn a_close_below_the_lowest_low_of_the_exit_window_is_sold_once() {
        let falling = [(12.0, 0.0), (12.0, 0.0), (12.0, 0.0), (12.0, 0.0), (11.0, 0.0), (10.0, 0.0)];
        let signals = signals(&settings(), &candles(falling));
        assert_eq!(signals.len(), 1, "{signals:?}");
        assert!(signals[0].0 == 4 && signals[0].1.has_pattern(Pattern::SupportLost));
    }

    #[test]
    fn an_exit_window_shorter_than_the_confirmation_is_refused_by_name() {
        let error = run::<CvdDivergence>(&Settings { right: 20, ..Settings::default() }, &[]).unwrap_err();
        assert_eq!(error, Settings::exit.invalid("must be above right, or a low is lost before it is confirmed"));
    }

    #[test]
    fn the_readme_lists_the_parameters() {
        assert_readme_lists_parameters::<CvdDivergence>(include_str!("../README.md"));
    }

    #[test]
    fn signals_do_not_depend_on_cuts_or_on_where_the_session_begins() {
        let candles = random_walk(13, 3_000);
        assert_cut_invariant::<CvdDivergence>(&Settings::default(), &candles);
        assert_warm_up_suffices::<CvdDivergence>(&Settings::default(), &candles);
    }
}
