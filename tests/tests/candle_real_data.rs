//! What real candles become: read from files, their gaps found and filled, made coarser, stored and read again.

use std::path::Path;

use sentinel_candle_store::{CandleStore, OnConflict};
use sentinel_domain::candles::Candles;
use sentinel_domain::candles::gaps::{Gap, GapPolicy, apply, find_gaps};
use sentinel_domain::candles::resample::resample;
use sentinel_domain::timeframe::Timeframe;
use sentinel_tests::data;

/// Each file with its timeframe, rows, gaps and missing candles, as its description says.
const FILES: [(&str, Timeframe, usize, usize, usize); 11] = [
    ("btcusdt-1d.csv", Timeframe::D1, 3_178, 0, 0),
    ("ethusdt-1d.csv", Timeframe::D1, 3_178, 0, 0),
    ("btcusd-1d-2011-2025.csv", Timeframe::D1, 5_152, 0, 0),
    ("btcusdt-1h.csv.gz", Timeframe::H1, 37_919, 1, 1),
    ("ethusdt-1h.csv.gz", Timeframe::H1, 37_919, 1, 1),
    ("bnbusdt-1h.csv.gz", Timeframe::H1, 37_919, 1, 1),
    ("solusdt-1h.csv.gz", Timeframe::H1, 37_919, 1, 1),
    ("xrpusdt-1h.csv.gz", Timeframe::H1, 37_919, 1, 1),
    ("btcusdt-1h-taker.csv.gz", Timeframe::H1, 37_919, 1, 1),
    ("btcusdt-1h-2017-2024.csv.gz", Timeframe::H1, 58_419, 28, 128),
    ("btcusd-1m-2019.csv.gz", Timeframe::M1, 512_727, 9_955, 12_873),
];

fn minutes_of_2019(folder: &Path) -> Candles {
    data::candles(folder, "btcusd-1m-2019.csv.gz", Timeframe::M1)
}

#[test]
fn files_hold_what_their_description_says() {
    let Some(folder) = data::folder("files_hold_what_their_description_says") else { return };
    for (file, timeframe, rows, gaps, missing) in FILES {
        let candles = data::candles(&folder, file, timeframe);
        let found = find_gaps(&candles);
        let found_missing: usize = found.iter().map(|gap| gap.missing).sum();
        assert_eq!((candles.len(), found.len(), found_missing), (rows, gaps, missing), "{file}");
    }
}

#[test]
fn year_of_minutes_filled_flat_is_whole() {
    let Some(folder) = data::folder("year_of_minutes_filled_flat_is_whole") else { return };
    let candles = minutes_of_2019(&folder);
    let refused = apply(candles.clone(), GapPolicy::Refuse).unwrap_err();
    assert_eq!(refused.longest, Gap { after: 1_546_855_200_000, missing: 197 });
    assert!(refused.to_string().starts_with("12873 candles are missing in 9955 gaps: the first after 2019-01-01T"));

    let (filled, report) = apply(candles, GapPolicy::Flat).unwrap();
    assert_eq!((filled.len(), report.missing(), find_gaps(&filled).len()), (525_600, 12_873, 0));
    let fillers: usize = (0..filled.len()).filter(|row| report.is_filler(*row)).count();
    assert_eq!(fillers, 12_873);
}

#[test]
fn hours_make_the_days_that_the_exchange_published() {
    let Some(folder) = data::folder("hours_make_the_days_that_the_exchange_published") else { return };
    for coin in ["btcusdt", "ethusdt"] {
        let hours = data::candles(&folder, &format!("{coin}-1h.csv.gz"), Timeframe::H1);
        let days = data::candles(&folder, &format!("{coin}-1d.csv"), Timeframe::D1);
        let made = resample(&hours, Timeframe::D1).unwrap();
        assert_eq!((made.candles.len(), made.incomplete), (1_580, 1), "{coin}");
        let times = &made.candles.columns().open_time;
        let published = days.between(times[0], times[times.len() - 1] + 1).unwrap();
        for row in 0..made.candles.len() {
            let (made, published) = (made.candles.candle(row), published.candle(row));
            assert_eq!(
                [made.open, made.high, made.low, made.close],
                [published.open, published.high, published.low, published.close],
                "{coin} {row}"
            );
            assert!((made.volume / published.volume - 1.0).abs() < 1e-9, "{coin} {row}");
        }
    }
}

#[test]
fn taker_volume_gives_a_delta_within_the_volume() {
    let Some(folder) = data::folder("taker_volume_gives_a_delta_within_the_volume") else { return };
    let with_delta = data::candles(&folder, "btcusdt-1h-taker.csv.gz", Timeframe::H1);
    let plain = data::candles(&folder, "btcusdt-1h.csv.gz", Timeframe::H1);
    assert_eq!(with_delta.columns().close, plain.columns().close);
    let delta = with_delta.columns().volume_delta.as_ref().unwrap();
    // The first row of the file: 2 × 806.06536 − 1503.33095.
    assert!((delta[0] - 108.799_77).abs() < 1e-9, "{}", delta[0]);
    assert!(delta.iter().any(|delta| *delta > 0.0) && delta.iter().any(|delta| *delta < 0.0));
}

#[test]
fn stored_candles_are_the_same_to_the_last_bit() {
    let Some(folder) = data::folder("stored_candles_are_the_same_to_the_last_bit") else { return };
    let store_folder = tempfile::tempdir().unwrap();
    for (file, timeframe, rows, ..) in FILES {
        let store = CandleStore::open(store_folder.path().join(file)).unwrap();
        let candles = data::candles(&folder, file, timeframe);
        store.write(&candles, OnConflict::Refuse).unwrap();
        let back = store.read(candles.instrument(), timeframe, ..).unwrap();
        assert_eq!(back.content_hash(), candles.content_hash(), "{file}");
        assert_eq!(store.list().unwrap()[0].bars, rows, "{file}");
    }
}
