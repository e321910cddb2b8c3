//! Reads variables one by one, and remembers what is wrong with them.

use secrecy::SecretString;
use sentinel_domain::environment::Environment;
use sentinel_functions::{AccountConfig, FunctionName};

use super::Variables;
use super::faults::{Fault, SettingsError};

/// The form of a name.
#[derive(Debug)]
pub(super) struct Form {
    allowed: &'static str,
    lengths: (usize, usize),
    is_allowed: fn(char) -> bool,
    ends_with: &'static str,
}

const fn is_lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

pub(super) const PROJECT: Form = Form {
    allowed: "a project's id: 6 to 30 lower-case letters, digits and hyphens",
    lengths: (6, 30),
    is_allowed: is_lower,
    ends_with: "",
};
pub(super) const DATABASE: Form = Form {
    allowed: "a database of Firestore: 4 to 63 lower-case letters, digits and hyphens",
    lengths: (4, 63),
    is_allowed: is_lower,
    ends_with: "",
};
pub(super) const DATASET: Form = Form {
    allowed: "a dataset of BigQuery: letters, digits and underscores",
    lengths: (1, 1024),
    is_allowed: |c| c.is_ascii_alphanumeric() || c == '_',
    ends_with: "",
};
pub(super) const LOCATION: Form = Form {
    allowed: "where the dataset lies: a region such as europe-west1, or EU or US",
    lengths: (2, 30),
    is_allowed: |c| c.is_ascii_alphanumeric() || c == '-',
    ends_with: "",
};
pub(super) const REGION: Form = Form {
    allowed: "the region of the functions, such as europe-west1",
    lengths: (2, 30),
    is_allowed: is_lower,
    ends_with: "",
};
pub(super) const BUCKET: Form = Form {
    allowed: "a bucket's name: 3 to 63 lower-case letters, digits, hyphens, underscores and dots",
    lengths: (3, 63),
    is_allowed: |c| is_lower(c) || matches!(c, '_' | '.'),
    ends_with: "",
};
pub(super) const PREFIX: Form = Form {
    allowed: "lower-case letters and digits with a hyphen at the end, such as prod-",
    lengths: (2, 30),
    is_allowed: is_lower,
    ends_with: "-",
};

impl Form {
    fn fits(&self, text: &str) -> bool {
        (self.lengths.0..=self.lengths.1).contains(&text.len())
            && text.chars().all(self.is_allowed)
            && text.ends_with(self.ends_with)
    }
}

/// Reads variables.
pub(super) struct Reader<'a> {
    variables: &'a Variables,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    /// Reads settings by `parts`, which goes on after a fault and returns `None` when a part is missing.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(super) fn read<T>(
        variables: &'a Variables,
        parts: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, SettingsError> {
        let mut reader = Self { variables, faults: Vec::new() };
        match parts(&mut reader) {
            Some(settings) if reader.faults.is_empty() => Ok(settings),
            _ => Err(SettingsError { faults: reader.faults }),
        }
    }

    pub(super) fn fault(&mut self, variable: &'static str, problem: String) {
        self.faults.push(Fault { variable, problem });
    }

    /// Returns what a variable says; `None` when it is not set, or empty.
    pub(super) fn text(&mut self, variable: &'static str) -> Option<String> {
        let value = self.variables.get(variable).filter(|value| !value.is_empty())?;
        let text = value.to_str().map(str::to_owned);
        if text.is_none() {
            self.fault(variable, "is no UTF-8 text".to_owned());
        }
        text
    }

    /// Returns what a variable says that has to be set.
    pub(super) fn required(&mut self, variable: &'static str, allowed: &str) -> Option<String> {
        let text = self.text(variable);
        if text.is_none() && !self.faults.iter().any(|fault| fault.variable == variable) {
            self.fault(variable, format!("is not set: it holds {allowed}"));
        }
        text
    }

    /// Returns a name.
    pub(super) fn named(&mut self, variable: &'static str, form: &Form) -> Option<String> {
        let text = self.required(variable, form.allowed)?;
        if !form.fits(&text) {
            self.fault(variable, format!("is {}: it holds {}", shown(&text), form.allowed));
            return None;
        }
        Some(text)
    }

    /// Returns a name that only some functions need.
    pub(super) fn named_if(&mut self, is_needed: bool, variable: &'static str, form: &Form) -> Option<String> {
        if is_needed { self.named(variable, form) } else { None }
    }

    /// Returns a secret, of which nothing is ever shown.
    pub(super) fn secret(&mut self, variable: &'static str, what: &str) -> Option<SecretString> {
        self.required(variable, what)?;
        self.secret_if_set(variable)
    }

    /// Returns a secret that need not be there.
    pub(super) fn secret_if_set(&mut self, variable: &'static str) -> Option<SecretString> {
        let text = self.text(variable)?;
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            let problem = "holds a blank or a line break, which no key does: put it in with printf %s";
            self.fault(variable, problem.to_owned());
            return None;
        }
        Some(text.into())
    }

    pub(super) fn environment(&mut self) -> Option<Environment> {
        let text = self.required("ENVIRONMENT", "PROD, DEV or TEST")?;
        let environment = text.parse().ok();
        if environment.is_none() {
            self.fault("ENVIRONMENT", format!("is {}: use one of PROD, DEV, TEST", shown(&text)));
        }
        environment
    }

    pub(super) fn function(&mut self) -> Option<FunctionName> {
        let text = self.required("SENTINEL_FUNCTION", "the name of a function, such as archive-trades")?;
        let function = shortened(&text).parse::<FunctionName>();
        function.map_err(|error| self.fault("SENTINEL_FUNCTION", format!("names no function: {error}"))).ok()
    }

    pub(super) fn account(&mut self) -> Option<AccountConfig> {
        let text = self.required("SENTINEL_ACCOUNT", "the text of account.toml")?;
        self.parsed_account(&text)
    }

    /// Returns the account; the one that is traded by default where the variable is not set.
    pub(super) fn account_or_default(&mut self) -> Option<AccountConfig> {
        let text = self.text("SENTINEL_ACCOUNT").unwrap_or_default();
        self.parsed_account(&text)
    }

    fn parsed_account(&mut self, text: &str) -> Option<AccountConfig> {
        let account = AccountConfig::parse(text);
        account.map_err(|error| self.fault("SENTINEL_ACCOUNT", format!("is no account.toml: {error}"))).ok()
    }
}

/// Returns a value as a fault shows it: its beginning, if it is long.
pub(super) fn shown(value: &str) -> String {
    format!("{:?}", shortened(value))
}

fn shortened(value: &str) -> String {
    const SHOWN_MAX: usize = 60;
    let mut text: String = value.chars().take(SHOWN_MAX).collect();
    if text.len() < value.len() {
        text.push('…');
    }
    text
}
