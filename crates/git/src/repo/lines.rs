//! Which lines a commit added.

use super::tree::path_text;
use super::{Commit, Repo};
use crate::GitError;
use crate::provenance::AddedLines;

impl Repo {
    /// The lines a commit added against its parent, by file as it stands in the
    /// commit. `None` for a merge: its lines were added by the commits it joins.
    ///
    /// # Errors
    /// When git cannot compare them.
    pub fn added_lines(&self, commit: &Commit) -> Result<Option<Vec<AddedLines>>, GitError> {
        if commit.parents.len() > 1 {
            return Ok(None);
        }
        let base = commit.parents.first().unwrap_or(self.empty_tree());
        let args = [
            "diff-tree",
            "-r",
            "-z",
            "--patch-with-raw",
            "--no-abbrev",
            "-U0",
            "--inter-hunk-context=0",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--no-renames",
            "--text",
            base.as_str(),
            commit.id.as_str(),
        ];
        let text = self.git.output(&args)?;
        parse(&text).map(Some).ok_or_else(|| GitError::Unexpected {
            command: "diff-tree".into(),
            detail: "the patch does not follow the list of files".into(),
        })
    }
}

/// Reads the list of files (NUL-separated), then one patch for each, in the
/// same order. File names are taken from the list alone: in a patch they could
/// be made to look like anything.
fn parse(text: &[u8]) -> Option<Vec<AddedLines>> {
    let mut rest = text;
    let mut files = Vec::new();
    while rest.first() == Some(&b':') {
        let (meta, after) = split_nul(rest)?;
        let (path, after) = split_nul(after)?;
        rest = after;
        // A change of type, as from file to link, comes as two patches.
        let patches = if meta.ends_with(b"T") { 2 } else { 1 };
        files.extend((0..patches).map(|_| AddedLines {
            path: path_text(path),
            ranges: Vec::new(),
        }));
    }
    let mut files_left = files.iter_mut();
    let mut current = None;
    // With `-z` an empty field stands between the list and the patches.
    let rest = rest.strip_prefix(b"\0").unwrap_or(rest);
    for line in rest.split(|byte| *byte == b'\n') {
        // Content lines begin with `+`, `-` or `\`, so these are headers.
        if line.starts_with(b"diff --git ") {
            current = Some(files_left.next()?);
        } else if line.starts_with(b"@@ ") {
            let range = hunk(line)?;
            current.as_mut()?.ranges.extend(range);
        }
    }
    if files_left.next().is_some() {
        return None;
    }
    files.retain(|file| !file.ranges.is_empty());
    Some(files)
}

fn split_nul(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(0, text)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The added block of `@@ -a,b +c,d @@`; outer `None` when it is no such line,
/// inner when nothing was added.
#[expect(
    clippy::option_option,
    reason = "damaged and empty are different answers"
)]
fn hunk(line: &[u8]) -> Option<Option<(u32, u32)>> {
    let text = String::from_utf8_lossy(line);
    let added = text.split(' ').nth(2)?.strip_prefix('+')?;
    let (first, count) = added.split_once(',').unwrap_or((added, "1"));
    let (first, count): (u32, u32) = (first.parse().ok()?, count.parse().ok()?);
    Some((count > 0).then(|| (first, first.saturating_add(count - 1))))
}
