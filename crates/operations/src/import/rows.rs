//! Rows of CSV and JSON lines, one shape for both: a list is a JSON array or
//! parted by `;`, and a number may be written as text.

use std::fmt;
use std::io::{BufRead, Read as _};

use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::text;

/// Longest line of JSON, in bytes: an incident with all its updates is far below.
const MAX_LINE: u64 = 16 << 20;

/// Any scalar, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(pub String);

/// A list of scalars.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(pub Vec<String>);

/// A change that an incident may come from, with a confidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its id.
    pub change: String,
    /// From 0 to 1.
    pub confidence: f64,
}

/// Several of them: `id`, `id:0.8`, or objects of `change` and `confidence`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Candidates(pub Vec<Candidate>);

/// Text from outside, trimmed, without anything that could steer a terminal.
pub fn clean(text: &str) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.trim().chars().map(plain).collect()
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(clean(text)))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_none<E>(self) -> Result<Text, E> {
        Ok(Text::default())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

fn parted(text: &str) -> impl Iterator<Item = String> {
    text.split(';').map(clean).filter(|part| !part.is_empty())
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or texts parted by `;`")
    }

    fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts(parted(text).collect()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Texts, E> {
        Ok(Texts(vec![value.to_string()]))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Texts, E> {
        Ok(Texts(vec![value.to_string()]))
    }

    fn visit_unit<E>(self) -> Result<Texts, E> {
        Ok(Texts::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(Text(text)) = list.next_element()? {
            texts.push(text);
        }
        Ok(Texts(texts))
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

struct CandidateVisitor;

fn candidate(text: &str) -> Candidate {
    let text = clean(text);
    let certain = || Candidate {
        change: text.clone(),
        confidence: 1.0,
    };
    // ids may hold colons of their own
    let Some((change, confidence)) = text.rsplit_once(':') else {
        return certain();
    };
    match confidence.trim().parse::<f64>() {
        Ok(confidence) if (0.0..=1.0).contains(&confidence) => Candidate {
            change: change.trim().to_owned(),
            confidence,
        },
        _ => certain(),
    }
}

impl<'de> Visitor<'de> for CandidateVisitor {
    type Value = Candidate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a change id, or an object of `change` and `confidence`")
    }

    fn visit_str<E>(self, text: &str) -> Result<Candidate, E> {
        Ok(candidate(text))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Candidate, E> {
        Ok(candidate(&value.to_string()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Candidate, A::Error> {
        let (mut change, mut confidence) = (None, 1.0);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "change" => change = Some(map.next_value::<Text>()?.0),
                "confidence" => confidence = map.next_value::<f64>()?,
                _ => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
            }
        }
        let change = change.ok_or_else(|| serde::de::Error::missing_field("change"))?;
        if !(0.0..=1.0).contains(&confidence) {
            let text = format!(
                "the confidence of `{change}` is `{confidence}`; expected a number from 0 to 1"
            );
            return Err(serde::de::Error::custom(text));
        }
        Ok(Candidate { change, confidence })
    }
}

impl<'de> Deserialize<'de> for Candidate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CandidateVisitor)
    }
}

struct CandidatesVisitor;

impl<'de> Visitor<'de> for CandidatesVisitor {
    type Value = Candidates;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of changes, or change ids parted by `;`")
    }

    fn visit_str<E>(self, text: &str) -> Result<Candidates, E> {
        Ok(Candidates(
            parted(text).map(|part| candidate(&part)).collect(),
        ))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Candidates, E> {
        Ok(Candidates(vec![candidate(&value.to_string())]))
    }

    fn visit_unit<E>(self) -> Result<Candidates, E> {
        Ok(Candidates::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Candidates, A::Error> {
        let mut found = Vec::new();
        while let Some(one) = list.next_element()? {
            found.push(one);
        }
        Ok(Candidates(found))
    }
}

impl<'de> Deserialize<'de> for Candidates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CandidatesVisitor)
    }
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// CSV with a head.
    Csv,
    /// One JSON object a line.
    Json,
}

/// Why a row could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// What it was read from failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// What is wrong with a line, from 1.
    #[error("line {line}: {message}")]
    Line {
        /// Which.
        line: u64,
        /// What.
        message: String,
    },
}

fn wrong(line: u64, error: &dyn fmt::Display) -> RowError {
    RowError::Line {
        line,
        message: error.to_string(),
    }
}

/// Calls `row` for every row and tells how many there were.
///
/// # Errors
/// The first row that cannot be read, or that `row` refuses.
pub fn each<T: DeserializeOwned>(
    reader: impl BufRead,
    form: Form,
    row: impl FnMut(T) -> Result<(), String>,
) -> Result<u64, RowError> {
    match form {
        Form::Csv => each_csv(reader, row),
        Form::Json => each_json(reader, row),
    }
}

fn each_csv<T: DeserializeOwned>(
    mut reader: impl BufRead,
    mut row: impl FnMut(T) -> Result<(), String>,
) -> Result<u64, RowError> {
    let delimiter = text::delimiter(reader.fill_buf()?);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(reader);
    let head = reader.headers().map_err(|error| wrong(1, &error))?.clone();
    let mut record = csv::StringRecord::new();
    let mut rows = 0;
    loop {
        let more = reader.read_record(&mut record).map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            wrong(line, &error)
        })?;
        if !more {
            return Ok(rows);
        }
        let line = record.position().map_or(0, csv::Position::line);
        // csv's own deserializer would guess types, and turn the id 007 into 7
        let fields =
            MapDeserializer::<_, serde::de::value::Error>::new(head.iter().zip(record.iter()));
        let parsed = T::deserialize(fields).map_err(|error| wrong(line, &error))?;
        row(parsed).map_err(|error| wrong(line, &error))?;
        rows += 1;
    }
}

fn each_json<T: DeserializeOwned>(
    mut reader: impl BufRead,
    mut row: impl FnMut(T) -> Result<(), String>,
) -> Result<u64, RowError> {
    let mut text = Vec::new();
    let mut rows = 0;
    for line in 1.. {
        text.clear();
        if (&mut reader).take(MAX_LINE).read_until(b'\n', &mut text)? == 0 {
            break;
        }
        if text.len() as u64 == MAX_LINE {
            return Err(wrong(line, &"it is longer than 16 MiB"));
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let parsed = serde_json::from_slice(&text).map_err(|error| wrong(line, &error))?;
        row(parsed).map_err(|error| wrong(line, &error))?;
        rows += 1;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        #[serde(default)]
        id: Text,
        #[serde(default)]
        services: Texts,
        #[serde(default)]
        links: Candidates,
    }

    fn rows(text: &str, form: Form) -> Result<Vec<Row>, String> {
        let mut found = Vec::new();
        let read = each(text.as_bytes(), form, |row| {
            found.push(row);
            Ok(())
        });
        read.map_err(|error| error.to_string()).map(|_| found)
    }

    #[test]
    fn both_forms_say_the_same() {
        let csv = "id,services,links\n007,\"a; b\",c1:0.5;c:2\n";
        let json = "{\"id\":\"007\",\"services\":[\"a\",\"b\"],\"links\":[{\"change\":\"c1\",\"confidence\":0.5},\"c:2\"]}\n\n";
        let csv = rows(csv, Form::Csv).unwrap();
        assert_eq!(csv, rows(json, Form::Json).unwrap());
        assert_eq!(csv[0].id.0, "007");
        // as a spreadsheet writes it where the comma is in numbers
        let excel = "\u{feff}id;services;links\r\n007;\"a; b\";\"c1:0.5;c:2\"\r\n";
        assert_eq!(csv, rows(excel, Form::Csv).unwrap());
        let tabs = "id\tservices\tlinks\n007\ta; b\tc1:0.5;c:2\n";
        assert_eq!(csv, rows(tabs, Form::Csv).unwrap());
        let links = &csv[0].links.0;
        assert_eq!((links[0].change.as_str(), links[0].confidence), ("c1", 0.5));
        // more than 1 is no confidence, so it belongs to the id
        assert_eq!(
            (links[1].change.as_str(), links[1].confidence),
            ("c:2", 1.0)
        );
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        for (text, form, wanted) in [
            ("{}\n{", Form::Json, "line 2: "),
            ("id\n1\n2,3\n", Form::Csv, "line 3: "),
            (
                "{\"links\":[{\"change\":\"c\",\"confidence\":2}]}",
                Form::Json,
                "line 1: the confidence of `c`",
            ),
        ] {
            let said = rows(text, form).unwrap_err();
            assert!(said.starts_with(wanted), "{said}");
        }
        let steering = rows("{\"id\":\"a\\u001b[2J\"}", Form::Json).unwrap();
        assert!(!steering[0].id.0.contains('\u{1b}'));
    }
}
