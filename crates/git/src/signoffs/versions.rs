//! What a file on the protected branch has been.

use crate::{GitError, Oid, Repo};

/// The most versions read.
const MAX_VERSIONS: usize = 2_000;

impl Repo {
    /// Every content that a file has had on a protected branch, newest first
    /// and each once: what rosters and policies a statement can have been signed
    /// under. Only first parents count, so that what a branch had before it was
    /// merged never does.
    ///
    /// # Errors
    /// When git cannot walk the history or read a version.
    pub fn versions_of(&self, tip: &Oid, path: &str) -> Result<Vec<Vec<u8>>, GitError> {
        let most = format!("--max-count={MAX_VERSIONS}");
        let args = [
            "log",
            "--first-parent",
            "--diff-merges=first-parent",
            "--raw",
            "--no-abbrev",
            "--no-renames",
            "--no-notes",
            "--format=",
            &most,
            tip.as_str(),
            "--",
            path,
        ];
        let text = self.git.output(&args)?;
        let mut ids: Vec<Oid> = Vec::new();
        for line in String::from_utf8_lossy(&text).lines() {
            // `:OLD-MODE NEW-MODE OLD-ID NEW-ID STATUS\tPATH`
            let mut words = line.split(' ');
            let regular = words.nth(1).is_some_and(|mode| mode.starts_with("100"));
            let id = words.nth(1).and_then(Oid::new);
            if let Some(id) = id.filter(|id| regular && !ids.contains(id)) {
                ids.push(id);
            }
        }
        let objects = self.read_objects(ids.iter().map(Oid::as_str))?;
        ids.iter()
            .zip(objects)
            .map(|(id, object)| {
                object
                    .map(|it| it.bytes)
                    .ok_or_else(|| GitError::Unexpected {
                        command: "cat-file".into(),
                        detail: format!("`{}` is not here", id.short()),
                    })
            })
            .collect()
    }
}
