"""Hears of its own orders through the stream of Alpaca's own SDK.

Called with the broker's URL. Its keys are "key" and "secret", its clock stands at 1970-01-01T00:01:00Z, and it knows
BTC/USD minutes whose prices rise by a dollar a minute from 1,000.
"""

import asyncio
import queue
import sys
import threading

import requests
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, OrderStatus, TimeInForce, TradeEvent
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest
from alpaca.trading.stream import TradingStream

URL = sys.argv[1].rstrip("/")
STREAM = URL.replace("http", "ws", 1) + "/stream"
MINUTE = 60_000

trading = TradingClient("key", "secret", url_override=URL)
heard = queue.Queue()


def advance(minute, phase):
    answer = requests.post(f"{URL}/simulation/advance", json={"to": minute * MINUTE, "phase": phase}, timeout=10)
    assert answer.status_code == 200, answer.text


def order(kind, name, **rest):
    fields = {"symbol": "BTC/USD", "side": OrderSide.BUY, "time_in_force": TimeInForce.GTC, "client_order_id": name}
    return trading.submit_order(kind(**fields, **rest))


def told(event):
    update = heard.get(timeout=10)
    assert update.event == event, update
    return update


async def keep(update):
    heard.put(update)


async def wrong_keys_are_refused():
    stream = TradingStream("key", "wrong", url_override=STREAM)
    stream.subscribe_trade_updates(keep)
    try:
        await stream._start_ws()
    except ValueError as error:
        assert "failed to authenticate" in str(error)
    else:
        raise AssertionError("a wrong key was accepted")
    finally:
        await stream.close()


asyncio.run(wrong_keys_are_refused())

stream = TradingStream("key", "secret", url_override=STREAM)
stream.subscribe_trade_updates(keep)
thread = threading.Thread(target=stream.run, daemon=True)
thread.start()
# Until it listens nothing is told: an order is sent again and again, and taken back, until one is heard of.
for attempt in range(100):
    probe = order(LimitOrderRequest, f"probe-{attempt}", qty=0.1, limit_price=500)
    try:
        heard.get(timeout=0.2)
        break
    except queue.Empty:
        trading.cancel_order_by_id(probe.id)
trading.cancel_order_by_id(probe.id)
while heard.get(timeout=10).event != TradeEvent.CANCELED:
    pass

market = order(MarketOrderRequest, "market", qty=0.5)
assert told(TradeEvent.NEW).order.id == market.id
advance(1, "open")
fill = told(TradeEvent.FILL)
assert (fill.order.id, fill.order.status, fill.order.symbol) == (market.id, OrderStatus.FILLED, "BTCUSD"), fill
assert (fill.price, fill.qty) == (1001.0, 0.5) and 0 < fill.position_qty <= 0.5 and fill.execution_id, fill
assert fill.timestamp.timestamp() == 60, fill
stream.stop()
thread.join(timeout=20)
assert not thread.is_alive()
print("ok stream")
