//! Saved runs: `runs/<id>/run.json` and `report.html` in the data folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use sentinel_backtest::json::RunFile;

use crate::failure::usage;
use crate::home::Home;
use crate::whole_file;

/// The name for the run saved last.
const LAST: &str = "last";

/// Saves a run with its report and returns the folder. The same run again replaces itself.
pub(crate) fn save(home: &Home, run: &RunFile, report: &str) -> Result<PathBuf> {
    let folder = home.runs_dir()?.join(run.run_id.short());
    let is_new = !folder.exists();
    let saved = fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
        .and_then(|()| whole_file::write(&folder.join("report.html"), report.as_bytes()))
        // Last, because a folder with this file is a saved run.
        .and_then(|()| whole_file::write(&folder.join("run.json"), run.to_json().as_bytes()));
    if saved.is_err() && is_new {
        // Half a run is none; that it cannot be removed either is no news.
        drop(fs::remove_dir_all(&folder));
    }
    saved.map(|()| folder)
}

/// Returns the run that `text` names: a path, `last`, an id or the beginning of one.
pub(crate) fn find(home: &Home, text: &str) -> Result<RunFile> {
    if text.ends_with(".json") || text.contains(std::path::is_separator) {
        let path = Path::new(text);
        return read(&if path.is_dir() { path.join("run.json") } else { path.to_owned() });
    }
    let runs = newest_first(home)?;
    if text == LAST {
        return read(&latest(&runs, 1)?[0].path);
    }
    let found: Vec<_> = runs.iter().filter(|run| run.id.starts_with(text) || is_longer(text, &run.id)).collect();
    match found.as_slice() {
        [run] => read(&run.path),
        [] => Err(usage(format_args!("there is no saved run {text}; there are: {}", listed(&runs)))),
        several => Err(usage(format_args!(
            "{text} is the beginning of {} runs: {}; write more of it",
            several.len(),
            several.iter().map(|run| run.id.as_str()).collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// Returns the two runs saved last, the older first.
pub(crate) fn last_two(home: &Home) -> Result<Vec<RunFile>> {
    let runs = newest_first(home)?;
    latest(&runs, 2)?.iter().rev().map(|run| read(&run.path)).collect()
}

/// Whether a whole run id was given where folders have the beginning of it.
fn is_longer(text: &str, id: &str) -> bool {
    !id.is_empty() && text.starts_with(id)
}

fn latest(runs: &[Saved], count: usize) -> Result<&[Saved]> {
    runs.get(..count).ok_or_else(|| {
        usage(format_args!(
            "{} saved, {count} needed; run `sentinel backtest` first",
            crate::format::counted(runs.len(), "run")
        ))
    })
}

fn listed(runs: &[Saved]) -> String {
    const SHOWN: usize = 5;
    if runs.is_empty() {
        return "none yet; run `sentinel backtest` first".to_owned();
    }
    let ids: Vec<_> = runs.iter().take(SHOWN).map(|run| run.id.as_str()).collect();
    let more = if runs.len() > SHOWN { format!(" and {} more", runs.len() - SHOWN) } else { String::new() };
    format!("{}{more}", ids.join(", "))
}

#[derive(Debug)]
struct Saved {
    id: String,
    path: PathBuf,
    time: SystemTime,
}

fn newest_first(home: &Home) -> Result<Vec<Saved>> {
    let folder = home.runs_dir()?;
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot read the folder {}", folder.display()))?,
    };
    let saved = entries.flatten().filter_map(|entry| {
        let path = entry.path().join("run.json");
        let time = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok()?;
        Some(Saved { id: entry.file_name().into_string().ok()?, path, time })
    });
    let mut saved: Vec<_> = saved.collect();
    saved.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.id.cmp(&b.id)));
    Ok(saved)
}

fn read(path: &Path) -> Result<RunFile> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    RunFile::from_json(&text).with_context(|| format!("cannot use {}", path.display()))
}
