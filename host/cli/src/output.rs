//! Everything that is printed goes through here: results to standard output, what is going on to standard error.
//!
//! Colours, progress and the width of a terminal are used on a terminal only; NO_COLOR is honoured. With `--json`
//! standard output gets JSON and nothing else.

use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, Error, Result};
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::failure::OutputClosed;

/// A thin line under the header and nothing else: numbers are the picture.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─'));

/// Where results go and how they look.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    color: bool,
    error_color: bool,
    width: Option<u16>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_terminal = io::stdout().is_terminal();
        Self {
            json,
            color: is_terminal && !plain,
            error_color: io::stderr().is_terminal() && !plain,
            width: if is_terminal { Table::new().width() } else { None },
        }
    }

    /// Returns whether the user wants JSON.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Returns the columns of the terminal, or a common number where there is none.
    pub(crate) fn columns(&self) -> usize {
        self.width.map_or(100, usize::from)
    }

    /// Prints text and a line break to standard output.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> Result<()> {
        let mut stdout = io::stdout().lock();
        let text = text.as_ref();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(b"\n")).map_err(stdout_error)
    }

    /// Prints `text` behind `label`, broken between words where a terminal ends; further lines stand under the first
    /// or, where that is too far to the right, a little indented.
    pub(crate) fn paragraph(&self, label: &str, text: &str) -> Result<()> {
        const INDENT_MAX: usize = 12;
        let label_width = printed_width(label);
        let indent = if label_width > INDENT_MAX { 2 } else { label_width };
        let lines = wrap(text, label_width, indent, self.width.map(usize::from));
        let separator = format!("\n{}", " ".repeat(indent));
        self.line(format!("{label}{}", lines.join(&separator)))
    }

    /// Prints a value as JSON to standard output.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<()> {
        self.line(serde_json::to_string_pretty(value).context("cannot write the result as JSON")?)
    }

    /// Prints a table, fitted into the terminal.
    pub(crate) fn table(&self, table: &Table) -> Result<()> {
        // Cells are padded to their column; blanks at the end of a line are of no use to anybody.
        let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        self.line(lines.join("\n"))
    }

    /// Makes sure that all of it has arrived.
    pub(crate) fn finish(&self) -> Result<()> {
        io::stdout().flush().map_err(stdout_error)
    }

    /// Says on standard error what is being done.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        self.complain("", text.as_ref(), "");
    }

    /// Says on standard error what the user should know although the command goes on.
    pub(crate) fn warning(&self, text: impl AsRef<str>) {
        self.complain("warning: ", text.as_ref(), "33");
    }

    /// Says on standard error why the command failed.
    pub(crate) fn error(&self, text: &str) {
        self.complain("error: ", text, "31");
    }

    fn complain(&self, prefix: &str, text: &str, color: &str) {
        let prefix = if self.error_color && !prefix.is_empty() {
            format!("\x1b[1;{color}m{prefix}\x1b[0m")
        } else {
            prefix.to_owned()
        };
        // Nobody is left to be told when standard error is closed.
        drop(writeln!(io::stderr(), "{prefix}{text}"));
    }

    /// Returns an empty table with a header.
    pub(crate) fn new_table(&self, header: impl IntoIterator<Item = impl ToString>) -> Table {
        let mut table = self.bare_table();
        table.set_header(
            header.into_iter().map(|title| Cell::new(title).add_attribute(Attribute::Bold)).collect::<Vec<_>>(),
        );
        table
    }

    /// Returns an empty table without a header.
    pub(crate) fn bare_table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(STYLE);
        match self.width {
            Some(width) => table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        if self.color {
            table.enforce_styling()
        } else {
            table.force_no_tty()
        };
        table
    }

    /// Returns `text` in bold where there are colours.
    pub(crate) fn bold(&self, text: &str) -> String {
        self.paint(text, "1")
    }

    /// Returns `text` in the background where there are colours.
    pub(crate) fn dim(&self, text: &str) -> String {
        self.paint(text, "2")
    }

    /// Returns `text` in green for gains and red for losses where there are colours.
    pub(crate) fn gain(&self, text: &str, value: f64) -> String {
        match color_of(value) {
            Some(Color::Green) => self.paint(text, "32"),
            Some(_) => self.paint(text, "31"),
            None => text.to_owned(),
        }
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Returns a spinner that says what takes time; nothing where standard error is no terminal.
    pub(crate) fn spinner(&self, what: impl Into<String>) -> Progress {
        let bar = ProgressBar::with_draw_target(None, self.progress_target()).with_message(what.into());
        bar.set_style(style("{spinner} {msg}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress(bar)
    }

    /// Returns a bar that fills up; nothing where standard error is no terminal.
    pub(crate) fn progress(&self, what: impl Into<String>, length: u64) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(length), self.progress_target()).with_message(what.into());
        bar.set_style(style("{msg} {wide_bar} {human_pos}/{human_len} {eta}"));
        Progress(bar)
    }

    /// Returns a bar for a way whose length nobody counts in steps; nothing where standard error is no terminal.
    pub(crate) fn way(&self, what: impl Into<String>) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(1), self.progress_target()).with_message(what.into());
        bar.set_style(style("{msg} {wide_bar} {percent} % {eta}"));
        Progress(bar)
    }

    fn progress_target(&self) -> ProgressDrawTarget {
        if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
    }
}

/// Returns the columns that `text` takes, colours left out.
fn printed_width(text: &str) -> usize {
    text.split('\x1b')
        .enumerate()
        .map(|(index, part)| {
            let visible = if index == 0 { part } else { part.split_once('m').map_or("", |(_, visible)| visible) };
            visible.chars().count()
        })
        .sum()
}

/// Breaks `text` between words into lines that end before `width`; the first begins at column `first`, the others at
/// `indent`. Without a width there is one line.
fn wrap(text: &str, first: usize, indent: usize, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else {
        return vec![text.to_owned()];
    };
    let mut lines = vec![String::new()];
    let mut column = first;
    for word in text.split(' ') {
        let length = word.chars().count();
        let line = lines.last_mut().filter(|line| line.is_empty() || column + 1 + length <= width);
        match line {
            Some(line) if line.is_empty() => {
                line.push_str(word);
                column += length;
            }
            Some(line) => {
                line.push(' ');
                line.push_str(word);
                column += 1 + length;
            }
            None => {
                lines.push(word.to_owned());
                column = indent + length;
            }
        }
    }
    lines
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Progress on a terminal; gone when dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Goes one step ahead.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// Goes several steps ahead.
    pub(crate) fn steps(&self, count: usize) {
        self.0.inc(count as u64);
    }

    /// Says what is being done now.
    pub(crate) fn now(&self, what: impl Into<String>) {
        self.0.set_message(what.into());
    }

    /// Lets `work` print without the progress in between.
    pub(crate) fn suspended(&self, work: impl FnOnce()) {
        self.0.suspend(work);
    }

    /// Shows which part of the way is behind.
    pub(crate) fn part(&self, done: u64, of: u64) {
        self.0.set_length(of);
        self.0.set_position(done);
    }

    /// Says something above the bar.
    pub(crate) fn say(&self, text: &str) {
        self.0.println(text);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn stdout_error(error: io::Error) -> Error {
    if error.kind() == ErrorKind::BrokenPipe {
        return OutputClosed.into();
    }
    Error::new(error).context("cannot write to standard output")
}

/// Returns a cell for a number: to the right.
pub(crate) fn number(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Returns a cell for a gain or a loss: to the right, in green or red.
pub(crate) fn gain(text: impl ToString, value: f64) -> Cell {
    match color_of(value) {
        Some(color) => number(text).fg(color),
        None => number(text),
    }
}

/// Returns a cell for what is of less weight.
pub(crate) fn dim(text: impl ToString) -> Cell {
    Cell::new(text).add_attribute(Attribute::Dim)
}

fn color_of(value: f64) -> Option<Color> {
    if value > 0.0 {
        Some(Color::Green)
    } else if value < 0.0 {
        Some(Color::Red)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_breaks_between_words() {
        assert_eq!(wrap("one two three", 0, 0, Some(8)), ["one two", "three"]);
        assert_eq!(wrap("one two three", 5, 2, Some(8)), ["one", "two", "three"]);
        assert_eq!(wrap("incomprehensibilities", 0, 0, Some(8)), ["incomprehensibilities"]);
        assert_eq!(wrap("one two", 0, 0, None), ["one two"]);
    }

    #[test]
    fn colours_take_no_room() {
        assert_eq!(printed_width("\x1b[1mbold\x1b[0m plain"), 10);
    }
}
