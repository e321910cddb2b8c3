//! This program as a process of its own: what it is told, and what it does.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::points::{Choice, Points};
use crate::stage::{DAY, DAYS, Place, START};
use crate::walk::Walk;

/// Holds what a child is to do.
const ORDER: &str = "SENTINEL_CRASH_CHILD";
/// How often a child is looked at, and how often it is found alive before it counts as hanging.
const LOOK: Duration = Duration::from_millis(1);
const LOOKS_MAX: u32 = 120_000;

/// How long a process works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// To the last day.
    TheEnd,
    /// To the last day, and then that night again so many times. It leaves `expire-signals` to others.
    Nights(u64),
}

/// Starts a process that goes on at `place` until it dies at a place that is chosen, or to the end.
pub(crate) fn start(place: &Place, choice: Choice, until: Until) -> Child {
    let choice = match choice {
        Choice::Nowhere => Value::Null,
        Choice::Everywhere => json!({ "many": 1, "seed": 0 }),
        Choice::OneIn { many, seed } => json!({ "many": many, "seed": seed }),
    };
    let nights = if let Until::Nights(nights) = until { Some(nights) } else { None };
    let order = json!({ "home": place.home, "broker": place.broker_url, "choice": choice, "nights": nights });
    let errors = File::create(place.home.join("errors")).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child::work_of_a_child", "--ignored", "--nocapture"]);
    command.env(ORDER, order.to_string()).stdout(Stdio::null()).stderr(errors).spawn().unwrap()
}

/// Waits for the end of a child, and returns whether it was killed; what it says when it fails is shown.
pub(crate) fn was_killed(child: &mut Child, place: &Place) -> bool {
    let said = || fs::read_to_string(place.home.join("errors")).unwrap_or_default();
    for _ in 0..LOOKS_MAX {
        if let Some(status) = child.try_wait().unwrap() {
            let was_killed = status.signal() == Some(Signal::KILL.as_raw());
            assert!(was_killed || status.success(), "a child failed alive: {}", said());
            return was_killed;
        }
        std::thread::sleep(LOOK);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("a child hangs: {}", said());
}

#[test]
#[ignore = "the work of the processes that other tests start"]
fn work_of_a_child() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let order: Value = serde_json::from_str(&order).unwrap();
    let text = |name: &str| order[name].as_str().unwrap().to_owned();
    let place = Place { home: PathBuf::from(text("home")), broker_url: text("broker") };
    let choice = match (order["choice"]["many"].as_u64(), order["choice"]["seed"].as_u64()) {
        (Some(1), _) => Choice::Everywhere,
        (Some(many), Some(seed)) => Choice::OneIn { many, seed },
        _ => Choice::Nowhere,
    };
    let points = Arc::new(Points::open(&place.home, choice));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work(&place, points, order["nights"].as_u64())).unwrap();
}

async fn work(place: &Place, points: Arc<Points>, nights: Option<u64>) -> anyhow::Result<()> {
    let mut walk = Walk::open(place, &[], Some(points))?;
    if nights.is_some() {
        walk.night.retain(|name| *name != "expire-signals");
    }
    walk.go().await?;
    for _ in 0..nights.unwrap_or_default() {
        walk.work_through_the_night(START + DAYS * DAY).await?;
    }
    Ok(())
}
