//! One entry, and what its hash covers.

use serde_json::Value;

use crate::signoff::Digest;

/// The longest kind, in bytes.
pub const MAX_KIND: usize = 40;
/// The longest key, in bytes.
pub const MAX_KEY: usize = 512;
/// The longest name of who recorded something, in bytes.
pub const MAX_BY: usize = 256;
/// The longest body, in bytes.
pub const MAX_BODY: usize = 1 << 20;

/// First in what is hashed, so that no hash made for another purpose fits.
const DOMAIN: &[u8] = b"countersign ledger entry 1\n";

/// Why something cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not a lower-case word.
    #[error("the kind `{0}` is not a word of a-z, 0-9 and `-` of at most {MAX_KIND} bytes")]
    Kind(String),
    /// Empty, too long, or with control characters.
    #[error("the {what} `{value}` is empty, longer than {most} bytes, or has control characters")]
    Text {
        /// Which part.
        what: &'static str,
        /// Its beginning.
        value: String,
        /// The limit in bytes.
        most: usize,
    },
    /// More than [`MAX_BODY`] bytes.
    #[error("the body of `{key}` has {bytes} bytes, more than {MAX_BODY}")]
    Large {
        /// The record's key.
        key: String,
        /// Its size.
        bytes: usize,
    },
    /// Not a JSON object.
    #[error("the body of `{key}` is not a JSON object: {why}")]
    Body {
        /// The record's key.
        key: String,
        /// What was found.
        why: String,
    },
}

/// Something to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    kind: String,
    key: String,
    at: i64,
    body: String,
}

impl Record {
    /// A record of some kind, such as `change`, with a key that stays the same
    /// when it is recorded again. `at` is when it happened, in microseconds
    /// since 1970-01-01 UTC. The body is written in canonical form.
    ///
    /// # Errors
    /// [`RecordError`] for names that are no names, and for a body that is not an
    /// object or too large.
    pub fn new(
        kind: impl Into<String>,
        key: impl Into<String>,
        at: i64,
        body: &impl serde::Serialize,
    ) -> Result<Self, RecordError> {
        let key = key.into();
        let body = serde_json::to_value(body).map_err(|error| RecordError::Body {
            key: shortened(&key),
            why: error.to_string(),
        })?;
        if !body.is_object() {
            let why = "it is something else".to_owned();
            let key = shortened(&key);
            return Err(RecordError::Body { key, why });
        }
        Self::from_parts(kind.into(), key, at, canonical(&body))
    }

    /// A record whose body is text already; it is taken byte by byte.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn from_parts(
        kind: String,
        key: String,
        at: i64,
        body: String,
    ) -> Result<Self, RecordError> {
        check_kind(&kind)?;
        check_text("key", &key, MAX_KEY)?;
        if body.len() > MAX_BODY {
            let (key, bytes) = (shortened(&key), body.len());
            return Err(RecordError::Large { key, bytes });
        }
        if let Err(error) = serde_json::from_str::<AnyObject>(&body) {
            let (key, why) = (shortened(&key), error.to_string());
            return Err(RecordError::Body { key, why });
        }
        Ok(Self {
            kind,
            key,
            at,
            body,
        })
    }

    /// What sort of thing, such as `change`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What it is called among its kind.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// When it happened, in microseconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn at(&self) -> i64 {
        self.at
    }

    /// A JSON object.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }
}

/// Any JSON object, read without keeping it.
struct AnyObject;

impl<'de> serde::Deserialize<'de> for AnyObject {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> serde::de::Visitor<'de> for Visit {
            type Value = AnyObject;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<AnyObject, A::Error> {
                use serde::de::IgnoredAny;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(AnyObject)
            }
        }
        from.deserialize_map(Visit)
    }
}

/// JSON in one form: no white space, and the names of every object in the order
/// of their bytes.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut names: Vec<(&String, &Value)> = map.iter().collect();
            names.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (place, (name, value)) in names.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(name.clone()).to_string());
                out.push(':');
                write_canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn check_kind(kind: &str) -> Result<(), RecordError> {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let starts = kind.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    if starts && kind.len() <= MAX_KIND && kind.bytes().all(word) {
        Ok(())
    } else {
        Err(RecordError::Kind(shortened(kind)))
    }
}

fn check_text(what: &'static str, text: &str, most: usize) -> Result<(), RecordError> {
    if text.is_empty() || text.len() > most || text.chars().any(char::is_control) {
        let value = shortened(text);
        return Err(RecordError::Text { what, value, most });
    }
    Ok(())
}

/// Keeps error messages about hostile input short and on one line.
fn shortened(text: &str) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().take(70).map(plain).collect()
}

/// Checks the name of who records something.
///
/// # Errors
/// [`RecordError::Text`].
pub fn check_recorded_by(name: &str) -> Result<(), RecordError> {
    check_text("name of who records", name, MAX_BY)
}

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place: 1 for the first, then one more each.
    pub seq: u64,
    /// When it was recorded, in microseconds since 1970-01-01 UTC. Never less than
    /// that of the entry before it.
    pub recorded_at: i64,
    /// Who or what recorded it.
    pub recorded_by: String,
    /// What was recorded.
    pub record: Record,
    /// The hash of the entry before it; [`Entry::GENESIS`] for the first.
    pub prev: Digest,
    /// The hash of this entry, as stated; [`Self::computed_hash`] checks it.
    pub hash: Digest,
}

impl Entry {
    /// What comes before the first entry: 32 zero bytes.
    pub const GENESIS: Digest = Digest::from_bytes([0; 32]);

    /// Makes the entry that follows `prev`.
    #[must_use]
    pub fn after(
        prev: Digest,
        seq: u64,
        recorded_at: i64,
        recorded_by: String,
        record: Record,
    ) -> Self {
        let mut entry = Self {
            seq,
            recorded_at,
            recorded_by,
            record,
            prev,
            hash: Self::GENESIS,
        };
        entry.hash = entry.computed_hash();
        entry
    }

    /// The bytes that the hash is of: `"countersign ledger entry 1\n"`, `seq`,
    /// `recorded_at`, `recorded_by`, `kind`, `key`, `at`, `body`, and the 32 bytes of
    /// `prev`. Numbers are 64 bits, big-endian (times two's complement); texts
    /// are UTF-8 after their length in bytes, as such a number.
    #[must_use]
    pub fn preimage(&self) -> Vec<u8> {
        let record = &self.record;
        let texts = [&self.recorded_by, &record.kind, &record.key, &record.body];
        let size = texts.iter().map(|text| text.len() + 8).sum::<usize>();
        let mut bytes = Vec::with_capacity(DOMAIN.len() + size + 24 + 32);
        bytes.extend(DOMAIN);
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.recorded_at.to_be_bytes());
        put(&mut bytes, &self.recorded_by);
        put(&mut bytes, &record.kind);
        put(&mut bytes, &record.key);
        bytes.extend(record.at.to_be_bytes());
        put(&mut bytes, &record.body);
        bytes.extend(self.prev.as_bytes());
        bytes
    }

    /// The SHA-256 of [`Self::preimage`].
    #[must_use]
    pub fn computed_hash(&self) -> Digest {
        Digest::of(&self.preimage())
    }
}

fn put(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_be_bytes());
    bytes.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_has_one_form() {
        let value = json!({"b": [1, {"z": null, "a": "é\"\n"}], "a": 1.5, "B": {}});
        assert_eq!(
            canonical(&value),
            r#"{"B":{},"a":1.5,"b":[1,{"a":"é\"\n","z":null}]}"#
        );
        assert_eq!(
            serde_json::from_str::<Value>(&canonical(&value)).unwrap(),
            value
        );
    }

    #[test]
    fn wrong_records_are_refused() {
        let body = json!({});
        for kind in ["", "Change", "1st", "a b", "-a", &"a".repeat(41)] {
            assert!(matches!(
                Record::new(kind, "k", 0, &body),
                Err(RecordError::Kind(_))
            ));
        }
        for key in ["", "a\nb", "\0", &"k".repeat(513)] {
            assert!(matches!(
                Record::new("change", key, 0, &body),
                Err(RecordError::Text { .. })
            ));
        }
        for body in ["", "[]", "{", "{} {}", "1"] {
            let record = Record::from_parts("a".into(), "k".into(), 0, body.into());
            assert!(matches!(record, Err(RecordError::Body { .. })), "{body}");
        }
        assert!(matches!(
            Record::new("a", "k", 0, &1),
            Err(RecordError::Body { .. })
        ));
        let large = json!({"a": "x".repeat(MAX_BODY)});
        assert!(matches!(
            Record::new("a", "k", 0, &large),
            Err(RecordError::Large { .. })
        ));
        assert!(check_recorded_by("ci\u{1b}[31m").is_err());
    }

    fn entry(by: &str, kind: &str, key: &str, at: i64) -> Entry {
        let record = Record::new(kind, key, at, &json!({"n": 1})).unwrap();
        Entry::after(Entry::GENESIS, 1, 7, by.to_owned(), record)
    }

    /// The hash by `printf` and `sha256sum`, spelled out in the documentation.
    #[test]
    fn a_known_hash() {
        let entry = entry("ci", "change", "c1", -1);
        let by_hand = [
            b"countersign ledger entry 1\n".as_slice(),
            &[0, 0, 0, 0, 0, 0, 0, 1],
            &[0, 0, 0, 0, 0, 0, 0, 7],
            &[0, 0, 0, 0, 0, 0, 0, 2],
            b"ci",
            &[0, 0, 0, 0, 0, 0, 0, 6],
            b"change",
            &[0, 0, 0, 0, 0, 0, 0, 2],
            b"c1",
            &[255; 8],
            &[0, 0, 0, 0, 0, 0, 0, 7],
            br#"{"n":1}"#,
            &[0; 32],
        ]
        .concat();
        assert_eq!(entry.preimage(), by_hand);
    }

    proptest! {
        /// No two different entries share what is hashed.
        #[test]
        fn nothing_can_move_between_fields(
            a in ("[a-z]{1,3}", "[a-z]{1,3}", "[a-z]{1,3}", any::<i64>()),
            b in ("[a-z]{1,3}", "[a-z]{1,3}", "[a-z]{1,3}", any::<i64>()),
        ) {
            let one = entry(&a.0, &a.1, &a.2, a.3);
            let two = entry(&b.0, &b.1, &b.2, b.3);
            prop_assert_eq!(one.hash == two.hash, a == b);
        }
    }
}
