//! Placeholder: statistics over an equity curve.

/// Statistics.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {}
