//! Documents on Google's emulator: the port's contract, and what only this adapter promises.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod contract {
    async fn fresh() -> Option<((), sentinel_firestore::FirestoreDocuments)> {
        Some(((), crate::fresh()?))
    }

    sentinel_contracts::document_store_contract!(fresh);
}

use sentinel_contracts::counterpart::Counterpart;
use sentinel_domain::environment::Environment;
use sentinel_firestore::{FirestoreDocuments, FirestoreSettings};

/// Returns the settings for a database that nobody else uses: the emulator makes each as it is first named.
fn settings(address: &str) -> FirestoreSettings {
    let project = format!("test-{:032x}", rand::random::<u128>());
    FirestoreSettings::new(project, "(default)", Environment::Test).on_emulator(address)
}

fn fresh() -> Option<FirestoreDocuments> {
    Some(FirestoreDocuments::connect(settings(&Counterpart::Firestore.address()?)).unwrap())
}
