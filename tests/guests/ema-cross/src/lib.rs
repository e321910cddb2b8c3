//! A cross of exponential averages: every bar ever shown has a say, so it tells sessions that are cut differently apart.

use sentinel_kit::indicators::Ema;
use sentinel_kit::prelude::*;

parameters! {
    /// What the user may turn.
    pub struct Settings {
        /// Bars of the fast average.
        fast: usize in 1..=500, default 50;
        /// Bars of the slow average.
        slow: usize in 2..=1000, default 200;
    }
}

labels! {
    /// What it recognises.
    pub enum Pattern {
        /// The fast average crossed the slow one.
        Cross,
    }
}

/// One session.
#[derive(Debug)]
pub struct EmaCross {
    fast: Ema,
    slow: Ema,
    was_above: Option<bool>,
}

impl Strategy for EmaCross {
    const ID: &'static str = "ema-cross";
    const DESCRIPTION: &'static str = "Long while a fast exponential average lies above a slow one.";
    const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
    const COLUMNS: &'static [Column] = &[Column::Close];
    type Parameters = Settings;
    type Pattern = Pattern;
    type Reason = NoLabels;
    type Warning = NoLabels;

    fn open(_: &Instrument, settings: &Settings) -> Result<Self, StrategyError> {
        Ok(Self { fast: Ema::new(settings.fast), slow: Ema::new(settings.slow), was_above: None })
    }

    fn warm_up_bars(&self) -> usize {
        self.slow.warm_up_bars()
    }

    fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
        let fast = self.fast.update(bar.close());
        let slow = self.slow.update(bar.close())?;
        let is_above = fast? > slow;
        match (self.was_above.replace(is_above), is_above) {
            (Some(false) | None, true) => Some(Signal::buy(Pattern::Cross)),
            (Some(true), false) => Some(Signal::sell(Pattern::Cross)),
            _ => None,
        }
    }
}

sentinel_kit::export_strategy!(EmaCross);
