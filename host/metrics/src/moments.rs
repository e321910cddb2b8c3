//! Moments in rising order: evenly spaced ones without storing each.

use sentinel_domain::timeframe::UnixMillis;

/// Moments in rising order, each once, in Unix milliseconds UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moments {
    /// `first`, `first + millis`, and so on, `len` of them.
    Even {
        /// The first one.
        first: UnixMillis,
        /// What lies between two of them.
        millis: i64,
        /// How many there are.
        len: usize,
    },
    /// Any.
    Listed(Vec<UnixMillis>),
}

impl Moments {
    /// Returns how many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Even { len, .. } => *len,
            Self::Listed(times) => times.len(),
        }
    }

    /// Returns whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the one at `index`, which is below [`Moments::len`].
    #[inline]
    #[must_use]
    pub fn at(&self, index: usize) -> UnixMillis {
        match self {
            #[expect(clippy::cast_possible_wrap, reason = "an index into memory")]
            Self::Even { first, millis, .. } => first + index as i64 * millis,
            Self::Listed(times) => times[index],
        }
    }

    /// Returns the index of the first one at or after `time`, or [`Moments::len`] if all are earlier.
    #[inline]
    #[must_use]
    pub fn index_at(&self, time: UnixMillis) -> usize {
        match self {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to the moments there are"
            )]
            Self::Even { first, millis, len } => {
                ((time.saturating_sub(first + 1).div_euclid(*millis) + 1).max(0) as usize).min(*len)
            }
            Self::Listed(times) => times.partition_point(|moment| *moment < time),
        }
    }

    /// Returns them all.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = UnixMillis> + '_ {
        (0..self.len()).map(|index| self.at(index))
    }
}

impl Default for Moments {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_ones_equal_listed_ones() {
        let even = Moments::Even { first: 100, millis: 10, len: 4 };
        let listed = Moments::Listed(even.iter().collect());
        assert_eq!(even.iter().collect::<Vec<_>>(), [100, 110, 120, 130]);
        for time in [UnixMillis::MIN, 0, 99, 100, 101, 110, 129, 130, 131, 999, UnixMillis::MAX] {
            assert_eq!(even.index_at(time), listed.index_at(time), "{time}");
        }
    }
}
