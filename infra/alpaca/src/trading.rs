//! The account, orders and positions.

use async_trait::async_trait;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sentinel_domain::broker::{
    AccountState, Activity, ActivityKind, ActivityQuery, Broker, BrokerAsset, BrokerError, BrokerOrder, BrokerOrderId,
    BrokerOrderStatus, BrokerPosition, ClientOrderId, ClosePortion, Direction, HistoryQuery, OrderQuery, OrderRequest,
    OrderState, Page, PortfolioHistory,
};
use sentinel_domain::instrument::Symbol;
use sentinel_domain::timeframe::Timeframe;
use serde_json::Value;

use crate::client::AlpacaClient;
use crate::forms::{
    AccountForm, ActivityForm, AssetClass, AssetForm, HistoryForm, OrderForm, PositionForm, order_body, side_name, time,
};
use crate::http::Ask;

const ORDERS_PAGE: usize = 500;
const ACTIVITIES_PAGE: usize = 100;
/// Alpaca's words when an id is taken.
const DUPLICATE: &str = "client_order_id must be unique";

const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

fn segment(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

fn position_path(symbol: &Symbol) -> String {
    format!("/v2/positions/{}{}", symbol.base(), symbol.quote())
}

const fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "asc",
        Direction::Descending => "desc",
    }
}

impl AlpacaClient {
    async fn ask_order(&self, ask: &Ask) -> Result<BrokerOrder, BrokerError> {
        let form: OrderForm = self.ask(ask).await?;
        form.order().map_err(|problem| self.malformed(ask, &problem))
    }

    /// Sends an order once.
    async fn post_order(&self, request: &OrderRequest) -> Result<BrokerOrder, BrokerError> {
        let ask = Ask::post("/v2/orders", order_body(request));
        let body = self.once(&ask).await?;
        let form: OrderForm = self.read(&ask, &body)?;
        form.order().map_err(|problem| self.malformed(&ask, &problem))
    }

    /// Returns the order that is there under the id of `request`, if it is the same order.
    async fn find_same(&self, request: &OrderRequest) -> Result<Option<BrokerOrder>, BrokerError> {
        let existing = match self.order_by_client_id(&request.client_order_id).await {
            Err(BrokerError::NotFound { .. }) => return Ok(None),
            found => found?,
        };
        let differences = existing.differences(request);
        if differences.is_empty() {
            return Ok(Some(existing));
        }
        let client_order_id = request.client_order_id.clone();
        Err(BrokerError::DuplicateClientOrderId { client_order_id, existing: Box::new(existing), differences })
    }

    /// Returns one page of orders, from the order `behind` on.
    async fn orders_page(
        &self,
        query: &OrderQuery,
        size: usize,
        behind: Option<&BrokerOrderId>,
    ) -> Result<Vec<BrokerOrder>, BrokerError> {
        let status = match query.working {
            Some(true) => "open",
            Some(false) => "closed",
            None => "all",
        };
        let symbols: Vec<String> = query.symbols.iter().map(ToString::to_string).collect();
        let token = match query.direction {
            Direction::Ascending => "after_order_id",
            Direction::Descending => "before_order_id",
        };
        let ask = Ask::get("/v2/orders")
            .with("status", status.to_owned())
            .with("limit", size.to_string())
            .with("direction", direction_name(query.direction).to_owned())
            .with("symbols", (!symbols.is_empty()).then(|| symbols.join(",")))
            .with("side", query.side.map(|side| side_name(side).to_owned()))
            .with("after", query.after.map(time))
            // The broker leaves the moment itself out.
            .with("until", query.until.map(|until| time(until + 1)))
            .with(token, behind.map(|id| id.0.clone()));
        let forms: Vec<Value> = self.ask(&ask).await?;
        let crypto = forms.into_iter().filter(is_crypto);
        let read = crypto.map(|form| {
            let form: OrderForm = serde_json::from_value(form).map_err(|error| error.to_string())?;
            form.order()
        });
        read.collect::<Result<_, _>>().map_err(|problem| self.malformed(&ask, &problem))
    }
}

/// An account may hold stocks besides; they are none of our business.
fn is_crypto(form: &Value) -> bool {
    AssetClass::deserialize_from(form).is_none_or(|class| class == "crypto")
}

/// What is no pair of coins is none of our business either.
fn is_pair(form: &Value) -> bool {
    form["class"].as_str().is_none_or(|class| class == "crypto")
        && form["symbol"].as_str().is_none_or(|symbol| symbol.parse::<Symbol>().is_ok())
}

impl AssetClass {
    fn deserialize_from(form: &Value) -> Option<String> {
        serde_json::from_value::<Self>(form.clone()).ok().map(|form| form.asset_class)
    }
}

#[async_trait]
impl Broker for AlpacaClient {
    async fn account(&self) -> Result<AccountState, BrokerError> {
        Ok(self.ask::<AccountForm>(&Ask::get("/v2/account")).await?.into())
    }

    async fn portfolio_history(&self, query: &HistoryQuery) -> Result<PortfolioHistory, BrokerError> {
        let timeframe = match query.timeframe {
            Timeframe::M1 => "1Min",
            Timeframe::M5 => "5Min",
            Timeframe::M15 => "15Min",
            Timeframe::H1 | Timeframe::H4 => "1H",
            Timeframe::D1 => "1D",
        };
        let ask = Ask::get("/v2/account/portfolio/history")
            .with("timeframe", timeframe.to_owned())
            // Crypto has no closing hours.
            .with("intraday_reporting", "continuous".to_owned())
            .with("pnl_reset", "no_reset".to_owned())
            .with("start", query.from.map(time))
            .with("end", query.to.map(time));
        Ok(self.ask::<HistoryForm>(&ask).await?.into())
    }

    async fn submit_order(&self, request: &OrderRequest) -> Result<BrokerOrder, BrokerError> {
        let mut waits = self.waits();
        loop {
            let error = match self.post_order(request).await {
                Err(BrokerError::Refused { message, status, code }) if message.contains(DUPLICATE) => {
                    let same = self.find_same(request).await?;
                    return same.ok_or(BrokerError::Refused { status, code, message });
                }
                Err(error) if error.is_retryable() || error.is_ambiguous() => error,
                decided => return decided,
            };
            // It may be there: sent once more only when it is not, and then the broker refuses a second one.
            if error.is_ambiguous() {
                match self.find_same(request).await {
                    Ok(Some(order)) => return Ok(order),
                    Ok(None) => {}
                    Err(BrokerError::DuplicateClientOrderId { client_order_id, existing, differences }) => {
                        return Err(BrokerError::DuplicateClientOrderId { client_order_id, existing, differences });
                    }
                    // Whether it is there is what nobody could say.
                    Err(_) => return Err(error),
                }
            }
            self.wait_after(error, &mut waits).await?;
        }
    }

    async fn order(&self, id: &BrokerOrderId) -> Result<BrokerOrder, BrokerError> {
        self.ask_order(&Ask::get(format!("/v2/orders/{}", segment(&id.0)))).await
    }

    async fn order_by_client_id(&self, id: &ClientOrderId) -> Result<BrokerOrder, BrokerError> {
        let ask = Ask::get("/v2/orders:by_client_order_id").with("client_order_id", id.as_str().to_owned());
        self.ask_order(&ask).await
    }

    async fn orders(&self, query: &OrderQuery) -> Result<Vec<BrokerOrder>, BrokerError> {
        let mut all = Vec::new();
        loop {
            let left = query.limit.map_or(ORDERS_PAGE, |limit| limit.saturating_sub(all.len()).min(ORDERS_PAGE));
            if left == 0 {
                return Ok(all);
            }
            let page = self.orders_page(query, left, all.last().map(|order: &BrokerOrder| &order.id)).await?;
            let is_last = page.len() < left;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    async fn cancel_order(&self, id: &BrokerOrderId) -> Result<(), BrokerError> {
        let error = match self.ask_bytes(&Ask::delete(format!("/v2/orders/{}", segment(&id.0)))).await {
            Ok(_) => return Ok(()),
            Err(error @ BrokerError::Refused { status: 422, .. }) => error,
            Err(error) if error.is_ambiguous() => error,
            Err(error) => return Err(error),
        };
        let found = self.order(id).await?;
        match (found.status, found.status.state()) {
            (BrokerOrderStatus::Canceled | BrokerOrderStatus::PendingCancel, _) => Ok(()),
            // Whether it was taken back nobody heard, and it was not.
            (_, OrderState::Working) if error.is_ambiguous() => Err(error),
            (status, _) => Err(BrokerError::NotCancelable { status: status.as_str() }),
        }
    }

    async fn positions(&self) -> Result<Vec<BrokerPosition>, BrokerError> {
        let ask = Ask::get("/v2/positions");
        let forms: Vec<Value> = self.ask(&ask).await?;
        let crypto = forms.into_iter().filter(is_crypto);
        let read = crypto.map(|form| serde_json::from_value::<PositionForm>(form).map(BrokerPosition::from));
        read.collect::<Result<_, _>>().map_err(|error| self.malformed(&ask, &error.to_string()))
    }

    async fn position(&self, symbol: &Symbol) -> Result<Option<BrokerPosition>, BrokerError> {
        match self.ask::<PositionForm>(&Ask::get(position_path(symbol))).await {
            Ok(form) => Ok(Some(form.into())),
            Err(BrokerError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn close_position(&self, symbol: &Symbol, portion: ClosePortion) -> Result<BrokerOrder, BrokerError> {
        let ask = Ask::delete(position_path(symbol));
        let ask = match portion {
            ClosePortion::Whole => ask,
            ClosePortion::Quantity(quantity) => ask.with("qty", quantity.normalize().to_string()),
            ClosePortion::Percentage(percentage) => ask.with("percentage", percentage.normalize().to_string()),
        };
        let body = self.once(&ask).await?;
        let form: OrderForm = self.read(&ask, &body)?;
        form.order().map_err(|problem| self.malformed(&ask, &problem))
    }

    async fn activities(&self, query: &ActivityQuery) -> Result<Page<Activity>, BrokerError> {
        let size = query.page_size.unwrap_or(ACTIVITIES_PAGE).clamp(1, ACTIVITIES_PAGE);
        let kinds: Vec<&str> = query.kinds.iter().copied().map(ActivityKind::as_str).collect();
        let ask = Ask::get("/v2/account/activities")
            .with("activity_types", (!kinds.is_empty()).then(|| kinds.join(",")))
            .with("after", query.after.map(time))
            .with("until", query.until.map(time))
            .with("direction", direction_name(query.direction).to_owned())
            .with("page_size", size.to_string())
            .with("page_token", query.page_token.clone());
        let forms: Vec<ActivityForm> = self.ask(&ask).await?;
        let items: Vec<Activity> = forms
            .into_iter()
            .map(ActivityForm::activity)
            .collect::<Result<_, _>>()
            .map_err(|problem| self.malformed(&ask, &problem))?;
        let next = (items.len() == size).then(|| items.last().map(|activity| activity.id().to_owned())).flatten();
        Ok(Page { items, next })
    }

    async fn asset(&self, symbol: &Symbol) -> Result<BrokerAsset, BrokerError> {
        let ask = Ask::get(format!("/v2/assets/{}", segment(&symbol.to_string())));
        Ok(self.ask::<AssetForm>(&ask).await?.into())
    }

    async fn assets(&self) -> Result<Vec<BrokerAsset>, BrokerError> {
        let ask = Ask::get("/v2/assets").with("asset_class", "crypto".to_owned()).with("status", "active".to_owned());
        let forms: Vec<Value> = self.ask(&ask).await?;
        let pairs = forms.into_iter().filter(is_pair);
        let read = pairs.map(|form| serde_json::from_value::<AssetForm>(form).map(BrokerAsset::from));
        let mut assets: Vec<_> =
            read.collect::<Result<_, _>>().map_err(|error| self.malformed(&ask, &error.to_string()))?;
        assets.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        Ok(assets)
    }
}
