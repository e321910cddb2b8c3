//! `sentinel strategy register`, `list`, `history`, `activate`, `deactivate`, `show`

use std::error::Error as StdError;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Error, Result, anyhow};
use sentinel_domain::components::{UploadError, Uploads};
use sentinel_domain::hash::ContentHash;
use sentinel_domain::registry::{RegistryError, StrategyVersion};
use sentinel_function_runtime::{JobRun, Outcome, RunError, RunRequest, async_trait};
use sentinel_register_strategy::{
    ActivationRequest, ConfigError, RegistrationConfig, VerifyError, finalized, history, nearest,
};
use serde_json::{Value, json};

use crate::args::{HistoryArgs, RegisterArgs, ShowArgs, SwitchArgs};
use crate::failure::usage;
use crate::format::moment;
use crate::home::Home;
use crate::laptop::{Laptop, block_on};
use crate::output::{Output, dim, number};
use crate::place::{Place, Whose};
use crate::strategies::Loader;

/// How often a switch that is to hold from now on is tried while others change the same strategy.
const TRIES: u32 = 10;

/// The two files of one registration, as a bucket would hold them side by side.
#[derive(Debug)]
struct Pair {
    component: Vec<u8>,
    config: Vec<u8>,
}

#[async_trait]
impl Uploads for Pair {
    async fn read(&self, name: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, UploadError> {
        let file = if name.ends_with(".wasm") { &self.component } else { &self.config };
        let bytes = file.len() as u64;
        if bytes > bytes_max {
            return Err(UploadError::TooLarge { name: name.to_owned(), bytes: Some(bytes), bytes_max });
        }
        Ok(Some(file.clone()))
    }
}

/// A switch reads no upload.
#[derive(Debug)]
struct NoUploads;

#[async_trait]
impl Uploads for NoUploads {
    async fn read(&self, _: &str, _: u64) -> Result<Option<Vec<u8>>, UploadError> {
        Ok(None)
    }
}

pub(super) fn register(args: &RegisterArgs, home: &Home, output: &Output) -> Result<()> {
    let path = Loader::new(1, output)?.component(&args.strategy)?;
    let component = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let config_name = args.config.display().to_string();
    let text = fs::read_to_string(&args.config).with_context(|| format!("cannot read the config {config_name}"))?;
    let config = RegistrationConfig::parse(&text, &config_name).map_err(usage)?;
    let laptop = Laptop::open(home, "sentinel strategy register")?;
    let at = args.at.unwrap_or_else(|| laptop.clock.now());
    let generation = format!("{}-{}-{at}", ContentHash::of(&component), ContentHash::of(text.as_bytes()));
    // Named by the config's path, so that what is wrong with it is said of that file.
    let stem = config_name.strip_suffix(".toml").unwrap_or(&config_name);
    let event = finalized("command-line", &format!("{stem}.wasm"), &generation, at);
    let place = laptop.place();
    let function = place.register_strategy(Arc::new(Pair { component, config: text.into_bytes() }));
    block_on(async {
        let ran = {
            let _spinner = output.spinner(format!("trying {} out", path.display()));
            let request = RunRequest { at: Some(at), event: Some(event), ds: None };
            place.run(&function, request).await.map_err(plainly)?
        };
        let strategy_id = match config.id {
            Some(id) => id,
            None => id_of(&path, output)?,
        };
        changed(&place, &strategy_id, &ran, output).await
    })
}

fn id_of(component: &Path, output: &Output) -> Result<String> {
    Ok(Loader::new(1, output)?.load_file(component, None)?.manifest().id.clone())
}

/// Switches a strategy as the event does that asks `register-strategy` for it: by a run of that function here, under its
/// lease, on the stores of the place. What it publishes leaves with the next round of the outbox.
pub(super) async fn switch(args: &SwitchArgs, active: bool, place: &Place, output: &Output) -> Result<()> {
    known(place, &args.strategy_id).await?;
    let function = place.register_strategy(Arc::new(NoUploads));
    let mut tries = 1;
    let ran = loop {
        let at = args.at.unwrap_or_else(|| place.clock.now());
        let event = ActivationRequest { strategy_id: args.strategy_id.clone(), active }.event(at);
        match place.run(&function, RunRequest { at: Some(at), event: Some(event), ds: None }).await {
            // Somebody else was faster while this waited, so that now is not now any more.
            Err(error) if args.at.is_none() && tries < TRIES && is_too_early(&error) => tries += 1,
            ran => break ran.map_err(plainly)?,
        }
    };
    changed(place, &args.strategy_id, &ran, output).await
}

/// Says what a run of `register-strategy` changed.
async fn changed(place: &Place, strategy_id: &str, ran: &Outcome, output: &Output) -> Result<()> {
    let JobRun { rows_out, notes, .. } = ran.job_run();
    let is_changed = matches!(ran, Outcome::Ran(_)) && *rows_out > 0;
    tell(place, strategy_id, is_changed, notes, output).await
}

/// Says which version of a strategy is the current one, and whether it was registered just now.
pub(super) async fn tell(
    place: &Place,
    strategy_id: &str,
    is_changed: bool,
    notes: &[String],
    output: &Output,
) -> Result<()> {
    let versions = known(place, strategy_id).await?;
    let current = versions.last().ok_or_else(|| anyhow!("{strategy_id} has no version"))?;
    if output.is_json() {
        return output.json(&json!({ "changed": is_changed, "notes": notes, "version": row_json(current) }));
    }
    for note in notes.iter().filter_map(|note| note.strip_prefix("warning: ")) {
        output.warning(note);
    }
    if !is_changed {
        return output.line(format!("{} is registered just so; nothing changed.", output.bold(strategy_id)));
    }
    let state = if current.active { "active" } else { "not active" };
    output.line(format!(
        "{} version {} ({}) is {state} from {} on.",
        output.bold(strategy_id),
        current.ordinal,
        current.version.short(),
        moment(current.valid_from)
    ))
}

pub(super) async fn list(place: &Place, output: &Output) -> Result<()> {
    let all = history::all(place.documents.as_ref(), place.environment).await?;
    let current: Vec<_> = all.iter().filter(|version| version.is_current).collect();
    if output.is_json() {
        return output.json(&current.into_iter().map(row_json).collect::<Vec<_>>());
    }
    if current.is_empty() {
        let register = match place.whose {
            Whose::Laptop(_) => place.command("strategy register"),
            Whose::Cloud(..) => place.command("strategy upload"),
        };
        return output.line(format!("No strategy is registered yet; register one with {register}."));
    }
    let mut table = output.new_table(["Strategy", "Version", "State", "Candles", "Assets", "Since", "Versions"]);
    for version in current {
        let since = moment(version.valid_from);
        let [strategy, hash, state, timeframe, assets] = columns(version);
        table.add_row([
            strategy.into(),
            dim(hash),
            state.into(),
            timeframe.into(),
            assets.into(),
            since.into(),
            number(version.ordinal),
        ]);
    }
    output.table(&table)
}

pub(super) async fn show_history(args: &HistoryArgs, place: &Place, output: &Output) -> Result<()> {
    let versions = known(place, &args.strategy_id).await?;
    if output.is_json() {
        return output.json(&versions.iter().map(row_json).collect::<Vec<_>>());
    }
    let mut table =
        output.new_table(["", "Version", "Component", "Config", "State", "Candles", "Assets", "From", "To"]);
    for version in &versions {
        let [_, hash, state, timeframe, assets] = columns(version);
        let to = version.valid_to.map_or_else(|| "now".to_owned(), moment);
        table.add_row([
            number(version.ordinal),
            hash.into(),
            dim(version.component_hash.short()),
            dim(version.config_hash.short()),
            state.into(),
            timeframe.into(),
            assets.into(),
            moment(version.valid_from).into(),
            to.into(),
        ]);
    }
    output.table(&table)
}

pub(super) async fn show(args: &ShowArgs, place: &Place, output: &Output) -> Result<()> {
    let versions = known(place, &args.strategy_id).await?;
    let version = match args.as_of {
        None => versions.last(),
        Some(time) => versions.iter().find(|version| version.holds(time)),
    };
    let version = version.ok_or_else(|| {
        let first = versions.first().map_or_else(String::new, |first| moment(first.valid_from));
        anyhow!("no version of {} was active then; its first one begins at {first}", args.strategy_id)
    })?;
    if output.is_json() {
        return output.json(&row_json(version));
    }
    let [_, _, state, timeframe, assets] = columns(version);
    output.line(output.bold(&version.strategy_id))?;
    output.paragraph("", &version.description.split_whitespace().collect::<Vec<_>>().join(" "))?;
    output.line("")?;
    let to = version.valid_to.map_or_else(|| "now".to_owned(), moment);
    let facts = [
        ("Version", format!("{} ({})", version.version, version.ordinal)),
        ("Component", version.component_hash.to_string()),
        ("Config", version.config_hash.to_string()),
        ("Commit", version.git_hash.clone().unwrap_or_else(|| "unknown".to_owned())),
        ("State", state),
        ("Decides", format!("from {} to {to}", moment(version.valid_from))),
        ("Candles", format!("{timeframe}, gaps: {}", version.config.gaps)),
        ("Assets", assets),
        ("Contract", version.wit_version.clone()),
    ];
    for (name, text) in facts {
        output.paragraph(&output.dim(&format!("{name:<12}")), &text)?;
    }
    let mut table = output.new_table(["Parameter", "Value"]);
    for (name, value) in &version.config.parameters {
        table.add_row([name.as_str().into(), number(value)]);
    }
    for (name, value) in version.config.risk_params.as_object().into_iter().flatten().filter(|(_, v)| !v.is_null()) {
        table.add_row([format!("risk.{name}").into(), number(plain(value))]);
    }
    output.line("")?;
    output.table(&table)
}

/// Returns the versions of a strategy, oldest first; refuses one that nobody registered.
async fn known(place: &Place, strategy_id: &str) -> Result<Vec<StrategyVersion>> {
    let records = place.records::<StrategyVersion>();
    let versions = history::read(&records, strategy_id).await?.history.versions().to_vec();
    if !versions.is_empty() {
        return Ok(versions);
    }
    let all = history::all(place.documents.as_ref(), place.environment).await?;
    let ids: Vec<_> = all.iter().filter(|row| row.is_current).map(|row| row.strategy_id.as_str()).collect();
    let meant = nearest(strategy_id, ids.iter().copied());
    let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
    let there = if ids.is_empty() { "none yet".to_owned() } else { ids.join(", ") };
    Err(usage(format_args!(
        "no strategy {strategy_id} is registered in {}: there is {there}{meant}",
        place.environment
    )))
}

fn columns(version: &StrategyVersion) -> [String; 5] {
    let state = if version.active { "active" } else { "not active" };
    let assets: Vec<_> = version.assets.iter().map(ToString::to_string).collect();
    [
        version.strategy_id.clone(),
        version.version.short(),
        state.to_owned(),
        version.config.timeframe.to_string(),
        assets.join(", "),
    ]
}

/// Returns a version with the names of the columns of `dim_strategies`.
fn row_json(version: &StrategyVersion) -> Value {
    let StrategyVersion { config, .. } = version;
    let assets: Vec<_> = version.assets.iter().map(ToString::to_string).collect();
    json!({
        "strategy_id": version.strategy_id, "ordinal": version.ordinal, "version": version.version,
        "component_hash": version.component_hash, "config_hash": version.config_hash, "git_hash": version.git_hash,
        "active": version.active, "timeframe": config.timeframe, "assets": assets, "gaps": config.gaps,
        "parameters": config.parameters.iter().map(|(name, value)| (name, value.to_string())).collect::<std::collections::BTreeMap<_, _>>(),
        "risk_params": config.risk_params, "limits": config.limits, "description": version.description,
        "wit_version": version.wit_version, "valid_from": time(version.valid_from),
        "valid_to": version.valid_to.map(time), "is_current": version.is_current,
    })
}

fn time(millis: i64) -> String {
    sentinel_domain::candles::format_time(millis)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns an error of usage where the config is what has to be changed.
pub(super) fn refused(error: VerifyError) -> Error {
    match error {
        VerifyError::Config(config) => usage(config),
        refused => refused.into(),
    }
}

/// Leaves out of a failed registration what is of no use to the person who typed the command: which function of the
/// program it was that failed.
fn plainly(error: Error) -> Error {
    for cause in causes(&error) {
        if let Some(VerifyError::Config(config)) = cause.downcast_ref::<VerifyError>() {
            return usage(config);
        }
        if let Some(config) = cause.downcast_ref::<ConfigError>() {
            return usage(config);
        }
        if let Some(history) = cause.downcast_ref::<RegistryError>() {
            return usage(history);
        }
        if let Some(refused) = cause.downcast_ref::<VerifyError>() {
            return anyhow!("{refused}");
        }
    }
    error
}

/// Returns whether a change was asked for a time at which others have changed or decided since.
fn is_too_early(error: &Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref())
        .any(|history| matches!(history, RegistryError::RewritesHistory { .. } | RegistryError::DecidedSince { .. }))
}

/// Returns what made the function fail, the nearest first; nothing where it was not the function that failed.
fn causes(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let failed = match error.downcast_ref::<RunError>() {
        Some(RunError::Function { source, .. }) => source.source(),
        _ => None,
    };
    std::iter::successors(failed, |&cause| cause.source())
}
