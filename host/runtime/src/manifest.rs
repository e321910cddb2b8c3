//! Checks what a strategy says about itself against the rules that the contract states for each field.

use std::collections::BTreeSet;

use sentinel_domain::strategy::{ColumnSet, Label, Manifest, ParameterKind, ParameterSpec};

use crate::error::ManifestFault;

const NAME_BYTES_MAX: usize = 64;
const SENTENCE_BYTES_MAX: usize = 512;
const DESCRIPTION_BYTES_MAX: usize = 4096;
const PARAMETERS_MAX: usize = 64;
const PATTERNS_MAX: usize = 256;
/// As many as there are bits in `signal.reasons` and `signal.warnings`.
const FLAGS_MAX: usize = 64;

type Checked = Result<(), ManifestFault>;

pub(crate) fn check(manifest: &Manifest) -> Checked {
    check_name("id", &manifest.id)?;
    check_text("description", &manifest.description, DESCRIPTION_BYTES_MAX)?;
    ensure(!manifest.timeframes.is_empty(), "timeframes", || "none is named; name at least one".into())?;
    ensure(manifest.columns != ColumnSet::default(), "columns", || "none is named; name at least one".into())?;

    check_count("parameters", manifest.parameters.len(), 0..=PARAMETERS_MAX)?;
    check_count("patterns", manifest.patterns.len(), 1..=PATTERNS_MAX)?;
    check_count("reasons", manifest.reasons.len(), 0..=FLAGS_MAX)?;
    check_count("warnings", manifest.warnings.len(), 0..=FLAGS_MAX)?;

    check_unique("parameters", manifest.parameters.iter().map(|parameter| parameter.name.as_str()))?;
    manifest
        .parameters
        .iter()
        .enumerate()
        .try_for_each(|(index, parameter)| check_parameter(&format!("parameters[{index}]"), parameter))?;
    check_labels("patterns", &manifest.patterns)?;
    check_labels("reasons", &manifest.reasons)?;
    check_labels("warnings", &manifest.warnings)
}

fn check_parameter(field: &str, parameter: &ParameterSpec) -> Checked {
    check_name(&format!("{field}.name"), &parameter.name)?;
    check_text(&format!("{field}.description"), &parameter.description, SENTENCE_BYTES_MAX)?;
    let field = format!("{field} ({})", parameter.name);
    match &parameter.kind {
        ParameterKind::Integer { default, minimum, maximum } => {
            ensure(minimum <= default && default <= maximum, &field, || {
                format!("default {default} is not within {minimum} to {maximum}")
            })
        }
        ParameterKind::Real { default, minimum, maximum } => {
            let are_finite = minimum.is_finite() && default.is_finite() && maximum.is_finite();
            ensure(are_finite && minimum <= default && default <= maximum, &field, || {
                format!("default {default} is not within {minimum} to {maximum}, or one of them is not finite")
            })
        }
        ParameterKind::Boolean { .. } => Ok(()),
        ParameterKind::Choice { default, options } => check_choice(&field, *default, options),
    }
}

fn check_choice(field: &str, default: u32, options: &[String]) -> Checked {
    ensure((default as usize) < options.len(), field, || {
        format!("default {default}, but there are {} options", options.len())
    })?;
    for option in options {
        ensure(!option.is_empty(), field, || "an option is empty".into())?;
        check_text(field, option, NAME_BYTES_MAX)?;
    }
    check_unique(field, options.iter().map(String::as_str))
}

fn check_labels(field: &str, labels: &[Label]) -> Checked {
    for (index, label) in labels.iter().enumerate() {
        check_name(&format!("{field}[{index}].name"), &label.name)?;
        check_text(&format!("{field}[{index}].description"), &label.description, SENTENCE_BYTES_MAX)?;
    }
    check_unique(field, labels.iter().map(|label| label.name.as_str()))
}

fn check_name(field: &str, name: &str) -> Checked {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    ensure(name.len() <= NAME_BYTES_MAX && name.split('-').all(is_word), field, || {
        format!("{} is not lower-case words with dashes between, of at most {NAME_BYTES_MAX} bytes", excerpt(name))
    })
}

/// Control characters could move a reader's terminal about; only a line break is harmless.
fn check_text(field: &str, text: &str, bytes_max: usize) -> Checked {
    ensure(text.len() <= bytes_max, field, || format!("{} bytes, allowed are {bytes_max}", text.len()))?;
    ensure(!text.chars().any(|char| char.is_control() && char != '\n'), field, || {
        format!("{} has control characters", excerpt(text))
    })
}

fn check_count(field: &str, count: usize, allowed: std::ops::RangeInclusive<usize>) -> Checked {
    ensure(allowed.contains(&count), field, || {
        format!("{count} entries, allowed are {} to {}", allowed.start(), allowed.end())
    })
}

fn check_unique<'a>(field: &str, names: impl Iterator<Item = &'a str>) -> Checked {
    let mut seen = BTreeSet::new();
    for name in names {
        ensure(seen.insert(name), field, || format!("{} is there twice", excerpt(name)))?;
    }
    Ok(())
}

fn ensure(holds: bool, field: &str, problem: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(ManifestFault { field: field.to_owned(), problem: problem() }) }
}

/// Returns the beginning of a text, fit to be printed.
fn excerpt(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    let start: String = text.chars().take(CHARS_MAX).collect();
    let rest = if start.len() < text.len() { "…" } else { "" };
    format!("{start:?}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sentinel_domain::timeframe::Timeframe;

    fn valid() -> Manifest {
        let label = |name: &str| Label { name: name.into(), description: "what it means".into() };
        let parameter = |name: &str, kind| ParameterSpec { name: name.into(), description: "bars".into(), kind };
        Manifest {
            id: "sma-cross".into(),
            description: "first line\nsecond line".into(),
            timeframes: vec![Timeframe::H1],
            columns: ColumnSet { close: true, ..ColumnSet::default() },
            parameters: vec![
                parameter("fast", ParameterKind::Integer { default: 10, minimum: 2, maximum: 50 }),
                parameter("stop-atr", ParameterKind::Real { default: 2.0, minimum: 0.0, maximum: 9.0 }),
                parameter("mode", ParameterKind::Choice { default: 1, options: vec!["a".into(), "b".into()] }),
            ],
            patterns: vec![label("cross-up"), label("cross-down")],
            reasons: vec![label("trend")],
            warnings: vec![],
        }
    }

    #[track_caller]
    fn refused(edit: impl FnOnce(&mut Manifest), expected: &str) {
        let mut manifest = valid();
        edit(&mut manifest);
        let fault = check(&manifest).unwrap_err().to_string();
        assert!(fault.contains(expected), "{fault}");
    }

    #[test]
    fn what_the_contract_allows_passes() {
        assert_eq!(check(&valid()), Ok(()));
        let mut widest = valid();
        let labels = |count| -> Vec<_> {
            (0..count).map(|i| Label { name: format!("n{i}"), description: "d".repeat(512) }).collect()
        };
        (widest.patterns, widest.reasons, widest.warnings) = (labels(256), labels(64), labels(64));
        assert_eq!(check(&widest), Ok(()));
    }

    #[test]
    fn names_are_lower_case_words_with_dashes() {
        for bad in ["", "SMA", "sma cross", "-sma", "sma--cross", "sma_cross", "é", &"x".repeat(65)] {
            refused(|manifest| manifest.id = bad.into(), "id: ");
        }
        refused(|manifest| manifest.patterns[1].name = "Up".into(), "patterns[1].name: \"Up\"");
    }

    #[test]
    fn lists_have_bounds_and_no_duplicates() {
        refused(|manifest| manifest.timeframes.clear(), "timeframes: none");
        refused(|manifest| manifest.columns = ColumnSet::default(), "columns: none");
        refused(|manifest| manifest.patterns.clear(), "patterns: 0 entries, allowed are 1 to 256");
        refused(|manifest| manifest.reasons = vec![manifest.reasons[0].clone(); 65], "reasons: 65 entries");
        refused(|manifest| manifest.patterns[1].name = "cross-up".into(), "patterns: \"cross-up\" is there twice");
        refused(|manifest| manifest.parameters[1].name = "fast".into(), "parameters: \"fast\" is there twice");
    }

    #[test]
    fn defaults_lie_within_their_range() {
        let kind = |kind| move |manifest: &mut Manifest| manifest.parameters[0].kind = kind;
        refused(kind(ParameterKind::Integer { default: 1, minimum: 2, maximum: 3 }), "(fast): default 1");
        refused(kind(ParameterKind::Real { default: 0.0, minimum: f64::NAN, maximum: 3.0 }), "(fast): default 0");
        refused(kind(ParameterKind::Real { default: 0.0, minimum: 0.0, maximum: f64::INFINITY }), "not finite");
        refused(kind(ParameterKind::Choice { default: 0, options: vec![] }), "there are 0 options");
        refused(kind(ParameterKind::Choice { default: 0, options: vec!["a".into(); 2] }), "\"a\" is there twice");
    }

    #[test]
    fn texts_are_bounded_and_cannot_steer_a_terminal() {
        refused(|manifest| manifest.description = "x".repeat(4097), "description: 4097 bytes");
        refused(|manifest| manifest.reasons[0].description = "x".repeat(513), "reasons[0].description: 513 bytes");
        refused(|manifest| manifest.description = "\u{1b}[2J".into(), "\"\\u{1b}[2J\" has control characters");
    }
}
