//! `sentinel data …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use rust_decimal::Decimal;
use sentinel_domain::instrument::{Exchange, Symbol};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_exchange_candles::Source;

use super::{examples, values};
use crate::plan::range;

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Take the candles of a CSV or Parquet file into the data folder.
    #[command(after_help = examples::DATA_IMPORT)]
    Import(ImportArgs),
    /// Show which candles the data folder holds.
    #[command(after_help = examples::DATA_LIST)]
    List,
    /// Fetch candles from the public endpoint of an exchange. The only command that needs the network.
    #[command(after_help = examples::DATA_FETCH)]
    Fetch(FetchArgs),
    /// Make candles up, where there are none, to try things out.
    #[command(after_help = examples::DATA_SIMULATE)]
    Simulate(SimulateArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// A .csv, .csv.gz or .parquet file.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    /// What the candles are of, such as BTC/USDT.
    #[arg(long)]
    pub(crate) symbol: Symbol,

    /// Length of the candles in the file: 1m, 5m, 15m, 1h, 4h or 1d.
    #[arg(long, value_name = "LENGTH")]
    pub(crate) timeframe: Timeframe,

    /// Where the candles come from.
    #[arg(long, default_value = "local")]
    pub(crate) exchange: Exchange,

    /// Where a candle is stored with other values, keep the new ones.
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// The exchange: coinbase, binance or kraken; the last serves its latest 720 candles only.
    #[arg(long)]
    pub(crate) source: Source,

    /// What to fetch, such as BTC/USDT.
    #[arg(long)]
    pub(crate) symbol: Symbol,

    /// Length of the candles: 1m, 5m, 15m, 1h, 4h or 1d.
    #[arg(long, value_name = "LENGTH")]
    pub(crate) timeframe: Timeframe,

    /// The first day or time, UTC.
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) from: UnixMillis,

    /// The day or time to stop before, UTC.
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) to: UnixMillis,

    /// Ask this server instead of the exchange's own.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) base_url: Option<String>,

    /// Try a request so many times again after a failure that may pass.
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub(crate) retries: usize,

    /// Where a candle is stored with other values, keep the new ones.
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// What to call the candles.
    #[arg(long, default_value = "BTC/USD")]
    pub(crate) symbol: Symbol,

    /// Length of the candles: 1m, 5m, 15m, 1h, 4h or 1d.
    #[arg(long, value_name = "LENGTH", default_value = "1h")]
    pub(crate) timeframe: Timeframe,

    /// The first day or time, UTC.
    #[arg(long, value_name = "TIME", value_parser = values::time, default_value = "2022-01-01")]
    pub(crate) from: UnixMillis,

    /// The day or time to stop before, UTC.
    #[arg(long, value_name = "TIME", value_parser = values::time, default_value = "2025-01-01")]
    pub(crate) to: UnixMillis,

    /// Another seed, another market.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// The price at the beginning.
    #[arg(long, value_name = "PRICE", default_value = "30000", value_parser = range::POSITIVE.parser())]
    pub(crate) price: Decimal,

    /// Where a candle is stored with other values, keep the new ones.
    #[arg(long)]
    pub(crate) replace: bool,
}
