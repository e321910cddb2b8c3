//! The gate at work: it decides the signals of one close, all together, and commits what it decided with the account.

use rust_decimal::Decimal;
use sentinel_domain::closes::PositionsDue;
use sentinel_domain::documents::{Precondition, Stored, Write};
use sentinel_domain::gate::{
    AccountView, Candidate, Costs, EntryIntent, Holding, Rejection, Verdict, decide_entry, decide_held,
};
use sentinel_domain::live::{LivePosition, LiveSignal, OrderPurpose, PositionStatus, RejectedBy, RejectedSignal};
use sentinel_domain::money::{decimal_price, round_money};
use sentinel_domain::position::Position;
use sentinel_domain::signal::SignalState;
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::trade::ExitReason;
use sentinel_function_runtime::{FunctionError, Message, Report, RunContext};

use crate::books::Books;
use crate::desk::{Desk, broker_failed};
use crate::exits::order_exit;
use crate::orders::{intend, send};
use crate::series::session_until;
use crate::sync::{give_up_entries, holdings, last_close};

/// Where the message goes that positions are to be looked after.
const TOPIC: &str = "positions";

/// Returns the signals of the account at a close that nobody has decided, in the order of the gate.
///
/// # Errors
/// When the store cannot be read.
pub async fn fresh(
    ctx: &RunContext,
    desk: &Desk,
    close_time: UnixMillis,
) -> Result<Vec<Stored<LiveSignal>>, FunctionError> {
    let records = ctx.records::<LiveSignal>();
    let fresh = records.select().equal("status", "NEW").equal("close_time", close_time);
    let mut signals = records.all(fresh).await?;
    signals.retain(|stored| stored.record.account_id == desk.terms.account_id);
    signals.sort_by(|a, b| a.record.rank().cmp(&b.record.rank()));
    Ok(signals)
}

/// Decides the [`fresh`] signals of the close at `close_time`, which is past by `now`, and sends what comes of it. A close
/// is decided once: signals that come later stay as they are until they expire. Where orders come of it, positions are
/// due at once: a market order is filled in moments, and its stop should rest as soon.
///
/// The books are those that [`crate::sync`] has brought up to the close.
///
/// # Errors
/// When store or broker fail; nothing was decided then, or all of it was and the next [`crate::sync`] sends it.
pub async fn decide(
    ctx: &RunContext,
    desk: &Desk,
    mut books: Books,
    (close_time, signals): (UnixMillis, Vec<Stored<LiveSignal>>),
    now: UnixMillis,
) -> Result<Report, FunctionError> {
    if books.account.gate_time.is_some_and(|decided| close_time <= decided) {
        return Ok(Report::default());
    }
    let mut session = Session { ctx, desk, now, view: None, writes: Vec::new(), orders: false, canceled: false };
    let rows_in = signals.len() as u64;
    for stored in signals {
        session.decide(&mut books, stored).await?;
    }
    books.account.gate_time = Some(close_time);
    let Session { mut writes, orders, canceled, .. } = session;
    writes.extend(books.writes(ctx).await?);
    let due = orders.then(|| {
        let phase = format!("ordered|{}", desk.terms.namespace);
        Message::new(TOPIC, PositionsDue { at: close_time }.event(&phase))
    });
    let mut books = books.save_with(ctx, desk, writes, due.into_iter().collect()).await?;
    if canceled {
        give_up_entries(&mut books, desk, now).await?;
    }
    let sent = send(&mut books, desk).await?;
    books.save(ctx, desk).await?;
    Ok(Report { rows_in, rows_out: sent, ..Report::default() })
}

/// One sitting of the gate.
struct Session<'a> {
    ctx: &'a RunContext,
    desk: &'a Desk,
    now: UnixMillis,
    /// The account at this close, looked at when the first buy asks for it.
    view: Option<AccountView>,
    writes: Vec<Write>,
    /// Whether something is to be bought or sold.
    orders: bool,
    canceled: bool,
}

impl Session<'_> {
    async fn decide(&mut self, books: &mut Books, mut stored: Stored<LiveSignal>) -> Result<(), FunctionError> {
        let signal = &stored.record;
        let held = position_of(books, signal);
        let holding = held.map_or(Holding::Flat, |index| books.positions[index].holding());
        let verdict = match decide_held(signal.signal_type, holding) {
            Some(verdict) => verdict,
            None => self.entry(books, signal).await?,
        };
        let state = match verdict {
            Verdict::Enter(intent) => {
                if let Some(view) = &mut self.view {
                    view.cash_available -= intent.reserved;
                    view.exposure += intent.reserved;
                }
                books.positions.push(opened(signal, intent, self.now));
                self.orders = true;
                SignalState::Ordered
            }
            Verdict::Exit => {
                if let Some(index) = held {
                    order_exit(&mut books.positions[index], ExitReason::Signal, signal.price, self.now);
                    self.orders = true;
                }
                SignalState::Consumed
            }
            Verdict::CancelEntry => {
                if let Some(index) = held {
                    books.positions[index].intent.expiration_at = self.now;
                    self.canceled = true;
                }
                SignalState::Consumed
            }
            Verdict::NoAction => SignalState::NoAction,
            Verdict::Expired => SignalState::Expired,
            Verdict::Rejected(rejection) => return self.reject(stored, &rejection),
        };
        stored.record.status = state;
        self.writes.push(self.ctx.records::<LiveSignal>().put_back(&stored)?);
        Ok(())
    }

    async fn entry(&mut self, books: &Books, signal: &LiveSignal) -> Result<Verdict, FunctionError> {
        let terms = &self.desk.terms;
        if self.view.is_none() {
            self.view = Some(account_view(self.ctx, self.desk, books, signal.close_time).await?);
        }
        let Some(view) = &mut self.view else { return Ok(Verdict::NoAction) };
        let count = |belongs: &dyn Fn(&LivePosition) -> bool| {
            let alive = books.positions.iter().filter(|position| is_alive(position) && belongs(position));
            u32::try_from(alive.count()).unwrap_or(u32::MAX)
        };
        view.positions = count(&|_| true);
        view.positions_of_strategy = count(&|position| position.strategy_id == signal.strategy_id);
        view.positions_of_symbol = count(&|position| position.instrument.symbol == signal.instrument.symbol);
        let lane = sentinel_domain::live::Lane {
            strategy_id: &signal.strategy_id,
            instrument: &signal.instrument,
            timeframe: signal.timeframe,
        };
        let advice = signal.advice();
        let stale_bars = match terms.limits.stale_after_bars {
            Some(_) => stale_bars(self.ctx, self.desk, signal).await?,
            None => 0,
        };
        let candidate = Candidate {
            signal: &advice,
            params: &signal.risk_params,
            rules: &signal.rules,
            close_time: signal.close_time,
            bar_millis: signal.timeframe.millis(),
            now: self.now,
            close: decimal_price(signal.price),
            stale_bars,
            exit_time_last: books.account.lanes.get(&lane.key()).and_then(|lane| lane.exit_time_last),
        };
        let fee_rate = terms.fees.rate.taker(books.account.volume.sum_since(signal.close_time));
        let costs = Costs { fill_model: &terms.fill_model, fees: &terms.fees, fee_rate };
        Ok(decide_entry(&candidate, view, &terms.limits, &costs))
    }

    /// Moves the signal to where the shadow archive finds it.
    fn reject(&mut self, stored: Stored<LiveSignal>, rejection: &Rejection) -> Result<(), FunctionError> {
        let live = self.ctx.records::<LiveSignal>();
        let id = stored.record.signal_id.clone();
        self.writes.push(Write::delete(live.collection(), id, stored.unchanged()));
        let mut signal = stored.record;
        signal.status = SignalState::Rejected;
        signal.rejection = Some(RejectedBy { reason: rejection.reason().to_owned(), detail: rejection.to_string() });
        let rejected = RejectedSignal { signal, quantity: None };
        self.writes.push(self.ctx.records::<RejectedSignal>().put(&rejected, Precondition::Any)?);
        Ok(())
    }
}

fn is_alive(position: &LivePosition) -> bool {
    !matches!(position.status, PositionStatus::Closed | PositionStatus::Abandoned)
}

fn position_of(books: &Books, signal: &LiveSignal) -> Option<usize> {
    books.positions.iter().position(|position| {
        is_alive(position)
            && position.strategy_id == signal.strategy_id
            && position.instrument == signal.instrument
            && position.timeframe == signal.timeframe
    })
}

fn opened(signal: &LiveSignal, intent: EntryIntent, now: UnixMillis) -> LivePosition {
    let mut position = LivePosition {
        position_id: LivePosition::id_of(&signal.signal_id),
        signal_id: signal.signal_id.clone(),
        account_id: signal.account_id.clone(),
        strategy_id: signal.strategy_id.clone(),
        strategy_version: signal.strategy_version,
        instrument: signal.instrument.clone(),
        timeframe: signal.timeframe,
        status: PositionStatus::Pending,
        position: Position::default(),
        intent,
        signal_price: signal.price,
        signal_time: signal.close_time,
        confidence: signal.confidence,
        pattern_name: signal.pattern_name.clone(),
        rules: signal.rules,
        risk_params: signal.risk_params.clone(),
        plan: None,
        best_close: None,
        watched_until: signal.close_time,
        orders: Vec::new(),
        entry_fill_price: None,
        current_stop: None,
        entry_time: None,
        exit_time: None,
        exit_reason: None,
        archived: false,
    };
    intend(&mut position, OrderPurpose::Entry, intent.quantity, decimal_price(signal.price), now);
    position
}

async fn account_view(
    ctx: &RunContext,
    desk: &Desk,
    books: &Books,
    close_time: UnixMillis,
) -> Result<AccountView, FunctionError> {
    let cash = desk.broker.account().await.map_err(broker_failed("ask the broker for the account"))?.cash;
    let mut positions_value = Decimal::ZERO;
    for holding in holdings(books) {
        let close = last_close(ctx, desk.terms.finest, &holding.instrument, close_time).await?.unwrap_or_default();
        positions_value += round_money(holding.coins * decimal_price(close));
    }
    let equity = cash + positions_value;
    let reserved = books.reserved();
    let account = &books.account;
    let limits = &desk.terms.limits;
    let day_start = limits.daily_loss_max_pct.and(account.equity_day_start).map_or(equity, decimal_price);
    let peak = limits.drawdown_max_pct.and(account.equity_peak).map_or(equity, decimal_price);
    let peak = if limits.drawdown_max_pct.is_some() { peak.max(account.cash_initial) } else { peak };
    Ok(AccountView {
        equity,
        cash_available: cash - reserved,
        exposure: positions_value + reserved,
        positions: 0,
        positions_of_strategy: 0,
        positions_of_symbol: 0,
        equity_day_start: day_start,
        equity_peak: peak,
        paused: account.paused.is_some(),
    })
}

/// Returns how many of the last candles had no trade.
async fn stale_bars(ctx: &RunContext, desk: &Desk, signal: &LiveSignal) -> Result<u32, FunctionError> {
    let series = session_until(ctx, &signal.instrument, desk.terms.finest, signal.close_time, 1_000).await?;
    let volume = series.map(|series| series.candles.columns().volume.clone()).unwrap_or_default();
    let stale = volume.iter().rev().take_while(|volume| **volume <= 0.0).count();
    Ok(u32::try_from(stale).unwrap_or(u32::MAX))
}
