//! The cloud's wiring: a deployment on Google Cloud, reached with the credentials of whoever types the command.
//!
//! Which deployment is said by environment variables, those that its functions are given, or by `cloud.toml` in the
//! data folder, which `terraform output -raw cloud_toml` prints; a variable that is set comes before the file. What is
//! absent: secrets. Google's own tools keep the credentials.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use sentinel_cloud::{Adapters, GoogleCloud, PersonSettings, Variables};
use sentinel_function_runtime::WallClock;
use toml::{Table, Value};

use crate::failure::usage;
use crate::home::Home;
use crate::place::{Place, Whose, sandbox};

const FILE: &str = "cloud.toml";

/// A deployment, not yet asked anything.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) settings: PersonSettings,
    pub(crate) stores: GoogleCloud,
}

impl Cloud {
    /// Reads which deployment it is; everything that is wrong with the settings is said at once.
    pub(crate) fn read(home: &Home) -> Result<Self> {
        let path = home.file(FILE)?;
        let written = read_file(&path)?;
        let is_there = written.is_some();
        let variables = Variables::of_process().or(written.unwrap_or_default());
        let settings = PersonSettings::read(&variables).map_err(|error| {
            let path = path.display();
            let file = if is_there {
                format!("they stand in environment variables and in {path}")
            } else {
                format!("set the variables, or write {path} with `terraform output -raw cloud_toml`")
            };
            usage(format_args!("the settings of --target cloud are wrong: {error}; {file}"))
        })?;
        let stores = GoogleCloud::of_person(&settings);
        Ok(Self { settings, stores })
    }

    /// Opens the stores; nothing is asked yet.
    pub(crate) async fn open(&self) -> Result<Place> {
        let warehouse = self.stores.bigquery_warehouse().await?;
        Ok(Place {
            environment: self.settings.environment,
            documents: self.stores.documents().await?,
            warehouse: Arc::new(warehouse.clone()),
            components: self.stores.components().await?,
            sandbox: sandbox(),
            clock: Arc::new(WallClock),
            has_warehouse: true,
            whose: Whose::Cloud(Box::new(self.settings.account.clone()), warehouse),
        })
    }
}

/// Returns what the file says, by variable; `None` where there is no file.
fn read_file(path: &Path) -> Result<Option<Vec<(String, String)>>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let line = 1 + error.span().map_or(0, |span| text[..span.start].matches('\n').count());
        usage(format_args!("{} line {line}: {}", path.display(), error.message()))
    })?;
    let mut variables = Vec::new();
    let mut wrong = Vec::new();
    for (name, value) in table {
        match value {
            Value::String(_) if !PersonSettings::VARIABLES.contains(&name.as_str()) => wrong.push(name),
            Value::String(text) => variables.push((name, text)),
            _ => wrong.push(format!("{name}, which is no text in quotes")),
        }
    }
    if wrong.is_empty() { Ok(Some(variables)) } else { Err(foreign(path, &wrong)) }
}

/// What is not read does not belong there: a key of a broker least of all.
fn foreign(path: &Path, wrong: &[String]) -> anyhow::Error {
    let allowed = PersonSettings::VARIABLES.join(", ");
    usage(format_args!("{} has {}: allowed are {allowed}, each as NAME = \"text\"", path.display(), wrong.join("; ")))
}
