"""Moving-average cross, in Python: what the strategy does.

The module is named after the contract's interface `strategy`, because that is where the host finds `Session`.
"""

from componentize_py_types import Err
from sma import Sma
from wit_world.imports.types import (
    Bars,
    Instrument,
    ParameterFault,
    ParameterValue,
    Signal,
    SignalType,
    StrategyError_InvalidParameter,
)

# Places in the lists of the manifest.
SLOW = 1
CROSS_UP, CROSS_DOWN = 0, 1
# Bits of the sets of reasons and warnings.
TREND_UP, TREND_OVER = 1 << 0, 1 << 1
PRICE_DISAGREES = 1 << 0

# A fast average within a ten-billionth of the slow one is not above it: two averages of a price that stands still
# differ by the rounding of their sums.
HARDLY_ABOVE = 1.0 + 1e-10


class Session:
    """One run over one instrument."""

    def __init__(self, fast_period: int, slow_period: int, threshold: float) -> None:
        self.slow_period = slow_period
        self.fast = Sma(fast_period)
        self.slow = Sma(slow_period)
        self.threshold = threshold
        self.was_above = False

    @classmethod
    def open(cls, instrument: Instrument, parameters: list[ParameterValue]) -> "Session":
        fast_period, slow_period, threshold = (parameter.value for parameter in parameters)
        if fast_period >= slow_period:
            raise Err(StrategyError_InvalidParameter(ParameterFault(SLOW, "must be above fast")))
        return cls(fast_period, slow_period, threshold)

    def warm_up_bars(self) -> int:
        return self.slow_period

    def on_bars(self, bars: Bars) -> list[Signal]:
        signals = []
        threshold, was_above = self.threshold, self.was_above
        columns = zip(bars.close, self.fast.update(bars.close), self.slow.update(bars.close))
        for bar, (close, fast, slow) in enumerate(columns):
            # False while an average is not a number.
            is_above = fast > slow * HARDLY_ABOVE + threshold
            if is_above != was_above:
                was_above = is_above
                signals.append(buy(bar, close, fast) if is_above else sell(bar, close, fast))
        self.was_above = was_above
        return signals


def buy(bar: int, close: float, fast: float) -> Signal:
    return signal(bar, SignalType.BUY, CROSS_UP, TREND_UP, PRICE_DISAGREES if close < fast else 0)


def sell(bar: int, close: float, fast: float) -> Signal:
    return signal(bar, SignalType.SELL, CROSS_DOWN, TREND_OVER, PRICE_DISAGREES if close > fast else 0)


def signal(bar: int, signal_type: SignalType, pattern: int, reasons: int, warnings: int) -> Signal:
    return Signal(
        bar=bar,
        signal_type=signal_type,
        pattern=pattern,
        confidence=60.0,
        reasons=reasons,
        warnings=warnings,
        stop_loss=None,
        take_profit=None,
        valid_bars=None,
    )
