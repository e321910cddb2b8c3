//! Runs that end in the middle: whatever call of a store is the last, the next run ends with the same rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use sentinel_domain::documents::{CollectionName, Commit, Committed, Document, DocumentStore, Query, StoreError};
use sentinel_domain::live::{LivePosition, LiveSignal, RejectedSignal};
use sentinel_domain::signal::{SignalState, SignalType};
use sentinel_domain::tables::Row;
use sentinel_domain::warehouse::{Merged, ResultSet, RowKey, TableId, ViewId, Warehouse, WarehouseError};
use sentinel_function_runtime::{Function, RunRequest, Runtime};

use crate::world::{DAY, OPENED, World, signal};

/// The warehouse, which fails for good after so many calls: half of the time what was asked is done, and not answered.
struct Failing {
    inner: Arc<dyn Warehouse>,
    left: AtomicU32,
}

impl Failing {
    fn is_over(&self) -> bool {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
    }

    fn failure<T>() -> Result<T, WarehouseError> {
        Err(WarehouseError::Store {
            operation: "reach",
            store: "the warehouse".to_owned(),
            message: "the process ends here".to_owned(),
            retryable: true,
        })
    }
}

#[async_trait]
impl Warehouse for Failing {
    async fn ensure(&self, table: &TableId) -> Result<(), WarehouseError> {
        if self.is_over() { Self::failure() } else { self.inner.ensure(table).await }
    }

    async fn ensure_view(&self, view: &ViewId) -> Result<(), WarehouseError> {
        if self.is_over() { Self::failure() } else { self.inner.ensure_view(view).await }
    }

    async fn check(&self, table: &TableId) -> Result<(), WarehouseError> {
        if self.is_over() { Self::failure() } else { self.inner.check(table).await }
    }

    async fn merge(&self, table: &TableId, rows: &[Row]) -> Result<Merged, WarehouseError> {
        let is_over = self.is_over();
        let merged = self.inner.merge(table, rows).await;
        if is_over { Self::failure() } else { merged }
    }

    async fn existing_keys(&self, table: &TableId, keys: &[RowKey]) -> Result<Vec<bool>, WarehouseError> {
        if self.is_over() { Self::failure() } else { self.inner.existing_keys(table, keys).await }
    }

    async fn query(
        &self,
        sql: &str,
        parameters: &[sentinel_domain::tables::Cell],
    ) -> Result<ResultSet, WarehouseError> {
        if self.is_over() { Self::failure() } else { self.inner.query(sql, parameters).await }
    }
}

/// The hot store, which fails in the same way.
#[derive(Debug)]
struct FailingDocuments {
    inner: Arc<dyn DocumentStore>,
    left: AtomicU32,
}

impl FailingDocuments {
    fn is_over(&self) -> bool {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
    }

    fn failure<T>() -> Result<T, StoreError> {
        Err(StoreError::Unavailable { store: "the hot store".to_owned(), reason: "the process ends here".to_owned() })
    }
}

#[async_trait]
impl DocumentStore for FailingDocuments {
    async fn get_many(&self, collection: CollectionName, ids: &[String]) -> Result<Vec<Document>, StoreError> {
        if self.is_over() { Self::failure() } else { self.inner.get_many(collection, ids).await }
    }

    async fn select(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        if self.is_over() { Self::failure() } else { self.inner.select(query).await }
    }

    async fn apply(&self, commit: Commit) -> Result<Committed, StoreError> {
        if self.is_over() { Self::failure() } else { self.inner.apply(commit).await }
    }
}

/// Lives until everything has something to do: a trade, a rejection older than seven days, an expired signal.
async fn lived() -> World {
    let world = World::new().await;
    let unsure = LiveSignal { confidence: 10.0, ..signal(22, SignalType::Buy) };
    world.live(0..24, &[signal(2, SignalType::Buy), signal(20, SignalType::Sell), unsure]).await;
    world.put(&LiveSignal { status: SignalState::Expired, ..signal(23, SignalType::Buy) }).await;
    world.broker.advance(sentinel_simulated_broker::Moment::at_open(OPENED + 9 * DAY)).unwrap();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_that_is_cut_short_anywhere_ends_with_the_same_rows() {
    let undisturbed = lived().await;
    undisturbed.night(9).await;
    let expected = undisturbed.everything().await;
    let jobs = undisturbed.jobs().len();
    let mut cuts = 0;
    for job in 0..jobs {
        for calls in points(job) {
            let world = lived().await;
            let failing: Arc<dyn Warehouse> = Arc::new(Failing { inner: world.cold(), left: AtomicU32::new(calls) });
            let at = OPENED + 9 * DAY + 5 * 60_000;
            world.clock.set(at);
            let mut was_cut = false;
            for (index, function) in with(&world, &failing, job).iter().enumerate() {
                let ended = world.runtime.run_once(function.as_ref(), RunRequest::scheduled_at(at)).await;
                was_cut |= index == job && ended.is_err();
                if ended.is_err() {
                    break;
                }
            }
            world.night(9).await;
            assert_eq!(world.everything().await, expected, "job {job} cut after {calls} calls");
            assert_eq!(left(&world).await, left(&undisturbed).await, "job {job} cut after {calls} calls");
            cuts += u32::from(was_cut);
            if !was_cut {
                break;
            }
        }
    }
    assert!(cuts > 10, "only {cuts} places were tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_whose_hot_store_goes_away_ends_with_the_same_rows() {
    let undisturbed = lived().await;
    undisturbed.night(9).await;
    let expected = undisturbed.everything().await;
    let mut cuts = 0;
    for calls in points(0) {
        let world = lived().await;
        let at = OPENED + 9 * DAY + 5 * 60_000;
        world.clock.set(at);
        let left_calls = AtomicU32::new(calls);
        let failing = FailingDocuments { inner: Arc::clone(&world.runtime.store), left: left_calls };
        let runtime = Runtime { store: Arc::new(failing), ..world.runtime.clone() };
        let mut was_cut = false;
        for function in world.jobs() {
            was_cut |= runtime.run_once(function.as_ref(), RunRequest::scheduled_at(at)).await.is_err();
            if was_cut {
                break;
            }
        }
        // Whoever comes after waits until the lease of the one that ended has run out.
        world.clock.set(at + 120_000);
        for function in world.jobs() {
            world.run(function.as_ref(), at).await;
        }
        assert_eq!(world.everything().await, expected, "cut after {calls} calls");
        assert_eq!(left(&world).await, left(&undisturbed).await, "cut after {calls} calls");
        cuts += u32::from(was_cut);
        if !was_cut {
            break;
        }
    }
    assert!(cuts > 10, "only {cuts} places were tried");
}

/// Returns after how many calls a job is cut: a third of all points, others for each job; all with
/// `SENTINEL_CRASH_POINTS=all`.
fn points(job: usize) -> Box<dyn Iterator<Item = u32>> {
    if std::env::var("SENTINEL_CRASH_POINTS").is_ok_and(|points| points == "all") {
        return Box::new(0..);
    }
    let first = u32::try_from(job % 3).unwrap();
    Box::new((first..).step_by(3))
}

/// Returns the jobs of the night, of which only one has the warehouse that fails.
fn with(world: &World, failing: &Arc<dyn Warehouse>, job: usize) -> Vec<Box<dyn Function>> {
    let mut jobs = world.jobs();
    jobs[job] = world.jobs_on(failing).swap_remove(job);
    jobs
}

/// Returns how many documents are hot.
async fn left(world: &World) -> [usize; 3] {
    [
        world.hot::<LivePosition>().await.len(),
        world.hot::<LiveSignal>().await.len(),
        world.hot::<RejectedSignal>().await.len(),
    ]
}
