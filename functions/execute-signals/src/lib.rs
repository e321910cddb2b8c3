//! `execute-signals`: lets the risk gate decide the signals of one close, once for each account and close.
//!
//! Brings the books up to the close first, so it does not matter whether `sync-positions` has been there.

use std::time::Duration;

use futures_util::future::try_join;
use sentinel_domain::closes::{CLOSE_EVALUATED, CloseEvaluated};
use sentinel_domain::events::CloudEvent;
use sentinel_domain::live::LiveSignal;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, Report, RunContext, Trigger, async_trait,
};
use sentinel_trading::{Desk, decide, fresh, sync};

/// How long a close waits for shards that do not report; then the gate decides without them.
pub const DEADLINE_MS: i64 = 60_000;

/// The function.
#[derive(Debug)]
pub struct ExecuteSignals {
    /// The account.
    pub desk: Desk,
}

#[async_trait]
impl Function for ExecuteSignals {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
            description: "Lets the risk gate decide the signals of one close and sends the orders",
            triggers: &[Trigger::Event { event_type: CLOSE_EVALUATED }, Trigger::Schedule { cron: "* * * * *" }],
            timeout: Duration::from_secs(60),
            ..FunctionDescriptor::new("execute-signals")
        };
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, event: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let closes = match event {
            Some(event) => vec![close_of(event)?],
            None => overdue(ctx, ctx.at() - DEADLINE_MS).await?,
        };
        let mut report = Report::default();
        for close_time in closes {
            let now = ctx.now().max(close_time);
            // What is new at the close is no order yet, so that bringing the books up does not touch it.
            let ((_, books), signals) =
                try_join(sync(ctx, &self.desk, now), fresh(ctx, &self.desk, close_time)).await?;
            let decided = decide(ctx, &self.desk, books, (close_time, signals), now).await?;
            report.rows_in += decided.rows_in;
            report.rows_out += decided.rows_out;
        }
        Ok(report)
    }
}

fn close_of(event: &CloudEvent) -> Result<UnixMillis, FunctionError> {
    let said: CloseEvaluated = serde_json::from_value(event.data.clone())
        .map_err(|error| FunctionError::BadEvent { reason: format!("its data is not {{close_time}}: {error}") })?;
    Ok(said.close_time)
}

/// Returns the closes before `before` that still have undecided signals, oldest first.
async fn overdue(ctx: &RunContext, before: UnixMillis) -> Result<Vec<UnixMillis>, FunctionError> {
    let records = ctx.records::<LiveSignal>();
    let waiting = records.all(records.select().equal("status", "NEW").at_most("close_time", before)).await?;
    let mut closes: Vec<_> = waiting.iter().map(|stored| stored.record.close_time).collect();
    closes.sort_unstable();
    closes.dedup();
    Ok(closes)
}
