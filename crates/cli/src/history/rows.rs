//! Rows of CSV and JSON lines, one shape for both: a list is a JSON array or
//! parted by `;`, and a number may be written as text.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use super::InputFile;
use crate::error::{CliError, CliResult, exit};

/// Longest line of JSON: an incident with all its updates is far below.
const MAX_LINE: u64 = 16 << 20;

/// Any scalar, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

/// A list of scalars.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Texts(pub(super) Vec<String>);

/// A change that an incident may come from, with a confidence.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) change: String,
    pub(super) confidence: f64,
}

/// Several of them: `id`, `id:0.8`, or objects of `change` and `confidence`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Candidates(pub(super) Vec<Candidate>);

/// Text from outside, trimmed, without anything that could steer a terminal.
pub(crate) fn clean(text: &str) -> String {
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

/// Reads every row of a file, with the line it stands in, and says what was
/// read. `.csv` is CSV with a head; anything else is one JSON object a line.
pub(super) fn each<T: DeserializeOwned>(
    path: &Path,
    holds: &'static str,
    mut row: impl FnMut(u64, T) -> Result<(), String>,
) -> CliResult<InputFile> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            CliError::new(exit::NOT_FOUND, format!("there is no file `{name}`"))
        }
        _ => CliError::new(exit::IO, format!("reading {name} failed: {error}")),
    })?;
    let mut hashed = Hashed {
        file: BufReader::with_capacity(1 << 16, file),
        hash: Sha256::new(),
    };
    let wrong = |line: u64, error: &dyn fmt::Display| {
        CliError::new(exit::DATA, format!("{name} line {line}: {error}"))
            .hint("docs/guide/trend.md describes the columns")
    };
    let mut rows = 0;
    let is_csv = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    if is_csv {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(&mut hashed);
        let head = reader.headers().map_err(|error| wrong(1, &error))?.clone();
        let mut record = csv::StringRecord::new();
        loop {
            let more = reader.read_record(&mut record).map_err(|error| {
                let line = error.position().map_or(0, csv::Position::line);
                wrong(line, &error)
            })?;
            if !more {
                break;
            }
            let line = record.position().map_or(0, csv::Position::line);
            // csv's own deserializer would guess types, and turn the id 007 into 7
            let fields =
                MapDeserializer::<_, serde::de::value::Error>::new(head.iter().zip(record.iter()));
            let parsed = T::deserialize(fields).map_err(|error| wrong(line, &error))?;
            row(line, parsed).map_err(|error| wrong(line, &error))?;
            rows += 1;
        }
    } else {
        let mut text = Vec::new();
        for line in 1.. {
            text.clear();
            let read = hashed.line(&mut text);
            if read.map_err(|error| {
                CliError::new(exit::IO, format!("reading {name} failed: {error}"))
            })? == 0
            {
                break;
            }
            if text.len() as u64 == MAX_LINE {
                return Err(wrong(line, &"it is longer than 16 MiB"));
            }
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let parsed = serde_json::from_slice(&text).map_err(|error| wrong(line, &error))?;
            row(line, parsed).map_err(|error| wrong(line, &error))?;
            rows += 1;
        }
    }
    let digest = hashed.hash.finalize();
    Ok(InputFile {
        holds,
        file: name,
        rows,
        sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

/// A file whose bytes are hashed as they are read.
struct Hashed {
    file: BufReader<File>,
    hash: Sha256,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl Hashed {
    /// Appends the next line, its end included, up to the longest allowed.
    fn line(&mut self, line: &mut Vec<u8>) -> std::io::Result<usize> {
        let read = (&mut self.file).take(MAX_LINE).read_until(b'\n', line)?;
        self.hash.update(&line);
        Ok(read)
    }
}
