//! A made-up market: candles that are the same on every machine, for checks that need some and are given none.
//!
//! Everything is drawn in whole numbers and divided once, so that no rounding can differ. It trends, turns and rests,
//! because a strategy that never acts cannot be checked.

use std::ops::Range;

use sentinel_domain::candles::{CandleError, Candles, Columns};
use sentinel_domain::instrument::{Instrument, InstrumentError};
use sentinel_domain::timeframe::Timeframe;
use thiserror::Error;

/// 2020-01-01T00:00:00Z: the beginning of a day, a month and a year, so that a session begins here.
const START: i64 = 1_577_836_800_000;

/// Why there are no candles.
#[derive(Debug, Error)]
pub enum SyntheticError {
    /// The instrument is none.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// The candles are none.
    #[error(transparent)]
    Candles(#[from] CandleError),
}

/// Returns `count` candles with every column, of an instrument `synthetic:BTC/USDT`. The same seed gives the same
/// candles.
///
/// # Errors
/// When `count` is 0.
pub fn synthetic_candles(timeframe: Timeframe, count: usize, seed: u64) -> Result<Candles, SyntheticError> {
    let instrument = Instrument { exchange: "synthetic".parse()?, symbol: "BTC/USDT".parse()? };
    let mut market = Market { draws: Draws(seed), price: 1_000_000, drift: 0, phase_bars: 0 };
    let mut columns = Columns { volume_delta: Some(Vec::new()), imbalance: Some(Vec::new()), ..Columns::default() };
    let mut open_time = START;
    for _ in 0..count {
        columns.open_time.push(open_time);
        market.push_candle(&mut columns);
        open_time += timeframe.millis();
    }
    Ok(Candles::new(instrument, timeframe, columns)?)
}

/// The market's state. Prices are in hundredths of the quote currency.
struct Market {
    draws: Draws,
    price: i32,
    drift: i32,
    phase_bars: i32,
}

impl Market {
    fn push_candle(&mut self, columns: &mut Columns) {
        if self.phase_bars == 0 {
            self.phase_bars = self.draws.within(10..120);
            self.drift = self.draws.within(-3_000..3_001);
        }
        self.phase_bars -= 1;
        // Far from where it began it is drawn back, so that a long series neither dies nor explodes.
        let pull = (1_000_000 - self.price) / 200;
        let open = self.price;
        let close = (open + self.drift + pull + self.draws.within(-8_000..8_001)).clamp(50_000, 20_000_000);
        let high = open.max(close) + self.draws.within(0..4_000);
        let low = (open.min(close) - self.draws.within(0..4_000)).max(1);
        let volume = self.draws.within(0..1_000_000);
        let delta_share = self.draws.within(-1_000..1_001);
        self.price = close;

        for (column, cents) in
            [(&mut columns.open, open), (&mut columns.high, high), (&mut columns.low, low), (&mut columns.close, close)]
        {
            column.push(f64::from(cents) / 100.0);
        }
        columns.volume.push(f64::from(volume) / 1_000.0);
        let delta = i64::from(volume) * i64::from(delta_share) / 1_000;
        #[expect(clippy::cast_precision_loss, reason = "a whole number below a million")]
        columns.volume_delta.get_or_insert_default().push(delta as f64 / 1_000.0);
        columns.imbalance.get_or_insert_default().push(f64::from(self.draws.within(-1_000..1_001)) / 1_000.0);
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn within(&mut self, range: Range<i32>) -> i32 {
        let width = u64::from(range.end.abs_diff(range.start));
        // Below `width`, so it fits.
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is below the width of an i32 range")]
        let offset = (self.next() % width) as u32;
        range.start.wrapping_add_unsigned(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_the_same_candles_for_ever() {
        let hash = |seed| synthetic_candles(Timeframe::M1, 5_000, seed).unwrap().content_hash();
        assert_eq!(hash(1), hash(1));
        assert_ne!(hash(1), hash(2));
        assert_eq!(hash(7).short(), "f9e65a42137e");
    }

    #[test]
    fn market_moves_both_ways_and_stays_alive() {
        let candles = synthetic_candles(Timeframe::D1, 20_000, 3).unwrap();
        let close = &candles.columns().close;
        let (low, high) = close.iter().fold((f64::MAX, 0.0_f64), |(low, high), c| (low.min(*c), high.max(*c)));
        assert!(low > 500.0 && high < 200_000.0 && high > 1.5 * low, "{low} to {high}");
    }
}
