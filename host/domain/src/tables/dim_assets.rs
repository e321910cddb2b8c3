//! `dim_assets`: what can be traded, and by which rules of rounding.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::guardian::Report;

crate::table! {
    /// Instruments and their trading rules over time (slowly changing dimension, type 2): an order of the past is
    /// understood by the tick and step that were in force.
    pub struct DimAsset in "dim_assets" {
        grain: "one instrument over one stretch of time in which its rules were the same",
        key: ["exchange", "symbol", "valid_from"],
        laws: DimAsset::check_names,
    }
    columns {
        /// Where it is quoted.
        exchange: String [; Rule::NotEmpty],
        /// What is quoted.
        symbol: String [; Rule::Symbol],
        /// The coin that is bought and sold.
        base: String [; Rule::NotEmpty],
        /// The currency of its prices.
        quote: String [; Rule::NotEmpty],
        /// What kind of asset it is.
        asset_class: String [; Rule::OneOf(&["crypto"])],
        /// The broker's id of it, where the broker has it.
        broker_asset_id: Option<String> [; Rule::NotEmpty],
        /// Smallest step of an order price.
        tick_size: Decimal ["quote currency"; Rule::Above(0)],
        /// Smallest step of a quantity.
        step_size: Decimal ["base units"; Rule::Above(0)],
        /// Smallest quantity of an order.
        quantity_min: Decimal ["base units"; Rule::AtLeast(0)],
        /// Smallest value of an order.
        notional_min: Decimal ["quote currency"; Rule::AtLeast(0)],
        /// Whether the broker takes orders on it.
        tradable: bool,
        /// From when this was so.
        valid_from: DateTime<Utc>,
        /// Until when; empty while it is so.
        valid_to: Option<DateTime<Utc>> [; Rule::NotBefore("valid_from")],
        /// Whether it is so.
        is_current: bool,
        /// The moment the row is about: valid_from.
        timestamp: DateTime<Utc> [; Rule::SameAs("valid_from")],
        /// Logical date: the UTC date of valid_from.
        ds: NaiveDate [; Rule::DateOf("valid_from")],
    }
}

impl DimAsset {
    fn check_names(&self, report: &mut Report) {
        let is_open = self.valid_to.is_none();
        report.expect(self.is_current == is_open, "is_current", self.is_current, "true where valid_to is empty");
        let symbol = format!("{}/{}", self.base, self.quote);
        report.expect(self.symbol == symbol, "symbol", &self.symbol, format!("{symbol}, base and quote"));
    }
}
