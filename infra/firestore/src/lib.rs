//! The hot documents on Firestore: the port `DocumentStore`, held to the contract suite of every other store.
//!
//! A commit is one `Commit` call without a transaction: Firestore makes its writes all or none, and each carries its
//! own precondition. Nothing is read first and no lock is held while code thinks, so it is one way there and back.
//! What the crate `firestore` offers beside it, transactions (three ways, under locks) and `BatchWrite` (not
//! atomic), is not used; it connects and signs in.
//!
//! Every document carries two fields that are not its body's: `expire_at`, which Firestore deletes it by, and
//! `_commit`, a random number drawn for each commit. The latter makes every write change the document, and so its
//! version, even one that writes the same body; and it tells whether a commit whose answer was lost was made.
//!
//! Not here: indexes, which Terraform declares from `Collection::indexes` and `Query::check` asks for.
//!
//! Read in this order: [`FirestoreDocuments`], `commit` (what is sent, and what an answer means), `query`, `value`.

mod commit;
mod connection;
mod failure;
mod query;
mod settings;
mod store;
mod value;

pub use self::settings::FirestoreSettings;
pub use self::store::FirestoreDocuments;
/// The library that signs in, for [`FirestoreDocuments::connect_as`].
pub use firestore::gcloud_sdk::google_cloud_auth;
