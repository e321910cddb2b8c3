//! The report is one file that needs nothing else, says what the result says, and is the same every time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Read;
use std::path::{Path, PathBuf};

use rust_decimal::dec;
use sentinel_backtest::report::{Extras, render};
use sentinel_backtest::result::BacktestResult;
use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::timeframe::Timeframe;
use serde_json::Value;

#[path = "report_sample/sample.rs"]
mod sample;

use sample::{instrument, result_on, wavy_candles};

const VERIFIED: Extras = Extras { lookahead_verified: true, notes: Vec::new() };

fn page() -> String {
    let candles = wavy_candles(Timeframe::H4, 900);
    render(&result_on(&candles), &[&candles], &VERIFIED)
}

/// The page without the contents of its scripts and styles: what a browser takes for markup.
fn markup(page: &str) -> String {
    let mut rest = page;
    let mut markup = String::new();
    while let Some((start, end_tag)) = [("<script", "</script>"), ("<style", "</style>")]
        .into_iter()
        .filter_map(|(tag, end_tag)| Some((rest.find(tag)?, end_tag)))
        .min()
    {
        let content = start + rest[start..].find('>').unwrap() + 1;
        markup.push_str(&rest[..content]);
        rest = &rest[content + rest[content..].find(end_tag).unwrap()..];
        markup.push_str(end_tag);
        rest = &rest[end_tag.len()..];
    }
    markup + rest
}

fn island(page: &str) -> Value {
    let start = page.find("id=\"data\">").unwrap() + "id=\"data\">".len();
    let end = start + page[start..].find("</script>").unwrap();
    serde_json::from_str(&page[start..end]).unwrap()
}

#[test]
fn same_result_gives_the_same_bytes() {
    assert!(page() == page());
}

#[test]
fn every_section_is_there() {
    let page = page();
    for id in ["equity", "price", "months", "kinds", "metrics", "signals", "trades", "method"] {
        assert_eq!(page.matches(&format!("<section id=\"{id}\">")).count(), 1, "{id}");
        assert!(page.contains(&format!("<a href=\"#{id}\">")), "{id}");
    }
    assert!(page.contains("verified: no lookahead"));
}

#[test]
fn numbers_are_those_of_the_result() {
    let candles = wavy_candles(Timeframe::H4, 900);
    let result = result_on(&candles);
    let page = render(&result, &[&candles], &VERIFIED);
    let island = island(&page);
    assert!(result.trades.len() > 5);
    for column in ["pnl", "entry_time", "exit_price", "reason", "bars"] {
        assert_eq!(island["trades"][column].as_array().unwrap().len(), result.trades.len(), "{column}");
    }
    assert_eq!(island["equity"]["time"].as_array().unwrap().len(), 900);
    assert_eq!(island["equity"]["benchmark"].as_array().unwrap().len(), 900);
    assert_eq!(island["prices"][0]["close"][899].as_f64(), candles.columns().close.last().copied());
    for text in ["10 basis points of what is traded", "low confidence", "<code>0.00001</code>", "Sharpe ratio"] {
        assert!(page.contains(text), "{text}");
    }
    for strategy in &result.strategies {
        assert!(page.contains(&format!("title=\"{}\"", strategy.version)));
    }
}

#[test]
fn every_metric_is_shown_with_its_definition() {
    let markup = markup(&page());
    for definition in sentinel_backtest::metrics::DEFINITIONS {
        assert!(markup.contains(&format!("<span>{}</span>", definition.title)), "{}", definition.name);
    }
    assert_eq!(markup.matches("<details>").count(), sentinel_backtest::metrics::DEFINITIONS.len());
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let markup = markup(&page());
    for attribute in ["src=", "srcset=", "action=", "@import", "url(", "http-equiv=\"refresh\"", "<iframe", "<object"] {
        assert!(!markup.contains(attribute), "{attribute}");
    }
    let links: Vec<&str> = markup.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let outward: Vec<&&str> =
        links.iter().filter(|link| !link.starts_with('#') && !link.starts_with("data:")).collect();
    // The chart library's licence asks for a link that a reader may follow.
    assert_eq!(outward, [&"https://www.tradingview.com/"]);
    assert!(markup.contains("default-src &#x27;none&#x27;"), "the policy stands in the page");
}

#[test]
fn policy_names_the_hashes_of_both_scripts() {
    let page = page();
    assert_eq!(page.matches("&#x27;sha256-").count(), 2);
    assert_eq!(page.matches("<script").count(), 3, "data, chart library and the report's own");
}

#[test]
fn text_of_strangers_stays_text() {
    let evil = "</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}<!--";
    let candles = wavy_candles(Timeframe::H4, 400);
    let mut result = result_on(&candles);
    let strategy = &mut result.strategies[0];
    strategy.strategy_id = evil.into();
    strategy.description = evil.into();
    strategy.parameters.insert(evil.into(), evil.into());
    strategy.patterns[0].name = evil.into();
    result.rejected[0].detail = evil.into();
    let page = render(&result, &[&candles], &Extras { notes: vec![evil.into()], ..Extras::default() });
    assert!(!page.contains("<img"), "an element of the stranger's");
    assert!(!markup(&page).contains("<!--") && !page.contains("49<"));
    assert_eq!(page.matches("</script>").count(), 3);
    let island = island(&page);
    assert_eq!(island["trades"]["strategies"][0], evil);
    assert_eq!(island["rejected"]["detail"][0], evil);
}

#[test]
fn run_without_a_trade_is_drawn_all_the_same() {
    let candles = wavy_candles(Timeframe::D1, 12);
    let mut result = result_on(&candles);
    result.rejected.clear();
    result.signals = Default::default();
    assert!(result.trades.is_empty());
    let page = render(&result, &[&candles], &Extras::default());
    assert!(page.contains("The strategy gave no signal."));
    assert!(page.contains("no trade was closed"));
    assert!(page.contains("not verified against lookahead"));
}

#[test]
fn run_without_candles_or_bars_is_drawn_all_the_same() {
    let candles = wavy_candles(Timeframe::D1, 40);
    let mut result = result_on(&candles);
    result.equity = Default::default();
    result.series.clear();
    let page = render(&result, &[], &Extras::default());
    assert!(!page.contains("<section id=\"price\">"));
    assert!(page.contains("The run has no full day."));
}

#[test]
fn long_series_are_made_coarser_and_say_so() {
    let candles = wavy_candles(Timeframe::M1, 60_000);
    let page = render(&result_on(&candles), &[&candles], &VERIFIED);
    let island = island(&page);
    let chart = &island["prices"][0];
    assert_eq!(chart["caption"], "15 min candles made of 1 min ones");
    assert_eq!(chart["time"].as_array().unwrap().len(), 4_000);
    let column = |name: &str| -> Vec<f64> {
        chart[name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
    };
    let highest = |values: &[f64]| values.iter().copied().fold(f64::MIN, f64::max);
    assert!((highest(&column("high")) - highest(&candles.columns().high)).abs() < 1e-9);
    assert!(column("volume").iter().sum::<f64>() > 0.99 * candles.columns().volume.iter().sum::<f64>());
    assert!(island["equity"]["time"].as_array().unwrap().len() <= 4_003);
}

/// Candles of a file with the columns of the data folder; missing ones are filled flat.
fn read_candles(path: &Path, timeframe: Timeframe) -> Candles {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    let mut columns = Columns::default();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let time = fields[0].parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_millis();
        let [open, high, low, close, volume] = [1, 2, 3, 4, 5].map(|column| fields[column].parse::<f64>().unwrap());
        while columns.open_time.last().is_some_and(|last| last + timeframe.millis() < time) {
            let last = columns.close[columns.close.len() - 1];
            let missing = columns.open_time[columns.open_time.len() - 1] + timeframe.millis();
            push(&mut columns, missing, [last, last, last, last, 0.0]);
        }
        push(&mut columns, time, [open, high, low, close, volume]);
    }
    Candles::new(instrument(), timeframe, columns).unwrap()
}

fn push(columns: &mut Columns, time: i64, [open, high, low, close, volume]: [f64; 5]) {
    columns.open_time.push(time);
    columns.open.push(open);
    columns.high.push(high);
    columns.low.push(low);
    columns.close.push(close);
    columns.volume.push(volume);
}

/// Returns the folder of real candles, where there is one.
fn data_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("SENTINEL_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: SENTINEL_DATA names no folder of real candles");
    }
    folder
}

/// Renders `result`, leaves it in SENTINEL_REPORT_DIR for people to look at, and returns its size in bytes.
fn rendered_size(name: &str, result: &BacktestResult, candles: &Candles) -> usize {
    let page = render(result, &[candles], &VERIFIED);
    if let Some(folder) = std::env::var_os("SENTINEL_REPORT_DIR") {
        std::fs::write(PathBuf::from(folder).join(name), &page).unwrap();
    }
    page.len()
}

#[test]
fn report_of_daily_candles_is_small() {
    let Some(folder) = data_folder() else { return };
    let candles = read_candles(&folder.join("btcusdt-1d.csv"), Timeframe::D1);
    let result = result_on(&candles);
    assert_eq!((result.entries, result.equity_final.round_dp(2)), (61, dec!(104236.90)));
    assert!(rendered_size("daily.html", &result, &candles) < 1_000_000);
}

#[test]
fn report_of_a_year_of_minutes_stays_below_three_megabytes() {
    let Some(folder) = data_folder() else { return };
    let candles = read_candles(&folder.join("btcusd-1m-2019.csv.gz"), Timeframe::M1);
    let result = result_on(&candles);
    assert_eq!((result.entries, result.equity_final.round_dp(2)), (10_239, dec!(84978.40)));
    let size = rendered_size("minutes.html", &result, &candles);
    assert!(size < 3_000_000, "{size} bytes");
}
