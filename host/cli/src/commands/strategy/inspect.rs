//! `sentinel strategy inspect`

use std::fs;

use anyhow::Result;
use sentinel_domain::strategy::{Label, Manifest, ParameterKind};
use sentinel_runtime::Strategy;
use serde_json::json;

use crate::args::InspectArgs;
use crate::format;
use crate::output::{Output, number};
use crate::strategies::Loader;

/// What a strategy exports; the sandbox loads nothing else.
const CONTRACT: &str = "sentinel:strategy/strategy@0.1.0";

pub(super) fn run(args: &InspectArgs, output: &Output) -> Result<()> {
    let loader = Loader::new(1, output)?;
    let path = loader.component(&args.strategy)?;
    let strategy = loader.load_file(&path, args.limits_class)?;
    let size = fs::metadata(&path).map_or(0, |metadata| metadata.len());
    if output.is_json() {
        return output.json(&json!({
            "file": path,
            "size_bytes": size,
            "component_hash": strategy.component_hash(),
            "contract": CONTRACT,
            "imports": [],
            "exports": [CONTRACT],
            "limits": strategy.limits(),
            "manifest": strategy.manifest(),
        }));
    }
    print(&strategy, &path.display().to_string(), size, output)
}

fn print(strategy: &Strategy, path: &str, size: u64, output: &Output) -> Result<()> {
    let manifest = strategy.manifest();
    output.line(output.bold(&manifest.id))?;
    let description = manifest.description.split_whitespace().collect::<Vec<_>>().join(" ");
    output.paragraph("", &description)?;
    output.line("")?;

    let timeframes: Vec<_> = manifest.timeframes.iter().map(|timeframe| timeframe.as_str()).collect();
    let fact = |name: &str, text: &str| output.paragraph(&output.dim(&format!("{name:<12}")), text);
    fact("File", path)?;
    fact("Size", &format::bytes(size))?;
    fact("Hash", &strategy.component_hash().to_string())?;
    fact("Exports", CONTRACT)?;
    fact("Imports", "nothing")?;
    fact("Limits", &format!("{} class", strategy.limits().class))?;
    fact("Timeframes", &timeframes.join(", "))?;
    fact("Reads", &manifest.columns.names().join(", "))?;

    parameters(manifest, output)?;
    labels("Pattern", &manifest.patterns, output)?;
    labels("Reason", &manifest.reasons, output)?;
    labels("Warning", &manifest.warnings, output)
}

fn parameters(manifest: &Manifest, output: &Output) -> Result<()> {
    output.line("")?;
    if manifest.parameters.is_empty() {
        return output.line("It has no parameters.");
    }
    let mut table = output.new_table(["Parameter", "Default", "Allowed", "Meaning"]);
    for spec in &manifest.parameters {
        let (default, allowed) = match &spec.kind {
            ParameterKind::Integer { default, minimum, maximum } => {
                (default.to_string(), format!("{minimum} to {maximum}"))
            }
            ParameterKind::Real { default, minimum, maximum } => {
                (default.to_string(), format!("{minimum} to {maximum}"))
            }
            ParameterKind::Boolean { default } => (default.to_string(), "true, false".to_owned()),
            ParameterKind::Choice { default, options } => {
                (options.get(*default as usize).cloned().unwrap_or_default(), options.join(", "))
            }
        };
        table.add_row([spec.name.as_str().into(), number(default), allowed.into(), spec.description.trim().into()]);
    }
    output.table(&table)
}

fn labels(title: &str, labels: &[Label], output: &Output) -> Result<()> {
    if labels.is_empty() {
        return Ok(());
    }
    let mut table = output.new_table([title, "Meaning"]);
    for label in labels {
        table.add_row([label.name.as_str(), label.description.trim()]);
    }
    output.line("")?;
    output.table(&table)
}
