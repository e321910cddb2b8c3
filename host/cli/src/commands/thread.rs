//! `sentinel thread`: the golden thread as it stands in both stores, from signals to performance.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rust_decimal::Decimal;
use sentinel_domain::documents::Record;
use sentinel_domain::live::{LivePosition, LiveSignal, RejectedSignal};
use sentinel_domain::tables::{
    AccountSnapshot, FactRejectedSignal, FactSignalExpired, FactTrade, PositionRow, SignalRow, StrategyPerformance,
    Table,
};
use sentinel_domain::warehouse::{EVERY_DAY, TableId, WarehouseExt};
use serde::Serialize;

use crate::format::{count, counted, money, percent};
use crate::output::{Output, dim, gain, number};
use crate::place::Place;

/// The thread in numbers. A signal or position that is in both stores is counted once.
#[derive(Debug, Default, Serialize)]
struct Thread {
    /// Signals by what became of them.
    signals: BTreeMap<String, usize>,
    /// Those turned away, by the gate's reason.
    rejected: BTreeMap<String, usize>,
    /// Positions by state.
    positions: BTreeMap<String, usize>,
    /// Rows of the archive, by table.
    archived: BTreeMap<&'static str, usize>,
    trades: Trades,
    /// Equity at the end of the last day, with its fall from the highest.
    last_snapshot: Option<AccountSnapshot>,
    /// What each version of each strategy has done, as of its last day.
    performance: Vec<StrategyPerformance>,
}

#[derive(Debug, Default, Serialize)]
struct Trades {
    wins: usize,
    losses: usize,
    pnl_usd: Decimal,
    fees_usd: Decimal,
    /// Those whose fees are the broker's own by now.
    fees_finalized: usize,
    by_exit: BTreeMap<String, usize>,
}

/// Reads the thread and prints it.
pub(super) async fn show(place: &Place, output: &Output) -> Result<()> {
    let thread = gather(place).await?;
    if output.is_json() { output.json(&thread) } else { print(&thread, output) }
}

async fn gather(place: &Place) -> Result<Thread> {
    let mut thread = Thread::default();
    signals(place, &mut thread).await?;
    positions(place, &mut thread).await?;
    let trades = archived::<FactTrade>(place, &mut thread).await?;
    thread.trades = Trades::of(&trades);
    archived::<FactRejectedSignal>(place, &mut thread).await?;
    archived::<FactSignalExpired>(place, &mut thread).await?;
    thread.last_snapshot =
        archived::<AccountSnapshot>(place, &mut thread).await?.into_iter().max_by_key(|snapshot| snapshot.ds);
    let mut last = BTreeMap::new();
    for row in archived::<StrategyPerformance>(place, &mut thread).await? {
        last.insert((row.strategy_id.clone(), row.from_date, row.strategy_version.clone()), row);
    }
    thread.performance = last.into_values().collect();
    Ok(thread)
}

async fn signals(place: &Place, thread: &mut Thread) -> Result<()> {
    let mut seen = BTreeSet::new();
    for row in rows::<SignalRow>(place).await?.into_iter().filter(|row| !row.is_backtest) {
        thread.count_signal(row.status, row.rejection_reason);
        seen.insert(row.signal_id);
    }
    let live = hot::<LiveSignal>(place).await?;
    let rejected = hot::<RejectedSignal>(place).await?.into_iter().map(|rejected| rejected.signal);
    for signal in live.into_iter().chain(rejected) {
        if seen.insert(signal.signal_id) {
            thread.count_signal(signal.status.as_str().to_owned(), signal.rejection.map(|rejection| rejection.reason));
        }
    }
    Ok(())
}

async fn positions(place: &Place, thread: &mut Thread) -> Result<()> {
    let mut seen = BTreeSet::new();
    for row in hot::<LivePosition>(place).await? {
        *thread.positions.entry(row.status.as_str().to_owned()).or_default() += 1;
        seen.insert(row.position_id);
    }
    for row in rows::<PositionRow>(place).await?.into_iter().filter(|row| !row.is_backtest) {
        if !seen.contains(&row.position_id) {
            *thread.positions.entry(row.status.to_uppercase()).or_default() += 1;
        }
    }
    Ok(())
}

async fn archived<T: Table>(place: &Place, thread: &mut Thread) -> Result<Vec<T>> {
    let rows = rows::<T>(place).await?;
    thread.archived.insert(T::schema().name, rows.len());
    Ok(rows)
}

async fn rows<T: Table>(place: &Place) -> Result<Vec<T>> {
    let table = TableId::of::<T>(place.environment.table(T::schema().name));
    Ok(place.warehouse.select::<T>(&table, EVERY_DAY, &[]).await?)
}

async fn hot<T: Record>(place: &Place) -> Result<Vec<T>> {
    let records = place.records::<T>();
    Ok(records.all(records.select()).await?.into_iter().map(|stored| stored.record).collect())
}

impl Thread {
    fn count_signal(&mut self, state: String, reason: Option<String>) {
        *self.signals.entry(state).or_default() += 1;
        if let Some(reason) = reason {
            *self.rejected.entry(reason).or_default() += 1;
        }
    }
}

impl Trades {
    fn of(trades: &[FactTrade]) -> Self {
        let mut sum = Self::default();
        for trade in trades {
            let won = if trade.pnl_usd > Decimal::ZERO { &mut sum.wins } else { &mut sum.losses };
            *won += 1;
            sum.pnl_usd += trade.pnl_usd;
            sum.fees_usd += trade.actual_fee_usd.unwrap_or(trade.estimated_fee_usd);
            sum.fees_finalized += usize::from(trade.fee_finalized);
            *sum.by_exit.entry(trade.exit_reason.clone()).or_default() += 1;
        }
        sum
    }
}

fn print(thread: &Thread, output: &Output) -> Result<()> {
    let total = |counts: &BTreeMap<String, usize>| count(counts.values().sum::<usize>() as u64);
    let listed = |counts: &BTreeMap<String, usize>| {
        let parts: Vec<_> = counts.iter().map(|(what, times)| format!("{} {what}", count(*times as u64))).collect();
        if parts.is_empty() { "–".to_owned() } else { parts.join(", ") }
    };
    let rows = |table: &str| count(thread.archived.get(table).copied().unwrap_or_default() as u64);
    let trades = &thread.trades;
    let mut table = output.new_table(["Golden thread", "", ""]);
    let mut add = |what: &str, how_many: String, of_these: String| {
        table.add_row([what.into(), number(how_many), of_these.into()]);
    };
    add("Signals", total(&thread.signals), listed(&thread.signals));
    add("Rejected at the gate", total(&thread.rejected), listed(&thread.rejected));
    add("Positions", total(&thread.positions), listed(&thread.positions));
    let finalized =
        format!("{}; fees {} (final in {})", listed(&trades.by_exit), money(trades.fees_usd), trades.fees_finalized);
    add("Loop A: trades", rows("fact_trades"), finalized);
    add("Loop B: rejected, in theory", rows("fact_rejected_signals"), "after seven days".to_owned());
    add("Loop C: expired", rows("fact_signals_expired"), String::new());
    let snapshot = thread.last_snapshot.as_ref().map_or_else(String::new, |last| {
        format!("on {}: equity {}, drawdown {}", last.ds, money(last.equity), percent(last.drawdown_pct))
    });
    add("Loop D: snapshots", rows("snapshot_accounts"), snapshot);
    output.table(&table)?;
    print_performance(&thread.performance, output)
}

fn print_performance(performance: &[StrategyPerformance], output: &Output) -> Result<()> {
    output.line("")?;
    if performance.is_empty() {
        return output.line("No version of a strategy has closed a trade yet.");
    }
    let header = ["Strategy", "Version", "Until", "Trades", "Won", "Profit", "Fees", "Sharpe", "Profit factor", "Beta"];
    let mut table = output.new_table(header);
    let figure = |value: Option<f64>| value.map_or_else(|| dim("–"), |value| number(format!("{value:.2}")));
    for row in performance {
        let pnl = f64::try_from(row.pnl_usd).unwrap_or_default();
        table.add_row([
            row.strategy_id.as_str().into(),
            dim(&row.strategy_version[..12.min(row.strategy_version.len())]),
            row.ds.into(),
            number(row.trade_count),
            row.win_rate.map_or_else(|| dim("–"), |rate| number(format!("{rate:.0} %"))),
            gain(money(row.pnl_usd), pnl),
            number(money(row.fees_usd)),
            figure(row.sharpe_ratio),
            figure(row.profit_factor),
            figure(row.beta),
        ]);
    }
    output.table(&table)?;
    output.line(output.dim(&counted(performance.len(), "version")))
}
