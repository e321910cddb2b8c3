# What each function may do, by hand, because no manifest says it: which tables it reads and merges, what it publishes,
# whether it speaks to the broker, what it does with components. A function without a line here is not deployed.
locals {
  access = {
    archive-decisions = {
      reads  = ["signals"]
      writes = ["candles", "decisions", "dim_assets", "dim_strategies"]
    }
    archive-expirations = {
      reads  = ["candles"]
      writes = ["fact_signals_expired", "signals"]
    }
    archive-rejections = {
      reads  = ["candles", "snapshot_accounts"]
      writes = ["fact_rejected_signals", "signals"]
    }
    archive-trades = {
      broker = true
      reads  = ["candles"]
      writes = ["fact_trades", "positions", "signals"]
    }
    cleanup-hot-store = {
      # Deletes documents, and only what it finds in all of these.
      reads = ["candles", "decisions", "fact_rejected_signals", "fact_signals_expired", "fact_trades", "positions", "signals"]
    }
    evaluate-strategies = {
      components = "roles/storage.objectViewer"
      publishes  = ["closes"]
    }
    execute-signals = {
      broker    = true
      publishes = ["positions"]
    }
    expire-signals = {}
    ingest-candles = {
      # Market data of crypto needs no key. It runs each minute and so delivers, for all, what an outbox still holds.
      publishes = ["candles", "closes", "positions", "strategies"]
    }
    patch-fees = {
      broker = true
      writes = ["fact_trades", "positions"]
    }
    patch-prices = {
      broker = true
    }
    register-strategy = {
      # Compiled code is trusted when it is loaded, so nobody else writes to that bucket.
      components = "roles/storage.objectUser"
      uploads    = "roles/storage.objectViewer"
      publishes  = ["strategies"]
    }
    snapshot-accounts = {
      broker = true
      writes = ["snapshot_accounts"]
    }
    summarize-performance = {
      reads  = ["candles", "fact_trades", "signals", "snapshot_accounts"]
      writes = ["summary_strategy_performance"]
    }
    sync-positions = {
      broker    = true
      publishes = ["positions"]
    }
  }

  # Which topic an event type travels on: the topic that the functions name when they publish it.
  event_topics = {
    "sentinel.candle.closed.v1"       = "candles"
    "sentinel.close.evaluated.v1"     = "closes"
    "sentinel.positions.due.v1"       = "positions"
    "sentinel.strategy.activation.v1" = "strategies"
  }
  topics = toset(values(local.event_topics))

  # What rows of a table are sorted by within a day: what queries ask by first. Not in the exported schema.
  clustering = {
    backtest_equity_curve        = ["backtest_id"]
    backtest_runs                = ["strategy_id", "symbol", "timeframe"]
    candles                      = ["exchange", "symbol", "interval", "open_time"]
    decisions                    = ["close_time", "strategy_id", "symbol", "timeframe"]
    dim_assets                   = ["exchange", "symbol"]
    dim_strategies               = ["strategy_id", "version"]
    fact_rejected_signals        = ["account_id", "strategy_id", "symbol"]
    fact_signals_expired         = ["account_id", "strategy_id", "symbol"]
    fact_trades                  = ["account_id", "strategy_id", "symbol"]
    positions                    = ["account_id", "strategy_id", "symbol"]
    signals                      = ["account_id", "strategy_id", "symbol"]
    snapshot_accounts            = ["account_id"]
    summary_strategy_performance = ["account_id", "strategy_id"]
  }
}
