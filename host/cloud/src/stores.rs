//! The stores of Google Cloud: the one place that names adapters.
//!
//! A function opens what it needs and nothing else, because its account may do nothing else.

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use sentinel_bigquery::{BigQuerySettings, BigQueryWarehouse};
use sentinel_domain::components::{ComponentStore, Uploads};
use sentinel_domain::documents::DocumentStore;
use sentinel_domain::environment::Environment;
use sentinel_domain::events::Publisher;
use sentinel_domain::warehouse::Warehouse;
use sentinel_firestore::{FirestoreDocuments, FirestoreSettings};
use sentinel_gcs::{GcsComponents, GcsUploads};
use sentinel_pubsub::{PubSubConfig, PubSubPublisher};
use thiserror::Error;

use crate::settings::{Emulators, PersonSettings, Settings, StoreNames};

/// A store that cannot be opened.
#[derive(Debug, Error)]
#[error("cannot open {what}")]
pub struct Unopened {
    /// Which, and where.
    pub what: String,
    /// What stands in the way.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// Opens stores, each when it is asked for.
#[async_trait]
pub trait Adapters: Send + Sync + Debug {
    /// Returns the hot documents.
    async fn documents(&self) -> Result<Arc<dyn DocumentStore>, Unopened>;

    /// Returns the cold tables.
    async fn warehouse(&self) -> Result<Arc<dyn Warehouse>, Unopened>;

    /// Returns the bytes of verified components.
    async fn components(&self) -> Result<Arc<dyn ComponentStore>, Unopened>;

    /// Returns what people upload.
    async fn uploads(&self) -> Result<Arc<dyn Uploads>, Unopened>;

    /// Returns the carrier of events.
    async fn publisher(&self) -> Result<Arc<dyn Publisher>, Unopened>;
}

/// The stores that settings name.
#[derive(Debug, Clone)]
pub struct GoogleCloud {
    environment: Environment,
    project: String,
    stores: StoreNames,
    emulators: Emulators,
}

impl GoogleCloud {
    /// Returns the stores of `settings`; none is opened yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let Settings { environment, project, stores, emulators, .. } = settings;
        Self { environment, project, stores, emulators }
    }

    /// Returns the stores that a person reaches; none is opened yet.
    #[must_use]
    pub fn of_person(settings: &PersonSettings) -> Self {
        let PersonSettings { environment, project, stores, emulators, .. } = settings.clone();
        Self { environment, project, stores, emulators }
    }

    /// Returns the cold tables, as one that knows what its questions cost.
    ///
    /// # Errors
    /// When there are no credentials.
    pub async fn bigquery_warehouse(&self) -> Result<BigQueryWarehouse, Unopened> {
        BigQueryWarehouse::connect(self.bigquery()).await.map_err(unopened("the warehouse"))
    }

    /// Returns the bucket of uploads, as one that can be written.
    ///
    /// # Errors
    /// When the credentials cannot be read.
    pub fn strategies_bucket(&self) -> Result<GcsUploads, Unopened> {
        let bucket = self.stores.strategies_bucket.as_deref().unwrap_or_default();
        let uploads = GcsUploads::connect(bucket, self.emulators.storage.clone());
        uploads.map_err(unopened(format!("the bucket {bucket}")))
    }

    fn firestore(&self) -> FirestoreSettings {
        let Self { project, environment, stores, emulators } = self;
        let firestore = FirestoreSettings::new(project, &stores.database, *environment);
        match &emulators.firestore {
            Some(address) => firestore.on_emulator(address),
            None => firestore,
        }
    }

    fn bigquery(&self) -> BigQuerySettings {
        let Self { project, stores, emulators, .. } = self;
        let dataset = stores.dataset.clone().unwrap_or_default();
        match &emulators.bigquery {
            Some(address) => BigQuerySettings::counterpart(address, project, dataset),
            None => BigQuerySettings::google(project, dataset, stores.location.clone().unwrap_or_default()),
        }
    }
}

/// Returns what says of an adapter's error which store it was.
fn unopened<E: Error + Send + Sync + 'static>(what: impl Into<String>) -> impl FnOnce(E) -> Unopened {
    move |source| Unopened { what: what.into(), source: source.into() }
}

#[async_trait]
impl Adapters for GoogleCloud {
    async fn documents(&self) -> Result<Arc<dyn DocumentStore>, Unopened> {
        let store = FirestoreDocuments::connect(self.firestore());
        Ok(Arc::new(store.map_err(unopened("the documents"))?))
    }

    async fn warehouse(&self) -> Result<Arc<dyn Warehouse>, Unopened> {
        Ok(Arc::new(self.bigquery_warehouse().await?))
    }

    async fn components(&self) -> Result<Arc<dyn ComponentStore>, Unopened> {
        let Self { stores, emulators, .. } = self;
        let bucket = stores.components_bucket.as_deref().unwrap_or_default();
        let components = GcsComponents::connect(bucket, emulators.storage.clone());
        Ok(Arc::new(components.map_err(unopened(format!("the bucket {bucket}")))?))
    }

    async fn uploads(&self) -> Result<Arc<dyn Uploads>, Unopened> {
        Ok(Arc::new(self.strategies_bucket()?))
    }

    async fn publisher(&self) -> Result<Arc<dyn Publisher>, Unopened> {
        let Self { project, stores, emulators, .. } = self;
        let config = PubSubConfig {
            project: project.clone(),
            topic_prefix: stores.prefix.clone(),
            emulator: emulators.pubsub.clone(),
        };
        let publisher = PubSubPublisher::connect(config).await;
        Ok(Arc::new(publisher.map_err(unopened("the topics"))?))
    }
}
