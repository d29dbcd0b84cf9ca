//! Closed sets of words, as they are written in records and typed by people.

/// What was typed is not one of the words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{typed}` is not one of {}", .known.join(", "))]
pub struct UnknownWord {
    /// What was typed.
    pub typed: String,
    /// The words there are.
    pub known: Vec<&'static str>,
    /// The one that was probably meant.
    pub closest: Option<&'static str>,
}

/// Finds a word, or says which there are.
pub(crate) fn find<T: Copy>(
    typed: &str,
    all: &[T],
    word: impl Fn(T) -> &'static str,
) -> Result<T, UnknownWord> {
    let lower = typed.trim().to_lowercase();
    let found = all.iter().copied().find(|value| word(*value) == lower);
    found.ok_or_else(|| {
        let known: Vec<&'static str> = all.iter().map(|value| word(*value)).collect();
        UnknownWord {
            typed: typed.chars().take(60).collect(),
            closest: countersign_core::problem::closest(&lower, known.iter().copied()),
            known,
        }
    })
}

/// An enum whose variants have one word each, for records, output and typing.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $word:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        pub enum $name {
            $( $(#[$variant_meta])* #[serde(rename = $word)] $variant, )+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The word used in records and output.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $word, )+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::words::find(text, Self::ALL, Self::as_str)
            }
        }
    };
}
pub(crate) use words;

/// `1 incident`, `2 incidents`.
pub(crate) fn count(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}
