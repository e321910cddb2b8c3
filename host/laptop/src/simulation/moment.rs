//! The order of things within one moment, which is that of a backtest.

use std::sync::Arc;

use sentinel_domain::candles::Candles;
use sentinel_domain::clock::Clock;
use sentinel_domain::closes::PositionsDue;
use sentinel_domain::documents::Records;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::live::{LivePosition, PositionStatus};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_function_runtime::RunRequest;
use sentinel_function_runtime::outbox::next_due;
use sentinel_simulated_broker::exchange::Exchange;
use sentinel_simulated_broker::{CommandError, Moment};

use super::{Simulation, SimulationError};

impl Simulation {
    /// Sets the clock; gone through again after a failure, it may be there already.
    pub(super) fn set_clock(&self, time: UnixMillis) {
        if self.clock.now() < time {
            self.clock.set(time);
        }
    }

    /// One moment: candles close, strategies decide and orders go out, then candles open and orders fill.
    pub(super) async fn step(&self, time: UnixMillis, closes: bool) -> Result<(), SimulationError> {
        self.set_clock(time);
        self.advance(Moment::at_close(time))?;
        if closes {
            self.desktop.run("ingest-candles", RunRequest::scheduled_at(time)).await?;
            if self.syncs_first {
                self.sync(time, "close").await?;
            }
            self.deliver().await?;
        }
        // After a gap too, in which nothing closed: what was not filled in time is taken back before candles open.
        self.sync(time, "close").await?;
        self.advance(Moment::at_open(time))?;
        self.sync(time, "open").await
    }

    fn advance(&self, to: Moment) -> Result<(), CommandError> {
        if self.broker.look(Exchange::now) < to {
            self.broker.advance(to)?;
        }
        Ok(())
    }

    /// Hands all events over. Those that a failure holds back are due now: time stands still until they are taken.
    pub(super) async fn deliver(&self) -> Result<(), SimulationError> {
        let runtime = self.desktop.runtime();
        let mut now = self.clock.now();
        loop {
            let delivery = self.desktop.deliver_in(now, self.order.as_ref()).await?;
            if let Some((message, reason)) = delivery.failed.into_iter().next() {
                return Err(SimulationError::Event(format!("{message}: {reason}")));
            }
            match next_due(runtime.store.as_ref(), runtime.environment).await? {
                Some(due) => now = now.max(due),
                None => return Ok(()),
            }
        }
    }

    /// Brings positions up to this moment, where there are any.
    async fn sync(&self, time: UnixMillis, phase: &str) -> Result<(), SimulationError> {
        let positions = Records::<LivePosition>::of(self.wiring.store.as_ref(), self.wiring.environment);
        let alive = positions.select().one_of("status", PositionStatus::ALIVE.map(PositionStatus::as_str)).limit(1);
        if positions.query(&alive).await?.is_empty() {
            return Ok(());
        }
        let event = PositionsDue { at: time }.event(phase);
        self.desktop.run("sync-positions", RunRequest::of_event(event)).await?;
        Ok(())
    }
}

/// Returns every moment at which a candle opens or closes, in order, and whether one closes at it.
pub(super) fn moments(markets: &[(Arc<Candles>, InstrumentRules)]) -> Vec<(UnixMillis, bool)> {
    let mut moments: Vec<(UnixMillis, bool)> = Vec::new();
    for (candles, _) in markets {
        for row in 0..candles.len() {
            moments.push((candles.columns().open_time[row], false));
            moments.push((candles.close_time(row), true));
        }
    }
    moments.sort_unstable();
    // Of two entries for one moment the later says that a candle closes.
    moments.reverse();
    moments.dedup_by_key(|(time, _)| *time);
    moments.reverse();
    moments
}
