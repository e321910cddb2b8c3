//! A strategy that remembers what it said: it buys after a fall, counts its own purchases of the session, and asks for
//! a deeper fall each time. What it says on a bar depends on all it said before.

use sentinel_kit::prelude::*;

labels! {
    /// What it recognises.
    pub enum Pattern {
        /// The price fell far enough.
        Dip,
        /// The purchase was held long enough.
        Held,
    }
}

/// One session.
#[derive(Debug)]
pub struct OwnMemory {
    highest: f64,
    bought_at: Option<f64>,
    purchases: u32,
}

impl Strategy for OwnMemory {
    const ID: &'static str = "own-memory";
    const DESCRIPTION: &'static str = "Buys ever deeper dips below the highest close since its last sale.";
    const TIMEFRAMES: &'static [Timeframe] = ALL_TIMEFRAMES;
    const COLUMNS: &'static [Column] = &[Column::Close];
    type Parameters = NoParameters;
    type Pattern = Pattern;
    type Reason = NoLabels;
    type Warning = NoLabels;

    fn open(_: &Instrument, _: &NoParameters) -> Result<Self, StrategyError> {
        Ok(Self { highest: 0.0, bought_at: None, purchases: 0 })
    }

    fn warm_up_bars(&self) -> usize {
        48
    }

    fn on_bar(&mut self, bar: &Bar<Self>) -> Option<Signal<Self>> {
        let close = bar.close();
        if let Some(price) = self.bought_at {
            if (close / price - 1.0).abs() < 0.02 {
                return None;
            }
            (self.bought_at, self.highest) = (None, close);
            return Some(Signal::sell(Pattern::Held));
        }
        self.highest = self.highest.max(close);
        if close > self.highest * (1.0 - 0.005 * f64::from(1 + self.purchases)) {
            return None;
        }
        (self.bought_at, self.purchases) = (Some(close), self.purchases + 1);
        Some(Signal::buy(Pattern::Dip))
    }
}

sentinel_kit::export_strategy!(OwnMemory);
