//! Authorship notes: where they are kept, and reading them.
//!
//! git-ai keeps a note per commit in `refs/notes/ai`, copies of other people's
//! in `refs/notes/ai-remote/*`, and kept blobs in `refs/ai/authorship/<commit>`
//! before (git-ai-project/git-ai: `specs/git_ai_standard_v3.0.0.md`). A notes
//! tree spreads over directories of two hexadecimal digits as it grows.

use std::collections::HashMap;

use super::{Oid, Repo};
use crate::GitError;

/// Longest note read, in bytes; real ones reach 3.2 MB. Of a longer one the
/// beginning is read, which holds the attestations.
const NOTE_MAX: usize = (16 << 20) + 1;

/// Which commits have notes. Holds names only, not the notes.
#[derive(Debug, Clone, Default)]
pub struct NoteIndex {
    blobs: HashMap<Oid, Vec<Oid>>,
}

impl NoteIndex {
    /// How many commits have a note.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blobs.len()
    }

    /// Whether there is no note at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }

    /// Whether this commit has one.
    #[must_use]
    pub fn has(&self, commit: &Oid) -> bool {
        self.blobs.contains_key(commit)
    }

    /// The notes of a commit.
    pub(crate) fn blobs(&self, commit: &Oid) -> &[Oid] {
        self.blobs.get(commit).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, commit: Oid, blob: Oid) {
        let blobs = self.blobs.entry(commit).or_default();
        // The same note often arrives by several refs.
        if !blobs.contains(&blob) {
            blobs.push(blob);
        }
    }
}

impl Repo {
    /// Finds every authorship note.
    ///
    /// # Errors
    /// When git cannot list them.
    pub fn note_index(&self) -> Result<NoteIndex, GitError> {
        let args = [
            "for-each-ref",
            "--format=%(refname) %(objectname)",
            "--",
            "refs/notes/ai",
            "refs/notes/ai-remote/",
            "refs/ai/authorship/",
        ];
        let refs = self.git.output(&args)?;
        let mut index = NoteIndex::default();
        for line in String::from_utf8_lossy(&refs).lines() {
            let Some((name, id)) = line.split_once(' ') else {
                continue;
            };
            let Some(id) = Oid::new(id) else { continue };
            match name.strip_prefix("refs/ai/authorship/").map(Oid::new) {
                Some(Some(commit)) => index.add(commit, id),
                Some(None) => {}
                None => self.index_tree(&id, &mut index)?,
            }
        }
        Ok(index)
    }

    fn index_tree(&self, notes: &Oid, index: &mut NoteIndex) -> Result<(), GitError> {
        let text = self
            .git
            .output(&["ls-tree", "-r", "-z", "--full-tree", notes.as_str()])?;
        for record in text.split(|byte| *byte == 0) {
            let Ok(record) = std::str::from_utf8(record) else {
                continue;
            };
            let Some((meta, path)) = record.split_once('\t') else {
                continue;
            };
            let blob = meta.rsplit(' ').next().and_then(Oid::new);
            // A notes tree may hold other files; those name no commit.
            if let (Some(blob), Some(commit)) = (blob, Oid::new(&path.replace('/', ""))) {
                index.add(commit, blob);
            }
        }
        Ok(())
    }

    /// The notes of each of these commits, in order; a very long one is cut at
    /// 16 MiB. All are in memory at once, so give few commits at a time.
    ///
    /// # Errors
    /// When git fails. A note that is missing (as in a partial clone) is left
    /// out: it says nothing.
    pub fn notes(&self, index: &NoteIndex, commits: &[Oid]) -> Result<Vec<Vec<Vec<u8>>>, GitError> {
        let mut found = vec![Vec::new(); commits.len()];
        let wanted: Vec<(usize, &Oid)> = commits
            .iter()
            .enumerate()
            .flat_map(|(at, commit)| {
                let blobs = index.blobs.get(commit).into_iter().flatten();
                blobs.map(move |blob| (at, blob))
            })
            .collect();
        let names: Vec<&str> = wanted.iter().map(|(_, blob)| blob.as_str()).collect();
        self.each_object(&names, NOTE_MAX, |place, object| {
            if let Some((at, _)) = wanted.get(place)
                && let Some(notes) = found.get_mut(*at)
            {
                notes.extend(object.filter(|o| o.kind == "blob").map(|o| o.bytes));
            }
        })?;
        Ok(found)
    }
}
