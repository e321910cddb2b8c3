//! A loaded strategy: compiled, described and checked, ready to open sessions.

use std::fmt;
use std::io;
use std::sync::Arc;

use sentinel_domain::candles::Columns;
use sentinel_domain::components::CodeName;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::strategy::{Manifest, ParameterKind, ParameterSpec, ParameterValue};
use sentinel_domain::timeframe::Timeframe;

use crate::error::{Place, RuntimeError};
use crate::instance::{Component, Instance};
use crate::limits::Limits;
use crate::runtime::CodeOrigin;
use crate::session::Session;

/// A strategy that may be opened any number of times, from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Strategy {
    component: Arc<Component>,
    manifest: Arc<Manifest>,
    code_origin: CodeOrigin,
}

impl Strategy {
    pub(crate) fn new(component: Component, manifest: Manifest, code_origin: CodeOrigin) -> Self {
        Self { component: Arc::new(component), manifest: Arc::new(manifest), code_origin }
    }

    /// Returns what the strategy says about itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the hash of the component's bytes.
    #[must_use]
    pub fn component_hash(&self) -> ContentHash {
        self.component.hash
    }

    /// Returns its limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.component.limits
    }

    /// Returns whether it was compiled for this load, and whether its code could be kept.
    #[must_use]
    pub const fn code_origin(&self) -> &CodeOrigin {
        &self.code_origin
    }

    /// Returns its compiled code, for [`Runtime::load_with_code`](crate::Runtime::load_with_code) of another process.
    ///
    /// # Errors
    /// When the engine cannot write it down.
    pub fn code(&self) -> io::Result<Vec<u8>> {
        self.component.runtime.seal(self.component.hash).close(self.component.contract.component())
    }

    /// Returns what that code is to be kept under.
    #[must_use]
    pub fn code_name(&self) -> CodeName {
        self.component.runtime.code_name(self.component.hash)
    }

    pub(crate) fn name(&self) -> &str {
        &self.manifest.id
    }

    /// Opens a session on a fresh instance. `parameters` are in the manifest's order
    /// (see [`Manifest::resolve_parameters`]).
    ///
    /// # Errors
    /// When the strategy is not written for the timeframe, refuses the parameters or the instrument, exceeds a limit
    /// or crashes.
    pub fn open(
        &self,
        instrument: &Instrument,
        timeframe: Timeframe,
        rules: &InstrumentRules,
        parameters: &[ParameterValue],
    ) -> Result<Session, RuntimeError> {
        self.check_timeframe(timeframe)?;
        self.check_parameters(parameters)?;
        let mut instance = Instance::fresh(&self.component, Place::Opening)?;
        let handle = instance.open(&self.manifest, instrument, timeframe, rules, parameters)?;
        Ok(Session::new(self.clone(), instance, handle))
    }

    /// Returns how many bars a session with these parameters wants to be shown before its first signal counts. It is
    /// asked on an instance of its own, so one answer serves all sessions.
    ///
    /// # Errors
    /// As [`Strategy::open`].
    pub fn warm_up_bars(
        &self,
        instrument: &Instrument,
        timeframe: Timeframe,
        rules: &InstrumentRules,
        parameters: &[ParameterValue],
    ) -> Result<u32, RuntimeError> {
        self.open(instrument, timeframe, rules, parameters)?.warm_up_bars()
    }

    /// Asks a fresh instance twice what it is.
    pub(crate) fn describe_again(&self) -> Result<[Manifest; 2], RuntimeError> {
        let mut instance = Instance::fresh(&self.component, Place::Describing)?;
        Ok([instance.describe()?, instance.describe()?])
    }

    fn check_timeframe(&self, timeframe: Timeframe) -> Result<(), RuntimeError> {
        if self.manifest.timeframes.contains(&timeframe) {
            return Ok(());
        }
        Err(RuntimeError::Timeframe {
            strategy: self.name().to_owned(),
            timeframe,
            allowed: self.manifest.timeframes.clone(),
        })
    }

    fn check_parameters(&self, values: &[ParameterValue]) -> Result<(), RuntimeError> {
        let specs = &self.manifest.parameters;
        let refuse = |parameter: String, found: String| {
            Err(RuntimeError::ParameterValue { strategy: self.name().to_owned(), parameter, found })
        };
        if values.len() != specs.len() {
            return refuse(format!("list of {}", specs.len()), format!("a list of {}", values.len()));
        }
        match specs.iter().zip(values).find(|(spec, value)| !is_in_range(spec, value)) {
            Some((spec, value)) => refuse(spec.name.clone(), value.to_string()),
            None => Ok(()),
        }
    }

    /// Checks that the candles carry what the strategy reads.
    pub(crate) fn check_columns(&self, columns: &Columns) -> Result<(), RuntimeError> {
        let read = self.manifest.columns;
        let missing = [
            (read.volume_delta && columns.volume_delta.is_none(), "volume_delta"),
            (read.imbalance && columns.imbalance.is_none(), "imbalance"),
        ];
        match missing.into_iter().find_map(|(is_missing, column)| is_missing.then_some(column)) {
            Some(column) => Err(RuntimeError::MissingColumn { strategy: self.name().to_owned(), column }),
            None => Ok(()),
        }
    }
}

fn is_in_range(spec: &ParameterSpec, value: &ParameterValue) -> bool {
    match (&spec.kind, value) {
        (ParameterKind::Integer { minimum, maximum, .. }, ParameterValue::Integer(value)) => {
            (minimum..=maximum).contains(&value)
        }
        (ParameterKind::Real { minimum, maximum, .. }, ParameterValue::Real(value)) => {
            (minimum..=maximum).contains(&value)
        }
        (ParameterKind::Boolean { .. }, ParameterValue::Boolean(_)) => true,
        (ParameterKind::Choice { options, .. }, ParameterValue::Choice(index)) => (*index as usize) < options.len(),
        _ => false,
    }
}

impl fmt::Debug for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strategy")
            .field("id", &self.manifest.id)
            .field("component_hash", &self.component.hash)
            .finish_non_exhaustive()
    }
}
