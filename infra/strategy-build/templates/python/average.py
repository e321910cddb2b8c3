"""The mean of the last values. It needs nothing of the contract, so `python3 -m unittest` can try it natively."""

from collections import deque


class Average:
    """The mean of the last `period` values."""

    def __init__(self, period: int) -> None:
        self.values: deque[float] = deque(maxlen=period)

    def update(self, value: float) -> float | None:
        """Takes in the next value and returns the mean, `None` while there are fewer than `period` values."""
        self.values.append(value)
        if len(self.values) < self.values.maxlen:
            return None
        return sum(self.values) / self.values.maxlen
