//! The store itself: the port, over a connection.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use firestore::gcloud_sdk::google::firestore::v1::Document as Stored;
use firestore::gcloud_sdk::google_cloud_auth::credentials::Credentials;
use rustls::crypto::{CryptoProvider, ring};
use sentinel_domain::documents::limits::check_id;
use sentinel_domain::documents::{CollectionName, Commit, Committed, Document, DocumentStore, Query, StoreError};

use crate::connection::Connection;
use crate::settings::FirestoreSettings;
use crate::{commit, query, value};

/// The hot store of one environment in one Firestore database. Clones share its connection.
#[derive(Clone)]
pub struct FirestoreDocuments(Arc<Connection>);

impl FirestoreDocuments {
    /// Returns the store; connects with the first call, as whoever runs this: the account of a Cloud Run service, or
    /// a person's application-default credentials. An emulator asks for no credentials.
    ///
    /// # Errors
    ///
    /// When the settings name nothing that can be. What is wrong with the credentials, the first call says.
    pub fn connect(settings: FirestoreSettings) -> Result<Self, StoreError> {
        Self::open(settings, None)
    }

    /// Returns the store as [`connect`](Self::connect) does, signing in with `credentials`.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_as(settings: FirestoreSettings, credentials: Credentials) -> Result<Self, StoreError> {
        Self::open(settings, Some(credentials))
    }

    fn open(settings: FirestoreSettings, credentials: Option<Credentials>) -> Result<Self, StoreError> {
        settings.check()?;
        if CryptoProvider::get_default().is_none() {
            // An error says that somebody else was faster, which is as good.
            let _installed = ring::default_provider().install_default();
        }
        Ok(Self(Arc::new(Connection::new(settings, credentials))))
    }

    fn own(&self, collection: CollectionName) -> Result<(), StoreError> {
        let environment = self.0.settings().environment;
        let foreign = StoreError::ForeignCollection { collection, environment };
        if collection.belongs_to(environment) { Ok(()) } else { Err(foreign) }
    }

    fn documents(&self) -> String {
        format!("{}/documents", self.0.path())
    }

    fn read(&self, stored: Stored) -> Result<Document, StoreError> {
        let name = stored.name.clone();
        value::read_document(stored).map_err(|reason| StoreError::Failed {
            store: self.0.path().to_owned(),
            reason: format!("{name}: {reason}"),
        })
    }
}

impl fmt::Debug for FirestoreDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirestoreDocuments").field("settings", self.0.settings()).finish_non_exhaustive()
    }
}

#[async_trait]
impl DocumentStore for FirestoreDocuments {
    async fn get_many(&self, collection: CollectionName, ids: &[String]) -> Result<Vec<Document>, StoreError> {
        self.own(collection)?;
        // An id that no document can have is none that is there; in a name, its slash would lead elsewhere.
        let asked: BTreeSet<&String> = ids.iter().filter(|id| check_id(collection, id).is_ok()).collect();
        let names: Vec<String> = asked.iter().map(|id| format!("{}/{collection}/{id}", self.documents())).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.0.get(&names, None).await.map_err(|status| self.0.failed(&status))?;
        let found = found.into_iter().map(|stored| self.read(stored).map(|document| (document.id.clone(), document)));
        let found: BTreeMap<String, Document> = found.collect::<Result<_, _>>()?;
        Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
    }

    async fn select(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        self.own(query.collection)?;
        let found = self.0.select(query::request(&self.documents(), query)).await;
        found.map_err(|status| self.0.failed(&status))?.into_iter().map(|stored| self.read(stored)).collect()
    }

    async fn apply(&self, commit: Commit) -> Result<Committed, StoreError> {
        for write in commit.writes() {
            self.own(write.collection)?;
        }
        commit::make(&self.0, commit).await
    }
}
