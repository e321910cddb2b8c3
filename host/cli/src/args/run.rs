//! What `backtest` and `sweep` share: strategies, candles, size, exits, gate, account.
//!
//! Defaults that are shown in the help are those of [`crate::plan`]; an option that is absent here is `None` there.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use rust_decimal::Decimal;
use sentinel_domain::candles::gaps::GapPolicy;
use sentinel_domain::instrument::{Exchange, Symbol};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_runtime::LimitsClass;

use super::values;
use crate::plan::range;

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Read the run from a TOML file instead of options; `--help` shows its form.
    #[arg(long, value_name = "FILE.toml", value_hint = ValueHint::FilePath, conflicts_with_all = [
        "StrategyArgs", "CandleArgs", "SizingArgs", "ExitArgs", "GateArgs", "AccountArgs",
    ])]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) strategies: StrategyArgs,
    #[command(flatten)]
    pub(crate) candles: CandleArgs,
    #[command(flatten)]
    pub(crate) sizing: SizingArgs,
    #[command(flatten)]
    pub(crate) exits: ExitArgs,
    #[command(flatten)]
    pub(crate) gate: GateArgs,
    #[command(flatten)]
    pub(crate) account: AccountArgs,

    /// Use so many threads; without it, all cores. The result does not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Strategies")]
pub(crate) struct StrategyArgs {
    /// A shipped strategy's name, a .wasm file or the folder of a strategy; ID=STRATEGY gives it another id.
    /// Several share one account.
    #[arg(long, value_name = "STRATEGY", required_unless_present = "config")]
    pub(crate) strategy: Vec<String>,

    /// Set a parameter; with several strategies ID.NAME=VALUE says whose. The others keep their defaults.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) param: Vec<String>,

    /// The candles a strategy is shown: 1m, 5m, 15m, 1h, 4h or 1d. Finer candles are made coarser for it, and orders
    /// are filled on the finer ones.
    #[arg(long, value_name = "LENGTH", required_unless_present = "config")]
    pub(crate) timeframe: Option<Timeframe>,

    /// The sandbox's limits: compiled or interpreted. Without it the size of the component decides.
    #[arg(long, value_name = "CLASS")]
    pub(crate) limits_class: Option<LimitsClass>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Candles")]
pub(crate) struct CandleArgs {
    /// Run on this .csv, .csv.gz or .parquet file; without it, on candles of the data folder. Repeat it together with
    /// --symbol.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) data: Vec<PathBuf>,

    /// What to trade, such as BTC/USDT; may be repeated.
    #[arg(long, required_unless_present = "config")]
    pub(crate) symbol: Vec<Symbol>,

    /// Where the candles come from: one for all symbols, or one for each. Needed when the data folder has a symbol
    /// from several; for a file it is only a name, `local` without it.
    #[arg(long)]
    pub(crate) exchange: Vec<Exchange>,

    /// Leave out candles that open before this day or time, UTC.
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) from: Option<UnixMillis>,

    /// Leave out candles that open at or after this day or time, UTC.
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) to: Option<UnixMillis>,

    /// What to do about missing candles: refuse them, fill them flat (last close, no volume), or skip them.
    #[arg(long, value_name = "CHOICE", default_value = "refuse")]
    pub(crate) gaps: GapPolicy,

    /// Fill orders on stored candles of this length; without it, on those nearest to --timeframe.
    #[arg(long, value_name = "LENGTH", conflicts_with = "data")]
    pub(crate) fill_timeframe: Option<Timeframe>,

    /// Smallest step of an order's price.
    #[arg(long, value_name = "PRICE", default_value = "0.01", value_parser = range::POSITIVE.parser())]
    pub(crate) tick_size: Decimal,

    /// Smallest step of an order's quantity.
    #[arg(long, value_name = "COINS", default_value = "0.000000001", value_parser = range::POSITIVE.parser())]
    pub(crate) step_size: Decimal,

    /// Smallest quantity of an order.
    #[arg(long, value_name = "COINS", default_value = "0.000000001", value_parser = range::NOT_NEGATIVE.parser())]
    pub(crate) quantity_min: Decimal,

    /// Smallest value of an order.
    #[arg(long, value_name = "CASH", default_value = "1", value_parser = range::NOT_NEGATIVE.parser())]
    pub(crate) notional_min: Decimal,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
#[command(next_help_heading = "Size of an entry (one of these; without them 10 % of the equity)")]
pub(crate) struct SizingArgs {
    /// So many coins.
    #[arg(long, value_name = "COINS", allow_hyphen_values = true, value_parser = range::POSITIVE.parser())]
    pub(crate) quantity: Option<Decimal>,

    /// Coins for this much cash.
    #[arg(long, value_name = "CASH", allow_hyphen_values = true, value_parser = range::POSITIVE.parser())]
    pub(crate) notional: Option<Decimal>,

    /// This part of the equity, fee and slippage included.
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, value_parser = range::PERCENT.parser())]
    pub(crate) equity_pct: Option<Decimal>,

    /// So much that being stopped costs this part of the equity; needs a stop.
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, value_parser = range::PERCENT.parser())]
    pub(crate) risk_pct: Option<Decimal>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Exits beside the strategy's own")]
pub(crate) struct ExitArgs {
    /// Stop this far below the entry; a stop that the signal names comes first.
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, value_parser = range::FALL.parser())]
    pub(crate) stop_loss_pct: Option<Decimal>,

    /// How far the limit of the resting stop lies below its stop price.
    #[arg(long, value_name = "BPS", default_value = "100", allow_hyphen_values = true, value_parser = range::OFFSET_BPS.parser())]
    pub(crate) stop_limit_offset_bps: Decimal,

    /// Target this far above the entry; a target that the signal names comes first.
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, value_parser = range::POSITIVE.parser())]
    pub(crate) take_profit_pct: Option<Decimal>,

    /// Sell when the close falls this far from the best close since the entry.
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, value_parser = range::FALL.parser())]
    pub(crate) trailing_stop_pct: Option<Decimal>,

    /// Sell after so many bars.
    #[arg(long, value_name = "BARS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) bars_held_max: Option<u32>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Which signals are acted on")]
pub(crate) struct GateArgs {
    /// Reject signals that are less confident, 0 to 100.
    #[arg(long, value_name = "CONFIDENCE", default_value = "0", allow_hyphen_values = true)]
    #[arg(value_parser = range::CONFIDENCE.parser())]
    pub(crate) confidence_min: Decimal,

    /// Do not buy the same symbol for so many bars after an exit.
    #[arg(long, value_name = "BARS", default_value_t = 0)]
    pub(crate) cooldown_bars: u32,

    /// Act on a signal for so many bars where it does not say so itself.
    #[arg(long, value_name = "BARS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) signal_valid_bars: u32,

    /// Multiply the size with this when the advice is STRONG_BUY.
    #[arg(long, value_name = "FACTOR", default_value = "1", allow_hyphen_values = true, value_parser = range::POSITIVE.parser())]
    pub(crate) strong_factor: Decimal,

    /// Hold at most so many positions.
    #[arg(long, value_name = "N")]
    pub(crate) positions_max: Option<u32>,

    /// Hold at most so many positions of one strategy.
    #[arg(long, value_name = "N")]
    pub(crate) positions_max_per_strategy: Option<u32>,

    /// Hold at most so many positions in one symbol, over all strategies.
    #[arg(long, value_name = "N")]
    pub(crate) positions_max_per_symbol: Option<u32>,

    /// Hold positions of at most this part of the equity.
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, value_parser = range::POSITIVE.parser())]
    pub(crate) exposure_max_pct: Option<Decimal>,

    /// Open nothing for the rest of the day (UTC) after losing this part of the equity.
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, value_parser = range::PERCENT.parser())]
    pub(crate) daily_loss_max_pct: Option<Decimal>,

    /// Open nothing while the equity is this far below its highest.
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, value_parser = range::PERCENT.parser())]
    pub(crate) drawdown_max_pct: Option<Decimal>,

    /// Open nothing after so many candles without a trade.
    #[arg(long, value_name = "BARS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) stale_after_bars: Option<u32>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Account and broker")]
pub(crate) struct AccountArgs {
    /// Cash at the beginning, in quote currency.
    #[arg(long, default_value = "100000", allow_hyphen_values = true, value_parser = range::POSITIVE.parser())]
    pub(crate) cash: Decimal,

    /// The same fee for every fill; without it the broker's tiers by 30-day volume, 25 bps and falling.
    #[arg(long, value_name = "BPS", allow_hyphen_values = true, value_parser = range::BPS.parser())]
    pub(crate) fee_bps: Option<Decimal>,

    /// Take fees from what is received, as the broker does, or from the quote currency, as most backtesters do.
    #[arg(long, value_enum, value_name = "CURRENCY", default_value_t = FeeIn::Received)]
    pub(crate) fee_in: FeeIn,

    /// What a market order or a woken stop loses against the candle's price.
    #[arg(long, value_name = "BPS", default_value = "5", allow_hyphen_values = true, value_parser = range::BPS.parser())]
    pub(crate) slippage_bps: Decimal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FeeIn {
    /// Coins when buying, cash when selling.
    Received,
    /// Cash on both sides.
    Quote,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LookaheadCheck {
    /// Check, and fail the run when a decision differs.
    On,
    /// Do not check; the result says so.
    Off,
}
