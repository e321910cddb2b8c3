//! `sentinel strategy new`

use anyhow::Result;
use sentinel_strategy_build::{Language as BuildLanguage, create};
use serde_json::json;

use crate::args::{Language, NewArgs};
use crate::output::Output;

pub(super) fn run(args: &NewArgs, output: &Output) -> Result<()> {
    let language = match args.language {
        Language::Rust => BuildLanguage::Rust,
        Language::Python => BuildLanguage::Python,
        Language::Javascript => BuildLanguage::JavaScript,
    };
    let folder = create(&args.dir, &args.name, language)?;
    if output.is_json() {
        return output.json(&json!({ "name": args.name, "language": language.name(), "folder": folder }));
    }
    // `./` in front of a folder of the current one would only be in the way.
    let shown = folder.strip_prefix(".").unwrap_or(&folder).display();
    output.line(format!(
        "{} holds a strategy in {language}; its README.md says what lies where. Next:",
        output.bold(&shown.to_string())
    ))?;
    output.line(format!("  sentinel strategy build {shown}"))?;
    output.line(format!("  sentinel strategy check {shown}/target/{}.wasm", args.name))
}
