//! Columns that grow at their end and are cut off there.

use super::Columns;

impl Columns {
    /// Appends later candles. An optional column that only one side has is dropped.
    pub fn append(&mut self, later: Self) {
        if self.open_time.is_empty() {
            *self = later;
            return;
        }
        self.open_time.extend(later.open_time);
        self.open.extend(later.open);
        self.high.extend(later.high);
        self.low.extend(later.low);
        self.close.extend(later.close);
        self.volume.extend(later.volume);
        let join = |column: &mut Option<Vec<f64>>, later: Option<Vec<f64>>| match (column.as_mut(), later) {
            (Some(column), Some(later)) => column.extend(later),
            _ => *column = None,
        };
        join(&mut self.volume_delta, later.volume_delta);
        join(&mut self.imbalance, later.imbalance);
    }

    /// Keeps the first `rows` candles.
    pub fn truncate(&mut self, rows: usize) {
        self.open_time.truncate(rows);
        for column in [&mut self.open, &mut self.high, &mut self.low, &mut self.close, &mut self.volume] {
            column.truncate(rows);
        }
        for column in [&mut self.volume_delta, &mut self.imbalance].into_iter().flatten() {
            column.truncate(rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    fn columns(times: Range<i64>, delta: bool) -> Columns {
        let open_time: Vec<_> = times.collect();
        let values: Vec<_> = open_time.iter().map(|time| *time as f64).collect();
        Columns {
            open: values.clone(),
            high: values.clone(),
            low: values.clone(),
            close: values.clone(),
            volume_delta: delta.then(|| values.clone()),
            volume: values,
            imbalance: None,
            open_time,
        }
    }

    #[test]
    fn parts_make_the_whole() {
        let whole = columns(0..10, true);
        let mut joined = Columns::default();
        for rows in [0..3, 3..7, 7..10] {
            joined.append(whole.slice(rows));
        }
        assert_eq!(joined, whole);
        joined.truncate(4);
        assert_eq!(joined, columns(0..4, true));
    }

    #[test]
    fn a_column_that_one_side_lacks_is_dropped() {
        let mut joined = columns(0..2, true);
        joined.append(columns(2..4, false));
        assert_eq!(joined, columns(0..4, false));
    }
}
