//! What a strategy says about itself, gathered from its constants and types.

use crate::bar::Column;
use crate::contract::{Columns, Manifest, Timeframe, Timeframes};
use crate::labels::{self, Labels};
use crate::parameters::ParameterSet;
use crate::strategy::Strategy;

/// Returns the manifest of `S`. What the contract forbids and the types allow stops the compilation.
pub(crate) fn manifest<S: Strategy>() -> Manifest {
    const {
        assert!(is_kebab_case(S::ID), "ID is of lower-case words with dashes, at most 64 bytes");
        assert!(S::DESCRIPTION.len() <= 4096, "DESCRIPTION is at most 4096 bytes");
        assert!(!S::TIMEFRAMES.is_empty(), "TIMEFRAMES names at least one");
        assert!(!S::COLUMNS.is_empty(), "COLUMNS names at least one");
        assert!(!S::Pattern::LABELS.is_empty(), "there is at least one pattern: every signal names one");
        assert!(S::Pattern::LABELS.len() <= 256, "there are at most 256 patterns");
        assert!(S::Reason::LABELS.len() <= 64, "there are at most 64 reasons");
        assert!(S::Warning::LABELS.len() <= 64, "there are at most 64 warnings");
    }
    Manifest {
        id: S::ID.to_owned(),
        description: S::DESCRIPTION.to_owned(),
        timeframes: S::TIMEFRAMES.iter().copied().map(timeframe_flag).fold(Timeframes::empty(), Timeframes::union),
        columns: S::COLUMNS.iter().copied().map(column_flag).fold(Columns::empty(), Columns::union),
        parameters: S::Parameters::declarations(),
        patterns: labels::all::<S::Pattern>(),
        reasons: labels::all::<S::Reason>(),
        warnings: labels::all::<S::Warning>(),
    }
}

const fn is_kebab_case(id: &str) -> bool {
    let bytes = id.as_bytes();
    if bytes.is_empty() || bytes.len() > 64 {
        return false;
    }
    // Begins and ends with a letter or digit, and between them no two dashes in a row.
    let mut after_dash = true;
    let mut index = 0;
    while index < bytes.len() {
        match bytes[index] {
            b'a'..=b'z' | b'0'..=b'9' => after_dash = false,
            b'-' if !after_dash => after_dash = true,
            _ => return false,
        }
        index += 1;
    }
    !after_dash
}

const fn timeframe_flag(timeframe: Timeframe) -> Timeframes {
    match timeframe {
        Timeframe::M1 => Timeframes::M1,
        Timeframe::M5 => Timeframes::M5,
        Timeframe::M15 => Timeframes::M15,
        Timeframe::H1 => Timeframes::H1,
        Timeframe::H4 => Timeframes::H4,
        Timeframe::D1 => Timeframes::D1,
    }
}

const fn column_flag(column: Column) -> Columns {
    match column {
        Column::OpenTime => Columns::OPEN_TIME,
        Column::Open => Columns::OPEN,
        Column::High => Columns::HIGH,
        Column::Low => Columns::LOW,
        Column::Close => Columns::CLOSE,
        Column::Volume => Columns::VOLUME,
        Column::VolumeDelta => Columns::VOLUME_DELTA,
        Column::Imbalance => Columns::IMBALANCE,
    }
}

#[cfg(test)]
mod tests {
    use super::is_kebab_case;

    #[test]
    fn ids_are_lower_case_words_with_dashes() {
        for id in ["sma-cross", "a", "rsi-14"] {
            assert!(is_kebab_case(id), "{id}");
        }
        for id in ["", "SmaCross", "sma_cross", "-sma", "sma-", "sma--cross", &"a".repeat(65)] {
            assert!(!is_kebab_case(id), "{id}");
        }
    }
}
