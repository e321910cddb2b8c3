//! `sentinel strategy upload`: a component and its config into the bucket, and what became of them.
//!
//! The two files are named by their content, so nobody's new component ever stands beside an old config, and the same
//! upload again is the same files. The run that the upload starts is found by the name of the file it is about.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use sentinel_domain::documents::Direction;
use sentinel_domain::hash::ContentHasher;
use sentinel_domain::registry::{Change, StrategyVersion};
use sentinel_function_runtime::{JobRun, JobStatus};
use sentinel_register_strategy::{RegistrationConfig, Verified, history, verify};
use tokio::time::sleep;

use super::registry::{refused, tell};
use crate::args::UploadArgs;
use crate::cloud::Cloud;
use crate::failure::usage;
use crate::home::Home;
use crate::laptop::block_on;
use crate::output::Output;
use crate::place::Place;
use crate::strategies::Loader;

/// How often the verdict is looked for.
const PAUSE: Duration = Duration::from_secs(1);
/// As much of the hash of both files as their name has.
const HASH_LETTERS: usize = 16;
/// Runs that are looked through, from the last one back.
const RUNS_MAX: u32 = 100;
const FUNCTION: &str = "register-strategy";

/// A pair of files, and what they would register.
struct Upload {
    stem: String,
    component: Vec<u8>,
    config: String,
    verified: Verified,
}

/// What became of an upload.
enum Verdict {
    Registered { is_changed: bool, notes: Vec<String> },
    Failed(String),
}

pub(super) fn run(args: &UploadArgs, home: &Home, output: &Output) -> Result<()> {
    let cloud = Cloud::read(home)?;
    block_on(async {
        let place = cloud.open().await?;
        let upload = read(args, &place, output)?;
        let verdict = {
            let _spinner = output.spinner(format!("uploading {}", upload.stem));
            send(&upload, &cloud, &place, args.wait).await?
        };
        match verdict {
            Verdict::Registered { is_changed, notes } => {
                tell(&place, &upload.verified.strategy_id, is_changed, &notes, output).await
            }
            Verdict::Failed(error) => Err(anyhow!("{FUNCTION} refuses {}: {error}", upload.stem)),
        }
    })
}

/// Reads both files and tries them as far as it takes no time: what cannot be loaded is not sent.
fn read(args: &UploadArgs, place: &Place, output: &Output) -> Result<Upload> {
    let path = Loader::new(1, output)?.component(&args.strategy)?;
    let component = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = args.config.display().to_string();
    let text = fs::read_to_string(&args.config).with_context(|| format!("cannot read the config {name}"))?;
    let config = RegistrationConfig::parse(&text, &name).map_err(usage)?;
    let verified = verify(&place.sandbox, &component, &config, (&text, &name)).map_err(refused)?;
    let hash = ContentHasher::new("upload").bytes(&component).text(&text).finish().to_string();
    let stem = format!("{}-{}", verified.strategy_id, &hash[..HASH_LETTERS.min(hash.len())]);
    Ok(Upload { stem, component, config: text, verified })
}

async fn send(upload: &Upload, cloud: &Cloud, place: &Place, wait_s: u64) -> Result<Verdict> {
    let before: BTreeSet<_> = runs(place, &upload.stem).await?.into_iter().map(|run| run.run_id).collect();
    let was_there = current(place, upload).await?;
    let bucket = cloud.stores.strategies_bucket()?;
    // The config last: it is what completes the pair.
    bucket.write(&format!("{}.wasm", upload.stem), &upload.component).await?;
    bucket.write(&format!("{}.toml", upload.stem), upload.config.as_bytes()).await?;
    for _ in 0..=wait_s {
        let new = runs(place, &upload.stem).await?.into_iter().filter(|run| !before.contains(&run.run_id));
        if let Some(verdict) = new.filter_map(verdict).next() {
            return Ok(verdict);
        }
        if !was_there && current(place, upload).await? {
            return Ok(Verdict::Registered { is_changed: true, notes: Vec::new() });
        }
        sleep(PAUSE).await;
    }
    Err(anyhow!(
        "{FUNCTION} has not said anything about {} within {wait_s} s; both files are in the bucket, and it may still \
         come to them: {} and {} show it. If it never does, look at the trigger of the bucket in docs/deploy.md",
        upload.stem,
        place.command("strategy list"),
        place.command("status")
    ))
}

/// Returns the runs that an upload of these files has started, oldest first.
async fn runs(place: &Place, stem: &str) -> Result<Vec<JobRun>> {
    let subjects = [format!("objects/{stem}.toml"), format!("objects/{stem}.wasm")];
    let records = place.records::<JobRun>();
    let last = records.select().equal("job_name", FUNCTION).order_by("at", Direction::Descending).limit(RUNS_MAX);
    let last = records.query(&last).await?;
    let is_ours = |run: &JobRun| {
        let subject = run.event.as_ref().and_then(|event| event.subject.as_ref());
        subject.is_some_and(|subject| subjects.contains(subject))
    };
    let mut ours: Vec<_> = last.into_iter().map(|stored| stored.record).filter(is_ours).collect();
    ours.sort_by_key(|run| run.started);
    Ok(ours)
}

/// Returns what a run says of the upload; `None` while it runs, and of one that only waited for the other file.
fn verdict(run: JobRun) -> Option<Verdict> {
    match run.status {
        JobStatus::Failed => Some(Verdict::Failed(run.error.unwrap_or_else(|| "it does not say why".to_owned()))),
        status if !status.is_done() || run.notes.iter().any(|note| note.contains(" waits for ")) => None,
        _ => Some(Verdict::Registered { is_changed: run.rows_out > 0, notes: run.notes }),
    }
}

/// Returns whether the current version is made of just these files.
async fn current(place: &Place, upload: &Upload) -> Result<bool> {
    let Verified { strategy_id, registration, .. } = &upload.verified;
    let versions = history::read(&place.records::<StrategyVersion>(), strategy_id).await?;
    Ok(versions.history.register(registration.clone(), place.clock.now()) == Ok(Change::Unchanged))
}
