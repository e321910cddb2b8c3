//! The one place that turns ENVIRONMENT into names.
//!
//! Production rows and rehearsals never meet: every collection and table has one name in PROD and another in DEV and
//! TEST. DEV and TEST share names and are kept apart by database or dataset ([`Environment::database`]).
//!
//! A [`CollectionName`] can only be made here, so code that holds `Environment::Test` cannot name a collection of
//! PROD, and a store opened for one environment refuses the names of another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::documents::Collection;

/// Where a run belongs: real trading, or one of two rehearsals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Environment {
    /// The account that counts.
    Prod,
    /// A developer's own.
    Dev,
    /// Automated tests.
    Test,
}

impl Environment {
    /// Every environment.
    pub const ALL: [Self; 3] = [Self::Prod, Self::Dev, Self::Test];

    /// Returns the value of `ENVIRONMENT` that means this one: `PROD`, `DEV` or `TEST`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prod => "PROD",
            Self::Dev => "DEV",
            Self::Test => "TEST",
        }
    }

    /// Returns whether rows of this environment count.
    #[must_use]
    pub const fn is_production(self) -> bool {
        matches!(self, Self::Prod)
    }

    /// Returns the name of a hot collection: `live_positions` in PROD, `test_positions` in DEV and TEST.
    #[must_use]
    pub const fn collection(self, collection: Collection) -> CollectionName {
        CollectionName { collection, is_production: self.is_production() }
    }

    /// Returns the name of a warehouse table or view: `fact_trades` in PROD, `fact_trades_test` in DEV and TEST.
    #[must_use]
    pub fn table(self, table: &str) -> String {
        if self.is_production() { table.to_owned() } else { format!("{table}_test") }
    }

    /// Returns the suffix that keeps files, databases and datasets apart: `prod`, `dev` or `test`.
    #[must_use]
    pub const fn database(self) -> &'static str {
        match self {
            Self::Prod => "prod",
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no environment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown ENVIRONMENT \"{0}\": use one of PROD, DEV, TEST")]
pub struct UnknownEnvironment(String);

impl FromStr for Environment {
    type Err = UnknownEnvironment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|environment| environment.as_str() == text)
            .ok_or_else(|| UnknownEnvironment(text.to_owned()))
    }
}

/// The name of a hot collection in one environment; made by [`Environment::collection`] alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionName {
    collection: Collection,
    is_production: bool,
}

impl CollectionName {
    /// Returns the name as the store knows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        if self.is_production { self.collection.production_name() } else { self.collection.rehearsal_name() }
    }

    /// Returns which collection this names.
    #[must_use]
    pub const fn collection(self) -> Collection {
        self.collection
    }

    /// Returns whether the name is one that `environment` uses.
    #[must_use]
    pub const fn belongs_to(self, environment: Environment) -> bool {
        self.is_production == environment.is_production()
    }
}

impl fmt::Display for CollectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for CollectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_those_of_the_requirements() {
        let positions = |environment: Environment| environment.collection(Collection::LivePositions).as_str();
        assert_eq!(Environment::ALL.map(positions), ["live_positions", "test_positions", "test_positions"]);
        let trades = |environment: Environment| environment.table("fact_trades");
        assert_eq!(Environment::ALL.map(trades), ["fact_trades", "fact_trades_test", "fact_trades_test"]);
    }

    #[test]
    fn no_rehearsal_names_anything_of_production() {
        let names = |environment: Environment| -> BTreeSet<&str> {
            Collection::ALL.into_iter().map(|collection| environment.collection(collection).as_str()).collect()
        };
        assert_eq!(names(Environment::Prod).len(), Collection::ALL.len());
        assert_eq!(names(Environment::Test).len(), Collection::ALL.len());
        assert!(names(Environment::Prod).is_disjoint(&names(Environment::Test)));
        assert_eq!(names(Environment::Test), names(Environment::Dev));
    }

    #[test]
    fn text_form_round_trips_and_an_unknown_one_lists_what_is_allowed() {
        for environment in Environment::ALL {
            assert_eq!(environment.as_str().parse(), Ok(environment));
            assert_eq!(serde_json::to_value(environment).unwrap(), environment.as_str());
        }
        let error = "production".parse::<Environment>().unwrap_err();
        assert_eq!(error.to_string(), "unknown ENVIRONMENT \"production\": use one of PROD, DEV, TEST");
    }
}
