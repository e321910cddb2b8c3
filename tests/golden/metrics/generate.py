#!/usr/bin/env python3
"""Writes vectors.json: daily equity and trades, and what others compute from them.

Run it in a fresh virtual environment:

    python3 -m venv venv && venv/bin/pip install empyrical-reloaded==0.7.1 quantstats==0.0.86
    venv/bin/python tests/golden/metrics/generate.py

`empyrical-reloaded` is the oracle (annualization=365). `quantstats` (periods=365) is the second opinion: where it
defines a metric the same way, this script refuses to write unless both agree to 1e-9. Statistics over trades come
from numpy and are compared with quantstats too. `null` stands for nan or infinite.
"""

import importlib.metadata
import json
import math
import pathlib
import sys
import warnings

import empyrical
import numpy as np
import pandas as pd
import quantstats.stats as second

PERIODS = 365
FIRST_DAY = 17_900  # 2019-01-04
TOLERANCE = 1e-9
warnings.simplefilter("ignore")


def number(value):
    """nan and infinities become None, as the metrics have it."""
    value = float(value)
    return value if math.isfinite(value) else None


def percent(value):
    return None if value is None else value * 100.0


def returns_of(values):
    values = np.asarray(values, dtype=float)
    before, after = values[:-1], values[1:]
    # Once everything is lost, nothing changes any more.
    return np.divide(after, before, out=np.ones_like(after), where=before != 0.0) - 1.0


def on_days(values):
    index = pd.date_range("2019-01-04", periods=len(values), freq="D")
    return pd.Series(values, index=index, dtype=float)


def from_returns(returns, benchmark):
    e = empyrical
    result = {
        "total_return_pct": percent(number(e.cum_returns_final(returns))),
        "cagr_pct": percent(number(e.annual_return(returns, annualization=PERIODS))),
        "best_day_pct": percent(number(returns.max()) if len(returns) else None),
        "worst_day_pct": percent(number(returns.min()) if len(returns) else None),
        "volatility_pct": percent(number(e.annual_volatility(returns, annualization=PERIODS))),
        "sharpe_ratio": number(e.sharpe_ratio(returns, annualization=PERIODS)),
        "sortino_ratio": number(e.sortino_ratio(returns, annualization=PERIODS)),
        "max_drawdown_pct": percent(number(e.max_drawdown(returns))),
        "calmar_ratio": number(e.calmar_ratio(returns, annualization=PERIODS)),
        "value_at_risk_95_pct": percent(number(e.value_at_risk(returns))),
        "conditional_value_at_risk_95_pct": percent(number(e.conditional_value_at_risk(returns))),
        "alpha_pct": None,
        "beta": None,
        "correlation": None,
        "benchmark_return_pct": None,
        "benchmark_max_drawdown_pct": None,
        "benchmark_sharpe_ratio": None,
    }
    if benchmark is not None and len(returns):
        alpha, beta = e.alpha_beta(returns, benchmark, annualization=PERIODS)
        result |= {
            "alpha_pct": percent(number(alpha)),
            "beta": number(beta),
            "correlation": number(returns.corr(benchmark)),
            "benchmark_return_pct": percent(number(e.cum_returns_final(benchmark))),
            "benchmark_max_drawdown_pct": percent(number(e.max_drawdown(benchmark))),
            "benchmark_sharpe_ratio": number(e.sharpe_ratio(benchmark, annualization=PERIODS)),
        }
    return result


def second_opinion_on_returns(returns, benchmark):
    """The metrics that quantstats defines as empyrical does. It takes returns above 1 for prices: none here are."""
    if len(returns) < 2:
        return {}
    result = {
        "cagr_pct": percent(number(second.cagr(returns, periods=PERIODS))),
        "volatility_pct": percent(number(second.volatility(returns, periods=PERIODS))),
        "sharpe_ratio": number(second.sharpe(returns, periods=PERIODS)),
        "sortino_ratio": number(second.sortino(returns, periods=PERIODS)),
        "max_drawdown_pct": percent(number(second.max_drawdown(returns))),
    }
    if result["max_drawdown_pct"] < 0.0:
        # It divides by zero where empyrical says nan.
        result["calmar_ratio"] = number(second.calmar(returns, periods=PERIODS))
    if benchmark is not None and benchmark.std() > 0.0:
        # It says 0 where empyrical says nan.
        result["beta"] = number(second.greeks(returns, benchmark, periods=PERIODS)["beta"])
    return result


def from_trades(trades):
    usd = np.array([float(trade["pnl_usd"]) for trade in trades])
    wins, losses = usd[usd > 0], usd[usd < 0]

    def column(name):
        return np.array([trade[name] for trade in trades], dtype=float)

    def mean(values):
        return number(values.mean()) if len(values) else None

    return {
        "trade_count": float(len(trades)),
        "win_rate_pct": percent(len(wins) / len(usd)) if len(usd) else None,
        "profit_factor": number(wins.sum() / -losses.sum()) if len(losses) else None,
        "expectancy_usd": mean(usd),
        "expectancy_pct": mean(column("pnl_pct")),
        "average_win_usd": mean(wins),
        "average_loss_usd": mean(losses),
        "payoff_ratio": number(wins.mean() / -losses.mean()) if len(wins) and len(losses) else None,
        "best_trade_pct": number(column("pnl_pct").max()) if trades else None,
        "worst_trade_pct": number(column("pnl_pct").min()) if trades else None,
        "mfe_mean_pct": mean(column("max_favorable_excursion")),
        "mae_mean_pct": mean(column("max_adverse_excursion")),
        "bars_held_mean": mean(column("bars_held")),
    }


def second_opinion_on_trades(trades):
    """quantstats leaves trades of zero profit out of the win rate, so these vectors have none."""
    usd = pd.Series([float(trade["pnl_usd"]) for trade in trades], dtype=float)
    if not (usd < 0).any() or not (usd > 0).any():
        return {}
    return {
        "win_rate_pct": percent(second.win_rate(usd, prepare_returns=False)),
        "profit_factor": number(second.profit_factor(usd, prepare_returns=False)),
        "average_win_usd": number(second.avg_win(usd, prepare_returns=False)),
        "average_loss_usd": number(second.avg_loss(usd, prepare_returns=False)),
        "payoff_ratio": number(second.payoff_ratio(usd, prepare_returns=False)),
    }


def agree(name, metric, one, other):
    if one is None and other is None:
        return
    if one is None or other is None or abs(one - other) > TOLERANCE * max(1.0, abs(one)):
        sys.exit(f"{name}: {metric} is {one} by empyrical and {other} by quantstats")


def vector(name, about, equity, trades, benchmark=None):
    """`equity` and `benchmark` begin with the value before the first day."""
    returns = on_days(returns_of(equity))
    factor = None if benchmark is None else on_days(returns_of(benchmark))
    expected = from_returns(returns, factor) | from_trades(trades)
    checked = second_opinion_on_returns(returns, factor) | second_opinion_on_trades(trades)
    for metric, value in checked.items():
        agree(name, metric, expected[metric], value)
    return {
        "name": name,
        "about": about,
        "first_day": FIRST_DAY,
        "equity": [float(value) for value in equity],
        "benchmark": None if benchmark is None else [float(value) for value in benchmark],
        "trades": trades,
        "expected": expected,
        "agreed_by_second_opinion": sorted(checked),
    }


def trades_of(rng, profits):
    def trade(profit):
        pct = round(profit / 100.0, 6)
        return {
            "pnl_usd": f"{profit:.2f}",
            "pnl_pct": pct,
            "max_favorable_excursion": round(max(pct, 0.0) + rng.uniform(0, 2), 6),
            "max_adverse_excursion": round(min(pct, 0.0) - rng.uniform(0, 2), 6),
            "bars_held": int(rng.integers(1, 200)),
        }

    return [trade(profit) for profit in profits]


def walk(rng, start, days, drift, deviation):
    """A random walk, rounded to cents."""
    steps = np.exp(rng.normal(drift, deviation, days))
    return np.round(np.concatenate([[start], start * np.cumprod(steps)]), 2)


def vectors():
    rng = np.random.default_rng(20190104)
    steps = rng.uniform(5, 80, 40)
    rise = np.round(10_000 + np.concatenate([[0], np.cumsum(steps)]), 2)
    fall = np.round(10_000 - np.concatenate([[0], np.cumsum(steps)]), 2)
    mixed = np.where(rng.uniform(size=400) < 0.4, rng.uniform(1, 300, 400), -rng.uniform(1, 180, 400))
    coin = walk(rng, 3_832.63, 40, 0.001, 0.035)
    lost = np.concatenate([[10_000.0, 10_100.0, 9_900.0], np.zeros(4)])
    long_coin = walk(rng, 3_832.63, 2_000, 0.001, 0.035)
    own = walk(rng, 100_000, 2_000, 0.0004, 0.012)
    half_coin = np.round(own * np.sqrt(long_coin / long_coin[0]), 2)
    return [
        vector("no_trades", "ten quiet days", np.full(11, 10_000.0), [], coin[:11]),
        vector("one_trade", "one trade, won", walk(rng, 10_000, 12, 0.001, 0.01), trades_of(rng, [123.45]), coin[:13]),
        vector("all_wins", "no day and no trade lost", rise, trades_of(rng, rng.uniform(1, 90, 25)), coin),
        vector("all_losses", "no day and no trade won", fall, trades_of(rng, -rng.uniform(1, 90, 25)), coin),
        vector("flat_curve", "trades that cancel out within each day", np.full(31, 10_000.0),
               trades_of(rng, [50.0, -50.0] * 10), np.full(31, 3_832.63)),
        vector("long_random", "five and a half years", own, trades_of(rng, mixed), long_coin),
        vector("moves_with_the_coin", "half of its fluctuation is the coin's", half_coin,
               trades_of(rng, mixed[:99]), long_coin),
        vector("total_loss", "everything is lost on the third day", lost, trades_of(rng, [100.0, -200.0, -9_900.0])),
        vector("one_day", "shorter than two days", [10_000.0, 10_050.0], trades_of(rng, [50.0]), coin[:2]),
        vector("two_days", "the shortest run with a deviation", [10_000.0, 10_050.0, 9_990.0],
               trades_of(rng, [50.0, -60.0]), coin[:3]),
        vector("no_day", "no bar at all", [10_000.0], []),
    ]


def main():
    packages = ["empyrical-reloaded", "quantstats", "numpy", "pandas"]
    document = {
        "generated_by": "tests/golden/metrics/generate.py",
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "python": sys.version.split()[0],
        "vectors": vectors(),
    }
    path = pathlib.Path(__file__).with_name("vectors.json")
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")
    names = [v["name"] for v in document["vectors"]]
    print(f"wrote {path.name}: {', '.join(names)}; {document['versions']}")


if __name__ == "__main__":
    main()
