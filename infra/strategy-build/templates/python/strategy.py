"""What the strategy does. Change `on_bars` first.

The module is named after the contract's interface `strategy`, because that is where the host finds `Session`.
"""

from average import Average
from wit_world.imports.types import Bars, Instrument, ParameterValue, Signal, SignalType

# Places in the list of patterns, see `app.py`.
CLOSED_ABOVE, CLOSED_BELOW = 0, 1
# Bits of the set of reasons.
AVERAGE_RISES = 1 << 0


class Session:
    """One session: all the memory the strategy has. The host opens a fresh one at fixed times."""

    def __init__(self, period: int, margin: float) -> None:
        self.average = Average(period)
        self.average_before: float | None = None
        self.period = period
        self.margin = margin / 100.0

    @classmethod
    def open(cls, instrument: Instrument, parameters: list[ParameterValue]) -> "Session":
        """Opens a session. The values come in the order of the manifest, each checked against its range."""
        period, margin = (parameter.value for parameter in parameters)
        return cls(period, margin)

    def warm_up_bars(self) -> int:
        """The bars to be shown before the first signal counts: until there is an average and one before it."""
        return self.period + 1

    def on_bars(self, bars: Bars) -> list[Signal]:
        """Takes in the next closed bars, one or many, and returns the signals they give rise to.

        How the bars are cut into calls must not matter: `sentinel strategy check` tries.
        """
        signals = []
        for bar, close in enumerate(bars.close):
            average = self.average.update(close)
            if average is None:
                continue
            rises = self.average_before is not None and average > self.average_before
            self.average_before = average
            if close > average * (1.0 + self.margin):
                # Said on every such bar; the host buys once and then keeps what it has.
                signals.append(signal(bar, SignalType.BUY, CLOSED_ABOVE, AVERAGE_RISES if rises else 0))
            elif close < average:
                signals.append(signal(bar, SignalType.SELL, CLOSED_BELOW, 0))
        return signals


def signal(bar: int, signal_type: SignalType, pattern: int, reasons: int) -> Signal:
    """Returns a signal without stop, target and validity: the user's own settings decide."""
    return Signal(
        bar=bar,
        signal_type=signal_type,
        pattern=pattern,
        confidence=60.0,
        reasons=reasons,
        warnings=0,
        stop_loss=None,
        take_profit=None,
        valid_bars=None,
    )
