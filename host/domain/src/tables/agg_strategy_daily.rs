//! `agg_strategy_daily`: what dashboards read.

use super::cell::Kind;
use super::schema::{Column, ViewSchema};

const fn column(
    name: &'static str,
    kind: Kind,
    nullable: bool,
    unit: Option<&'static str>,
    doc: &'static str,
) -> Column {
    Column { name, kind, nullable, unit, doc, rules: &[] }
}

/// Closed trades of each strategy version for each day, with running profit.
pub static AGG_STRATEGY_DAILY: ViewSchema = ViewSchema {
    name: "agg_strategy_daily",
    description: "Closed trades of each strategy version, day by day, for dashboards; computed from fact_trades.",
    grain: "one strategy version in one account on one UTC day on which it closed a trade",
    sources: &["fact_trades"],
    columns: &[
        column("ds", Kind::Date, false, None, "The UTC date of the exits."),
        column("account_id", Kind::Text, false, None, "The account."),
        column("strategy_id", Kind::Text, false, None, "The strategy."),
        column("strategy_version", Kind::Text, false, None, "Its version."),
        column("trade_count", Kind::Integer, false, Some("trades"), "Closed trades."),
        column("win_count", Kind::Integer, false, Some("trades"), "Of these, with a profit above 0 after fees."),
        column("win_rate", Kind::Real, false, Some("per cent"), "Share of trades that won."),
        column("pnl_usd", Kind::Decimal, false, Some("USD"), "Profit after fees."),
        column("pnl_usd_total", Kind::Decimal, false, Some("USD"), "Profit after fees up to and with the day."),
        column("fee_usd", Kind::Decimal, false, Some("USD"), "Fees; actual ones where they are known."),
        column("turnover_usd", Kind::Decimal, false, Some("USD"), "What was traded, both sides."),
        column("best_trade_pct", Kind::Real, false, Some("per cent"), "The best trade."),
        column("worst_trade_pct", Kind::Real, false, Some("per cent"), "The worst trade."),
        column(
            "fees_finalized",
            Kind::Boolean,
            false,
            None,
            "Whether the fees of all these trades are the actual ones.",
        ),
    ],
    sql: "\
SELECT
  ds,
  account_id,
  strategy_id,
  strategy_version,
  COUNT(*) AS trade_count,
  SUM(CASE WHEN pnl_usd > 0 THEN 1 ELSE 0 END) AS win_count,
  100 * SUM(CASE WHEN pnl_usd > 0 THEN 1 ELSE 0 END) / COUNT(*) AS win_rate,
  SUM(pnl_usd) AS pnl_usd,
  SUM(SUM(pnl_usd)) OVER (PARTITION BY account_id, strategy_id, strategy_version ORDER BY ds) AS pnl_usd_total,
  SUM(CASE WHEN fee_finalized THEN actual_fee_usd ELSE estimated_fee_usd END) AS fee_usd,
  SUM(entry_notional_usd + exit_notional_usd) AS turnover_usd,
  MAX(pnl_pct) AS best_trade_pct,
  MIN(pnl_pct) AS worst_trade_pct,
  MIN(CASE WHEN fee_finalized THEN 1 ELSE 0 END) = 1 AS fees_finalized
FROM {fact_trades}
GROUP BY ds, account_id, strategy_id, strategy_version",
};
