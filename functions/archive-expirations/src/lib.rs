//! Loop C, the noise loop: signals that nobody acted on, and whether a moonshot was missed.
//!
//! Every live signal that is over reaches `signals` here, however it ended: filled, abandoned, consumed, without action
//! or expired; rejected ones are Loop B's. An expired one besides leaves its fact: how far the price went its way, as
//! far as the candles go by now. That fact is brought up to date each night until seven days are over; only then is
//! the hot document given its time to expire.
//!
//! Start with [`ArchiveExpirations`]; the excursion is in `moonshot`.

mod moonshot;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sentinel_archive::rows::{FINAL_STATES, filled, signal_entry};
use sentinel_archive::time::{date_of, utc};
use sentinel_archive::{Archive, Entry, Source, Tape, Versions, let_go};
use sentinel_domain::documents::Stored;
use sentinel_domain::events::CloudEvent;
use sentinel_domain::live::LiveSignal;
use sentinel_domain::money::decimal_price;
use sentinel_domain::signal::SignalState;
use sentinel_domain::tables::FactSignalExpired;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::warehouse::Warehouse;
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, LogicalDate, Report, RunContext, Trigger, async_trait,
};
use sentinel_trading::Terms;

use moonshot::Moonshot;

/// How long the price is watched after a signal that expired.
pub const WATCHED_DAYS: i64 = 7;

/// The function.
#[derive(Clone)]
pub struct ArchiveExpirations {
    warehouse: Arc<dyn Warehouse>,
    terms: Terms,
}

impl fmt::Debug for ArchiveExpirations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveExpirations").field("terms", &self.terms).finish_non_exhaustive()
    }
}

impl ArchiveExpirations {
    /// What it says about itself.
    pub const DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
        description: "Loop C: expired signals with how far the price went, and all other signals that are over",
        triggers: &[Trigger::Schedule { cron: "10 0 * * *" }],
        logical_date: LogicalDate::DayEnded,
        timeout: Duration::from_secs(900),
        memory_mib: 1024,
        ..FunctionDescriptor::new("archive-expirations")
    };

    /// Makes the function for one account.
    #[must_use]
    pub const fn new(warehouse: Arc<dyn Warehouse>, terms: Terms) -> Self {
        Self { warehouse, terms }
    }

    async fn over(&self, ctx: &RunContext) -> Result<Vec<Stored<LiveSignal>>, FunctionError> {
        let records = ctx.records::<LiveSignal>();
        let mut signals = records.all(records.select().one_of("status", FINAL_STATES.map(SignalState::as_str))).await?;
        signals.retain(|stored| {
            let signal = &stored.record;
            stored.expire_at.is_none() && signal.account_id == self.terms.account_id && signal.close_time <= ctx.at()
        });
        Ok(signals)
    }

    async fn entries(&self, ctx: &RunContext, signals: &[Stored<LiveSignal>]) -> Result<Vec<Entry>, FunctionError> {
        let versions = Versions::read(ctx).await?;
        let mut tape = Tape::new(ctx, &self.warehouse, self.terms.finest);
        let mut entries = Vec::new();
        for stored in signals {
            let signal = &stored.record;
            let mut entry = signal_entry(Source::read(stored), signal, &versions, &mut tape).await?;
            if signal.status == SignalState::Expired {
                let until = watched_until(signal).min(ctx.at());
                entry.add(&fact(signal, moonshot::find(signal, until, &mut tape).await?));
            }
            entries.push(entry);
        }
        Ok(entries)
    }
}

#[async_trait]
impl Function for ArchiveExpirations {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = ArchiveExpirations::DESCRIPTOR;
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let signals = self.over(ctx).await?;
        let mut report = Report { rows_in: signals.len() as u64, ..Report::default() };
        if signals.is_empty() {
            return Ok(report);
        }
        let entries = self.entries(ctx, &signals).await?;
        let stored = Archive::new(ctx, &self.warehouse).store(entries, &mut report).await?;
        // A signal that expired is watched on: its fact still grows.
        let is_over =
            |signal: &mut LiveSignal| signal.status != SignalState::Expired || watched_until(signal) <= ctx.at();
        let_go(ctx, signals, &stored, is_over).await?;
        Ok(report)
    }
}

/// Returns until when the price is watched after a signal.
const fn watched_until(signal: &LiveSignal) -> UnixMillis {
    signal.close_time + WATCHED_DAYS * Timeframe::D1.millis()
}

fn fact(signal: &LiveSignal, moonshot: Result<Moonshot, &'static str>) -> FactSignalExpired {
    let reason = moonshot.as_ref().err().map(|reason| (*reason).to_owned());
    let moonshot = moonshot.ok();
    FactSignalExpired {
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
        expiration_at: utc(signal.expiration_at),
        // A signal expires by itself: whoever notes it comes later and adds nothing.
        expired_at: utc(signal.expiration_at),
        status_before: SignalState::New.as_str().to_owned(),
        max_mfe: moonshot.as_ref().map(|it| it.percent),
        max_mfe_price: moonshot.as_ref().map(|it| it.price),
        max_mfe_at: moonshot.as_ref().map(|it| utc(it.time)),
        mfe_until: moonshot.map(|it| utc(it.until)),
        mfe_undefined_reason: reason,
        entry_date: date_of(signal.close_time),
        exit_date: date_of(signal.expiration_at),
        timestamp: utc(signal.close_time),
        ds: date_of(signal.close_time),
    }
}
