//! Small markets and the account that trades on them.

use std::sync::Arc;

use rust_decimal::{Decimal, dec};
use sentinel_domain::broker::{BrokerOrder, BrokerOrderStatus, OrderKind, OrderSize, TimeInForce};
use sentinel_domain::candles::{Candles, Columns};
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::fill::Side;
use sentinel_domain::instrument::{Instrument, InstrumentRules, Symbol};
use sentinel_domain::timeframe::Timeframe;
use sentinel_simulated_broker::exchange::{Command, Exchange, NewOrder, Refusal};
use sentinel_simulated_broker::faults::{FaultRule, OrderFault};
use sentinel_simulated_broker::{Moment, Settings};

pub(crate) const MINUTE: i64 = 60_000;

pub(crate) fn btc() -> Symbol {
    "BTC/USD".parse().unwrap()
}

/// Returns candles of one minute from 1970 on: open, high, low, close.
pub(crate) fn minutes(symbol: &Symbol, rows: &[[f64; 4]]) -> Candles {
    candles(symbol, Timeframe::M1, 0, rows)
}

pub(crate) fn candles(symbol: &Symbol, timeframe: Timeframe, from: i64, rows: &[[f64; 4]]) -> Candles {
    let column = |index: usize| rows.iter().map(|row| row[index]).collect::<Vec<_>>();
    let columns = Columns {
        open_time: (0..).take(rows.len()).map(|row: i64| from + row * timeframe.millis()).collect(),
        open: column(0),
        high: column(1),
        low: column(2),
        close: column(3),
        volume: vec![1.0; rows.len()],
        volume_delta: None,
        imbalance: None,
    };
    let instrument = Instrument { exchange: "test".parse().unwrap(), symbol: symbol.clone() };
    Candles::new(instrument, timeframe, columns).unwrap()
}

pub(crate) fn settings(cash: Decimal, bps: Decimal, currency: FeeCurrency) -> Settings {
    let fees = FeeSchedule { rate: FeeRate::Fixed { bps }, currency };
    Settings { cash, fees, ..Settings::default() }
}

pub(crate) fn order(name: &str, side: Side, size: OrderSize, kind: OrderKind) -> NewOrder {
    NewOrder {
        client_order_id: Some(name.parse().unwrap()),
        symbol: btc(),
        side,
        size,
        kind,
        time_in_force: TimeInForce::Gtc,
    }
}

/// One account without fees on one market of minutes.
pub(crate) struct Scene {
    pub(crate) exchange: Exchange,
}

impl Scene {
    pub(crate) fn new(rows: &[[f64; 4]]) -> Self {
        Self::with(settings(dec!(1000), dec!(0), FeeCurrency::Quote), rows)
    }

    pub(crate) fn with(settings: Settings, rows: &[[f64; 4]]) -> Self {
        let mut scene = Self { exchange: Exchange::new(settings) };
        scene.load(&minutes(&btc(), rows));
        scene
    }

    pub(crate) fn load(&mut self, candles: &Candles) {
        let candles = Some(Arc::new(candles.clone()));
        self.exchange.execute(Command::Load { rules: InstrumentRules::default(), candles }).unwrap();
    }

    /// Moves to where the candle before `minute` has closed.
    pub(crate) fn close(&mut self, minute: i64) -> &mut Self {
        self.exchange.execute(Command::Advance { to: Moment::at_close(minute * MINUTE) }).unwrap();
        self
    }

    /// Moves to where the candle of `minute` has opened.
    pub(crate) fn open(&mut self, minute: i64) -> &mut Self {
        self.exchange.execute(Command::Advance { to: Moment::at_open(minute * MINUTE) }).unwrap();
        self
    }

    pub(crate) fn arm(&mut self, rule: FaultRule<OrderFault>) -> &mut Self {
        self.exchange.execute(Command::Arm { rule }).unwrap();
        self
    }

    pub(crate) fn submit(&mut self, order: NewOrder) -> &mut Self {
        self.exchange.submit(order).unwrap();
        self
    }

    pub(crate) fn refused(&mut self, order: NewOrder) -> Refusal {
        self.exchange.submit(order).unwrap_err()
    }

    pub(crate) fn market(&mut self, name: &str, side: Side, quantity: Decimal) -> &mut Self {
        self.submit(order(name, side, OrderSize::Quantity(quantity), OrderKind::Market))
    }

    pub(crate) fn limit(&mut self, name: &str, side: Side, quantity: Decimal, limit_price: Decimal) -> &mut Self {
        self.submit(order(name, side, OrderSize::Quantity(quantity), OrderKind::Limit { limit_price }))
    }

    pub(crate) fn stop(
        &mut self,
        name: &str,
        quantity: Decimal,
        stop_price: Decimal,
        limit_price: Decimal,
    ) -> &mut Self {
        let kind = OrderKind::StopLimit { stop_price, limit_price };
        self.submit(order(name, Side::Sell, OrderSize::Quantity(quantity), kind))
    }

    pub(crate) fn order(&self, name: &str) -> BrokerOrder {
        self.exchange.order_by_client_id(&name.parse().unwrap()).unwrap()
    }

    /// Returns status, filled quantity, average price and the minute of the last fill.
    pub(crate) fn fill(&self, name: &str) -> (BrokerOrderStatus, Decimal, Option<Decimal>, Option<i64>) {
        let order = self.order(name);
        let minute = order.filled_at.map(|time| time / MINUTE);
        (order.status, order.filled_quantity, order.filled_avg_price, minute)
    }

    pub(crate) fn held(&self) -> Decimal {
        self.exchange.position(&btc()).map_or(Decimal::ZERO, |position| position.quantity)
    }
}
