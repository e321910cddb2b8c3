//! Events on their way over Google's emulator of Pub/Sub, to a function behind HTTP.

#![expect(clippy::unwrap_used, reason = "a test may fail")]
#![expect(clippy::disallowed_methods, reason = "what is measured is the machine's time")]

mod endpoint;

use std::time::{Duration, Instant};

use google_cloud_pubsub::model::Subscription;
use sentinel_domain::events::{CloudEvent, Publisher};
use sentinel_pubsub::{PubSubConfig, PubSubError, PubSubPublisher};
use serde_json::json;

use self::endpoint::{Endpoint, OTHER_TYPE, Project, TYPE, dead_letters};

fn event(id: &str) -> CloudEvent {
    CloudEvent::new("/functions/test", id, TYPE).at(1_735_776_300_123)
}

fn of_strategy(id: &str, strategy_id: &str) -> CloudEvent {
    event(id).with_data(json!({ "strategy_id": strategy_id, "exchange": "alpaca", "symbol": "BTC/USD" }))
}

#[tokio::test]
async fn what_is_published_arrives_as_the_very_same_event() {
    let Some(project) = Project::fresh("same-event").await else { return };
    let (topic, endpoint) = (project.topic("candles").await, Endpoint::listening("recorder").await);
    project.push(&topic, &endpoint, |it| it).await;
    let publisher = project.publisher().await;
    let sent = [
        event("all|parts").about("objects/größe 1").with_data(json!({ "text": "ü \"\n", "n": [1, 2.5, null, true] })),
        CloudEvent::new("/functions/test", "bare", TYPE),
        event("data").with_data(json!("text alone")),
    ];
    for (number, event) in sent.iter().enumerate() {
        publisher.publish("candles", event).await.unwrap();
        assert_eq!(endpoint.after(number + 1).await.last(), Some(event));
    }
    // The subscription lets one type through.
    publisher.publish("candles", &CloudEvent::new("/functions/test", "x", OTHER_TYPE)).await.unwrap();
    publisher.publish("candles", &event("last")).await.unwrap();
    assert_eq!(endpoint.after(4).await.last(), Some(&event("last")));
}

#[tokio::test]
async fn answer_that_is_no_success_brings_the_event_again_and_success_ends_it() {
    let Some(project) = Project::fresh("again").await else { return };
    let (topic, endpoint) = (project.topic("candles").await, Endpoint::listening("recorder").await);
    project.push(&topic, &endpoint, |it| it).await;
    endpoint.fail("a", 2);
    let publisher = project.publisher().await;
    publisher.publish("candles", &event("a")).await.unwrap();
    endpoint.after(3).await;
    publisher.publish("candles", &event("b")).await.unwrap();
    endpoint.after(4).await;
    // Longer than the pause after which the emulator would have delivered it again.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(endpoint.ids(), ["a", "a", "a", "b"]);
}

#[tokio::test]
async fn event_that_is_published_twice_runs_once() {
    let Some(project) = Project::fresh("twice").await else { return };
    let (topic, endpoint) = (project.topic("candles").await, Endpoint::listening("recorder").await);
    project.push(&topic, &endpoint, |it| it).await;
    let publisher = project.publisher().await;
    for id in ["a", "a", "b"] {
        publisher.publish("candles", &of_strategy(id, "sma-cross")).await.unwrap();
    }
    endpoint.after(2).await;
    assert_eq!(endpoint.ids(), ["a", "b"]);
}

#[tokio::test]
async fn event_that_is_never_taken_becomes_a_dead_letter() {
    let Some(project) = Project::fresh("dead-letters").await else { return };
    let (topic, dead) = (project.topic("candles").await, project.topic("candles-dead").await);
    let (endpoint, undertaker) = (Endpoint::listening("recorder").await, Endpoint::listening("undertaker").await);
    // Of a subscription that keeps order, Google's emulator drops what it should forward; Pub/Sub itself does not.
    let burying =
        |it: Subscription| it.set_dead_letter_policy(dead_letters(&dead, 5)).set_enable_message_ordering(false);
    project.push(&topic, &endpoint, burying).await;
    project.push(&dead, &undertaker, |it| it).await;
    endpoint.fail("a", u32::MAX);
    let publisher = project.publisher().await;
    publisher.publish("candles", &event("a").with_data(json!({ "n": 1 }))).await.unwrap();
    assert_eq!(undertaker.after(1).await, [event("a").with_data(json!({ "n": 1 }))]);
    assert_eq!(endpoint.ids(), ["a"; 5]);
}

#[tokio::test]
async fn events_of_one_key_arrive_in_order_and_wait_for_one_that_fails() {
    let Some(project) = Project::fresh("in-order").await else { return };
    let (topic, endpoint) = (project.topic("candles").await, Endpoint::listening("recorder").await);
    project.push(&topic, &endpoint, |it| it).await;
    endpoint.fail("a-03", 1);
    let publisher = project.publisher().await;
    for number in 0..20 {
        for strategy in ["a", "b"] {
            publisher.publish("candles", &of_strategy(&format!("{strategy}-{number:02}"), strategy)).await.unwrap();
        }
    }
    endpoint.after(41).await;
    for strategy in ["a", "b"] {
        let mut ids = endpoint.ids();
        ids.retain(|id| id.starts_with(strategy));
        ids.dedup();
        let expected: Vec<String> = (0..20).map(|number| format!("{strategy}-{number:02}")).collect();
        assert_eq!(ids, expected);
    }
}

/// The client holds a key back after a failure until it is told to go on.
#[tokio::test]
async fn missing_topic_is_named_and_the_key_goes_on_once_it_is_there() {
    let Some(project) = Project::fresh("missing").await else { return };
    let publisher = project.publisher().await;
    for event in [of_strategy("a", "sma-cross"), of_strategy("b", "sma-cross"), event("c")] {
        let error = publisher.send("candles", &event).await.unwrap_err();
        assert!(matches!(&error, PubSubError::NoTopic { topic } if topic.ends_with("/test-candles")), "{error:?}");
        assert!(!error.is_retryable());
    }
    let told = publisher.publish("candles", &event("a")).await.unwrap_err();
    assert_eq!((told.topic.as_str(), told.id.as_str()), ("candles", "a"));
    assert!(told.reason.contains("SENTINEL_TOPIC_PREFIX"), "{told}");
    let (topic, endpoint) = (project.topic("candles").await, Endpoint::listening("recorder").await);
    project.push(&topic, &endpoint, |it| it).await;
    publisher.publish("candles", &of_strategy("a", "sma-cross")).await.unwrap();
    endpoint.after(1).await;
}

#[tokio::test]
async fn nobody_who_listens_is_an_error_that_passes_in_bounded_time() {
    let config = PubSubConfig {
        project: "p".to_owned(),
        topic_prefix: String::new(),
        // The port of nothing: bound and let go.
        emulator: Some(std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()),
    };
    let started = Instant::now();
    let publisher = PubSubPublisher::connect(config).await.unwrap();
    assert!(started.elapsed() < Duration::from_millis(200), "made in {:?}", started.elapsed());
    let error = publisher.send("candles", &event("a")).await.unwrap_err();
    assert!(matches!(error, PubSubError::Unavailable { .. }) && error.is_retryable(), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(16), "{:?}", started.elapsed());
    assert!(!format!("{publisher:?}").contains("credential"));
}

/// A message goes out alone and at once; most of what is measured is the emulator.
#[tokio::test]
async fn publishing_takes_milliseconds() {
    let Some(project) = Project::fresh("latency").await else { return };
    let (topic, endpoint) = (project.topic("candles").await, Endpoint::listening("recorder").await);
    project.push(&topic, &endpoint, |it| it).await;
    let publisher = project.publisher().await;
    let (mut taken, mut arrived) = (Vec::new(), Vec::new());
    for number in 0..100 {
        let started = Instant::now();
        publisher.publish("candles", &event(&number.to_string())).await.unwrap();
        taken.push(started.elapsed());
        endpoint.after(number + 1).await;
        arrived.push(started.elapsed());
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (taken, arrived) = (median(&mut taken), median(&mut arrived));
    eprintln!("published in {taken:?}, run of the function begun after {arrived:?} (medians of 100)");
    assert!(taken < Duration::from_millis(100), "{taken:?}");
}
