//! Heals fills without a price: a broker may tell a fill before it tells what it was filled at.
//!
//! Every hour the unarchived positions are looked through for fills at a null or zero price. The order tells the average
//! of all its fills; what is known of the others is taken off, the rest is the missing price. Fee and value follow, and
//! the position is folded anew from its fills, so that it stands as if the price had been there from the beginning.
//!
//! Start with [`PatchPrices`]; the folding is in `heal`.

mod heal;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use sentinel_archive::broker_failed;
use sentinel_domain::broker::{Broker, BrokerError};
use sentinel_domain::documents::{Stored, Write};
use sentinel_domain::events::CloudEvent;
use sentinel_domain::live::{Account, LivePosition};
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, Report, RunContext, Trigger, async_trait,
};
use sentinel_trading::Terms;

use heal::Rates;

/// The function.
#[derive(Clone)]
pub struct PatchPrices {
    broker: Arc<dyn Broker>,
    terms: Terms,
}

impl fmt::Debug for PatchPrices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PatchPrices").field("terms", &self.terms).finish_non_exhaustive()
    }
}

impl PatchPrices {
    /// What it says about itself.
    pub const DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
        description: "Heals null and zero fill prices from the broker's orders",
        triggers: &[Trigger::Schedule { cron: "45 * * * *" }],
        ..FunctionDescriptor::new("patch-prices")
    };

    /// Makes the function for one account.
    #[must_use]
    pub const fn new(broker: Arc<dyn Broker>, terms: Terms) -> Self {
        Self { broker, terms }
    }

    /// Returns the positions with a fill that has no price.
    async fn unpriced(&self, ctx: &RunContext) -> Result<Vec<Stored<LivePosition>>, FunctionError> {
        let records = ctx.records::<LivePosition>();
        let mut positions = records.all(records.select().equal("archived", false)).await?;
        positions
            .retain(|stored| stored.record.account_id == self.terms.account_id && heal::is_unpriced(&stored.record));
        Ok(positions)
    }

    /// Puts into the fills what the broker tells by now. Returns the orders of which it still tells nothing.
    async fn ask(&self, position: &mut LivePosition, rates: &Rates<'_>) -> Result<Vec<String>, FunctionError> {
        let mut waiting = Vec::new();
        for order in position.orders.iter_mut().filter(|order| heal::has_gap(order)) {
            let Some(id) = &order.broker_order_id else { continue };
            let theirs = match self.broker.order(id).await {
                Ok(theirs) => theirs,
                Err(BrokerError::NotFound { .. }) => {
                    waiting.push(order.client_order_id.clone());
                    continue;
                }
                Err(error) => return Err(broker_failed("look an order up")(error)),
            };
            if !heal::fill_gap(order, &theirs, rates) {
                waiting.push(order.client_order_id.clone());
            }
        }
        Ok(waiting)
    }
}

impl PatchPrices {
    /// Returns the write that counts fills into the account's volume, which knew of them only that they were worth 0, and
    /// that takes back what was noted of their prices.
    async fn account_healed(
        &self,
        ctx: &RunContext,
        position: &LivePosition,
        legs: &BTreeSet<String>,
    ) -> Result<Option<Write>, FunctionError> {
        let accounts = ctx.records::<Account>();
        let Some(mut stored) = accounts.get(&self.terms.account_id).await? else { return Ok(None) };
        let account = &mut stored.record;
        if self.terms.fees.rate.depends_on_volume() {
            heal::fills_of(position, legs).iter().for_each(|fill| account.volume.add(fill.time, fill.notional));
        }
        for order in &position.orders {
            account.troubles.remove(&Account::about_price(&order.client_order_id));
        }
        Ok(Some(accounts.put_back(&stored)?))
    }
}

#[async_trait]
impl Function for PatchPrices {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = PatchPrices::DESCRIPTOR;
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let positions = self.unpriced(ctx).await?;
        let mut report = Report { rows_in: positions.len() as u64, ..Report::default() };
        if positions.is_empty() {
            return Ok(report);
        }
        let account = ctx.records::<Account>().get(&self.terms.account_id).await?;
        let volume = account.map(|stored| stored.record.volume).unwrap_or_default();
        let rates = Rates { fees: &self.terms.fees, volume: &volume };
        let records = ctx.records::<LivePosition>();
        for mut stored in positions {
            let id = stored.record.position_id.clone();
            let unpriced = heal::unpriced_legs(&stored.record);
            let by_hand = heal::sold_by_hand(&stored.record);
            let waiting = self.ask(&mut stored.record, &rates).await?;
            report.notes.extend(waiting.iter().map(|order| format!("{id}: the broker tells no price of {order} yet")));
            if let Err(reason) = heal::fold_again(&mut stored.record, by_hand) {
                report.notes.push(format!("{id} is left as it is: {reason}"));
                continue;
            }
            if waiting.is_empty() {
                let mut writes = vec![records.put_back(&stored)?];
                writes.extend(self.account_healed(ctx, &stored.record, &unpriced).await?);
                ctx.commit(writes).await?;
                report.rows_out += 1;
            }
        }
        Ok(report)
    }
}
