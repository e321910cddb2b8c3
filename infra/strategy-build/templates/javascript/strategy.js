// Long while the price lies above its average: a strategy to start from. Change `onBars` first.
//
// The names come from the contract in `vendor/sentinel/wit`, whose comments are the manual, in camel case: `on-bars`
// is `onBars`. Whole numbers of 64 bits are BigInt: `20n`.

import { Average } from './average.js';

// Places in the list of patterns.
const CLOSED_ABOVE = 0, CLOSED_BELOW = 1;
// Bits of the set of reasons.
const AVERAGE_RISES = 1n << 0n;

/** What the strategy is; the host asks before it opens a session. */
function describe() {
  return {
    id: 'strategy-name',
    description:
      'Long while the price lies above its average. Works in trends; fails in sideways markets, where the price ' +
      'crosses its average back and forth.',
    timeframes: { m1: true, m5: true, m15: true, h1: true, h4: true, d1: true },
    // The host fills these columns and leaves the others empty; each one that is named costs time.
    columns: { close: true },
    // What the user may turn: `sentinel backtest … --param period=50`.
    parameters: [
      {
        name: 'period',
        description: 'Bars of the average.',
        kind: { tag: 'integer', val: { default: 20n, minimum: 2n, maximum: 1000n } },
      },
      {
        name: 'margin',
        description: 'How far above the average the price must close, in percent of it.',
        kind: { tag: 'real', val: { default: 1, minimum: 0, maximum: 50 } },
      },
    ],
    // What it recognises. A signal names one of these by its place in the list, and the report shows it.
    patterns: [
      { name: 'closed-above', description: 'The price closed above its average by more than the margin.' },
      { name: 'closed-below', description: 'The price closed below its average.' },
    ],
    // Why it says so. A signal carries any number of these, as bits.
    reasons: [{ name: 'average-rises', description: 'The average itself is higher than on the bar before.' }],
    warnings: [],
  };
}

/** One session: all the memory the strategy has. The host opens a fresh one at fixed times. */
class Session {
  constructor(period, margin) {
    this.average = new Average(period);
    this.averageBefore = undefined;
    this.period = period;
    this.margin = margin / 100;
  }

  /** Opens a session. The values come in the order of the manifest, each checked against its range. */
  static open(instrument, parameters) {
    const [period, margin] = parameters.map((parameter) => Number(parameter.val));
    return new Session(period, margin);
  }

  /** The bars to be shown before the first signal counts: until there is an average and one before it. */
  warmUpBars() {
    return this.period + 1;
  }

  /**
   * Takes in the next closed bars, one or many, and returns the signals they give rise to. How the bars are cut into
   * calls must not matter: `sentinel strategy check` tries.
   */
  onBars({ close: closes }) {
    const signals = [];
    for (let bar = 0; bar < closes.length; bar++) {
      const close = closes[bar];
      const average = this.average.update(close);
      if (average === undefined) continue;
      const rises = average > this.averageBefore;
      this.averageBefore = average;
      if (close > average * (1 + this.margin)) {
        // Said on every such bar; the host buys once and then keeps what it has.
        signals.push(signal(bar, 'buy', CLOSED_ABOVE, rises ? AVERAGE_RISES : 0n));
      } else if (close < average) {
        signals.push(signal(bar, 'sell', CLOSED_BELOW, 0n));
      }
    }
    return signals;
  }
}

/** Returns a signal without stop, target and validity: the user's own settings decide. */
function signal(bar, signalType, pattern, reasons) {
  return { bar, signalType, pattern, confidence: 60, reasons, warnings: 0n };
}

export const strategy = { describe, Session };
