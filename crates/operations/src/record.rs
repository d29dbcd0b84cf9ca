//! Everything that is recorded, as one closed set.
//!
//! A record is written as one line of canonical JSON: compact, fields in one
//! fixed order, its kind and the version of its form first. Reading refuses any
//! other spelling, so that a hash over the bytes is a hash over the meaning.

use std::fmt;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::change::Change;
use crate::coe::Coe;
use crate::decision::Decision;
use crate::deployment::Deployment;
use crate::factor::FactorClaim;
pub use crate::faults::Fault;
use crate::faults::Faults;
use crate::guard::GuardDecision;
use crate::incident::Incident;
use crate::initiative::Initiative;
use crate::link::Link;
use crate::noted::Noted;
use crate::pack::PackActivation;
use crate::review::ReviewIssued;
use crate::sign_off::SignOffGiven;
use crate::usage::{UsageEntry, UsageSeen};
use crate::words::words;

/// The most bytes of one record.
pub const MAX_BYTES: usize = 1024 * 1024;
/// The version of the form that this program writes.
const VERSION: u32 = 1;

words! {
    /// Which kind of record.
    pub enum Kind {
        /// [`Change`].
        Change = "change",
        /// [`Decision`].
        Decision = "decision",
        /// [`SignOffGiven`].
        SignOff = "sign-off",
        /// [`GuardDecision`].
        Guard = "guard",
        /// [`Deployment`].
        Deployment = "deployment",
        /// [`Incident`].
        Incident = "incident",
        /// [`Coe`].
        Coe = "coe",
        /// [`FactorClaim`].
        Factor = "factor",
        /// [`Link`].
        Link = "link",
        /// [`Action`].
        Action = "action",
        /// [`Initiative`].
        Initiative = "initiative",
        /// [`UsageSeen`].
        UsageSeen = "usage-seen",
        /// [`UsageEntry`].
        Usage = "usage",
        /// [`ReviewIssued`].
        Review = "review",
        /// [`PackActivation`].
        Pack = "pack",
    }
}

/// Why bytes are not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// More than [`MAX_BYTES`].
    #[error("a record of {0} bytes is too large (at most {MAX_BYTES})")]
    TooLarge(usize),
    /// Not JSON, or a field is missing, unknown or of the wrong type.
    #[error("this is not a record of Countersign: {0}")]
    Json(String),
    /// Written by a later version of this program.
    #[error("a record of version {0} is not known here (this program reads version {VERSION})")]
    Version(u32),
    /// Fields in another order, other spaces, or a field twice.
    #[error("the record is not in its canonical form")]
    NotCanonical,
    /// Fields that contradict each other, or too much of something.
    #[error("the record cannot be kept: {}", .0.iter().map(Fault::to_string).collect::<Vec<_>>().join("; "))]
    Faults(Vec<Fault>),
}

/// What all kinds of record have in common.
///
/// Versions of the same thing have the same key: corrections of an incident,
/// statements about one claim, decisions about one change.
pub trait Recorded: Serialize + DeserializeOwned + Into<Record> {
    /// Which kind.
    const KIND: Kind;

    /// What it is about; the same for every version. One or more ids, joined
    /// by single spaces.
    fn key(&self) -> String;

    /// When the thing recorded happened, for asking by time. When it was
    /// *recorded* is in [`Self::noted`].
    fn at(&self) -> Timestamp;

    /// Who recorded it, when and why.
    fn noted(&self) -> &Noted;

    /// The record, if it is of this kind.
    fn of(record: &Record) -> Option<&Self>;

    /// What is wrong with it.
    fn faults(&self) -> Vec<Fault>;
}

macro_rules! records {
    ($( $type:ident as $kind:ident, key $key:expr, at $at:expr; )+) => {
        /// Any record.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Record {
            $(
                #[doc = concat!("See [`", stringify!($type), "`].")]
                $kind(Box<$type>),
            )+
        }

        $(
            impl Recorded for $type {
                const KIND: Kind = Kind::$kind;

                fn key(&self) -> String {
                    let key: fn(&Self) -> String = $key;
                    key(self)
                }

                fn at(&self) -> Timestamp {
                    let at: fn(&Self) -> Timestamp = $at;
                    at(self)
                }

                fn noted(&self) -> &Noted {
                    &self.noted
                }

                fn of(record: &Record) -> Option<&Self> {
                    match record {
                        Record::$kind(record) => Some(record),
                        _ => None,
                    }
                }

                fn faults(&self) -> Vec<Fault> {
                    let mut faults = Faults::default();
                    self.check(&mut faults);
                    faults.into_vec()
                }
            }

            impl From<$type> for Record {
                fn from(record: $type) -> Self {
                    Self::$kind(Box::new(record))
                }
            }
        )+

        impl Record {
            /// Which kind.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self {
                    $( Self::$kind(_) => Kind::$kind, )+
                }
            }

            /// What it is about ([`Recorded::key`]).
            #[must_use]
            pub fn key(&self) -> String {
                match self {
                    $( Self::$kind(record) => Recorded::key(record.as_ref()), )+
                }
            }

            /// When the thing recorded happened ([`Recorded::at`]).
            #[must_use]
            pub fn at(&self) -> Timestamp {
                match self {
                    $( Self::$kind(record) => Recorded::at(record.as_ref()), )+
                }
            }

            /// Who recorded it, when and why.
            #[must_use]
            pub fn noted(&self) -> &Noted {
                match self {
                    $( Self::$kind(record) => &record.noted, )+
                }
            }

            /// What is wrong with it; empty: it may be kept.
            #[must_use]
            pub fn faults(&self) -> Vec<Fault> {
                match self {
                    $( Self::$kind(record) => record.faults(), )+
                }
            }

            /// Writes it, faults or not.
            fn write(&self) -> Result<String, serde_json::Error> {
                match self {
                    $( Self::$kind(record) => write(Kind::$kind, record.as_ref()), )+
                }
            }

            fn read(kind: Kind, text: &str) -> Result<Self, serde_json::Error> {
                match kind {
                    $( Kind::$kind => read::<$type>(text).map(Self::from), )+
                }
            }
        }
    };
}

records! {
    Change as Change, key |it| it.change.to_string(), at |it| it.shipped_at;
    Decision as Decision, key |it| it.change.to_string(), at |it| it.decided_at;
    SignOffGiven as SignOff, key |it| it.statement.to_string(), at |it| it.issued_at;
    GuardDecision as Guard, key |it| it.id.clone(), at |it| it.asked_at;
    Deployment as Deployment, key |it| it.id.clone(), at |it| it.started;
    Incident as Incident, key |it| it.id.clone(), at |it| it.started;
    Coe as Coe, key |it| it.incident.clone(), at |it| it.written_at;
    FactorClaim as Factor,
        key |it| format!("{} {} {}", it.incident, it.factor, it.claimant),
        at |it| it.noted.at;
    Link as Link, key |it| format!("{} {}", it.incident, it.to), at |it| it.noted.at;
    Action as Action, key |it| it.id.clone(), at |it| it.opened_at;
    Initiative as Initiative, key |it| it.id.clone(), at |it| it.start;
    UsageSeen as UsageSeen,
        key |it| format!("{} {} {}", it.pattern.key(), it.seen_in, it.in_key),
        at |it| it.seen_at;
    UsageEntry as Usage, key |it| it.pattern.key(), at |it| it.from;
    ReviewIssued as Review,
        key |it| format!("{} {}", it.week, it.version),
        at |it| it.issued_at;
    PackActivation as Pack, key |it| it.id.clone(), at |it| it.from;
}

#[derive(Serialize)]
struct Writing<'a, T> {
    kind: Kind,
    version: u32,
    record: &'a T,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reading<T> {
    #[serde(rename = "kind")]
    _kind: Kind,
    #[serde(rename = "version")]
    _version: u32,
    record: T,
}

/// Only what is needed to choose the kind.
#[derive(Deserialize)]
struct Head {
    kind: Kind,
    version: u32,
}

fn write<T: Serialize>(kind: Kind, record: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Writing {
        kind,
        version: VERSION,
        record,
    })
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str::<Reading<T>>(text).map(|reading| reading.record)
}

impl Record {
    /// The canonical form, one line without its end.
    ///
    /// # Errors
    /// [`RecordError::Faults`] when the record may not be kept, and
    /// [`RecordError::TooLarge`].
    pub fn to_json(&self) -> Result<String, RecordError> {
        let faults = self.faults();
        if !faults.is_empty() {
            return Err(RecordError::Faults(faults));
        }
        let text = self.write().map_err(|error| json(&error))?;
        if text.len() > MAX_BYTES {
            return Err(RecordError::TooLarge(text.len()));
        }
        Ok(text)
    }

    /// Reads a record in its canonical form.
    ///
    /// # Errors
    /// Says what is wrong; nothing is guessed.
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        if text.len() > MAX_BYTES {
            return Err(RecordError::TooLarge(text.len()));
        }
        let head: Head = serde_json::from_str(text).map_err(|error| json(&error))?;
        if head.version != VERSION {
            return Err(RecordError::Version(head.version));
        }
        let record = Self::read(head.kind, text).map_err(|error| json(&error))?;
        if record.to_json()? != text {
            return Err(RecordError::NotCanonical);
        }
        Ok(record)
    }
}

fn json(error: &serde_json::Error) -> RecordError {
    RecordError::Json(error.to_string())
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.key())
    }
}

#[cfg(test)]
mod tests;
