//! What a run sends goes on its way before the request is answered, and what does not stays in the outbox.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use sentinel_cloud::program::{Assembled, assemble};
use sentinel_domain::clock::ManualClock;
use sentinel_domain::documents::{Collection, DocumentStore, Query};
use sentinel_domain::environment::Environment;
use sentinel_domain::events::{CloudEvent, PublishError, Publisher};
use sentinel_function_runtime::outbox::deliver_outbox;
use sentinel_function_runtime::{
    Carrier, Function, FunctionDescriptor, FunctionError, Message, Outcome, Reach, Report, RunContext, RunRequest,
    Runtime, Trigger,
};

use crate::world::{Machine, NOW, settings};

/// Sends an event at once and one for later, and then fails, if it is told to.
struct Sends {
    name: &'static str,
    fails: bool,
}

#[async_trait]
impl Function for Sends {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
            triggers: &[Trigger::Schedule { cron: "* * * * *" }],
            ..FunctionDescriptor::new("sends")
        };
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let message =
            |id: &str| Message::new("closes", CloudEvent::new("/test", format!("{}-{id}", self.name), "x.v1"));
        let later = message("later").not_before(ctx.now() + 1_000);
        ctx.commit_with(Vec::new(), vec![message("now"), later]).await?;
        if self.fails { Err(FunctionError::failed("after its commit", "on purpose")) } else { Ok(Report::default()) }
    }
}

struct Place {
    machine: Machine,
    clock: Arc<ManualClock>,
    runtime: Runtime,
}

impl Place {
    fn new(reach: Reach) -> Self {
        let (machine, clock) = (Machine::new(), Arc::new(ManualClock::at(NOW)));
        let carrier = Some(Carrier::new(Arc::clone(&machine.carrier) as _, reach));
        let store = Arc::new(machine.store());
        let runtime = Runtime { carrier, ..Runtime::new(store, Environment::Test, clock.clone(), "abc123") };
        Self { machine, clock, runtime }
    }

    async fn run(&self, name: &'static str, fails: bool) -> bool {
        let request = RunRequest::scheduled_at(self.clock.now_ms());
        self.runtime.run_once(&Sends { name, fails }, request).await.is_ok()
    }

    fn carried(&self) -> Vec<String> {
        self.machine.carrier.events.lock().unwrap().iter().map(|(_, event)| event.id.clone()).collect()
    }

    async fn waiting(&self) -> usize {
        let outbox = Environment::Test.collection(Collection::Outbox);
        self.machine.store().query(&Query::of(outbox)).await.unwrap().len()
    }
}

trait NowMs {
    fn now_ms(&self) -> i64;
}

impl NowMs for ManualClock {
    fn now_ms(&self) -> i64 {
        sentinel_domain::clock::Clock::now(self)
    }
}

#[tokio::test]
async fn a_run_hands_on_its_own_messages_that_are_due_also_when_it_failed_after_them() {
    let place = Place::new(Reach::OwnMessages);
    // Another's, which this function may have no right to publish.
    let silent = Runtime { carrier: None, ..place.runtime.clone() };
    silent.run_once(&Sends { name: "other", fails: false }, RunRequest::scheduled_at(NOW - 1)).await.unwrap();
    assert!(place.run("own", false).await);
    assert_eq!((place.carried(), place.waiting().await), (vec!["own-now".to_owned()], 3));
    place.clock.advance(1);
    assert!(!place.run("failed", true).await);
    assert_eq!((place.carried().last().unwrap().as_str(), place.waiting().await), ("failed-now", 4));
}

#[tokio::test]
async fn the_one_that_delivers_for_all_hands_on_whatever_is_due() {
    let place = Place::new(Reach::WholeOutbox);
    let silent = Runtime { carrier: None, ..place.runtime.clone() };
    silent.run_once(&Sends { name: "other", fails: false }, RunRequest::scheduled_at(NOW - 1)).await.unwrap();
    place.clock.advance(1_000);
    assert!(place.run("own", false).await);
    let mut carried = place.carried();
    carried.sort();
    assert_eq!(
        (carried, place.waiting().await),
        (["other-later", "other-now", "own-now"].map(str::to_owned).to_vec(), 1)
    );
}

#[tokio::test]
async fn what_the_carrier_does_not_take_waits_and_the_run_has_succeeded() {
    let place = Place::new(Reach::OwnMessages);
    place.machine.carrier.fails.store(true, Ordering::SeqCst);
    assert!(place.run("own", false).await);
    assert_eq!((place.carried().len(), place.waiting().await), (0, 2));
    place.machine.carrier.fails.store(false, Ordering::SeqCst);
    let (store, carrier) = (place.machine.store(), place.machine.carrier.as_ref());
    let delivery = deliver_outbox(&store, Environment::Test, carrier, NOW + 5_000).await.unwrap();
    assert_eq!((delivery.published, place.waiting().await), (2, 0));
}

/// Takes longer than anybody waits.
#[derive(Debug)]
struct Never;

#[async_trait]
impl Publisher for Never {
    async fn publish(&self, _: &str, _: &CloudEvent) -> Result<(), PublishError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_carrier_that_hangs_holds_nobody_up() {
    let place = Place::new(Reach::OwnMessages);
    let carrier = Carrier { time_max: Duration::from_millis(50), ..Carrier::new(Arc::new(Never), Reach::OwnMessages) };
    let runtime = Runtime { carrier: Some(carrier), ..place.runtime.clone() };
    let sends = Sends { name: "own", fails: false };
    let run = runtime.run_once(&sends, RunRequest::scheduled_at(NOW));
    let outcome = tokio::time::timeout(Duration::from_secs(5), run).await.unwrap().unwrap();
    assert!(matches!(outcome, Outcome::Ran(_)));
    assert_eq!(place.waiting().await, 2);
}

#[tokio::test]
async fn a_function_opens_what_it_needs_and_nothing_else() {
    for (function, opened) in [
        ("expire-signals", vec!["documents"]),
        ("archive-trades", vec!["warehouse", "documents"]),
        ("patch-prices", vec!["documents"]),
        ("evaluate-strategies", vec!["components", "documents", "events"]),
        ("register-strategy", vec!["components", "uploads", "documents", "events"]),
        ("ingest-candles", vec!["documents", "events"]),
    ] {
        let machine = Machine::new();
        let keys = [("APCA_API_KEY_ID", "k"), ("APCA_API_SECRET_KEY", "s")];
        let settings = settings(function, &keys);
        let Assembled { function: made, runtime } =
            assemble(&settings, &machine, Arc::new(ManualClock::at(NOW))).await.unwrap();
        assert_eq!((made.descriptor().name, &*machine.opened.lock().unwrap()), (function, &opened));
        let reach = runtime.carrier.map(|carrier| carrier.reach);
        let expected = opened.contains(&"events").then_some(match function {
            "ingest-candles" => Reach::WholeOutbox,
            _ => Reach::OwnMessages,
        });
        assert_eq!(reach, expected, "{function}");
    }
}
