//! The hot store with the warehouse behind it, for those who look at days that only the warehouse remembers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sentinel_domain::documents::{
    Collection, CollectionName, Commit, Committed, Document, DocumentStore, DocumentVersion, Query, Record, StoreError,
};
use sentinel_domain::environment::Environment;
use sentinel_domain::instrument::Instrument;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::{Warehouse, WarehouseError};
use sentinel_function_runtime::async_trait;

use crate::candles::{candle_table, cold_chunk};

/// How many chunks of the warehouse are remembered; more are read again.
const REMEMBERED_MAX: usize = 512;

/// A document store that also finds the candles that the warehouse has taken over. Everything else is the hot store's.
pub struct WithArchive {
    hot: Arc<dyn DocumentStore>,
    warehouse: Arc<dyn Warehouse>,
    environment: Environment,
    remembered: Mutex<BTreeMap<String, Option<Document>>>,
}

impl fmt::Debug for WithArchive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithArchive").field("hot", &self.hot).finish_non_exhaustive()
    }
}

impl WithArchive {
    /// Puts `warehouse` behind `hot`.
    #[must_use]
    pub fn new(hot: Arc<dyn DocumentStore>, warehouse: Arc<dyn Warehouse>, environment: Environment) -> Self {
        Self { hot, warehouse, environment, remembered: Mutex::default() }
    }

    async fn candles(&self, id: &str) -> Result<Option<Document>, StoreError> {
        if let Some(known) = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(known.clone());
        }
        let found = match named(id) {
            Some((instrument, timeframe, session_open)) => self.cold(&instrument, timeframe, session_open).await?,
            None => None,
        };
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(id.to_owned(), found.clone());
        Ok(found)
    }

    async fn cold(
        &self,
        instrument: &Instrument,
        timeframe: Timeframe,
        session_open: UnixMillis,
    ) -> Result<Option<Document>, StoreError> {
        let table = candle_table(self.environment);
        let failed = |reason: String| StoreError::Failed { store: "the warehouse".to_owned(), reason };
        let chunk = match cold_chunk(self.warehouse.as_ref(), &table, instrument, timeframe, session_open).await {
            Ok(Some(chunk)) => chunk,
            Ok(None) | Err(WarehouseError::NoTable { .. }) => return Ok(None),
            Err(error) if error.is_retryable() => {
                return Err(StoreError::Unavailable { store: "the warehouse".to_owned(), reason: error.to_string() });
            }
            Err(error) => return Err(failed(error.to_string())),
        };
        let body = serde_json::to_value(&chunk).map_err(|error| failed(error.to_string()))?;
        Ok(Some(Document { id: chunk.id(), version: DocumentVersion::new("archived"), body, expire_at: None }))
    }
}

/// Returns what the name of a chunk of candles says.
fn named(id: &str) -> Option<(Instrument, Timeframe, UnixMillis)> {
    let mut parts = id.split('|');
    let exchange = parts.next()?.parse().ok()?;
    let symbol = parts.next()?.replace('-', "/").parse().ok()?;
    let timeframe = parts.next()?.parse().ok()?;
    let session_open = parts.next()?.parse().ok()?;
    Some((Instrument { exchange, symbol }, timeframe, session_open))
}

#[async_trait]
impl DocumentStore for WithArchive {
    async fn get_many(&self, collection: CollectionName, ids: &[String]) -> Result<Vec<Document>, StoreError> {
        let hot = self.hot.get_many(collection, ids).await?;
        if collection.collection() != Collection::Candles || hot.len() == ids.len() {
            return Ok(hot);
        }
        let mut hot: BTreeMap<String, Document> =
            hot.into_iter().map(|document| (document.id.clone(), document)).collect();
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(match hot.remove(id) {
                Some(document) => Some(document),
                None => self.candles(id).await?,
            });
        }
        Ok(found)
    }

    async fn select(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        self.hot.select(query).await
    }

    async fn apply(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.hot.apply(commit).await
    }
}

#[cfg(test)]
mod tests {
    use sentinel_domain::live::CandleChunk;

    use super::*;

    #[test]
    fn the_name_of_a_chunk_says_what_it_holds() {
        let instrument = Instrument { exchange: "coin-base".parse().unwrap(), symbol: "BTC/USD".parse().unwrap() };
        for timeframe in Timeframe::ALL {
            let id = CandleChunk::id_at(&instrument, timeframe, 1_704_067_200_000);
            let (found, of, session_open) = named(&id).unwrap();
            assert_eq!((found, of), (instrument.clone(), timeframe));
            assert_eq!(CandleChunk::id_at(&instrument, timeframe, session_open), id);
        }
        assert_eq!(named("account"), None);
    }
}
