//! What a component has to pass before it is a version: all that `sentinel strategy check` tries, and that it opens with
//! the parameters and on the instruments that it is registered for.

use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::registry::Registration;
use sentinel_domain::strategy::ParameterError;
use sentinel_runtime::{CheckOutcome, LazyRuntime, RuntimeError, Strategy, WIT_VERSION, check};
use thiserror::Error;

use crate::config::{ConfigError, RegistrationConfig, parameter_error};

/// A component that may decide.
#[derive(Debug, Clone)]
pub struct Verified {
    /// What the strategy is to be called.
    pub strategy_id: String,
    /// What is to be registered.
    pub registration: Registration,
    /// What its author should know.
    pub warnings: Vec<String>,
    strategy: Strategy,
}

/// Why a component may not decide.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// It cannot be loaded, or does not open with what it is registered for.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// Its config does not fit it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A trial failed.
    #[error("{strategy} is refused at {name}: {detail}")]
    Refused {
        /// The strategy.
        strategy: String,
        /// Which trial.
        name: &'static str,
        /// What came out.
        detail: String,
    },
}

/// Loads a component, which leaves its compiled code in the cache, and resolves `config`, whose `text` stands in
/// `file`, against its manifest.
///
/// # Errors
/// When it cannot be loaded, or a parameter is unknown or out of range.
pub fn verify(
    sandbox: &LazyRuntime,
    component: &[u8],
    config: &RegistrationConfig,
    (text, file): (&str, &str),
) -> Result<Verified, VerifyError> {
    let strategy = sandbox.get()?.load(component, config.limits(component.len() as u64))?;
    let resolved = config.registration(&strategy, WIT_VERSION);
    let registration = resolved.map_err(|error: ParameterError| parameter_error(&error, text, file))?;
    let strategy_id = config.id.clone().unwrap_or_else(|| strategy.manifest().id.clone());
    check_id(&strategy_id, file)?;
    Ok(Verified { strategy_id, registration, warnings: Vec::new(), strategy })
}

impl Verified {
    /// Returns the component under its limits.
    #[must_use]
    pub const fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// Tries the component out. Takes a second, for an interpreted one some more.
    ///
    /// # Errors
    /// Names the first trial that failed.
    pub fn tried(mut self) -> Result<Self, VerifyError> {
        let parameters: Vec<_> = self.strategy.manifest().parameters.iter().collect();
        let values: Vec<_> =
            parameters.iter().filter_map(|spec| self.registration.config.parameters.get(&spec.name).copied()).collect();
        for instrument in &self.registration.assets {
            let timeframe = self.registration.config.timeframe;
            self.strategy.warm_up_bars(instrument, timeframe, &InstrumentRules::default(), &values)?;
        }
        for row in check(Ok(self.strategy.clone()), None).rows {
            match row.outcome {
                CheckOutcome::Failed { detail } => {
                    return Err(VerifyError::Refused { strategy: self.strategy_id, name: row.name, detail });
                }
                CheckOutcome::Warning { detail } => self.warnings.push(format!("{}: {detail}", row.name)),
                CheckOutcome::Passed | CheckOutcome::Skipped { .. } => {}
            }
        }
        Ok(self)
    }
}

/// An id names documents, files and orders: it is held to the rule of the ids that manifests hold.
fn check_id(id: &str, file: &str) -> Result<(), ConfigError> {
    let words_are_good = id
        .split('-')
        .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    if words_are_good && id.len() <= 64 {
        return Ok(());
    }
    let problem =
        format!("id is \"{id}\": allowed are lower-case words with dashes, such as sma-cross-btc, up to 64 letters");
    Err(ConfigError { file: file.to_owned(), line: None, problem })
}
