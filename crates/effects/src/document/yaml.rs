//! YAML documents as values, with a budget.
//!
//! Tags are kept the way CloudFormation means them: `!Ref a` is `{"Ref": a}` and
//! `!Sub a` is `{"Fn::Sub": a}` (AWS CloudFormation User Guide, "Intrinsic
//! function reference"). Words follow YAML 1.1 (`yes` is true), as Kubernetes and
//! CloudFormation read them.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Tagged;

use super::{MAX_BYTES, Object, ReadError, Value};

/// The deepest nesting. Each level takes up to 16 kB of stack in a debug build;
/// the deepest resource definitions known to us have some 50.
const MAX_DEPTH: usize = 64;

/// The most parser events in one input. Four times what 64 services of 2,000
/// lines need; bounds the tree as `MAX_VALUES` does for JSON.
const MAX_EVENTS: usize = 2_000_000;

/// The documents of a YAML stream; empty ones are left out.
///
/// # Errors
/// A [`ReadError`] with line and column when it is not YAML, a key is given
/// twice, or a bound (size, depth, events, alias expansion) is exceeded.
pub fn parse(text: &str) -> Result<Vec<Value<'static>>, ReadError> {
    if text.len() > MAX_BYTES {
        return Err(ReadError::TooLarge { limit: MAX_BYTES });
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: MAX_EVENTS,
            max_nodes: MAX_EVENTS,
            max_depth: MAX_DEPTH,
            max_documents: 20_000,
            max_total_scalar_bytes: MAX_BYTES,
        },
        with_snippet: false,
    };
    let documents: Vec<Node> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|e| error(&e))?;
    Ok(documents
        .into_iter()
        .map(|node| node.0)
        .filter(|value| !value.is_null())
        .collect())
}

fn error(e: &serde_saphyr::Error) -> ReadError {
    let (line, column) = e.location().map_or((0, 0), |at| {
        (
            usize::try_from(at.line()).unwrap_or(0),
            usize::try_from(at.column()).unwrap_or(0),
        )
    });
    // The message may quote the offending scalar, which may be a secret: only
    // its first line is kept, without quoted text.
    let message = e.to_string();
    let first = message.lines().next().unwrap_or_default();
    ReadError::Syntax {
        line,
        column,
        what: format!("not YAML: {}", unquoted(first)),
    }
}

/// `message` without what stands between quotes.
fn unquoted(message: &str) -> String {
    message
        .split(['`', '"'])
        .step_by(2)
        .collect::<Vec<_>>()
        .join("…")
}

/// A value, with its tag folded in.
struct Node(Value<'static>);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(Plain(value), tag) = Tagged::<Plain>::deserialize(deserializer)?;
        Ok(Self(match tag.as_deref() {
            Some(tag) => fold(tag, value),
            None => value,
        }))
    }
}

fn fold(tag: &str, value: Value<'static>) -> Value<'static> {
    let Some(name) = tag.strip_prefix('!').filter(|name| !name.is_empty()) else {
        return value;
    };
    let key = match name {
        "Ref" | "Condition" => name.to_owned(),
        _ => format!("Fn::{name}"),
    };
    // `!GetAtt a.b` is short for `{"Fn::GetAtt": ["a", "b"]}`.
    let value = match (&value, name) {
        (Value::String(s), "GetAtt") => match s.split_once('.') {
            Some((object, attribute)) => Value::Array(vec![
                Value::String(Cow::Owned(object.to_owned())),
                Value::String(Cow::Owned(attribute.to_owned())),
            ]),
            None => value,
        },
        _ => value,
    };
    Value::Object(Object(vec![(Cow::Owned(key), value)]))
}

struct Plain(Value<'static>);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Self)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Value<'static>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Self::Value, E> {
        Ok(Value::Number(Cow::Owned(v.to_string())))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Self::Value, E> {
        Ok(Value::Number(Cow::Owned(v.to_string())))
    }

    fn visit_i128<E>(self, v: i128) -> Result<Self::Value, E> {
        Ok(Value::Number(Cow::Owned(v.to_string())))
    }

    fn visit_u128<E>(self, v: u128) -> Result<Self::Value, E> {
        Ok(Value::Number(Cow::Owned(v.to_string())))
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Self::Value, E> {
        if v.is_finite() {
            Ok(Value::Number(Cow::Owned(v.to_string())))
        } else {
            Err(E::custom("`.nan` and `.inf` have no meaning in a manifest"))
        }
    }

    fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
        Ok(Value::String(Cow::Owned(v.to_owned())))
    }

    fn visit_string<E>(self, v: String) -> Result<Self::Value, E> {
        Ok(Value::String(Cow::Owned(v)))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Node(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries: Vec<(Cow<'static, str>, Value<'static>)> = Vec::new();
        // `deserialize_any` for keys: `1: a` and `true: a` are keys in manifests.
        while let Some(Plain(key)) = map.next_key()? {
            let key = match key {
                Value::Null => "null".to_owned(),
                other => match other.scalar() {
                    Some(text) => text.into_owned(),
                    None => return Err(A::Error::custom("a key must be a scalar")),
                },
            };
            let Node(value) = map.next_value()?;
            entries.push((Cow::Owned(key), value));
        }
        Ok(Value::Object(Object(entries)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parse_json;
    use super::*;

    #[test]
    fn documents_scalars_and_tags() {
        let text = "# a comment\n---\na: 1\nb: 'x'\nc: [yes, ~, 1.5]\nd: !Ref Vpc\ne: !GetAtt Db.Arn\nf: !Sub\n  - 'a${b}'\n  - b: !ImportValue z\n---\n---\n- 2010-09-09\n";
        let expected = [
            r#"{"a":1,"b":"x","c":[true,null,1.5],"d":{"Ref":"Vpc"},"e":{"Fn::GetAtt":["Db","Arn"]},"f":{"Fn::Sub":["a${b}",{"b":{"Fn::ImportValue":"z"}}]}}"#,
            r#"["2010-09-09"]"#,
        ];
        let found = parse(text).unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(*found, parse_json(expected).unwrap());
        }
    }

    #[test]
    fn hostile_documents_end_in_an_error() {
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
        for text in [
            bomb,
            &"[".repeat(100_000),
            "a: 1\na: 2\n",
            "a: .nan\n",
            "a: [1\n",
            "{{ template }}",
        ] {
            assert!(parse(text).is_err(), "{text:.40}");
        }
    }

    #[test]
    fn errors_do_not_quote_scalars() {
        assert_eq!(unquoted("bad \"secret\" in `x` here"), "bad … in … here");
    }

    proptest! {
        #[test]
        fn never_panics(text in r#"[a-c:{}\[\],&*!'"\-\n |>#?0-9.~ ]{0,80}"#) {
            let _ = parse(&text);
        }
    }
}
