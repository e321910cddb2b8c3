//! Ended by SIGKILL before and after every write to a store, to the warehouse and to the broker, and started again; then
//! the same at moments that know nothing of writes, and so fall into the middle of some.

use std::thread;
use std::time::Duration;

use sentinel_domain::hash::ContentHasher;
use tokio::runtime::Runtime;

use crate::child::Until;
use crate::ending::Ending;
use crate::points::{self, Choice, number};
use crate::stage::Stage;
use crate::{child, ending};

/// One in so many places is tried unless all are asked for.
const SAMPLE: u64 = 12;
/// How many moments are tried, and how many when all are asked for.
const MOMENTS: [u64; 2] = [20, 300];
/// The latest moment of a life, in milliseconds: most of them have got through some days by then.
const MOMENT_MAX_MS: u64 = 500;
/// The seed of the sample unless SENTINEL_SEED names another.
const SEED: u64 = 1;

#[test]
fn killed_anywhere_and_started_again_it_ends_as_if_undisturbed() {
    let choice = chosen();
    println!("places: {choice:?}; SENTINEL_SEED=N draws others, SENTINEL_CRASH_POINTS=all takes all");
    let runtime = runtime();
    let (calm, disturbed) = (Stage::new(), Stage::new());
    let expected = undisturbed(&runtime, &calm);
    let mut lives = 1;
    while child::was_killed(&mut child::start(&disturbed.place, choice, Until::TheEnd), &disturbed.place) {
        lives += 1;
    }
    ending::same(&runtime.block_on(ending::of(&disturbed)), &expected);

    let died_at = points::read(&disturbed.place.home);
    let all = points::read(&calm.place.home);
    let is_passed = |place: &&String| choice.holds(place) && !died_at.contains(*place) && !is_delivery(place);
    let passed: Vec<_> = all.iter().filter(is_passed).collect();
    let delivery_is_killed = died_at.iter().any(|place| is_delivery(place));
    assert!(delivery_is_killed || choice != Choice::Everywhere, "no delivery of events was killed");
    println!("{} places in an undisturbed run; killed at {} in {lives} lives", all.len(), died_at.len());
    let joined: Vec<_> = died_at.difference(&all).collect();
    let lost: Vec<_> = passed.iter().filter(|place| !joined.iter().any(|other| holds_all_of(other, place))).collect();
    assert!(lost.is_empty(), "these were passed without a death: {lost:#?}");
}

/// Whether a commit that no undisturbed run makes puts into the collections of `place` on its day, and into more: what an
/// earlier life left half done is finished by the next one together with what follows, in one commit of another name.
fn holds_all_of(other: &str, place: &str) -> bool {
    let parts = |place: &str| -> Option<(String, String, Vec<String>)> {
        let (day, rest) = place.split_once(" puts ")?;
        let (what, moment) = rest.split_once(" #").and_then(|(what, rest)| Some((what, rest.split_once(", ")?.1)))?;
        Some((day.to_owned(), moment.to_owned(), what.split(", ").map(|put| put.replace("puts ", "")).collect()))
    };
    match (parts(other), parts(place)) {
        (Some((day, moment, puts)), Some((own_day, own_moment, own))) => {
            day == own_day && moment == own_moment && puts.len() > own.len() && own.iter().all(|put| puts.contains(put))
        }
        _ => false,
    }
}

#[test]
fn killed_at_any_moment_and_started_again_it_ends_as_if_undisturbed() {
    let (seed, moments) = (seed(), MOMENTS[usize::from(all_are_asked_for())]);
    println!("moments: {moments}, drawn by SENTINEL_SEED={seed}");
    let runtime = runtime();
    let (calm, disturbed) = (Stage::new(), Stage::new());
    let expected = undisturbed(&runtime, &calm);
    let mut kills = 0;
    for moment in 0..moments {
        let mut process = child::start(&disturbed.place, Choice::Nowhere, Until::TheEnd);
        let drawn = ContentHasher::new("moment").integers(&[seed.cast_signed(), moment.cast_signed()]).finish();
        thread::sleep(Duration::from_millis(number(&drawn.to_string()) % MOMENT_MAX_MS));
        process.kill().unwrap();
        kills += u64::from(child::was_killed(&mut process, &disturbed.place));
    }
    assert!(!child::was_killed(&mut child::start(&disturbed.place, Choice::Nowhere, Until::TheEnd), &disturbed.place));
    ending::same(&runtime.block_on(ending::of(&disturbed)), &expected);
    println!("killed {kills} times");
    assert!(kills > 1, "a process came to its end {} times before it was killed", moments - kills);
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Returns where a run ends that nobody disturbs.
fn undisturbed(runtime: &Runtime, stage: &Stage) -> Ending {
    assert!(!child::was_killed(&mut child::start(&stage.place, Choice::Nowhere, Until::TheEnd), &stage.place));
    let ending = runtime.block_on(ending::of(stage));
    ending::is_rich(&ending);
    ending
}

/// Events that wait together leave the outbox together: after a death two commits may have become one, of another name.
fn is_delivery(place: &str) -> bool {
    place.contains("deletes test_outbox")
}

fn chosen() -> Choice {
    if all_are_asked_for() { Choice::Everywhere } else { Choice::OneIn { many: SAMPLE, seed: seed() } }
}

fn all_are_asked_for() -> bool {
    std::env::var("SENTINEL_CRASH_POINTS").is_ok_and(|points| points == "all")
}

fn seed() -> u64 {
    match std::env::var("SENTINEL_SEED") {
        Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("SENTINEL_SEED is {seed}: give a whole number")),
        Err(_) => SEED,
    }
}
