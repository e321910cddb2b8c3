//! Which database, and how long to wait for it.

use std::time::Duration;

use sentinel_domain::documents::StoreError;
use sentinel_domain::environment::Environment;

/// The longest one call waits. A commit of 10 MiB takes seconds, anything else milliseconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// Which database holds the documents of which environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirestoreSettings {
    /// The Google Cloud project.
    pub project: String,
    /// The database in it.
    pub database: String,
    /// Whose collections may be named.
    pub environment: Environment,
    /// Where the emulator listens, as `host:port`; `None` is Google's own.
    pub emulator: Option<String>,
    /// The longest one call waits for its answer.
    pub call_timeout: Duration,
}

impl FirestoreSettings {
    /// Returns the settings for a database at Google.
    #[must_use]
    pub fn new(project: impl Into<String>, database: impl Into<String>, environment: Environment) -> Self {
        let (project, database) = (project.into(), database.into());
        Self { project, database, environment, emulator: None, call_timeout: CALL_TIMEOUT }
    }

    /// Asks the emulator at `host:port` instead.
    #[must_use]
    pub fn on_emulator(self, address: impl Into<String>) -> Self {
        Self { emulator: Some(address.into()), ..self }
    }

    /// Returns `projects/…/databases/…`, the database's name in calls and in errors.
    pub(crate) fn path(&self) -> String {
        format!("projects/{}/databases/{}", self.project, self.database)
    }

    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let is_name = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
        let failed = |reason: String| Err(StoreError::Failed { store: self.path(), reason });
        if !is_name(&self.project) {
            return failed(format!("\"{}\" is not the name of a project: use its id, as in the console", self.project));
        }
        if !is_name(&self.database) {
            return failed(format!("\"{}\" is not the name of a database: use its id, or (default)", self.database));
        }
        match &self.emulator {
            Some(address) if !is_address(address) => {
                failed(format!("\"{address}\" is not where an emulator listens: use host:port"))
            }
            _ => Ok(()),
        }
    }
}

fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok() && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cannot_be_are_refused_with_what_to_use() {
        let settings = |project: &str, database: &str| FirestoreSettings::new(project, database, Environment::Test);
        settings("sentinel-example", "(default)").on_emulator("127.0.0.1:8080").check().unwrap();
        let refused = |settings: FirestoreSettings, part: &str| {
            let error = settings.check().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        refused(settings("", "(default)"), "use its id, as in the console");
        refused(settings("a/b", "(default)"), "\"a/b\" is not the name of a project");
        refused(settings("a", "b c"), "\"b c\" is not the name of a database");
        refused(settings("a", "b").on_emulator("localhost"), "use host:port");
        refused(settings("a", "b").on_emulator("http://localhost:1"), "use host:port");
    }
}
