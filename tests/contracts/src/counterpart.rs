//! Where the counterparts of the cloud listen, for the tests that need one.
//!
//! `make test-cloud` starts them and says where they are in the variables that Google's own tools read. A test that
//! finds none skips itself by name, unless `REQUIRE_EMULATORS=1` says that it has to be there.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

/// A service of the cloud that has a counterpart on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counterpart {
    /// Google's emulator of Firestore.
    Firestore,
    /// Google's emulator of Pub/Sub.
    PubSub,
    /// `local-bigquery`.
    BigQuery,
    /// The JSON interface of Cloud Storage.
    Storage,
}

impl Counterpart {
    /// Returns the variable that says where it listens: `host:port` for the first two, an address with `http://` for
    /// the others, as Google's own tools take them.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Firestore => "FIRESTORE_EMULATOR_HOST",
            Self::PubSub => "PUBSUB_EMULATOR_HOST",
            Self::BigQuery => "BIGQUERY_EMULATOR_HOST",
            Self::Storage => "STORAGE_EMULATOR_HOST",
        }
    }

    /// Returns where it listens; `None`, and a line that says that the test was skipped, where it is not started.
    ///
    /// # Panics
    /// When it is not started although `REQUIRE_EMULATORS` is `1`.
    #[must_use]
    pub fn address(self) -> Option<String> {
        let variable = self.variable();
        match std::env::var(variable) {
            Ok(address) if !address.is_empty() => Some(address),
            _ if std::env::var("REQUIRE_EMULATORS").is_ok_and(|it| it == "1") => {
                panic!("{variable} is not set, and REQUIRE_EMULATORS=1 asks for it; `make test-cloud` starts it")
            }
            _ => {
                eprintln!("SKIPPED tests on {self:?}: {variable} is not set; `make test-cloud` starts it");
                None
            }
        }
    }
}

/// Returns a name that begins with `test` and that nobody else on the counterparts has: no other test of this process, no
/// test of another that begins in the same microsecond, no run before that had this process's number.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "tells runs apart, and decides nothing")]
pub fn fresh_name(test: &str) -> String {
    static NAMES: AtomicU32 = AtomicU32::new(0);
    let number = NAMES.fetch_add(1, Ordering::Relaxed);
    let begun = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_micros());
    format!("{test}-{begun}-{}-{number}", std::process::id())
}

/// What a contract suite is given to work on: always there, or left out where its counterpart does not run.
pub trait Fresh {
    /// What keeps the store alive.
    type Alive;
    /// The store.
    type Store;

    /// Returns both; `None` skips the test.
    fn opened(self) -> Option<(Self::Alive, Self::Store)>;
}

impl<A, S> Fresh for (A, S) {
    type Alive = A;
    type Store = S;

    fn opened(self) -> Option<(A, S)> {
        Some(self)
    }
}

impl<A, S> Fresh for Option<(A, S)> {
    type Alive = A;
    type Store = S;

    fn opened(self) -> Self {
        self
    }
}
