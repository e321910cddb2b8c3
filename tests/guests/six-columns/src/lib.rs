//! The cross of two averages again, reading every column that all candles have: what more columns cost.

use sentinel_kit::indicators::Sma;
use sentinel_kit::prelude::*;

labels! {
    /// What it recognises.
    pub enum Pattern {
        /// The averages crossed.
        Cross,
    }
}

/// One session.
#[derive(Debug)]
pub struct SixColumns {
    fast: Sma,
    slow: Sma,
    was_above: bool,
}

impl Strategy for SixColumns {
    const ID: &'static str = "six-columns";
    const DESCRIPTION: &'static str = "A cross of averages of the typical price, while there is volume.";
    const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
    const COLUMNS: &'static [Column] =
        &[Column::OpenTime, Column::Open, Column::High, Column::Low, Column::Close, Column::Volume];
    type Parameters = NoParameters;
    type Pattern = Pattern;
    type Reason = NoLabels;
    type Warning = NoLabels;

    fn open(_: &Instrument, _: &NoParameters) -> Result<Self, StrategyError> {
        Ok(Self { fast: Sma::new(10), slow: Sma::new(30), was_above: false })
    }

    fn warm_up_bars(&self) -> usize {
        self.slow.warm_up_bars()
    }

    fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
        let typical = bar.open() + bar.high() + bar.low() + bar.close();
        let fast = self.fast.update(typical);
        let slow = self.slow.update(typical)?;
        let is_above = fast? > slow && bar.volume() > 0.0 && bar.open_time() > 0;
        match (core::mem::replace(&mut self.was_above, is_above), is_above) {
            (false, true) => Some(Signal::buy(Pattern::Cross)),
            (true, false) => Some(Signal::sell(Pattern::Cross)),
            _ => None,
        }
    }
}

sentinel_kit::export_strategy!(SixColumns);
