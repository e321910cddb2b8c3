//! `sentinel data fetch` against an exchange on this machine.

use sentinel_exchange_candles::Source;
use sentinel_exchange_candles::local_exchange::{Fault, LocalExchange, LocalMarket};

use crate::harness::Bench;

/// 2024-01-01T00:00:00Z
const START: i64 = 1_704_067_200_000;
const DAY: i64 = 86_400_000;

fn exchange(source: Source, market: &str) -> LocalExchange {
    LocalExchange::start(LocalMarket {
        source,
        market: market.to_owned(),
        listed: START - 10 * DAY,
        now: START + 300 * DAY,
        silence: Vec::new(),
    })
}

#[test]
fn fetched_candles_can_be_traded_on() {
    let bench = Bench::new();
    for (source, market, symbol) in [
        (Source::Binance, "BTCUSDT", "BTC/USDT"),
        (Source::Coinbase, "BTC-USD", "BTC/USD"),
        (Source::Kraken, "XBTUSD", "BTC/USD"),
    ] {
        let exchange = exchange(source, market);
        let fetch = format!(
            "data fetch --source {source} --symbol {symbol} --timeframe 1d --from 2024-01-01 --to 2024-04-01 --json \
             --base-url {}",
            exchange.url()
        );
        let fetched = bench.run(&fetch).good().json();
        assert_eq!((fetched["added"].as_u64(), fetched["exchange"].as_str()), (Some(91), Some(source.as_str())));
        let asked = exchange.requests().len();
        assert_eq!(bench.run(&fetch).good().json()["added"], 0);
        assert_eq!(exchange.requests().len(), asked, "what is there is not asked for again");

        let backtest =
            format!("backtest --strategy sma-cross --exchange {source} --symbol {symbol} --timeframe 1d --json");
        assert_eq!(bench.run(&backtest).good().json()["bars"], 91);
    }
}

#[test]
fn interrupted_fetch_goes_on_where_it_stopped() {
    let bench = Bench::new();
    let exchange = exchange(Source::Binance, "BTCUSDT");
    let fetch = format!(
        "data fetch --source binance --symbol BTC/USDT --timeframe 1h --from 2024-01-01 --to 2024-04-01 --retries 0 \
         --base-url {}",
        exchange.url()
    );
    exchange.fail_next([Fault::Status(500, "oops")]);
    bench.run(&fetch).refused(1, &["binance cannot be reached", "goes on where it stopped"]);
    bench.run(&fetch).good();
    assert_eq!(bench.run("data list --json").good().json()[0]["bars"], 91 * 24);
}

#[test]
fn refusals_say_who_and_what() {
    let bench = Bench::new();
    let exchange = exchange(Source::Binance, "BTCUSDT");
    let fetch = |more: &str| {
        bench.run(&format!("data fetch --source binance --timeframe 1h --base-url {} {more}", exchange.url()))
    };
    fetch("--symbol DOGE/USDT --from 2024-01-01 --to 2024-02-01").refused(1, &["binance has no DOGE/USDT", "DOGEUSDT"]);
    fetch("--symbol BTC/USDT --from 2024-02-01 --to 2024-02-01").refused(2, &["--from is not before --to"]);
    fetch("--symbol BTC/USDT --from 2024-02-30 --to 2024-03-01").refused(2, &["2024-02-30"]);
    bench
        .run("data fetch --source mtgox --symbol BTC/USD --timeframe 1d --from 2024-01-01 --to 2024-02-01")
        .refused(2, &["coinbase, binance, kraken"]);
    // A port on which nobody listens.
    bench
        .run(
            "data fetch --source kraken --symbol BTC/USD --timeframe 1d --from 2024-01-01 --to 2024-02-01 --retries 0 \
             --base-url http://127.0.0.1:9",
        )
        .refused(1, &["kraken cannot be reached at http://127.0.0.1:9"]);
    assert!(bench.files().iter().all(|path| path.extension().is_none_or(|kind| kind != "parquet")));
}
