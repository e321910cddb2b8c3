//! On-balance volume against its own average: a sum over all bars ever shown, which begins anew in each session.

use sentinel_kit::indicators::{Obv, Sma};
use sentinel_kit::prelude::*;

labels! {
    /// What it recognises.
    pub enum Pattern {
        /// The volume turned.
        Turn,
    }
}

/// One session.
#[derive(Debug)]
pub struct ObvTrend {
    obv: Obv,
    average: Sma,
    was_above: Option<bool>,
}

impl Strategy for ObvTrend {
    const ID: &'static str = "obv-trend";
    const DESCRIPTION: &'static str = "Long while on-balance volume lies above its average of 20 bars.";
    const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
    const COLUMNS: &'static [Column] = &[Column::Close, Column::Volume];
    type Parameters = NoParameters;
    type Pattern = Pattern;
    type Reason = NoLabels;
    type Warning = NoLabels;

    fn open(_: &Instrument, _: &NoParameters) -> Result<Self, StrategyError> {
        Ok(Self { obv: Obv::new(), average: Sma::new(20), was_above: None })
    }

    fn warm_up_bars(&self) -> usize {
        self.average.warm_up_bars() + 1
    }

    fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
        let obv = self.obv.update(bar.close(), bar.volume());
        let average = self.average.update(obv)?;
        let is_above = obv > average;
        match (self.was_above.replace(is_above), is_above) {
            (Some(false), true) => Some(Signal::buy(Pattern::Turn)),
            (Some(true), false) => Some(Signal::sell(Pattern::Turn)),
            _ => None,
        }
    }
}

sentinel_kit::export_strategy!(ObvTrend);
