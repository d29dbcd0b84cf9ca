//! What the judge may know beyond the text, given by the caller.

use std::collections::BTreeMap;

use crate::target::Targets;

/// Read-only facts about the machine and the project. Every answer may be
/// `None`: not known. Implementations must be cheap and must not run anything.
pub trait Context {
    /// An environment variable of the shell the command would run in.
    fn env(&self, name: &str) -> Option<String>;
    /// The text of a small file; `path` is absolute and normalised.
    fn read(&self, path: &str) -> Option<String>;
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
