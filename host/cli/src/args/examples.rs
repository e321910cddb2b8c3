//! The examples at the end of each help text; a test of [`super`] reads each as a command line.

pub(super) const SENTINEL: &str = "\
Examples:
  sentinel strategy new my-first                 make a folder with a strategy in it
  sentinel strategy build my-first               turn it into a sandboxed component
  sentinel data import btcusdt-1d.csv --symbol BTC/USDT --timeframe 1d
  sentinel backtest --strategy sma-cross --symbol BTC/USDT --timeframe 1d
  sentinel --target cloud status                 what a deployment on Google Cloud does

Exit status: 0 good, 1 failed, 2 wrong usage: the command itself has to be changed.";

pub(super) const STRATEGY: &str = "\
Examples:
  sentinel strategy new my-first
  sentinel strategy build my-first
  sentinel strategy check my-first/target/my-first.wasm
  sentinel strategy inspect my-first/target/my-first.wasm
  sentinel strategy register my-first/target/my-first.wasm --config my-first.toml
  sentinel strategy list";

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
  sentinel backtest --as-recorded --from 2024-01-01 --to 2024-07-01
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

/// The part of the help of `strategy register` that its long help shares.
macro_rules! register_examples {
    () => {
        "\
Examples:
  sentinel strategy register my-first/target/my-first.wasm --config my-first.toml
  sentinel strategy register sma-cross --config sma-cross.toml --at 2024-01-01
  sentinel strategy register my-first --config my-first.toml --json

The same component and config again change nothing. Dropping my-first.wasm and my-first.toml into the folder
`strategies` of the data folder does the same while `sentinel dev` runs.
"
    };
}

pub(super) const STRATEGY_REGISTER: &str =
    concat!(register_examples!(), "\n`sentinel strategy register --help` shows the form of the config.");

pub(super) const STRATEGY_REGISTER_LONG: &str = concat!(
    register_examples!(),
    "
The config is TOML; its keys are those of a strategy in a run file, so what was backtested is what is registered:

  id = \"sma-cross-btc\"              # left out: the strategy's own
  timeframe = \"1h\"
  assets = [\"binance:BTC/USDT\"]      # exchange:symbol
  gaps = \"flat\"                      # or \"refuse\" (default), \"skip\"
  active = true                      # default
  priority = 100                     # lower goes first at the gate
  limits_class = \"compiled\"          # left out: the size of the component decides
  git_hash = \"3f2a91b\"               # left out: unknown
  parameters = { fast = 10, slow = 30 }
  risk = { sizing = { equity_pct = 20 }, stop_loss_pct = 5 }"
);

pub(super) const STRATEGY_UPLOAD: &str = "\
Examples:
  sentinel --target cloud strategy upload my-first/target/my-first.wasm --config my-first.toml
  sentinel --target cloud strategy upload sma-cross --config sma-cross.toml --wait 600 --json

The same component and config again change nothing. A strategy is switched off by uploading it with `active = false`.
Exit status: 0 when it is registered, 1 when register-strategy refuses it or says nothing in time.";

pub(super) const STRATEGY_LIST: &str = "\
Examples:
  sentinel strategy list
  sentinel --target cloud strategy list
  sentinel strategy list --json";

pub(super) const STRATEGY_HISTORY: &str = "\
Examples:
  sentinel strategy history sma-cross-btc
  sentinel strategy history sma-cross-btc --json";

pub(super) const STRATEGY_ACTIVATE: &str = "\
Examples:
  sentinel strategy activate sma-cross-btc
  sentinel strategy activate sma-cross-btc --at 2024-03-01";

pub(super) const STRATEGY_DEACTIVATE: &str = "\
Examples:
  sentinel strategy deactivate sma-cross-btc
  sentinel strategy deactivate sma-cross-btc --at 2024-03-01T12:00:00Z";

pub(super) const STRATEGY_SHOW: &str = "\
Examples:
  sentinel strategy show sma-cross-btc
  sentinel strategy show sma-cross-btc --as-of 2024-02-29";

macro_rules! dev_examples {
    () => {
        "\
Examples:
  sentinel dev --from 2024-01-01 --to 2024-07-01        half a year, as fast as it can
  sentinel dev --from 2024-01-01 --to 2024-02-01 --speed 3600
  sentinel dev                                          on the clock of this machine
  sentinel dev --watch my-strategy                      built and registered whenever it changes"
    };
}

pub(super) const DEV: &str = concat!(dev_examples!(), "\n\n`sentinel dev --help` shows the form of account.toml.");

pub(super) const DEV_LONG: &str = concat!(
    dev_examples!(),
    "

Simulated time trades the candles of the data folder at a broker on this machine; it ends with the trades of a backtest
on the same candles, and goes on where it stopped. In real time the broker on this machine fills orders at the prices
that Alpaca publishes, with play money; or the account is at Alpaca itself. Which account is traded, and where, is said by
account.toml in the data folder; all of it may be left out:

  id = \"main\"                        # enters the ids of signals and orders
  cash = 100000                      # of the broker on this machine
  slippage_bps = 5
  fee_bps = 25                       # left out: Alpaca's tiers
  fee_in = \"received\"                # or \"quote\"
  finest = \"1m\"                      # exits are decided at these closes
  benchmark = \"binance:BTC/USDT\"     # for alpha and beta
  limits = { positions_max = 5, exposure_max_pct = 80 }
  broker = { kind = \"local\" }        # or \"server\" with a url, \"alpaca-paper\", \"alpaca-live\"

Alpaca asks for APCA_API_KEY_ID and APCA_API_SECRET_KEY; alpaca-live also for SENTINEL_LIVE_TRADING=yes."
);

pub(super) const THREAD: &str = "\
Examples:
  sentinel thread
  sentinel thread --json";

pub(super) const RUN: &str = "\
Examples:
  sentinel run expire-signals
  sentinel run expire-signals --at 2024-03-01T00:05:00Z
  sentinel run register-strategy --event uploaded.json
  sentinel --target cloud run archive-trades     the deployed function, by its schedule or as its job

The stores are those of the environment that the variable ENVIRONMENT names: PROD, DEV (default) or TEST. In the cloud
the function is started and not waited for; `sentinel --target cloud status` shows how it ended.";

pub(super) const FUNCTIONS: &str = "\
Examples:
  sentinel functions
  sentinel functions --json                      for Terraform and schedulers";

pub(super) const REPLAY: &str = "\
Examples:
  sentinel replay                                all decisions that are recorded
  sentinel replay --from 2024-01-01 --to 2024-02-01
  sentinel replay --strategy sma-cross-btc --json

Exit status: 0 when every decision comes out the same, 1 when one differs.";

pub(super) const STATUS: &str = "\
Examples:
  sentinel status
  sentinel --target cloud status
  sentinel status --json";

pub(super) const EXPLAIN: &str = "\
Examples:
  sentinel explain 3f2a91
  sentinel explain 3f2a91 --json";

pub(super) const QUERY: &str = "\
Examples:
  sentinel query \"SHOW TABLES\"
  sentinel query \"SELECT symbol, pnl_usd FROM fact_trades_test\" --format csv
  sentinel query \"FROM fact_trades_test LIMIT 5\" --json
  sentinel --target cloud query \"SELECT symbol, pnl_usd FROM fact_trades WHERE ds >= '2025-01-01'\"

In the cloud the SQL is BigQuery's, each table's `ds` has to be named, and what was billed is said on standard error.
Nothing can be written this way, and no file outside of the warehouse is read.";

pub(super) const QUARANTINE: &str = "\
Examples:
  sentinel quarantine list
  sentinel quarantine show 3f2a91
  sentinel quarantine retry";

pub(super) const QUARANTINE_LIST: &str = "\
Examples:
  sentinel quarantine list
  sentinel quarantine list --json";

pub(super) const QUARANTINE_SHOW: &str = "\
Examples:
  sentinel quarantine show 3f2a91
  sentinel quarantine show 3f2a91 --json";

pub(super) const QUARANTINE_RETRY: &str = "\
Examples:
  sentinel quarantine retry                      every job that held a row back
  sentinel quarantine retry 3f2a91               the job that held this row back";

pub(super) const BACKUP: &str = "\
Examples:
  sentinel backup monday.sentinel
  sentinel backup /mnt/backups/monday.sentinel --json";

pub(super) const PAUSE: &str = "\
Examples:
  sentinel pause --reason \"exchange maintenance\"
  sentinel --target cloud pause --reason \"exchange maintenance\"
  sentinel status
  sentinel resume

Held from the moment the command returns: signals are rejected as account_paused and archived with what they would have
made. An entry that is decided and not filled is taken back by the next sync; stops, targets and exits go on.";

pub(super) const RESTORE: &str = "\
Examples:
  sentinel restore monday.sentinel
  sentinel restore /mnt/backups --at 2024-03-01T12:00:00Z
  sentinel restore monday.sentinel --data-dir elsewhere

Stores that are there are not replaced: move them away first, or restore into another data folder.";
