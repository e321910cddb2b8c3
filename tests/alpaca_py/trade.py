"""Trades with a local broker through Alpaca's own SDK, and holds every answer against Alpaca's OpenAPI documents.

Called with the broker's URL. Its account has 100,000 dollars and Alpaca's fees, its clock stands at 1970-01-01T00:01:00Z,
and it knows three days of BTC/USD minutes whose prices rise by a dollar a minute from 1,000.
"""

import importlib.util
import json
import pathlib
import re
import sys
from datetime import datetime, timedelta, timezone

import requests
from alpaca.common.exceptions import APIError
from alpaca.data.historical import CryptoHistoricalDataClient
from alpaca.data.requests import CryptoBarsRequest, CryptoLatestTradeRequest
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import AssetClass, OrderSide, OrderStatus, OrderType, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetAssetsRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    StopLimitOrderRequest,
)
from jsonschema import Draft202012Validator, FormatChecker

URL = sys.argv[1].rstrip("/")
MINUTE = 60_000
DAY = 1440 * MINUTE
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Specification:
    """The OpenAPI documents, and how many answers were held against them."""

    def __init__(self):
        package = importlib.util.find_spec("alpaca_mcp_server").submodule_search_locations[0]
        self.operations = []
        self.checked = {}
        for name in ("trading-api", "market-data-api"):
            document = json.loads((pathlib.Path(package) / "specs" / f"{name}.json").read_text())
            for path, operations in document["paths"].items():
                pattern = re.compile("^" + re.sub(r"\{[^}]+\}", "[^/]+", path) + "$")
                self.operations.append((path.count("{"), pattern, path, operations, document))
        # A path that names a thing comes before one that takes any.
        self.operations.sort(key=lambda operation: operation[0])

    def check(self, response, *_, **__):
        path = requests.utils.urlparse(response.url).path
        path = re.sub(r"^(/v2/(?:assets|positions)/\w+)/(\w+)$", r"\1%2F\2", path)
        if not path.startswith("/v"):
            return
        method = response.request.method.lower()
        for _, pattern, template, operations, document in self.operations:
            if pattern.match(path) and method in operations:
                self.hold(response, f"{method.upper()} {template}", operations[method], document)
                return
        raise AssertionError(f"no operation in Alpaca's documents is {method} {path}")

    def hold(self, response, name, operation, document):
        answers = operation["responses"]
        known = {"400", "401", "403", "404", "422", "429"} | set(answers)
        assert str(response.status_code) in known, f"{name} answers {response.status_code}"
        answer = answers.get(str(response.status_code), {})
        content = list(answer.get("content", {}).values())
        if not content or "schema" not in content[0]:
            return
        # "Exactly one" of two forms without a required field cannot be: every fill fits both.
        schema = json.loads(json.dumps(content[0]["schema"]).replace('"oneOf"', '"anyOf"'))
        schema["components"] = document["components"]
        checker = FormatChecker(formats=["uuid"])
        errors = list(Draft202012Validator(schema, format_checker=checker).iter_errors(response.json()))
        assert not errors, f"{name}: {[(list(error.path), error.message[:300]) for error in errors[:3]]}"
        self.checked[name] = self.checked.get(name, 0) + 1


SPECIFICATION = Specification()


def client_of(kind, *keys):
    client = kind(*keys, url_override=URL)
    client._session.hooks["response"].append(SPECIFICATION.check)
    return client


def control(path, body):
    answer = requests.post(f"{URL}/simulation/{path}", json=body, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def advance(minute, phase="close"):
    control("advance", {"to": minute * MINUTE, "phase": phase})


def refused(words, call):
    try:
        call()
    except APIError as error:
        assert words in error.message, error.message
        assert isinstance(error.code, int)
        return error.status_code
    raise AssertionError(f"was not refused with {words}")


trading = client_of(TradingClient, "key", "secret")
data = client_of(CryptoHistoricalDataClient, "key", "secret")


def order(kind, name, side=OrderSide.BUY, time_in_force=TimeInForce.GTC, **rest):
    return trading.submit_order(
        kind(symbol="BTC/USD", side=side, time_in_force=time_in_force, client_order_id=name, **rest)
    )


def account_and_assets():
    account = trading.get_account()
    assert (account.cash, account.buying_power, account.currency) == ("100000", "100000", "USD")
    assert trading.get_asset("BTC/USD").tradable
    assets = trading.get_all_assets(GetAssetsRequest(asset_class=AssetClass.CRYPTO))
    assert [asset.symbol for asset in assets] == ["BTC/USD"]
    assert trading.get_clock().is_open


def orders_of_every_kind():
    market = order(MarketOrderRequest, "market", qty=0.5)
    assert market.status == OrderStatus.PENDING_NEW and market.filled_avg_price is None
    order(MarketOrderRequest, "notional", notional=100, time_in_force=TimeInForce.IOC)
    order(LimitOrderRequest, "resting", qty=0.1, limit_price=500)
    order(LimitOrderRequest, "passing", qty=0.1, limit_price=500, time_in_force=TimeInForce.IOC)
    order(LimitOrderRequest, "marketable", qty=0.1, limit_price=2000, time_in_force=TimeInForce.IOC)
    order(LimitOrderRequest, "limit-notional", notional=50, limit_price=2000)
    order(StopLimitOrderRequest, "breakout", qty=0.1, stop_price=1003, limit_price=1010)
    order(StopLimitOrderRequest, "breakout-ioc", qty=0.1, stop_price=5000, limit_price=5010,
          time_in_force=TimeInForce.IOC)
    advance(1, "open")
    filled = trading.get_order_by_id(market.id)
    assert (filled.status, filled.filled_qty, filled.filled_avg_price) == (OrderStatus.FILLED, "0.5", "1001")
    assert filled.type == OrderType.MARKET and filled.filled_at == EPOCH + timedelta(minutes=1)
    status = {name: trading.get_order_by_client_id(name).status for name in
              ("notional", "resting", "passing", "marketable", "limit-notional", "breakout")}
    assert status == {
        "notional": OrderStatus.FILLED, "resting": OrderStatus.NEW, "passing": OrderStatus.CANCELED,
        "marketable": OrderStatus.FILLED, "limit-notional": OrderStatus.FILLED, "breakout": OrderStatus.NEW,
    }, status
    advance(4)
    assert trading.get_order_by_client_id("breakout").status == OrderStatus.FILLED


def refusals():
    duplicate = lambda: order(MarketOrderRequest, "market", qty=0.5)
    assert refused("client_order_id must be unique", duplicate) == 422
    assert refused("insufficient balance", lambda: order(MarketOrderRequest, "rich", qty=5000)) == 403
    day = lambda: order(MarketOrderRequest, "day", qty=1, time_in_force=TimeInForce.DAY)
    assert refused("invalid crypto time_in_force", day) == 422
    assert refused("position does not exist", lambda: trading.get_open_position("ETHUSD")) == 404
    canceled = trading.get_order_by_client_id("resting")
    trading.cancel_order_by_id(canceled.id)
    assert refused("already", lambda: trading.cancel_order_by_id(canceled.id)) == 422


def partial_fills():
    control("faults", {"fault": {"kind": "partial_fills", "fraction": "0.4"}})
    partial = order(MarketOrderRequest, "partial", qty=1)
    advance(4, "open")
    assert trading.get_order_by_id(partial.id).status == OrderStatus.PARTIALLY_FILLED
    advance(7)
    assert trading.get_order_by_id(partial.id).filled_qty == "1"
    fills = trading.get("/account/activities/FILL", {"direction": "asc", "order_id": str(partial.id)})
    assert [fill["type"] for fill in fills] == ["partial_fill", "partial_fill", "fill"]
    assert [fill["leaves_qty"] for fill in fills] == ["0.6", "0.2", "0"]
    assert {fill["order_id"] for fill in fills} == {str(partial.id)}


def positions():
    position = trading.get_open_position("BTCUSD")
    assert [held.qty for held in trading.get_all_positions()] == [position.qty]
    quantity = float(position.qty)
    order(StopLimitOrderRequest, "stop", side=OrderSide.SELL, qty=0.5, stop_price=900, limit_price=890)
    assert abs(float(trading.get_open_position("BTCUSD").qty_available) - (quantity - 0.5)) < 1e-9
    half = trading.close_position("BTCUSD", ClosePositionRequest(percentage="25"))
    assert half.side == OrderSide.SELL and half.symbol == "BTC/USD"
    trading.close_position("BTCUSD", ClosePositionRequest(qty="0.1"))
    advance(8)
    [closed] = trading.close_all_positions(cancel_orders=True)
    assert closed.status == 200
    advance(9)
    assert trading.get_all_positions() == []
    order(MarketOrderRequest, "again", qty=1)
    order(LimitOrderRequest, "left", qty=0.1, limit_price=500)
    advance(10)
    assert len(trading.cancel_orders()) == 1


def fees_and_paging():
    before = trading.get("/account/activities/CFEE")
    assert before == [], before
    control("advance", {"to": DAY})
    fees = trading.get("/account/activities", {"activity_types": "CFEE", "direction": "asc"})
    assert fees and all(fee["date"] == "1970-01-01" for fee in fees)
    assert any(float(fee["qty"]) < 0 for fee in fees) and any(float(fee["net_amount"]) < 0 for fee in fees)
    everything = trading.get("/account/activities", {"page_size": 100})
    paged, token = [], None
    while True:
        query = {"page_size": 3} if token is None else {"page_size": 3, "page_token": token}
        page = trading.get("/account/activities", query)
        paged += page
        if len(page) < 3:
            break
        token = page[-1]["id"]
    assert paged == everything and len(paged) > 12


def history_and_orders():
    account = trading.get_account()
    for timeframe in ("1D", "1H", "15Min"):
        history = trading.get_portfolio_history(GetPortfolioHistoryRequest(period="1M", timeframe=timeframe))
        assert abs(history.equity[-1] - float(account.equity)) < 1e-6
        assert len(history.timestamp) == len(history.equity) == len(history.profit_loss_pct)
    everything = trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL, limit=500))
    closed = trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.CLOSED, limit=500, symbols=["BTC/USD"]))
    assert len(everything) == len(closed) > 12 and trading.get_orders() == []
    few = trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL, limit=3, side=OrderSide.BUY))
    assert [order.id for order in few] == [order.id for order in everything if order.side == OrderSide.BUY][:3]


def market_data():
    request = CryptoBarsRequest(symbol_or_symbols="BTC/USD", timeframe=TimeFrame.Minute, start=EPOCH)
    bars = data.get_crypto_bars(request)["BTC/USD"]
    assert len(bars) == 1440 and bars[0].timestamp == EPOCH and bars[5].open == 1005
    hours = TimeFrame(1, TimeFrameUnit.Hour)
    hourly = data.get_crypto_bars(CryptoBarsRequest(symbol_or_symbols="BTC/USD", timeframe=hours, start=EPOCH))
    assert len(hourly["BTC/USD"]) == 24
    paged, token = [], None
    while True:
        query = {"symbols": "BTC/USD", "timeframe": "1Min", "start": EPOCH.isoformat(), "limit": 500}
        page = data.get("/crypto/us/bars", {**query, "page_token": token} if token else query)
        paged += page["bars"].get("BTC/USD", [])
        token = page["next_page_token"]
        if token is None:
            break
    assert len(paged) == 1440 and len({bar["t"] for bar in paged}) == 1440
    latest = CryptoLatestTradeRequest(symbol_or_symbols="BTC/USD")
    assert data.get_crypto_latest_trade(latest)["BTC/USD"].price == bars[-1].close
    quote = data.get_crypto_latest_quote(latest)["BTC/USD"]
    assert quote.bid_price < quote.ask_price
    assert data.get_crypto_latest_orderbook(latest)["BTC/USD"].bids
    assert data.get_crypto_latest_bar(latest)["BTC/USD"].close == bars[-1].close
    assert data.get_crypto_snapshot(latest)["BTC/USD"].daily_bar is not None
    for listed in ("trades", "quotes"):
        query = {"symbols": "BTC/USD", "start": EPOCH.isoformat(), "limit": 10}
        assert len(data.get(f"/crypto/us/{listed}", query)[listed]["BTC/USD"]) == 10


for step in (account_and_assets, orders_of_every_kind, refusals, partial_fills, positions, fees_and_paging,
             history_and_orders, market_data):
    step()
    print("ok", step.__name__)
for name, times in sorted(SPECIFICATION.checked.items()):
    print("fits", name, times)
assert len(SPECIFICATION.checked) >= 24, sorted(SPECIFICATION.checked)
