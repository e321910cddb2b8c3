//! New rows into stored ones.

use super::OnConflict;
use super::error::Difference;
use crate::rows::{Rows, VALUE_COLUMNS};

/// What became of the rows of a merge.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) rows: Rows,
    /// Rows that were not stored before.
    pub(super) added: usize,
    /// Rows that were stored with the same values.
    pub(super) unchanged: usize,
    /// Stored rows that got a value they lacked.
    pub(super) completed: usize,
    /// Stored rows that got other values.
    pub(super) replaced: usize,
    /// Rows that differ; empty unless differences were to be refused.
    pub(super) differences: Vec<Difference>,
}

impl Merged {
    /// Returns whether the rows are not those that were stored.
    pub(super) fn is_changed(&self) -> bool {
        self.added + self.completed + self.replaced > 0
    }
}

/// Merges `new` into `stored`; both lie in order of time. A value that one of them lacks is taken from the other.
pub(super) fn merge(stored: Rows, new: &Rows, on_conflict: OnConflict) -> Merged {
    let mut merged = Merged::default();
    let comes_after = match (stored.open_time.last(), new.open_time.first()) {
        (Some(last), Some(first)) => last < first,
        _ => true,
    };
    if comes_after {
        merged.rows = stored;
        merged.rows.extend(new, 0..new.len());
        merged.added = new.len();
        return merged;
    }
    let (mut old_row, mut new_row) = (0, 0);
    while new_row < new.len() {
        let time = new.open_time[new_row];
        let older = old_row + stored.open_time[old_row..].partition_point(|stored| *stored < time);
        merged.rows.extend(&stored, old_row..older);
        old_row = older;
        merged.rows.extend(new, new_row..new_row + 1);
        if stored.open_time.get(old_row) == Some(&time) {
            merged.settle_last(&stored, old_row, on_conflict);
            old_row += 1;
        } else {
            merged.added += 1;
        }
        new_row += 1;
    }
    merged.rows.extend(&stored, old_row..stored.len());
    merged
}

impl Merged {
    /// Compares the last row, which is new, with the stored row of the same time, and counts what it is.
    fn settle_last(&mut self, stored: &Rows, stored_row: usize, on_conflict: OnConflict) {
        let row = self.rows.len() - 1;
        let (mut difference, mut is_completed) = (None, false);
        for (column, values) in self.rows.values.iter_mut().enumerate() {
            let (old, new) = (stored.values[column][stored_row], values[row]);
            if new.is_nan() {
                values[row] = old;
            } else if old.is_nan() {
                is_completed = true;
            } else if old.to_bits() != new.to_bits() && difference.is_none() {
                let open_time = stored.open_time[stored_row];
                difference = Some(Difference { open_time, column: VALUE_COLUMNS[column], stored: old, new });
            }
        }
        match (difference, on_conflict) {
            (Some(difference), OnConflict::Refuse) => self.differences.push(difference),
            (Some(_), OnConflict::Replace) => self.replaced += 1,
            (None, _) if is_completed => self.completed += 1,
            (None, _) => self.unchanged += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Returns rows of the given times; every value is `value`, and the delta is missing where it is 0.
    fn rows(cells: &[(i64, f64)]) -> Rows {
        let mut rows = Rows::default();
        for (time, value) in cells {
            rows.open_time.push(*time);
            rows.values.iter_mut().for_each(|column| column.push(*value));
            rows.values[6].pop();
            rows.values[6].push(f64::NAN);
        }
        rows
    }

    fn cells(rows: &Rows) -> Vec<(i64, f64)> {
        rows.open_time.iter().copied().zip(rows.values[0].iter().copied()).collect()
    }

    #[test]
    fn same_rows_change_nothing() {
        let stored = rows(&[(1, 1.0), (2, 2.0)]);
        let merged = merge(stored.clone(), &stored, OnConflict::Refuse);
        assert_eq!((merged.unchanged, merged.is_changed(), merged.differences.len()), (2, false, 0));
        assert_eq!(cells(&merged.rows), cells(&stored));
    }

    #[test]
    fn other_values_are_named_or_taken() {
        let (stored, new) = (rows(&[(1, 1.0), (2, 2.0), (3, 3.0)]), rows(&[(2, 2.5)]));
        let refused = merge(stored.clone(), &new, OnConflict::Refuse);
        assert_eq!(refused.differences, [Difference { open_time: 2, column: "open", stored: 2.0, new: 2.5 }]);
        let replaced = merge(stored, &new, OnConflict::Replace);
        assert_eq!(cells(&replaced.rows), [(1, 1.0), (2, 2.5), (3, 3.0)]);
        assert_eq!(replaced.replaced, 1);
    }

    #[test]
    fn a_value_that_was_missing_completes_the_row_and_none_is_lost() {
        let mut with_delta = rows(&[(1, 1.0)]);
        with_delta.values[6][0] = 0.25;
        let without = rows(&[(1, 1.0)]);
        for (stored, new, completed) in [(&without, &with_delta, 1), (&with_delta, &without, 0)] {
            let merged = merge(stored.clone(), new, OnConflict::Refuse);
            assert_eq!((merged.rows.values[6][0].to_bits(), merged.completed), (0.25_f64.to_bits(), completed));
            assert!(merged.differences.is_empty());
        }
    }

    proptest! {
        #[test]
        fn merging_is_a_union_in_which_the_new_wins(
            stored in prop::collection::btree_map(0_i64..60, 1_u8..9, 0..40),
            new in prop::collection::btree_map(0_i64..60, 1_u8..9, 0..40),
        ) {
            let as_rows = |map: &BTreeMap<i64, u8>| rows(&map.iter().map(|(time, value)| (*time, f64::from(*value))).collect::<Vec<_>>());
            let merged = merge(as_rows(&stored), &as_rows(&new), OnConflict::Replace);
            let mut union = stored.clone();
            union.extend(&new);
            prop_assert_eq!(cells(&merged.rows), cells(&as_rows(&union)));
            prop_assert_eq!(merged.added + merged.replaced + merged.unchanged, new.len());
            prop_assert_eq!(merged.added, union.len() - stored.len());
        }
    }
}
