//! A backtest from beginning to end: check what was given, evaluate the strategies, simulate the account.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use sentinel_domain::candles::Candles;
use sentinel_domain::candles::resample::{ResampleError, resample};
use sentinel_domain::session::{Session, sessions};
use sentinel_domain::signal::{Signal, SignalState};
use sentinel_domain::strategy::{ParameterValue, StrategyConfig, strategy_version};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_runtime::{Replay, RuntimeError};
use thiserror::Error;

use crate::market::{AccountSettings, MarketSeries, StrategySetup};
use crate::metrics::{Benchmark, Metrics, daily};
use crate::moments::Moments;
use crate::recorded;
use crate::result::{Assumptions, BacktestResult, EquityCurve, SeriesSummary, SignalCounts, StrategySummary};
use crate::simulate::{Lane, Outcome, Simulation, World};
use crate::timeline::Timeline;

/// Why a backtest cannot run.
#[derive(Debug, Error)]
pub enum BacktestError {
    /// Nothing to run on.
    #[error("a backtest needs at least one series of candles and one strategy")]
    Nothing,
    /// The strategy is not written for the timeframe.
    #[error("strategy {strategy} is not written for {timeframe} candles; it takes {allowed}")]
    Timeframe {
        /// The strategy.
        strategy: String,
        /// What was asked for.
        timeframe: Timeframe,
        /// What it takes.
        allowed: String,
    },
    /// The strategy reads a column that the candles do not have.
    #[error(
        "strategy {strategy} reads the column {column}, which the candles of {series} do not have; \
         import candles that carry it"
    )]
    MissingColumn {
        /// The strategy.
        strategy: String,
        /// The column.
        column: &'static str,
        /// The series.
        series: String,
    },
    /// The candles cannot be made coarser.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// The sandbox stopped the strategy.
    #[error(transparent)]
    Strategy(#[from] RuntimeError),
}

/// A backtest whose inputs fit together. It can be run any number of times, with the same outcome.
#[derive(Debug)]
pub struct Backtest {
    series: Vec<MarketSeries>,
    strategies: Vec<StrategySetup>,
    account: AccountSettings,
    lanes: Vec<Prepared>,
    timeline: Timeline,
    benchmark: Option<Benchmark>,
}

/// One strategy on one series, with the bars it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) strategy: usize,
    pub(crate) series: usize,
    pub(crate) bars: Arc<Candles>,
    pub(crate) sessions: Vec<Session>,
    /// The first bar whose signal counts.
    pub(crate) first_row: usize,
}

impl Prepared {
    /// Returns how many bars the strategy is shown, warm-up aside.
    pub(crate) fn bars_shown(&self) -> usize {
        self.sessions.iter().map(|session| session.bars.len()).sum()
    }
}

impl Backtest {
    /// Checks that strategies and candles fit, and makes the coarser candles that strategies ask for.
    ///
    /// # Errors
    /// Names what does not fit.
    pub fn new(
        series: Vec<MarketSeries>,
        strategies: Vec<StrategySetup>,
        account: AccountSettings,
    ) -> Result<Self, BacktestError> {
        let mut lanes: Vec<Prepared> = Vec::new();
        for (strategy, setup) in strategies.iter().enumerate() {
            for &index in &setup.series {
                let known = lanes.iter().find(|lane| lane.series == index && lane.bars.timeframe() == setup.timeframe);
                let known = known.map(|lane| Arc::clone(&lane.bars));
                lanes.push(prepare(strategy, setup, index, &series[index], known)?);
            }
        }
        if lanes.is_empty() {
            return Err(BacktestError::Nothing);
        }
        // The order in which the gate sees the signals of one close.
        lanes.sort_by(|a, b| {
            let key = |lane: &Prepared| {
                let setup = &strategies[lane.strategy];
                (
                    setup.risk.priority,
                    setup.strategy_id.clone(),
                    series[lane.series].instrument().clone(),
                    lane.strategy,
                )
            };
            key(a).cmp(&key(b))
        });
        let candles: Vec<_> = series.iter().map(|series| series.candles().as_ref()).collect();
        let coarse = lanes.iter().filter(|lane| lane.bars.timeframe() != series[lane.series].candles().timeframe());
        let closes = coarse.flat_map(|lane| (0..lane.bars.len()).map(|row| lane.bars.close_time(row)));
        let timeline = Timeline::new(&candles, closes);
        let benchmark = Benchmark::buy_and_hold(candles);
        Ok(Self { series, strategies, account, lanes, timeline, benchmark })
    }

    /// Returns the series it runs on.
    #[must_use]
    pub fn series(&self) -> &[MarketSeries] {
        &self.series
    }

    /// Returns the strategies it runs.
    #[must_use]
    pub fn strategies(&self) -> &[StrategySetup] {
        &self.strategies
    }

    /// Returns the account they share.
    #[must_use]
    pub const fn account(&self) -> &AccountSettings {
        &self.account
    }

    /// Returns the number of bars that strategies are shown, over all of them.
    #[must_use]
    pub fn bars(&self) -> usize {
        self.lanes.iter().map(Prepared::bars_shown).sum()
    }

    pub(crate) fn lanes(&self) -> &[Prepared] {
        &self.lanes
    }

    /// Runs the strategies over their bars and returns the signals of each, lane by lane.
    ///
    /// Sessions are independent of each other, so they run on all threads of the current pool; the answer does not
    /// depend on their number.
    ///
    /// # Errors
    /// When the sandbox stops a strategy.
    pub fn evaluate(&self) -> Result<Signals, BacktestError> {
        let mut signals = self.no_signals();
        signals.append(evaluate(&self.sandboxes()?, None..None)?);
        Ok(signals)
    }

    /// Walks the account through time with `signals`, which [`Backtest::evaluate`] returned.
    #[must_use]
    pub fn settle(&self, signals: &Signals) -> BacktestResult {
        let mut outcome = Outcome::default();
        self.simulate(signals, &mut outcome);
        self.result(outcome)
    }

    /// Simulates the account on `signals`.
    pub(crate) fn simulate(&self, signals: &Signals, outcome: &mut Outcome) {
        let lanes = self.reading_lanes();
        let world = self.world(&lanes);
        let mut simulation = Simulation::new(&world, outcome);
        simulation.run(signals, UnixMillis::MAX);
        simulation.finish();
    }

    /// Does both, and returns the signals too: while the account walks through one part of the time, the strategies are
    /// already shown the next. The outcome is that of [`Backtest::evaluate`] and [`Backtest::settle`].
    ///
    /// # Errors
    /// When the sandbox stops a strategy.
    pub fn run(&self) -> Result<(BacktestResult, Signals), BacktestError> {
        self.run_and_tell().map(|(result, signals, _)| (result, signals))
    }

    /// The same, and says what became of each signal.
    ///
    /// # Errors
    /// As [`Backtest::run`].
    pub fn run_and_tell(&self) -> Result<(BacktestResult, Signals, SignalStates), BacktestError> {
        let lanes = self.reading_lanes();
        let world = self.world(&lanes);
        let sandboxes = self.sandboxes()?;
        let mut outcome = Outcome::default();
        let mut simulation = Simulation::new(&world, &mut outcome);
        let mut signals = self.no_signals();
        let ends = self.part_ends();
        let mut ahead = evaluate(&sandboxes, None..ends.first().copied())?;
        for (index, end) in ends.iter().enumerate() {
            signals.append(ahead);
            let next = ends.get(index + 1).copied();
            let (evaluated, ()) =
                rayon::join(|| evaluate(&sandboxes, Some(*end)..next), || simulation.run(&signals, *end));
            ahead = evaluated?;
        }
        signals.append(ahead);
        simulation.run(&signals, UnixMillis::MAX);
        simulation.finish();
        let states = SignalStates { by_lane: outcome.states.clone() };
        Ok((self.result(outcome), signals, states))
    }

    /// Returns the moments between the parts that [`Backtest::run`] cuts time into: beginnings of sessions.
    fn part_ends(&self) -> Vec<UnixMillis> {
        /// Many, because the account cannot walk through the first before it is evaluated, nor the last meanwhile.
        const PARTS: usize = 24;
        let Some(finest) = self.lanes.iter().max_by_key(|lane| lane.sessions.len()) else { return Vec::new() };
        let begins: Vec<_> = finest.sessions.iter().map(|session| session.start).collect();
        begins.iter().copied().step_by(begins.len().div_ceil(PARTS)).skip(1).collect()
    }

    fn sandboxes(&self) -> Result<Vec<Sandbox<'_>>, RuntimeError> {
        self.lanes
            .iter()
            .map(|lane| {
                let setup = &self.strategies[lane.strategy];
                Sandbox::new(setup, &setup.parameters, &self.series[lane.series], lane)
            })
            .collect()
    }

    fn no_signals(&self) -> Signals {
        Signals { by_lane: vec![Vec::new(); self.lanes.len()] }
    }

    fn reading_lanes(&self) -> Vec<Lane<'_>> {
        self.lanes
            .iter()
            .zip(recorded::shared(&self.lanes, &self.strategies))
            .map(|(lane, (owner, book))| Lane {
                strategy: lane.strategy,
                owner,
                book,
                series: lane.series,
                bars: &lane.bars,
                risk: &self.strategies[lane.strategy].risk,
            })
            .collect()
    }

    fn world<'a>(&'a self, lanes: &'a [Lane<'a>]) -> World<'a> {
        World { series: &self.series, lanes, timeline: &self.timeline, account: &self.account }
    }

    fn result(&self, outcome: Outcome) -> BacktestResult {
        let signals = count_signals(&outcome);
        let mut result = BacktestResult {
            strategies: self.strategies.iter().map(|setup| self.summarize(setup)).collect(),
            series: self.series.iter().map(summarize_series).collect(),
            assumptions: Assumptions {
                fees: self.account.fees.clone(),
                fill_model: self.account.fill_model,
                limits: self.account.limits.clone(),
            },
            cash_initial: self.account.cash,
            cash_final: outcome.cash,
            equity_final: outcome.equity_final,
            entries: outcome.entries,
            fees_usd: outcome.fees,
            turnover_usd: outcome.turnover,
            signals,
            trades: outcome.trades,
            open_positions: outcome.open_positions,
            rejected: outcome.rejected,
            equity: self.equity_curve(outcome.equity),
            metrics: Metrics::default(),
        };
        result.metrics = crate::metrics::of_result(&result, self.benchmark.as_ref(), None);
        result
    }

    /// Returns the last equity of each UTC day, as [`EquityCurve::daily`] does, without making the curve.
    pub(crate) fn daily(&self, equity: &[f64]) -> Vec<(i64, f64)> {
        if self.timeline.is_even(0) {
            daily(&self.timeline.closes(), equity)
        } else {
            self.equity_curve(equity.to_vec()).daily()
        }
    }

    /// Returns the time from the first open to the last close.
    pub(crate) fn span(&self) -> Range<UnixMillis> {
        self.timeline.time(0)..self.timeline.time(self.timeline.len() - 1)
    }

    /// Keeps the steps at which a candle closes; where only one opens, after a gap, nothing new is known.
    fn equity_curve(&self, equity: Vec<f64>) -> EquityCurve {
        let time = self.timeline.closes();
        if self.timeline.is_even(0) {
            return EquityCurve { time, equity };
        }
        let closes = |step: usize| (0..self.series.len()).any(|series| self.timeline.closing(series, step).is_some());
        let (time, equity) =
            time.iter().zip(equity).enumerate().filter_map(|(index, point)| closes(index + 1).then_some(point)).unzip();
        EquityCurve { time: Moments::Listed(time), equity }
    }

    fn summarize(&self, setup: &StrategySetup) -> StrategySummary {
        let gaps = setup.series.first().map(|index| self.series[*index].gaps.clone()).unwrap_or_default();
        let component_hash = setup.component.component_hash();
        let row = setup.recorded.as_ref();
        let config_hash = row.map_or_else(|| setup.config(gaps).config_hash(), |row| row.config_hash);
        StrategySummary {
            strategy_id: setup.strategy_id.clone(),
            description: setup.component.manifest().description.clone(),
            timeframe: setup.timeframe,
            risk: setup.risk.clone(),
            version: row.map_or_else(|| strategy_version(component_hash, config_hash), |row| row.version),
            component_hash,
            config_hash,
            parameters: setup.parameters_by_name(),
            patterns: setup.component.manifest().patterns.clone(),
            recorded: setup.recorded.clone(),
        }
    }
}

/// The signals of a backtest, in the order of its lanes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Signals {
    pub(crate) by_lane: Vec<Vec<Signal>>,
}

/// What became of the signals of a backtest, in the order of its lanes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignalStates {
    by_lane: Vec<Vec<SignalState>>,
}

impl SignalStates {
    /// Returns the states of one lane's signals, in the order of [`Signals::lane`].
    #[must_use]
    pub fn lane(&self, index: usize) -> &[SignalState] {
        &self.by_lane[index]
    }
}

/// The signals of some sessions: for each lane, one list for each session.
type BySession = Vec<Vec<Vec<Signal>>>;

/// Returns the signals of the sessions that begin within `time`.
fn evaluate(sandboxes: &[Sandbox<'_>], time: Range<Option<UnixMillis>>) -> Result<BySession, RuntimeError> {
    let of_lane = |sandbox: &Sandbox<'_>| {
        let sessions = &sandbox.lane.sessions;
        let row = |time| sessions.partition_point(|session| session.start < time);
        let part = time.start.map_or(0, row)..time.end.map_or(sessions.len(), row);
        sessions[part].par_iter().map(|session| sandbox.evaluate(session)).collect()
    };
    sandboxes.iter().map(of_lane).collect()
}

impl Signals {
    fn append(&mut self, later: BySession) {
        for (lane, sessions) in self.by_lane.iter_mut().zip(later) {
            sessions.into_iter().for_each(|mut signals| lane.append(&mut signals));
        }
    }

    /// Returns the signals of one strategy on one series, in the order of their bars. Lanes are sorted by priority,
    /// strategy and symbol.
    #[must_use]
    pub fn lane(&self, index: usize) -> &[Signal] {
        &self.by_lane[index]
    }

    /// Returns how many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_lane.iter().map(Vec::len).sum()
    }
}

impl StrategySetup {
    /// Returns the config that, with the component, makes the version.
    #[must_use]
    pub fn config(&self, gaps: String) -> StrategyConfig {
        let specs = &self.component.manifest().parameters;
        StrategyConfig {
            parameters: specs.iter().map(|spec| spec.name.clone()).zip(self.parameters.iter().copied()).collect(),
            timeframe: self.timeframe,
            gaps,
            limits: serde_json::to_value(self.component.limits()).unwrap_or_default(),
            risk_params: serde_json::to_value(&self.risk).unwrap_or_default(),
        }
    }
}

fn prepare(
    strategy: usize,
    setup: &StrategySetup,
    series: usize,
    market: &MarketSeries,
    known: Option<Arc<Candles>>,
) -> Result<Prepared, BacktestError> {
    let manifest = setup.component.manifest();
    if !manifest.timeframes.contains(&setup.timeframe) {
        let allowed: Vec<_> = manifest.timeframes.iter().map(|timeframe| timeframe.as_str()).collect();
        return Err(BacktestError::Timeframe {
            strategy: setup.strategy_id.clone(),
            timeframe: setup.timeframe,
            allowed: allowed.join(", "),
        });
    }
    let columns = market.candles().columns();
    let missing = [
        ("volume_delta", manifest.columns.volume_delta && columns.volume_delta.is_none()),
        ("imbalance", manifest.columns.imbalance && columns.imbalance.is_none()),
    ];
    if let Some((column, _)) = missing.into_iter().find(|(_, missing)| *missing) {
        return Err(BacktestError::MissingColumn {
            strategy: setup.strategy_id.clone(),
            column,
            series: market.instrument().to_string(),
        });
    }
    let bars = match known {
        Some(bars) => bars,
        None if market.candles().timeframe() == setup.timeframe => Arc::clone(market.candles()),
        None => Arc::new(resample(market.candles(), setup.timeframe)?.candles),
    };
    let sessions = sessions(&bars.columns().open_time, setup.timeframe);
    let (sessions, first_row) = match &setup.recorded {
        Some(version) => recorded::cut(sessions, &bars, version),
        None => (sessions, 0),
    };
    Ok(Prepared { strategy, series, bars, sessions, first_row })
}

/// One strategy with its parameters on one series, ready to evaluate sessions.
pub(crate) struct Sandbox<'a> {
    setup: &'a StrategySetup,
    parameters: &'a [ParameterValue],
    market: &'a MarketSeries,
    lane: &'a Prepared,
    warm_up_bars: u32,
}

impl<'a> Sandbox<'a> {
    /// Asks the strategy how much warm-up it wants.
    pub(crate) fn new(
        setup: &'a StrategySetup,
        parameters: &'a [ParameterValue],
        market: &'a MarketSeries,
        lane: &'a Prepared,
    ) -> Result<Self, RuntimeError> {
        let instrument = market.instrument();
        let timeframe = lane.bars.timeframe();
        let warm_up_bars = setup.component.warm_up_bars(instrument, timeframe, &market.rules, parameters)?;
        Ok(Self { setup, parameters, market, lane, warm_up_bars })
    }

    pub(crate) fn open(&self) -> Result<sentinel_runtime::Session, RuntimeError> {
        let timeframe = self.lane.bars.timeframe();
        self.setup.component.open(self.market.instrument(), timeframe, &self.market.rules, self.parameters)
    }

    /// Returns the signals of one session: a fresh instance, the warm-up whose signals are dropped, the session's bars.
    pub(crate) fn evaluate(&self, session: &Session) -> Result<Vec<Signal>, RuntimeError> {
        let mut signals = Vec::new();
        self.evaluate_into(session, &mut signals)?;
        Ok(signals)
    }

    /// Appends the signals of one session to `signals`.
    pub(crate) fn evaluate_into(&self, session: &Session, signals: &mut Vec<Signal>) -> Result<(), RuntimeError> {
        let columns = self.lane.bars.columns();
        let mut instance = self.open()?;
        instance
            .warm_up(columns, session.warm_up(self.warm_up_bars as usize))
            .and_then(|()| instance.on_bars(columns, session.bars.clone(), signals))
            .map_err(|error| self.locate(session, error))?;
        if session.bars.start < self.lane.first_row {
            signals.retain(|signal| signal.bar >= self.lane.first_row);
        }
        Ok(())
    }

    /// A call with many bars names only their range; run again one by one, the bar has a name.
    #[cold]
    fn locate(&self, session: &Session, error: RuntimeError) -> RuntimeError {
        let replay = Replay {
            strategy: &self.setup.component,
            candles: &self.lane.bars,
            rules: &self.market.rules,
            parameters: self.parameters,
            warm_up_bars: self.warm_up_bars,
        };
        replay.locate_failure(session).unwrap_or(error)
    }
}

fn count_signals(outcome: &Outcome) -> SignalCounts {
    let total = outcome.states.iter().map(|states| states.len() as u64).sum();
    let mut counts = SignalCounts { total, ..SignalCounts::default() };
    for state in outcome.states.iter().flatten() {
        match state {
            SignalState::Filled => counts.filled += 1,
            SignalState::Consumed => counts.consumed += 1,
            SignalState::NoAction => counts.no_action += 1,
            SignalState::Expired => counts.expired += 1,
            SignalState::Abandoned => counts.abandoned += 1,
            SignalState::Ordered => counts.ordered += 1,
            SignalState::New | SignalState::Rejected => {}
        }
    }
    counts.rejected = outcome.rejections.iter().copied().collect();
    counts
}

fn summarize_series(series: &MarketSeries) -> SeriesSummary {
    let candles = series.candles();
    SeriesSummary {
        instrument: candles.instrument().clone(),
        timeframe: candles.timeframe(),
        bars: candles.len(),
        bars_missing: series.bars_missing,
        gaps: series.gaps.clone(),
        from: candles.columns().open_time[0],
        to: candles.close_time(candles.len() - 1),
        data_hash: series.data_hash,
    }
}
