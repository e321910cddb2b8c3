"""Moving-average cross, in Python: what the strategy is. What it does is in `strategy.py`.

The names come from the contract in `wit/v0.1`: `strategy build` generates the module `wit_world` from it, with the
contract's comments as docstrings.
"""

from wit_world import exports
from wit_world.imports.types import (
    Columns,
    IntegerRange,
    Label,
    Manifest,
    Parameter,
    ParameterKind_Integer,
    ParameterKind_Real,
    RealRange,
    Timeframes,
)


class Strategy(exports.Strategy):
    """What the host asks before it opens a session."""

    def describe(self) -> Manifest:
        return Manifest(
            id="sma-cross-python",
            description="Long while a fast moving average of the close lies above a slow one by more than a threshold. "
            "Works in long trends; fails in sideways markets, where the averages cross back and forth. "
            "The same strategy as sma-cross, written in Python.",
            timeframes=~Timeframes(0),
            columns=Columns.CLOSE,
            parameters=[
                Parameter("fast", "Bars of the fast average.", ParameterKind_Integer(IntegerRange(10, 1, 2000))),
                Parameter(
                    "slow",
                    "Bars of the slow average; more than those of the fast one.",
                    ParameterKind_Integer(IntegerRange(30, 2, 5000)),
                ),
                Parameter(
                    "threshold",
                    "How far the fast average must lie above the slow one, in quote currency.",
                    ParameterKind_Real(RealRange(0.0, 0.0, 1e9)),
                ),
            ],
            # A signal names these by their place in the list: see the constants in `strategy.py`.
            patterns=[
                Label("cross-up", "The fast average rose above the slow one by more than the threshold."),
                Label("cross-down", "The fast average no longer lies above the slow one by more than the threshold."),
            ],
            reasons=[
                Label("trend-up", "Recent prices lie above older ones: the trend is up."),
                Label("trend-over", "Recent prices no longer lie above older ones: the trend is over."),
            ],
            warnings=[
                Label(
                    "price-disagrees",
                    "The price closed on the other side of the fast average: the cross may be late.",
                ),
            ],
        )
