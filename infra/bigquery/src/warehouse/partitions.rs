//! No question without its days: BigQuery bills what it reads, and the tables refuse to be read whole.
//!
//! A counterpart may answer all the same, so it is looked at here, before anything is sent. This sees a question that
//! forgot its days; whether the days that it names spare the others is BigQuery's to say.

use sentinel_domain::tables::{self, PARTITION};
use sentinel_domain::warehouse::WarehouseError;

/// Words after which SQL names a table.
const BEFORE_TABLES: [&str; 2] = ["FROM", "JOIN"];

/// Refuses a question that reads a table of ours and says nothing of its days.
pub(super) fn require(sql: &str) -> Result<(), WarehouseError> {
    let words: Vec<&str> = sql.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|it| !it.is_empty()).collect();
    if words.iter().any(|word| word.eq_ignore_ascii_case(PARTITION)) {
        return Ok(());
    }
    let read = words.windows(2).filter(|pair| BEFORE_TABLES.contains(&pair[0].to_uppercase().as_str()));
    match read.map(|pair| pair[1]).find(|name| is_ours(name)) {
        Some(table) => Err(WarehouseError::Query {
            message: format!(
                "{table} is read without saying which days: add a condition on {PARTITION}, \
                 such as {PARTITION} >= DATE '2024-01-01'"
            ),
        }),
        None => Ok(()),
    }
}

fn is_ours(name: &str) -> bool {
    tables::named(name.strip_suffix("_test").unwrap_or(name)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_read_whole_is_named() {
        for sql in ["SELECT COUNT(*) FROM fact_trades", "select 1 from x join `fact_trades_test` as t on true"] {
            let error = require(sql).unwrap_err().to_string();
            assert!(error.contains("fact_trades") && error.contains("ds >= DATE"), "{error}");
        }
    }

    #[test]
    fn days_and_views_pass() {
        for sql in [
            "SELECT 1",
            "SELECT COUNT(*) FROM fact_trades AS t WHERE t.ds = ?",
            "SELECT * FROM agg_strategy_daily_test",
            "SELECT * FROM elsewhere",
        ] {
            require(sql).unwrap();
        }
    }
}
