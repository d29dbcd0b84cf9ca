//! `usage.toml` in the work tree, edited without losing anything else in it.

use std::path::PathBuf;

use countersign_core::usage::Usages;
use countersign_git::Repo;
use countersign_operations::usage::{Mode, Pattern};
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use crate::error::{CliError, CliResult, exit};
use crate::rules::USAGE;

/// What an entry is to say; what is left out stays as it is.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) maturity: Option<&'static str>,
    pub(super) owner: Option<String>,
    pub(super) safeguards: Vec<String>,
    pub(super) in_place: Vec<String>,
    pub(super) weekly_percent: Option<u8>,
    pub(super) weekly_changes: Option<u64>,
    pub(super) reviewed: Option<String>,
    pub(super) expires: Option<String>,
}

/// The file, as it is in the work tree.
pub(super) struct Registry {
    path: PathBuf,
    document: DocumentMut,
}

impl Registry {
    pub(super) fn open(repo: &Repo) -> CliResult<Self> {
        let top = repo.work_tree().ok_or_else(|| {
            let message = "a bare repository has no work tree to write to";
            CliError::new(exit::DATA, message).hint("run this in a clone")
        })?;
        let path = top.join(USAGE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                "version = 1\n".to_owned()
            }
            Err(error) => {
                let message = format!("reading {USAGE} failed: {error}");
                return Err(CliError::new(exit::IO, message));
            }
        };
        Usages::parse(&text, USAGE).map_err(|problems| CliError::file(USAGE, &text, problems))?;
        let document = text.parse::<DocumentMut>().map_err(|error| {
            CliError::new(exit::DATA, format!("{USAGE} cannot be edited: {error}"))
        })?;
        Ok(Self { path, document })
    }

    /// Writes what an entry says; a new entry gets a name of its own. Returns its
    /// id, and the entry as it stands then.
    pub(super) fn put(
        &mut self,
        pattern: &Pattern,
        id: Option<&str>,
        entry: &Entry,
    ) -> CliResult<(String, String)> {
        let tables = self
            .document
            .entry("usage")
            .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()))
            .as_array_of_tables_mut()
            .ok_or_else(|| {
                CliError::new(
                    exit::DATA,
                    format!("{USAGE} writes its entries in one line"),
                )
                .hint("write each as `[[usage]]` with its fields below")
            })?;
        let is_it = |table: &Table| match id {
            Some(id) => text(table, "id") == Some(id),
            None => covers_exactly(table, pattern),
        };
        if !tables.iter().any(is_it) {
            let named = id.map_or_else(|| name(pattern), str::to_owned);
            tables.push(fresh(&named, pattern));
        }
        let table = tables.iter_mut().find(|table| is_it(table));
        let Some(table) = table else {
            return Err(CliError::new(exit::INTERNAL, "the entry is not there"));
        };
        fill(table, entry);
        let id = text(table, "id").unwrap_or_default().to_owned();
        let shown = format!("[[usage]]\n{}", table.to_string().trim());
        Ok((id, shown))
    }

    /// As every command will read it.
    pub(super) fn usages(&self) -> CliResult<Usages> {
        let text = self.document.to_string();
        Usages::parse(&text, USAGE).map_err(|problems| CliError::file(USAGE, &text, problems))
    }

    /// Writes the file.
    pub(super) fn write(&self) -> CliResult<()> {
        let text = self.document.to_string();
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&self.path, text)
            .map_err(|error| CliError::new(exit::IO, format!("writing {USAGE} failed: {error}")))
    }
}

fn text<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key).and_then(Item::as_str)
}

/// The fields that say what an entry is about.
fn about(pattern: &Pattern) -> [(&'static str, Option<&str>); 5] {
    let mode = Some(pattern.mode).filter(|mode| *mode != Mode::Unknown);
    let place = Some(pattern.environment.as_str()).filter(|place| *place != "unknown");
    [
        ("tool", Some(pattern.tool.as_str())),
        ("model_family", pattern.model_family.as_deref()),
        ("mode", mode.map(Mode::as_str)),
        ("activity", Some(pattern.activity.as_str())),
        ("environment", place),
    ]
}

fn covers_exactly(table: &Table, pattern: &Pattern) -> bool {
    about(pattern)
        .into_iter()
        .all(|(key, wanted)| text(table, key) == wanted)
}

fn name(pattern: &Pattern) -> String {
    let parts = about(pattern).into_iter().filter_map(|(_, part)| part);
    parts.collect::<Vec<_>>().join("-")
}

fn fresh(id: &str, pattern: &Pattern) -> Table {
    let mut table = Table::new();
    table.decor_mut().set_prefix("\n");
    table.insert("id", value(id));
    for (key, part) in about(pattern) {
        if let Some(part) = part {
            table.insert(key, value(part));
        }
    }
    table
}

fn fill(table: &mut Table, entry: &Entry) {
    let texts = [
        ("maturity", entry.maturity.map(str::to_owned)),
        ("owner", entry.owner.clone()),
        ("reviewed", entry.reviewed.clone()),
        ("expires", entry.expires.clone()),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            put(table, key, value(text));
        }
    }
    for (key, list) in [
        ("safeguards", &entry.safeguards),
        ("in_place", &entry.in_place),
    ] {
        if list.is_empty() {
            continue;
        }
        let known = table.get(key).and_then(Item::as_array);
        let mut all = known.cloned().unwrap_or_else(Array::new);
        for text in list {
            if !all.iter().any(|it| it.as_str() == Some(text)) {
                all.push(text.as_str());
            }
        }
        put(table, key, value(all));
    }
    let number = |n: u64| value(i64::try_from(n).unwrap_or(i64::MAX));
    if let Some(percent) = entry.weekly_percent {
        put(table, "weekly_percent", number(percent.into()));
    }
    if let Some(changes) = entry.weekly_changes {
        put(table, "weekly_changes", number(changes));
    }
}

/// Replaces a value and keeps the comment behind it.
fn put(table: &mut Table, key: &str, new: Item) {
    let decor = table
        .get(key)
        .and_then(Item::as_value)
        .map(|old| old.decor().clone());
    table.insert(key, new);
    let written = table.get_mut(key).and_then(Item::as_value_mut);
    if let (Some(decor), Some(written)) = (decor, written) {
        *written.decor_mut() = decor;
    }
}
