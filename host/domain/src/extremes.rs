//! Highest and lowest of many numbers, eight at a time.

const LANES: usize = 8;

/// Returns the highest of `values`, or negative infinity of none.
#[must_use]
#[inline]
pub fn highest(values: &[f64]) -> f64 {
    fold(values, f64::NEG_INFINITY, |a, b| if b > a { b } else { a })
}

/// Returns the lowest of `values`, or infinity of none.
#[must_use]
#[inline]
pub fn lowest(values: &[f64]) -> f64 {
    fold(values, f64::INFINITY, |a, b| if b < a { b } else { a })
}

/// One accumulator would wait for itself at every value; eight do not, and become vector instructions.
#[inline]
fn fold(values: &[f64], start: f64, pick: impl Fn(f64, f64) -> f64) -> f64 {
    let mut best = [start; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (best, value) in best.iter_mut().zip(chunk) {
            *best = pick(*best, *value);
        }
    }
    rest.iter().chain(&best).fold(start, |a, b| pick(a, *b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agree_with_one_by_one() {
        let values: Vec<f64> = (0..37).map(|i| f64::from(i * 7919 % 101) - 50.0).collect();
        for end in 0..values.len() {
            let part = &values[..end];
            assert_eq!(highest(part).to_bits(), part.iter().copied().fold(f64::NEG_INFINITY, f64::max).to_bits());
            assert_eq!(lowest(part).to_bits(), part.iter().copied().fold(f64::INFINITY, f64::min).to_bits());
        }
    }
}
