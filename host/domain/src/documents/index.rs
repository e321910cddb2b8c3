//! Indexes: what the cloud needs for a question, and whether it is declared.
//!
//! Firestore keeps an index on every single field, in both directions, and answers equalities alone by joining those.
//! A range or an order beside equalities needs a composite index: equal fields first, the ordered field last, in the
//! direction of the order. Several that end alike are joined, so each of them may hold some of the equal fields. What
//! has none is refused in production, and by no emulator: [`Query::check`](super::Query::check) refuses it everywhere.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Serialize, Serializer};

use super::query::{Direction, Operator, Query};

/// A combination of fields that queries ask by; its last field is in the direction of their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    fields: &'static [&'static str],
    direction: Direction,
}

impl Index {
    /// Returns the index whose last field is in ascending order.
    #[must_use]
    pub const fn ascending(fields: &'static [&'static str]) -> Self {
        Self { fields, direction: Direction::Ascending }
    }

    /// Returns the index whose last field is in descending order.
    #[must_use]
    pub const fn descending(fields: &'static [&'static str]) -> Self {
        Self { fields, direction: Direction::Descending }
    }

    /// Returns the fields, the ordered one last.
    #[must_use]
    pub const fn fields(&self) -> &'static [&'static str] {
        self.fields
    }

    /// Returns the direction of the last field.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// Returns the fields as Terraform reads them: the last has ` desc` after it where its order is descending.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        columns(self.fields.iter().copied(), self.direction)
    }
}

impl Serialize for Index {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.columns().serialize(serializer)
    }
}

fn columns<'a>(fields: impl IntoIterator<Item = &'a str>, direction: Direction) -> Vec<String> {
    let mut columns: Vec<String> = fields.into_iter().map(str::to_owned).collect();
    if let (Direction::Descending, Some(last)) = (direction, columns.last_mut()) {
        last.push_str(" desc");
    }
    columns
}

/// The composite index that a question needs. Shown as the line that declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededIndex<'a> {
    equal: BTreeSet<&'a str>,
    last: &'a str,
    direction: Direction,
}

impl<'a> NeededIndex<'a> {
    /// Returns what `query` needs; `None` where the indexes on single fields are enough.
    #[must_use]
    pub fn of(query: &'a Query) -> Option<Self> {
        let (last, direction) = query.order()?;
        let is_equality = |operator: &Operator| matches!(operator, Operator::Equal(_) | Operator::In(_));
        let equal = query.filters.iter().filter(|filter| is_equality(&filter.operator) && filter.field != last);
        let equal: BTreeSet<&str> = equal.map(|filter| filter.field.as_str()).collect();
        (!equal.is_empty()).then_some(Self { equal, last, direction })
    }

    /// Returns whether `declared` indexes, alone or joined, answer the question.
    #[must_use]
    pub fn is_among(&self, declared: &[Index]) -> bool {
        let covered: BTreeSet<&str> =
            declared.iter().filter_map(|index| self.part_by(index)).flatten().copied().collect();
        covered == self.equal
    }

    /// Returns the equal fields that `index` answers for, if it can take part.
    fn part_by(&self, index: &Index) -> Option<&'static [&'static str]> {
        let (last, equal) = index.fields.split_last()?;
        let fits = *last == self.last && index.direction == self.direction;
        (fits && equal.iter().all(|field| self.equal.contains(field))).then_some(equal)
    }
}

impl fmt::Display for NeededIndex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.equal.iter().copied().chain([self.last]);
        write!(f, "({})", columns(fields, self.direction).join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::Collection;
    use crate::environment::Environment;

    fn all() -> Query {
        Query::of(Environment::Test.collection(Collection::LiveSignals))
    }

    fn needed(query: &Query) -> Option<String> {
        NeededIndex::of(query).map(|needed| needed.to_string())
    }

    #[test]
    fn single_fields_and_equalities_need_none() {
        for query in [
            all(),
            all().equal("a", 1).equal("b", 2).one_of("c", [1, 2]).limit(1),
            all().less("a", 5).at_least("a", 1),
            all().greater("a", 1).order_by("a", Direction::Descending),
            all().order_by("a", Direction::Descending),
            all().one_of("a", [1, 2]).order_by("a", Direction::Descending),
        ] {
            assert_eq!(needed(&query), None, "{query:?}");
        }
    }

    #[test]
    fn a_range_or_an_order_beside_equalities_needs_one() {
        let check = |query: Query, index: &str| assert_eq!(needed(&query).as_deref(), Some(index), "{query:?}");
        check(all().equal("a", 1).less("t", 5), "(a, t)");
        check(all().one_of("a", [1, 2]).less("t", 5), "(a, t)");
        check(all().equal("b", 1).equal("a", 1).order_by("t", Direction::Ascending), "(a, b, t)");
        check(all().equal("a", 1).order_by("t", Direction::Descending), "(a, t desc)");
        check(all().equal("a", 1).less("t", 5).order_by("t", Direction::Descending), "(a, t desc)");
    }

    #[test]
    fn an_index_answers_in_its_own_direction_and_with_all_its_fields() {
        let query = all().equal("a", 1).equal("b", 1).less("t", 5);
        let check = |declared: &[Index], answers: bool| {
            assert_eq!(NeededIndex::of(&query).unwrap().is_among(declared), answers, "{declared:?}");
        };
        check(&[Index::ascending(&["a", "b", "t"])], true);
        check(&[Index::ascending(&["b", "a", "t"])], true);
        check(&[Index::ascending(&["a", "t"]), Index::ascending(&["b", "t"])], true);
        check(&[Index::ascending(&["a", "t"])], false);
        check(&[Index::descending(&["a", "b", "t"])], false);
        check(&[Index::ascending(&["a", "b", "c", "t"])], false);
        check(&[Index::ascending(&["a", "t", "b"])], false);
        check(&[Index::ascending(&["t"]), Index::ascending(&["a"]), Index::ascending(&["b"])], false);
        check(&[], false);
    }

    #[test]
    fn terraform_reads_the_direction_behind_the_last_field() {
        let text = |index: Index| serde_json::to_string(&index).unwrap();
        assert_eq!(text(Index::ascending(&["a", "t"])), r#"["a","t"]"#);
        assert_eq!(text(Index::descending(&["a", "t"])), r#"["a","t desc"]"#);
    }
}
