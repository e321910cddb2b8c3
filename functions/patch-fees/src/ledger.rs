//! Which posted fee belongs to which trade.
//!
//! A fee that names its order is that order's. One that does not is the day's fee of a symbol and side, and is shared out
//! among all that was bought, or sold, on that day: the broker's rate is one and the same for them.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sentinel_archive::broker_failed;
use sentinel_archive::time::{days_before, midnight};
use sentinel_domain::broker::{
    Activity, ActivityKind, ActivityQuery, Broker, BrokerOrderId, CryptoFee, all_activities,
};
use sentinel_domain::fill::Side;
use sentinel_domain::money::round_money;
use sentinel_domain::tables::FactTrade;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_function_runtime::FunctionError;

use crate::orders::DayOfOrder;

/// The fees of a trade, in quote currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TradeFees {
    pub(crate) entry: Decimal,
    pub(crate) exit: Decimal,
}

/// A symbol on a day, one side of it.
type Pool = (UnixMillis, String, bool);

/// What was posted, and what it was posted for.
#[derive(Debug, Default)]
pub(crate) struct FeeLedger {
    by_order: BTreeMap<(BrokerOrderId, UnixMillis), Vec<CryptoFee>>,
    pooled: BTreeMap<Pool, Vec<CryptoFee>>,
    /// Notional of all fills of a pool.
    traded: BTreeMap<Pool, Decimal>,
}

impl FeeLedger {
    /// Reads the fees posted since the first entry.
    pub(crate) async fn read(broker: &dyn Broker, trades: &[FactTrade]) -> Result<Self, FunctionError> {
        let Some(first) = trades.iter().map(|trade| trade.entry_date).min() else { return Ok(Self::default()) };
        let after = Some(midnight(days_before(first, 1)) - 1);
        let query = ActivityQuery { kinds: vec![ActivityKind::CryptoFee], after, ..ActivityQuery::default() };
        let mut ledger = Self::default();
        for activity in all_activities(broker, &query).await.map_err(broker_failed("list fees"))? {
            if let Activity::CryptoFee(fee) = activity {
                ledger.post(fee);
            }
        }
        if !ledger.pooled.is_empty() {
            let query = ActivityQuery { kinds: vec![ActivityKind::Fill], after, ..ActivityQuery::default() };
            for activity in all_activities(broker, &query).await.map_err(broker_failed("list fills"))? {
                if let Activity::Fill(fill) = activity {
                    let day = Timeframe::D1.candle_open(fill.time);
                    let pool = (day, fill.symbol.replace('/', ""), fill.side == Side::Buy);
                    *ledger.traded.entry(pool).or_default() += fill.quantity * fill.price;
                }
            }
        }
        Ok(ledger)
    }

    fn post(&mut self, fee: CryptoFee) {
        let day = Timeframe::D1.candle_open(fee.date);
        match &fee.order_id {
            Some(order) => self.by_order.entry((order.clone(), day)).or_default().push(fee),
            None => {
                let symbol = fee.symbol.clone().unwrap_or_default().replace('/', "");
                // Coins are taken from what is bought, cash from what is sold.
                let pool = (day, symbol, !fee.quantity.is_zero());
                self.pooled.entry(pool).or_default().push(fee);
            }
        }
    }

    /// Returns the fees of the orders of a trade; `None` while any is missing.
    pub(crate) fn of(&self, orders: &[DayOfOrder]) -> Option<TradeFees> {
        let mut fees = TradeFees::default();
        for order in orders {
            let fee = self.of_order(order)?;
            match order.side {
                Side::Buy => fees.entry += fee,
                Side::Sell => fees.exit += fee,
            }
        }
        (!orders.is_empty()).then_some(fees)
    }

    fn of_order(&self, order: &DayOfOrder) -> Option<Decimal> {
        if let Some(fees) = self.by_order.get(&(order.order_id.clone(), order.day)) {
            return Some(fees.iter().map(|fee| value(fee, order)).sum());
        }
        let pool = (order.day, order.symbol.clone(), order.side == Side::Buy);
        let total: Decimal = self.pooled.get(&pool)?.iter().map(|fee| value(fee, order)).sum();
        let traded = self.traded.get(&pool).copied().filter(|sum| !sum.is_zero())?;
        Some(round_money(total * order.notional / traded))
    }
}

/// Returns a fee in quote currency; coins that the broker sets no price on are valued at the fill.
fn value(fee: &CryptoFee, order: &DayOfOrder) -> Decimal {
    fee.value().unwrap_or_else(|| {
        let price = if order.quantity.is_zero() { Decimal::ZERO } else { order.notional / order.quantity };
        round_money(-fee.quantity * price - fee.net_amount)
    })
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    fn fee(order: Option<&str>, quantity: Decimal, net_amount: Decimal) -> CryptoFee {
        CryptoFee {
            id: "1".to_owned(),
            date: 0,
            symbol: Some("BTC/USD".to_owned()),
            quantity,
            net_amount,
            price: None,
            order_id: order.map(|id| BrokerOrderId(id.to_owned())),
        }
    }

    fn order(id: &str, side: Side, quantity: Decimal) -> DayOfOrder {
        DayOfOrder {
            order_id: BrokerOrderId(id.to_owned()),
            side,
            symbol: "BTCUSD".to_owned(),
            day: 0,
            quantity,
            notional: quantity * dec!(100),
        }
    }

    #[test]
    fn a_fee_that_names_its_order_is_that_orders() {
        let mut ledger = FeeLedger::default();
        ledger.post(fee(Some("in"), dec!(-0.01), dec!(0)));
        let (bought, sold) = (order("in", Side::Buy, dec!(4)), order("out", Side::Sell, dec!(4)));
        assert_eq!(ledger.of(&[bought.clone(), sold.clone()]), None);
        ledger.post(fee(Some("out"), dec!(0), dec!(-0.75)));
        // Coins without a price are valued at the fill.
        assert_eq!(ledger.of(&[bought, sold]), Some(TradeFees { entry: dec!(1), exit: dec!(0.75) }));
        assert_eq!(ledger.of(&[]), None);
    }

    #[test]
    fn the_fee_of_a_day_is_shared_out_by_what_was_traded() {
        let mut ledger = FeeLedger::default();
        ledger.post(fee(None, dec!(0), dec!(-3)));
        let pool = (0, "BTCUSD".to_owned(), false);
        ledger.traded.insert(pool, dec!(400));
        let quarter = order("out", Side::Sell, dec!(1));
        assert_eq!(ledger.of(&[quarter]), Some(TradeFees { entry: dec!(0), exit: dec!(0.75) }));
        assert_eq!(ledger.of(&[order("in", Side::Buy, dec!(1))]), None);
    }
}
