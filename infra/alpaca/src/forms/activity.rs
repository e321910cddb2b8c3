//! Fills, fees and other activities.

use rust_decimal::Decimal;
use sentinel_domain::broker::{Activity, BrokerOrderId, CryptoFee, FillActivity, OtherActivity};
use sentinel_domain::fill::Side;
use serde::Deserialize;

use super::{Money, Time};

/// Any activity: a fill has what a fill has, the others what they have.
#[derive(Debug, Deserialize)]
pub(crate) struct ActivityForm {
    id: String,
    activity_type: String,
    symbol: Option<String>,
    qty: Option<Money>,
    price: Option<Money>,
    #[serde(rename = "type")]
    kind: Option<String>,
    transaction_time: Option<Time>,
    side: Option<Side>,
    cum_qty: Option<Money>,
    leaves_qty: Option<Money>,
    order_id: Option<String>,
    date: Option<Time>,
    net_amount: Option<Money>,
    group_id: Option<String>,
}

impl ActivityForm {
    pub(crate) fn activity(self) -> Result<Activity, String> {
        let or_zero = |money: Option<Money>| money.map_or(Decimal::ZERO, |Money(value)| value);
        let date = self.date.map(|Time(time)| time);
        match self.activity_type.as_str() {
            "FILL" => {
                let missing = |field: &str| format!("fill {} has no {field}", self.id);
                Ok(Activity::Fill(FillActivity {
                    order_id: BrokerOrderId(self.order_id.ok_or_else(|| missing("order_id"))?),
                    symbol: self.symbol.ok_or_else(|| missing("symbol"))?,
                    side: self.side.ok_or_else(|| missing("side"))?,
                    quantity: self.qty.ok_or_else(|| missing("qty"))?.0,
                    price: or_zero(self.price),
                    quantity_cumulative: or_zero(self.cum_qty),
                    quantity_left: or_zero(self.leaves_qty),
                    is_partial: self.kind.as_deref() == Some("partial_fill"),
                    time: self.transaction_time.ok_or_else(|| missing("transaction_time"))?.0,
                    id: self.id,
                }))
            }
            "CFEE" => Ok(Activity::CryptoFee(CryptoFee {
                date: date.ok_or_else(|| format!("fee {} has no date", self.id))?,
                symbol: self.symbol,
                quantity: or_zero(self.qty),
                net_amount: or_zero(self.net_amount),
                price: self.price.map(|Money(price)| price),
                order_id: self.group_id.filter(|id| !id.is_empty()).map(BrokerOrderId),
                id: self.id,
            })),
            _ => Ok(Activity::Other(OtherActivity {
                date: date.or(self.transaction_time.map(|Time(time)| time)),
                net_amount: or_zero(self.net_amount),
                kind: self.activity_type,
                id: self.id,
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    #[test]
    fn a_crypto_fee_is_read_as_documented() {
        let text = r#"{"id":"20220812000000000::53be51ba","activity_type":"CFEE","date":"2022-08-12","net_amount":"0",
            "description":"Coin Pair Transaction Fee (Non USD)","symbol":"ETHUSD","qty":"-0.000195","price":"1884.5",
            "status":"executed"}"#;
        let form: ActivityForm = serde_json::from_str(text).unwrap();
        let Activity::CryptoFee(fee) = form.activity().unwrap() else { panic!("a fee") };
        assert_eq!((fee.quantity, fee.value()), (dec!(-0.000195), Some(dec!(0.3674775))));
        assert_eq!(fee.order_id, None);
    }
}
