//! Loop B, the shadow loop: what the gate turned away, why, and what it would have brought.
//!
//! Every rejected signal reaches `signals` on the night after. `fact_rejected_signals` waits until seven days of candles
//! after the signal are there; then the trade it would have been is followed through them by the fill model of the
//! backtest, and only then is the hot document given its time to expire.
//!
//! Start with [`ArchiveRejections`]; the trade is followed in `theory`, sized in `size`.

mod size;
mod theory;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sentinel_archive::rows::{filled, signal_entry};
use sentinel_archive::time::{date_of, utc};
use sentinel_archive::{Archive, Entry, Source, Tape, Versions, let_go};
use sentinel_domain::documents::Stored;
use sentinel_domain::events::CloudEvent;
use sentinel_domain::live::{LiveSignal, RejectedSignal};
use sentinel_domain::money::{decimal_price, to_f64};
use sentinel_domain::tables::FactRejectedSignal;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::Warehouse;
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, LogicalDate, Report, RunContext, Trigger, async_trait,
};
use sentinel_trading::Terms;

use size::Equities;
use theory::{Market, Theory};

/// How long the trade that was not made is followed.
pub const VALIDITY_WINDOW_DAYS: i64 = 7;

/// The function.
#[derive(Clone)]
pub struct ArchiveRejections {
    warehouse: Arc<dyn Warehouse>,
    terms: Terms,
}

impl fmt::Debug for ArchiveRejections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveRejections").field("terms", &self.terms).finish_non_exhaustive()
    }
}

impl ArchiveRejections {
    /// What it says about itself. It comes after Loop C, which archives the sales that would have ended a trade.
    pub const DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
        description: "Loop B: rejected signals with the trade they would have been, after seven days",
        triggers: &[Trigger::Schedule { cron: "15 0 * * *" }],
        after: &["archive-expirations"],
        logical_date: LogicalDate::DayEnded,
        timeout: Duration::from_secs(900),
        memory_mib: 1024,
        ..FunctionDescriptor::new("archive-rejections")
    };

    /// Makes the function for one account.
    #[must_use]
    pub const fn new(warehouse: Arc<dyn Warehouse>, terms: Terms) -> Self {
        Self { warehouse, terms }
    }
}

#[async_trait]
impl Function for ArchiveRejections {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = ArchiveRejections::DESCRIPTOR;
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let rejected = self.unarchived(ctx).await?;
        let mut report = Report { rows_in: rejected.len() as u64, ..Report::default() };
        if rejected.is_empty() {
            return Ok(report);
        }
        let entries = self.entries(ctx, &rejected).await?;
        let stored = Archive::new(ctx, &self.warehouse).store(entries, &mut report).await?;
        let_go(ctx, rejected, &stored, |rejected| window_end(&rejected.signal) <= ctx.at()).await?;
        Ok(report)
    }
}

/// Returns the end of the days over which a rejected signal is followed.
const fn window_end(signal: &LiveSignal) -> UnixMillis {
    signal.close_time + VALIDITY_WINDOW_DAYS * Timeframe::D1.millis()
}

impl ArchiveRejections {
    async fn unarchived(&self, ctx: &RunContext) -> Result<Vec<Stored<RejectedSignal>>, FunctionError> {
        let records = ctx.records::<RejectedSignal>();
        let mut rejected = records.all(records.select().at_most("close_time", ctx.at())).await?;
        rejected
            .retain(|stored| stored.expire_at.is_none() && stored.record.signal.account_id == self.terms.account_id);
        Ok(rejected)
    }

    async fn entries(
        &self,
        ctx: &RunContext,
        rejected: &[Stored<RejectedSignal>],
    ) -> Result<Vec<Entry>, FunctionError> {
        let versions = Versions::read(ctx).await?;
        let mut tape = Tape::new(ctx, &self.warehouse, self.terms.finest);
        let equities = Equities::read(ctx, &self.warehouse, &self.terms.account_id).await?;
        let due = rejected.iter().map(|it| &it.record.signal).filter(|it| window_end(it) <= ctx.at());
        let sales = theory::sales(ctx, &self.warehouse, due.collect()).await?;
        let mut entries = Vec::new();
        for stored in rejected {
            let signal = &stored.record.signal;
            let mut entry = signal_entry(Source::read(stored), signal, &versions, &mut tape).await?;
            if window_end(signal) <= ctx.at() {
                let theory = self.theory(&stored.record, &equities, &sales, &mut tape).await?;
                entry.add(&fact(signal, theory));
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Returns the trade that the signal would have been, or why there is none.
    async fn theory(
        &self,
        rejected: &RejectedSignal,
        equities: &Equities,
        sales: &BTreeMap<String, Vec<UnixMillis>>,
        tape: &mut Tape<'_>,
    ) -> Result<Result<Theory, &'static str>, FunctionError> {
        let signal = &rejected.signal;
        let until = window_end(signal);
        let (timeframe, columns) = tape.between(&signal.instrument, signal.timeframe, signal.close_time, until).await?;
        let equity = equities.before(signal.close_time);
        let quantity = match rejected.quantity {
            Some(quantity) => Ok(quantity),
            None => size::quantity(signal, equity, &self.terms),
        };
        let market = Market { columns: &columns, timeframe, sales: sales.get(&signal.signal_id).map(Vec::as_slice) };
        Ok(quantity.and_then(|quantity| theory::follow(signal, quantity, &market, &self.terms)))
    }
}

fn fact(signal: &LiveSignal, theory: Result<Theory, &'static str>) -> FactRejectedSignal {
    let reason = theory.as_ref().err().map(|reason| (*reason).to_owned());
    let theory = theory.as_ref().ok();
    let rejection = signal.rejection.clone();
    FactRejectedSignal {
        signal_id: signal.signal_id.clone(),
        account_id: signal.account_id.clone(),
        strategy_id: signal.strategy_id.clone(),
        strategy_version: signal.strategy_version.to_string(),
        exchange: signal.instrument.exchange.to_string(),
        symbol: signal.instrument.symbol.to_string(),
        timeframe: signal.timeframe.as_str().to_owned(),
        signal_type: signal.signal_type.as_str().to_owned(),
        pattern_name: filled(&signal.pattern_name),
        confidence_score: signal.confidence,
        price: decimal_price(signal.price),
        signal_time: utc(signal.close_time),
        // The gate decides as of the close, whenever it gets to it.
        rejected_at: utc(signal.close_time),
        rejection_reason: rejection.as_ref().map(|it| it.reason.clone()).unwrap_or_default(),
        rejection_detail: rejection.map(|it| it.detail).unwrap_or_default(),
        validity_window_days: VALIDITY_WINDOW_DAYS,
        theoretical_quantity: theory.map(|it| it.quantity),
        theoretical_entry_time: theory.map(|it| utc(it.entry_time)),
        theoretical_entry_price: theory.map(|it| it.entry_price),
        theoretical_exit_time: theory.map(|it| utc(it.exit_time)),
        theoretical_exit_price: theory.map(|it| it.exit_price),
        theoretical_exit_reason: theory.map(|it| it.exit_reason.map_or("open", |reason| reason.as_str()).to_owned()),
        theoretical_is_open: theory.is_some_and(|it| it.exit_reason.is_none()),
        theoretical_fee_usd: theory.map(|it| it.fees),
        theoretical_pnl: theory.map(|it| it.pnl),
        theoretical_pnl_pct: theory.map(|it| to_f64(it.pnl) / to_f64(it.cost) * 100.0),
        theoretical_undefined_reason: reason,
        entry_date: theory.map(|it| date_of(it.entry_time)),
        exit_date: theory.map(|it| date_of(it.exit_time)),
        timestamp: utc(signal.close_time),
        ds: date_of(signal.close_time),
    }
}
