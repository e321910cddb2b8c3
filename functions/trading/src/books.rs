//! An account and its living positions, as they were read and as they go back.

use std::collections::BTreeMap;

use futures_util::future::try_join;
use rust_decimal::Decimal;
use sentinel_domain::documents::{Committed, Precondition, Record, StoreError, Stored, Write};
use sentinel_domain::live::{Account, LivePosition, LiveSignal, PositionStatus};
use sentinel_domain::signal::SignalState;
use sentinel_function_runtime::{FunctionError, Message, RunContext};

use crate::desk::{Desk, broker_failed};

/// The books of one account during one run.
#[derive(Debug)]
pub struct Books {
    /// The account.
    pub account: Account,
    /// Its living positions, and those that ended in this run; sorted by id.
    pub positions: Vec<LivePosition>,
    /// Signals whose state changed in this run.
    pub signals: BTreeMap<String, SignalState>,
    account_read: Option<Stored<Account>>,
    positions_read: BTreeMap<String, Stored<LivePosition>>,
}

impl Books {
    /// Reads the books; those of an account that was never looked at begin with the broker's cash.
    ///
    /// # Errors
    /// When store or broker cannot be reached.
    pub async fn load(ctx: &RunContext, desk: &Desk) -> Result<Self, FunctionError> {
        let (account_read, read) = Self::read(ctx, &desk.terms.account_id).await?;
        let account = match &account_read {
            Some(stored) => stored.record.clone(),
            None => {
                let state = desk.broker.account().await.map_err(broker_failed("ask the broker for the account"))?;
                Account { account_id: desk.terms.account_id.clone(), cash_initial: state.cash, ..Account::default() }
            }
        };
        let positions_read: BTreeMap<_, _> = read
            .into_iter()
            .filter(|stored| stored.record.account_id == desk.terms.account_id)
            .map(|stored| (stored.record.position_id.clone(), stored))
            .collect();
        let positions = positions_read.values().map(|stored| stored.record.clone()).collect();
        Ok(Self { account, positions, signals: BTreeMap::new(), account_read, positions_read })
    }

    async fn read(
        ctx: &RunContext,
        account_id: &str,
    ) -> Result<(Option<Stored<Account>>, Vec<Stored<LivePosition>>), StoreError> {
        let (accounts, positions) = (ctx.records::<Account>(), ctx.records::<LivePosition>());
        let alive = PositionStatus::ALIVE.map(PositionStatus::as_str);
        try_join(accounts.get(account_id), positions.all(positions.select().one_of("status", alive))).await
    }

    /// Returns the writes that bring the books back, each under the condition that nobody else changed it.
    pub(crate) async fn writes(&self, ctx: &RunContext) -> Result<Vec<Write>, FunctionError> {
        let mut writes = Vec::new();
        let accounts = ctx.records::<Account>();
        if self.account_read.as_ref().is_none_or(|read| read.record != self.account) {
            let unchanged = self.account_read.as_ref().map_or(Precondition::Absent, Stored::unchanged);
            writes.push(accounts.put(&self.account, unchanged)?);
        }
        let positions = ctx.records::<LivePosition>();
        for position in &self.positions {
            let read = self.positions_read.get(&position.position_id);
            if read.is_none_or(|read| read.record != *position) {
                writes.push(positions.put(position, read.map_or(Precondition::Absent, Stored::unchanged))?);
            }
        }
        writes.extend(self.signal_writes(ctx).await?);
        Ok(writes)
    }

    async fn signal_writes(&self, ctx: &RunContext) -> Result<Vec<Write>, FunctionError> {
        if self.signals.is_empty() {
            return Ok(Vec::new());
        }
        let records = ctx.records::<LiveSignal>();
        let ids: Vec<_> = self.signals.keys().cloned().collect();
        let mut writes = Vec::new();
        for mut stored in records.get_many(&ids).await? {
            let Some(next) = self.signals.get(&stored.record.signal_id) else { continue };
            if stored.record.status.may_become(*next) {
                stored.record.status = *next;
                writes.push(records.put_back(&stored)?);
            }
        }
        Ok(writes)
    }

    /// Commits what changed, if anything did.
    pub(crate) async fn save(self, ctx: &RunContext, desk: &Desk) -> Result<Self, FunctionError> {
        let writes = self.writes(ctx).await?;
        if writes.is_empty() {
            return Ok(self);
        }
        self.save_with(ctx, desk, writes, Vec::new()).await
    }

    /// Commits the books' own `writes`, with others among them, and `messages`; returns the books as they stand then.
    pub(crate) async fn save_with(
        self,
        ctx: &RunContext,
        desk: &Desk,
        writes: Vec<Write>,
        messages: Vec<Message>,
    ) -> Result<Self, FunctionError> {
        let committed = ctx.commit_with(writes, messages).await?;
        match self.saved(ctx, &committed) {
            Some(books) => Ok(books),
            // Made, but the answer that tells the versions was lost.
            None => Self::load(ctx, desk).await,
        }
    }

    /// Returns the books as reading them again would: what is over is gone, the rest stands under the versions that the
    /// commit has told. `None` where it did not.
    fn saved(mut self, ctx: &RunContext, committed: &Committed) -> Option<Self> {
        if self.account_read.as_ref().is_none_or(|read| read.record != self.account) {
            let version = committed.version_of(ctx.collection(Account::COLLECTION), &self.account.id())?.clone();
            self.account_read = Some(Stored { record: self.account.clone(), version, expire_at: None });
        }
        self.signals.clear();
        self.positions.retain(|position| PositionStatus::ALIVE.contains(&position.status));
        self.positions.sort_by(|a, b| a.position_id.cmp(&b.position_id));
        let mut read = BTreeMap::new();
        for position in &self.positions {
            let id = &position.position_id;
            let stored = match self.positions_read.remove(id).filter(|read| read.record == *position) {
                Some(unchanged) => unchanged,
                None => {
                    let version = committed.version_of(ctx.collection(LivePosition::COLLECTION), id)?.clone();
                    Stored { record: position.clone(), version, expire_at: None }
                }
            };
            read.insert(id.clone(), stored);
        }
        self.positions_read = read;
        Some(self)
    }

    /// Returns the cash that entries which are not filled yet have set aside.
    #[must_use]
    pub fn reserved(&self) -> Decimal {
        let pending = self.positions.iter().filter(|position| position.status == PositionStatus::Pending);
        pending.map(|position| position.intent.reserved).sum()
    }
}
