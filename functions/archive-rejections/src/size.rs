//! How much a signal that was turned away would have bought.
//!
//! The gate turns a signal away before it sizes it, so the size is reckoned here by the gate's own rules: with the
//! equity of the last snapshot before the signal, nothing else held, and no limit in the way.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use sentinel_archive::{table, warehouse_failed};
use sentinel_domain::gate::{AccountView, Candidate, Costs, Verdict, decide_entry};
use sentinel_domain::live::{Account, LiveSignal};
use sentinel_domain::money::decimal_price;
use sentinel_domain::risk::{AccountLimits, RiskParams};
use sentinel_domain::tables::{AccountSnapshot, Cell};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::warehouse::{Warehouse, WarehouseExt};
use sentinel_function_runtime::{FunctionError, RunContext};
use sentinel_trading::Terms;

/// The account's equity at the end of each day that has a snapshot.
#[derive(Debug)]
pub(crate) struct Equities {
    initial: Decimal,
    by_moment: BTreeMap<UnixMillis, Decimal>,
}

impl Equities {
    pub(crate) async fn read(
        ctx: &RunContext,
        warehouse: &Arc<dyn Warehouse>,
        account_id: &str,
    ) -> Result<Self, FunctionError> {
        let account = ctx.records::<Account>().get(account_id).await?;
        let initial = account.map_or(Decimal::ZERO, |stored| stored.record.cash_initial);
        let table = table::<AccountSnapshot>(ctx.environment());
        warehouse.ensure(&table).await.map_err(warehouse_failed("make a table"))?;
        let parameters = [Cell::Date(ctx.ds()), Cell::Text(account_id.to_owned())];
        let snapshots =
            warehouse.select::<AccountSnapshot>(&table, "t.ds <= ? AND t.account_id = ?", &parameters).await;
        let snapshots = snapshots.map_err(warehouse_failed("read snapshots"))?;
        let by_moment = snapshots.into_iter().map(|row| (row.timestamp.timestamp_millis(), row.equity)).collect();
        Ok(Self { initial, by_moment })
    }

    /// Returns the equity last known at `time`.
    pub(crate) fn before(&self, time: UnixMillis) -> Decimal {
        self.by_moment.range(..=time).next_back().map_or(self.initial, |(_, equity)| *equity)
    }
}

/// Returns what the gate would have bought, had nothing spoken against it.
pub(crate) fn quantity(signal: &LiveSignal, equity: Decimal, terms: &Terms) -> Result<Decimal, &'static str> {
    if !signal.signal_type.is_buy() {
        return Err("only a buy opens a position");
    }
    let params =
        RiskParams { paused: false, confidence_min: Decimal::ZERO, cooldown_bars: 0, ..signal.risk_params.clone() };
    let rules = sentinel_domain::instrument::InstrumentRules { tradable: true, ..signal.rules };
    let advice = signal.advice();
    let candidate = Candidate {
        signal: &advice,
        params: &params,
        rules: &rules,
        close_time: signal.close_time,
        bar_millis: signal.timeframe.millis(),
        now: signal.close_time,
        close: decimal_price(signal.price),
        stale_bars: 0,
        exit_time_last: None,
    };
    // As much cash as any size costs: whether there was enough is what the rejection is about.
    let account = AccountView {
        equity,
        cash_available: Decimal::from(i64::MAX),
        exposure: Decimal::ZERO,
        positions: 0,
        positions_of_strategy: 0,
        positions_of_symbol: 0,
        equity_day_start: equity,
        equity_peak: equity,
        paused: false,
    };
    let costs =
        Costs { fill_model: &terms.fill_model, fees: &terms.fees, fee_rate: terms.fees.rate.taker(Decimal::ZERO) };
    match decide_entry(&candidate, &account, &AccountLimits::default(), &costs) {
        Verdict::Enter(intent) => Ok(intent.quantity),
        Verdict::Rejected(_) => Err("no order could be sized: too small, or sized by a stop that is not there"),
        Verdict::Exit | Verdict::CancelEntry | Verdict::NoAction | Verdict::Expired => Err("it was never valid"),
    }
}
