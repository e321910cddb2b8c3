//! `sync-positions`: fills into positions, and the exits that candles ask for; then the rules of what is newly traded.

use std::time::Duration;

use sentinel_domain::closes::POSITIONS_DUE;
use sentinel_domain::events::CloudEvent;
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, Report, RunContext, Trigger, async_trait,
};
use sentinel_trading::assets::learn_new_assets;
use sentinel_trading::{Desk, sync};

/// The function.
#[derive(Debug)]
pub struct SyncPositions {
    /// The account.
    pub desk: Desk,
}

#[async_trait]
impl Function for SyncPositions {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
            description: "Folds the broker's fills into positions and decides stop, target, trailing and time exits",
            triggers: &[Trigger::Schedule { cron: "* * * * *" }, Trigger::Task { event_type: POSITIONS_DUE }],
            timeout: Duration::from_secs(55),
            ..FunctionDescriptor::new("sync-positions")
        };
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let (report, _) = sync(ctx, &self.desk, ctx.now().max(ctx.at())).await?;
        learn_new_assets(ctx, &self.desk).await?;
        Ok(report)
    }
}
