//! What a running instance uses, measured against its limits.

use std::fmt;

use wasmtime::{Error, ResourceLimiter};

use crate::limits::Limits;

/// The data of a store: counts memory and refuses what goes beyond the limits.
///
/// Growth beyond a limit ends the call at once instead of answering "no": a guest rarely handles a refusal well, and
/// an error that names the limit helps more than the crash that follows.
#[derive(Debug)]
pub(crate) struct Meter {
    memory_bytes: usize,
    memory_max_bytes: usize,
    table_elements_max: usize,
    core_instances_max: usize,
    memories_max: usize,
    tables_max: usize,
}

/// Growth that was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refused {
    Memory { wanted: u64 },
    Table { wanted: u64 },
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_bytes: 0,
            memory_max_bytes: usize::try_from(limits.memory_max_bytes).unwrap_or(usize::MAX),
            table_elements_max: limits.table_elements_max as usize,
            core_instances_max: limits.core_instances_max as usize,
            memories_max: limits.memories_max as usize,
            tables_max: limits.tables_max as usize,
        }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool, Error> {
        let wanted = (self.memory_bytes - current).saturating_add(desired);
        if wanted > self.memory_max_bytes {
            return Err(Error::new(Refused::Memory { wanted: wanted as u64 }));
        }
        // A maximum that the guest set itself is an answer the guest expects.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.memory_bytes = wanted;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool, Error> {
        if desired > self.table_elements_max {
            return Err(Error::new(Refused::Table { wanted: desired as u64 }));
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.core_instances_max
    }

    fn memories(&self) -> usize {
        self.memories_max
    }

    fn tables(&self) -> usize {
        self.tables_max
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory { wanted } => write!(f, "{wanted} bytes of memory refused"),
            Self::Table { wanted } => write!(f, "a table of {wanted} elements refused"),
        }
    }
}

impl std::error::Error for Refused {}
