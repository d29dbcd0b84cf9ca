//! What a repository records about its commits, beside the commits themselves.

use std::io::Read as _;

use crate::GitError;
use crate::provenance::{Checkpoints, METADATA_MAX, TRACE_MAX, Traces};
use crate::repo::{Commit, NoteIndex, Oid, Repo};

/// Where the reference writer of Agent Trace puts its records
/// (cursor/agent-trace: reference/trace-store.ts).
const TRACES: &str = ".agent-trace";

/// Where Entire keeps its checkpoints (entireio/cli).
const CHECKPOINTS: [&str; 2] = [
    "refs/heads/entire/checkpoints/v1",
    "refs/remotes/origin/entire/checkpoints/v1",
];

/// The most files of one kind that are read.
const FILES_MAX: usize = 20_000;

/// Notes, traces and checkpoints, found once for many commits.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) notes: NoteIndex,
    pub(crate) traces: Option<Traces>,
    pub(crate) checkpoints: Option<Checkpoints>,
}

impl Records {
    /// Finds what is recorded about the history of `head`.
    pub(crate) fn find(repo: &Repo, head: &Oid) -> Result<Self, GitError> {
        Ok(Self {
            notes: repo.note_index()?,
            traces: traces(repo, head)?,
            checkpoints: None,
        })
    }

    /// Loads Entire's checkpoints if one of these commits points to one; they
    /// are many small files, which most repositories do not have.
    pub(crate) fn load_checkpoints(
        &mut self,
        repo: &Repo,
        commits: &[Commit],
    ) -> Result<(), GitError> {
        let points = |commit: &Commit| commit.message.contains("Entire-Checkpoint");
        if self.checkpoints.is_none() && commits.iter().any(points) {
            self.checkpoints = Some(checkpoints(repo)?);
        }
        Ok(())
    }
}

/// The records committed at `head` and those lying in the work tree, where the
/// writer leaves them.
fn traces(repo: &Repo, head: &Oid) -> Result<Option<Traces>, GitError> {
    let mut traces = Traces::default();
    let mut any = false;
    let files: Vec<_> = repo
        .list_files(head, TRACES)?
        .into_iter()
        .filter(|file| file.mode.starts_with("100"))
        .take(FILES_MAX)
        .collect();
    let names: Vec<&str> = files.iter().map(|file| file.id.as_str()).collect();
    repo.each_object(&names, TRACE_MAX, |_, object| {
        if let Some(object) = object {
            any = true;
            traces.add(&object.bytes);
        }
    })?;
    if let Some(bytes) = repo.work_tree().and_then(in_work_tree) {
        any = true;
        traces.add(&bytes);
    }
    Ok(any.then_some(traces))
}

/// The writer's file in the work tree, unless it is a link or unreadable: it is
/// extra evidence, never needed.
fn in_work_tree(top: &std::path::Path) -> Option<Vec<u8>> {
    let path = top.join(TRACES).join("traces.jsonl");
    if !std::fs::symlink_metadata(&path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(TRACE_MAX as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn checkpoints(repo: &Repo) -> Result<Checkpoints, GitError> {
    let mut checkpoints = Checkpoints::default();
    for name in CHECKPOINTS {
        let Ok(tip) = repo.resolve(name) else {
            continue;
        };
        let files: Vec<_> = repo
            .list_files(&tip, "")?
            .into_iter()
            .filter(|file| file.path.ends_with("metadata.json") && file.mode.starts_with("100"))
            .take(FILES_MAX)
            .collect();
        let names: Vec<&str> = files.iter().map(|file| file.id.as_str()).collect();
        repo.each_object(&names, METADATA_MAX, |at, object| {
            if let (Some(file), Some(object)) = (files.get(at), object) {
                checkpoints.add(&file.path, &object.bytes);
            }
        })?;
    }
    Ok(checkpoints)
}
