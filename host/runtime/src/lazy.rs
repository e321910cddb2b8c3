//! A sandbox that is set up when it is first needed: most runs of most functions need none.

use std::sync::OnceLock;

use crate::engine::RuntimeConfig;
use crate::error::RuntimeError;
use crate::runtime::Runtime;

/// A [`Runtime`] that is not there yet.
#[derive(Debug)]
pub struct LazyRuntime {
    config: RuntimeConfig,
    runtime: OnceLock<Runtime>,
}

impl LazyRuntime {
    /// Returns a sandbox to be set up with `config`; takes no time.
    #[must_use]
    pub const fn new(config: RuntimeConfig) -> Self {
        Self { config, runtime: OnceLock::new() }
    }

    /// Returns the sandbox, which the first call sets up.
    ///
    /// # Errors
    /// As [`Runtime::new`].
    pub fn get(&self) -> Result<&Runtime, RuntimeError> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = Runtime::new(self.config.clone())?;
        // Of two that set it up at once, the second takes the first one's.
        Ok(self.runtime.get_or_init(|| runtime))
    }
}
