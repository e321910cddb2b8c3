//! Numbers, times and settings in words.

use rust_decimal::Decimal;
use sentinel_domain::candles::format_time;
use sentinel_domain::fees::{FeeCurrency, FeeRate, FeeSchedule};
use sentinel_domain::money::to_f64;
use sentinel_domain::risk::{AccountLimits, RiskParams, Sizing};
use sentinel_domain::timeframe::UnixMillis;

use crate::metrics::Unit;
use crate::result::{Assumptions, BacktestResult};

/// Returns a number with thousands separated and a true minus sign: `−1,234.50`.
pub(super) fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::with_capacity(text.len() + 8);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped.push_str(fraction);
    // What rounds to nothing is nothing, not minus nothing.
    let is_nothing = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if value < 0.0 && !is_nothing { format!("−{grouped}") } else { grouped }
}

/// Returns [`grouped`] with a plus sign before gains.
pub(super) fn signed(value: f64, decimals: usize) -> String {
    let text = grouped(value, decimals);
    let is_gain = value > 0.0 && text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    if is_gain { format!("+{text}") } else { text }
}

/// Returns a count with thousands separated.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(super) fn count(count: usize) -> String {
    grouped(count as f64, 0)
}

/// Returns a sum of money to the cent.
pub(super) fn money(sum: Decimal) -> String {
    grouped(to_f64(sum.round_dp(2)), 2)
}

/// Returns a price or quantity with all its decimals.
pub(super) fn exact(value: Decimal) -> String {
    let value = value.normalize();
    grouped(to_f64(value), usize::try_from(value.scale()).unwrap_or_default())
}

/// Returns a metric's value with its unit's sign.
pub(super) fn metric(unit: Unit, value: f64, quote: &str) -> String {
    let sign = sign(unit, quote);
    let number = number(unit, value, false);
    // A no-break space: a number is not parted from its unit.
    if sign.is_empty() { number } else { format!("{number}\u{a0}{sign}") }
}

/// Returns a metric's value alone, on request with a plus sign before gains.
pub(super) fn number(unit: Unit, value: f64, with_plus: bool) -> String {
    let decimals = match unit {
        Unit::Percent | Unit::Ratio | Unit::Usd => 2,
        Unit::Bars | Unit::PerYear => 1,
        Unit::Days | Unit::Count => 0,
    };
    if with_plus { signed(value, decimals) } else { grouped(value, decimals) }
}

/// Returns what is written behind a value.
pub(super) fn sign(unit: Unit, quote: &str) -> String {
    match unit {
        Unit::Percent => "%",
        Unit::Usd => quote,
        Unit::Days => "days",
        Unit::Bars => "bars",
        Unit::PerYear => "× a year",
        Unit::Ratio | Unit::Count => "",
    }
    .to_owned()
}

/// Returns a time to the minute: `2024-02-29 13:45`.
pub(super) fn minute(time: UnixMillis) -> String {
    format_time(time).chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// Returns a span of time in the unit that suits it.
pub(super) fn span(millis: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a span in milliseconds is far below 2^53")]
    let days = millis as f64 / 86_400_000.0;
    match days {
        days if days >= 730.0 => format!("{:.1} years", days / 365.25),
        days if days >= 60.0 => format!("{:.0} months", days / 30.44),
        days if days >= 2.0 => format!("{days:.0} days"),
        days => format!("{:.0} hours", days * 24.0),
    }
}

/// Returns a length in the largest unit that divides it: `2 h`, `15 min`.
pub(super) fn step(millis: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(604_800_000, "week"), (86_400_000, "day"), (3_600_000, "h"), (60_000, "min")];
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| millis % unit == 0).unwrap_or((60_000, "min"));
    match (millis / unit, name) {
        (1, "week" | "day") => format!("1 {name}"),
        (n, "week" | "day") => format!("{n} {name}s"),
        (n, name) => format!("{n} {name}"),
    }
}

/// Returns what a run assumed, one subject with its sentences each.
pub(super) fn assumptions(result: &BacktestResult) -> Vec<(String, String)> {
    let Assumptions { fees: schedule, fill_model, limits: account } = &result.assumptions;
    let mut list = vec![
        (
            "Decisions".to_owned(),
            "A strategy sees closed bars only. Its signal counts from the bar's close.".to_owned(),
        ),
        ("Market orders".to_owned(), market_orders(fill_model.slippage_bps)),
        ("Stops".to_owned(), STOPS.to_owned()),
        ("Other exits".to_owned(), OTHER_EXITS.to_owned()),
        ("Fees".to_owned(), fees(schedule)),
        ("Account".to_owned(), limits(account)),
    ];
    for strategy in &result.strategies {
        list.push((format!("Sizing and exits of {}", strategy.title()), risk(&strategy.risk)));
    }
    for series in &result.series {
        let subject = format!("Gaps in {} {}", series.instrument, series.timeframe);
        list.push((subject, gaps(&series.gaps, series.bars_missing)));
    }
    list.push((
        "Marking".to_owned(),
        "Open positions are valued at the last close, before the fee of selling.".to_owned(),
    ));
    list.push(("Not modelled".to_owned(), NOT_MODELLED.to_owned()));
    list
}

const STOPS: &str = "A stop rests at the broker as a stop-limit order and fills inside the bar: at the stop, or at \
    the open when the bar opens below it but not below its limit. When the bar opens below the limit, the position \
    is sold at market at the next open.";

const OTHER_EXITS: &str = "Targets, trailing stops, time limits and sell signals are decided at a close of the \
    finest bars; the resting stop is cancelled and the position is sold at the next open.";

const NOT_MODELLED: &str = "Depth of the order book and the effect of one's own orders on it, partial fills, delays, \
    outages of exchange or broker. Only long positions: crypto cannot be sold short at the broker.";

fn market_orders(slippage_bps: Decimal) -> String {
    let slippage = slippage_bps.normalize();
    if slippage.is_zero() {
        "Filled at the open of the next bar, without slippage.".to_owned()
    } else {
        format!("Filled at the open of the next bar, moved against the trader by {slippage} basis points of slippage.")
    }
}

fn fees(schedule: &FeeSchedule) -> String {
    let rate = match &schedule.rate {
        FeeRate::Fixed { bps } => format!("{} basis points of what is traded, on both sides", bps.normalize()),
        FeeRate::Tiers { tiers } => {
            let (first, last) = (tiers.first(), tiers.last());
            let bps = |tier: Option<&sentinel_domain::fees::FeeTier>| {
                tier.map_or_else(String::new, |tier| tier.taker_bps.normalize().to_string())
            };
            format!("the broker's tiers by 30-day volume, {} down to {} basis points as taker", bps(first), bps(last))
        }
    };
    let currency = match schedule.currency {
        FeeCurrency::Received => "taken from what a fill delivers: coins when buying, quote currency when selling",
        FeeCurrency::Quote => "taken from the quote currency",
    };
    format!("{}, {currency}.", capitalized(&rate))
}

fn limits(limits: &AccountLimits) -> String {
    let percent = |limit: Option<Decimal>, what: &str| limit.map(|pct| format!("{what} {} %", pct.normalize()));
    let number = |limit: Option<u32>, what: &str| limit.map(|n| format!("{what} {n}"));
    sentence(
        [
            number(limits.positions_max, "positions at once: at most"),
            number(limits.positions_max_per_symbol, "positions in one symbol: at most"),
            percent(limits.exposure_max_pct, "exposure: at most"),
            percent(limits.daily_loss_max_pct, "no entry for the rest of the day after a loss of"),
            percent(limits.drawdown_max_pct, "no entry while the drawdown exceeds"),
            limits.stale_after_bars.map(|n| format!("prices count as stale after {n} bars without a trade")),
        ],
        "No limits on positions, exposure, daily loss or drawdown.",
    )
}

fn risk(risk: &RiskParams) -> String {
    let sizing = match risk.sizing {
        Sizing::Quantity(quantity) => format!("buys {} coins each time", quantity.normalize()),
        Sizing::Notional(sum) => format!("buys for {} each time", money(sum)),
        Sizing::EquityPct(pct) => format!("buys for {} % of equity", pct.normalize()),
        Sizing::RiskPct(pct) => format!("buys so much that the stop would cost {} % of equity", pct.normalize()),
    };
    let percent = |value: Option<Decimal>, what: &str| value.map(|pct| format!("{what} {} %", pct.normalize()));
    let factor = (risk.strong_factor != Decimal::ONE)
        .then(|| format!("{} times as much on a strong signal", risk.strong_factor.normalize()));
    let confidence =
        (!risk.confidence_min.is_zero()).then(|| format!("confidence of at least {}", risk.confidence_min.normalize()));
    sentence(
        [
            Some(sizing),
            factor,
            percent(risk.stop_loss_pct, "stop below the entry:"),
            percent(risk.take_profit_pct, "target above the entry:"),
            percent(risk.trailing_stop_pct, "trailing stop:"),
            risk.bars_held_max.map(|bars| format!("sold after {bars} bars")),
            confidence,
            (risk.cooldown_bars > 0).then(|| format!("waits {} bars after an exit", risk.cooldown_bars)),
            risk.positions_max_per_strategy.map(|n| format!("at most {n} positions at once")),
            risk.paused.then(|| "paused".to_owned()),
        ],
        "",
    )
}

fn gaps(policy: &str, missing: usize) -> String {
    if missing == 0 {
        return "No candle was missing.".to_owned();
    }
    let what = match policy {
        "flat" => "filled with flat candles at the last close, volume 0",
        "skip" => "left out, so that the bars around a gap are neighbours",
        _ => "handled as asked for",
    };
    format!("{} candles were missing and were {what}.", count(missing))
}

/// Joins what is there to one sentence.
fn sentence<const N: usize>(parts: [Option<String>; N], otherwise: &str) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { otherwise.to_owned() } else { format!("{}.", capitalized(&parts.join("; "))) }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let check = |value, decimals, expected: &str| assert_eq!(grouped(value, decimals), expected);
        check(1_234_567.891, 2, "1,234,567.89");
        check(-1_234.5, 1, "−1,234.5");
        check(999.0, 0, "999");
        check(-0.001, 2, "0.00");
        assert_eq!(signed(12.0, 1), "+12.0");
        assert_eq!(signed(0.001, 2), "0.00");
    }

    #[test]
    fn lengths_take_the_unit_that_suits() {
        assert_eq!(step(7_200_000), "2 h");
        assert_eq!(step(900_000), "15 min");
        assert_eq!(step(86_400_000), "1 day");
        assert_eq!(step(172_800_000), "2 days");
        assert_eq!(span(86_400_000 * 3_178), "8.7 years");
        assert_eq!(span(86_400_000 * 365), "12 months");
    }

    #[test]
    fn settings_become_sentences() {
        assert_eq!(limits(&AccountLimits::default()), "No limits on positions, exposure, daily loss or drawdown.");
        let strict = AccountLimits { positions_max: Some(2), ..AccountLimits::default() };
        assert_eq!(limits(&strict), "Positions at once: at most 2.");
        let stopped = RiskParams { stop_loss_pct: Some(Decimal::new(250, 2)), ..RiskParams::default() };
        assert_eq!(risk(&stopped), "Buys for 10 % of equity; stop below the entry: 2.5 %.");
        assert!(fees(&FeeSchedule::default()).starts_with("The broker's tiers by 30-day volume, 25 down to 10 basis"));
        assert_eq!(gaps("flat", 0), "No candle was missing.");
    }
}
