//! The function: from an upload, or a switch, to a row of `dim_strategies`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sentinel_domain::components::{COMPONENT_BYTES_MAX, ComponentStore, ComponentStoreError, UploadError, Uploads};
use sentinel_domain::documents::Record;
use sentinel_domain::events::CloudEvent;
use sentinel_domain::hash::ContentHasher;
use sentinel_domain::live::DecisionChunk;
use sentinel_domain::registry::{Change, History, RegistryError, StrategyVersion};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, Message, OBJECT_FINALIZED, Report, RunContext, Trigger,
};
use sentinel_runtime::LazyRuntime;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::config::RegistrationConfig;
use crate::history;
use crate::verify::{Verified, VerifyError, verify};

/// A version of a strategy begins: published to the topic `strategies`.
pub const STRATEGY_REGISTERED: &str = "sentinel.strategy.registered.v1";
/// Somebody wants a strategy to open positions, or not to any more.
pub const STRATEGY_ACTIVATION: &str = "sentinel.strategy.activation.v1";

const TOPIC: &str = "strategies";
const SOURCE: &str = "/functions/register-strategy";

/// Bytes of a config; those of strategies have some hundred.
const CONFIG_BYTES_MAX: u64 = 1 << 20;
/// How often a commit is tried when somebody else changes the same history.
const COMMIT_ATTEMPTS: u32 = 3;

/// What a [`STRATEGY_ACTIVATION`] event says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivationRequest {
    /// Which strategy.
    pub strategy_id: String,
    /// Whether it may open positions.
    pub active: bool,
}

impl ActivationRequest {
    /// Returns the event that asks for it from `at` on.
    #[must_use]
    pub fn event(&self, at: UnixMillis) -> CloudEvent {
        let id = format!("{}|{}|{at}", self.strategy_id, self.active);
        let data = json!({ "strategy_id": self.strategy_id, "active": self.active });
        CloudEvent::new("/people", id, STRATEGY_ACTIVATION).at(at).with_data(data)
    }
}

/// Returns the event of a file that was written whole: what the bucket sends, and the laptop for it. `generation` tells
/// one content of the file from the next.
#[must_use]
pub fn finalized(bucket: &str, name: &str, generation: &str, at: UnixMillis) -> CloudEvent {
    let data = json!({ "bucket": bucket, "name": name, "generation": generation });
    CloudEvent::new(format!("//storage/{bucket}"), format!("{name}#{generation}"), OBJECT_FINALIZED)
        .about(format!("objects/{name}"))
        .at(at)
        .with_data(data)
}

/// The function `register-strategy`.
#[derive(Debug, Clone)]
pub struct RegisterStrategy {
    /// Where uploads are read.
    pub uploads: Arc<dyn Uploads>,
    /// Where components are kept.
    pub components: Arc<dyn ComponentStore>,
    /// Where they are tried.
    pub sandbox: Arc<LazyRuntime>,
}

/// What an upload consists of.
struct Upload {
    stem: String,
    component: Vec<u8>,
    config: String,
}

#[async_trait]
impl Function for RegisterStrategy {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
            description: "Verifies a strategy, keeps its component and opens its version",
            triggers: &[Trigger::ObjectFinalized, Trigger::Event { event_type: STRATEGY_ACTIVATION }],
            // An interpreter takes seconds to compile and to try.
            timeout: Duration::from_secs(540),
            memory_mib: 2_048,
            ..FunctionDescriptor::new("register-strategy")
        };
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, event: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let Some(event) = event else {
            return Err(FunctionError::bad_event("register-strategy is started by an upload and not by the clock"));
        };
        if event.event_type == STRATEGY_ACTIVATION {
            return switch(ctx, event).await;
        }
        match self.upload(event).await? {
            Ok(upload) => self.register(ctx, upload).await,
            Err(waiting_for) => Ok(Report { rows_in: 1, notes: vec![waiting_for], ..Report::default() }),
        }
    }
}

impl RegisterStrategy {
    /// Reads the component and the config that an event's file is one of; as the inner error, what is still missing.
    async fn upload(&self, event: &CloudEvent) -> Result<Result<Upload, String>, FunctionError> {
        let name = event.data["name"].as_str().ok_or_else(|| FunctionError::bad_event("data.name is missing"))?;
        let Some((stem, "wasm" | "toml")) = name.rsplit_once('.') else {
            return Ok(Err(format!("{name} is neither a component (.wasm) nor a config (.toml): left alone")));
        };
        let (component_name, config_name) = (format!("{stem}.wasm"), format!("{stem}.toml"));
        // The config first: it says how large its component may be.
        let Some(config) = self.uploads.read(&config_name, CONFIG_BYTES_MAX).await.map_err(unread)? else {
            return Ok(Err(format!("{component_name} waits for {config_name}, which says on what to run it")));
        };
        let config = String::from_utf8(config)
            .map_err(|error| FunctionError::failed(format!("{config_name} is not UTF-8 text"), error))?;
        let bytes_max = RegistrationConfig::parse(&config, &config_name)
            .map_or(COMPONENT_BYTES_MAX, |config| config.limits(COMPONENT_BYTES_MAX).component_bytes_max);
        let Some(component) = self.uploads.read(&component_name, bytes_max).await.map_err(unread)? else {
            return Ok(Err(format!("{config_name} waits for {component_name}")));
        };
        Ok(Ok(Upload { stem: stem.to_owned(), component, config }))
    }

    async fn register(&self, ctx: &RunContext, upload: Upload) -> Result<Report, FunctionError> {
        let (component, verified) = self.loaded(upload).await?;
        let versions = ctx.records::<StrategyVersion>();
        let strategy_id = verified.strategy_id.clone();
        let known = history::read(&versions, &strategy_id).await?;
        if known.history.register(verified.registration.clone(), ctx.at()) == Ok(Change::Unchanged) {
            self.keep_code(&verified).await;
            return Ok(unchanged(&strategy_id));
        }
        let verified = if was_tried(&known.history, &verified) { verified } else { tried(verified).await? };
        // First the bytes, then the row that names them: a version without its component could decide nothing.
        self.components.put(&component).await.map_err(unkept)?;
        self.keep_code(&verified).await;
        let registration = verified.registration.clone();
        let change = |history: &History| history.register(registration.clone(), ctx.at());
        let mut report = commit(ctx, &strategy_id, change).await?;
        report.notes.extend(verified.warnings.into_iter().map(|warning| format!("warning: {warning}")));
        Ok(report)
    }

    /// Keeps the compiled code beside the component, so that no other process compiles it again. It is a cache: without
    /// it everything works, later. An upload of what is registered keeps it again, for a new version of the engine.
    async fn keep_code(&self, verified: &Verified) {
        let strategy = verified.strategy();
        let kept = match strategy.code() {
            Ok(code) => self.components.put_code(&strategy.code_name(), &code).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = kept {
            tracing::warn!(strategy.id = verified.strategy_id, error, "compiled code is not kept");
        }
    }

    /// Loads the component where blocking is allowed, and gives the bytes back.
    async fn loaded(&self, upload: Upload) -> Result<(Vec<u8>, Verified), FunctionError> {
        let sandbox = Arc::clone(&self.sandbox);
        blocking(move || {
            let Upload { stem, component, config: text } = upload;
            let file = format!("{stem}.toml");
            let config = RegistrationConfig::parse(&text, &file)?;
            let verified = verify(&sandbox, &component, &config, (&text, &file))?;
            Ok((component, verified))
        })
        .await
    }
}

async fn tried(verified: Verified) -> Result<Verified, FunctionError> {
    blocking(move || verified.tried()).await
}

/// A component that is registered under this id was tried; a config changes nothing about most trials, but its
/// parameters and limits do.
fn was_tried(history: &History, verified: &Verified) -> bool {
    let wanted = &verified.registration;
    history.versions().iter().any(|row| {
        row.component_hash == wanted.component_hash
            && row.config.parameters == wanted.config.parameters
            && row.config.limits == wanted.config.limits
            && row.config.timeframe == wanted.config.timeframe
            && row.assets == wanted.assets
    })
}

async fn switch(ctx: &RunContext, event: &CloudEvent) -> Result<Report, FunctionError> {
    let ActivationRequest { strategy_id, active } = serde_json::from_value(event.data.clone())
        .map_err(|error| FunctionError::bad_event(format!("{error}; expected strategy_id and active")))?;
    commit(ctx, &strategy_id, |history| history.set_active(active, ctx.at())).await
}

/// Makes the change that `decide` wants of a strategy's history, and tells of it; decides again when somebody else was
/// faster.
async fn commit(
    ctx: &RunContext,
    strategy_id: &str,
    decide: impl Fn(&History) -> Result<Change, RegistryError>,
) -> Result<Report, FunctionError> {
    let versions = ctx.records::<StrategyVersion>();
    for attempt in 1.. {
        let known = history::read(&versions, strategy_id).await?;
        let what = || format!("cannot change {strategy_id}");
        let change = decide(&known.history).map_err(|error| FunctionError::failed(what(), error))?;
        let Change::Opened { opened, .. } = &change else { return Ok(unchanged(strategy_id)) };
        if let Some(decided) = decided_since(ctx, strategy_id, opened.valid_from).await? {
            let (strategy_id, wanted) = (strategy_id.to_owned(), opened.valid_from);
            let error = RegistryError::DecidedSince { strategy_id, wanted, decided };
            return Err(FunctionError::failed(what(), error));
        }
        let writes = known.writes(&versions, &change)?;
        match ctx.commit_with(writes, vec![told(opened)]).await {
            Ok(_) => return Ok(changed(opened)),
            Err(FunctionError::Store(error)) if error.is_conflict() && attempt < COMMIT_ATTEMPTS => {}
            Err(error) => return Err(error),
        }
    }
    Ok(unchanged(strategy_id))
}

/// Returns the last close at `time` or later that the strategy has decided on.
async fn decided_since(
    ctx: &RunContext,
    strategy_id: &str,
    time: UnixMillis,
) -> Result<Option<UnixMillis>, FunctionError> {
    let chunks = ctx.records::<DecisionChunk>();
    let later = chunks.all(chunks.select().at_least("close_time", time)).await?;
    let of_strategy =
        later.iter().filter(|chunk| chunk.record.decided.iter().any(|decided| decided.strategy_id == strategy_id));
    Ok(of_strategy.map(|chunk| chunk.record.close_time).max())
}

fn told(opened: &StrategyVersion) -> Message {
    let data = json!({
        "strategy_id": opened.strategy_id, "ordinal": opened.ordinal, "version": opened.version,
        "component_hash": opened.component_hash, "config_hash": opened.config_hash,
        "active": opened.active, "valid_from": opened.valid_from,
    });
    let id = ContentHasher::new("strategy-registered").text(&opened.id()).text(&opened.version.to_string()).finish();
    let event = CloudEvent::new(SOURCE, id.to_string(), STRATEGY_REGISTERED).about(&opened.strategy_id);
    Message::new(TOPIC, event.at(opened.valid_from).with_data(data))
}

fn changed(opened: &StrategyVersion) -> Report {
    let state = if opened.active { "active" } else { "not active" };
    let note = format!("{} {}: version {}, {state}", opened.strategy_id, opened.ordinal, opened.version.short());
    Report { rows_in: 1, rows_out: 1, notes: vec![note], ..Report::default() }
}

fn unchanged(strategy_id: &str) -> Report {
    Report {
        rows_in: 1,
        notes: vec![format!("{strategy_id} is registered just so: nothing changed")],
        ..Report::default()
    }
}

fn unread(error: UploadError) -> FunctionError {
    FunctionError::Failed {
        what: "the upload cannot be read".to_owned(),
        retryable: error.is_retryable(),
        source: error.into(),
    }
}

fn unkept(error: ComponentStoreError) -> FunctionError {
    let what = "the component cannot be kept".to_owned();
    FunctionError::Failed { what, retryable: error.is_retryable(), source: error.into() }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VerifyError> + Send + 'static,
) -> Result<T, FunctionError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| FunctionError::failed("the strategy is not registered", error)),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(FunctionError::unavailable("the trial of a strategy was interrupted", error)),
        },
    }
}
