//! The market moves: candles close and open, and orders meet them.

use rust_decimal::Decimal;
use sentinel_domain::broker::{Activity, BrokerOrderStatus, CryptoFee, FillActivity, OrderKind, TimeInForce};
use sentinel_domain::candles::Candle;
use sentinel_domain::fees::Fee;
use sentinel_domain::fill::{RestingStop, Side, StopOutcome};
use sentinel_domain::instrument::{InstrumentRules, Symbol};
use sentinel_domain::money::{decimal_price, round_money};
use sentinel_domain::position::Fill;
use sentinel_domain::settlement::{self, Quote};
use sentinel_domain::timeframe::UnixMillis;

use super::looks::EquityPoint;
use super::{Exchange, Execution, Happening};
use crate::ids;
use crate::market::Market;
use crate::moment::{Moment, Phase};

/// Sales first, since they free cash.
const SIDES: [Side; 2] = [Side::Sell, Side::Buy];

/// Whether an order takes a price from the book or rested in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Liquidity {
    Taker,
    Maker,
}

/// The candle an order meets, and at what price.
#[derive(Debug, Clone, Copy)]
struct Meeting {
    candle_open: UnixMillis,
    quote: Quote,
    liquidity: Liquidity,
}

impl Exchange {
    /// Lets everything happen up to `to`, in the order of time.
    pub(super) fn advance_to(&mut self, to: Moment) {
        while let Some(moment) = self.next_event().filter(|moment| *moment <= to) {
            let candles = self.markets.iter_mut();
            let candles: Vec<(Symbol, Candle)> =
                candles.filter_map(|(symbol, market)| Some((symbol.clone(), market.pass(moment)?))).collect();
            match moment.phase {
                Phase::Close => self.close(moment.time, &candles),
                Phase::Open => self.open(&candles),
            }
        }
        self.now = to;
    }

    fn next_event(&self) -> Option<Moment> {
        let posting = self.ledger.next_posting().map(Moment::at_close);
        self.markets.values().filter_map(Market::next_event).chain(posting).min()
    }

    fn close(&mut self, time: UnixMillis, candles: &[(Symbol, Candle)]) {
        for (index, candle) in self.orders_meeting(candles) {
            self.meet_candle(index, &candle, time);
        }
        self.post_fees(time);
        if !candles.is_empty() {
            self.mark_equity(time);
        }
    }

    fn open(&mut self, candles: &[(Symbol, Candle)]) {
        for (index, candle) in self.orders_meeting(candles) {
            self.meet_open(index, &candle);
        }
    }

    /// Returns the open orders that were there when their candle opened, sales first, each side as they came.
    fn orders_meeting(&self, candles: &[(Symbol, Candle)]) -> Vec<(usize, Candle)> {
        let meeting = |index: usize| {
            let order = self.book.get(index);
            let (_, candle) = candles.iter().find(|(symbol, _)| *symbol == order.shown.request.symbol)?;
            (order.submitted.time <= candle.open_time).then_some((index, *candle))
        };
        SIDES.into_iter().flat_map(|side| self.book.open_on(side)).filter_map(meeting).collect()
    }

    /// Fills an order that comes while candles are opening at the very open.
    pub(super) fn fill_at_running_open(&mut self, index: usize) {
        let symbol = &self.book.get(index).shown.request.symbol;
        if let Some(candle) = self.markets.get(symbol).and_then(|market| market.just_opened(self.now.time)) {
            self.meet_open(index, &candle);
        }
    }

    /// Market orders, and limit orders that the open satisfies.
    fn meet_open(&mut self, index: usize, candle: &Candle) {
        let order = self.book.get(index);
        let (kind, side) = (order.shown.request.kind, order.shown.request.side);
        if matches!(kind, OrderKind::StopLimit { .. }) && !order.is_awake {
            return;
        }
        let open = decimal_price(candle.open);
        let price = match kind.limit_price() {
            None => Some((self.settings.fill_model.market(side, open), Liquidity::Taker)),
            Some(limit) if !is_no_worse(side, open, limit) => None,
            Some(_) if order.has_rested => Some((open, Liquidity::Maker)),
            Some(limit) => Some((self.taken_within(side, open, limit), Liquidity::Taker)),
        };
        if let Some((price, liquidity)) = price {
            let quote = Quote { time: candle.open_time, price, reference: open };
            self.fill(index, Meeting { candle_open: candle.open_time, quote, liquidity });
        }
        self.end_if_immediate(index, candle.open_time);
    }

    /// Resting stops and limits, once the candle is over.
    fn meet_candle(&mut self, index: usize, candle: &Candle, close_time: UnixMillis) {
        let order = self.book.get(index);
        if order.filled_in == Some(candle.open_time) {
            return;
        }
        match order.shown.request.kind {
            OrderKind::Market => {}
            OrderKind::StopLimit { stop_price, limit_price } if !order.is_awake => {
                self.meet_stop(index, RestingStop { stop_price, limit_price }, candle, close_time);
            }
            OrderKind::Limit { limit_price } | OrderKind::StopLimit { limit_price, .. } => {
                self.meet_limit(index, limit_price, candle, close_time);
            }
        }
        self.book.get_mut(index).has_rested = true;
    }

    fn meet_stop(&mut self, index: usize, stop: RestingStop, candle: &Candle, close_time: UnixMillis) {
        let outcome = match self.book.get(index).shown.request.side {
            Side::Sell => self.settings.fill_model.stop(&stop, candle),
            Side::Buy => self.stop_above(stop, candle),
        };
        match outcome {
            StopOutcome::Untouched => {}
            StopOutcome::GappedBeyond => {
                self.book.get_mut(index).is_awake = true;
                self.end_if_immediate(index, close_time);
            }
            StopOutcome::Filled { price, reference } => {
                self.book.get_mut(index).is_awake = true;
                // A gap trades at the open; when it happened inside the candle is known at its close.
                let at_open = reference == decimal_price(candle.open);
                let time = if at_open { candle.open_time } else { close_time };
                let quote = Quote { time, price, reference };
                self.fill(index, Meeting { candle_open: candle.open_time, quote, liquidity: Liquidity::Taker });
                self.end_if_immediate(index, close_time);
            }
        }
    }

    /// The mirror image of the resting stop under a long: a purchase that wakes above the market.
    fn stop_above(&self, stop: RestingStop, candle: &Candle) -> StopOutcome {
        if decimal_price(candle.high) < stop.stop_price {
            return StopOutcome::Untouched;
        }
        let open = decimal_price(candle.open);
        if open > stop.limit_price {
            return StopOutcome::GappedBeyond;
        }
        let reference = open.max(stop.stop_price);
        StopOutcome::Filled { price: self.taken_within(Side::Buy, reference, stop.limit_price), reference }
    }

    /// A limit is filled when the candle trades through it, not when it only touches it: others were there before.
    fn meet_limit(&mut self, index: usize, limit: Decimal, candle: &Candle, close_time: UnixMillis) {
        let is_through = match self.book.get(index).shown.request.side {
            Side::Buy => decimal_price(candle.low) < limit,
            Side::Sell => decimal_price(candle.high) > limit,
        };
        if is_through {
            let quote = Quote { time: close_time, price: limit, reference: limit };
            self.fill(index, Meeting { candle_open: candle.open_time, quote, liquidity: Liquidity::Maker });
        }
    }

    /// Returns the price of an order that takes at `reference`, slippage included, but never worse than its limit.
    fn taken_within(&self, side: Side, reference: Decimal, limit: Decimal) -> Decimal {
        let price = self.settings.fill_model.market(side, reference);
        match side {
            Side::Buy => price.min(limit),
            Side::Sell => price.max(limit),
        }
    }

    fn end_if_immediate(&mut self, index: usize, time: UnixMillis) {
        if self.book.is_open(index) && self.book.get(index).shown.request.time_in_force == TimeInForce::Ioc {
            self.take_back(index, time);
        }
    }

    /// Fills what can be filled of an order at a price: all, a fraction where that fault is armed, or what there is
    /// cash or coins for; of the last the rest is taken back.
    fn fill(&mut self, index: usize, meeting: Meeting) {
        let time = meeting.quote.time;
        let (left, piece) = self.piece(index, meeting.quote.price);
        let Some(fill) = self.settle_piece(index, piece, meeting) else { return self.take_back(index, time) };
        self.book_fill(index, &fill, meeting.candle_open, left);
        if fill.quantity == left {
            self.book.complete(index);
        } else if fill.quantity < piece {
            self.book.cancel(index, time);
        }
        self.note_fill(index, &fill);
        if !self.book.is_open(index) && fill.quantity != left {
            self.tell(index, Happening::Canceled, time);
        }
    }

    /// Returns what is left of an order, and how much of it this candle may fill.
    fn piece(&self, index: usize, price: Decimal) -> (Decimal, Decimal) {
        let order = self.book.get(index);
        let rules = self.rules_of(&order.shown.request.symbol);
        let left = order.quantity_left(price, |quantity| rules.round_quantity_down(quantity));
        let piece = order.sufferings.fill_fraction.map_or(left, |fraction| {
            let whole = left + order.shown.filled_quantity;
            let piece = rules.round_quantity_down(whole * fraction).max(rules.quantity_min);
            if left - piece < rules.quantity_min { left } else { piece }
        });
        (left, piece)
    }

    /// Returns the fill of a piece, as far as cash or coins reach, or `None` when they reach for nothing.
    fn settle_piece(&self, index: usize, piece: Decimal, meeting: Meeting) -> Option<Fill> {
        let order = self.book.get(index);
        let symbol = &order.shown.request.symbol;
        let (quote, fees) = (meeting.quote, &self.settings.fees);
        let volume = self.ledger.volume.sum_since(quote.time);
        let rate = match meeting.liquidity {
            Liquidity::Taker => fees.rate.taker(volume),
            Liquidity::Maker => fees.rate.maker(volume),
        };
        if piece.is_zero() {
            return None;
        }
        match order.shown.request.side {
            Side::Buy => {
                let cash = self.ledger.cash - (self.cash_reserved() - order.reserved);
                settlement::purchase(piece, quote, cash, fees, rate, &self.rules_of(symbol))
            }
            Side::Sell => {
                let sold = piece.min(self.ledger.quantity(symbol));
                (!sold.is_zero()).then(|| settlement::sale(sold, quote, fees, rate))
            }
        }
    }

    fn rules_of(&self, symbol: &Symbol) -> InstrumentRules {
        self.markets.get(symbol).map(|market| *market.rules()).unwrap_or_default()
    }

    fn book_fill(&mut self, index: usize, fill: &Fill, candle_open: UnixMillis, left: Decimal) {
        let order = self.book.get_mut(index);
        let shown = &mut order.shown;
        shown.filled_quantity += fill.quantity;
        order.filled_notional += fill.notional;
        shown.filled_avg_price = Some(if shown.filled_quantity == fill.quantity {
            fill.price
        } else {
            round_money(order.filled_notional / shown.filled_quantity)
        });
        shown.filled_at = Some(fill.time);
        shown.updated_at = fill.time;
        shown.status = BrokerOrderStatus::PartiallyFilled;
        order.reserved = round_money(order.reserved * (left - fill.quantity) / left);
        order.filled_in = Some(candle_open);
        let (symbol, side) = (shown.request.symbol.clone(), shown.request.side);
        self.ledger.settle(&symbol, side, fill);
    }

    /// Writes a fill into the account's journal and notes its fee for the end of the day.
    fn note_fill(&mut self, index: usize, fill: &Fill) {
        let account = &self.settings.account;
        let order = self.book.get(index);
        let shown = &order.shown;
        let execution_id = ids::uuid("fill", account, &shown.id.0, self.activities.len());
        let id = ids::activity(fill.time, &execution_id);
        let rules = self.rules_of(&shown.request.symbol);
        let left = if self.book.is_open(index) {
            order.quantity_left(fill.price, |quantity| rules.round_quantity_down(quantity))
        } else {
            Decimal::ZERO
        };
        self.activities.push(Activity::Fill(FillActivity {
            id: id.clone(),
            order_id: shown.id.clone(),
            symbol: shown.request.symbol.to_string(),
            side: shown.request.side,
            quantity: fill.quantity,
            price: fill.price,
            quantity_cumulative: shown.filled_quantity,
            quantity_left: left,
            is_partial: !left.is_zero(),
            time: fill.time,
        }));
        let (symbol, delay) = (shown.request.symbol.clone(), order.sufferings.fee_delay_days);
        let ids = (shown.id.clone(), id);
        self.ledger.charge(fill, &symbol, ids, delay);
        let price = if self.hides_price(self.book.get(index)) { Decimal::ZERO } else { fill.price };
        let execution = Execution { price, quantity: fill.quantity, held: self.ledger.quantity(&symbol) };
        self.tell_fill(index, execution_id, fill.time, execution);
    }

    fn post_fees(&mut self, time: UnixMillis) {
        for due in self.ledger.take_due(time) {
            let (quantity, net_amount) = match due.fee {
                Fee::Base(quantity) => (-quantity, Decimal::ZERO),
                Fee::Quote(sum) => (Decimal::ZERO, -sum),
            };
            let account = &self.settings.account;
            let id = ids::activity(time, &ids::uuid("fee", account, &due.fill_id, 0));
            self.activities.push(Activity::CryptoFee(CryptoFee {
                id,
                date: due.day,
                symbol: Some(due.symbol.to_string()),
                quantity,
                net_amount,
                price: Some(due.price),
                order_id: Some(due.order_id),
            }));
        }
    }

    fn mark_equity(&mut self, time: UnixMillis) {
        let point = EquityPoint { time, equity: self.equity() };
        match self.equity.last_mut() {
            Some(last) if last.time == time => *last = point,
            // Candles that became known late: the account's past is written already.
            Some(last) if last.time > time => {}
            _ => self.equity.push(point),
        }
    }
}

fn is_no_worse(side: Side, price: Decimal, limit: Decimal) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}
