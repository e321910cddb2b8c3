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
GROUP BY ds, account_id, strategy_id, strategy_version
