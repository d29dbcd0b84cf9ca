//! Turns `data/markers.toml` into static tables, so that no TOML is read when
//! a command starts and a wrong row stops the build instead of a user.

use std::fmt::Write as _;
use std::{env, fs, path::Path};

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    marker: Vec<Marker>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    tool: String,
    kind: String,
    #[serde(default = "agent")]
    class: String,
    value: String,
    strength: Option<String>,
    author: Option<String>,
    #[serde(default)]
    name: String,
    values: Option<String>,
    alone: Option<String>,
    example: String,
    #[serde(default)]
    near: Vec<String>,
    source: String,
}

fn agent() -> String {
    "agent".to_owned()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = "data/markers.toml";
    println!("cargo::rerun-if-changed={data}");
    println!("cargo::rerun-if-changed=build.rs");
    let file: File = toml::from_str(&fs::read_to_string(data)?)?;
    let mut rows = String::from("pub(super) static ROWS: &[Row] = &[\n");
    let mut examples =
        String::from("#[cfg(test)]\npub(super) static EXAMPLES: &[(&str, &[&str])] = &[\n");
    for marker in &file.marker {
        let row = row(marker).map_err(|e| format!("{data}: row `{}`: {e}", marker.value))?;
        rows.push_str(&row);
        writeln!(examples, "({:?}, &{:?}),", marker.example, marker.near)?;
    }
    let out = Path::new(&env::var("OUT_DIR")?).join("markers.rs");
    fs::write(out, format!("{rows}];\n{examples}];\n"))?;
    Ok(())
}

/// One row as a Rust expression; `Err` says which word is wrong.
fn row(marker: &Marker) -> Result<String, String> {
    if marker.value.is_empty() || marker.source.is_empty() {
        return Err("`value` and `source` must not be empty".to_owned());
    }
    if marker.kind != "config" && marker.value != marker.value.to_ascii_lowercase() {
        return Err("`value` must be lower case".to_owned());
    }
    if marker.kind == "github-id" && marker.value.parse::<u64>().is_err() {
        return Err("`value` must be a number".to_owned());
    }
    let strength = marker.strength.as_deref();
    if (marker.class == "agent") != strength.is_some() {
        return Err("an agent needs a `strength`, others have none".to_owned());
    }
    let author = marker.author.as_deref().unwrap_or(match strength {
        Some("weak") | None => "weak",
        Some(_) => "agent-authored",
    });
    Ok(format!(
        "Row {{ tool: {:?}, class: RowClass::{}, kind: Kind::{}, value: {:?}, strength: Strength::{}, \
         author: Strength::{}, alone: Strength::{}, name: {:?}, values: {}, source: {:?} }},\n",
        marker.tool,
        word(&marker.class, &["agent", "bot", "forge"])?,
        word(&marker.kind, KINDS)?,
        marker.value,
        word(strength.unwrap_or("weak"), STRENGTHS)?,
        word(author, STRENGTHS)?,
        word(
            marker.alone.as_deref().or(strength).unwrap_or("weak"),
            STRENGTHS
        )?,
        marker.name,
        values(marker)?,
        marker.source,
    ))
}

const KINDS: &[&str] = &[
    "github-id",
    "login",
    "mailbox",
    "name-suffix",
    "agent",
    "key",
    "identity-key",
    "footer",
    "url",
    "subject",
    "branch",
    "config",
];

const STRENGTHS: &[&str] = &[
    "weak",
    "review-only",
    "accepted-suggestion",
    "session",
    "agent-authored",
];

/// `kebab-case` as a Rust variant, if it is one of the words allowed.
fn word(text: &str, allowed: &[&str]) -> Result<String, String> {
    if !allowed.contains(&text) {
        return Err(format!("`{text}` is none of {allowed:?}"));
    }
    let mut out = String::new();
    for part in text.split('-') {
        let (first, rest) = part.split_at(1);
        out.push_str(&first.to_ascii_uppercase());
        out.push_str(rest);
    }
    Ok(out)
}

fn values(marker: &Marker) -> Result<String, String> {
    match (marker.kind.as_str(), marker.values.as_deref()) {
        ("key", Some("any")) => Ok("Values::Any".to_owned()),
        ("key", Some("agent")) => Ok("Values::Agent".to_owned()),
        ("key", Some("declaration")) => Ok("Values::Declaration".to_owned()),
        ("key", Some("url")) => Ok("Values::Url".to_owned()),
        ("key", Some(list)) if list.contains('|') => Ok(format!(
            "Values::OneOf(&{:?})",
            list.split('|').collect::<Vec<_>>()
        )),
        ("key", _) => Err("a key needs `values`".to_owned()),
        (_, None) => Ok("Values::Any".to_owned()),
        (_, Some(_)) => Err("only a key has `values`".to_owned()),
    }
}
