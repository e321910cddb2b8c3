//! What Terraform reads is what the program says of itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sentinel_domain::documents::Collection;
use serde_json::{Value, json};

use crate::harness::Bench;

/// Returns a path in the folder of Terraform.
fn terraform(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../terraform")).join(path)
}

/// Returns the names of the files in `folder`.
fn files(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn manifest_is_what_the_functions_say() {
    let printed = Bench::new().run("functions --json").good().json();
    let committed: Value = serde_json::from_str(&fs::read_to_string(terraform("functions.json")).unwrap()).unwrap();
    assert_eq!(printed, committed, "renew it: sentinel functions --json > terraform/functions.json");
}

#[test]
fn schemas_are_those_of_the_tables() {
    let bench = Bench::new();
    bench.run("schema export --format bigquery --out schema").good();
    let (written, committed) = (bench.work().join("schema"), terraform("schema"));
    let renew = "renew it: sentinel schema export --format bigquery --out terraform/schema";
    assert_eq!(files(&written), files(&committed), "{renew}");
    for file in files(&written) {
        let read = |folder: &Path| fs::read_to_string(folder.join(&file)).unwrap();
        assert_eq!(read(&written), read(&committed), "{file}: {renew}");
    }
}

#[test]
fn firestore_has_the_indexes_of_the_collections() {
    let text = fs::read_to_string(terraform("firestore-indexes.json")).unwrap();
    let committed: Vec<Value> = serde_json::from_str(&text).unwrap();
    let declared = Collection::ALL.map(|collection| {
        let (name, rehearsal) = (collection.production_name(), collection.rehearsal_name());
        json!({ "collection": name, "rehearsal_collection": rehearsal, "indexes": collection.indexes(),
                "unindexed": collection.unindexed() })
    });
    let without_expiry = committed.into_iter().map(|mut collection| {
        collection.as_object_mut().unwrap().remove("expires");
        collection
    });
    assert_eq!(without_expiry.collect::<Vec<_>>(), declared);
}
