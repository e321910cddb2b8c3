//! What a strategy may use: every limit by name, with its defaults in two classes.
//!
//! A strategy's limits are part of its config and so of its version: what was refused once is refused again when
//! history is replayed. Only `call_time_max_ms` is outside of that promise, because it depends on the machine.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How a strategy was made, which decides the order of magnitude of what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitsClass {
    /// Compiled to WebAssembly: Rust, C, Zig, TinyGo.
    Compiled,
    /// An interpreter with a script inside: JavaScript, Python.
    Interpreted,
}

impl LimitsClass {
    /// Returns the class that a component of this size most likely needs: no interpreter fits into one megabyte,
    /// and no compiled strategy we have seen exceeds it.
    #[must_use]
    pub const fn suggest(component_bytes: u64) -> Self {
        if component_bytes <= MEBIBYTE { Self::Compiled } else { Self::Interpreted }
    }
}

impl fmt::Display for LimitsClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Compiled => "compiled",
            Self::Interpreted => "interpreted",
        })
    }
}

/// A text that names no class of limits.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown class of limits \"{0}\": use compiled or interpreted")]
pub struct UnknownLimitsClass(String);

impl FromStr for LimitsClass {
    type Err = UnknownLimitsClass;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "compiled" => Ok(Self::Compiled),
            "interpreted" => Ok(Self::Interpreted),
            _ => Err(UnknownLimitsClass(text.to_owned())),
        }
    }
}

const KIBIBYTE: u64 = 1 << 10;
const MEBIBYTE: u64 = 1 << 20;

/// Declares [`Limits`] as one table: field, default of the compiled class, default of the interpreted class.
macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $compiled:expr, $interpreted:expr;)+) => {
        /// The limits of one strategy. Written in a config, a limit that is left out takes its class's default.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(from = "WrittenLimits")]
        pub struct Limits {
            /// The class whose defaults these are, apart from what the user changed.
            pub class: LimitsClass,
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        /// Limits as a user writes them.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct WrittenLimits {
            class: LimitsClass,
            $($name: Option<$type>,)+
        }

        impl From<WrittenLimits> for Limits {
            fn from(written: WrittenLimits) -> Self {
                let defaults = Self::of(written.class);
                Self { class: written.class, $($name: written.$name.unwrap_or(defaults.$name),)+ }
            }
        }

        impl Limits {
            /// Returns the defaults of a class.
            #[must_use]
            pub const fn of(class: LimitsClass) -> Self {
                match class {
                    LimitsClass::Compiled => Self { class, $($name: $compiled,)+ },
                    LimitsClass::Interpreted => Self { class, $($name: $interpreted,)+ },
                }
            }
        }
    };
}

limits! {
    /// Size of the component file.
    component_bytes_max: u64 = 8 * MEBIBYTE, 32 * MEBIBYTE;
    /// Functions in the component.
    functions_max: u32 = 20_000, 100_000;
    /// Time that the compiler takes over one function at worst, estimated before it starts, in milliseconds. Also
    /// bounds its memory, at some 35 MB for each second.
    function_estimate_max_ms: u64 = 2_000, 5_000;
    /// The same for all functions together, on one core.
    compile_estimate_max_ms: u64 = 10_000, 60_000;
    /// Calls between components inside of the component. For each the engine writes code of its own, whose size is not
    /// known beforehand; a strategy that is one component has none.
    adapters_max: u32 = 0, 0;
    /// Time the compiler may take, in milliseconds.
    compile_time_max_ms: u64 = 30_000, 120_000;
    /// Fuel for each step of opening: making the instance, `describe`, `open`, `warm-up-bars`.
    /// One unit of fuel is about one WebAssembly instruction.
    fuel_max_open: u64 = 10_000_000, 200_000_000;
    /// Fuel for one bar; a call with many bars may use as many times as much.
    fuel_max_per_bar: u64 = 1_000_000, 50_000_000;
    /// Fuel for the whole warm-up.
    fuel_max_per_warm_up: u64 = 1_000_000_000, 10_000_000_000;
    /// Linear memory, all memories of an instance together.
    memory_max_bytes: u64 = 16 * MEBIBYTE, 256 * MEBIBYTE;
    /// Linear memories in an instance.
    memories_max: u32 = 2, 4;
    /// Tables in an instance.
    tables_max: u32 = 4, 32;
    /// Elements of one table.
    table_elements_max: u32 = 10_000, 100_000;
    /// Core module instances in an instance.
    core_instances_max: u32 = 8, 40;
    /// What `describe` may return, in bytes of host memory.
    manifest_bytes_max: u64 = 512 * KIBIBYTE, 512 * KIBIBYTE;
    /// Text of an error that the strategy returns.
    error_text_bytes_max: u64 = KIBIBYTE, KIBIBYTE;
    /// Wall-clock time of one call, in milliseconds: the outer kill, never a recorded outcome.
    call_time_max_ms: u64 = 60_000, 300_000;
}

impl Limits {
    /// Returns the defaults for compiled strategies.
    #[must_use]
    pub const fn compiled() -> Self {
        Self::of(LimitsClass::Compiled)
    }

    /// Returns the defaults for interpreted strategies.
    #[must_use]
    pub const fn interpreted() -> Self {
        Self::of(LimitsClass::Interpreted)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::compiled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_left_out_take_their_class_s_default() {
        let limits: Limits = serde_json::from_str(r#"{"class": "interpreted", "memory_max_bytes": 1000}"#).unwrap();
        assert_eq!(limits, Limits { memory_max_bytes: 1_000, ..Limits::interpreted() });
        let text = serde_json::to_string(&limits).unwrap();
        assert_eq!(serde_json::from_str::<Limits>(&text).unwrap(), limits);
    }

    #[test]
    fn misspelt_limit_is_refused() {
        let error = serde_json::from_str::<Limits>(r#"{"class": "compiled", "fuel_max": 1}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `fuel_max`"), "{error}");
    }

    #[test]
    fn size_suggests_the_class() {
        assert_eq!(LimitsClass::suggest(30_000), LimitsClass::Compiled);
        assert_eq!(LimitsClass::suggest(12_000_000), LimitsClass::Interpreted);
        assert_eq!("interpreted".parse(), Ok(LimitsClass::Interpreted));
        assert!("fast".parse::<LimitsClass>().unwrap_err().to_string().contains("compiled or interpreted"));
    }
}
