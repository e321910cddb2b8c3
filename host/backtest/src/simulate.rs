//! The account on a simulated clock: from signals and candles to fills, trades and equity.
//!
//! At each step of the timeline, in this order: resting stops meet the candle that closes, exits are decided at its
//! close, equity is marked, the gate decides the signals of bars that close, and orders are filled at the opens of
//! this very moment, sales before purchases. What is a rule lives in `sentinel-domain`; here is only the order of
//! things and the bookkeeping. Steps at which nothing can happen are skipped in one stride, so the cost is linear in
//! bars and in orders.

use std::ops::Range;

use rust_decimal::Decimal;
use sentinel_domain::candles::Candles;
use sentinel_domain::excursion::excursions;
use sentinel_domain::fill::{Side, StopOutcome};
use sentinel_domain::gate::{self, AccountView, Candidate, Costs, EntryIntent, Holding, Rejection, Verdict};
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::money::{decimal_price, round_money, to_f64};
use sentinel_domain::position::{Fill, Position, PositionEvent, PositionState};
use sentinel_domain::risk::{ExitPlan, RiskParams};
use sentinel_domain::settlement::{self, Quote, VolumeWindow};
use sentinel_domain::signal::{Signal, SignalState};
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_domain::trade::{ExitReason, Trade};

use crate::market::{AccountSettings, MarketSeries};
use crate::result::{OpenPosition, REJECTED_MAX, RejectedSignal};
use crate::run::Signals;
use crate::timeline::{Step, Timeline};
use crate::watch::Watch;

/// What the simulation reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World<'a> {
    pub(crate) series: &'a [MarketSeries],
    /// Sorted by (priority, strategy, symbol): the order in which the gate sees the signals of one close.
    pub(crate) lanes: &'a [Lane<'a>],
    pub(crate) timeline: &'a Timeline,
    pub(crate) account: &'a AccountSettings,
}

/// One strategy on one series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane<'a> {
    pub(crate) strategy: usize,
    /// The same for all versions of a strategy.
    pub(crate) owner: usize,
    /// The first of the lanes that hold one position after one another: the versions of a strategy. Itself, as a rule.
    pub(crate) book: usize,
    pub(crate) series: usize,
    /// The bars its signals are about.
    pub(crate) bars: &'a Candles,
    pub(crate) risk: &'a RiskParams,
}

/// What the simulation found. Kept by whoever runs many, so that memory is reused.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) cash: Decimal,
    pub(crate) equity_final: Decimal,
    pub(crate) entries: usize,
    pub(crate) fees: Decimal,
    pub(crate) turnover: Decimal,
    pub(crate) trades: Vec<Trade>,
    pub(crate) open_positions: Vec<OpenPosition>,
    /// Equity at each step but the first, which is the initial cash; in quote currency.
    pub(crate) equity: Vec<f64>,
    /// The state in which each signal ended, for each lane.
    pub(crate) states: Vec<Vec<SignalState>>,
    pub(crate) rejections: Vec<(&'static str, u64)>,
    pub(crate) rejected: Vec<RejectedSignal>,
    queue: Vec<Due>,
}

/// A signal and the step at which its bar closes.
#[derive(Debug, Clone, Copy)]
struct Due {
    step: Step,
    lane: usize,
    /// Index into the lane's signals.
    signal: usize,
    /// The next candle's open, where it opens at once. Read ahead for all signals together: one by one, each would
    /// wait for memory.
    open: Option<f64>,
}

impl Outcome {
    fn reset(&mut self, world: &World<'_>) {
        self.entries = 0;
        self.fees = Decimal::ZERO;
        self.turnover = Decimal::ZERO;
        self.trades.clear();
        self.open_positions.clear();
        self.equity.clear();
        self.equity.reserve(world.timeline.len());
        self.states.iter_mut().for_each(Vec::clear);
        self.states.resize_with(world.lanes.len(), Vec::new);
        self.rejections.clear();
        self.rejected.clear();
        self.queue.clear();
    }

    fn count_rejection(&mut self, reason: &'static str) {
        match self.rejections.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => self.rejections.push((reason, 1)),
        }
    }
}

/// What a lane holds.
#[derive(Debug, Default)]
struct Slot {
    active: Option<Active>,
    exit_time_last: Option<UnixMillis>,
    /// Coins left over from sales, too few to sell.
    dust: Decimal,
    /// What [`Due::open`] said of the step, when a signal was decided at it.
    open: Option<(Step, f64)>,
}

impl Slot {
    fn holding(&self) -> Holding {
        match self.active.as_ref().map(|active| active.position.state()) {
            Some(PositionState::Pending) => Holding::Pending,
            Some(PositionState::Open) => Holding::Open,
            Some(PositionState::Closing(_)) => Holding::Closing,
            Some(PositionState::Closed(_) | PositionState::Abandoned) | None => Holding::Flat,
        }
    }

    fn coins(&self) -> Decimal {
        self.active.as_ref().map_or(self.dust, |active| active.position.held() + self.dust)
    }
}

/// A position that is not closed.
#[derive(Debug)]
struct Active {
    position: Position,
    /// An order that waits for the next open.
    pending: Option<PendingOrder>,
    intent: EntryIntent,
    plan: ExitPlan,
    watch: Watch,
    /// Index of the signal that asked for it.
    signal: usize,
    confidence: f64,
    pattern: u32,
    /// When that signal's bar closed.
    signal_time: UnixMillis,
    /// The candle at whose open it was bought.
    entry_row: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PendingOrder {
    Entry,
    Exit(ExitReason),
}

/// How a position was sold.
#[derive(Debug, Clone, Copy)]
struct Sale {
    time: UnixMillis,
    price: Decimal,
    reference: Decimal,
    reason: ExitReason,
    /// The candle during which it was sold: the first that was not held to its close.
    row: usize,
}

/// An account on its way through time. It is shown the signals part by part, as they become known.
pub(crate) struct Simulation<'a> {
    world: &'a World<'a>,
    out: &'a mut Outcome,
    /// One for each lane.
    slots: Vec<Slot>,
    /// For each book the lane that bought last, in whose slot it is.
    occupants: Vec<usize>,
    /// Lanes that hold anything, in order, so that the others cost nothing.
    holding: Vec<usize>,
    /// Lanes with an order that waits for an open.
    pending: usize,
    /// Lanes whose position has an exit plan, so that its candles have to be looked at.
    watched: usize,
    /// The fee rate, where it does not depend on volume.
    fee_rate_fixed: Option<Decimal>,
    cash: Decimal,
    reserved: Decimal,
    volume: VolumeWindow,
    peak: Peak,
    step: Step,
    /// How much of the queue is done.
    decided: usize,
}

impl<'a> Simulation<'a> {
    /// Begins at the first open, with what the account begins with. What is found is left in `out`.
    pub(crate) fn new(world: &'a World<'a>, out: &'a mut Outcome) -> Self {
        out.reset(world);
        let slots = world.lanes.iter().map(|_| Slot::default()).collect();
        let cash = world.account.cash;
        let rate = &world.account.fees.rate;
        Self {
            world,
            out,
            slots,
            occupants: (0..world.lanes.len()).collect(),
            holding: Vec::new(),
            pending: 0,
            watched: 0,
            fee_rate_fixed: (!rate.depends_on_volume()).then(|| rate.taker(Decimal::ZERO)),
            cash,
            reserved: Decimal::ZERO,
            volume: VolumeWindow::default(),
            peak: Peak::default(),
            step: 0,
            decided: 0,
        }
    }

    /// Goes on until `time` and no further than the end. `signals` are those of all bars that have closed by then, and
    /// perhaps more; what was there at the last call is still there.
    pub(crate) fn run(&mut self, signals: &Signals, time: UnixMillis) {
        let until = self.world.timeline.step_at(time).min(self.world.timeline.len() - 1);
        let mut queue = std::mem::take(&mut self.out.queue);
        self.enqueue(signals, &mut queue);
        self.walk(signals, &queue, until);
        self.out.queue = queue;
    }

    /// Appends what is new in `signals`, in the order in which it is decided.
    fn enqueue(&mut self, signals: &Signals, queue: &mut Vec<Due>) {
        for (lane, reader) in self.world.lanes.iter().enumerate() {
            let signals = &signals.by_lane[lane];
            let states = &mut self.out.states[lane];
            let known = states.len();
            states.resize(signals.len(), SignalState::New);
            // A trade takes two signals, as a rule.
            self.out.trades.reserve((signals.len() - known) / 2 + 1);
            let timeline = self.world.timeline;
            let candles = self.world.series[reader.series].candles();
            let open = &candles.columns().open;
            let on_grid = timeline.is_even(reader.series) && reader.bars.timeframe() == candles.timeframe();
            queue.extend(signals.iter().enumerate().skip(known).map(|(signal, advice)| {
                if on_grid {
                    let step = advice.bar + 1;
                    return Due { step, lane, signal, open: open.get(step).copied() };
                }
                let step = timeline.step_at(reader.bars.close_time(advice.bar));
                Due { step, lane, signal, open: None }
            }));
        }
        if self.world.lanes.len() > 1 {
            queue[self.decided..].sort_unstable_by_key(|due| (due.step, due.lane, due.signal));
        }
    }

    fn walk(&mut self, signals: &Signals, queue: &[Due], until: Step) {
        let mut step = self.step;
        while step < until {
            let horizon = queue.get(self.decided).map_or(until, |due| due.step.min(until));
            let next = self.next_step(step, horizon);
            if self.watched == 0 {
                self.mark(step + 1..next + 1);
                step = next;
            } else {
                self.mark(step + 1..next);
                step = next;
                self.meet_candles(step);
                self.mark(step..step + 1);
            }
            let mut view = None;
            while let Some(due) = queue.get(self.decided).filter(|due| due.step == step) {
                self.decided += 1;
                self.pass_gate(due, &signals.by_lane[due.lane][due.signal], &mut view);
            }
            if self.pending > 0 {
                self.fill_at_open(step);
            }
        }
        self.step = step;
    }

    /// Returns the next step at which anything may happen: `horizon` or an earlier one.
    fn next_step(&self, step: Step, horizon: Step) -> Step {
        if self.pending > 0 {
            return step + 1;
        }
        if self.watched == 0 {
            return horizon;
        }
        let timeline = self.world.timeline;
        let mut next = horizon;
        for &index in &self.holding {
            let Some(active) = self.slots[index].active.as_ref().filter(|active| !active.plan.is_empty()) else {
                continue;
            };
            let series = self.world.lanes[index].series;
            let candles = self.world.series[series].candles();
            let rows = timeline.closed(series, step)..timeline.closed(series, next);
            if let Some(row) = active.watch.first_alarm(candles, rows) {
                next = next.min(timeline.step_at(candles.close_time(row)));
            }
        }
        next
    }

    /// Appends the equity of `steps`, in which neither cash nor positions change. Steps come in order, each once.
    fn mark(&mut self, steps: Range<Step>) {
        let World { timeline, series, lanes, .. } = *self.world;
        let equity = &mut self.out.equity;
        let cash = to_f64(self.cash);
        // One position on an even timeline, or none, is the common case and deserves its own stride.
        match *self.holding {
            [] => return equity.extend(steps.map(|_| cash)),
            [index] if timeline.is_even(lanes[index].series) => {
                let coins = to_f64(self.slots[index].coins());
                let close = &series[lanes[index].series].candles().columns().close;
                return equity.extend(close[steps.start - 1..steps.end - 1].iter().map(|close| cash + coins * close));
            }
            _ => {}
        }
        let from = equity.len();
        equity.extend(steps.clone().map(|_| cash));
        for &index in &self.holding {
            let coins = to_f64(self.slots[index].coins());
            let lane = lanes[index].series;
            let close = &series[lane].candles().columns().close;
            for (equity, step) in equity[from..].iter_mut().zip(steps.clone()) {
                // Before its first close an entry that waits for its open holds nothing to mark.
                if let Some(row) = timeline.closed(lane, step).checked_sub(1) {
                    *equity += coins * close[row];
                }
            }
        }
    }

    /// Lets the candles that close at `step` meet resting stops, and decides exits at their close.
    fn meet_candles(&mut self, step: Step) {
        let mut at = 0;
        while let Some(&index) = self.holding.get(at) {
            self.meet_candle(index, step);
            // A sale may have taken the lane off the list.
            at += usize::from(self.holding.get(at) == Some(&index));
        }
    }

    fn meet_candle(&mut self, index: usize, step: Step) {
        let series = self.world.lanes[index].series;
        let Some(active) = self.slots[index].active.as_mut() else { return };
        if active.plan.is_empty() || active.position.state() != PositionState::Open {
            return;
        }
        let Some(row) = self.world.timeline.closing(series, step) else { return };
        let candles = self.world.series[series].candles();
        let (candle, close_time) = (candles.candle(row), candles.close_time(row));
        active.watch.pass_to(candles, row + 1);
        let outcome = active.plan.stop.map(|stop| self.world.account.fill_model.stop(&stop, &candle));
        let reason = match outcome {
            Some(StopOutcome::Filled { price, reference }) => {
                // A gap sells at the open; when it happened inside the candle is known at its close.
                let at_open = reference == decimal_price(candle.open);
                let time = if at_open { candle.open_time } else { close_time };
                return self.sell(index, Sale { time, price, reference, reason: ExitReason::Stop, row });
            }
            Some(StopOutcome::GappedBeyond) => Some(ExitReason::Stop),
            Some(StopOutcome::Untouched) | None => active.exit_at_close(candle.close, close_time),
        };
        if let Some(reason) = reason {
            self.order_exit(index, reason);
        }
    }

    fn order_exit(&mut self, index: usize, reason: ExitReason) {
        if let Some(active) = self.slots[index].active.as_mut() {
            active.apply(PositionEvent::ExitOrdered(reason), Decimal::ZERO);
            active.pending = Some(PendingOrder::Exit(reason));
            self.pending += 1;
        }
    }

    /// Decides one signal. `view` is the account at this close, looked at when the first buy asks for it.
    fn pass_gate(&mut self, due: &Due, advice: &Signal, view: &mut Option<AccountView>) {
        let Due { step, lane, signal, open } = *due;
        let index = self.occupants[self.world.lanes[lane].book];
        self.slots[index].open = open.map(|open| (step, open));
        let verdict = gate::decide_held(advice.signal_type, self.slots[index].holding()).unwrap_or_else(|| {
            let view = view.get_or_insert_with(|| self.account_view(step));
            self.decide_entry(due, advice, view)
        });
        let state = match verdict {
            Verdict::Enter(intent) => {
                if let Some(view) = view {
                    view.cash_available -= intent.reserved;
                    view.exposure += intent.reserved;
                }
                self.order_entry(due, advice, intent);
                SignalState::Ordered
            }
            Verdict::Exit => {
                self.order_exit(index, ExitReason::Signal);
                SignalState::Consumed
            }
            Verdict::CancelEntry => {
                self.abandon(index);
                SignalState::Consumed
            }
            Verdict::NoAction => SignalState::NoAction,
            Verdict::Expired => SignalState::Expired,
            Verdict::Rejected(rejection) => {
                self.reject(due, advice, &rejection);
                SignalState::Rejected
            }
        };
        self.set_state(lane, signal, state);
    }

    fn decide_entry(&self, due: &Due, signal: &Signal, view: &mut AccountView) -> Verdict {
        let World { lanes, account, series, .. } = *self.world;
        let lane = &lanes[due.lane];
        let market = &series[lane.series];
        let symbol_of = |index: usize| &series[lanes[index].series].instrument().symbol;
        view.positions = self.count_active(|_| true);
        view.positions_of_strategy = self.count_active(|index| lanes[index].owner == lane.owner);
        view.positions_of_symbol = self.count_active(|index| *symbol_of(index) == market.instrument().symbol);
        let close_time = self.world.timeline.time(due.step);
        let candidate = Candidate {
            signal,
            params: lane.risk,
            rules: &market.rules,
            close_time,
            bar_millis: lane.bars.timeframe().millis(),
            now: close_time,
            close: decimal_price(lane.bars.columns().close[signal.bar]),
            stale_bars: self.stale_bars(lane.series, due.step),
            exit_time_last: self.slots[self.occupants[lane.book]].exit_time_last,
        };
        let costs = Costs { fill_model: &account.fill_model, fees: &account.fees, fee_rate: self.fee_rate(close_time) };
        gate::decide_entry(&candidate, view, &account.limits, &costs)
    }

    fn count_active(&self, belongs: impl Fn(usize) -> bool) -> u32 {
        let active = self.holding.iter().filter(|index| self.slots[**index].active.is_some() && belongs(**index));
        u32::try_from(active.count()).unwrap_or(u32::MAX)
    }

    /// Returns how many of the last candles had no trade; 0 where no limit asks.
    fn stale_bars(&self, series: usize, step: Step) -> u32 {
        if self.world.account.limits.stale_after_bars.is_none() {
            return 0;
        }
        let closed = self.world.timeline.closed(series, step);
        let volume = &self.world.series[series].candles().columns().volume[..closed];
        u32::try_from(volume.iter().rev().take_while(|volume| **volume <= 0.0).count()).unwrap_or(u32::MAX)
    }

    fn account_view(&mut self, step: Step) -> AccountView {
        let positions_value = self.positions_value(step);
        let equity = self.cash + positions_value;
        let limits = &self.world.account.limits;
        let equity_day_start = if limits.daily_loss_max_pct.is_some() {
            let midnight = Timeframe::D1.candle_open(self.world.timeline.time(step));
            // The last step at or before midnight; the account's beginning where that was later that day.
            match self.world.timeline.step_at(midnight + 1) {
                0 | 1 => self.world.account.cash,
                first_after => decimal_price(self.out.equity[first_after - 2]),
            }
        } else {
            equity
        };
        let equity_peak = if limits.drawdown_max_pct.is_some() {
            decimal_price(self.peak.until(&self.out.equity)).max(self.world.account.cash)
        } else {
            equity
        };
        AccountView {
            equity,
            cash_available: self.cash - self.reserved,
            exposure: positions_value + self.reserved,
            positions: 0,
            positions_of_strategy: 0,
            positions_of_symbol: 0,
            equity_day_start,
            equity_peak,
            paused: false,
        }
    }

    fn positions_value(&self, step: Step) -> Decimal {
        let value = |&index: &usize| {
            let coins = self.slots[index].coins();
            if coins.is_zero() { Decimal::ZERO } else { round_money(coins * self.mark_price(index, step)) }
        };
        self.holding.iter().map(value).sum()
    }

    /// Returns the last close of a lane that holds something: it was bought on an earlier candle.
    fn mark_price(&self, index: usize, step: Step) -> Decimal {
        let series = self.world.lanes[index].series;
        let closed = self.world.timeline.closed(series, step);
        decimal_price(self.world.series[series].candles().columns().close[closed.saturating_sub(1)])
    }

    fn order_entry(&mut self, due: &Due, advice: &Signal, intent: EntryIntent) {
        let Due { step, lane: index, signal, .. } = *due;
        let signal_time = self.world.timeline.time(step);
        self.occupy(index);
        self.reserved += intent.reserved;
        self.pending += 1;
        if let Err(at) = self.holding.binary_search(&index) {
            self.holding.insert(at, index);
        }
        self.slots[index].active = Some(Active {
            position: Position::default(),
            pending: Some(PendingOrder::Entry),
            intent,
            plan: ExitPlan::NONE,
            watch: Watch::default(),
            signal,
            confidence: advice.confidence,
            pattern: advice.pattern,
            signal_time,
            entry_row: 0,
        });
    }

    /// Hands a book that holds nothing, and what is left in it, to the lane that buys.
    fn occupy(&mut self, lane: usize) {
        let former = std::mem::replace(&mut self.occupants[self.world.lanes[lane].book], lane);
        if former == lane {
            return;
        }
        self.slots[lane] = std::mem::take(&mut self.slots[former]);
        if let Ok(at) = self.holding.binary_search(&former) {
            self.holding.remove(at);
        }
    }

    fn reject(&mut self, due: &Due, signal: &Signal, rejection: &Rejection) {
        self.out.count_rejection(rejection.reason());
        if self.out.rejected.len() < REJECTED_MAX {
            let lane = &self.world.lanes[due.lane];
            self.out.rejected.push(RejectedSignal {
                strategy: lane.strategy,
                instrument: lane.bars.instrument().clone(),
                time: lane.bars.close_time(signal.bar),
                price: lane.bars.columns().close[signal.bar],
                confidence: signal.confidence,
                reason: rejection.reason(),
                detail: rejection.to_string(),
            });
        }
    }

    /// Fills waiting orders whose candle opens at `step`: sales first, since they free cash.
    fn fill_at_open(&mut self, step: Step) {
        let now = self.world.timeline.time(step);
        for exits in [true, false] {
            let mut at = 0;
            while let Some(&index) = self.holding.get(at) {
                let pending = self.slots[index].active.as_ref().and_then(|active| active.pending);
                match pending {
                    Some(PendingOrder::Exit(reason)) if exits => self.fill_exit(index, step, now, reason),
                    Some(PendingOrder::Entry) if !exits => self.fill_entry(index, step, now),
                    _ => {}
                }
                at += usize::from(self.holding.get(at) == Some(&index));
            }
        }
    }

    /// Returns the candle of a lane's series that opens now, with its open.
    fn opening(&self, index: usize, step: Step, now: UnixMillis) -> Option<(usize, Decimal)> {
        let series = self.world.lanes[index].series;
        let timeline = self.world.timeline;
        let row = timeline.closed(series, step);
        if let Some((_, open)) = self.slots[index].open.filter(|(known, _)| *known == step) {
            return Some((row, decimal_price(open)));
        }
        let columns = self.world.series[series].candles().columns();
        let open = *columns.open.get(row)?;
        // On an even timeline there is no gap, so the next candle opens now.
        (timeline.is_even(series) || columns.open_time[row] == now).then(|| (row, decimal_price(open)))
    }

    fn fill_exit(&mut self, index: usize, step: Step, now: UnixMillis, reason: ExitReason) {
        if let Some((row, reference)) = self.opening(index, step, now) {
            self.pending -= 1;
            let price = self.world.account.fill_model.market(Side::Sell, reference);
            self.sell(index, Sale { time: now, price, reference, reason, row });
        }
    }

    fn fill_entry(&mut self, index: usize, step: Step, now: UnixMillis) {
        let world = self.world;
        let Some(active) = self.slots[index].active.as_ref() else { return };
        let intent = active.intent;
        if now >= intent.expiration_at {
            return self.abandon(index);
        }
        let Some((row, reference)) = self.opening(index, step, now) else { return };
        let lane = &world.lanes[index];
        let rules = &world.series[lane.series].rules;
        let cash_free = self.cash - (self.reserved - intent.reserved);
        let Some(fill) = self.purchase(intent.quantity, now, reference, cash_free, rules) else {
            return self.abandon(index);
        };
        self.pending -= 1;
        self.reserved -= intent.reserved;
        self.cash -= fill.notional + fill.fee_cash();
        self.book(&fill);
        self.out.entries += 1;
        let plan = ExitPlan::new(
            lane.risk,
            rules,
            intent.stop_loss,
            intent.take_profit,
            fill.price,
            now,
            lane.bars.timeframe().millis(),
        );
        let Some(active) = self.slots[index].active.as_mut() else { return };
        active.apply(PositionEvent::Bought(fill), Decimal::ZERO);
        self.watched += usize::from(!plan.is_empty());
        active.pending = None;
        active.entry_row = row;
        active.plan = plan;
        active.watch = Watch::new(&plan, fill.price, row, world.series[lane.series].candles().timeframe().millis());
        let signal = active.signal;
        self.set_state(index, signal, SignalState::Filled);
    }

    /// Returns the fill of what `cash` pays of an order for `quantity`, or `None` when that is less than the smallest
    /// order.
    fn purchase(
        &self,
        quantity: Decimal,
        time: UnixMillis,
        reference: Decimal,
        cash: Decimal,
        rules: &InstrumentRules,
    ) -> Option<Fill> {
        let account = self.world.account;
        let quote = Quote { time, price: account.fill_model.market(Side::Buy, reference), reference };
        settlement::purchase(quantity, quote, cash, &account.fees, self.fee_rate(time), rules)
    }

    fn sell(&mut self, index: usize, sale: Sale) {
        let world = self.world;
        let lane = &world.lanes[index];
        let market = &world.series[lane.series];
        let rate = self.fee_rate(sale.time);
        let Some(mut active) = self.slots[index].active.take() else { return };
        let quantity = market.rules.round_quantity_down(active.position.held());
        let quote = Quote { time: sale.time, price: sale.price, reference: sale.reference };
        let fill = settlement::sale(quantity, quote, &world.account.fees, rate);
        active.apply(PositionEvent::Sold(fill, sale.reason), market.rules.step_size);
        self.watched -= usize::from(!active.plan.is_empty());
        self.cash += active.position.proceeds();
        self.book(&fill);
        let trade = self.trade(lane, &active, &sale);
        self.out.trades.push(trade);
        let slot = &mut self.slots[index];
        let dust = active.position.held();
        if !dust.is_zero() {
            slot.dust += dust;
        }
        slot.exit_time_last = Some(sale.time);
        self.let_go(index);
    }

    fn trade(&self, lane: &Lane<'_>, active: &Active, sale: &Sale) -> Trade {
        let position = &active.position;
        let market = &self.world.series[lane.series];
        let bought = position.bought();
        let entry_fill_price = bought.price;
        let cost = position.cost_of_sold();
        let pnl = position.proceeds() - cost;
        let (max_favorable_excursion, max_adverse_excursion) = excursions(
            market.candles().columns(),
            active.entry_row..sale.row,
            to_f64(entry_fill_price),
            to_f64(sale.price),
        );
        Trade {
            strategy: lane.strategy,
            instrument: market.instrument().clone(),
            timeframe: lane.bars.timeframe(),
            signal_time: active.signal_time,
            confidence: active.confidence,
            pattern: active.pattern,
            entry_time: bought.time,
            entry_fill_price,
            exit_time: sale.time,
            exit_fill_price: sale.price,
            exit_reason: sale.reason,
            quantity: position.sold().quantity,
            fees_usd: bought.fees + position.sold().fees,
            pnl_usd: pnl,
            pnl_pct: if cost.is_zero() { 0.0 } else { to_f64(pnl) / to_f64(cost) * 100.0 },
            slippage_pct: position.slippage_pct(),
            max_favorable_excursion,
            max_adverse_excursion,
            bars_held: u32::try_from((sale.time - bought.time) / lane.bars.timeframe().millis()).unwrap_or(u32::MAX),
        }
    }

    /// Ends an entry that was not filled.
    fn abandon(&mut self, index: usize) {
        if let Some(active) = self.slots[index].active.take() {
            self.pending -= 1;
            self.reserved -= active.intent.reserved;
            self.set_state(index, active.signal, SignalState::Abandoned);
            self.let_go(index);
        }
    }

    /// Takes a lane without a position off the list, unless its dust still has to be marked.
    fn let_go(&mut self, index: usize) {
        if self.slots[index].dust.is_zero()
            && let Ok(at) = self.holding.binary_search(&index)
        {
            self.holding.remove(at);
        }
    }

    fn book(&mut self, fill: &Fill) {
        self.out.fees += fill.fee.value(fill.price);
        self.out.turnover += fill.notional;
        if self.fee_rate_fixed.is_none() {
            self.volume.add(fill.time, fill.notional);
        }
    }

    fn fee_rate(&self, now: UnixMillis) -> Decimal {
        self.fee_rate_fixed.unwrap_or_else(|| self.world.account.fees.rate.taker(self.volume.sum_since(now)))
    }

    fn set_state(&mut self, index: usize, signal: usize, next: SignalState) {
        let state = &mut self.out.states[index][signal];
        assert!(state.may_become(next), "a signal that is {state:?} cannot become {next:?}");
        *state = next;
    }

    /// Says what is left at the end of the candles.
    pub(crate) fn finish(self) {
        let last = self.world.timeline.len() - 1;
        self.out.cash = self.cash;
        self.out.equity_final = self.cash + self.positions_value(last);
        for &index in &self.holding {
            let Some(active) = &self.slots[index].active else { continue };
            if active.position.state() == PositionState::Pending {
                continue;
            }
            let mark_price = self.mark_price(index, last);
            let lane = &self.world.lanes[index];
            self.out.open_positions.push(OpenPosition {
                strategy: lane.strategy,
                instrument: lane.bars.instrument().clone(),
                entry_time: active.position.bought().time,
                entry_fill_price: active.position.bought().price,
                quantity: active.position.held(),
                mark_price,
                pnl_usd: active.position.pnl_open(mark_price),
            });
        }
    }
}

impl Active {
    /// Applies an event that the simulation itself made: a refusal is our own bug.
    fn apply(&mut self, event: PositionEvent, dust: Decimal) {
        if let Err(error) = self.position.apply(event, dust) {
            panic!("the simulation broke the life of a position: {error}");
        }
    }

    /// Returns why to sell at a close, if there is a reason.
    fn exit_at_close(&self, close: f64, close_time: UnixMillis) -> Option<ExitReason> {
        self.plan.exit_at_close(decimal_price(close), decimal_price(self.watch.best_close()), close_time)
    }
}

/// Highest equity so far, looked up only when a limit asks.
#[derive(Debug, Default)]
struct Peak {
    highest: f64,
    seen: usize,
}

impl Peak {
    fn until(&mut self, equity: &[f64]) -> f64 {
        self.highest = self.highest.max(sentinel_domain::extremes::highest(&equity[self.seen..]));
        self.seen = equity.len();
        self.highest
    }
}

#[cfg(test)]
mod tests;
