// Simple moving average.

/**
 * The mean of the last `period` values.
 *
 * It takes a whole column at once: a call for each bar would cost more than the arithmetic. The arithmetic is that of
 * the indicator `Sma` of the Rust kit, operation by operation, so that both give the same bits.
 */
export class Sma {
  constructor(period) {
    this.reciprocal = 1 / period;
    // The last `period` values, written round and round; the seam is where the round begins.
    this.window = new Float64Array(period);
    this.next = 0;
    this.total = 0;
    this.sinceSeam = 0;
    this.full = false;
  }

  /** Takes in the next values and returns the average at each, not a number until the window is full. */
  update(values) {
    // Local names: the engine reads them several times faster than properties.
    const { reciprocal, window } = this;
    const period = window.length;
    let { next, total, sinceSeam, full } = this;
    const averages = new Float64Array(values.length);
    for (let bar = 0; bar < averages.length; bar++) {
      const value = values[bar];
      total += value - window[next];
      window[next++] = value;
      sinceSeam += value;
      if (next === period) {
        // The window added up afresh replaces the running sum, so that rounding errors do not pile up.
        total = sinceSeam;
        next = sinceSeam = 0;
        full = true;
      }
      averages[bar] = full ? total * reciprocal : NaN;
    }
    Object.assign(this, { next, total, sinceSeam, full });
    return averages;
  }
}
