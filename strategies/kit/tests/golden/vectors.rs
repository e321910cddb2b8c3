//! Reads the golden vectors: candles and, for each of them, what the oracle answered.

use std::path::Path;

/// One candle of the vectors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bar {
    pub(crate) open_time: i64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    pub(crate) volume: f64,
    pub(crate) volume_delta: f64,
}

/// A series of candles with the answers for some or all of them.
#[derive(Debug)]
pub(crate) struct Vectors {
    pub(crate) bars: Vec<Bar>,
    /// Names of the columns of answers.
    pub(crate) columns: Vec<String>,
    /// Index of the bar, then one answer for each column; `None` where the oracle has no value.
    pub(crate) answers: Vec<(usize, Vec<Option<f64>>)>,
}

impl Vectors {
    /// Reads `{prefix}bars.csv` and `{prefix}expected.csv`.
    pub(crate) fn read(prefix: &str) -> Self {
        let (header, rows) = read_csv(&format!("{prefix}bars.csv"));
        assert_eq!(header.join(","), "open_time,open,high,low,close,volume,volume_delta");
        let bars = rows
            .iter()
            .map(|row| {
                let number = |column: usize| row[column].parse().unwrap();
                Bar {
                    open_time: row[0].parse().unwrap(),
                    high: number(2),
                    low: number(3),
                    close: number(4),
                    volume: number(5),
                    volume_delta: number(6),
                }
            })
            .collect();

        let (header, rows) = read_csv(&format!("{prefix}expected.csv"));
        let optional = |cell: &String| (!cell.is_empty()).then(|| cell.parse().unwrap());
        let answers =
            rows.iter().map(|row| (row[0].parse().unwrap(), row[1..].iter().map(optional).collect())).collect();
        Self { bars, columns: header[1..].to_vec(), answers }
    }
}

/// Returns the header and the rows of a file, without its first line, which names the versions.
fn read_csv(name: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/talib").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let versions = lines.next().unwrap();
    assert!(versions[0].starts_with("# TA-Lib"), "{name} does not name its versions");
    let header = lines.next().unwrap();
    let rows: Vec<_> = lines.collect();
    assert!(rows.iter().all(|row| row.len() == header.len()), "{name} has ragged rows");
    (header, rows)
}
