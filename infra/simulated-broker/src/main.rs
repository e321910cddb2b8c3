//! Runs a simulated broker on its own: `sentinel-simulated-broker --file account.sqlite --port 8400`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use rust_decimal::Decimal;
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::fill::FillModel;
use sentinel_simulated_broker::{Options, Settings, SimulatedBroker};

/// A broker on this machine that speaks Alpaca's REST interface. Its clock stands still until it is moved with
/// POST /simulation/advance; candles are loaded with POST /simulation/market.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// File that keeps the account; without one it is gone at the end
    #[arg(long)]
    file: Option<PathBuf>,
    /// Name of the account
    #[arg(long, default_value = "simulated")]
    account: String,
    /// Cash to begin with, in quote currency
    #[arg(long, default_value = "100000")]
    cash: Decimal,
    /// Fee of every fill in basis points, instead of the broker's tiers by volume
    #[arg(long)]
    fee_bps: Option<Decimal>,
    /// Take fees from cash on both sides, instead of from the asset received
    #[arg(long)]
    fee_in_quote: bool,
    /// What a market order loses against the candle's price, in basis points
    #[arg(long, default_value = "0")]
    slippage_bps: Decimal,
    /// When the account is opened, in Unix milliseconds
    #[arg(long, default_value_t = 0)]
    start: i64,
}

#[expect(clippy::print_stdout, reason = "where it listens is what a caller waits for")]
fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let rate = arguments.fee_bps.map_or_else(FeeRate::alpaca, |bps| FeeRate::Fixed { bps });
    let currency = if arguments.fee_in_quote { FeeCurrency::Quote } else { FeeCurrency::Received };
    let settings = Settings {
        account: arguments.account,
        cash: arguments.cash,
        fees: FeeSchedule { rate, currency },
        fill_model: FillModel { slippage_bps: arguments.slippage_bps },
        start: arguments.start,
        ..Settings::default()
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let options = Options { settings, file: arguments.file, address, ..Options::default() };
    let broker = SimulatedBroker::start(options).context("the broker did not start")?;
    println!("listening on {}", broker.url());
    broker.wait();
    Ok(())
}
