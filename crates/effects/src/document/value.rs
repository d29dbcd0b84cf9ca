//! A tree of values, the same for JSON and YAML.

use std::borrow::Cow;

/// A JSON value. Text borrows from the input where nothing had to be unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it was written. Plans hold numbers beyond `f64`, and nothing
    /// here calculates with them.
    Number(Cow<'a, str>),
    /// A string.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Self>),
    /// An object.
    Object(Object<'a>),
}

/// An object: its keys in the order of the input, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object<'a>(pub(super) Vec<(Cow<'a, str>, Value<'a>)>);

/// The value of a missing key.
static MISSING: Value<'static> = Value::Null;

impl<'a> Object<'a> {
    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// Keys and values in the order of the input.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.0.iter().map(|(k, v)| (k.as_ref(), v))
    }

    /// The items under the key `items`, taken out.
    pub(crate) fn into_items(self) -> Vec<Value<'a>> {
        let items = self.0.into_iter().find(|(key, _)| key == "items");
        match items {
            Some((_, Value::Array(items))) => items,
            _ => Vec::new(),
        }
    }

    /// How many keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Value<'a> {
    /// The value under `key`, or null: plans leave out what is null.
    #[must_use]
    pub fn at(&self, key: &str) -> &Self {
        self.get(key).unwrap_or(&MISSING)
    }

    /// The value under `key`, if this is an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// The value under a dotted path such as `spec.replicas` or
    /// `point_in_time_recovery.0.enabled`; numbers index arrays. Null where
    /// anything on the way is missing.
    #[must_use]
    pub fn path(&self, dotted: &str) -> &Self {
        let mut at = self;
        for step in dotted.split('.') {
            at = match at {
                Self::Array(items) => match step.parse::<usize>().ok().and_then(|i| items.get(i)) {
                    Some(item) => item,
                    None => return &MISSING,
                },
                other => other.at(step),
            };
        }
        at
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(s) => Some(s),
            _ => None,
        }
    }

    /// The text of a string, number or boolean.
    #[must_use]
    pub fn scalar(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::String(s) | Self::Number(s) => Some(Cow::Borrowed(s)),
            Self::Bool(b) => Some(Cow::Borrowed(if *b { "true" } else { "false" })),
            Self::Null | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The boolean. `"true"` and `"false"` count: CloudFormation and Helm quote
    /// them.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            Self::String(s) if s.eq_ignore_ascii_case("true") => Some(true),
            Self::String(s) if s.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The whole number, also from a string of digits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(s) | Self::String(s) => s.parse().ok(),
            _ => None,
        }
    }

    /// The items; none if this is not an array.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// The object, if it is one.
    #[must_use]
    pub const fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Keys and values; none if this is not an object.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.as_object().into_iter().flat_map(Object::iter)
    }

    /// The value, free of the text it was parsed from.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        let text = |s: Cow<'_, str>| Cow::Owned(s.into_owned());
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(b),
            Self::Number(n) => Value::Number(text(n)),
            Self::String(s) => Value::String(text(s)),
            Self::Array(items) => Value::Array(items.into_iter().map(Value::into_owned).collect()),
            Self::Object(Object(entries)) => Value::Object(Object(
                entries
                    .into_iter()
                    .map(|(k, v)| (text(k), v.into_owned()))
                    .collect(),
            )),
        }
    }

    /// Whether it is null.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What kind of value it is, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// Equal, where `5432` and `"5432"`, `true` and `"true"` are the same:
    /// CloudFormation turns them into each other.
    #[must_use]
    pub fn same_as(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Self::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_as(b))
            }
            (Self::Object(a), Value::Object(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .all(|(k, v)| b.get(k).is_some_and(|other| v.same_as(other)))
            }
            (Self::Null, Value::Null) => true,
            _ => match (self.scalar(), other.scalar()) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        }
    }
}
