//! Files at a commit, without a work tree.

use super::{Oid, Repo};
use crate::GitError;

/// One file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// The mode in octal, such as `100644`.
    pub mode: String,
    /// The object's name.
    pub id: Oid,
    /// The path from the top; bytes that are not UTF-8 are escaped.
    pub path: String,
}

/// The largest file that is read whole.
pub(crate) const MAX_FILE: usize = 16 * 1024 * 1024;

impl Repo {
    /// The content of a file at a commit; `None` if there is no such file.
    /// Symbolic links and submodules are not followed and count as no file.
    ///
    /// # Errors
    /// When the file is larger than 16 MiB or cannot be read.
    pub fn read_file(&self, commit: &Oid, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let mut files = self.read_files(commit, &[path])?;
        Ok(files.pop().flatten())
    }

    /// Several files at a commit, in order; `None` for those that do not exist.
    ///
    /// # Errors
    /// When one is larger than 16 MiB or cannot be read.
    pub fn read_files(
        &self,
        commit: &Oid,
        paths: &[&str],
    ) -> Result<Vec<Option<Vec<u8>>>, GitError> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut args = vec!["ls-tree", "-z", "--full-tree", commit.as_str(), "--"];
        args.extend(paths);
        let entries = parse_entries(&self.git.output(&args)?);
        let regular: Vec<&TreeEntry> = paths
            .iter()
            .filter_map(|path| entries.iter().find(|entry| entry.path == *path))
            .filter(|entry| entry.mode.starts_with("100"))
            .collect();
        let objects = self.read_objects(regular.iter().map(|entry| entry.id.as_str()))?;
        let mut found = Vec::new();
        for (entry, object) in regular.iter().zip(objects) {
            let object = object.ok_or_else(|| GitError::Unexpected {
                command: "cat-file".into(),
                detail: format!("`{}` is missing", entry.path),
            })?;
            if object.bytes.len() > MAX_FILE {
                return Err(GitError::TooLarge {
                    what: format!("`{}`", entry.path),
                    limit: MAX_FILE,
                });
            }
            found.push((entry.path.as_str(), object.bytes));
        }
        Ok(paths
            .iter()
            .map(|path| {
                let at = found.iter().position(|(known, _)| known == path)?;
                found.get_mut(at).map(|(_, bytes)| std::mem::take(bytes))
            })
            .collect())
    }

    /// All files below a directory of a commit (`""` for all).
    ///
    /// # Errors
    /// When git cannot list them.
    pub fn list_files(&self, commit: &Oid, below: &str) -> Result<Vec<TreeEntry>, GitError> {
        let mut args = vec!["ls-tree", "-r", "-z", "--full-tree", commit.as_str()];
        if !below.is_empty() {
            args.extend(["--", below]);
        }
        Ok(parse_entries(&self.git.output(&args)?))
    }
}

fn parse_entries(text: &[u8]) -> Vec<TreeEntry> {
    text.split(|byte| *byte == 0)
        .filter_map(|entry| {
            let tab = entry.iter().position(|byte| *byte == b'\t')?;
            let (meta, path) = entry.split_at_checked(tab)?;
            let meta = String::from_utf8_lossy(meta);
            let mut words = meta.split_whitespace();
            let (mode, _kind, id) = (words.next()?, words.next()?, words.next()?);
            Some(TreeEntry {
                mode: mode.to_owned(),
                id: Oid::new(id)?,
                path: path_text(path.get(1..)?),
            })
        })
        .collect()
}

/// A path as text. Bytes that are not UTF-8 become `\xNN`, and so does a
/// backslash in front of `x`, so that different paths stay different.
pub(crate) fn path_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes
            .utf8_chunks()
            .map(|chunk| {
                let escaped: String = chunk
                    .invalid()
                    .iter()
                    .map(|byte| format!("\\x{byte:02x}"))
                    .collect();
                chunk.valid().replace("\\x", "\\x5cx") + &escaped
            })
            .collect(),
    }
}
