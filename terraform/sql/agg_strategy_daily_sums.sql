SELECT
  ds,
  account_id,
  strategy_id,
  strategy_version,
  COUNT(*) AS trade_count,
  COUNTIF(pnl_usd > 0) AS win_count,
  SUM(pnl_usd) AS pnl_usd,
  SUM(IF(fee_finalized, actual_fee_usd, estimated_fee_usd)) AS fee_usd,
  SUM(entry_notional_usd + exit_notional_usd) AS turnover_usd,
  MAX(pnl_pct) AS best_trade_pct,
  MIN(pnl_pct) AS worst_trade_pct,
  COUNTIF(NOT fee_finalized) AS estimated_fee_count
FROM {fact_trades}
WHERE ds >= DATE '2000-01-01'
GROUP BY ds, account_id, strategy_id, strategy_version
