//! A deployment on the counterparts of Google's services, and the binary beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use sentinel_cloud::{GoogleCloud, PersonSettings, Variables};
use sentinel_contracts::counterpart::{Counterpart, fresh_name};
use sentinel_domain::documents::{DocumentStore, Precondition, Record, Records};
use sentinel_domain::environment::Environment;
use serde_json::Value;
use tempfile::TempDir;

/// Settings that are right, of a deployment that nobody else uses, and a data folder.
pub(crate) struct World {
    pub(crate) variables: BTreeMap<&'static str, String>,
    folder: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    /// Returns settings that reach nothing.
    pub(crate) fn new() -> Self {
        let name = fresh_name("test");
        let variables = BTreeMap::from([
            ("ENVIRONMENT", "TEST".to_owned()),
            ("GOOGLE_CLOUD_PROJECT", "my-project".to_owned()),
            ("SENTINEL_REGION", "europe-west1".to_owned()),
            ("SENTINEL_FIRESTORE_DATABASE", name.clone()),
            ("SENTINEL_BIGQUERY_DATASET", name.replace('-', "_")),
            ("SENTINEL_BIGQUERY_LOCATION", "EU".to_owned()),
            ("SENTINEL_STRATEGIES_BUCKET", format!("{name}-strategies")),
            ("SENTINEL_COMPONENTS_BUCKET", format!("{name}-components")),
            ("SENTINEL_TOPIC_PREFIX", "test-".to_owned()),
            ("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9".to_owned()),
            ("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9".to_owned()),
            ("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9".to_owned()),
        ]);
        Self { variables, folder: tempfile::tempdir().unwrap() }
    }

    /// Returns settings that reach the counterparts `of`; `None` where one of them does not run.
    pub(crate) fn on(of: &[Counterpart]) -> Option<Self> {
        let mut world = Self::new();
        for counterpart in of {
            world.variables.insert(counterpart.variable(), counterpart.address()?);
        }
        Some(world)
    }

    /// Returns what the binary reads, read here.
    pub(crate) fn settings(&self) -> PersonSettings {
        PersonSettings::read(&self.variables.iter().map(|(name, value)| (*name, value.clone())).collect::<Variables>())
            .unwrap()
    }

    pub(crate) fn stores(&self) -> GoogleCloud {
        GoogleCloud::of_person(&self.settings())
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Returns the command with these settings and nothing else of this process.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sentinel"));
        command.env_clear().envs(&self.variables).current_dir(self.folder.path());
        command.env("SENTINEL_HOME", self.folder.path()).env("SENTINEL_TARGET", "cloud");
        command.env("SENTINEL_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-cache"));
        for kept in ["LD_LIBRARY_PATH", "SENTINEL_STRATEGIES", "PATH"] {
            command.envs(std::env::var_os(kept).map(|value| (kept, value)));
        }
        command.args(words.split_whitespace()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, words: &str) -> Ran {
        Ran::of(&mut self.command(words))
    }
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn good(self) -> Self {
        assert_eq!(self.status, 0, "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn refused(self, status: i32, parts: &[&str]) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        assert_eq!((self.stdout.as_str(), self.stderr.lines().count()), ("", 1), "{self:#?}");
        for part in parts {
            assert!(self.stderr.contains(part), "\"{part}\" is missing in: {}", self.stderr);
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// Puts a document where there is none.
pub(crate) async fn put<T: Record>(store: &Arc<dyn DocumentStore>, record: &T) {
    let write = Records::of(store.as_ref(), Environment::Test).put(record, Precondition::Absent).unwrap();
    store.commit(vec![write]).await.unwrap();
}
