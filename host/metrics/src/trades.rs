//! What single trades looked like. A trade wins when its profit after fees is above zero.

use rust_decimal::Decimal;
use sentinel_domain::money::to_f64;
use sentinel_domain::trade::Trade;

use super::facts::{Facts, count};
use super::{Better, Definition, Group, Outcome, Unit};

const NO_TRADE: &str = "no trade was closed";
const NO_WIN: &str = "no trade won";
const NO_LOSS: &str = "no trade lost";

/// Number of trades.
pub static TRADE_COUNT: Definition = Definition {
    name: "trade_count",
    title: "Trades",
    unit: Unit::Count,
    group: Group::Trades,
    better: Better::Neither,
    meaning: "Closed positions. Statistics over fewer than thirty or so say little.",
    formula: "count of closed positions",
    compute: |facts| Ok(count(facts.trades.count)),
};

/// Share of trades that won.
pub static WIN_RATE: Definition = Definition {
    name: "win_rate_pct",
    title: "Win rate",
    unit: Unit::Percent,
    group: Group::Trades,
    better: Better::Higher,
    meaning: "The share of trades that ended above zero after fees.",
    formula: "wins / trades × 100",
    compute: |facts| facts.trades.mean_of_all(count(facts.trades.wins) * 100.0),
};

/// Profit factor.
pub static PROFIT_FACTOR: Definition = Definition {
    name: "profit_factor",
    title: "Profit factor",
    unit: Unit::Ratio,
    group: Group::Trades,
    better: Better::Higher,
    meaning: "What winning trades brought for each unit that losing trades cost; below 1 loses money.",
    formula: "Σ profit of wins / |Σ profit of losses|, after fees",
    compute: |facts| {
        let sums = &facts.trades;
        sums.mean_of_losses(0.0)?;
        Ok(to_f64(sums.won_usd) / to_f64(sums.lost_usd).abs())
    },
};

/// Mean profit of a trade.
pub static EXPECTANCY: Definition = Definition {
    name: "expectancy_usd",
    title: "Expectancy",
    unit: Unit::Usd,
    group: Group::Trades,
    better: Better::Higher,
    meaning: "What a trade brought on average, after fees.",
    formula: "Σ profit / trades",
    compute: |facts| facts.trades.mean_of_all(to_f64(facts.trades.won_usd + facts.trades.lost_usd)),
};

/// Mean profit of a trade, per cent.
pub static EXPECTANCY_PCT: Definition = Definition {
    name: "expectancy_pct",
    title: "Expectancy, per cent",
    unit: Unit::Percent,
    group: Group::Trades,
    better: Better::Higher,
    meaning: "What a trade brought on average, per cent of what its entry cost.",
    formula: "mean(profit after fees / cost of the entry × 100)",
    compute: |facts| facts.trades.mean_of_all(facts.trades.pnl_pct),
};

/// Mean profit of the trades that won.
pub static AVERAGE_WIN: Definition = Definition {
    name: "average_win_usd",
    title: "Average win",
    unit: Unit::Usd,
    group: Group::Trades,
    better: Better::Higher,
    meaning: "What a winning trade brought on average, after fees.",
    formula: "Σ profit of wins / wins",
    compute: average_win,
};

/// Mean profit of the trades that lost.
pub static AVERAGE_LOSS: Definition = Definition {
    name: "average_loss_usd",
    title: "Average loss",
    unit: Unit::Usd,
    group: Group::Trades,
    better: Better::Higher,
    meaning: "What a losing trade cost on average, after fees; a number below zero.",
    formula: "Σ profit of losses / losses",
    compute: average_loss,
};

/// Average win against average loss.
pub static PAYOFF: Definition = Definition {
    name: "payoff_ratio",
    title: "Payoff ratio",
    unit: Unit::Ratio,
    group: Group::Trades,
    better: Better::Higher,
    meaning: "How much larger a typical win is than a typical loss.",
    formula: "average win / |average loss|",
    compute: |facts| Ok(average_win(facts)? / average_loss(facts)?.abs()),
};

/// Best trade.
pub static BEST_TRADE: Definition = Definition {
    name: "best_trade_pct",
    title: "Best trade",
    unit: Unit::Percent,
    group: Group::Trades,
    better: Better::Higher,
    meaning: "The highest profit of one trade, per cent of what its entry cost.",
    formula: "max(profit after fees / cost of the entry) × 100",
    compute: |facts| facts.trades.best_pct.ok_or(NO_TRADE),
};

/// Worst trade.
pub static WORST_TRADE: Definition = Definition {
    name: "worst_trade_pct",
    title: "Worst trade",
    unit: Unit::Percent,
    group: Group::Trades,
    better: Better::Higher,
    meaning: "The lowest profit of one trade, per cent of what its entry cost.",
    formula: "min(profit after fees / cost of the entry) × 100",
    compute: |facts| facts.trades.worst_pct.ok_or(NO_TRADE),
};

/// Mean of the maximum favorable excursions.
pub static FAVORABLE_EXCURSION: Definition = Definition {
    name: "mfe_mean_pct",
    title: "Favorable excursion, mean",
    unit: Unit::Percent,
    group: Group::Trades,
    better: Better::Higher,
    meaning: "How far prices rose above the entry at best while trades were held (MFE). Far above the mean \
              profit, it says that exits come late.",
    formula: "mean((highest price from entry to exit / entry fill - 1) × 100)",
    compute: |facts| facts.trades.mean_of_all(facts.trades.mfe_pct),
};

/// Mean of the maximum adverse excursions.
pub static ADVERSE_EXCURSION: Definition = Definition {
    name: "mae_mean_pct",
    title: "Adverse excursion, mean",
    unit: Unit::Percent,
    group: Group::Trades,
    better: Better::Higher,
    meaning: "How far prices fell below the entry at worst while trades were held (MAE). It tells where stops \
              would have been hit.",
    formula: "mean((lowest price from entry to exit / entry fill - 1) × 100)",
    compute: |facts| facts.trades.mean_of_all(facts.trades.mae_pct),
};

/// Mean time in a trade.
pub static BARS_HELD: Definition = Definition {
    name: "bars_held_mean",
    title: "Bars held, mean",
    unit: Unit::Bars,
    group: Group::Trades,
    better: Better::Neither,
    meaning: "How long a trade lasted on average, in bars of its strategy's timeframe.",
    formula: "mean(bars from entry to exit)",
    compute: |facts| facts.trades.mean_of_all(facts.trades.bars_held),
};

/// Sums over closed trades, taken in one pass.
#[derive(Debug, Default)]
pub(super) struct TradeSums {
    pub(super) count: usize,
    pub(super) wins: usize,
    losses: usize,
    pub(super) won_usd: Decimal,
    lost_usd: Decimal,
    pnl_pct: f64,
    best_pct: Option<f64>,
    worst_pct: Option<f64>,
    mfe_pct: f64,
    mae_pct: f64,
    bars_held: f64,
    pub(super) slippage_pct: f64,
}

impl TradeSums {
    pub(super) fn of(trades: &[Trade]) -> Self {
        let mut sums = Self::default();
        trades.iter().for_each(|trade| sums.add(trade));
        sums
    }

    fn add(&mut self, trade: &Trade) {
        self.count += 1;
        if trade.pnl_usd > Decimal::ZERO {
            self.wins += 1;
            self.won_usd += trade.pnl_usd;
        } else if trade.pnl_usd < Decimal::ZERO {
            self.losses += 1;
            self.lost_usd += trade.pnl_usd;
        }
        self.pnl_pct += trade.pnl_pct;
        self.best_pct = Some(self.best_pct.map_or(trade.pnl_pct, |best| best.max(trade.pnl_pct)));
        self.worst_pct = Some(self.worst_pct.map_or(trade.pnl_pct, |worst| worst.min(trade.pnl_pct)));
        self.mfe_pct += trade.max_favorable_excursion;
        self.mae_pct += trade.max_adverse_excursion;
        self.bars_held += f64::from(trade.bars_held);
        self.slippage_pct += trade.slippage_pct;
    }

    pub(super) fn mean_of_all(&self, sum: f64) -> Outcome {
        mean(sum, self.count, NO_TRADE)
    }

    fn mean_of_wins(&self, sum: f64) -> Outcome {
        self.mean_of_all(0.0)?;
        mean(sum, self.wins, NO_WIN)
    }

    fn mean_of_losses(&self, sum: f64) -> Outcome {
        self.mean_of_all(0.0)?;
        mean(sum, self.losses, NO_LOSS)
    }
}

fn mean(sum: f64, of: usize, reason: &'static str) -> Outcome {
    if of == 0 { Err(reason) } else { Ok(sum / count(of)) }
}

fn average_win(facts: &Facts<'_>) -> Outcome {
    facts.trades.mean_of_wins(to_f64(facts.trades.won_usd))
}

fn average_loss(facts: &Facts<'_>) -> Outcome {
    facts.trades.mean_of_losses(to_f64(facts.trades.lost_usd))
}
