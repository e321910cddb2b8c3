"""What the strategy is. What it does is in `strategy.py`.

The module `wit_world` is made by `sentinel strategy build` from the contract in `vendor/sentinel/wit`, whose comments
are the manual.
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
            id="strategy-name",
            description="Long while the price lies above its average. Works in trends; fails in sideways markets, "
            "where the price crosses its average back and forth.",
            # Every timeframe there is.
            timeframes=~Timeframes(0),
            # The host fills these columns and leaves the others empty; each one that is named costs time.
            columns=Columns.CLOSE,
            # What the user may turn: `sentinel backtest … --param period=50`.
            parameters=[
                Parameter("period", "Bars of the average.", ParameterKind_Integer(IntegerRange(20, 2, 1000))),
                Parameter(
                    "margin",
                    "How far above the average the price must close, in percent of it.",
                    ParameterKind_Real(RealRange(1.0, 0.0, 50.0)),
                ),
            ],
            # What it recognises. A signal names one of these by its place in the list, and the report shows it.
            patterns=[
                Label("closed-above", "The price closed above its average by more than the margin."),
                Label("closed-below", "The price closed below its average."),
            ],
            # Why it says so. A signal carries any number of these, as bits.
            reasons=[
                Label("average-rises", "The average itself is higher than on the bar before."),
            ],
            warnings=[],
        )
