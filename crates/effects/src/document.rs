//! Bytes made into a bounded tree of values: decoding, JSON, YAML.
//!
//! Plans come from pipelines, agents and Windows shells, so nothing is taken on
//! trust: size, depth and number of values are bounded before memory is spent,
//! and a key given twice is an error, because two readers of the same file
//! could otherwise see two different plans.

mod decode;
mod json;
mod value;
mod yaml;

pub use decode::{decode, read_bounded};
pub use json::{parse as parse_json, parse_prefix as parse_json_prefix};
pub use value::{Object, Value};
pub use yaml::parse as parse_yaml;

/// The most bytes one input may have: 64 MiB.
///
/// The largest public plan known to us has 1.4 MB; a thousand resources take
/// about 10 MB.
pub const MAX_BYTES: usize = 64 << 20;

/// The deepest nesting of arrays and objects. `serde_json` allows 128 as well.
pub const MAX_DEPTH: usize = 128;

/// The most values (scalars, arrays, objects) in one input. Bounds the memory
/// of the tree to about 56 bytes × this, some 170 MB.
pub const MAX_VALUES: usize = 3_000_000;

/// Why an input could not be read. Every one of them is bad input data (exit
/// code 65).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// More bytes than [`MAX_BYTES`].
    #[error("the input is larger than {limit} bytes; split it")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The reader behind the bytes failed.
    #[error("the input could not be read to its end: {0}")]
    Io(String),
    /// Neither UTF-8 nor UTF-16.
    #[error("the input is not UTF-8 or UTF-16 text: invalid bytes at offset {offset}")]
    Encoding {
        /// Offset of the first invalid byte.
        offset: usize,
    },
    /// Nothing but white space.
    #[error("the input is empty; expected a plan, change set, manifest or migration")]
    Empty,
    /// Not well-formed.
    #[error("line {line}, column {column}: {what}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What was expected or found.
        what: String,
    },
    /// The same key twice in one object.
    #[error(
        "line {line}, column {column}: the key `{key}` is given twice in the same object; readers disagree on which one counts"
    )]
    DuplicateKey {
        /// The key.
        key: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("line {line}, column {column}: nested deeper than {MAX_DEPTH} levels")]
    TooDeep {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// More values than [`MAX_VALUES`].
    #[error("the input holds more than {MAX_VALUES} values")]
    TooManyValues,
    /// No known format.
    #[error("not a known format: {hint}")]
    UnknownFormat {
        /// What was found, and what would be read.
        hint: String,
    },
    /// A known format in a form that cannot be judged.
    #[error("{what}; {advice}")]
    Unsupported {
        /// What was found.
        what: String,
        /// What to do instead.
        advice: String,
    },
    /// A value of the wrong shape.
    #[error("`{path}` is {found}, expected {expected}")]
    Shape {
        /// Path from the root, such as `resource_changes[3].change`.
        path: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
}
