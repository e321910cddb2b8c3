//! How the run compares with buying a coin at the beginning and holding it.

use super::drawdown::{deepest_of, drawdowns};
use super::facts::{Facts, ONE_DAY, mean};
use super::{Better, DAYS_PER_YEAR, Definition, Group, Outcome, Unit, risk};

/// Below this the variance of the benchmark is rounding; the bound is that of `empyrical`.
const VARIANCE_MIN: f64 = 1e-30;

/// Return of the benchmark.
pub static BENCHMARK_RETURN: Definition = Definition {
    name: "benchmark_return_pct",
    title: "Buy and hold, return",
    unit: Unit::Percent,
    group: Group::Benchmark,
    better: Better::Neither,
    meaning: "What holding the coin over the same days would have brought, without fees.",
    formula: "(last close / first open - 1) × 100",
    compute: |facts| {
        let path = facts.benchmark()?;
        Ok((path.last() / path.values[0] - 1.0) * 100.0)
    },
};

/// Maximum drawdown of the benchmark.
pub static BENCHMARK_DRAWDOWN: Definition = Definition {
    name: "benchmark_max_drawdown_pct",
    title: "Buy and hold, max drawdown",
    unit: Unit::Percent,
    group: Group::Benchmark,
    better: Better::Neither,
    meaning: "The deepest fall that a holder of the coin sat through, at daily closes.",
    formula: "min(close / highest close so far - 1) × 100, the first open counted",
    compute: |facts| Ok(deepest_of(&drawdowns(facts.benchmark()?)) * 100.0),
};

/// Sharpe ratio of the benchmark.
pub static BENCHMARK_SHARPE: Definition = Definition {
    name: "benchmark_sharpe_ratio",
    title: "Buy and hold, Sharpe ratio",
    unit: Unit::Ratio,
    group: Group::Benchmark,
    better: Better::Neither,
    meaning: "The Sharpe ratio of holding the coin.",
    formula: "mean(b) / std(b, n - 1) × √365, b = daily returns of the coin",
    compute: |facts| risk::sharpe(facts.benchmark_returns()?),
};

/// Alpha.
pub static ALPHA: Definition = Definition {
    name: "alpha_pct",
    title: "Alpha",
    unit: Unit::Percent,
    group: Group::Benchmark,
    better: Better::Higher,
    meaning: "What a year brought beyond the part that moving along with the coin explains.",
    formula: "((1 + mean(r - β × b))^365 - 1) × 100, b = daily returns of the coin",
    compute: |facts| {
        let beta = beta(facts)?;
        let pairs = facts.returns()?.returns.iter().zip(&facts.benchmark_returns()?.returns);
        let rest: Vec<f64> = pairs.map(|(r, b)| r - beta * b).collect();
        Ok(((1.0 + mean(&rest)).powf(DAYS_PER_YEAR) - 1.0) * 100.0)
    },
};

/// Beta.
pub static BETA: Definition = Definition {
    name: "beta",
    title: "Beta",
    unit: Unit::Ratio,
    group: Group::Benchmark,
    better: Better::Neither,
    meaning: "How much the account moves when the coin moves by 1.",
    formula: "cov(r, b) / var(b), b = daily returns of the coin",
    compute: beta,
};

/// Correlation.
pub static CORRELATION: Definition = Definition {
    name: "correlation",
    title: "Correlation",
    unit: Unit::Ratio,
    group: Group::Benchmark,
    better: Better::Neither,
    meaning: "How closely daily returns follow those of the coin, from -1 to 1.",
    formula: "cov(r, b) / (std(r) × std(b)), b = daily returns of the coin",
    compute: |facts| {
        let beta = beta(facts)?;
        let own = facts.returns()?.deviation_above_zero(risk::STEADY)?;
        Ok(beta * facts.benchmark_returns()?.deviation()? / own)
    },
};

fn beta(facts: &Facts<'_>) -> Outcome {
    let (own, coin) = (facts.returns()?, facts.benchmark_returns()?);
    if own.returns.len() < 2 {
        return Err(ONE_DAY);
    }
    let residuals: Vec<f64> = coin.returns.iter().map(|b| b - coin.mean).collect();
    let covariance = mean(&residuals.iter().zip(&own.returns).map(|(residual, r)| residual * r).collect::<Vec<_>>());
    let variance = mean(&residuals.iter().map(|residual| residual * residual).collect::<Vec<_>>());
    if variance < VARIANCE_MIN {
        return Err("the coin's price does not vary");
    }
    Ok(covariance / variance)
}
