//! Numbers and times for people.

use rust_decimal::Decimal;
use sentinel_domain::candles::format_time;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};

/// Returns a sum with two decimals and a comma at each thousand: `104,236.90`.
pub(crate) fn money(value: Decimal) -> String {
    thousands(&format!("{:.2}", value.round_dp(2)))
}

/// Returns a count with a comma at each thousand.
pub(crate) fn count(value: impl TryInto<u64>) -> String {
    thousands(&value.try_into().unwrap_or(u64::MAX).to_string())
}

/// Returns a count with its noun: `1 trade`, `2 trades`.
pub(crate) fn counted(value: usize, noun: &str) -> String {
    format!("{} {noun}{}", count(value as u64), if value == 1 { "" } else { "s" })
}

/// Returns a percentage with its sign: `+4.24 %`.
pub(crate) fn percent(value: f64) -> String {
    let text = format!("{value:+.2}");
    let rounds_to_nothing = text.trim_start_matches(['+', '-']).trim_matches(['0', '.']).is_empty();
    let (sign, digits) = if rounds_to_nothing { ("", &text[1..]) } else { text.split_at(1) };
    format!("{sign}{} %", thousands(digits))
}

/// Returns a size in two or three digits: `1.2 MB`, `780 kB`.
pub(crate) fn bytes(value: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.into_iter().find(|(unit, _)| value >= *unit) {
        Some((unit, name)) if value >= 10 * unit => format!("{} {name}", (value + unit / 2) / unit),
        #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
        Some((unit, name)) => format!("{:.1} {name}", value as f64 / unit as f64),
        None => format!("{value} B"),
    }
}

/// Returns a moment: the day alone when it is midnight, else with hours and minutes.
pub(crate) fn moment(time: UnixMillis) -> String {
    let text = format_time(time);
    let (day, clock) = text.split_once('T').unwrap_or((&text, ""));
    if Timeframe::D1.is_aligned(time) { day.to_owned() } else { format!("{day} {}", clock.get(..5).unwrap_or(clock)) }
}

/// Returns a curve as a line of blocks, from the lowest value to the highest.
pub(crate) fn sparkline(values: &[f64], width: usize) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let width = width.min(values.len());
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = highest - lowest;
    (0..width)
        .map(|column| {
            // The last value of each column, so that the line ends where the curve does.
            let value = values[(column + 1) * values.len() / width - 1];
            let height = if range > 0.0 { (value - lowest) / range * 7.0 } else { 0.0 };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 7")]
            BLOCKS[(height.round() as usize).min(7)]
        })
        .collect()
}

/// Puts a comma at each thousand of a plain number.
pub(crate) fn thousands(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut text = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    #[test]
    fn sums_are_readable() {
        assert_eq!(money(dec!(104236.904)), "104,236.90");
        assert_eq!(money(dec!(-999)), "-999.00");
        assert_eq!(count(1_234_567_u64), "1,234,567");
        assert_eq!(counted(1, "trade"), "1 trade");
    }

    #[test]
    fn percentages_have_a_sign_unless_they_are_nothing() {
        assert_eq!(percent(4.236), "+4.24 %");
        assert_eq!(percent(-1234.5), "-1,234.50 %");
        assert_eq!(percent(-0.001), "0.00 %");
    }

    #[test]
    fn midnight_is_a_day() {
        assert_eq!(moment(86_400_000), "1970-01-02");
        assert_eq!(moment(3_600_000), "1970-01-01 01:00");
    }

    #[test]
    fn line_of_blocks_ends_where_the_curve_does() {
        assert_eq!(sparkline(&[0.0, 7.0, 3.0], 10), "▁█▄");
        assert_eq!(sparkline(&[1.0, 1.0], 10), "▁▁");
        assert_eq!(sparkline(&[0.0, 9.0, 0.0, 7.0], 2), "█▆");
        assert_eq!(sparkline(&[], 10), "");
    }
}
