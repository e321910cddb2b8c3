//! What a data folder keeps, and what it refuses.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sentinel_candle_store::{CandleStore, OnConflict, StoreError, WriteReport, load_file};
use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::instrument::Instrument;
use sentinel_domain::timeframe::Timeframe;

const HOUR: i64 = 3_600_000;
/// 2023-12-30T00:00:00Z, so that fifty hours later it is another year.
const START: i64 = 1_703_894_400_000;

fn instrument(symbol: &str) -> Instrument {
    Instrument { exchange: "test".parse().unwrap(), symbol: symbol.parse().unwrap() }
}

/// Returns hourly candles that open in the given hours after [`START`]; each hour has its own prices.
fn candles(hours: impl IntoIterator<Item = i64>) -> Candles {
    candles_at(hours, 0.0)
}

fn candles_at(hours: impl IntoIterator<Item = i64>, up: f64) -> Candles {
    let hours: Vec<i64> = hours.into_iter().collect();
    let price = |more: f64| hours.iter().map(|hour| 100.0 + *hour as f64 / 3.0 + up + more).collect::<Vec<_>>();
    let columns = Columns {
        open_time: hours.iter().map(|hour| START + hour * HOUR).collect(),
        open: price(0.0),
        high: price(2.0),
        low: price(-2.0),
        close: price(1.0),
        volume: price(0.0),
        ..Columns::default()
    };
    Candles::new(instrument("BTC/USDT"), Timeframe::H1, columns).unwrap()
}

fn store(folder: &Path) -> CandleStore {
    CandleStore::open(folder).unwrap()
}

fn read(store: &CandleStore) -> Candles {
    store.read(&instrument("BTC/USDT"), Timeframe::H1, ..).unwrap()
}

/// Returns the candle files of the one series in a data folder, by name.
fn files(folder: &Path) -> Vec<String> {
    let series = folder.join("candles/exchange=test/symbol=BTC-USDT/timeframe=1h");
    let mut names: Vec<_> =
        fs::read_dir(series).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let report = store(folder.path()).write(&candles(0..100), OnConflict::Refuse).unwrap();
    assert_eq!(report, WriteReport { added: 100, ..WriteReport::default() });
    assert_eq!(files(folder.path()), ["coverage.json", "year=2023.parquet", "year=2024.parquet"]);
    assert_eq!(read(&store(folder.path())), candles(0..100));
}

#[test]
fn range_is_read_across_the_years() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.write(&candles(0..100), OnConflict::Refuse).unwrap();
    let read = |range| store.read(&instrument("BTC/USDT"), Timeframe::H1, range);
    assert_eq!(read(START + 40 * HOUR..START + 60 * HOUR).unwrap(), candles(40..60));
    let error = read(START + 200 * HOUR..START + 300 * HOUR).unwrap_err().to_string();
    assert_eq!(
        error,
        "no stored test:BTC/USDT 1h candle opens from 2024-01-07T08:00:00Z to before 2024-01-11T12:00:00Z; \
         they open from 2023-12-30T00:00:00Z to 2024-01-03T03:00:00Z"
    );
}

#[test]
fn same_candles_again_change_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.write(&candles(0..100), OnConflict::Refuse).unwrap();
    let path = folder.path().join("candles/exchange=test/symbol=BTC-USDT/timeframe=1h/year=2023.parquet");
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    let report = store.write(&candles(10..40), OnConflict::Refuse).unwrap();
    assert_eq!(report, WriteReport { unchanged: 30, ..WriteReport::default() });
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
}

#[test]
fn new_candles_join_the_old_ones_on_both_sides_and_between() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.write(&candles((20..30).chain(40..50)), OnConflict::Refuse).unwrap();
    let report = store.write(&candles(0..80), OnConflict::Refuse).unwrap();
    assert_eq!(report, WriteReport { added: 60, unchanged: 20, ..WriteReport::default() });
    assert_eq!(read(&store), candles(0..80));
}

#[test]
fn differing_candles_are_refused_by_name_and_replaced_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.write(&candles(0..10), OnConflict::Refuse).unwrap();
    let error = store.write(&candles_at(5..12, 0.5), OnConflict::Refuse).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "5 candles of test:BTC/USDT 1h differ from what is stored: 2023-12-30T05:00:00Z (open 102.16666666666667, \
             stored 101.66666666666667), "
        ),
        "{error}"
    );
    assert!(error.ends_with(", …; to keep the new values ask for --replace"), "{error}");
    assert_eq!(read(&store), candles(0..10));

    let report = store.write(&candles_at(5..12, 0.5), OnConflict::Replace).unwrap();
    assert_eq!(report, WriteReport { added: 2, replaced: 5, ..WriteReport::default() });
    let after = read(&store);
    assert_eq!(after.between(0, START + 5 * HOUR).unwrap(), candles(0..5));
    assert_eq!(after.between(START + 5 * HOUR, i64::MAX).unwrap(), candles_at(5..12, 0.5));
}

#[test]
fn optional_columns_come_back_when_no_candle_lacks_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let with_delta = |hours: std::ops::Range<i64>| {
        let plain = candles(hours);
        let (instrument, timeframe, rows) = (plain.instrument().clone(), plain.timeframe(), plain.len());
        let columns = Columns { volume_delta: Some(vec![-3.5; rows]), ..plain.into_columns() };
        Candles::new(instrument, timeframe, columns).unwrap()
    };
    store.write(&with_delta(0..10), OnConflict::Refuse).unwrap();
    assert_eq!(read(&store), with_delta(0..10));
    store.write(&candles(5..20), OnConflict::Refuse).unwrap();
    assert_eq!(read(&store), candles(0..20));
    let report = store.write(&with_delta(5..20), OnConflict::Refuse).unwrap();
    assert_eq!(report, WriteReport { unchanged: 5, completed: 10, ..WriteReport::default() });
    assert_eq!(read(&store), with_delta(0..20));
}

#[test]
fn unknown_series_names_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let read_eth = || store.read(&instrument("ETH/USDT"), Timeframe::D1, ..).unwrap_err().to_string();
    let nothing = read_eth();
    assert!(nothing.starts_with("there are no test:ETH/USDT 1d candles in "), "{nothing}");
    assert!(nothing.ends_with("; it holds none yet; import or fetch some first"), "{nothing}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "reading makes no files");
    store.write(&candles(0..3), OnConflict::Refuse).unwrap();
    assert!(read_eth().ends_with("; it holds test:BTC/USDT 1h"));
}

#[test]
fn list_tells_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    assert_eq!(store.list().unwrap(), []);
    store.write(&candles((0..50).chain(53..60).chain(61..70)), OnConflict::Refuse).unwrap();
    let listed = store.list().unwrap();
    let [series] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!(series.name.to_string(), "test:BTC/USDT 1h");
    assert_eq!((series.from, series.to), (START, START + 70 * HOUR));
    assert_eq!((series.bars, series.gaps, series.missing), (66, 2, 4));
    assert!(series.bytes > 1_000);
    let json = serde_json::to_value(series).unwrap();
    assert_eq!(json["from"], "2023-12-30T00:00:00Z");
    assert_eq!(json["exchange"], "test");
}

#[test]
fn newer_folder_is_refused_and_unreadable_format_named() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path()).write(&candles(0..3), OnConflict::Refuse).unwrap();
    let path = folder.path().join("store.json");
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"format\":1}\n");

    let opened_before = store(folder.path());
    fs::write(&path, "{\"format\":2,\"more\":true}").unwrap();
    let error = CandleStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::NewerFormat { found: 2, known: 1, .. }));
    assert!(
        error.to_string().ends_with(
            "has format 2, and this version knows formats up to 1; use a newer version or another data folder"
        )
    );
    let error = opened_before.write(&candles(0..9), OnConflict::Refuse).unwrap_err();
    assert!(matches!(error, StoreError::NewerFormat { .. }), "{error}");

    for broken in ["", "{}", "{\"format\":0}", "{\"format\":\"1\"}"] {
        fs::write(&path, broken).unwrap();
        let error = CandleStore::open(folder.path()).unwrap_err();
        assert!(matches!(error, StoreError::UnreadableFormat { .. }), "{broken}: {error}");
    }
}

#[test]
fn candles_without_a_format_file_are_read_and_get_one() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path()).write(&candles(0..3), OnConflict::Refuse).unwrap();
    fs::remove_file(folder.path().join("store.json")).unwrap();
    assert_eq!(read(&store(folder.path())), candles(0..3));
    store(folder.path()).write(&candles(3..5), OnConflict::Refuse).unwrap();
    assert!(folder.path().join("store.json").exists());
    assert_eq!(read(&store(folder.path())), candles(0..5));
}

#[test]
fn damaged_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.write(&candles(0..30), OnConflict::Refuse).unwrap();
    let path = folder.path().join("candles/exchange=test/symbol=BTC-USDT/timeframe=1h/year=2023.parquet");
    fs::write(&path, b"PAR1 and then nothing").unwrap();
    for error in [
        store.read(&instrument("BTC/USDT"), Timeframe::H1, ..).unwrap_err(),
        store.write(&candles(30..40), OnConflict::Refuse).unwrap_err(),
        store.list().unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains("year=2023.parquet is damaged: ") && text.ends_with("fetch its candles again"), "{text}");
    }
}

#[test]
fn pages_are_kept_aside_and_folded_in() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let btc = instrument("BTC/USDT");
    let append = |hours: std::ops::Range<i64>| {
        let covered = START + hours.start * HOUR..START + hours.end * HOUR;
        store.append(&btc, Timeframe::H1, Some(&candles(hours)), covered, OnConflict::Refuse).unwrap()
    };
    store.write(&candles(0..10), OnConflict::Refuse).unwrap();
    append(10..20);
    append(20..60);
    assert_eq!(append(50..60), WriteReport { unchanged: 10, ..WriteReport::default() });
    assert_eq!(files(folder.path()), ["coverage.json", "tail.parquet", "year=2023.parquet"]);
    assert_eq!(read(&store), candles(0..60));
    assert_eq!(store.list().unwrap()[0].bars, 60);
    let uncovered = store.uncovered(&btc, Timeframe::H1, START..START + 70 * HOUR).unwrap();
    assert_eq!(uncovered, vec![START + 60 * HOUR..START + 70 * HOUR]);

    store.settle(&btc, Timeframe::H1).unwrap();
    assert_eq!(files(folder.path()), ["coverage.json", "year=2023.parquet", "year=2024.parquet"]);
    assert_eq!(read(&store), candles(0..60));
    store.settle(&btc, Timeframe::H1).unwrap();
}

#[test]
fn page_that_differs_from_a_year_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.write(&candles(0..10), OnConflict::Refuse).unwrap();
    let covered = START..START + 10 * HOUR;
    let page = candles_at(5..8, 1.0);
    let append =
        |on_conflict| store.append(page.instrument(), Timeframe::H1, Some(&page), covered.clone(), on_conflict);
    assert!(matches!(append(OnConflict::Refuse), Err(StoreError::Conflict { count: 3, .. })));
    assert_eq!(append(OnConflict::Replace).unwrap().replaced, 3);
}

#[test]
fn empty_page_is_remembered_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let btc = instrument("BTC/USDT");
    let covered = START..START + 10 * HOUR;
    store.append(&btc, Timeframe::H1, None, covered.clone(), OnConflict::Refuse).unwrap();
    assert_eq!(store.uncovered(&btc, Timeframe::H1, covered).unwrap(), []);
    assert_eq!(store.list().unwrap(), []);
}

#[test]
fn crash_between_year_and_tail_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let btc = instrument("BTC/USDT");
    let covered = START..START + 60 * HOUR;
    store.append(&btc, Timeframe::H1, Some(&candles(0..60)), covered, OnConflict::Refuse).unwrap();
    let tail = folder.path().join("candles/exchange=test/symbol=BTC-USDT/timeframe=1h/tail.parquet");
    let kept = fs::read(&tail).unwrap();
    store.settle(&btc, Timeframe::H1).unwrap();
    fs::write(&tail, kept).unwrap();
    assert_eq!(read(&store), candles(0..60));
    assert_eq!(store.list().unwrap()[0].bars, 60);
    store.settle(&btc, Timeframe::H1).unwrap();
    assert!(!tail.exists());
    assert_eq!(read(&store), candles(0..60));
}

#[test]
fn writers_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let store = store(folder.path()).with_lock_wait(Duration::from_secs(60));
            scope.spawn(move || {
                for round in 0..5 {
                    let first = (round * 8 + writer) * 10;
                    store.write(&candles(first..first + 10), OnConflict::Refuse).unwrap();
                }
            });
        }
        let reader = store(folder.path());
        scope.spawn(move || {
            for _ in 0..50 {
                match reader.read(&instrument("BTC/USDT"), Timeframe::H1, ..) {
                    Ok(_) | Err(StoreError::UnknownSeries { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    });
    assert_eq!(read(&store(folder.path())), candles(0..400));
}

#[test]
fn stored_file_loads_as_a_file() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path()).write(&candles(0..30), OnConflict::Refuse).unwrap();
    let path = folder.path().join("candles/exchange=test/symbol=BTC-USDT/timeframe=1h/year=2023.parquet");
    let loaded = load_file(&path, &instrument("BTC/USDT"), Timeframe::H1).unwrap();
    assert_eq!(loaded.candles, candles(0..30));
    let error = load_file(&path, &instrument("BTC/USDT"), Timeframe::D1).unwrap_err().to_string();
    assert!(error.ends_with("are 1 hour apart, not 1 day; say --timeframe 1h"), "{error}");
}

/// A disk of its own, unmounted at the end.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(kibibytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={kibibytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0.path()).output());
    }
}

#[test]
fn full_disk_leaves_the_old_candles() {
    let Some(disk) = SmallDisk::mount(256) else {
        eprintln!("skipped full_disk_leaves_the_old_candles: mounting a small disk needs root on Linux");
        return;
    };
    let folder = disk.0.path();
    let store = store(folder);
    store.write(&candles(0..100), OnConflict::Refuse).unwrap();
    let before = files(folder);

    let error = store.write(&candles(0..100_000), OnConflict::Refuse).unwrap_err();
    let StoreError::NoSpace { bytes_needed, .. } = &error else { panic!("{error}") };
    assert!(*bytes_needed > 256 * 1024, "{bytes_needed}");
    let text = error.to_string();
    assert!(text.starts_with("no space left for ") && text.contains("what was stored is unchanged"), "{text}");
    assert_eq!(files(folder), before, "nothing half-written stays");
    assert_eq!(read(&store), candles(0..100));
    store.write(&candles(100..200), OnConflict::Refuse).unwrap();
    assert_eq!(read(&store), candles(0..200));
}
