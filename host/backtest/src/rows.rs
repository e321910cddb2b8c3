//! A backtest as rows of the warehouse: the run, its equity, its signals and its positions.
//!
//! Every id derives from the run's, which derives from what the run is a function of: the same run saved twice is the
//! same rows. What is absent: writing them.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sentinel_domain::hash::ContentHasher;
use sentinel_domain::live::signal_id;
use sentinel_domain::money::{decimal_price, round_money, to_f64};
use sentinel_domain::session::SessionLength;
use sentinel_domain::signal::{Signal, SignalState};
use sentinel_domain::strategy::Label;
use sentinel_domain::tables::{BacktestEquityPoint, BacktestRun, PositionRow, SignalRow, confidence_level};
use sentinel_domain::timeframe::{Timeframe, UnixMillis, date_of, utc};
use sentinel_domain::trade::{ExitReason, Trade};
use serde_json::json;

use crate::json::{RunFile, span};
use crate::market::StrategySetup;
use crate::result::{BacktestResult, OpenPosition};
use crate::run::{Backtest, Prepared, SignalStates, Signals};

/// Points of an equity curve that are kept as they are; of more, the last of each hour or each day is kept.
const POINTS_MAX: usize = 50_000;

/// The rows of one run, in the order in which they refer to one another.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRows {
    /// The run.
    pub run: BacktestRun,
    /// Every signal that was given.
    pub signals: Vec<SignalRow>,
    /// Every position that was opened.
    pub positions: Vec<PositionRow>,
    /// The way of the equity.
    pub equity: Vec<BacktestEquityPoint>,
}

impl RunRows {
    /// Returns the rows of a run that ended with `result`; `file` is its written form.
    #[must_use]
    pub fn of(
        backtest: &Backtest,
        result: &BacktestResult,
        signals: &Signals,
        states: &SignalStates,
        file: &RunFile,
    ) -> Self {
        let told = Told { backtest, result, backtest_id: file.run_id.to_string() };
        Self {
            run: told.run(file),
            signals: told.signals(signals, states),
            positions: told.positions(signals, states),
            equity: told.equity(),
        }
    }
}

struct Told<'a> {
    backtest: &'a Backtest,
    result: &'a BacktestResult,
    backtest_id: String,
}

impl Told<'_> {
    fn run(&self, file: &RunFile) -> BacktestRun {
        let result = self.result;
        let (from, to) = span(&result.series);
        let (initial, equity) = (result.cash_initial, result.equity_final);
        let metric = |name: &str| file.metrics.get(name).and_then(|metric| metric.value);
        let first = self.backtest.lanes().iter().find(|lane| lane.strategy == 0);
        let series = &result.series[first.map_or(0, |lane| lane.series)];
        let strategy = &result.strategies[0];
        BacktestRun {
            backtest_id: self.backtest_id.clone(),
            strategy_name: strategy.strategy_id.clone(),
            strategy_id: strategy.strategy_id.clone(),
            strategy_version: strategy.version.to_string(),
            strategy_config: json!(file.strategies),
            exchange: series.instrument.exchange.to_string(),
            symbol: series.instrument.symbol.to_string(),
            timeframe: strategy.timeframe.as_str().to_owned(),
            series: json!(file.series),
            assumptions: json!(file.assumptions),
            start_time: utc(from),
            end_time: utc(to),
            start_date: date_of(from),
            end_date: date_of(to),
            status: "completed".to_owned(),
            error: None,
            bars: i64::try_from(file.bars).unwrap_or(i64::MAX),
            initial_cash: initial,
            final_equity: equity,
            total_pnl: equity - initial,
            total_return_pct: to_f64(equity - initial) / to_f64(initial) * 100.0,
            fees_usd: round_money(result.fees_usd),
            turnover_usd: round_money(result.turnover_usd),
            trade_count: i64::try_from(result.trades.len()).unwrap_or(i64::MAX),
            win_rate: metric("win_rate_pct"),
            sharpe_ratio: metric("sharpe_ratio"),
            sortino_ratio: metric("sortino_ratio"),
            calmar_ratio: metric("calmar_ratio"),
            max_drawdown: metric("max_drawdown_pct"),
            profit_factor: metric("profit_factor"),
            alpha: metric("alpha_pct").map(|percent| percent / 100.0),
            beta: metric("beta"),
            metrics: json!(file.metrics),
            lookahead_verified: file.lookahead_verified,
            sentinel_version: file.sentinel_version.clone(),
            timestamp: utc(to),
            ds: date_of(to),
        }
    }

    fn setup(&self, lane: &Prepared) -> &StrategySetup {
        &self.backtest.strategies()[lane.strategy]
    }

    fn signal_id(&self, lane: &Prepared, close_time: UnixMillis) -> String {
        let (id, bars) = (&self.setup(lane).strategy_id, &lane.bars);
        signal_id(&self.backtest_id, id, bars.instrument(), bars.timeframe(), close_time)
    }

    fn signals(&self, signals: &Signals, states: &SignalStates) -> Vec<SignalRow> {
        // Why each was turned away, as far as the result remembers.
        let reason =
            |it: &crate::result::RejectedSignal| ((it.strategy, it.instrument.to_string(), it.time), it.reason);
        let reasons: BTreeMap<(usize, String, UnixMillis), &str> = self.result.rejected.iter().map(reason).collect();
        let mut rows = Vec::with_capacity(signals.count());
        for (index, lane) in self.backtest.lanes().iter().enumerate() {
            let mut deltas = Deltas::default();
            for (signal, state) in signals.lane(index).iter().zip(states.lane(index)) {
                let close_time = lane.bars.close_time(signal.bar);
                let named = (lane.strategy, lane.bars.instrument().to_string(), close_time);
                let reason = reasons.get(&named).filter(|_| *state == SignalState::Rejected);
                let cvd = deltas.until(lane, signal.bar);
                rows.push(self.signal(lane, signal, *state, reason.map(|reason| (*reason).to_owned()), cvd));
            }
        }
        rows
    }

    fn signal(
        &self,
        lane: &Prepared,
        signal: &Signal,
        state: SignalState,
        rejection_reason: Option<String>,
        cvd: Option<f64>,
    ) -> SignalRow {
        let (setup, columns) = (self.setup(lane), lane.bars.columns());
        let (manifest, rules) = (setup.component.manifest(), self.backtest.series()[lane.series].rules);
        let close_time = lane.bars.close_time(signal.bar);
        let valid_bars = i64::from(signal.valid_bars.unwrap_or(setup.risk.signal_valid_bars));
        let id = self.signal_id(lane, close_time);
        SignalRow {
            signal_id: id.clone(),
            id,
            account_id: None,
            is_backtest: true,
            backtest_id: Some(self.backtest_id.clone()),
            strategy_id: setup.strategy_id.clone(),
            strategy_name: setup.strategy_id.clone(),
            strategy_version: self.result.strategies[lane.strategy].version.to_string(),
            exchange: lane.bars.instrument().exchange.to_string(),
            symbol: lane.bars.instrument().symbol.to_string(),
            timeframe: lane.bars.timeframe().as_str().to_owned(),
            signal_type: signal.signal_type.as_str().to_owned(),
            pattern_name: manifest.patterns.get(signal.pattern as usize).map(|label| label.name.clone()),
            confidence_score: signal.confidence,
            confidence_level: confidence_level(signal.confidence).to_owned(),
            reasons: Label::names_of(&manifest.reasons, signal.reasons),
            warnings: Label::names_of(&manifest.warnings, signal.warnings),
            price: decimal_price(columns.close[signal.bar]),
            volume: Some(columns.volume[signal.bar]),
            volume_delta: columns.volume_delta.as_ref().map(|values| values[signal.bar]),
            cvd,
            orderbook_imbalance: columns.imbalance.as_ref().map(|values| values[signal.bar]),
            stop_loss: signal.stop_loss.map(|price| rules.named_price(price)),
            take_profit: signal.take_profit.map(|price| rules.named_price(price)),
            expiration_at: Some(utc(close_time + valid_bars * lane.bars.timeframe().millis())),
            status: state.as_str().to_owned(),
            rejection_reason,
            timestamp: utc(close_time),
            ds: date_of(close_time),
        }
    }

    fn positions(&self, signals: &Signals, states: &SignalStates) -> Vec<PositionRow> {
        let closed = self.result.trades.iter().map(|trade| self.closed(trade));
        let open = self.result.open_positions.iter().filter_map(|open| self.open(open, signals, states));
        closed.chain(open).collect()
    }

    /// Returns the lane of a strategy on an instrument.
    fn lane(&self, strategy: usize, instrument: &sentinel_domain::instrument::Instrument) -> (usize, &Prepared) {
        let is_it = |lane: &Prepared| lane.strategy == strategy && lane.bars.instrument() == instrument;
        let found = self.backtest.lanes().iter().enumerate().find(|(_, lane)| is_it(lane));
        found.unwrap_or_else(|| panic!("{instrument} was traded by a strategy that does not run on it"))
    }

    fn begun(&self, lane: &Prepared, signal_time: UnixMillis) -> PositionRow {
        let (setup, signal_id) = (self.setup(lane), self.signal_id(lane, signal_time));
        PositionRow {
            position_id: ContentHasher::new("position").text(&signal_id).finish().to_string(),
            signal_id,
            account_id: None,
            is_backtest: true,
            backtest_id: Some(self.backtest_id.clone()),
            strategy_id: setup.strategy_id.clone(),
            strategy_name: setup.strategy_id.clone(),
            strategy_version: self.result.strategies[lane.strategy].version.to_string(),
            exchange: lane.bars.instrument().exchange.to_string(),
            symbol: lane.bars.instrument().symbol.to_string(),
            timeframe: lane.bars.timeframe().as_str().to_owned(),
            side: "long".to_owned(),
            status: "open".to_owned(),
            signal_time: utc(signal_time),
            entry_timestamp: None,
            entry_fill_price: None,
            exit_timestamp: None,
            exit_fill_price: None,
            exit_reason: None,
            quantity: Decimal::ZERO,
            stop_loss: None,
            current_stop: None,
            take_profit: None,
            fee_usd: Decimal::ZERO,
            pnl: None,
            pnl_pct: None,
            entry_date: None,
            exit_date: None,
            timestamp: utc(signal_time),
            ds: date_of(signal_time),
        }
    }

    fn closed(&self, trade: &Trade) -> PositionRow {
        let (_, lane) = self.lane(trade.strategy, &trade.instrument);
        let is_stopped = trade.exit_reason == ExitReason::Stop;
        PositionRow {
            status: if is_stopped { "stopped" } else { "closed" }.to_owned(),
            entry_timestamp: Some(utc(trade.entry_time)),
            entry_fill_price: Some(trade.entry_fill_price),
            exit_timestamp: Some(utc(trade.exit_time)),
            exit_fill_price: Some(trade.exit_fill_price),
            exit_reason: Some(trade.exit_reason.as_str().to_owned()),
            quantity: trade.quantity,
            fee_usd: trade.fees_usd,
            pnl: Some(trade.pnl_usd),
            pnl_pct: Some(trade.pnl_pct),
            entry_date: Some(date_of(trade.entry_time)),
            exit_date: Some(date_of(trade.exit_time)),
            ..self.begun(lane, trade.signal_time)
        }
    }

    /// Returns the row of a position that is still held: the last signal of its lane that was filled opened it.
    fn open(&self, open: &OpenPosition, signals: &Signals, states: &SignalStates) -> Option<PositionRow> {
        let (index, lane) = self.lane(open.strategy, &open.instrument);
        let filled = signals.lane(index).iter().zip(states.lane(index));
        let (signal, _) = filled.rev().find(|(_, state)| **state == SignalState::Filled)?;
        let gross = open.quantity * (open.mark_price - open.entry_fill_price);
        Some(PositionRow {
            entry_timestamp: Some(utc(open.entry_time)),
            entry_fill_price: Some(open.entry_fill_price),
            quantity: open.quantity,
            fee_usd: round_money(gross - open.pnl_usd).max(Decimal::ZERO),
            entry_date: Some(date_of(open.entry_time)),
            ..self.begun(lane, lane.bars.close_time(signal.bar))
        })
    }

    fn equity(&self) -> Vec<BacktestEquityPoint> {
        let curve = &self.result.equity;
        let drawdown = curve.drawdown_pct(to_f64(self.result.cash_initial));
        let points: Vec<_> = curve.time.iter().zip(&curve.equity).zip(drawdown).collect();
        let step = step_of(points.iter().map(|((time, _), _)| *time));
        let mut rows: Vec<BacktestEquityPoint> = Vec::new();
        let mut last = None;
        for ((time, equity), drawdown) in points {
            // A close at a boundary ends the stretch before it.
            let stretch = (time - 1).div_euclid(step);
            let row = BacktestEquityPoint {
                backtest_id: self.backtest_id.clone(),
                timestamp: utc(time),
                equity: round_money(decimal_price(*equity)),
                drawdown: drawdown.min(0.0),
                ds: date_of(time - 1),
            };
            match rows.last_mut() {
                Some(known) if last == Some(stretch) => *known = row,
                _ => rows.push(row),
            }
            last = Some(stretch);
        }
        rows
    }
}

/// Returns the stretch of time of which the last point is kept.
fn step_of(times: impl Iterator<Item = UnixMillis> + Clone) -> i64 {
    let count = |step: i64| {
        let mut stretches: Vec<i64> = times.clone().map(|time| (time - 1).div_euclid(step)).collect();
        stretches.dedup();
        stretches.len()
    };
    let steps = [1, Timeframe::H1.millis()];
    steps.into_iter().find(|step| count(*step) <= POINTS_MAX).unwrap_or(Timeframe::D1.millis())
}

/// Sums the volume delta from the beginning of each session, bar by bar.
#[derive(Debug, Default)]
struct Deltas {
    next: usize,
    session: UnixMillis,
    sum: f64,
}

impl Deltas {
    /// Returns the sum up to and with `bar`; bars are asked for in rising order.
    fn until(&mut self, lane: &Prepared, bar: usize) -> Option<f64> {
        let columns = lane.bars.columns();
        let deltas = columns.volume_delta.as_ref()?;
        let length = SessionLength::of(lane.bars.timeframe());
        let rows = columns.open_time.iter().zip(deltas).take(bar + 1).skip(self.next);
        for (open_time, delta) in rows {
            let session = length.around(*open_time).start;
            self.sum = if session == self.session { self.sum + delta } else { *delta };
            self.session = session;
        }
        self.next = bar + 1;
        Some(self.sum)
    }
}
