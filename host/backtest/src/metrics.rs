//! The statistics of a run: those of `sentinel-metrics`, fed from a result.

use sentinel_domain::money::to_f64;
use sentinel_domain::timeframe::UnixMillis;

pub use sentinel_metrics::*;

use crate::json::span;
use crate::result::BacktestResult;

/// Computes every metric from a result that is otherwise complete.
///
/// An engine that already knows the worst drawdown over all bars passes it, which saves a pass over them.
#[must_use]
pub fn of_result(
    result: &BacktestResult,
    benchmark: Option<&Benchmark>,
    max_drawdown_intraday_pct: Option<f64>,
) -> Metrics {
    let cash_initial = to_f64(result.cash_initial);
    let (first, last) = span(&result.series);
    let open_since: Vec<UnixMillis> = result.open_positions.iter().map(|position| position.entry_time).collect();
    Metrics::compute(&Inputs {
        cash_initial,
        daily: &result.equity.daily(),
        max_drawdown_intraday_pct: max_drawdown_intraday_pct
            .or_else(|| drawdown::max_drawdown_pct(cash_initial, &result.equity.equity)),
        trades: &result.trades,
        open_since: &open_since,
        span: first..last,
        fees_usd: result.fees_usd,
        turnover_usd: result.turnover_usd,
        benchmark,
    })
}
