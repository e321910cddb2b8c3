//! `sentinel --target cloud run`: starts a deployed function, and says what was started.

use anyhow::Result;
use sentinel_cloud::{Started, Starter};
use sentinel_functions::FunctionName;
use serde_json::json;

use crate::args::RunFunctionArgs;
use crate::cloud::Cloud;
use crate::failure::usage;
use crate::home::Home;
use crate::laptop::block_on;
use crate::output::Output;

pub(super) fn run(args: &RunFunctionArgs, home: &Home, output: &Output) -> Result<()> {
    let function: FunctionName = args.name.parse().map_err(usage)?;
    if args.at.is_some() || args.event.is_some() {
        return Err(usage(
            "run --at and --event are not for --target cloud: a deployed function takes its moment from the clock and \
             its events from the topics alone",
        ));
    }
    let cloud = Cloud::read(home)?;
    let started = block_on(async { Ok(Starter::new(&cloud.settings)?.start(function).await?) })?;
    let (kind, name, execution) = match started {
        Started::Job { name, execution } => ("job", name, execution),
        Started::Schedule { name } => ("schedule", name, None),
    };
    if output.is_json() {
        return output.json(&json!({ "function": function.as_str(), kind: name, "execution": execution }));
    }
    let execution = execution.map_or_else(String::new, |execution| format!(" as {execution}"));
    output.line(format!(
        "{} is started by its {kind} {name}{execution}; `sentinel --target cloud status` shows how it ends.",
        output.bold(function.as_str())
    ))
}
