//! What Terraform grants, sets and measures is what the program needs, reads and logs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use sentinel_functions::{FunctionName, Port};

fn terraform(path: &str) -> String {
    fs::read_to_string(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../terraform")).join(path)).unwrap()
}

/// Returns the lines of each function in `access.tf`.
fn access() -> BTreeMap<String, String> {
    let text = terraform("access.tf");
    let (_, rest) = text.split_once("  access = {\n").unwrap();
    let (block, _) = rest.split_once("\n  }\n").unwrap();
    let mut access = BTreeMap::new();
    let mut current = String::new();
    for line in block.lines().filter(|line| !line.trim_start().starts_with('#')) {
        match line.strip_prefix("    ").and_then(|line| line.split_once(" = {")) {
            Some((name, rest)) if !line.starts_with("     ") => {
                current = name.to_owned();
                access.insert(current.clone(), rest.to_owned());
            }
            _ => access.get_mut(&current).unwrap().push_str(line),
        }
    }
    access
}

#[test]
fn each_function_is_granted_what_it_opens_and_no_more() {
    let access = access();
    let names: Vec<_> = access.keys().map(String::as_str).collect();
    assert_eq!(names, FunctionName::ALL.map(FunctionName::as_str));
    for function in FunctionName::ALL {
        let granted = &access[function.as_str()];
        let has = |key: &str| granted.split_whitespace().any(|word| word == key);
        for (port, keys) in [
            (Port::Broker, ["broker"].as_slice()),
            (Port::Warehouse, &["reads", "writes"]),
            (Port::Components, &["components"]),
            (Port::Uploads, &["uploads"]),
            (Port::Events, &["publishes"]),
        ] {
            let is_granted = keys.iter().any(|key| has(key));
            assert_eq!(is_granted, function.needs(port), "{function} and {port:?}: access.tf grants{granted}");
        }
    }
}

#[test]
fn the_one_that_delivers_for_all_may_publish_to_every_topic() {
    let access = access();
    let topics = |granted: &str| -> BTreeSet<String> {
        let Some((_, rest)) = granted.split_once("publishes") else { return BTreeSet::new() };
        let (list, _) = rest.split_once(']').unwrap();
        list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let every: BTreeSet<_> = access.values().flat_map(|granted| topics(granted)).collect();
    assert!(!every.is_empty());
    for function in FunctionName::ALL.into_iter().filter(|function| function.delivers_for_all()) {
        assert_eq!(topics(&access[function.as_str()]), every, "{function}");
    }
}

#[test]
fn every_variable_that_terraform_sets_is_read() {
    let set = format!("{}{}", terraform("main.tf"), terraform("modules/function/main.tf"));
    let read = ["settings.rs", "settings/read.rs", "settings/role.rs", "settings/broker.rs"]
        .map(|file| fs::read_to_string(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).join(file)).unwrap());
    let read = read.concat();
    let words = set.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
    let variables: BTreeSet<_> = words
        .filter(|word| word.starts_with("SENTINEL_") || word.starts_with("APCA_") || *word == "GOOGLE_CLOUD_PROJECT")
        .collect();
    assert!(variables.len() >= 10, "{variables:?}");
    for variable in variables {
        assert!(read.contains(&format!("\"{variable}\"")), "{variable} is set and never read");
    }
}

#[test]
fn every_field_that_a_metric_reads_is_logged() {
    let monitoring = terraform("modules/monitoring/main.tf");
    let run = fs::read_to_string(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions/runtime/src")).join("run.rs"),
    )
    .unwrap();
    let fields: BTreeSet<_> = monitoring
        .split("jsonPayload.")
        .skip(1)
        .map(|rest| rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap())
        .filter(|field| *field != "message")
        .collect();
    assert!(fields.contains("run_ms") && fields.contains("rows_quarantined"), "{fields:?}");
    for field in fields {
        assert!(run.contains(&format!("{field} = ")), "no run logs {field}");
    }
    for message in monitoring.split("jsonPayload.message=\\\"").skip(1) {
        let message = message.split('\\').next().unwrap();
        assert!(run.contains(&format!("\"{message}\"")), "no run logs {message:?}");
    }
}
