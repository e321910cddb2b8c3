//! The bar on which something begins.

/// Tells the bar on which a condition begins to hold: it holds, and on the bar before it did not.
///
/// Most signals belong to such a bar, not to every bar on which the condition goes on holding. Where the condition
/// already holds when first asked about, that counts as a beginning.
///
/// ```
/// let mut onset = sentinel_kit::Onset::new();
/// assert_eq!([false, true, true, false, true].map(|holds| onset.begins(holds)), [false, true, false, false, true]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Onset {
    held: bool,
}

impl Onset {
    /// Returns the onset of a condition that has not held yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in whether the condition holds on this bar and returns whether it began to. Call it once on every bar.
    #[inline]
    pub fn begins(&mut self, holds: bool) -> bool {
        let held = core::mem::replace(&mut self.held, holds);
        holds && !held
    }
}
