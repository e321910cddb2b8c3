//! `sentinel strategy build`

use anyhow::Result;
use serde_json::json;

use crate::args::BuildArgs;
use crate::building;
use crate::format;
use crate::output::Output;

pub(super) fn run(args: &BuildArgs, output: &Output) -> Result<()> {
    let built = building::build(&args.dir, args.output.clone(), output)?;
    let size = built.component.len() as u64;
    if output.is_json() {
        return output.json(&json!({
            "name": built.name, "language": built.language.name(), "file": built.component_path, "size_bytes": size,
            "component_hash": built.component_hash, "warnings": built.warnings,
        }));
    }
    output.line(format!(
        "{} ({}) is built: {}, hash {}",
        output.bold(&built.name),
        built.language,
        format::bytes(size),
        built.component_hash.short()
    ))?;
    output.line(format!("  {}", built.component_path.display()))
}
