/** The mean of the last `period` values. */
export class Average {
  constructor(period) {
    this.period = period;
    this.values = [];
  }

  /** Takes in the next value and returns the mean, `undefined` while there are fewer than `period` values. */
  update(value) {
    this.values.push(value);
    if (this.values.length > this.period) this.values.shift();
    if (this.values.length < this.period) return undefined;
    return this.values.reduce((sum, next) => sum + next, 0) / this.period;
  }
}
