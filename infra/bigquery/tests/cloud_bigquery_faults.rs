//! A service that fails: the right rows in the end or a named error, after a bounded number of tries.
//!
//! A proxy stands before the counterpart and spoils what it is told to.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "cloud_bigquery_faults/proxy.rs"]
mod proxy;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use proxy::{Call, Fault, Proxy};
use secrecy::SecretString;
use sentinel_bigquery::{BigQuerySettings, BigQueryWarehouse, Credentials, TokenError, Tokens};
use sentinel_contracts::counterpart::Counterpart;
use sentinel_contracts::warehouse::{Probe, all, probe};
use sentinel_domain::tables::Cell;
use sentinel_domain::warehouse::{Merged, RowKey, TableId, Warehouse, WarehouseError, WarehouseExt};

const ROWS: i64 = 5;
const INSERTED: Merged = Merged { inserted: 5, updated: 0, unchanged: 0 };
const RETRIES: usize = 3;

/// A table behind the proxy, made before anything is spoilt.
struct World {
    proxy: Arc<Proxy>,
    warehouse: BigQueryWarehouse,
    table: TableId,
}

impl World {
    async fn new(test: &str) -> Option<Self> {
        Self::with(test, |_| ()).await
    }

    async fn with(test: &str, change: impl FnOnce(&mut BigQuerySettings)) -> Option<Self> {
        let address = Counterpart::BigQuery.address()?;
        let proxy = Proxy::start(&address).await;
        let dataset = format!("f{}_{test}", std::process::id());
        let table = TableId::of::<Probe>("probe_test");
        let direct = BigQuerySettings::counterpart(&address, "sentinel", &dataset);
        BigQueryWarehouse::connect(direct).await.unwrap().ensure(&table).await.unwrap();

        let mut settings = BigQuerySettings::counterpart(&proxy.address, "sentinel", &dataset);
        settings.limits.retries = RETRIES;
        settings.limits.delay_min = Duration::from_millis(20);
        settings.limits.delay_max = Duration::from_millis(200);
        change(&mut settings);
        let warehouse = BigQueryWarehouse::connect(settings).await.unwrap();
        Some(Self { proxy, warehouse, table })
    }

    async fn merge(&self) -> Result<Merged, WarehouseError> {
        self.warehouse.merge_rows(&self.table, &rows()).await
    }

    /// Merges five rows while the service fails so; they are there in the end, and counted right.
    async fn merges_despite(&self, faults: impl IntoIterator<Item = (Call, Fault)>) {
        self.proxy.spoil(faults);
        assert_eq!(self.merge().await.unwrap(), INSERTED);
        assert!(self.proxy.is_done(), "not every fault was met");
        assert_eq!(all(&self.warehouse, &self.table).await, rows());
    }
}

fn rows() -> Vec<Probe> {
    (0..ROWS).map(probe).collect()
}

fn distinct(ids: &[String]) -> usize {
    ids.iter().collect::<BTreeSet<_>>().len()
}

#[tokio::test]
async fn too_many_requests_are_waited_for() {
    let Some(world) = World::new("too_many").await else { return };
    world
        .merges_despite([
            (Call::Insert, Fault::refusal(429, "rateLimitExceeded")),
            (Call::Insert, Fault::refusal(403, "rateLimitExceeded")),
            (Call::Table, Fault::refusal(429, "rateLimitExceeded")),
        ])
        .await;
    assert_eq!(distinct(&world.proxy.inserted()), 2, "one job wrote, one asked");
}

#[tokio::test]
async fn pages_of_a_proxy_are_no_answers() {
    let Some(world) = World::new("pages").await else { return };
    let page = || Fault::Answer(503, "text/html", "<html><body>upstream connect error</body></html>".to_owned());
    world.merges_despite([Call::Table, Call::Insert, Call::Results, Call::Job].map(|call| (call, page()))).await;
    // The same where rows are read.
    world.proxy.spoil([(Call::Results, page()), (Call::Insert, page()), (Call::Job, page())]);
    assert_eq!(all(&world.warehouse, &world.table).await, rows());
    assert!(world.proxy.is_done());
}

/// The job ran, its answer was lost: it is looked up, so that what it did is counted as its own.
#[tokio::test]
async fn a_lost_answer_is_looked_up_and_not_run_again() {
    let Some(world) = World::new("lost").await else { return };
    world.proxy.spoil([(Call::Insert, Fault::LoseAnswer), (Call::Job, Fault::LoseAnswer)]);
    assert_eq!(world.merge().await.unwrap(), INSERTED);
    assert!(world.proxy.is_done());
    let inserted = world.proxy.inserted();
    assert_eq!((inserted.len(), distinct(&inserted)), (2, 1), "{inserted:?}");
}

#[tokio::test]
async fn a_job_that_failed_after_its_insertion_is_run_again_under_another_id() {
    let Some(world) = World::new("failed").await else { return };
    let conflict = "Could not serialize access to table sentinel.d.probe_test due to concurrent update";
    let faults =
        [("backendError", "an internal error"), ("jobRateLimitExceeded", "slow down"), ("invalidQuery", conflict)];
    world.proxy.spoil(faults.map(|(reason, message)| (Call::Insert, Fault::job(reason, message))));
    assert_eq!(world.merge().await.unwrap(), INSERTED);
    assert_eq!(distinct(&world.proxy.inserted()), 4);
    assert_eq!(all(&world.warehouse, &world.table).await, rows());
}

#[tokio::test]
async fn a_job_that_fails_for_good_is_named_and_not_run_again() {
    let Some(world) = World::new("for_good").await else { return };
    let message = "Query exceeded limit for bytes billed: 10. 20 or higher required.";
    world.proxy.spoil([(Call::Insert, Fault::job("bytesBilledLimitExceeded", message))]);
    let error = world.warehouse.query("SELECT 1 AS one", &[]).await.unwrap_err();
    assert!(matches!(error, WarehouseError::Query { .. }) && error.to_string().contains(message), "{error}");
    assert!(!error.is_retryable());
    assert_eq!(world.proxy.inserted().len(), 1);
    // A job that keeps failing ends too, and what it was about is told.
    world.proxy.spoil((0..=RETRIES).map(|_| (Call::Insert, Fault::job("backendError", "an internal error"))));
    let error = world.merge().await.unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("an internal error (backendError)"), "{error}");
    assert_eq!(world.proxy.inserted().len(), 1 + 1 + RETRIES);
}

/// A service that stays away is asked a bounded number of times, each time later, and never in step with others.
#[tokio::test]
async fn retries_are_bounded_and_jittered() {
    let Some(world) = World::new("bounded").await else { return };
    let mut waits = Vec::new();
    for _ in 0..2 {
        world.proxy.forget();
        world.proxy.spoil((0..20).map(|_| (Call::Insert, Fault::refusal(503, "backendError"))));
        let error = world.merge().await.unwrap_err();
        let text = error.to_string();
        assert!(error.is_retryable() && text.starts_with("cannot write to BigQuery sentinel."), "{text}");
        assert!(text.contains("HTTP 503, backendError"), "{text}");
        let times = world.proxy.times(Call::Insert);
        assert_eq!(times.len(), 1 + RETRIES);
        waits.push(times.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>());
    }
    for waits in &waits {
        for (number, wait) in waits.iter().enumerate() {
            let least = Duration::from_millis(20 << number);
            assert!(*wait >= least && *wait < least * 2 + Duration::from_secs(1), "{waits:?}");
        }
    }
    assert_ne!(waits[0], waits[1]);
}

/// Nothing was written by a call that failed: the same batch again, when all is well, writes all of it.
#[tokio::test]
async fn a_batch_that_failed_is_written_by_the_next_run() {
    let Some(world) = World::with("next_run", |settings| settings.limits.request_max_bytes = 1_500).await else {
        return;
    };
    // The second of several pieces fails for good.
    world.proxy.spoil([(Call::Insert, Fault::Pass), (Call::Insert, Fault::job("invalidQuery", "no more space"))]);
    assert!(world.merge().await.is_err());
    let left = all(&world.warehouse, &world.table).await;
    assert!(!left.is_empty() && left.len() < rows().len(), "{} rows", left.len());
    let merged = world.merge().await.unwrap();
    assert_eq!((merged.inserted, merged.unchanged), (ROWS as u64 - left.len() as u64, left.len() as u64));
    assert_eq!(all(&world.warehouse, &world.table).await, rows());
}

#[tokio::test]
async fn a_job_that_takes_its_time_is_waited_for() {
    let Some(world) = World::new("slow").await else { return };
    let running = |call| (call, Fault::StillRunning);
    world
        .merges_despite([running(Call::Results), running(Call::Job), running(Call::Results), running(Call::Job)])
        .await;
    world.proxy.spoil([running(Call::Results), running(Call::Job)]);
    let answer = world.warehouse.query("SELECT 7 AS seven", &[]).await.unwrap();
    assert_eq!(answer.single(), Some(&Cell::Integer(7)));
}

#[tokio::test]
async fn a_job_that_never_ends_is_given_up_and_named() {
    let Some(world) = World::with("endless", |settings| settings.limits.job_timeout = Duration::from_secs(1)).await
    else {
        return;
    };
    let running = (0..200).flat_map(|_| [(Call::Results, Fault::StillRunning), (Call::Job, Fault::StillRunning)]);
    world.proxy.spoil(running);
    let error = world.warehouse.query("SELECT 1 AS one", &[]).await.unwrap_err();
    assert!(error.to_string().contains("the job did not end within 1.0 s") && error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_call_that_hangs_is_made_again() {
    let Some(world) = World::with("hangs", |settings| settings.limits.call_timeout = Duration::from_secs(2)).await
    else {
        return;
    };
    world.merges_despite([(Call::Insert, Fault::Hang), (Call::Job, Fault::Hang)]).await;
}

/// Before its first statement, and again when one fails that may have failed of it.
#[tokio::test]
async fn a_table_is_looked_at_once_and_again_when_a_statement_fails() {
    let Some(world) = World::new("looked_at").await else { return };
    let looks = || world.proxy.times(Call::Table).len();
    for _ in 0..2 {
        world.merge().await.unwrap();
        let keys = rows().iter().map(RowKey::of).collect::<Vec<_>>();
        assert_eq!(world.warehouse.existing_keys(&world.table, &keys).await.unwrap(), [true; 5]);
        world.warehouse.ensure(&world.table).await.unwrap();
    }
    assert_eq!(looks(), 1);
    let unknown_name = || (Call::Insert, Fault::job("invalidQuery", "Unrecognized name: money"));
    world.proxy.spoil([unknown_name()]);
    let error = world.merge().await.unwrap_err();
    assert!(error.to_string().contains("Unrecognized name"), "the table is as it was: {error}");
    assert_eq!(looks(), 2);
    // Gone by now, as far as can be seen.
    world.proxy.spoil([unknown_name(), (Call::Table, Fault::refusal(404, "notFound"))]);
    assert!(matches!(world.merge().await.unwrap_err(), WarehouseError::NoTable { .. }));
    // Not believed again before it was looked at.
    assert_eq!(world.merge().await.unwrap(), Merged { inserted: 0, updated: 0, unchanged: 5 });
    assert_eq!(looks(), 4);
}

const STALE: &str = "canary-stale-token";
const FRESH: &str = "canary-fresh-token";

/// Tokens of which the first one has expired without anybody noticing.
#[derive(Default)]
struct Expiring {
    is_renewed: AtomicBool,
    never: bool,
}

#[async_trait]
impl Tokens for Expiring {
    async fn token(&self) -> Result<SecretString, TokenError> {
        Ok(if self.is_renewed.load(Ordering::Relaxed) { FRESH } else { STALE }.into())
    }

    fn refused(&self) {
        self.is_renewed.store(!self.never, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn an_expired_token_is_renewed() {
    let given = |settings: &mut BigQuerySettings| {
        settings.credentials = Credentials::Given(Arc::new(Expiring::default()));
    };
    let Some(world) = World::with("expired", given).await else { return };
    world.proxy.accept_only(FRESH);
    assert_eq!(world.merge().await.unwrap(), INSERTED);
}

/// A token that nobody renews ends in an error that says so, and not what the token is.
#[tokio::test]
async fn a_token_that_stays_refused_is_named_without_being_shown() {
    let given = |settings: &mut BigQuerySettings| {
        settings.credentials = Credentials::Given(Arc::new(Expiring { never: true, ..Expiring::default() }));
    };
    let Some(world) = World::with("refused", given).await else { return };
    world.proxy.accept_only(FRESH);
    let error = world.merge().await.unwrap_err();
    let shown = format!("{error} {error:?} {:?}", world.warehouse);
    assert!(shown.contains("HTTP 401") && !shown.contains("canary"), "{shown}");
}
