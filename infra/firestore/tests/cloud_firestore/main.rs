//! Documents on Google's emulator: the port's contract, and what only this adapter promises.

#![expect(clippy::unwrap_used, reason = "a test may fail")]
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "how long a call takes is measured, and told")]

mod contract {
    async fn fresh() -> Option<((), sentinel_firestore::FirestoreDocuments)> {
        Some(((), crate::fresh()?))
    }

    sentinel_contracts::document_store_contract!(fresh);
}

mod contention;
mod faults;
mod proxy;
mod stored;
mod tokens;

use sentinel_contracts::counterpart::Counterpart;
use sentinel_contracts::documents::positions;
use sentinel_domain::documents::{Document, DocumentStore, Precondition, Write};
use sentinel_domain::environment::Environment;
use sentinel_firestore::{FirestoreDocuments, FirestoreSettings};
use serde_json::json;

/// Returns the settings for a database that nobody else uses: the emulator makes each as it is first named.
fn settings(address: &str) -> FirestoreSettings {
    let project = format!("test-{:032x}", rand::random::<u128>());
    FirestoreSettings::new(project, "(default)", Environment::Test).on_emulator(address)
}

fn fresh() -> Option<FirestoreDocuments> {
    Some(FirestoreDocuments::connect(settings(&Counterpart::Firestore.address()?)).unwrap())
}

fn put_number(id: &str, number: i64, precondition: Precondition) -> Write {
    Write::put(positions(), id, json!({ "n": number }), precondition)
}

async fn read(store: &FirestoreDocuments, id: &str) -> Option<Document> {
    store.get(positions(), id).await.unwrap()
}

async fn number(store: &FirestoreDocuments, id: &str) -> Option<i64> {
    read(store, id).await.map(|document| document.body["n"].as_i64().unwrap())
}
