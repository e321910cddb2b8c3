//! The tables of the warehouse: each is one Rust struct, and everything else about it is derived.
//!
//! [`crate::table!`] takes the struct with its doc comments, units and rules; from the same lines come the BigQuery
//! schema, the SQL of the laptop's warehouse, the diagram and the catalog ([`export`]), the checks of the
//! [guardian](crate::guardian), and the `MERGE` of the adapters. What is absent: SQL that runs, and where rows come
//! from. Start with [`FactTrade`].
//!
//! Every table has `ds`, the logical date it is partitioned by, and `timestamp`, the moment a row is about; the
//! columns that the two repeat say which moment that is.

mod agg_strategy_daily;
mod backtest_equity_curve;
mod backtest_runs;
mod candles;
mod cell;
mod decisions;
mod dim_assets;
mod dim_strategies;
pub mod export;
mod fact_rejected_signals;
mod fact_signals_expired;
mod fact_trades;
mod macros;
mod positions;
mod schema;
mod signals;
mod snapshot_accounts;
mod summary_strategy_performance;

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::guardian::{JsonFields, Report, Violation};

pub use agg_strategy_daily::AGG_STRATEGY_DAILY;
pub use backtest_equity_curve::BacktestEquityPoint;
pub use backtest_runs::BacktestRun;
pub use candles::CandleRow;
pub use cell::{Cell, Field, Kind, Row, WrongKind};
pub use decisions::DecisionRow;
pub use dim_assets::DimAsset;
pub use dim_strategies::DimStrategy;
pub use fact_rejected_signals::FactRejectedSignal;
pub use fact_signals_expired::FactSignalExpired;
pub use fact_trades::FactTrade;
pub use positions::PositionRow;
pub use schema::{Column, PARTITION, Reference, Rule, TableSchema, ViewSchema};
pub use signals::{SignalRow, confidence_level};
pub use snapshot_accounts::AccountSnapshot;
pub use summary_strategy_performance::StrategyPerformance;

/// Lengths of candles, as tables hold them.
const TIMEFRAMES: &[&str] = &["1m", "5m", "15m", "1h", "4h", "1d"];

/// Names of [`crate::signal::SignalType`].
const SIGNAL_TYPES: &[&str] = &["STRONG_BUY", "BUY", "NEUTRAL", "SELL", "STRONG_SELL"];

/// Names of [`crate::signal::SignalState`].
const SIGNAL_STATES: &[&str] =
    &["NEW", "ORDERED", "FILLED", "ABANDONED", "REJECTED", "EXPIRED", "CONSUMED", "NO_ACTION"];

/// Names of [`crate::trade::ExitReason`].
const EXIT_REASONS: &[&str] = &["stop", "target", "trailing", "time", "signal", "manual"];

/// How a trade that was not made would have ended: by an exit of its own, or not within the window.
const THEORETICAL_EXITS: &[&str] = &["stop", "target", "trailing", "time", "signal", "open"];

/// A row of a table. Implemented by [`crate::table!`] alone.
pub trait Table: Serialize + DeserializeOwned + Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// Returns what the table is.
    fn schema() -> &'static TableSchema;

    /// Returns the values, in the order of the columns.
    fn cells(&self) -> Row;

    /// Takes values back, in the order of the columns.
    ///
    /// # Errors
    /// When there are too few or too many, or one is of another kind.
    fn from_cells(cells: Row) -> Result<Self, RowError>;

    /// Reads a row from JSON; [`crate::guardian::Guardian::admit`] is what callers want.
    ///
    /// # Errors
    /// Every field that is missing, unknown or of a wrong type.
    fn from_json(fields: JsonFields) -> Result<Self, Vec<Violation>>;

    /// Reports what is wrong with a row beyond the rules of its columns.
    fn laws(&self, report: &mut Report) {
        let _ = report;
    }
}

/// Values that are no row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RowError {
    /// Too few or too many values.
    #[error("a row of {table} has {expected} columns, found {found}")]
    Width {
        /// The table.
        table: &'static str,
        /// Its columns.
        expected: usize,
        /// The values.
        found: usize,
    },
    /// A value of a wrong kind.
    #[error("{table}.{column}: {source}")]
    Column {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong.
        source: WrongKind,
    },
}

impl RowError {
    /// Checks the number of values.
    ///
    /// # Errors
    /// When it is not the number of columns.
    pub fn check_width(schema: &TableSchema, found: usize) -> Result<(), Self> {
        let expected = schema.columns.len();
        if found == expected { Ok(()) } else { Err(Self::Width { table: schema.name, expected, found }) }
    }

    /// Returns the error of one column.
    #[must_use]
    pub const fn column(schema: &TableSchema, column: &'static str, source: WrongKind) -> Self {
        Self::Column { table: schema.name, column, source }
    }
}

/// Returns every table, in the order of the catalog: facts, snapshots, dimensions, then the records behind them.
#[must_use]
pub fn all() -> Vec<&'static TableSchema> {
    vec![
        FactTrade::schema(),
        FactRejectedSignal::schema(),
        FactSignalExpired::schema(),
        AccountSnapshot::schema(),
        StrategyPerformance::schema(),
        DimStrategy::schema(),
        DimAsset::schema(),
        CandleRow::schema(),
        SignalRow::schema(),
        PositionRow::schema(),
        DecisionRow::schema(),
        BacktestRun::schema(),
        BacktestEquityPoint::schema(),
    ]
}

/// Returns every view.
#[must_use]
pub fn views() -> Vec<&'static ViewSchema> {
    vec![&AGG_STRATEGY_DAILY]
}

/// Returns the table of this name, or `None`.
#[must_use]
pub fn named(name: &str) -> Option<&'static TableSchema> {
    all().into_iter().find(|table| table.name == name)
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
