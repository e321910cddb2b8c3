//! Typed parameters: declared once, read as the fields of a struct.

use core::ops::RangeInclusive;

use crate::contract::{
    Choice, IntegerRange, Parameter, ParameterFault, ParameterKind, ParameterValue, RealRange, StrategyError,
};
use crate::labels::Labels;

/// A strategy's parameters. Declared with [`parameters!`](crate::parameters!).
pub trait ParameterSet: Sized + 'static {
    /// Returns the declarations, in the order in which a session receives the values.
    #[doc(hidden)]
    fn declarations() -> Vec<Parameter>;

    /// Reads the values that the host sends. The host has checked count, types and ranges.
    #[doc(hidden)]
    fn from_values(values: &[ParameterValue]) -> Self;

    /// Returns the values as a host would send them.
    #[doc(hidden)]
    fn to_values(&self) -> Vec<ParameterValue>;
}

/// Declares a strategy's parameters: a struct whose fields are the parameters.
///
/// `name: type in range, default value;` for numbers (`usize`, `u32`, `i64`, `f64`), both ends of the range allowed;
/// `name: type, default value;` for `bool` and for a choice, which is an enum made by [`labels!`](crate::labels!).
/// The user knows a parameter by its name with dashes (`stop_atr` is `stop-atr`) and its documentation; a parameter
/// without documentation, or with a default outside its range, does not compile.
///
/// ```
/// use sentinel_kit::prelude::*;
///
/// labels! {
///     /// How the average is taken.
///     pub enum Average {
///         /// Every bar weighs the same.
///         Simple,
///         /// Newer bars weigh more.
///         Exponential,
///     }
/// }
///
/// parameters! {
///     /// What the user may turn.
///     pub struct Settings {
///         /// Bars of the average.
///         period: usize in 1..=500, default 20;
///         /// Distance of the stop in average true ranges.
///         stop_atr: f64 in 0.5..=10.0, default 2.0;
///         /// Whether to take profits at the average.
///         exit_at_mean: bool, default true;
///         /// How the average is taken.
///         average: Average, default Average::Simple;
///     }
/// }
///
/// let settings = Settings { period: 50, ..Settings::default() };
/// assert_eq!(settings.average, Average::Simple);
/// // An error that names the parameter, for rules that a range cannot say:
/// let error = Settings::period.invalid("must be a multiple of ten");
/// ```
///
/// ```compile_fail
/// sentinel_kit::parameters! {
///     pub struct Settings {
///         /// Bars of the average.
///         period: usize in 1..=500, default 501; // error: the default is outside its range
///     }
/// }
/// ```
#[macro_export]
macro_rules! parameters {
    (
        $(#[doc = $struct_doc:literal])*
        $visibility:vis struct $name:ident {
            $($(#[doc = $doc:literal])+ $field:ident: $type:ident $(in $range:expr)?, default $default:expr;)+
        }
    ) => {
        $(#[doc = $struct_doc])*
        #[derive(Debug, Clone, PartialEq)]
        $visibility struct $name {
            $($(#[doc = $doc])+ $visibility $field: $type,)+
        }

        #[allow(non_upper_case_globals, reason = "a parameter's name is written as its field is")]
        impl $name {
            $crate::parameters!(@names $visibility, 0; $($field)+);
        }

        // Checked by the compiler, once for each parameter.
        const _: () = {
            $($($crate::parameters!(@check $field: $type, $range, $default);)?)+
        };

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default),+ }
            }
        }

        impl $crate::ParameterSet for $name {
            fn declarations() -> Vec<$crate::macros::Parameter> {
                vec![$($crate::macros::declare::<$type>(
                    const { $crate::kebab_case!($field) },
                    const { $crate::macros::description(concat!($($doc),+)) },
                    $default,
                    $crate::parameters!(@range $($range)?),
                )),+]
            }

            fn from_values(values: &[$crate::macros::ParameterValue]) -> Self {
                Self { $($field: $crate::macros::value_of(values, Self::$field)),+ }
            }

            fn to_values(&self) -> Vec<$crate::macros::ParameterValue> {
                vec![$($crate::ParameterType::to_value(self.$field)),+]
            }
        }
    };
    (@names $visibility:vis, $index:expr; $field:ident $($rest:ident)*) => {
        #[doc = concat!("Names the parameter `", stringify!($field), "` in an error.")]
        $visibility const $field: $crate::ParameterName = $crate::ParameterName::new($index);
        $crate::parameters!(@names $visibility, $index + 1; $($rest)*);
    };
    (@names $visibility:vis, $index:expr;) => {};
    (@range) => { () };
    (@range $range:expr) => { $range };
    (@check $field:ident: $type:ident, $range:expr, $default:expr) => {
        {
            let range: core::ops::RangeInclusive<$type> = $range;
            let default: $type = $default;
            assert!(
                *range.start() <= default && default <= *range.end(),
                concat!("the default of the parameter `", stringify!($field), "` is outside its range"),
            );
        }
    };
    ($($anything_else:tt)*) => {
        compile_error!(
            "parameters! takes `pub struct Name { … }` whose parameters each have a documentation comment and below it \
             `name: type in range, default value;`, or without a range `name: bool, default true;`"
        );
    };
}

/// A type that a parameter can have.
pub trait ParameterType: Copy {
    /// What stands after `in`; nothing for types that have no range.
    type Range;

    /// Returns the declaration's type, range and default.
    #[doc(hidden)]
    fn kind(default: Self, range: Self::Range) -> ParameterKind;

    /// Reads a value; `None` if it is of another type.
    #[doc(hidden)]
    fn from_value(value: &ParameterValue) -> Option<Self>;

    /// Returns the value as a host would send it.
    #[doc(hidden)]
    fn to_value(self) -> ParameterValue;
}

/// Whole numbers differ only in their Rust type; the contract has one for all.
macro_rules! whole_number {
    ($($type:ty),+) => {$(
        #[expect(clippy::allow_attributes, reason = "some of the casts are lossless for some of the types")]
        #[allow(
            trivial_numeric_casts,
            clippy::cast_possible_wrap,
            clippy::cast_possible_truncation,
            clippy::unnecessary_cast,
            reason = "a bound beyond 2^63 bars is a mistake that the range check reports"
        )]
        impl ParameterType for $type {
            type Range = RangeInclusive<$type>;

            fn kind(default: Self, range: Self::Range) -> ParameterKind {
                let (minimum, maximum) = range.into_inner();
                ParameterKind::Integer(IntegerRange {
                    default: default as i64,
                    minimum: minimum as i64,
                    maximum: maximum as i64,
                })
            }

            fn from_value(value: &ParameterValue) -> Option<Self> {
                match value {
                    ParameterValue::Integer(value) => <$type>::try_from(*value).ok(),
                    _ => None,
                }
            }

            fn to_value(self) -> ParameterValue {
                ParameterValue::Integer(self as i64)
            }
        }
    )+};
}

whole_number!(i64, u32, usize);

impl ParameterType for f64 {
    type Range = RangeInclusive<f64>;

    fn kind(default: Self, range: Self::Range) -> ParameterKind {
        let (minimum, maximum) = range.into_inner();
        ParameterKind::Real(RealRange { default, minimum, maximum })
    }

    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Real(value) => Some(*value),
            _ => None,
        }
    }

    fn to_value(self) -> ParameterValue {
        ParameterValue::Real(self)
    }
}

impl ParameterType for bool {
    type Range = ();

    fn kind(default: Self, (): ()) -> ParameterKind {
        ParameterKind::Boolean(default)
    }

    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    fn to_value(self) -> ParameterValue {
        ParameterValue::Boolean(self)
    }
}

impl<L: Labels> ParameterType for L {
    type Range = ();

    fn kind(default: Self, (): ()) -> ParameterKind {
        let options = L::LABELS.iter().map(|(name, _)| (*name).to_owned()).collect();
        ParameterKind::Choice(Choice { default: default.index(), options })
    }

    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Choice(index) => L::from_index(*index),
            _ => None,
        }
    }

    fn to_value(self) -> ParameterValue {
        ParameterValue::Choice(self.index())
    }
}

/// The name of one parameter of a strategy: `Settings::fast`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterName {
    index: u32,
}

impl ParameterName {
    #[doc(hidden)]
    pub const fn new(index: u32) -> Self {
        Self { index }
    }

    /// Returns the error for a value that is in range but makes no sense: `Settings::slow.invalid("must be above
    /// fast")`. The host puts the parameter's name in front; at most 1024 bytes.
    pub fn invalid(self, message: impl Into<String>) -> StrategyError {
        StrategyError::InvalidParameter(ParameterFault { parameter: self.index, message: message.into() })
    }
}

/// No parameters at all: `type Parameters = NoParameters;`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoParameters;

impl ParameterSet for NoParameters {
    fn declarations() -> Vec<Parameter> {
        Vec::new()
    }

    fn from_values(_: &[ParameterValue]) -> Self {
        Self
    }

    fn to_values(&self) -> Vec<ParameterValue> {
        Vec::new()
    }
}

/// Returns the contract's form of one declaration.
#[doc(hidden)]
pub fn declare<T: ParameterType>(name: &str, description: &str, default: T, range: T::Range) -> Parameter {
    Parameter { name: name.to_owned(), description: description.to_owned(), kind: T::kind(default, range) }
}

/// Reads one value.
///
/// # Panics
/// If the host breaks its promise to send the values that the manifest asks for.
#[doc(hidden)]
pub fn value_of<T: ParameterType>(values: &[ParameterValue], name: ParameterName) -> T {
    values
        .get(name.index as usize)
        .and_then(T::from_value)
        .expect("the host sends one value of the declared type for each parameter")
}

#[cfg(test)]
mod tests {
    use super::{ParameterSet, RealRange};
    use crate::contract::{Choice, IntegerRange, ParameterKind, ParameterValue, StrategyError};

    crate::labels! {
        /// A choice.
        enum Average {
            /// Plain.
            Simple,
            /// Weighted.
            Exponential,
        }
    }

    crate::parameters! {
        /// One parameter of each type.
        struct Settings {
            /// Bars
            /// looked back on.
            look_back: usize in 1..=500, default 20;
            /// Whole numbers may be negative.
            shift: i64 in -5..=5, default -2;
            /// A part.
            part: f64 in 0.0..=1.0, default 0.5;
            /// Yes or no.
            strict: bool, default true;
            /// One of two.
            average: Average, default Average::Exponential;
        }
    }

    #[test]
    fn declarations_carry_name_description_type_range_and_default() {
        let declarations = Settings::declarations();
        assert_eq!(declarations[0].name, "look-back");
        assert_eq!(declarations[0].description, "Bars looked back on.");
        let kinds: Vec<_> = declarations.into_iter().map(|declaration| declaration.kind).collect();
        let options = vec!["simple".to_owned(), "exponential".to_owned()];
        assert_eq!(
            kinds,
            [
                ParameterKind::Integer(IntegerRange { default: 20, minimum: 1, maximum: 500 }),
                ParameterKind::Integer(IntegerRange { default: -2, minimum: -5, maximum: 5 }),
                ParameterKind::Real(RealRange { default: 0.5, minimum: 0.0, maximum: 1.0 }),
                ParameterKind::Boolean(true),
                ParameterKind::Choice(Choice { default: 1, options }),
            ]
        );
    }

    #[test]
    fn values_are_read_in_the_order_of_the_declarations() {
        let settings = Settings { look_back: 7, shift: 3, part: 0.25, strict: false, average: Average::Simple };
        let values = settings.to_values();
        assert_eq!(values[..2], [ParameterValue::Integer(7), ParameterValue::Integer(3)]);
        assert_eq!(Settings::from_values(&values), settings);
    }

    #[test]
    #[should_panic(expected = "one value of the declared type for each parameter")]
    fn a_value_of_another_type_is_a_bug_of_the_host() {
        Settings::from_values(&[ParameterValue::Real(20.0)]);
    }

    #[test]
    fn errors_name_the_parameter_by_its_place() {
        let StrategyError::InvalidParameter(fault) = Settings::strict.invalid("must be false") else {
            panic!("another kind of error");
        };
        assert_eq!((fault.parameter, fault.message.as_str()), (3, "must be false"));
    }
}
