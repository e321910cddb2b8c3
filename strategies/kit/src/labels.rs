//! Patterns, reasons and warnings: what a strategy can say, each as a name and a sentence.
//!
//! They cross the boundary as numbers (an index, or one bit each), which costs nothing; the manifest carries the words
//! once. A strategy's author sees neither numbers nor words, only the cases of an enum.

use crate::contract::Label;

/// A fixed list of things a strategy can say. Declared with [`labels!`](crate::labels!).
pub trait Labels: Copy + 'static {
    /// Names and descriptions as the manifest says them, in the order of their indices.
    const LABELS: &'static [(&'static str, &'static str)];

    /// Returns the place in the list.
    fn index(self) -> u32;

    /// Returns the label at a place in the list.
    fn from_index(index: u32) -> Option<Self>;

    /// Returns the name of the label at `index`: `cross-up`.
    #[doc(hidden)]
    fn name_of(index: u32) -> Option<&'static str> {
        Self::LABELS.get(index as usize).map(|(name, _)| *name)
    }

    /// Returns the names of the labels whose bits are set.
    #[doc(hidden)]
    fn names_of(bits: u64) -> Vec<&'static str> {
        (0..64).filter(|index| bits >> index & 1 == 1).filter_map(Self::name_of).collect()
    }
}

/// Declares an enum of [`Labels`]: the patterns, reasons or warnings of a strategy, or the options of a choice.
///
/// The name of a case becomes the label's (`CrossUp` is `cross-up`), its documentation the label's description, at most
/// 512 bytes; a case without documentation does not compile.
///
/// ```
/// sentinel_kit::labels! {
///     /// Why the strategy says so.
///     pub enum Reason {
///         /// The fast average is above the slow one.
///         TrendUp,
///         /// More coins were bought than sold by those in a hurry.
///         BuyersAggressive,
///     }
/// }
/// ```
#[macro_export]
macro_rules! labels {
    (
        $(#[doc = $enum_doc:literal])*
        $visibility:vis enum $name:ident {
            $($(#[doc = $doc:literal])+ $label:ident),+ $(,)?
        }
    ) => {
        $(#[doc = $enum_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $visibility enum $name {
            $($(#[doc = $doc])+ $label),+
        }

        impl $crate::Labels for $name {
            const LABELS: &'static [(&'static str, &'static str)] =
                &[$(($crate::kebab_case!($label), $crate::macros::description(concat!($($doc),+)))),+];

            #[inline(always)]
            fn index(self) -> u32 {
                self as u32
            }

            fn from_index(index: u32) -> Option<Self> {
                const ALL: &[$name] = &[$($name::$label),+];
                ALL.get(index as usize).copied()
            }
        }
    };
    ($($anything_else:tt)*) => {
        compile_error!(
            "labels! takes `pub enum Name { … }` whose cases each have a documentation comment, which becomes the \
             description of the label: `/// The trend is up.` and below it `TrendUp,`"
        );
    };
}

/// No labels at all: `type Warning = NoLabels;`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLabels {}

impl Labels for NoLabels {
    const LABELS: &'static [(&'static str, &'static str)] = &[];

    fn index(self) -> u32 {
        match self {}
    }

    fn from_index(_: u32) -> Option<Self> {
        None
    }
}

/// Returns the contract's form of all the labels.
pub(crate) fn all<L: Labels>() -> Vec<Label> {
    L::LABELS
        .iter()
        .map(|(name, description)| Label { name: (*name).to_owned(), description: (*description).to_owned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Labels, all};

    crate::labels! {
        /// Labels of the tests.
        enum Reason {
            /// The first.
            TrendUp,
            /// The second, which
            /// goes on.
            VolumeHigh,
        }
    }

    #[test]
    fn labels_take_name_and_description_from_their_cases() {
        let labels: Vec<_> = all::<Reason>().into_iter().map(|label| (label.name, label.description)).collect();
        assert_eq!(
            labels,
            [
                ("trend-up".to_owned(), "The first.".to_owned()),
                ("volume-high".to_owned(), "The second, which goes on.".to_owned())
            ]
        );
    }

    #[test]
    fn an_index_finds_its_label_again() {
        assert_eq!(Reason::from_index(Reason::VolumeHigh.index()), Some(Reason::VolumeHigh));
        assert_eq!(Reason::from_index(2), None);
    }

    #[test]
    fn set_bits_are_named() {
        assert_eq!(Reason::names_of(0b11), ["trend-up", "volume-high"]);
        assert_eq!(Reason::names_of(0b10), ["volume-high"]);
    }
}
