//! What can go wrong, with the limit, its value, the strategy and the bar.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use sentinel_domain::candles::{Columns, format_time};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use thiserror::Error;

/// Where in a strategy's life something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// When it was asked what it is.
    Describing,
    /// When a session was opened.
    Opening,
    /// When it was shown the bars before its session.
    WarmUp(BarSpan),
    /// When it was shown the bars of its session.
    Bars(BarSpan),
}

/// One bar or several in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarSpan {
    /// Rows of the series.
    pub rows: Range<usize>,
    /// When the first of them opened.
    pub first_open_time: UnixMillis,
    /// When the last of them opened.
    pub last_open_time: UnixMillis,
}

impl BarSpan {
    /// Names some rows of a series; there must be at least one.
    #[must_use]
    pub fn new(columns: &Columns, rows: Range<usize>) -> Self {
        Self { first_open_time: columns.open_time[rows.start], last_open_time: columns.open_time[rows.end - 1], rows }
    }
}

impl fmt::Display for BarSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, first_open_time, last_open_time } = self;
        if rows.len() == 1 {
            return write!(f, "bar {} (row {})", format_time(*first_open_time), rows.start);
        }
        let (first, last) = (format_time(*first_open_time), format_time(*last_open_time));
        write!(f, "bars {first} to {last} (rows {} to {})", rows.start, rows.end - 1)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Describing => f.write_str("in describe"),
            Self::Opening => f.write_str("when opening a session"),
            Self::WarmUp(bars) => write!(f, "in the warm-up, {bars}"),
            Self::Bars(bars) => write!(f, "at {bars}"),
        }
    }
}

/// Why a strategy could not be loaded, opened or run. A component that is not loaded yet goes by its file name or
/// by the beginning of its hash.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// The pool of instances could not be reserved.
    #[error(
        "cannot set up the sandbox for {instances_max} instances: {reason}; \
         raise the process's limit of address space (ulimit -v) or lower instances_max"
    )]
    PoolUnavailable {
        /// Instances asked for.
        instances_max: u32,
        /// What the engine says.
        reason: String,
    },
    /// The machine gave no thread.
    #[error("cannot start a thread of the sandbox")]
    Thread(#[source] std::io::Error),
    /// The component file cannot be read.
    #[error("cannot read the component {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the machine says.
        #[source]
        source: std::io::Error,
    },
    /// A limit is above what the sandbox was set up for.
    #[error("strategy {strategy}: the limit {limit} is {value}, but this sandbox allows {allowed} at most; lower it")]
    LimitTooHigh {
        /// The strategy.
        strategy: String,
        /// The limit.
        limit: &'static str,
        /// What was asked for.
        value: u64,
        /// The most that can be asked for.
        allowed: u64,
    },

    /// The file is too large.
    #[error("strategy {strategy}: the component has {bytes} bytes, component_bytes_max allows {component_bytes_max}")]
    ComponentTooLarge {
        /// The strategy.
        strategy: String,
        /// Size of the file.
        bytes: u64,
        /// The limit.
        component_bytes_max: u64,
    },
    /// The file is empty.
    #[error("strategy {strategy}: the file is empty; build it again")]
    Empty {
        /// The strategy.
        strategy: String,
    },
    /// The file is something else altogether.
    #[error("strategy {strategy}: this is not WebAssembly; expected a component as `sentinel strategy build` makes it")]
    NotWebAssembly {
        /// The strategy.
        strategy: String,
    },
    /// The file is a core module.
    #[error("strategy {strategy}: this is a core module and not a component; build it with `sentinel strategy build`")]
    CoreModule {
        /// The strategy.
        strategy: String,
    },
    /// The file breaks the rules of WebAssembly, or ends too early.
    #[error("strategy {strategy}: the component is damaged: {reason}; build it again")]
    Malformed {
        /// The strategy.
        strategy: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// The component wants something from the host.
    #[error("strategy {strategy}: it imports {}; a strategy may import nothing", imports.join(", "))]
    ForbiddenImport {
        /// The strategy.
        strategy: String,
        /// Names of all imports.
        imports: Vec<String>,
    },
    /// The component speaks another version of the contract.
    #[error(
        "strategy {strategy}: it exports {found}, but this host understands {expected}; \
         build it again with this host's kit"
    )]
    ContractVersion {
        /// The strategy.
        strategy: String,
        /// The export that was found.
        found: String,
        /// The export that is understood.
        expected: &'static str,
    },
    /// The component does not export the contract, or not all of it.
    #[error(
        "strategy {strategy}: the export {expected} is missing; it exports {}",
        if found.is_empty() { "nothing".to_owned() } else { found.join(", ") }
    )]
    MissingExport {
        /// The strategy.
        strategy: String,
        /// What is missing.
        expected: String,
        /// What is there.
        found: Vec<String>,
    },
    /// An export has the right name and the wrong type.
    #[error("strategy {strategy}: its exports differ from the contract: {reason}")]
    ExportType {
        /// The strategy.
        strategy: String,
        /// The difference.
        reason: String,
    },
    /// The component is too complex to be compiled in bounded time.
    #[error("strategy {strategy}: the component is too complex to compile: {limit} is {value}, it has {found}")]
    TooComplex {
        /// The strategy.
        strategy: String,
        /// The limit.
        limit: &'static str,
        /// Its value.
        value: u64,
        /// What the component has.
        found: u64,
    },
    /// The compiler took too long.
    #[error("strategy {strategy}: compiling took longer than compile_time_max_ms, {compile_time_max_ms} ms")]
    CompileTimeExceeded {
        /// The strategy.
        strategy: String,
        /// The limit.
        compile_time_max_ms: u64,
    },
    /// Compilers that were given up are still at work.
    #[error("strategy {strategy}: {late_max} compilers that took too long are still at work; try again later")]
    CompilersBusy {
        /// The strategy.
        strategy: String,
        /// Late compilers that may be at work at once.
        late_max: u32,
    },
    /// The compiler refused the component.
    #[error("strategy {strategy}: the component cannot be compiled: {reason}")]
    Compile {
        /// The strategy.
        strategy: String,
        /// What the compiler says.
        reason: String,
    },
    /// The manifest breaks a rule of the contract.
    #[error("strategy {strategy}: its manifest is not valid: {fault}")]
    Manifest {
        /// The strategy.
        strategy: String,
        /// The rule.
        fault: ManifestFault,
    },

    /// It is not written for these candles.
    #[error("strategy {strategy} is not written for {timeframe} candles; it is for {}", join(allowed))]
    Timeframe {
        /// The strategy.
        strategy: String,
        /// The timeframe asked for.
        timeframe: Timeframe,
        /// The timeframes it is for.
        allowed: Vec<Timeframe>,
    },
    /// The values do not fit the manifest's parameters: the caller did not resolve them.
    #[error("strategy {strategy}: parameter {parameter} cannot be {found}; resolve the parameters by the manifest")]
    ParameterValue {
        /// The strategy.
        strategy: String,
        /// The parameter, or its position.
        parameter: String,
        /// The value given.
        found: String,
    },
    /// The strategy says that its parameters do not fit together.
    #[error("strategy {strategy} does not accept parameter {parameter}: {message}")]
    InvalidParameter {
        /// The strategy.
        strategy: String,
        /// The parameter.
        parameter: String,
        /// Its words.
        message: String,
    },
    /// The strategy says that it does not work on the instrument.
    #[error("strategy {strategy} does not work on {instrument}: {message}")]
    UnsupportedInstrument {
        /// The strategy.
        strategy: String,
        /// The instrument.
        instrument: String,
        /// Its words.
        message: String,
    },
    /// The strategy says that it cannot go on.
    #[error("strategy {strategy} failed {place}: {message}")]
    Failed {
        /// The strategy.
        strategy: String,
        /// Where.
        place: Place,
        /// Its words.
        message: String,
    },
    /// The candles lack a column that the strategy reads.
    #[error("strategy {strategy} reads {column}, which these candles do not carry; use data that has it")]
    MissingColumn {
        /// The strategy.
        strategy: String,
        /// The column.
        column: &'static str,
    },
    /// The session has ended with an error before.
    #[error("strategy {strategy}: the session has ended with an error {place}; open a new one")]
    SessionEnded {
        /// The strategy.
        strategy: String,
        /// Where it was called once more.
        place: Place,
    },

    /// Too many instructions.
    #[error("strategy {strategy} used up its fuel {place}: {limit} is {fuel_max}{}", pooled(*budget, *fuel_max))]
    FuelExhausted {
        /// The strategy.
        strategy: String,
        /// Where.
        place: Place,
        /// The limit's name.
        limit: &'static str,
        /// The limit's value.
        fuel_max: u64,
        /// What the call had in all: the value times the number of bars.
        budget: u64,
    },
    /// Too much memory.
    #[error(
        "strategy {strategy} asked for too much memory {place}: {wanted} bytes, memory_max_bytes is {memory_max_bytes}"
    )]
    MemoryExhausted {
        /// The strategy.
        strategy: String,
        /// Where.
        place: Place,
        /// What it asked for.
        wanted: u64,
        /// The limit.
        memory_max_bytes: u64,
    },
    /// Too large a table.
    #[error(
        "strategy {strategy} asked for too large a table {place}: {wanted} elements, \
         table_elements_max is {table_elements_max}"
    )]
    TableExhausted {
        /// The strategy.
        strategy: String,
        /// Where.
        place: Place,
        /// What it asked for.
        wanted: u64,
        /// The limit.
        table_elements_max: u32,
    },
    /// Too many instances, memories or tables.
    #[error("strategy {strategy} cannot be instantiated {place}: {reason}; {limits}")]
    TooManyParts {
        /// The strategy.
        strategy: String,
        /// Where.
        place: Place,
        /// What the engine says.
        reason: String,
        /// The limits and their values.
        limits: String,
    },
    /// Too deep a recursion.
    #[error("strategy {strategy} called itself too deep {place}: stack_max_bytes is {stack_max_bytes}")]
    StackExhausted {
        /// The strategy.
        strategy: String,
        /// Where.
        place: Place,
        /// The limit.
        stack_max_bytes: usize,
    },
    /// More data than was asked for.
    #[error("strategy {strategy} returned too much {place}: {allowed}, {bytes_max} bytes in all")]
    AnswerTooLarge {
        /// The strategy.
        strategy: String,
        /// Where.
        place: Place,
        /// What may come back.
        allowed: String,
        /// The same in bytes of host memory.
        bytes_max: usize,
    },
    /// An answer that breaks the rules of the component model.
    #[error("strategy {strategy} returned something unreadable {place}: {reason}")]
    Unreadable {
        /// The strategy.
        strategy: String,
        /// Where.
        place: Place,
        /// What is wrong.
        reason: String,
    },
    /// A bug in the strategy.
    #[error("strategy {strategy} crashed {place}: {trap}")]
    Trap {
        /// The strategy.
        strategy: String,
        /// Where.
        place: Place,
        /// What happened, in the engine's words.
        trap: String,
    },
    /// A signal that breaks the contract.
    #[error("strategy {strategy} gave a signal that is not valid {place}: {fault}")]
    Signal {
        /// The strategy.
        strategy: String,
        /// The bar it is about, or the bars of the call.
        place: Place,
        /// The rule.
        fault: SignalFault,
    },
    /// The outer kill. Depends on the machine, so it must never be recorded as what the strategy decided.
    #[error(
        "strategy {strategy} was stopped by the clock {place}: call_time_max_ms is {call_time_max_ms}; \
         this is not a decision and may be tried again"
    )]
    TimeExceeded {
        /// The strategy.
        strategy: String,
        /// Where.
        place: Place,
        /// The limit.
        call_time_max_ms: u64,
    },
}

/// A rule that a manifest breaks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {problem}")]
pub struct ManifestFault {
    /// Where: `parameters[1].name`.
    pub field: String,
    /// What is wrong and what is allowed.
    pub problem: String,
}

/// A rule that a signal breaks.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SignalFault {
    /// Outside of the bars that were shown.
    #[error("bar index {index}, but the call showed {shown} bars")]
    BarOutOfRange {
        /// The index.
        index: usize,
        /// Bars shown.
        shown: usize,
    },
    /// Not after the signal before it.
    #[error("bar index {index} comes after {previous}; there may be one signal a bar, in rising order")]
    BarNotRising {
        /// The index.
        index: usize,
        /// The index of the signal before it.
        previous: usize,
    },
    /// No such pattern.
    #[error("pattern {pattern}, but the manifest has {known}")]
    UnknownPattern {
        /// The pattern.
        pattern: u32,
        /// Patterns of the manifest.
        known: usize,
    },
    /// A bit without an entry.
    #[error("{field} has bit {bit}, but the manifest has {known} {field}")]
    UnknownBit {
        /// `reasons` or `warnings`.
        field: &'static str,
        /// The bit.
        bit: u32,
        /// Entries of the manifest.
        known: usize,
    },
    /// Not a percentage.
    #[error("confidence {0}, allowed is 0 to 100")]
    Confidence(f64),
    /// A stop or a target on something that opens nothing.
    #[error("{field} on a {signal_type} signal; only buys have one")]
    StopWithoutBuy {
        /// `stop_loss` or `take_profit`.
        field: &'static str,
        /// The advice.
        signal_type: &'static str,
    },
    /// A price that is none, or on the wrong side.
    #[error("{field} {price}, allowed is a finite price {allowed} the bar's close, {close}")]
    StopPrice {
        /// `stop_loss` or `take_profit`.
        field: &'static str,
        /// The price.
        price: f64,
        /// `above 0 and below` or `above`.
        allowed: &'static str,
        /// Close of the bar.
        close: f64,
    },
}

impl RuntimeError {
    /// Returns whether the same call may succeed on another day, because the machine and not the strategy failed.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::PoolUnavailable { .. }
                | Self::Thread(_)
                | Self::Read { .. }
                | Self::CompileTimeExceeded { .. }
                | Self::CompilersBusy { .. }
                | Self::TimeExceeded { .. }
        )
    }

    /// Returns where a running strategy was stopped.
    #[must_use]
    pub const fn place(&self) -> Option<&Place> {
        match self {
            Self::Failed { place, .. }
            | Self::SessionEnded { place, .. }
            | Self::FuelExhausted { place, .. }
            | Self::MemoryExhausted { place, .. }
            | Self::TableExhausted { place, .. }
            | Self::TooManyParts { place, .. }
            | Self::StackExhausted { place, .. }
            | Self::AnswerTooLarge { place, .. }
            | Self::Unreadable { place, .. }
            | Self::Trap { place, .. }
            | Self::Signal { place, .. }
            | Self::TimeExceeded { place, .. } => Some(place),
            _ => None,
        }
    }
}

fn join(timeframes: &[Timeframe]) -> String {
    timeframes.iter().map(|timeframe| timeframe.as_str()).collect::<Vec<_>>().join(", ")
}

fn pooled(budget: u64, fuel_max: u64) -> String {
    if budget == fuel_max { String::new() } else { format!(", {budget} for the call") }
}
