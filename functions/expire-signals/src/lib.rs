//! `expire-signals`: signals on which nobody acted in time.

use sentinel_domain::events::CloudEvent;
use sentinel_domain::live::LiveSignal;
use sentinel_domain::signal::SignalState;
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, Report, RunContext, Trigger, async_trait,
};

/// The function.
#[derive(Debug)]
pub struct ExpireSignals;

#[async_trait]
impl Function for ExpireSignals {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
            description: "Marks signals that nobody acted on in time",
            triggers: &[Trigger::Schedule { cron: "*/5 * * * *" }],
            ..FunctionDescriptor::new("expire-signals")
        };
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let records = ctx.records::<LiveSignal>();
        let late = records.all(records.select().equal("status", "NEW").at_most("expiration_at", ctx.at())).await?;
        let mut writes = Vec::new();
        for mut stored in late {
            stored.record.status = SignalState::Expired;
            writes.push(records.put_back(&stored)?);
        }
        let rows = writes.len() as u64;
        ctx.commit_in_batches(writes).await?;
        Ok(Report { rows_in: rows, rows_out: rows, ..Report::default() })
    }
}
