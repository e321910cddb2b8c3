// Moving-average cross, in JavaScript.
//
// The names come from the contract in `wit/v0.1`, in camel case: `on-bars` is `onBars`, `signal-type` is `signalType`.

import { Sma } from './sma.js';

// Places in the lists of the manifest.
const SLOW = 1;
const CROSS_UP = 0, CROSS_DOWN = 1;
// Bits of the sets of reasons and warnings.
const TREND_UP = 1n << 0n, TREND_OVER = 1n << 1n;
const PRICE_DISAGREES = 1n << 0n;

// A fast average within a ten-billionth of the slow one is not above it: two averages of a price that stands still
// differ by the rounding of their sums.
const HARDLY_ABOVE = 1 + 1e-10;

/** What the strategy is; the host asks before it opens a session. */
function describe() {
  return {
    id: 'sma-cross-javascript',
    description:
      'Long while a fast moving average of the close lies above a slow one by more than a threshold. ' +
      'Works in long trends; fails in sideways markets, where the averages cross back and forth. ' +
      'The same strategy as sma-cross, written in JavaScript.',
    timeframes: { m1: true, m5: true, m15: true, h1: true, h4: true, d1: true },
    columns: { close: true },
    parameters: [
      {
        name: 'fast',
        description: 'Bars of the fast average.',
        kind: { tag: 'integer', val: { default: 10n, minimum: 1n, maximum: 2000n } },
      },
      {
        name: 'slow',
        description: 'Bars of the slow average; more than those of the fast one.',
        kind: { tag: 'integer', val: { default: 30n, minimum: 2n, maximum: 5000n } },
      },
      {
        name: 'threshold',
        description: 'How far the fast average must lie above the slow one, in quote currency.',
        kind: { tag: 'real', val: { default: 0, minimum: 0, maximum: 1e9 } },
      },
    ],
    // A signal names these by their place in the list: see the constants above.
    patterns: [
      { name: 'cross-up', description: 'The fast average rose above the slow one by more than the threshold.' },
      {
        name: 'cross-down',
        description: 'The fast average no longer lies above the slow one by more than the threshold.',
      },
    ],
    reasons: [
      { name: 'trend-up', description: 'Recent prices lie above older ones: the trend is up.' },
      { name: 'trend-over', description: 'Recent prices no longer lie above older ones: the trend is over.' },
    ],
    warnings: [
      {
        name: 'price-disagrees',
        description: 'The price closed on the other side of the fast average: the cross may be late.',
      },
    ],
  };
}

/** One run over one instrument. */
class Session {
  constructor(fastPeriod, slowPeriod, threshold) {
    this.slowPeriod = slowPeriod;
    this.fast = new Sma(fastPeriod);
    this.slow = new Sma(slowPeriod);
    this.threshold = threshold;
    this.wasAbove = false;
  }

  static open(instrument, parameters) {
    // Whole numbers of the contract arrive as BigInt.
    const [fastPeriod, slowPeriod, threshold] = parameters.map((parameter) => Number(parameter.val));
    if (fastPeriod >= slowPeriod) {
      throw { tag: 'invalid-parameter', val: { parameter: SLOW, message: 'must be above fast' } };
    }
    return new Session(fastPeriod, slowPeriod, threshold);
  }

  warmUpBars() {
    return this.slowPeriod;
  }

  onBars({ close }) {
    const fast = this.fast.update(close);
    const slow = this.slow.update(close);
    const { threshold } = this;
    let { wasAbove } = this;
    const signals = [];
    for (let bar = 0; bar < fast.length; bar++) {
      // False while an average is not a number.
      const isAbove = fast[bar] > slow[bar] * HARDLY_ABOVE + threshold;
      if (isAbove !== wasAbove) {
        wasAbove = isAbove;
        signals.push(isAbove ? buy(bar, close[bar], fast[bar]) : sell(bar, close[bar], fast[bar]));
      }
    }
    this.wasAbove = wasAbove;
    return signals;
  }
}

function buy(bar, close, fast) {
  return signal(bar, 'buy', CROSS_UP, TREND_UP, close < fast ? PRICE_DISAGREES : 0n);
}

function sell(bar, close, fast) {
  return signal(bar, 'sell', CROSS_DOWN, TREND_OVER, close > fast ? PRICE_DISAGREES : 0n);
}

// Without stop, target and validity: the user's own settings decide.
function signal(bar, signalType, pattern, reasons, warnings) {
  return { bar, signalType, pattern, confidence: 60, reasons, warnings };
}

export const strategy = { describe, Session };
