//! `sentinel data list`

use anyhow::Result;

use crate::format;
use crate::home::Home;
use crate::output::{Output, dim, number};

pub(super) fn run(home: &Home, output: &Output) -> Result<()> {
    let store = home.candles()?;
    let all = store.list()?;
    if output.is_json() {
        return output.json(&all);
    }
    if all.is_empty() {
        return output.line(format!(
            "There are no candles in {} yet; add some with `sentinel data import`, `data fetch` or `data simulate`.",
            store.path().display()
        ));
    }
    let mut table = output.new_table(["Exchange", "Symbol", "Length", "From", "To", "Candles", "Missing", "Size"]);
    for series in &all {
        let missing = match series.missing {
            0 => dim("–"),
            missing => number(format::count(missing as u64)),
        };
        table.add_row([
            series.name.instrument.exchange.to_string().into(),
            series.name.instrument.symbol.to_string().into(),
            series.name.timeframe.to_string().into(),
            format::moment(series.from).into(),
            format::moment(series.to).into(),
            number(format::count(series.bars as u64)),
            missing.set_alignment(comfy_table::CellAlignment::Right),
            number(format::bytes(series.bytes)),
        ]);
    }
    output.table(&table)?;
    output.line(output.dim(&format!("in {}", store.path().display())))
}
