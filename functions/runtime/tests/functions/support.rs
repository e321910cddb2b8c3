//! A store, a clock, and functions made of a closure.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sentinel_domain::clock::ManualClock;
use sentinel_domain::documents::{Collection, DocumentStore, Query, Record, Records};
use sentinel_domain::environment::Environment;
use sentinel_domain::events::CloudEvent;
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, Holder, JobRun, Report, RunContext, Runtime, Trigger, async_trait,
};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

pub(crate) const TYPE: &str = "sentinel.test.happened.v1";
/// 2025-01-02T00:05:00Z
pub(crate) const NOW: i64 = 1_735_776_300_000;

pub(crate) type Answer<'a> = Pin<Box<dyn Future<Output = Result<Report, FunctionError>> + Send + 'a>>;
type Work = Box<dyn for<'a> Fn(&'a RunContext, Option<&'a CloudEvent>) -> Answer<'a> + Send + Sync>;

pub(crate) struct TestFunction {
    pub(crate) descriptor: FunctionDescriptor,
    work: Work,
}

#[async_trait]
impl Function for TestFunction {
    fn descriptor(&self) -> &FunctionDescriptor {
        &self.descriptor
    }

    async fn run(&self, ctx: &RunContext, event: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        (self.work)(ctx, event).await
    }
}

pub(crate) fn function(
    name: &'static str,
    work: impl for<'a> Fn(&'a RunContext, Option<&'a CloudEvent>) -> Answer<'a> + Send + Sync + 'static,
) -> TestFunction {
    let triggers = &[Trigger::Schedule { cron: "5 0 * * *" }, Trigger::Event { event_type: TYPE }];
    let timeout = Duration::from_secs(20);
    TestFunction {
        descriptor: FunctionDescriptor { triggers, timeout, ..FunctionDescriptor::new(name) },
        work: Box::new(work),
    }
}

/// A function that does nothing and succeeds.
pub(crate) fn idle(name: &'static str) -> TestFunction {
    function(name, |_, _| Box::pin(async { Ok(Report::default()) }))
}

/// A function that commits the account `name` with its run's attempt, and counts one row.
pub(crate) fn writing(name: &'static str) -> TestFunction {
    function(name, move |ctx, _| {
        Box::pin(async move {
            let account = Account { account_id: name.to_owned(), cash: i64::from(ctx.attempt()) };
            let write = ctx.records::<Account>().put(&account, sentinel_domain::documents::Precondition::Any)?;
            ctx.commit(vec![write]).await?;
            Ok(Report { rows_in: 1, rows_out: 1, ..Report::default() })
        })
    })
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) account_id: String,
    pub(crate) cash: i64,
}

impl Record for Account {
    const COLLECTION: Collection = Collection::Accounts;

    fn id(&self) -> String {
        self.account_id.clone()
    }
}

/// A store in a folder of its own, a clock that stands still, and a runtime on both.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) runtime: Runtime,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(open(folder.path()));
        let clock = Arc::new(ManualClock::at(NOW));
        let runtime = Runtime {
            holder: Holder::named("first"),
            ..Runtime::new(store, Environment::Test, Arc::clone(&clock) as _, "abc123")
        };
        Self { folder, clock, runtime }
    }

    pub(crate) fn store(&self) -> &dyn DocumentStore {
        self.runtime.store.as_ref()
    }

    /// Returns a runtime of somebody else on the same store.
    pub(crate) fn other(&self) -> Runtime {
        Runtime { holder: Holder::named("second"), ..self.runtime.clone() }
    }

    pub(crate) async fn job_runs(&self) -> Vec<JobRun> {
        let runs = Records::<JobRun>::of(self.store(), Environment::Test);
        runs.all(runs.select()).await.unwrap().into_iter().map(|stored| stored.record).collect()
    }

    pub(crate) async fn account(&self, id: &str) -> Option<i64> {
        let accounts = Records::<Account>::of(self.store(), Environment::Test);
        accounts.get(id).await.unwrap().map(|stored| stored.record.cash)
    }

    pub(crate) async fn count(&self, collection: Collection) -> usize {
        self.store().query(&Query::of(Environment::Test.collection(collection))).await.unwrap().len()
    }
}

pub(crate) fn open(folder: &Path) -> SqliteDocuments {
    SqliteDocuments::open(&folder.join("hot.sqlite"), Environment::Test, Durability::ProcessEnd).unwrap()
}

pub(crate) fn event(id: &str) -> CloudEvent {
    CloudEvent::new("/test", id, TYPE)
}
