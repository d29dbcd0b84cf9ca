//! A held action, kept until a person has looked at it.

use countersign_core::signoff::Digest;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::action::Action;

/// The version of the file.
const VERSION: u32 = 1;
/// How long a ticket can be passed.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// The largest ticket, in bytes.
pub const MAX_SIZE: usize = 2 << 20;

/// Letters that cannot be mistaken for each other when read aloud.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What a person types: eight letters of the action's hash, in two groups.
#[must_use]
pub fn id_of(action: &Digest) -> String {
    let mut bits: u64 = 0;
    for byte in action.as_bytes().iter().take(5) {
        bits = (bits << 8) | u64::from(*byte);
    }
    let mut id = String::with_capacity(9);
    for place in (0..8).rev() {
        let letter = usize::try_from((bits >> (place * 5)) & 31).unwrap_or(0);
        id.push(char::from(LETTERS.get(letter).copied().unwrap_or(b'0')));
        if place == 4 {
            id.push('-');
        }
    }
    id
}

/// A ticket's id from what a person typed; `None` when it cannot be one.
#[must_use]
pub fn read_id(typed: &str) -> Option<String> {
    let letters: String = typed
        .chars()
        .filter(|c| *c != '-')
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .collect();
    let fits = letters.len() == 8 && letters.bytes().all(|byte| LETTERS.contains(&byte));
    fits.then(|| {
        format!(
            "{}-{}",
            letters.get(..4).unwrap_or(""),
            letters.get(4..).unwrap_or("")
        )
    })
}

/// A held action.
///
/// An agent could write such a file, so nothing in it is trusted: what a person
/// signs is the hash of `action`, and at the retry the guard computes that hash
/// anew from the call itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// The version of the file.
    pub v: u32,
    /// When the action was held last.
    pub at: Timestamp,
    /// The action.
    pub action: Action,
    /// Ids of the rules that hold it.
    pub rules: Vec<String>,
    /// What they ask for, in words.
    pub asks: Vec<String>,
    /// The person whose agent it is, by id on the roster.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operator: Option<String>,
    /// The ticket of the first attempt at the same goal, if this is another.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attempt_of: Option<String>,
}

/// Why a ticket cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// Not such a file.
    #[error("the ticket's file is damaged")]
    Damaged,
    /// The file's name and its content differ.
    #[error("the ticket's file holds another action")]
    OtherAction,
    /// Older than [`LIFETIME`].
    #[error("the ticket is older than a day")]
    Expired,
}

impl Ticket {
    /// A ticket for an action.
    #[must_use]
    pub const fn new(
        action: Action,
        rules: Vec<String>,
        asks: Vec<String>,
        operator: Option<String>,
        attempt_of: Option<String>,
        at: Timestamp,
    ) -> Self {
        Self {
            v: VERSION,
            at,
            action,
            rules,
            asks,
            operator,
            attempt_of,
        }
    }

    /// The file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Plain data cannot fail to be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the file that has this id as its name.
    ///
    /// # Errors
    /// [`TicketError`].
    pub fn parse(bytes: &[u8], id: &str, now: Timestamp) -> Result<Self, TicketError> {
        if bytes.len() > MAX_SIZE {
            return Err(TicketError::Damaged);
        }
        let ticket: Self = serde_json::from_slice(bytes).map_err(|_| TicketError::Damaged)?;
        if ticket.v != VERSION {
            return Err(TicketError::Damaged);
        }
        if id_of(&ticket.action.digest()) != id {
            return Err(TicketError::OtherAction);
        }
        if now.duration_since(ticket.at) > LIFETIME {
            return Err(TicketError::Expired);
        }
        Ok(ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_forgiving() {
        let id = id_of(&Digest::of(b"x"));
        assert_eq!(id.len(), 9);
        assert_eq!(read_id(&id), Some(id.clone()));
        assert_eq!(read_id(&id.to_uppercase()), Some(id.clone()));
        assert_eq!(read_id(&id.replace('-', "")), Some(id));
        assert_eq!(read_id("OIL0-1234").as_deref(), Some("0110-1234"));
        for wrong in ["", "abc", "abcd-efgu", "../../etc", "abcd-efgh1"] {
            assert_eq!(read_id(wrong), None, "{wrong}");
        }
    }
}
