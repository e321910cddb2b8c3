//! The examples at the end of each help text; a test of [`super`] reads each as a command line.

pub(super) const SENTINEL: &str = "\
Examples:
  sentinel strategy new my-first                 make a folder with a strategy in it
  sentinel strategy build my-first               turn it into a sandboxed component
  sentinel data import btcusdt-1d.csv --symbol BTC/USDT --timeframe 1d
  sentinel backtest --strategy sma-cross --symbol BTC/USDT --timeframe 1d

Exit status: 0 good, 1 failed, 2 wrong usage: the command itself has to be changed.";

pub(super) const STRATEGY: &str = "\
Examples:
  sentinel strategy new my-first
  sentinel strategy build my-first
  sentinel strategy check my-first/target/my-first.wasm
  sentinel strategy inspect my-first/target/my-first.wasm";

pub(super) const STRATEGY_NEW: &str = "\
Examples:
  sentinel strategy new my-first
  sentinel strategy new my-second --language python
  sentinel strategy new my-third --language javascript --dir ~/strategies";

pub(super) const STRATEGY_BUILD: &str = "\
Examples:
  sentinel strategy build                        build the strategy in the current folder
  sentinel strategy build my-first
  sentinel strategy build my-first -o my-first.wasm";

pub(super) const STRATEGY_CHECK: &str = "\
Examples:
  sentinel strategy check my-first/target/my-first.wasm
  sentinel strategy check sma-cross --json       a shipped strategy by its name
  sentinel strategy check sma-cross --data btcusdt-1h.csv.gz --timeframe 1h

Exit status: 0 when the strategy passes every trial, 1 when it is refused.";

pub(super) const STRATEGY_INSPECT: &str = "\
Examples:
  sentinel strategy inspect my-first/target/my-first.wasm
  sentinel strategy inspect sma-cross            a shipped strategy by its name";

pub(super) const DATA: &str = "\
Examples:
  sentinel data import btcusdt-1d.csv --symbol BTC/USDT --timeframe 1d
  sentinel data fetch --source binance --symbol BTC/USDT --timeframe 1h --from 2024-01-01 --to 2024-07-01
  sentinel data simulate --symbol BTC/USD --timeframe 1h
  sentinel data list";

pub(super) const DATA_IMPORT: &str = "\
Examples:
  sentinel data import btcusdt-1d.csv --symbol BTC/USDT --timeframe 1d
  sentinel data import btcusdt-1h.csv.gz --exchange binance --symbol BTC/USDT --timeframe 1h

A CSV file has a header with timestamp, open, high, low, close, volume; times are UTC, such as 2024-01-01T00:00:00Z,
and tell when a candle opened. It may also have taker_buy_volume or volume_delta, and imbalance.
All candles are imported or, when one is wrong, none.";

pub(super) const DATA_LIST: &str = "\
Examples:
  sentinel data list
  sentinel data list --json";

pub(super) const DATA_FETCH: &str = "\
Examples:
  sentinel data fetch --source binance --symbol BTC/USDT --timeframe 1d --from 2018-01-01 --to 2025-01-01
  sentinel data fetch --source coinbase --symbol BTC/USD --timeframe 1h --from 2024-01-01 --to 2024-07-01

No account is needed. What is there already is not fetched again, so an interrupted fetch goes on where it stopped.";

pub(super) const DATA_SIMULATE: &str = "\
Examples:
  sentinel data simulate --symbol BTC/USD --timeframe 1h
  sentinel data simulate --symbol BTC/USD --timeframe 1m --from 2024-01-01 --to 2024-02-01 --seed 7

The candles are made up: no market ever traded them. They are stored as those of the exchange `simulated`, and the same
seed gives the same candles everywhere.";

/// The part of the help of `backtest` that its long help shares.
macro_rules! backtest_examples {
    () => {
        "\
Examples:
  sentinel backtest --strategy sma-cross --symbol BTC/USDT --timeframe 1d
  sentinel backtest --strategy sma-cross --param fast=10 --param slow=30 --param threshold=0.00001 \\
      --data btcusdt-1d.csv --symbol BTC/USDT --timeframe 1d --quantity 0.1 --fee-bps 10 --fee-in quote \\
      --slippage-bps 0 --cash 100000 --gaps flat
  sentinel backtest --strategy my-first/target/my-first.wasm --data btcusdt-1h.csv.gz --symbol BTC/USDT \\
      --timeframe 1h --gaps flat --risk-pct 1 --stop-loss-pct 5 --report my-first.html
  sentinel backtest --strategy sma-cross --strategy rsi-reversion --param sma-cross.fast=10 \\
      --symbol BTC/USDT --symbol ETH/USDT --timeframe 1d
  sentinel backtest --config run.toml
"
    };
}

pub(super) const BACKTEST: &str =
    concat!(backtest_examples!(), "\n`sentinel backtest --help` tells more, among it the form of run files.");

pub(super) const BACKTEST_LONG: &str = concat!(
    backtest_examples!(),
    "
A run file says the same and more, in TOML: each strategy with its own parameters, risk and series. Every key is
optional but `series` and `strategies`; paths start at the folder of the file; keys are those of the saved run.json.

  cash = 100000
  slippage_bps = 5
  fee_bps = 10                       # left out: the broker's tiers
  fee_in = \"received\"                # or \"quote\"
  gaps = \"flat\"                      # or \"refuse\" (default), \"skip\"
  timeframe = \"1d\"                   # what strategies are shown unless they say so themselves
  from = \"2018-01-01\"
  to = \"2025-01-01\"

  [limits]                           # of the account: positions_max, positions_max_per_symbol, exposure_max_pct,
  positions_max = 2                  # daily_loss_max_pct, drawdown_max_pct, stale_after_bars

  [[series]]
  data = \"btcusdt-1d.csv\"            # left out: from the data folder
  symbol = \"BTC/USDT\"
  exchange = \"binance\"

  [[strategies]]
  strategy = \"sma-cross\"             # a name, a .wasm file or the folder of a strategy
  parameters = { fast = 10, slow = 30 }
  risk = { sizing = { quantity = 0.1 }, stop_loss_pct = 5 }

  [[strategies]]
  id = \"second-opinion\"              # left out: the strategy's own
  strategy = \"rsi-reversion\"
  series = [\"BTC/USDT\"]              # left out: all of them
  risk = { sizing = { equity_pct = 20 }, trailing_stop_pct = 8, priority = 200 }

Every assumption of the fill model is published in docs/backtesting.md."
);

pub(super) const SWEEP: &str = "\
Examples:
  sentinel sweep --strategy sma-cross --grid fast=5..50:5 --grid slow=20..200:20 --symbol BTC/USDT --timeframe 1d
  sentinel sweep --strategy sma-cross --grid fast=5,10,20 --param slow=50 --data btcusdt-1d.csv --symbol BTC/USDT \\
      --timeframe 1d --quantity 0.1 --fee-bps 10 --sort total_return_pct --top 5

The best point of a sweep is the luckiest one too: try it on candles that the sweep has not seen (--from, --to).";

pub(super) const COMPARE: &str = "\
Examples:
  sentinel compare                               the two runs saved last
  sentinel compare 3f2a 91bc
  sentinel compare last other/run.json --all";

pub(super) const SCHEMA: &str = "\
Examples:
  sentinel schema export --format markdown       every column of every table, for people
  sentinel schema export --format bigquery --out terraform/schemas";

pub(super) const SCHEMA_EXPORT: &str = "\
Examples:
  sentinel schema export --format sql
  sentinel schema export --format dbml --out docs             renew docs/current_schema.dbml
  sentinel schema export --format markdown --out docs         renew docs/data/00_data_catalog.md
  sentinel schema export --format bigquery --out terraform/schemas";
