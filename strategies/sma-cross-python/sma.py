"""Simple moving average."""


class Sma:
    """The mean of the last `period` values.

    It takes a whole column at once: a call for each bar would cost more than the arithmetic. The arithmetic is that of
    the indicator `Sma` of the Rust kit, operation by operation, so that both give the same bits.
    """

    def __init__(self, period: int) -> None:
        self.period = period
        self.reciprocal = 1.0 / period
        # The last `period` values, written round and round; the seam is where the round begins.
        self.window = [0.0] * period
        self.next = 0
        self.total = 0.0
        self.since_seam = 0.0
        self.full = False

    def update(self, values: list[float]) -> list[float]:
        """Takes in the next values and returns the average at each, not a number until the window is full."""
        # Local names: Python looks them up several times faster than attributes.
        period, reciprocal, window = self.period, self.reciprocal, self.window
        slot, total, since_seam, full = self.next, self.total, self.since_seam, self.full
        averages = []
        for value in values:
            total += value - window[slot]
            window[slot] = value
            since_seam += value
            slot += 1
            if slot == period:
                # The window added up afresh replaces the running sum, so that rounding errors do not pile up.
                slot, total, since_seam, full = 0, since_seam, 0.0, True
            averages.append(total * reciprocal if full else float("nan"))
        self.next, self.total, self.since_seam, self.full = slot, total, since_seam, full
        return averages
