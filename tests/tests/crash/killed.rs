//! Ended by SIGKILL before and after every write to a store, to the warehouse and to the broker, and started again.

use crate::points::{self, Choice};
use crate::stage::Stage;
use crate::{child, ending};

/// One in so many places is tried unless all are asked for.
const SAMPLE: u64 = 12;
/// The seed of the sample unless SENTINEL_SEED names another.
const SEED: u64 = 1;

#[test]
fn killed_anywhere_and_started_again_it_ends_as_if_undisturbed() {
    let choice = chosen();
    println!("places: {choice:?}; SENTINEL_SEED=N draws others, SENTINEL_CRASH_POINTS=all takes all");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (calm, disturbed) = (Stage::new(), Stage::new());
    assert!(!child::was_killed(&mut child::start(&calm.place, Choice::Nowhere), &calm.place));
    let expected = runtime.block_on(ending::of(&calm));
    ending::is_rich(&expected);

    let mut lives = 1;
    while child::was_killed(&mut child::start(&disturbed.place, choice), &disturbed.place) {
        lives += 1;
    }
    ending::same(&runtime.block_on(ending::of(&disturbed)), &expected);

    let died_at = points::read(&disturbed.place.home);
    let all = points::read(&calm.place.home);
    let passed: Vec<_> = all.iter().filter(|place| choice.holds(place) && !died_at.contains(*place)).collect();
    println!("{} places in an undisturbed run; killed at {} in {lives} lives", all.len(), died_at.len());
    assert!(passed.is_empty(), "these were passed without a death: {passed:#?}");
}

fn chosen() -> Choice {
    if std::env::var("SENTINEL_CRASH_POINTS").is_ok_and(|points| points == "all") {
        return Choice::Everywhere;
    }
    let seed = std::env::var("SENTINEL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    Choice::OneIn { many: SAMPLE, seed }
}
