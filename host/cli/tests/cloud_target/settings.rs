//! Which deployment it is, and what is said when that is not clear.

use std::collections::BTreeSet;
use std::fs;

use sentinel_cloud::PersonSettings;

use crate::world::World;

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let mut world = World::new();
    world.variables.clear();
    world.run("status").refused(
        2,
        &[
            "ENVIRONMENT is not set",
            "GOOGLE_CLOUD_PROJECT is not set",
            "SENTINEL_REGION is not set",
            "SENTINEL_FIRESTORE_DATABASE is not set",
            "SENTINEL_BIGQUERY_DATASET is not set",
            "SENTINEL_BIGQUERY_LOCATION is not set",
            "SENTINEL_STRATEGIES_BUCKET is not set",
            "SENTINEL_COMPONENTS_BUCKET is not set",
            "SENTINEL_TOPIC_PREFIX is not set",
            "terraform output -raw cloud_toml",
            "cloud.toml",
        ],
    );
    let mut world = World::new();
    for (variable, wrong) in [
        ("SENTINEL_REGION", "Europe West"),
        ("SENTINEL_JOBS", "archive-trade"),
        ("SENTINEL_ACCOUNT", "cash = \"much\""),
        ("SENTINEL_SCHEDULER_URL", "http://example.com"),
        ("SENTINEL_FIRESTORE_DATABASE", "sentinel-prod"),
    ] {
        world.variables.insert(variable, wrong.to_owned());
    }
    let said =
        world.run("pause").refused(2, &["Europe West", "archive-trade", "no account.toml", "http://127.0.0.1:port"]);
    assert!(said.stderr.contains("belongs to PROD"), "{said:?}");
}

#[test]
fn production_takes_no_counterpart_and_no_other_address_for_a_token() {
    let mut world = World::new();
    world.variables.insert("ENVIRONMENT", "PROD".to_owned());
    world.variables.insert("SENTINEL_RUN_URL", "http://127.0.0.1:1".to_owned());
    let parts = ["FIRESTORE_EMULATOR_HOST is set", "SENTINEL_RUN_URL is set", "started at Google alone"];
    world.run("run archive-trades").refused(2, &parts);
}

#[test]
fn a_file_in_the_data_folder_says_it_too_and_a_variable_comes_before_it() {
    let mut world = World::new();
    let written: String = world.variables.iter().map(|(name, value)| format!("{name} = {value:?}\n")).collect();
    world.variables.clear();
    world.write("cloud.toml", &written);
    world.variables.insert("SENTINEL_REGION", "Nowhere!".to_owned());
    let said = world.run("status").refused(2, &["SENTINEL_REGION", "Nowhere!", "and in "]);
    assert!(!said.stderr.contains("is not set"), "{said:?}");
    world.write("cloud.toml", format!("{written}APCA_API_SECRET_KEY = \"abc\"\nSENTINEL_JOBS = 3\n"));
    let said =
        world.run("status").refused(2, &["APCA_API_SECRET_KEY", "SENTINEL_JOBS, which is no text", "allowed are"]);
    assert!(!said.stderr.contains("abc"), "what may be a secret is not shown: {said:?}");
    world.write("cloud.toml", "ENVIRONMENT = \n");
    world.run("status").refused(2, &["cloud.toml line 1"]);
}

#[test]
fn what_makes_no_sense_there_is_refused_with_what_to_do_instead() {
    let world = World::new();
    for (command, instead) in [
        ("dev", "run there by their schedules"),
        ("backup a.sentinel", "backups of their own"),
        ("restore a.sentinel", "backups of their own"),
        ("strategy register sma-cross --config a.toml", "strategy upload"),
        ("quarantine retry", "run NAME"),
        ("run archive-trades --at 2024-01-01", "takes its moment from the clock"),
        ("backtest --as-recorded --from 2024-01-01 --to 2024-02-01", "--target laptop"),
    ] {
        world.run(command).refused(2, &[instead, "--target"]);
    }
    let on_laptop = "--target laptop strategy upload sma-cross --config a.toml";
    world.run(on_laptop).refused(2, &["is for --target cloud", "strategy register"]);
}

/// Returns the variables that a file of Terraform gives a value, among the lines from `from` up to `to`.
fn given(file: &str, from: &str, to: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(format!("{}/../../terraform/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let part = text.split_once(from).unwrap().1.split_once(to).unwrap().0;
    part.lines()
        .filter_map(|line| Some(line.split_once(" = ")?.0.trim().to_owned()))
        .filter(|name| is_variable(name))
        .collect()
}

fn is_variable(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

#[test]
fn terraform_prints_everything_that_is_read_and_nothing_else() {
    let mut printed = given("main.tf", "  deployment = {", "\n  }");
    printed.append(&mut given("outputs.tf", "output \"cloud_toml\"", "\n}"));
    let read = PersonSettings::VARIABLES.map(str::to_owned).into_iter();
    let of_tests = |name: &String| name.ends_with("_EMULATOR_HOST") || name.ends_with("_URL");
    assert_eq!(printed, read.filter(|name| !of_tests(name)).collect());
}
