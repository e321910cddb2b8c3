//! A simulated market, for trying things out where there is no network and no data. It proves nothing about profit.
//!
//! Prices walk at random through regimes (calm, rising, falling, panic) that last for days, with fat tails and busier
//! hours in the European and American day; volume grows with movement and leans to its side, so that volume delta
//! means something. The exchange of such candles is called `simulated`, wherever they are shown.
//!
//! The same seed gives the same candles on every machine: only sums, products, quotients and square roots are used,
//! which IEEE 754 rounds the same everywhere.

use sentinel_domain::candles::{CandleError, Candles, Columns};
use sentinel_domain::instrument::{Instrument, InstrumentError, Symbol};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};

/// The name of the exchange that does not exist.
pub const EXCHANGE: &str = "simulated";

/// Price steps within each candle: enough for wicks on both sides.
const STEPS: i64 = 12;

const DAY_MILLIS: f64 = 86_400_000.0;
const YEAR_DAYS: f64 = 365.0;

/// A step moves the price by at most this share of itself, however fat the tail.
const MOVE_MAX: f64 = 0.2;
/// The price never falls below this, so that rounding to cents leaves a price.
const PRICE_MIN: f64 = 1.0;
const VOLUME_PER_DAY: f64 = 20_000.0;

/// Relative activity in each hour of the day, UTC; the mean is 1.
const HOURLY_ACTIVITY: [f64; 24] = [
    1.00, 0.90, 0.82, 0.76, 0.72, 0.70, 0.74, 0.86, 0.98, 1.02, 1.00, 0.98, 1.06, 1.26, 1.44, 1.50, 1.42, 1.28, 1.14,
    1.06, 1.04, 1.08, 1.14, 1.10,
];

/// A mood of the market.
struct Regime {
    /// Yearly volatility.
    volatility: f64,
    /// Yearly drift.
    drift: f64,
    /// How long it lasts on average.
    days_mean: f64,
}

const REGIMES: [Regime; 4] = [
    Regime { volatility: 0.35, drift: 0.05, days_mean: 12.0 },
    Regime { volatility: 0.55, drift: 1.10, days_mean: 18.0 },
    Regime { volatility: 0.75, drift: -1.00, days_mean: 12.0 },
    Regime { volatility: 1.60, drift: -1.50, days_mean: 2.0 },
];

/// Returns the instrument of simulated candles.
///
/// # Errors
/// Never for the name of the exchange; the signature is that of parsing one.
pub fn instrument(symbol: Symbol) -> Result<Instrument, InstrumentError> {
    Ok(Instrument { exchange: EXCHANGE.parse()?, symbol })
}

/// What to simulate.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedMarket {
    /// What the candles are said to be of.
    pub instrument: Instrument,
    /// How long they are.
    pub timeframe: Timeframe,
    /// When the first opens; rounded down to a boundary of the timeframe.
    pub from: UnixMillis,
    /// How many.
    pub bars: usize,
    /// The price at the beginning.
    pub price_start: f64,
    /// Which of all possible markets.
    pub seed: u64,
}

impl SimulatedMarket {
    /// Makes the candles up.
    ///
    /// # Errors
    /// When no bar is asked for, or the price at the beginning is not a finite number.
    pub fn candles(&self) -> Result<Candles, CandleError> {
        let mut columns = Columns { volume_delta: Some(Vec::with_capacity(self.bars)), ..Columns::default() };
        let mut walk = Walk::new(self.price_start.max(PRICE_MIN), self.seed);
        let mut open_time = self.timeframe.candle_open(self.from);
        for _ in 0..self.bars {
            let bar = walk.bar(open_time, self.timeframe);
            columns.open_time.push(open_time);
            columns.open.push(bar.open);
            columns.high.push(bar.high);
            columns.low.push(bar.low);
            columns.close.push(bar.close);
            columns.volume.push(bar.volume);
            columns.volume_delta.get_or_insert_default().push(bar.delta);
            open_time = self.timeframe.close_time(open_time);
        }
        Candles::new(self.instrument.clone(), self.timeframe, columns)
    }
}

struct Bar {
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
    delta: f64,
}

/// The market as it moves.
struct Walk {
    random: Random,
    regime: usize,
    price: f64,
}

impl Walk {
    const fn new(price: f64, seed: u64) -> Self {
        Self { random: Random { state: seed }, regime: 0, price }
    }

    fn bar(&mut self, open_time: UnixMillis, timeframe: Timeframe) -> Bar {
        let open = cents(self.price);
        let mut bar = Bar { open, high: open, low: open, close: open, volume: 0.0, delta: 0.0 };
        let step_millis = timeframe.millis() / STEPS;
        for step in 0..STEPS {
            let (volume, delta) = self.step(open_time + step * step_millis, step_millis as f64 / DAY_MILLIS);
            bar.volume += volume;
            bar.delta += delta;
            bar.close = cents(self.price);
            bar.high = bar.high.max(bar.close);
            bar.low = bar.low.min(bar.close);
        }
        bar.volume = hundred_thousandths(bar.volume);
        bar.delta = hundred_thousandths(bar.delta).clamp(-bar.volume, bar.volume);
        bar
    }

    /// Moves the price by one step of `days`; returns the volume traded and its delta.
    fn step(&mut self, time: UnixMillis, days: f64) -> (f64, f64) {
        self.change_regime(days);
        let regime = &REGIMES[self.regime];
        let activity = activity(time);
        let surprise = self.random.fat_tailed();
        let scale = regime.volatility * (days / YEAR_DAYS).sqrt() * activity;
        let change = regime.drift * days / YEAR_DAYS + scale * surprise;
        self.price = (self.price * (1.0 + change.clamp(-MOVE_MAX, MOVE_MAX))).max(PRICE_MIN);

        let heat = regime.volatility / REGIMES[0].volatility;
        let eagerness = 0.4 + 0.8 * surprise.abs().min(6.0) + self.random.uniform() * 0.6;
        let volume = VOLUME_PER_DAY * days * activity * heat * eagerness;
        let buyers = 0.5 + 0.12 * surprise + 0.2 * (self.random.uniform() - 0.5);
        (volume, volume * (2.0 * buyers.clamp(0.02, 0.98) - 1.0))
    }

    fn change_regime(&mut self, days: f64) {
        if self.random.uniform() < days / REGIMES[self.regime].days_mean {
            let draw = self.random.uniform();
            // Panic is the rarest mood and follows any of the others.
            self.regime = match draw {
                ..0.38 => 0,
                ..0.70 => 1,
                ..0.94 => 2,
                _ => 3,
            };
        }
    }
}

/// Returns the relative activity at a time of day, in a straight line from hour to hour.
fn activity(time: UnixMillis) -> f64 {
    const HOUR: i64 = 3_600_000;
    let of_day = time.rem_euclid(24 * HOUR);
    let hour = usize::try_from(of_day / HOUR).unwrap_or(0);
    let past = (of_day % HOUR) as f64 / HOUR as f64;
    HOURLY_ACTIVITY[hour] * (1.0 - past) + HOURLY_ACTIVITY[(hour + 1) % 24] * past
}

fn cents(price: f64) -> f64 {
    (price * 100.0).round() / 100.0
}

fn hundred_thousandths(quantity: f64) -> f64 {
    (quantity * 1e5).round() / 1e5
}

/// SplitMix64 (Steele, Lea and Flood, 2014): small, fast and the same everywhere.
struct Random {
    state: u64,
}

impl Random {
    const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 to below 1.
    fn uniform(&mut self) -> f64 {
        const STEPS: f64 = (1_u64 << 53) as f64;
        (self.next() >> 11) as f64 / STEPS
    }

    /// Returns a number that is nearly normal, mean 0 and variance 1: the sum of twelve uniform ones.
    fn normal(&mut self) -> f64 {
        const UNITS: f64 = 65_536.0;
        let mut sum = 0;
        for _ in 0..3 {
            let bits = self.next();
            sum += (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
        }
        (sum as f64 + 6.0) / UNITS - 6.0
    }

    /// Returns a number of Student's t with five degrees of freedom, scaled to variance 1: now and then far out.
    fn fat_tailed(&mut self) -> f64 {
        const FREEDOM: u8 = 5;
        let mut squares = 0.0;
        for _ in 0..FREEDOM {
            let normal = self.normal();
            squares += normal * normal;
        }
        let freedom = f64::from(FREEDOM);
        let variance = freedom / (freedom - 2.0);
        self.normal() / (squares.max(1e-6) / freedom * variance).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market(timeframe: Timeframe, bars: usize, seed: u64) -> Candles {
        let instrument = instrument("BTC/USD".parse().unwrap()).unwrap();
        let from = 1_640_995_200_000;
        SimulatedMarket { instrument, timeframe, from, bars, price_start: 40_000.0, seed }.candles().unwrap()
    }

    fn returns(candles: &Candles) -> Vec<f64> {
        candles.columns().close.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect()
    }

    fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
        values.clone().sum::<f64>() / values.count() as f64
    }

    #[test]
    fn same_seed_is_the_same_market_on_every_machine() {
        let candles = market(Timeframe::H1, 9_000, 7);
        assert_eq!(candles, market(Timeframe::H1, 9_000, 7));
        assert_ne!(candles, market(Timeframe::H1, 9_000, 8));
        assert_eq!(
            candles.content_hash().to_string(),
            "0af0420d69d6abf809d624d3203cb02d4e2195c3bf7d198c41a2d9c085cdc1bf"
        );
    }

    #[test]
    fn it_says_that_it_is_simulated() {
        assert_eq!(market(Timeframe::D1, 1, 1).instrument().to_string(), "simulated:BTC/USD");
    }

    #[test]
    fn tails_are_fat() {
        let returns = returns(&market(Timeframe::H1, 3 * 8_760, 1));
        let variance = mean(returns.iter().map(|r| r * r));
        let kurtosis = mean(returns.iter().map(|r| r.powi(4))) / (variance * variance);
        assert!((5.0..100.0).contains(&kurtosis), "{kurtosis}");
        let yearly = (variance * 8_760.0).sqrt();
        assert!((0.3..1.2).contains(&yearly), "{yearly}");
    }

    #[test]
    fn afternoons_are_busier_than_nights() {
        let candles = market(Timeframe::H1, 8_760, 2);
        let volume_at = |hour: usize| mean(candles.columns().volume.iter().skip(hour).step_by(24).copied());
        assert!(volume_at(15) > 1.5 * volume_at(5));
    }

    #[test]
    fn delta_leans_to_where_the_price_goes() {
        let candles = market(Timeframe::H1, 8_760, 3);
        let delta = candles.columns().volume_delta.as_ref().unwrap();
        let agree = returns(&candles).iter().zip(&delta[1..]).filter(|(r, d)| (**r > 0.0) == (**d > 0.0)).count();
        assert!((6_000..8_500).contains(&agree), "{agree}");
    }

    #[test]
    fn twenty_years_stay_a_market() {
        for seed in 0..50 {
            let candles = market(Timeframe::D1, 7_300, seed);
            assert!(candles.columns().close.iter().all(|close| (PRICE_MIN..1e9).contains(close)), "{seed}");
        }
    }
}
