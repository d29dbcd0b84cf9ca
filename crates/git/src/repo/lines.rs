//! Which lines a commit added.

use super::tree::path_text;
use super::{Commit, Oid, Repo};
use crate::GitError;
use crate::provenance::AddedLines;

/// One hunk between two commits, without context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The file after the change; before it, for a deletion.
    pub path: String,
    /// Where, as in a diff: `-12,3 +12,0`.
    pub place: String,
    /// Lines added.
    pub added: u32,
}

impl Repo {
    /// Every hunk between two commits (or the empty tree and one).
    ///
    /// # Errors
    /// When git cannot compare them.
    pub fn hunks(&self, base: Option<&Oid>, head: &Oid) -> Result<Vec<Hunk>, GitError> {
        let base = base.unwrap_or(self.empty_tree());
        let mut args = PATCH.to_vec();
        args.extend([base.as_str(), head.as_str()]);
        let text = self.git.output(&args)?;
        let mut hunks = Vec::new();
        let read = each_hunk(&text, |path, header| {
            let mut words = header.split(' ').skip(1);
            let (before, after) = (words.next()?, words.next()?);
            let count = after.split_once(',').map_or("1", |(_, count)| count);
            hunks.push(Hunk {
                path: path.to_owned(),
                place: format!("{before} {after}"),
                added: count.parse().ok()?,
            });
            Some(())
        });
        read.map(|()| hunks).ok_or_else(|| GitError::Unexpected {
            command: "diff-tree".into(),
            detail: "the patch does not follow the list of files".into(),
        })
    }

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
        let mut args = PATCH.to_vec();
        args.extend([base.as_str(), commit.id.as_str()]);
        let text = self.git.output(&args)?;
        parse(&text).map(Some).ok_or_else(|| GitError::Unexpected {
            command: "diff-tree".into(),
            detail: "the patch does not follow the list of files".into(),
        })
    }
}

/// A patch without context, after the list of its files.
const PATCH: [&str; 12] = [
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
];

/// The lines added, by file.
fn parse(text: &[u8]) -> Option<Vec<AddedLines>> {
    let mut files: Vec<AddedLines> = Vec::new();
    each_hunk(text, |path, header| {
        let Some(range) = hunk(header.as_bytes())? else {
            return Some(());
        };
        match files.last_mut().filter(|file| file.path == path) {
            Some(file) => file.ranges.push(range),
            None => files.push(AddedLines {
                path: path.to_owned(),
                ranges: vec![range],
            }),
        }
        Some(())
    })?;
    Some(files)
}

/// Reads the list of files (NUL-separated), then one patch for each, in the
/// same order, and visits each hunk's header. File names are taken from the list
/// alone: in a patch they could be made to look like anything.
fn each_hunk(text: &[u8], mut visit: impl FnMut(&str, &str) -> Option<()>) -> Option<()> {
    let mut rest = text;
    let mut files = Vec::new();
    while rest.first() == Some(&b':') {
        let (meta, after) = split_nul(rest)?;
        let (path, after) = split_nul(after)?;
        rest = after;
        // A change of type, as from file to link, comes as two patches.
        let patches = if meta.ends_with(b"T") { 2 } else { 1 };
        files.extend((0..patches).map(|_| path_text(path)));
    }
    let mut files_left = files.iter();
    let mut current = None;
    // With `-z` an empty field stands between the list and the patches.
    let rest = rest.strip_prefix(b"\0").unwrap_or(rest);
    for line in rest.split(|byte| *byte == b'\n') {
        // Content lines begin with `+`, `-` or `\`, so these are headers.
        if line.starts_with(b"diff --git ") {
            current = Some(files_left.next()?);
        } else if line.starts_with(b"@@ ") {
            visit(current?, &String::from_utf8_lossy(line))?;
        }
    }
    files_left.next().is_none().then_some(())
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
