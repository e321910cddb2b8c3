"""Writes the golden vectors of the kit's indicators.

    python3 -m venv venv && venv/bin/pip install TA-Lib==0.8.2 numpy==2.4.6
    venv/bin/python tests/golden/talib/generate.py

Four files beside this script, all CSV with a first line that names the versions used; an empty cell is a bar on which
there is no value:

- bars.csv       600 hourly bars of a seeded random walk with the cases that break indicators (see `make_bars`)
- expected.csv   what TA-Lib answers for each of these bars, one column for each indicator; the columns that begin
                 with `numpy_` are plain numpy, windows taken one by one: what TA-Lib lacks, and what its running
                 sums get wrong near zero
- long-bars.csv  5,400 bars of the same kind, to see drift
- long-expected.csv  the same columns as expected.csv for every 97th of these, computed over all of them

Columns are named after the indicator and its parameters, `sma_10`; strategies/kit/tests/golden.rs reads them.
Nothing here is computed by the code under test.
"""

import math
import pathlib
import platform
import random

import numpy as np
import talib

HERE = pathlib.Path(__file__).parent
SEED = 20240808
HOUR_MS = 3_600_000
FIRST_OPEN_TIME_MS = 1_704_067_200_000  # 2024-01-01T00:00:00Z
LONG_SAMPLE_STEP = 97


def versions():
    return (
        f"# TA-Lib {talib.__version__} (C library {talib.__ta_version__.decode().split()[0]}), "
        f"numpy {np.__version__}, Python {platform.python_version()}, seed {SEED}"
    )


def make_bars(count, seed):
    """A random walk in cents around 40,000, with what real candles do at their worst.

    Every 600 bars: 60 flat bars without volume (an outage filled flat), among them a day's first hours; a jump by a
    quarter and a fall by a third between two bars; single bars without volume or range; volumes over six powers of ten.
    """
    # `random.Random` gives the same numbers in every version of Python, numpy's generators need not.
    dice = random.Random(seed)
    close = 40_000.0
    bars = []
    for index in range(count):
        phase = index % 600
        if phase == 330:
            close *= 1.25
        if phase == 450:
            close /= 1.5
        open_ = round(close, 2)
        if 200 <= phase < 260:
            high = low = close = open_
            volume = delta = 0.0
        elif phase % 53 == 17:
            high = low = close = open_
            volume, delta = round(10 ** dice.uniform(-3, 3), 4), 0.0
        else:
            close = round(open_ * math.exp(dice.gauss(0.0, 0.006)), 2)
            high = round(max(open_, close) * (1 + abs(dice.gauss(0.0, 0.003))), 2)
            low = round(min(open_, close) * (1 - abs(dice.gauss(0.0, 0.003))), 2)
            volume = 0.0 if phase % 41 == 5 else round(10 ** dice.uniform(-3, 3), 4)
            delta = round(volume * dice.uniform(-1, 1), 4)
        bars.append((FIRST_OPEN_TIME_MS + index * HOUR_MS, open_, high, low, close, volume, delta))
    return bars


def session_vwap(open_time, high, low, close, volume):
    """TA-Lib's VWAP runs from the first bar it is given, so it is given one UTC day at a time.

    Before a day's first trade TA-Lib answers 0.0, which is no price; the cell is left empty.
    """
    result = np.full(len(close), np.nan)
    day = open_time // (24 * HOUR_MS)
    for start in np.flatnonzero(np.diff(day, prepend=day[0] - 1)):
        span = slice(start, start + np.count_nonzero(day == day[start]))
        result[span] = talib.VWAP(high[span], low[span], close[span], volume[span])
        result[span][np.cumsum(volume[span]) == 0.0] = np.nan
    return result


def rolling_vwap(high, low, close, volume, period):
    """TA-Lib's VWMA of the typical price, left empty where no bar of the window traded.

    Up to 0.8.1 TA-Lib divides two rounding residues there and answers any number (455.11 at a price of 38,000).
    """
    result = talib.VWMA(talib.TYPPRICE(high, low, close), volume, period)
    result[numpy_windows(volume, period, np.max) == 0.0] = np.nan
    return result


def numpy_windows(values, period, function):
    """`function` of each full window, taken on its own: no running sums."""
    result = np.full(len(values), np.nan)
    for end in range(period, len(values) + 1):
        result[end - 1] = function(values[end - period : end])
    return result


def z_score(window):
    deviation = np.std(window - window[-1], ddof=0)
    return (window[-1] - np.mean(window)) / deviation if deviation > 0.0 else np.nan


def slope(window):
    places = np.arange(len(window)) - (len(window) - 1) / 2
    return np.dot(places, window - window[-1]) / np.dot(places, places)


def numpy_rolling_vwap(high, low, close, volume, period):
    typical = (high + low + close) / 3.0
    paid = numpy_windows(typical * volume, period, math.fsum)
    traded = numpy_windows(volume, period, math.fsum)
    return np.divide(paid, traded, out=np.full(len(close), np.nan), where=traded > 0.0)


def expected(bars):
    open_time = np.array([bar[0] for bar in bars])
    _, high, low, close, volume, delta = (np.array(column) for column in list(zip(*bars))[1:])
    columns = {}

    for period in (1, 10, 200):
        columns[f"sma_{period}"] = talib.SMA(close, period)
    columns["sum_20"] = talib.SUM(volume, 20)
    for period in (12, 50):
        columns[f"ema_{period}"] = talib.EMA(close, period)
    for period in (9, 30):
        columns[f"wma_{period}"] = talib.WMA(close, period)
    for period in (2, 14):
        columns[f"rsi_{period}"] = talib.RSI(close, period)
    for periods in ((12, 26, 9), (5, 35, 5)):
        name = "macd_" + "_".join(map(str, periods))
        columns[f"{name}_line"], columns[f"{name}_signal"], columns[f"{name}_histogram"] = talib.MACD(close, *periods)

    for period in (5, 20):
        columns[f"stddev_{period}"] = talib.STDDEV(close, period, 1.0)
    for period, up, down in ((20, 2.0, 2.0), (5, 1.5, 2.5)):
        bands = talib.BBANDS(close, period, up, down)
        for band, values in zip(("upper", "middle", "lower"), bands):
            columns[f"bollinger_{period}_{up}_{down}_{band}"] = values

    columns["true_range"] = talib.TRANGE(high, low, close)
    for period in (14, 20):
        columns[f"atr_{period}"] = talib.ATR(high, low, close, period)
    for period in (5, 14):
        columns[f"plus_di_{period}"] = talib.PLUS_DI(high, low, close, period)
        columns[f"minus_di_{period}"] = talib.MINUS_DI(high, low, close, period)
        columns[f"adx_{period}"] = talib.ADX(high, low, close, period)

    columns["highest_55"] = talib.MAX(close, 55)
    columns["lowest_55"] = talib.MIN(close, 55)
    columns["donchian_20_upper"], columns["donchian_20_middle"], columns["donchian_20_lower"] = talib.DONCHIAN(high, low, 20)
    for periods in ((14, 3, 3), (5, 3, 4)):
        name = "stochastic_" + "_".join(map(str, periods))
        fast_k, slow_k, slow_d = periods
        columns[f"{name}_k"], columns[f"{name}_d"] = talib.STOCH(high, low, close, fast_k, slow_k, 0, slow_d, 0)

    columns["obv"] = talib.OBV(close, volume)
    columns["rolling_vwap_20"] = rolling_vwap(high, low, close, volume, 20)
    columns["session_vwap"] = session_vwap(open_time, high, low, close, volume)
    for period in (14, 50):
        columns[f"linear_slope_{period}"] = talib.LINEARREG_SLOPE(close, period)
    for left, right in ((2, 2), (5, 3)):
        # Flags and no numbers: TA-Lib answers 0 where it cannot know yet.
        flags = talib.FRACTAL(high, low, left, right)
        columns[f"swing_{left}_{right}_high"], columns[f"swing_{left}_{right}_low"] = flags

    for period in (5, 20):
        columns[f"numpy_z_score_{period}"] = numpy_windows(close, period, z_score)
    columns["numpy_cvd"] = np.cumsum(delta)
    # TA-Lib has these, but its running sums leave a residue where the right answer is 0, or nearly.
    columns["numpy_sum_20"] = numpy_windows(volume, 20, math.fsum)
    for period in (14, 50):
        columns[f"numpy_linear_slope_{period}"] = numpy_windows(close, period, slope)
    columns["numpy_rolling_vwap_20"] = numpy_rolling_vwap(high, low, close, volume, 20)
    return columns


def cell(value):
    if isinstance(value, (np.integer, int)):
        return str(int(value))
    return "" if math.isnan(value) else repr(float(value))


def write(name, header, rows):
    lines = [versions(), ",".join(header)] + [",".join(cell(value) for value in row) for row in rows]
    (HERE / name).write_text("\n".join(lines) + "\n")
    print(f"{name}: {len(rows)} rows, {len(header)} columns")


def main():
    print(versions())
    bar_header = ["open_time", "open", "high", "low", "close", "volume", "volume_delta"]
    for prefix, count, seed, step in (("", 600, SEED, 1), ("long-", 5_400, SEED + 1, LONG_SAMPLE_STEP)):
        bars = make_bars(count, seed)
        columns = expected(bars)
        sampled = range(0, count, step)
        write(f"{prefix}bars.csv", bar_header, bars)
        write(
            f"{prefix}expected.csv",
            ["bar", *columns],
            [[index, *(values[index] for values in columns.values())] for index in sampled],
        )


if __name__ == "__main__":
    main()
