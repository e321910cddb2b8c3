//! What somebody who mistyped a name probably meant.

/// Names that are less alike than this are no likely meaning.
const SIMILARITY_MIN: f64 = 0.6;

/// Returns the name in `known` that is most like `name`, if one is like it at all.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|other| (strsim::normalized_damerau_levenshtein(name, other), other));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= SIMILARITY_MIN).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_understood() {
        let known = ["timeframe", "assets", "parameters"];
        assert_eq!(nearest("timefrmae", known), Some("timeframe"));
        assert_eq!(nearest("asset", known), Some("assets"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("x", []), None);
    }
}
