//! Which words of a broker let positions be synced, and how often.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use sentinel_domain::broker::{BrokerOrderId, TradeUpdate, TradeUpdates, TradeWord};
use sentinel_domain::clock::ManualClock;
use sentinel_domain::events::CloudEvent;
use sentinel_functions::{UpdateListener, follow};

/// How long a sync takes, in milliseconds.
const SYNC: u64 = 300;

/// Says what it was given, each word after its pause in milliseconds, and then nothing more.
struct Script(VecDeque<(u64, TradeWord)>);

#[async_trait]
impl TradeUpdates for Script {
    async fn next(&mut self) -> TradeWord {
        let Some((pause, word)) = self.0.pop_front() else { return std::future::pending().await };
        tokio::time::sleep(Duration::from_millis(pause)).await;
        word
    }
}

/// Keeps the names of syncs.
#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

#[async_trait]
impl UpdateListener for Kept {
    fn hear(&self, _: &TradeWord) {}

    async fn sync(&self, event: CloudEvent) {
        self.0.lock().unwrap().push(event.id);
        tokio::time::sleep(Duration::from_millis(SYNC)).await;
    }
}

fn fill(execution: &str) -> TradeWord {
    let execution_id = Some(execution.to_owned());
    TradeWord::Update(TradeUpdate { event: "fill".to_owned(), order_id: BrokerOrderId("o".to_owned()), execution_id })
}

fn lost() -> TradeWord {
    TradeWord::Lost { reason: "gone".to_owned(), keys_refused: false, again_in: Duration::ZERO }
}

async fn synced(words: Vec<(u64, TradeWord)>) -> Vec<String> {
    let (listener, clock) = (Kept::default(), ManualClock::at(5));
    let following = follow(Box::new(Script(words.into())), &clock, &listener);
    drop(tokio::time::timeout(Duration::from_secs(4), following).await);
    listener.0.into_inner().unwrap()
}

#[tokio::test]
async fn each_connection_is_followed_by_one_sync_and_losing_it_by_none() {
    let words = vec![(0, TradeWord::Listening), (700, lost()), (100, lost()), (100, TradeWord::Listening)];
    assert_eq!(synced(words).await, ["5|listening|1", "5|listening|2"]);
}

#[tokio::test]
async fn a_burst_is_one_sync_and_what_comes_during_it_another() {
    let mut words = vec![(0, TradeWord::Listening), (1_000, fill("0"))];
    words.extend((1..=20).map(|number| (1, fill(&number.to_string()))));
    // While the sync of the burst is under way.
    words.extend([(200, fill("late")), (1, fill("later"))]);
    assert_eq!(synced(words).await, ["5|listening|1", "5|o|fill|20", "5|o|fill|later"]);
}
