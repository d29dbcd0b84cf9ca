//! What changed between two commits.

use std::collections::HashSet;

use super::tree::path_text;
use super::{Oid, Repo};
use crate::GitError;

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The path after the change (before it, for a deletion).
    pub path: String,
    /// The path before the change, when it was renamed.
    pub old_path: Option<String>,
    /// `A` added, `M` modified, `D` deleted, `R` renamed, `T` type changed.
    pub status: char,
    /// The mode before, in octal; `000000` when there was no file.
    pub old_mode: String,
    /// The mode after, in octal; `000000` when there is no file.
    pub new_mode: String,
    /// The object before.
    pub old_id: Oid,
    /// The object after.
    pub new_id: Oid,
    /// Lines added; `None` for a binary file.
    pub added: Option<u64>,
    /// Lines deleted; `None` for a binary file.
    pub deleted: Option<u64>,
    /// Lines added and deleted; of a binary file all lines that it had and has. One
    /// zero byte makes any program binary to git, and is no way around a limit.
    pub lines: u64,
}

impl FileChange {
    /// Every path it touches: the new one, and the old one of a rename.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.path.as_str()).chain(self.old_path.as_deref())
    }

    /// The lines of all of these.
    #[must_use]
    pub fn lines_of(files: &[Self]) -> u64 {
        let each = files.iter().map(|file| file.lines);
        each.fold(0, u64::saturating_add)
    }

    /// Whether git takes it for binary.
    #[must_use]
    pub const fn is_binary(&self) -> bool {
        self.added.is_none() || self.deleted.is_none()
    }

    /// Whether it is a submodule, before or after.
    #[must_use]
    pub fn is_submodule(&self) -> bool {
        self.old_mode == "160000" || self.new_mode == "160000"
    }
}

/// Options for every diff: no external programs, fixed rename detection.
const DIFF: [&str; 6] = [
    "-r",
    "-z",
    "--no-ext-diff",
    "--no-textconv",
    "-M50%",
    "-l1000",
];

impl Repo {
    /// The files that differ between two commits (or the empty tree and one).
    ///
    /// # Errors
    /// When git cannot compare them.
    pub fn changed_files(
        &self,
        base: Option<&Oid>,
        head: &Oid,
    ) -> Result<Vec<FileChange>, GitError> {
        let base = base.unwrap_or(self.empty_tree());
        let mut args = vec![
            "diff-tree",
            "--raw",
            "--numstat",
            "--full-index",
            "--no-abbrev",
        ];
        args.extend(DIFF);
        args.extend([base.as_str(), head.as_str()]);
        let mut files = parse_diff(&self.git.output(&args)?).ok_or_else(incomplete)?;
        self.count_binary(&mut files)?;
        Ok(files)
    }

    /// The changed files of many pairs of commits, through one process: each
    /// head against its base (or the empty tree).
    ///
    /// # Errors
    /// When git cannot compare them.
    pub fn changed_files_of(
        &self,
        pairs: &[(Oid, Option<Oid>)],
    ) -> Result<Vec<Vec<FileChange>>, GitError> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let mut args = vec!["diff-tree", "--stdin", "--root", "--raw", "--numstat"];
        args.extend(["--full-index", "--no-abbrev", "--always"]);
        args.extend(DIFF);
        let input: String = pairs
            .iter()
            .map(|(head, base)| match base {
                Some(base) => format!("{head} {base}\n"),
                None => format!("{head}\n"),
            })
            .collect();
        let text = self.git.output_with(&args, input.as_bytes())?;
        let mut blocks = vec![&[][..]; pairs.len()];
        let mut rest = text.as_slice();
        for ((head, _), block) in pairs.iter().zip(&mut blocks).rev() {
            // From the back, so that each block ends where the next begins.
            let start = find_header(rest, head.as_str().as_bytes());
            let Some((before, found)) = start.and_then(|at| rest.split_at_checked(at)) else {
                continue;
            };
            *block = found.get(head.as_str().len() + 1..).unwrap_or_default();
            rest = before;
        }
        blocks
            .into_iter()
            .map(|block| {
                let mut files = parse_diff(block).ok_or_else(incomplete)?;
                self.count_binary(&mut files)?;
                Ok(files)
            })
            .collect()
    }

    /// Counts the lines of binary files, of which git counts none: all that were
    /// there, and all that are.
    fn count_binary(&self, files: &mut [FileChange]) -> Result<(), GitError> {
        let changed = |file: &&mut FileChange| file.is_binary() && file.old_id != file.new_id;
        for file in files.iter_mut().filter(changed) {
            let sides = [&file.old_id, &file.new_id].into_iter();
            let names: Vec<&str> = sides.filter(|id| !id.is_null()).map(Oid::as_str).collect();
            let mut lines = 0_u64;
            self.each_content(&names, |_, content| {
                let Some(content) = content else {
                    lines = u64::MAX;
                    return Ok(());
                };
                let mut last = b'\n';
                content.pieces(|piece| {
                    let ends = memchr::memchr_iter(b'\n', piece).count();
                    lines = lines.saturating_add(ends as u64);
                    last = piece.last().copied().unwrap_or(last);
                })?;
                lines = lines.saturating_add(u64::from(last != b'\n'));
                Ok(())
            })?;
            file.lines = lines;
        }
        Ok(())
    }

    /// Lines added and deleted between pairs of commits (head, base); `None` for
    /// no pair and where a commit is not here.
    ///
    /// # Errors
    /// When git cannot compare them.
    pub fn lines_between(
        &self,
        pairs: &[Option<(Oid, Oid)>],
    ) -> Result<Vec<Option<u64>>, GitError> {
        let mut names: Vec<String> = pairs
            .iter()
            .flatten()
            .flat_map(|(head, base)| [head, base].map(|id| format!("{id}^{{commit}}")))
            .collect();
        names.sort_unstable();
        names.dedup();
        let found: HashSet<Oid> = self.object_ids(&names)?.into_iter().flatten().collect();
        let here = |it: &&(Oid, Oid)| found.contains(&it.0) && found.contains(&it.1);
        let wanted: Vec<(Oid, Option<Oid>)> = pairs
            .iter()
            .flatten()
            .filter(here)
            .map(|(head, base)| (head.clone(), Some(base.clone())))
            .collect();
        let mut files = self.changed_files_of(&wanted)?.into_iter();
        Ok(pairs
            .iter()
            .map(|pair| {
                pair.as_ref().filter(here)?;
                Some(FileChange::lines_of(&files.next()?))
            })
            .collect())
    }

    /// Lines added and deleted by each commit against its first parent, in the
    /// order given; merges count as (0, 0), binary files as nothing.
    ///
    /// # Errors
    /// When git cannot compare them.
    pub fn line_counts(&self, ids: &[Oid]) -> Result<Vec<(u64, u64)>, GitError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut args = vec!["diff-tree", "--stdin", "--root", "--numstat", "--always"];
        args.extend(DIFF);
        let input: String = ids.iter().map(|id| format!("{id}\n")).collect();
        let text = self.git.output_with(&args, input.as_bytes())?;
        let mut counts = vec![(0, 0); ids.len()];
        let mut places = ids.iter().enumerate().peekable();
        let mut current = None;
        for field in text.split(|byte| *byte == 0) {
            let field = String::from_utf8_lossy(field);
            // With `-z` git ends the line with the commit's name by a newline
            // or NUL, depending on the version.
            let field = field.trim_start_matches('\n');
            let (first, rest) = field.split_once('\n').unwrap_or((field, ""));
            let mut field = field;
            if let Some((place, _)) = places.peek()
                && ids.get(*place).is_some_and(|id| id.as_str() == first)
            {
                current = Some(*place);
                places.next();
                field = rest;
            }
            let mut columns = field.split('\t');
            let (added, deleted) = (columns.next(), columns.next());
            if let (Some(place), Some(added), Some(deleted)) = (current, added, deleted)
                && let (Ok(added), Ok(deleted)) = (added.parse::<u64>(), deleted.parse::<u64>())
                && let Some(count) = counts.get_mut(place)
            {
                count.0 += added;
                count.1 += deleted;
            }
        }
        Ok(counts)
    }
}

/// The last place where a record starts with this commit's name.
fn find_header(text: &[u8], id: &[u8]) -> Option<usize> {
    memchr::memmem::rfind_iter(text, id).find(|at| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        let after = text.get(at + id.len());
        matches!(before, None | Some(b'\0' | b'\n')) && matches!(after, Some(b'\0' | b'\n'))
    })
}

fn incomplete() -> GitError {
    GitError::Unexpected {
        command: "diff-tree".into(),
        detail: "a record is incomplete".into(),
    }
}

/// Reads `--raw --numstat -z`: all raw records, then all counts, in the same
/// order of files.
fn parse_diff(text: &[u8]) -> Option<Vec<FileChange>> {
    let mut fields = text.split(|byte| *byte == 0).peekable();
    let mut files = Vec::new();
    while let Some(field) = fields.next_if(|field| field.starts_with(b":")) {
        let meta = String::from_utf8_lossy(field.get(1..)?);
        let mut words = meta.split(' ');
        let (old_mode, new_mode) = (words.next()?, words.next()?);
        let (old_id, new_id, status) = (words.next()?, words.next()?, words.next()?);
        let status = status.chars().next()?;
        let first = path_text(fields.next()?);
        let (path, old_path) = if matches!(status, 'R' | 'C') {
            (path_text(fields.next()?), Some(first))
        } else {
            (first, None)
        };
        files.push(FileChange {
            path,
            old_path,
            status,
            old_mode: old_mode.to_owned(),
            new_mode: new_mode.to_owned(),
            old_id: Oid::new(old_id)?,
            new_id: Oid::new(new_id)?,
            added: None,
            deleted: None,
            lines: 0,
        });
    }
    for file in &mut files {
        let counts = String::from_utf8_lossy(fields.next()?).into_owned();
        let mut columns = counts.splitn(3, '\t');
        file.added = columns.next()?.parse().ok();
        file.deleted = columns.next()?.parse().ok();
        file.lines = file
            .added
            .unwrap_or(0)
            .saturating_add(file.deleted.unwrap_or(0));
        // A rename has an empty third column, then old and new path.
        if columns.next()?.is_empty() {
            fields.next()?;
            fields.next()?;
        }
    }
    Some(files)
}
