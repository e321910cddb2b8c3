//! `sentinel explain`: one signal from its candles to its archive, from both stores.

use std::collections::BTreeMap;

use anyhow::Result;
use sentinel_domain::candles::Candle;
use sentinel_domain::documents::Record;
use sentinel_domain::live::{
    CandleChunk, Decided, DecisionChunk, LiveOrder, LivePosition, LiveSignal, OrderPurpose, RejectedSignal,
};
use sentinel_domain::tables::{self, Cell};
use sentinel_domain::warehouse::TableId;
use sentinel_domain::warehouse::sql::about_signal;
use serde::Serialize;
use serde_json::Value;

use crate::args::ExplainArgs;
use crate::failure::usage;
use crate::format::{moment, money};
use crate::output::{Output, number};
use crate::place::Place;

/// Candles that are shown up to and with the signal's.
const CANDLES: usize = 5;

/// Tables that hold what became of a signal, in the order of its life.
const TABLES: [&str; 6] =
    ["signals", "decisions", "positions", "fact_trades", "fact_rejected_signals", "fact_signals_expired"];

/// The life of a signal. What neither store has any more is left out.
#[derive(Debug, Serialize)]
struct Life {
    signal_id: String,
    signal: Option<LiveSignal>,
    candles: Vec<Candle>,
    decision: Option<ShownDecision>,
    position: Option<LivePosition>,
    warehouse: BTreeMap<&'static str, Vec<Value>>,
}

#[derive(Debug, Serialize)]
struct ShownDecision {
    engine_version: String,
    #[serde(flatten)]
    decided: Decided,
}

pub(super) async fn run(args: &ExplainArgs, place: &Place, output: &Output) -> Result<()> {
    let life = gather(place, &args.signal_id).await?;
    if output.is_json() { output.json(&life) } else { print(&life, output) }
}

async fn gather(place: &Place, named: &str) -> Result<Life> {
    let signal = hot_signal(place, named).await?;
    let signal_id = signal.as_ref().map_or_else(|| named.to_owned(), |signal| signal.signal_id.clone());
    let warehouse = archived(place, &signal_id).await?;
    let full_id = warehouse.values().flatten().find_map(|row| row["signal_id"].as_str()).map(str::to_owned);
    let signal_id = full_id.unwrap_or(signal_id);
    let position = place.records::<LivePosition>().get(&LivePosition::id_of(&signal_id)).await?;
    let position = position.map(|stored| stored.record);
    if signal.is_none() && position.is_none() && warehouse.is_empty() {
        return Err(usage(format_args!(
            "no signal {named} is known in {}; {} and {} show which are",
            place.environment,
            place.command("query"),
            place.command("status")
        )));
    }
    let (candles, decision) = match &signal {
        Some(signal) => (candles(place, signal).await?, decision(place, signal).await?),
        None => (Vec::new(), None),
    };
    Ok(Life { signal_id, signal, candles, decision, position, warehouse })
}

/// Returns the signal that `named` is the id of, or the unique beginning of the id.
async fn hot_signal(place: &Place, named: &str) -> Result<Option<LiveSignal>> {
    let live = place.records::<LiveSignal>();
    let rejected = place.records::<RejectedSignal>();
    // Ids are hexadecimal digits, all of which sort before g.
    let end = format!("{named}g");
    let beginning = live.select().at_least("signal_id", named).less("signal_id", end.as_str()).limit(2);
    let mut found: Vec<_> = live.query(&beginning).await?.into_iter().map(|stored| stored.record).collect();
    let beginning = rejected.select().at_least("signal_id", named).less("signal_id", end.as_str()).limit(2);
    found.extend(rejected.query(&beginning).await?.into_iter().map(|stored| stored.record.signal));
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => Err(usage(format_args!("several signals begin with {named}: write more of it"))),
    }
}

async fn candles(place: &Place, signal: &LiveSignal) -> Result<Vec<Candle>> {
    let id = CandleChunk::id_at(&signal.instrument, signal.timeframe, signal.close_time - signal.timeframe.millis());
    let Some(chunk) = place.records::<CandleChunk>().get(&id).await? else { return Ok(Vec::new()) };
    let columns = chunk.record.columns;
    let end = columns.open_time.partition_point(|time| signal.timeframe.close_time(*time) <= signal.close_time);
    let rows = end.saturating_sub(CANDLES)..end;
    Ok(rows.map(|row| columns.candle(row)).collect())
}

async fn decision(place: &Place, signal: &LiveSignal) -> Result<Option<ShownDecision>> {
    let chunks = place.records::<DecisionChunk>();
    for chunk in chunks.all(chunks.select().equal("close_time", signal.close_time)).await? {
        let engine_version = chunk.record.engine_version;
        let is_it = |decided: &Decided| decided.signal_id.as_deref() == Some(&signal.signal_id);
        if let Some(decided) = chunk.record.decided.into_iter().find(is_it) {
            return Ok(Some(ShownDecision { engine_version, decided }));
        }
    }
    Ok(None)
}

/// Returns the rows about a signal, by table; a store that nobody has written yet holds none.
async fn archived(place: &Place, signal_id: &str) -> Result<BTreeMap<&'static str, Vec<Value>>> {
    let mut rows = BTreeMap::new();
    if !place.has_warehouse {
        return Ok(rows);
    }
    for table in TABLES {
        let Some(schema) = tables::named(table) else { continue };
        let sql = about_signal(&TableId::new(schema, |name| place.environment.table(name)));
        let found = place.warehouse.query(&sql, &[Cell::Text(signal_id.to_owned())]).await?;
        let found: Vec<Value> = found.to_json().iter().map(|row| serde_json::json!(row)).collect();
        if !found.is_empty() {
            rows.insert(table, found);
        }
    }
    Ok(rows)
}

fn print(life: &Life, output: &Output) -> Result<()> {
    output.line(format!("{} {}", output.bold("Signal"), life.signal_id))?;
    if let Some(signal) = &life.signal {
        print_signal(signal, output)?;
    }
    print_candles(life, output)?;
    if let Some(decision) = &life.decision {
        print_decision(decision, output)?;
    }
    if let Some(signal) = &life.signal {
        print_gate(signal, life.position.as_ref(), output)?;
    }
    if let Some(position) = &life.position {
        print_position(position, output)?;
    }
    print_archive(life, output)
}

fn fact(name: &str, text: impl AsRef<str>, output: &Output) -> Result<()> {
    output.paragraph(&output.dim(&format!("  {name:<12}")), text.as_ref())
}

fn print_signal(signal: &LiveSignal, output: &Output) -> Result<()> {
    let LiveSignal { strategy_id, strategy_version, instrument, timeframe, signal_type, .. } = signal;
    fact("given by", format!("{strategy_id}, version {}", strategy_version.short()), output)?;
    fact("on", format!("{instrument} {timeframe}, the bar that closed {}", moment(signal.close_time)), output)?;
    fact("says", format!("{signal_type}, {} (confidence {})", signal.pattern_name, signal.confidence), output)?;
    let labels = [("because", &signal.reasons), ("but", &signal.warnings)];
    for (name, labels) in labels.into_iter().filter(|(_, labels)| !labels.is_empty()) {
        fact(name, labels.join(", "), output)?;
    }
    fact("price", format!("{} at the close, volume {}", signal.price, signal.volume), output)?;
    let prices = [("stop", signal.stop_loss), ("target", signal.take_profit)];
    for (name, price) in prices {
        if let Some(price) = price {
            fact(name, price.to_string(), output)?;
        }
    }
    fact("valid until", moment(signal.expiration_at), output)
}

fn print_candles(life: &Life, output: &Output) -> Result<()> {
    if life.candles.is_empty() {
        return Ok(());
    }
    output.line(format!("\n{}", output.bold("Candles")))?;
    let mut table = output.new_table(["Opened", "Open", "High", "Low", "Close", "Volume"]);
    for Candle { open_time, open, high, low, close, volume } in &life.candles {
        let numbers = [open, high, low, close, volume].map(number);
        table.add_row([comfy_table::Cell::new(moment(*open_time))].into_iter().chain(numbers));
    }
    output.table(&table)
}

fn print_decision(ShownDecision { engine_version, decided }: &ShownDecision, output: &Output) -> Result<()> {
    output.line(format!("\n{}", output.bold("Decision")))?;
    fact("component", decided.component_hash.to_string(), output)?;
    fact("config", decided.config_hash.to_string(), output)?;
    fact("shown", format!("{} (candles of revision {})", decided.input_hash, decided.revision), output)?;
    fact("said", decided.output_hash.to_string(), output)?;
    fact("fuel", format!("{} on {engine_version}", decided.fuel), output)
}

fn print_gate(signal: &LiveSignal, position: Option<&LivePosition>, output: &Output) -> Result<()> {
    output.line(format!("\n{}", output.bold("Gate")))?;
    let state = serde_json::to_value(signal.status)?;
    fact("state", state.as_str().unwrap_or_default(), output)?;
    if let Some(rejection) = &signal.rejection {
        fact("rejected", format!("{}: {}", rejection.reason, rejection.detail), output)?;
    }
    let Some(LivePosition { intent, .. }) = position else { return Ok(()) };
    fact("let through", format!("{} coins, {} set aside", intent.quantity.normalize(), money(intent.reserved)), output)
}

fn print_position(position: &LivePosition, output: &Output) -> Result<()> {
    output.line(format!("\n{} {}", output.bold("Position"), position.id()))?;
    fact("state", position.status.as_str(), output)?;
    if let Some(reason) = position.exit_reason {
        let reason = serde_json::to_value(reason)?;
        fact("exit", reason.as_str().unwrap_or_default(), output)?;
    }
    let mut table = output.new_table(["Order", "For", "Coins", "Decided", "Fills", "At", "Price", "Remark"]);
    for order in &position.orders {
        table.add_row(order_row(order));
    }
    output.table(&table)
}

fn order_row(order: &LiveOrder) -> Vec<comfy_table::Cell> {
    let purpose = match order.purpose {
        OrderPurpose::Entry => "entry".to_owned(),
        OrderPurpose::Stop { stop_price, .. } => format!("stop at {}", stop_price.normalize()),
        OrderPurpose::Exit => "exit".to_owned(),
    };
    let joined =
        |part: fn(&sentinel_domain::live::Leg) -> String| order.legs.iter().map(part).collect::<Vec<_>>().join(", ");
    let remark = match (&order.trouble, order.done) {
        (Some(trouble), _) => trouble.clone(),
        (None, true) => "done".to_owned(),
        (None, false) => "open".to_owned(),
    };
    vec![
        order.client_order_id.get(..18).unwrap_or(&order.client_order_id).into(),
        purpose.into(),
        number(order.quantity.normalize()),
        moment(order.decided_at).into(),
        joined(|leg| leg.fill.quantity.normalize().to_string()).into(),
        joined(|leg| moment(leg.fill.time)).into(),
        joined(|leg| leg.fill.price.normalize().to_string()).into(),
        remark.into(),
    ]
}

fn print_archive(life: &Life, output: &Output) -> Result<()> {
    for (table, rows) in &life.warehouse {
        output.line(format!("\n{} {table}", output.bold("Warehouse")))?;
        for row in rows {
            let fields = row.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
            for (name, value) in fields {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                output.paragraph(&output.dim(&format!("  {name:<28}")), &text)?;
            }
        }
    }
    Ok(())
}
