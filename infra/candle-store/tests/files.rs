//! What files of candles give, and what is said about bad ones.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use sentinel_candle_store::{FileError, LoadedFile, load_file};
use sentinel_domain::instrument::Instrument;
use sentinel_domain::timeframe::Timeframe;

const HEADER: &str = "timestamp,open,high,low,close,volume";
const HOUR_0: &str = "2024-01-01T00:00:00Z,10,12,9,11,5";
const HOUR_1: &str = "2024-01-01T01:00:00Z,11,13,10,12,6";

fn load(name: &str, bytes: &[u8], timeframe: Timeframe) -> Result<LoadedFile, FileError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let instrument = Instrument { exchange: "test".parse().unwrap(), symbol: "BTC/USDT".parse().unwrap() };
    load_file(&path, &instrument, timeframe)
}

fn csv(lines: &[&str]) -> Result<LoadedFile, FileError> {
    load("bars.csv", (lines.join("\n") + "\n").as_bytes(), Timeframe::H1)
}

/// Returns what is said about a file, from its name on.
fn says(result: Result<LoadedFile, FileError>) -> String {
    let text = result.unwrap_err().to_string();
    let name = text.find("bars.").unwrap_or_else(|| panic!("no file name: {text}"));
    text[name..].to_owned()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn columns_come_in_any_order_and_case() {
    let plain = csv(&[HEADER, HOUR_0, HOUR_1]).unwrap();
    let shuffled = csv(&[
        "\u{feff}Close, volume ,LOW,open_time,High,open",
        "11,5,9,2024-01-01T00:00:00Z,12,10",
        "12, 6 ,10,2024-01-01T01:00:00Z,13,11",
    ]);
    assert_eq!(shuffled.unwrap(), plain);
    assert_eq!(plain.candles.len(), 2);
    assert!(plain.candles.columns().volume_delta.is_none());
}

#[test]
fn unix_times_are_the_same_times() {
    let plain = csv(&[HEADER, HOUR_0, HOUR_1]).unwrap();
    for (first, second) in [("1704067200", "1704070800"), ("1704067200000", "1704070800000")] {
        let unix = csv(&[HEADER, &format!("{first},10,12,9,11,5"), &format!("{second},11,13,10,12,6")]);
        assert_eq!(unix.unwrap(), plain);
    }
}

#[test]
fn windows_line_ends_and_a_missing_last_one_do_not_matter() {
    let plain = csv(&[HEADER, HOUR_0, HOUR_1]).unwrap();
    let windows = load("bars.csv", [HEADER, HOUR_0, HOUR_1].join("\r\n").as_bytes(), Timeframe::H1);
    assert_eq!(windows.unwrap(), plain);
}

#[test]
fn delta_comes_from_taker_buys_unless_it_is_there() {
    let header = format!("{HEADER},trades,taker_buy_volume");
    let loaded = csv(&[&header, &format!("{HOUR_0},70,3.5"), &format!("{HOUR_1},80,1")]).unwrap();
    assert_eq!(loaded.candles.columns().volume_delta.as_deref(), Some([2.0, -4.0].as_slice()));
    assert_eq!(loaded.columns_ignored, [""; 0]);

    let header = format!("{HEADER},taker_buy_volume,volume_delta,imbalance");
    let loaded = csv(&[&header, &format!("{HOUR_0},3.5,1,-0.5"), &format!("{HOUR_1},1,-1,0.5")]).unwrap();
    assert_eq!(loaded.candles.columns().volume_delta.as_deref(), Some([1.0, -1.0].as_slice()));
    assert_eq!(loaded.candles.columns().imbalance.as_deref(), Some([-0.5, 0.5].as_slice()));
}

#[test]
fn unknown_columns_are_left_out_and_named() {
    let loaded = csv(&[&format!("{HEADER},quote_volume,vwap"), &format!("{HOUR_0},1,x")]).unwrap();
    assert_eq!(loaded.columns_ignored, ["quote_volume", "vwap"]);
}

#[test]
fn compressed_is_the_same_as_plain() {
    let plain = csv(&[HEADER, HOUR_0, HOUR_1]).unwrap();
    let bytes = gzip([HEADER, HOUR_0, HOUR_1].join("\n").as_bytes());
    assert_eq!(load("bars.csv.gz", &bytes, Timeframe::H1).unwrap(), plain);
    let (first, second) = (gzip(format!("{HEADER}\n{HOUR_0}\n").as_bytes()), gzip(HOUR_1.as_bytes()));
    let joined = [first, second].concat();
    assert_eq!(load("bars.csv.gz", &joined, Timeframe::H1).unwrap(), plain);
}

#[test]
fn order_of_rows_is_checked() {
    assert_eq!(
        says(csv(&[HEADER, HOUR_1, HOUR_0])),
        "bars.csv line 3: 2024-01-01T00:00:00Z comes after a later candle; sort the rows by time, oldest first"
    );
    assert_eq!(
        says(csv(&[HEADER, HOUR_0, HOUR_1, HOUR_1])),
        "bars.csv line 4: a second candle opens at 2024-01-01T01:00:00Z; remove the duplicate"
    );
}

#[test]
fn values_are_checked_by_line_and_column() {
    let row = |cells: &str| says(csv(&[HEADER, HOUR_0, &format!("2024-01-01T01:00:00Z,{cells}")]));
    assert_eq!(
        row("11,13,-10,12,6"),
        "bars.csv line 3: column low is -10 in the candle of 2024-01-01T01:00:00Z; \
         a price must be a finite number above 0"
    );
    assert!(row("11,13,10,NaN,6").contains("line 3: column close is NaN"));
    assert!(row("11,inf,10,12,6").contains("line 3: column high is inf"));
    assert!(row("11,13,10,12,-6").contains("line 3: column volume is -6"));
    assert!(row("11,11.5,10,12,6").contains("line 3: column high is 11.5"));
    assert_eq!(row("11,13,1O,12,6"), "bars.csv line 3, column low: found \"1O\"; a number is needed, such as 46216.93");
    assert_eq!(row("11,13,,12,6"), "bars.csv line 3, column low: found \"\"; a number is needed, such as 46216.93");
}

#[test]
fn blank_lines_do_not_shift_the_line_that_is_named() {
    let text = says(csv(&[HEADER, "", HOUR_0, "", "2024-01-01T01:00:00Z,11,13,-10,12,6"]));
    assert!(text.starts_with("bars.csv line 5: column low is -10"), "{text}");
}

#[test]
fn first_of_two_faults_is_named() {
    let text = says(csv(&[HEADER, HOUR_0, HOUR_0, "tomorrow,1,1,1,1,1"]));
    assert!(text.starts_with("bars.csv line 3: a second candle"), "{text}");
}

#[test]
fn times_must_be_utc() {
    let time = |time: &str| says(csv(&[HEADER, &format!("{time},10,12,9,11,5")]));
    assert_eq!(
        time("2024-01-01T00:00:00+02:00"),
        "bars.csv line 2, column timestamp: found \"2024-01-01T00:00:00+02:00\"; times must be UTC, ending in Z or \
         +00:00, such as 2024-01-01T00:00:00Z; convert them before the import"
    );
    assert!(time("2024-01-01 00:00:00").contains("a time must say that it is UTC"));
    assert!(time("01/02/2024").contains("a time must be RFC 3339 in UTC"));
}

#[test]
fn columns_must_be_there_once() {
    assert_eq!(
        says(csv(&["timestamp,open,high,low,close", "2024-01-01T00:00:00Z,10,12,9,11"])),
        "bars.csv has no column volume: its columns are timestamp, open, high, low, close; \
         it needs timestamp, open, high, low, close, volume"
    );
    assert!(says(csv(&["timestamp,open,high,low,close,volume,Open", HOUR_0])).contains("two columns open; remove one"));
    assert!(says(csv(&["timestamp;open;high;low;close;volume"])).contains("has no column timestamp"));
}

#[test]
fn every_row_needs_every_cell() {
    assert_eq!(
        says(csv(&[HEADER, HOUR_0, "2024-01-01T01:00:00Z,11,13,10,12"])),
        "bars.csv line 3: 5 cells where the header has 6; every row needs one cell for each column"
    );
    let header = format!("{HEADER},volume_delta");
    assert!(says(csv(&[&header, &format!("{HOUR_0},")])).contains(
        "line 2, column volume_delta: found \"\"; a number is needed in every row; fill it or leave the column out"
    ));
}

#[test]
fn nothing_in_it_is_said() {
    let empty = says(load("bars.csv", b"", Timeframe::H1));
    assert!(empty.starts_with("bars.csv is empty; a file of candles begins with the line timestamp,"), "{empty}");
    assert!(says(load("bars.parquet", b"", Timeframe::H1)).contains("is empty"));
    assert_eq!(says(csv(&[HEADER])), "bars.csv has a header and no candles below it");
}

#[test]
fn timeframe_must_be_that_of_the_data() {
    let text = [HEADER, HOUR_0, HOUR_1].join("\n");
    assert_eq!(
        says(load("bars.csv", text.as_bytes(), Timeframe::D1)),
        "bars.csv are 1 hour apart, not 1 day; say --timeframe 1h"
    );
    let daily = [HEADER, HOUR_0, "2024-01-02T00:00:00Z,11,13,10,12,6"].join("\n");
    assert_eq!(
        says(load("bars.csv", daily.as_bytes(), Timeframe::H1)),
        "bars.csv are 1 day apart, not 1 hour; say --timeframe 1d"
    );
    let shifted = [HEADER, HOUR_0, HOUR_1, "2024-01-01T02:00:30Z,11,13,10,12,6"].join("\n");
    assert!(
        says(load("bars.csv", shifted.as_bytes(), Timeframe::H1))
            .contains("line 4: a 1h candle cannot open at 2024-01-01T02:00:30Z; name the timeframe that the data has")
    );
}

#[test]
fn what_is_no_table_is_named() {
    let noise: Vec<u8> = (0..4_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    assert!(says(load("bars.csv", &noise, Timeframe::H1)).contains("is not a CSV file: line 1"));
    assert!(says(load("bars.csv.gz", &noise, Timeframe::H1)).contains("is not gzip although its name ends in .gz"));
    assert!(says(load("bars.csv", &gzip(HEADER.as_bytes()), Timeframe::H1)).contains("rename it to .csv.gz"));
    assert!(says(load("bars.csv.gz", HEADER.as_bytes(), Timeframe::H1)).contains("rename it to .csv or compress it"));
    assert!(says(load("bars.parquet", &noise, Timeframe::H1)).starts_with("bars.parquet: "), "a damaged Parquet file");
    assert!(says(load("bars.json", b"[]", Timeframe::H1)).contains("name it .csv, .csv.gz or .parquet"));
    let broken = [HEADER.as_bytes(), b"\n", HOUR_0.as_bytes(), b"\n\xff\xfe\x00\x01"].concat();
    assert!(says(load("bars.csv", &broken, Timeframe::H1)).contains("line 3: 1 cells where the header has 6"));
}

#[test]
fn cut_gzip_is_named() {
    let rows: String = (0..5_000).map(|i| format!("{},10,12,9,11,{i}\n", 1_704_067_200 + i * 3_600)).collect();
    let whole = gzip(format!("{HEADER}\n{rows}").as_bytes());
    let text = says(load("bars.csv.gz", &whole[..whole.len() / 2], Timeframe::H1));
    assert!(text.starts_with("bars.csv.gz is damaged after line "), "{text}");
    assert!(text.ends_with("; copy it again from where it came"), "{text}");
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    assert!(load("bars.csv.gz", &flipped, Timeframe::H1).is_err());
}

#[test]
fn missing_file_is_named() {
    let instrument = Instrument { exchange: "test".parse().unwrap(), symbol: "BTC/USDT".parse().unwrap() };
    let error = load_file("nowhere/bars.csv".as_ref(), &instrument, Timeframe::H1).unwrap_err().to_string();
    assert!(error.starts_with("cannot read nowhere/bars.csv: "), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bars.csv");
    fs::create_dir(&path).unwrap();
    assert!(load_file(&path, &instrument, Timeframe::H1).unwrap_err().to_string().starts_with("cannot read "));
}
