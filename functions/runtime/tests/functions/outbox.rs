//! Events that leave with the state they tell of.

use std::sync::{Arc, Mutex};

use sentinel_domain::documents::{Collection, Precondition, Records};
use sentinel_domain::environment::Environment;
use sentinel_domain::events::{CloudEvent, PublishError, Publisher};
use sentinel_function_runtime::outbox::{OutboxRow, deliver_outbox, next_due};
use sentinel_function_runtime::{Function, InProcessBus, Message, Report, RunRequest, async_trait};

use crate::support::{Account, NOW, TYPE, TestFunction, World, event, function};

/// Keeps what it is given, and refuses events whose id is in `refused`.
#[derive(Debug, Default)]
struct Carrier {
    taken: Mutex<Vec<String>>,
    refused: Mutex<Vec<String>>,
}

impl Carrier {
    fn taken(&self) -> String {
        std::mem::take(&mut *self.taken.lock().unwrap()).join(" ")
    }
}

#[async_trait]
impl Publisher for Carrier {
    async fn publish(&self, topic: &str, event: &CloudEvent) -> Result<(), PublishError> {
        if self.refused.lock().unwrap().contains(&event.id) {
            let reason = "503 try later".to_owned();
            return Err(PublishError { topic: topic.to_owned(), id: event.id.clone(), reason });
        }
        self.taken.lock().unwrap().push(event.id.clone());
        Ok(())
    }
}

/// A function that sends `messages` in one commit each.
fn sending(messages: Vec<Message>) -> TestFunction {
    function("send", move |ctx, _| {
        let messages = messages.clone();
        Box::pin(async move {
            for message in messages {
                ctx.commit_with(Vec::new(), vec![message]).await?;
            }
            Ok(Report::default())
        })
    })
}

async fn send(world: &World, messages: Vec<Message>) {
    let at = world.runtime.clock.now();
    world.runtime.run_once(&sending(messages), RunRequest::scheduled_at(at)).await.unwrap();
}

fn message(id: &str) -> Message {
    Message::new("topic", event(id))
}

async fn deliver(world: &World, carrier: &dyn Publisher) -> usize {
    let now = world.runtime.clock.now();
    deliver_outbox(world.store(), Environment::Test, carrier, now).await.unwrap().published
}

#[tokio::test]
async fn messages_leave_in_the_order_they_were_created_and_once() {
    let (world, carrier) = (World::new(), Carrier::default());
    let ids: Vec<String> = (0..250).map(|n| format!("{}", (n * 7_919) % 250)).collect();
    send(&world, ids.iter().map(|id| message(id)).collect()).await;
    world.clock.advance(1);
    send(&world, vec![message("last")]).await;
    assert_eq!(deliver(&world, &carrier).await, 251);
    assert_eq!(carrier.taken(), format!("{} last", ids.join(" ")));
    assert_eq!(deliver(&world, &carrier).await, 0);
    assert_eq!(world.count(Collection::Outbox).await, 0);
}

#[tokio::test]
async fn a_message_for_later_waits_and_says_for_how_long() {
    let (world, carrier) = (World::new(), Carrier::default());
    assert_eq!(next_due(world.store(), Environment::Test).await.unwrap(), None);
    send(&world, vec![message("later").not_before(NOW + 60_000), message("now")]).await;
    assert_eq!(next_due(world.store(), Environment::Test).await.unwrap(), Some(NOW));
    assert_eq!(deliver(&world, &carrier).await, 1);
    assert_eq!(next_due(world.store(), Environment::Test).await.unwrap(), Some(NOW + 60_000));
    world.clock.advance(59_999);
    assert_eq!(deliver(&world, &carrier).await, 0);
    world.clock.advance(1);
    deliver(&world, &carrier).await;
    assert_eq!(carrier.taken(), "now later");
}

#[tokio::test]
async fn a_clock_that_is_set_back_holds_up_no_message() {
    let (world, carrier) = (World::new(), Carrier::default());
    send(&world, vec![message("a"), message("later").not_before(NOW + 1)]).await;
    world.clock.advance(-3_600_000);
    send(&world, vec![message("b")]).await;
    assert_eq!(deliver(&world, &carrier).await, 2);
    world.clock.set(NOW + 1);
    deliver(&world, &carrier).await;
    assert_eq!(carrier.taken(), "b a later", "each delivered; their order is the clock's");
}

#[tokio::test]
async fn a_message_that_is_not_taken_stays_steps_back_and_is_tried_again() {
    let (world, carrier) = (World::new(), Carrier::default());
    carrier.refused.lock().unwrap().push("a".to_owned());
    send(&world, ["a", "b"].map(message).to_vec()).await;
    let delivery = deliver_outbox(world.store(), Environment::Test, &carrier, NOW).await.unwrap();
    assert_eq!((delivery.published, delivery.failed.len()), (1, 1));
    assert!(delivery.failed[0].1.ends_with("cannot publish event a to topic: 503 try later"), "{delivery:?}");
    let outbox = Records::<OutboxRow>::of(world.store(), Environment::Test);
    let left = outbox.all(outbox.select()).await.unwrap();
    assert_eq!((left[0].record.attempts, left[0].record.last_error.as_deref()), (1, Some("503 try later")));
    world.clock.set(left[0].record.due_at);
    assert_eq!(deliver(&world, &carrier).await, 0);
    let again = outbox.all(outbox.select()).await.unwrap();
    assert_eq!(again[0].record.due_at - left[0].record.due_at, 2_000, "twice as long");
    carrier.refused.lock().unwrap().clear();
    world.clock.advance(2_000);
    assert_eq!(deliver(&world, &carrier).await, 1);
    assert_eq!(carrier.taken(), "b a");
}

#[tokio::test]
async fn a_run_that_is_run_again_does_not_send_twice_what_is_still_there() {
    let (world, carrier) = (World::new(), Carrier::default());
    send(&world, ["a", "b"].map(message).to_vec()).await;
    send(&world, ["a", "b"].map(message).to_vec()).await;
    assert_eq!(world.count(Collection::Outbox).await, 2);
    deliver(&world, &carrier).await;
    assert_eq!(carrier.taken(), "a b");
}

/// first → second → third, each committing a row and an event in one commit.
#[tokio::test]
async fn events_go_from_function_to_function_until_nothing_is_left() {
    let world = World::new();
    let step = |name: &'static str, takes: &'static str, gives: &'static str| -> Arc<dyn Function> {
        let mut step = function(name, move |ctx, event| {
            Box::pin(async move {
                let account = Account { account_id: name.to_owned(), cash: i64::from(ctx.attempt()) };
                let write = ctx.records::<Account>().put(&account, Precondition::Absent)?;
                let id = event.map(|event| event.id.clone()).unwrap_or_default();
                let next = CloudEvent::new(name, format!("{id}+{name}"), gives).at(ctx.at());
                ctx.commit_with(vec![write], vec![Message::new("thread", next)]).await?;
                Ok(Report::default())
            })
        });
        step.descriptor.triggers =
            Box::leak(Box::new([sentinel_function_runtime::Trigger::Event { event_type: takes }]));
        Arc::new(step)
    };
    let mut bus = InProcessBus::default();
    for function in [step("first", TYPE, "b"), step("second", "b", "c"), step("third", "c", "nobody")] {
        bus.subscribe_function(&world.runtime, &function);
    }
    send(&world, vec![message("start")]).await;
    assert_eq!(deliver(&world, &bus).await, 4);
    for name in ["first", "second", "third"] {
        assert_eq!(world.account(name).await, Some(1), "{name}");
    }
    // Delivered again, all of it: the same rows.
    send(&world, vec![message("start")]).await;
    assert_eq!(deliver(&world, &bus).await, 1);
    assert_eq!(world.job_runs().await.iter().filter(|run| run.attempt > 1 && run.job_name != "send").count(), 0);
}

#[tokio::test]
async fn an_event_stays_in_the_outbox_until_every_subscriber_has_done_its_work() {
    let world = World::new();
    let failing = function("failing", |ctx, _| {
        Box::pin(async move {
            let reason = "broker is away".to_owned();
            if ctx.attempt() == 1 {
                return Err(sentinel_function_runtime::FunctionError::unavailable("cannot submit", reason));
            }
            Ok(Report::default())
        })
    });
    let working = crate::support::writing("working");
    let mut bus = InProcessBus::default();
    for function in [Arc::new(failing) as Arc<dyn Function>, Arc::new(working)] {
        bus.subscribe_function(&world.runtime, &function);
    }
    send(&world, vec![message("a")]).await;
    let delivery = deliver_outbox(world.store(), Environment::Test, &bus, NOW).await.unwrap();
    assert!(delivery.failed[0].1.ends_with("failing failed: cannot submit: broker is away"), "{delivery:?}");
    world.clock.advance(1_000);
    assert_eq!(deliver(&world, &bus).await, 1);
    assert_eq!(world.account("working").await, Some(1), "its one run is not repeated");
}
