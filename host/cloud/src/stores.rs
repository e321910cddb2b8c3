//! The stores of Google Cloud: the one place that names adapters.
//!
//! A function opens what it needs and nothing else, because its account may do nothing else.

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use sentinel_domain::components::{ComponentStore, Uploads};
use sentinel_domain::documents::DocumentStore;
use sentinel_domain::events::Publisher;
use sentinel_domain::warehouse::Warehouse;
use thiserror::Error;

use crate::settings::Settings;

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
    settings: Settings,
}

impl GoogleCloud {
    /// Returns the stores of `settings`; none is opened yet.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self { settings }
    }

    fn missing<T>(&self, what: &str) -> Result<T, Unopened> {
        let what = format!("{what} of project {}", self.settings.project);
        Err(Unopened { what, source: "this program was built without its adapter".into() })
    }
}

#[async_trait]
impl Adapters for GoogleCloud {
    async fn documents(&self) -> Result<Arc<dyn DocumentStore>, Unopened> {
        self.missing("Firestore")
    }

    async fn warehouse(&self) -> Result<Arc<dyn Warehouse>, Unopened> {
        self.missing("BigQuery")
    }

    async fn components(&self) -> Result<Arc<dyn ComponentStore>, Unopened> {
        self.missing("the components bucket")
    }

    async fn uploads(&self) -> Result<Arc<dyn Uploads>, Unopened> {
        self.missing("the strategies bucket")
    }

    async fn publisher(&self) -> Result<Arc<dyn Publisher>, Unopened> {
        self.missing("Pub/Sub")
    }
}
