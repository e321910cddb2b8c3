//! The account's equity from day to day.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sentinel_archive::time::{date_of, day_number, end_of, midnight};
use sentinel_archive::{broker_failed, table, warehouse_failed};
use sentinel_domain::broker::{AccountState, Broker, HistoryQuery};
use sentinel_domain::money::to_f64;
use sentinel_domain::tables::{AccountSnapshot, Cell};
use sentinel_domain::timeframe::Timeframe;
use sentinel_domain::warehouse::{Warehouse, WarehouseExt};
use sentinel_function_runtime::{FunctionError, RunContext};
use sentinel_metrics::{Inputs, Metric, Metrics, drawdown};

/// Equity at the end of each day, and what it began with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EquityPath {
    initial: Decimal,
    days: BTreeMap<NaiveDate, Decimal>,
}

/// How far the account has fallen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fallen {
    pub(crate) peak: Decimal,
    pub(crate) drawdown_pct: f64,
    pub(crate) max_drawdown_pct: f64,
    pub(crate) calmar: Metric,
}

impl EquityPath {
    /// Reads the days up to the run's: own snapshots first, the broker's history for the days without.
    pub(crate) async fn read(
        ctx: &RunContext,
        warehouse: &Arc<dyn Warehouse>,
        broker: &dyn Broker,
        account: &AccountState,
        account_id: &str,
    ) -> Result<Self, FunctionError> {
        let query =
            HistoryQuery { timeframe: Timeframe::D1, from: Some(account.created_at), to: Some(end_of(ctx.ds())) };
        let history = broker.portfolio_history(&query).await.map_err(broker_failed("ask for the portfolio history"))?;
        let points = history.open_time.iter().zip(&history.equity);
        let told = points.filter_map(|(open, equity)| equity.map(|equity| (date_of(*open), equity)));
        let mut days: BTreeMap<NaiveDate, Decimal> = told.filter(|(day, _)| *day <= ctx.ds()).collect();
        let table = table::<AccountSnapshot>(ctx.environment());
        let parameters = [Cell::Date(ctx.ds()), Cell::Text(account_id.to_owned())];
        let snapshots = warehouse.select::<AccountSnapshot>(&table, "t.ds < ? AND t.account_id = ?", &parameters).await;
        let snapshots = snapshots.map_err(warehouse_failed("read earlier snapshots"))?;
        days.extend(snapshots.into_iter().map(|row| (row.ds, row.equity)));
        let initial = history.base_value.filter(|base| *base > Decimal::ZERO);
        let initial = initial.or_else(|| days.values().next().copied()).unwrap_or(account.last_equity);
        Ok(Self { initial, days })
    }

    /// Says so when the broker's own equity at the end of the day is not what it says now.
    pub(crate) fn moved_on(&self, day: NaiveDate, now: Decimal) -> Option<String> {
        let then = self.days.get(&day).filter(|then| **then != now)?;
        let (then, now) = (then.normalize(), now.normalize());
        Some(format!("the account has moved on since the end of {day}: its equity was {then} and is {now}"))
    }

    /// Ends the path with the equity of `day`.
    pub(crate) fn ending(mut self, day: NaiveDate, equity: Decimal) -> Self {
        self.days.retain(|known, _| *known < day);
        self.days.insert(day, equity);
        self
    }

    /// Returns the equity at the end of the day before the last; `None` on the first day.
    pub(crate) fn before(&self) -> Option<Decimal> {
        self.days.values().rev().nth(1).copied()
    }

    /// Returns the last day's change as a fraction; `None` on the first day and after ruin.
    pub(crate) fn last_return(&self) -> Option<f64> {
        let before = self.before().filter(|equity| *equity > Decimal::ZERO)?;
        let (_, last) = self.days.last_key_value()?;
        Some(to_f64(*last) / to_f64(before) - 1.0)
    }

    /// Returns how far it has fallen; the equity at the beginning counts as a peak.
    pub(crate) fn fallen(&self) -> Fallen {
        let equity = self.days.last_key_value().map_or(self.initial, |(_, equity)| *equity);
        let peak = self.days.values().copied().fold(self.initial, Decimal::max);
        let drawdown_pct = if peak > Decimal::ZERO { to_f64(equity - peak) / to_f64(peak) * 100.0 } else { 0.0 };
        let metrics = self.metrics();
        let deepest = metrics.get(&drawdown::MAX_DRAWDOWN).value.unwrap_or(0.0);
        Fallen {
            peak,
            drawdown_pct,
            max_drawdown_pct: deepest.min(drawdown_pct),
            calmar: metrics.get(&drawdown::CALMAR),
        }
    }

    fn metrics(&self) -> Metrics {
        let daily: Vec<(i64, f64)> =
            self.days.iter().map(|(day, equity)| (day_number(*day), to_f64(*equity))).collect();
        let first = self.days.first_key_value().map_or(0, |(day, _)| midnight(*day));
        let last = self.days.last_key_value().map_or(0, |(day, _)| end_of(*day));
        Metrics::compute(&Inputs {
            cash_initial: to_f64(self.initial),
            daily: &daily,
            max_drawdown_intraday_pct: None,
            trades: &[],
            open_since: &[],
            span: first..last,
            fees_usd: Decimal::ZERO,
            turnover_usd: Decimal::ZERO,
            benchmark: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    fn path(initial: Decimal, equity: &[Decimal]) -> EquityPath {
        let first: NaiveDate = "2024-01-01".parse().unwrap();
        EquityPath { initial, days: first.iter_days().zip(equity.iter().copied()).collect() }
    }

    #[test]
    fn the_beginning_counts_as_a_peak() {
        let fallen = path(dec!(100), &[dec!(80), dec!(90)]).fallen();
        assert_eq!(fallen.peak, dec!(100));
        assert!((fallen.drawdown_pct + 10.0).abs() < 1e-9);
        assert!((fallen.max_drawdown_pct + 20.0).abs() < 1e-9);
        // Two days at 0.9 of the beginning, against a fall of a fifth.
        let calmar = (0.9_f64.powf(365.0 / 2.0) - 1.0) / 0.2;
        assert!((fallen.calmar.value.unwrap() - calmar).abs() < 1e-9);
    }

    #[test]
    fn calmar_without_a_fall_has_a_reason() {
        let fallen = path(dec!(100), &[dec!(110), dec!(120)]).fallen();
        assert_eq!((fallen.drawdown_pct, fallen.calmar.value), (0.0, None));
        assert!(fallen.calmar.undefined_because.is_some());
    }

    #[test]
    fn the_first_day_has_nothing_before_it() {
        let first = path(dec!(100), &[dec!(110)]);
        assert_eq!((first.before(), first.last_return()), (None, None));
        let second = path(dec!(100), &[dec!(110), dec!(121)]);
        assert_eq!(second.before(), Some(dec!(110)));
        assert!((second.last_return().unwrap() - 0.1).abs() < 1e-12);
    }
}
