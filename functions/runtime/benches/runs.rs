//! What a run costs besides the function's own work: `cargo bench -p sentinel-function-runtime --bench runs`.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench measures, prints, may fail"
)]

use std::sync::Arc;
use std::time::Instant;

use sentinel_domain::environment::Environment;
use sentinel_domain::events::CloudEvent;
use sentinel_embedded::documents::{Durability, SqliteDocuments};
use sentinel_function_runtime::outbox::deliver_outbox;
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, InProcessBus, Message, Report, RunContext, RunRequest, Runtime,
    Trigger, WallClock, async_trait,
};

const RUNS: u32 = 500;

/// Commits one message for each run; does nothing with it when it comes.
struct Sender;

#[async_trait]
impl Function for Sender {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
            triggers: &[Trigger::Event { event_type: "sent" }],
            ..FunctionDescriptor::new("sender")
        };
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, event: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        if event.is_none() {
            let event = CloudEvent::new("/sender", ctx.at().to_string(), "sent");
            ctx.commit_with(Vec::new(), vec![Message::new("topic", event)]).await?;
        }
        Ok(Report::default())
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for durability in [Durability::PowerCut, Durability::ProcessEnd] {
        runtime.block_on(measure(durability));
    }
}

async fn measure(durability: Durability) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteDocuments::open(&folder.path().join("hot.sqlite"), Environment::Test, durability).unwrap();
    let runtime = Runtime::new(Arc::new(store), Environment::Test, Arc::new(WallClock), "bench");
    let sender: Arc<dyn Function> = Arc::new(Sender);
    let begin = Instant::now();
    for at in 0..RUNS {
        runtime.run_once(sender.as_ref(), RunRequest::scheduled_at(at.into())).await.unwrap();
    }
    println!("{durability:?}: a run that commits one message: {:?}", begin.elapsed() / RUNS);

    let mut bus = InProcessBus::default();
    bus.subscribe_function(&runtime, &sender);
    let begin = Instant::now();
    let now = runtime.clock.now();
    deliver_outbox(runtime.store.as_ref(), Environment::Test, &bus, now).await.unwrap();
    println!("{durability:?}: a message delivered and its run: {:?}", begin.elapsed() / RUNS);
}
