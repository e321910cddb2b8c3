//! From the name of a column to the indicator that must reproduce it.

use sentinel_kit::indicators::{
    Adx, Atr, Bollinger, Cvd, DirectionalIndicators, Donchian, Ema, Highest, LinearSlope, Lowest, Macd, Obv,
    RollingSum, RollingVwap, Rsi, SessionVwap, Sma, StandardDeviation, Stochastic, SwingPoints, TrueRange, Wma, ZScore,
};

use crate::vectors::Bar;

/// Takes in a candle and answers as the indicator does.
pub(crate) type Indicator = Box<dyn FnMut(&Bar) -> Option<f64>>;

/// Returns the indicator for a column such as `sma_10` or `bollinger_20_2.0_2.0_upper`: its name, its parameters and,
/// where it has several outputs, which of them.
pub(crate) fn indicator(column: &str) -> Indicator {
    let first_digit = column.find(|letter: char| letter.is_ascii_digit()).unwrap_or(column.len());
    let name = column[..first_digit].trim_end_matches('_');
    let parameters: Vec<&str> = column[first_digit..].split('_').collect();
    let output = column.rsplit('_').next().unwrap();
    of_closes(name, &parameters, output)
        .or_else(|| of_whole_bars(name, &parameters, output))
        .unwrap_or_else(|| panic!("no indicator for column {column}"))
}

fn of_closes(name: &str, parameters: &[&str], output: &str) -> Option<Indicator> {
    let period = |place: usize| parameters[place].parse().unwrap();
    let deviations = |place: usize| parameters[place].parse().unwrap();
    Some(match (name, output) {
        ("sma", _) => each(Sma::new(period(0)), |sma, bar| sma.update(bar.close)),
        ("ema", _) => each(Ema::new(period(0)), |ema, bar| ema.update(bar.close)),
        ("wma", _) => each(Wma::new(period(0)), |wma, bar| wma.update(bar.close)),
        ("rsi", _) => each(Rsi::new(period(0)), |rsi, bar| rsi.update(bar.close)),
        ("stddev", _) => each(StandardDeviation::new(period(0)), |deviation, bar| deviation.update(bar.close)),
        ("highest", _) => each(Highest::new(period(0)), |highest, bar| highest.update(bar.close)),
        ("lowest", _) => each(Lowest::new(period(0)), |lowest, bar| lowest.update(bar.close)),
        ("linear_slope" | "numpy_linear_slope", _) => {
            each(LinearSlope::new(period(0)), |slope, bar| slope.update(bar.close))
        }
        ("numpy_z_score", _) => each(ZScore::new(period(0)), |z_score, bar| z_score.update(bar.close)),
        ("macd", output) => {
            let macd = Macd::new(period(0), period(1), period(2));
            match output {
                "line" => each(macd, |macd, bar| Some(macd.update(bar.close)?.line)),
                "signal" => each(macd, |macd, bar| Some(macd.update(bar.close)?.signal)),
                _ => each(macd, |macd, bar| Some(macd.update(bar.close)?.histogram)),
            }
        }
        ("bollinger", output) => {
            let bollinger = Bollinger::with_deviations(period(0), deviations(1), deviations(2));
            match output {
                "upper" => each(bollinger, |bollinger, bar| Some(bollinger.update(bar.close)?.upper)),
                "middle" => each(bollinger, |bollinger, bar| Some(bollinger.update(bar.close)?.middle)),
                _ => each(bollinger, |bollinger, bar| Some(bollinger.update(bar.close)?.lower)),
            }
        }
        _ => return None,
    })
}

fn of_whole_bars(name: &str, parameters: &[&str], output: &str) -> Option<Indicator> {
    let period = |place: usize| parameters[place].parse().unwrap();
    Some(match (name, output) {
        ("sum" | "numpy_sum", _) => each(RollingSum::new(period(0)), |sum, bar| sum.update(bar.volume)),
        ("true_range", _) => each(TrueRange::new(), |range, bar| range.update(bar.high, bar.low, bar.close)),
        ("atr", _) => each(Atr::new(period(0)), |atr, bar| atr.update(bar.high, bar.low, bar.close)),
        ("plus_di", _) => each(DirectionalIndicators::new(period(0)), |indicators, bar| {
            Some(indicators.update(bar.high, bar.low, bar.close)?.plus)
        }),
        ("minus_di", _) => each(DirectionalIndicators::new(period(0)), |indicators, bar| {
            Some(indicators.update(bar.high, bar.low, bar.close)?.minus)
        }),
        ("adx", _) => each(Adx::new(period(0)), |adx, bar| Some(adx.update(bar.high, bar.low, bar.close)?.adx)),
        ("donchian", output) => {
            let donchian = Donchian::new(period(0));
            match output {
                "upper" => each(donchian, |donchian, bar| Some(donchian.update(bar.high, bar.low)?.upper)),
                "middle" => each(donchian, |donchian, bar| Some(donchian.update(bar.high, bar.low)?.middle())),
                _ => each(donchian, |donchian, bar| Some(donchian.update(bar.high, bar.low)?.lower)),
            }
        }
        ("stochastic", output) => {
            let stochastic = Stochastic::new(period(0), period(1), period(2));
            match output {
                "k" => each(stochastic, |lines, bar| Some(lines.update(bar.high, bar.low, bar.close)?.k)),
                _ => each(stochastic, |lines, bar| Some(lines.update(bar.high, bar.low, bar.close)?.d)),
            }
        }
        ("swing", output) => {
            let swings = SwingPoints::new(period(0), period(1));
            let flag = |price: Option<f64>| Some(if price.is_some() { 100.0 } else { 0.0 });
            match output {
                "high" => each(swings, move |swings, bar| flag(swings.update(bar.high, bar.low).high)),
                _ => each(swings, move |swings, bar| flag(swings.update(bar.high, bar.low).low)),
            }
        }
        ("obv", _) => each(Obv::new(), |obv, bar| Some(obv.update(bar.close, bar.volume))),
        ("numpy_cvd", _) => each(Cvd::new(), |cvd, bar| Some(cvd.update(bar.volume_delta))),
        ("rolling_vwap" | "numpy_rolling_vwap", _) => {
            each(RollingVwap::new(period(0)), |vwap, bar| vwap.update(bar.high, bar.low, bar.close, bar.volume))
        }
        ("session_vwap", _) => {
            each(SessionVwap::new(), |vwap, bar| vwap.update(bar.open_time, bar.high, bar.low, bar.close, bar.volume))
        }
        _ => return None,
    })
}

fn each<T: 'static>(mut indicator: T, update: impl Fn(&mut T, &Bar) -> Option<f64> + 'static) -> Indicator {
    Box::new(move |bar| update(&mut indicator, bar))
}
