//! What the judge may know beyond the text, given by the caller.

use std::collections::BTreeMap;

use crate::target::Targets;

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Nothing.
    Missing,
    /// A directory, or a link to one.
    Directory,
    /// Anything else.
    File,
}

/// Read-only facts about the machine and the project. Every answer may be
/// `None`: not known. Implementations must be cheap and must not run anything.
pub trait Context {
    /// An environment variable of the shell the command would run in.
    fn env(&self, name: &str) -> Option<String>;
    /// The text of a small file; `path` is absolute and normalised.
    fn read(&self, path: &str) -> Option<String>;
    /// What lies at an absolute, normalised path; `None` where nobody knows.
    fn entry(&self, path: &str) -> Option<Entry>;
    /// The path behind symbolic links, as far as it exists; `None` where nobody knows
    /// or there is no link in it.
    fn real(&self, path: &str) -> Option<String>;
    /// Whether a port of this machine was joined to another host before.
    fn tunnelled(&self) -> bool;
    /// The absolute working directory.
    fn cwd(&self) -> Option<&str>;
    /// The absolute home directory.
    fn home(&self) -> Option<&str>;
    /// The absolute root of the project (the repository's work tree).
    fn project_root(&self) -> Option<&str>;
    /// Which names are which environment.
    fn targets(&self) -> &Targets;
}

/// A [`Context`] made of facts already collected.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// File texts by absolute path.
    pub files: BTreeMap<String, String>,
    /// What is known to lie at other absolute paths.
    pub entries: BTreeMap<String, Entry>,
    /// Symbolic links: absolute paths, and where they lead.
    pub links: BTreeMap<String, String>,
    /// Whether a port of this machine was joined to another host before.
    pub tunnelled: bool,
    /// The working directory.
    pub cwd: Option<String>,
    /// The home directory.
    pub home: Option<String>,
    /// The project's root.
    pub project_root: Option<String>,
    /// Which names are which environment.
    pub targets: Targets,
}

impl Context for Facts {
    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }

    fn read(&self, path: &str) -> Option<String> {
        self.files.get(path).cloned()
    }

    fn entry(&self, path: &str) -> Option<Entry> {
        let known = self.entries.get(path).copied();
        known.or_else(|| self.files.contains_key(path).then_some(Entry::File))
    }

    fn real(&self, path: &str) -> Option<String> {
        self.links.iter().find_map(|(link, leads)| {
            let rest = path.strip_prefix(link.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{leads}{rest}"))
        })
    }

    fn tunnelled(&self) -> bool {
        self.tunnelled
    }

    fn cwd(&self) -> Option<&str> {
        self.cwd.as_deref()
    }

    fn home(&self) -> Option<&str> {
        self.home.as_deref()
    }

    fn project_root(&self) -> Option<&str> {
        self.project_root.as_deref()
    }

    fn targets(&self) -> &Targets {
        &self.targets
    }
}
