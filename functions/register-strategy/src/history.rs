//! A strategy's history in the hot store: read, and changed in one commit that two at once cannot both make.

use sentinel_domain::documents::{DocumentStore, Precondition, Records, StoreError, Stored, Write};
use sentinel_domain::environment::Environment;
use sentinel_domain::registry::{Change, History, StrategyVersion};
use sentinel_domain::timeframe::UnixMillis;

/// A history as it was read.
#[derive(Debug, Clone)]
pub struct StoredHistory {
    /// The versions.
    pub history: History,
    current: Option<Stored<StrategyVersion>>,
}

/// Reads the history of `strategy_id`; one that was never registered has no versions.
///
/// # Errors
/// When the store cannot be read.
pub async fn read(versions: &Records<'_, StrategyVersion>, strategy_id: &str) -> Result<StoredHistory, StoreError> {
    let rows = versions.all(versions.select().equal("strategy_id", strategy_id)).await?;
    let current = rows.iter().max_by_key(|row| row.record.ordinal).cloned();
    let history = History::new(strategy_id, rows.into_iter().map(|row| row.record).collect());
    Ok(StoredHistory { history, current })
}

/// Returns every version of every strategy, by strategy, oldest first.
///
/// # Errors
/// When the store cannot be read.
pub async fn all(store: &dyn DocumentStore, environment: Environment) -> Result<Vec<StrategyVersion>, StoreError> {
    let versions = Records::<StrategyVersion>::of(store, environment);
    let mut rows: Vec<_> = versions.all(versions.select()).await?.into_iter().map(|row| row.record).collect();
    rows.sort_by(|a, b| (&a.strategy_id, a.ordinal).cmp(&(&b.strategy_id, b.ordinal)));
    Ok(rows)
}

/// Returns the version of `strategy_id` that decides at `time`.
///
/// # Errors
/// When the store cannot be read.
pub async fn as_of(
    versions: &Records<'_, StrategyVersion>,
    strategy_id: &str,
    time: UnixMillis,
) -> Result<Option<StrategyVersion>, StoreError> {
    Ok(read(versions, strategy_id).await?.history.as_of(time).cloned())
}

impl StoredHistory {
    /// Returns the writes that make `change`: the row before is closed if nobody touched it since it was read, and the
    /// new row takes a place that must be free.
    ///
    /// # Errors
    /// When a row has no form in JSON.
    pub fn writes(&self, versions: &Records<'_, StrategyVersion>, change: &Change) -> Result<Vec<Write>, StoreError> {
        let Change::Opened { closed, opened } = change else { return Ok(Vec::new()) };
        let mut writes = vec![versions.put(opened, Precondition::Absent)?];
        if let (Some(closed), Some(current)) = (closed, &self.current) {
            writes.push(versions.put(closed, current.unchanged())?);
        }
        Ok(writes)
    }
}
