//! Files at a commit, without a work tree.

use std::ffi::OsString;
use std::fmt::Write as _;

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
    /// The path is written as in [`TreeEntry::path`]. A directory counts as no
    /// file.
    ///
    /// # Errors
    /// When the file is larger than 16 MiB or cannot be read, and for a symbolic
    /// link or a submodule: to take a policy replaced by a link for no policy
    /// would be a way around it.
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
        let args = ["ls-tree", "-z", "--full-tree", commit.as_str(), "--"];
        let raw: Vec<OsString> = paths.iter().map(|path| raw_path(path)).collect();
        let entries = parse_entries(&self.git.output_paths(&args, &raw)?);
        for entry in entries.iter().filter(|e| paths.contains(&e.path.as_str())) {
            let kind = match entry.mode.as_str() {
                "120000" => "symbolic link",
                "160000" => "submodule",
                _ => continue,
            };
            return Err(GitError::NotAFile {
                path: entry.path.clone(),
                kind,
            });
        }
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
        let below: &[&str] = if below.is_empty() { &[] } else { &[below] };
        self.list_files_in(commit, below)
    }

    /// The files below several directories, or at these very paths; those that
    /// do not exist are passed over.
    pub(crate) fn list_files_in(
        &self,
        commit: &Oid,
        paths: &[&str],
    ) -> Result<Vec<TreeEntry>, GitError> {
        let args = ["ls-tree", "-r", "-z", "--full-tree", commit.as_str(), "--"];
        let below: Vec<OsString> = paths.iter().map(|path| raw_path(path)).collect();
        Ok(parse_entries(&self.git.output_paths(&args, &below)?))
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

/// A path as text that is safe to print and reversible: a backslash becomes
/// `\\\\`, control characters and bytes that are not UTF-8 become `\\xNN`. So
/// different paths stay different.
pub(crate) fn path_text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                c if c.is_control() => push_hex(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => out.push(c),
            }
        }
        push_hex(&mut out, chunk.invalid());
    }
    out
}

fn push_hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing into a string cannot fail.
        let _ = write!(out, "\\x{byte:02x}");
    }
}

/// The bytes of a path written by [`path_text`]. A backslash that starts no
/// escape stands for itself.
fn path_bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, used) = match (first, tail) {
            (b'\\', [b'\\', ..]) => (b'\\', 2),
            (b'\\', [b'x', high, low, ..]) => match hex_byte(*high, *low) {
                Some(byte) => (byte, 4),
                None => (first, 1),
            },
            _ => (first, 1),
        };
        out.push(byte);
        rest = rest.get(used..).unwrap_or_default();
    }
    out
}

fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// A path written by [`path_text`] as an argument for git.
fn raw_path(text: &str) -> OsString {
    let bytes = path_bytes(text);
    #[cfg(unix)]
    return std::os::unix::ffi::OsStringExt::from_vec(bytes);
    #[cfg(not(unix))]
    return String::from_utf8_lossy(&bytes).into_owned().into();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn readable_paths_stay() {
        assert_eq!(path_text("src/naïve 名.rs".as_bytes()), "src/naïve 名.rs");
        assert_eq!(path_text(b"a\xff\n\\xff"), r"a\xff\x0a\\xff");
    }

    proptest! {
        #[test]
        fn paths_are_reversible(raw in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(path_bytes(&path_text(&raw)), raw);
        }
    }
}
