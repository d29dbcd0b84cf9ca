//! The commits of a change, each with how AI took part and who made it.

use std::collections::{BTreeSet, HashMap};

use countersign_core::involvement::{Evidence, Involvement, join, reconcile};

use crate::provenance::{
    Catalogue, Checkpoints, CommitInput, FILE_MAX, Identity as Named, METADATA_MAX, NOTE_MAX,
    Participant, Signature, TRACE_MAX, Traces, may_suppress, people, read_commit, suppression,
};
use crate::repo::{Commit, FileChange, Oid, Range, Repo};
use crate::signature::{Verified, verify};
use crate::{GitError, origin};

/// One commit, judged.
#[derive(Debug, Clone)]
pub struct JudgedCommit {
    /// The commit.
    pub commit: Commit,
    /// How AI took part, by every channel.
    pub involvement: Involvement,
    /// Everyone and everything that made it.
    pub people: Vec<Participant>,
    /// Lines added.
    pub added: u64,
    /// Lines deleted.
    pub deleted: u64,
}

/// The commits of a change, and what the repository itself says.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The commits, oldest first.
    pub commits: Vec<JudgedCommit>,
    /// Evidence that belongs to no commit, such as attribution switched off.
    pub repository: Vec<Evidence>,
}

impl Judged {
    /// How AI took part in the whole change.
    #[must_use]
    pub fn involvement(&self) -> Involvement {
        let commits = self.commits.iter().map(|commit| &commit.involvement);
        let mut joined = join(commits);
        let repository = reconcile(self.repository.clone());
        joined.suppressed |= repository.suppressed;
        joined.evidence.extend(repository.evidence);
        joined
    }
}

impl Judged {
    /// Adds evidence that holds for every commit, such as what the authors have
    /// declared about the change.
    pub fn add_to_commits(&mut self, evidence: &[Evidence]) {
        for commit in &mut self.commits {
            let id = commit.commit.id.as_str();
            let mut all = std::mem::take(&mut commit.involvement.evidence);
            all.extend(evidence.iter().map(|item| Evidence {
                commit: Some(id.to_owned()),
                ..item.clone()
            }));
            commit.involvement = reconcile(all);
        }
    }
}

/// A change that landed on a branch.
#[derive(Debug, Clone)]
pub struct JudgedChange {
    /// When it landed, in seconds since 1970.
    pub time: i64,
    /// Its commits.
    pub judged: Judged,
    /// The files it changed.
    pub files: Vec<FileChange>,
}

/// What a claim that people alone made a commit can rest on.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    /// The public keys, in OpenSSH's one-line form, that a commit by this
    /// mailbox may be signed with.
    pub keys: &'a dyn Fn(&str) -> Vec<String>,
    /// Whether authorship that an editor observed (git-ai notes) counts. Notes
    /// are unsigned: whoever can push can write one.
    pub notes: bool,
}

impl std::fmt::Debug for Trust<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust")
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}

/// The older place of git-ai notes: one ref per commit.
const OLD_NOTES: &str = "refs/ai/authorship";

/// Where Agent Trace records are kept in a repository.
const TRACES: &str = ".agent-trace/";

/// The branch that holds Entire's checkpoints, here or as fetched.
const CHECKPOINTS: [&str; 2] = [
    "refs/heads/entire/checkpoints/v1",
    "refs/remotes/origin/entire/checkpoints/v1",
];

/// Files looked at for signs of suppression, for trace records and for
/// checkpoints; far above what real repositories hold.
const MAX_FILES: usize = 1000;

/// The refs that hold git-ai notes, most trusted first.
const NOTES: [&str; 2] = ["refs/notes/ai", "refs/notes/ai-remote/origin"];

impl Repo {
    /// Judges the commits of a range, which changed these files.
    ///
    /// # Errors
    /// When commits, notes or files cannot be read.
    pub fn judge_range(
        &self,
        range: &Range,
        files: &[FileChange],
        trust: Trust<'_>,
    ) -> Result<Judged, GitError> {
        let catalogue = Catalogue::builtin();
        let ids = self.commit_ids(range.base.as_ref(), &range.head)?;
        let paths: Vec<String> = self
            .list_files(&range.head, "")?
            .into_iter()
            .map(|entry| entry.path)
            .filter(|path| path.starts_with(TRACES) || may_suppress(catalogue, path))
            .take(MAX_FILES)
            .collect();
        let (traced, suppressing): (Vec<&str>, Vec<&str>) = paths
            .iter()
            .map(String::as_str)
            .partition(|path| path.starts_with(TRACES));
        let mut traces = Traces::default();
        for bytes in self.small_files(&range.head, &traced, TRACE_MAX)? {
            traces.add(&bytes.1);
        }
        let mut commits = self.judge_commits(&ids, Some(&traces), trust)?;
        origin::judge_squashes(self, &range.head, &mut commits, trust)?;
        let mut repository = self.suppression_in(&range.head, &suppressing)?;
        if let Some(base) = &range.base {
            // What the change itself takes back was in force while it was made.
            let touched: Vec<&str> = files
                .iter()
                .flat_map(FileChange::paths)
                .filter(|path| may_suppress(catalogue, path))
                .collect();
            repository.extend(self.suppression_in(base, &touched)?);
        }
        repository.sort();
        repository.dedup();
        Ok(Judged {
            commits,
            repository,
        })
    }

    /// Judges every change that landed on a branch since a time (seconds since
    /// 1970), newest first.
    ///
    /// # Errors
    /// When commits, notes or files cannot be read.
    pub fn judge_landed(
        &self,
        head: &Oid,
        since: Option<i64>,
        trust: Trust<'_>,
        mut visit: impl FnMut(JudgedChange),
    ) -> Result<(), GitError> {
        let changes = self.landed_changes(head, since)?;
        let pairs: Vec<(Oid, Option<Oid>)> = changes
            .iter()
            .map(|change| (change.landed.id.clone(), change.base.clone()))
            .collect();
        let mut files = self.changed_files_of(&pairs)?.into_iter();
        // All commits at once, since every question costs a process.
        let ids: Vec<Oid> = changes
            .iter()
            .flat_map(|change| change.commits.iter().cloned())
            .collect();
        let mut commits = self.judge_commits(&ids, None, trust)?.into_iter();
        for change in changes {
            visit(JudgedChange {
                time: change.landed.committer.time,
                judged: Judged {
                    commits: commits.by_ref().take(change.commits.len()).collect(),
                    repository: Vec::new(),
                },
                files: files.next().unwrap_or_default(),
            });
        }
        Ok(())
    }

    /// Judges single commits by everything recorded about them.
    pub(crate) fn judge_commits(
        &self,
        ids: &[Oid],
        traces: Option<&Traces>,
        trust: Trust<'_>,
    ) -> Result<Vec<JudgedCommit>, GitError> {
        let catalogue = Catalogue::builtin();
        let notes = self.notes_of(ids)?;
        let counts = self.line_counts(ids)?;
        let commits = self.read_commits(ids)?;
        let checkpoints = self.checkpoints_of(&commits)?;
        let mut judged = Vec::with_capacity(commits.len());
        for (commit, (added, deleted)) in commits.into_iter().zip(counts) {
            let note = notes.get(&commit.id).map(Vec::as_slice);
            // Without the lines, an observed human (`h_…`) proves nothing.
            let lines = match note {
                Some(note) if trust.notes && note.windows(2).any(|two| two == b"h_") => {
                    Some(self.added_lines(&commit)?)
                }
                _ => None,
            };
            let parents: Vec<&str> = commit.parents.iter().map(Oid::as_str).collect();
            let input = CommitInput {
                note,
                traces,
                added: lines.as_deref(),
                checkpoints: Some(&checkpoints),
                ..input(&commit, &parents, trust)
            };
            let involvement = read_commit(catalogue, &input);
            let people = people(catalogue, &input);
            judged.push(JudgedCommit {
                involvement,
                people,
                added,
                deleted,
                commit,
            });
        }
        Ok(judged)
    }

    /// The git-ai notes on these commits.
    fn notes_of(&self, ids: &[Oid]) -> Result<HashMap<Oid, Vec<u8>>, GitError> {
        let mut found: HashMap<Oid, Vec<u8>> = HashMap::new();
        for name in NOTES {
            let Some(tip) = self.git.line(&["rev-parse", "--verify", "--quiet", name])? else {
                continue;
            };
            let Some(tip) = Oid::new(&tip) else { continue };
            // Notes are spread over directories; the path without slashes is
            // the commit's name.
            let blobs: HashMap<String, Oid> = self
                .list_files(&tip, "")?
                .into_iter()
                .map(|entry| (entry.path.replace('/', ""), entry.id))
                .collect();
            let wanted: Vec<(&Oid, &Oid)> = ids
                .iter()
                .filter_map(|id| Some((id, blobs.get(id.as_str())?)))
                .collect();
            let names: Vec<&str> = wanted.iter().map(|(_, blob)| blob.as_str()).collect();
            self.each_object(&names, |at, object| {
                if let (Some((id, _)), Some(object)) = (wanted.get(at), object)
                    && object.bytes.len() <= NOTE_MAX
                {
                    found.entry((*id).clone()).or_insert(object.bytes);
                }
            })?;
        }
        if self
            .git
            .line(&["for-each-ref", "--count=1", "--format=x", OLD_NOTES])?
            .is_some()
        {
            let names: Vec<String> = ids.iter().map(|id| format!("{OLD_NOTES}/{id}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            self.each_object(&names, |at, object| {
                if let (Some(id), Some(object)) = (ids.get(at), object)
                    && object.bytes.len() <= NOTE_MAX
                {
                    found.entry(id.clone()).or_insert(object.bytes);
                }
            })?;
        }
        Ok(found)
    }

    /// The checkpoints that messages name, for their agents and models.
    fn checkpoints_of(&self, commits: &[Commit]) -> Result<Checkpoints, GitError> {
        let mut checkpoints = Checkpoints::default();
        let named: BTreeSet<&str> = commits
            .iter()
            .flat_map(|commit| commit.message.lines())
            .filter_map(|line| line.trim().strip_prefix("Entire-Checkpoint:"))
            .map(str::trim)
            .filter(|id| id.len() > 2 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .take(MAX_FILES)
            .collect();
        if named.is_empty() {
            return Ok(checkpoints);
        }
        for name in CHECKPOINTS {
            let Some(tip) = self.git.line(&["rev-parse", "--verify", "--quiet", name])? else {
                continue;
            };
            let Some(tip) = Oid::new(&tip) else { continue };
            let files = self.list_files(&tip, "")?;
            let wanted: Vec<&str> = files
                .iter()
                .map(|entry| entry.path.as_str())
                .filter(|path| {
                    let id: String = path.split('/').take(2).collect();
                    named.contains(id.as_str()) && path.ends_with("metadata.json")
                })
                .take(MAX_FILES)
                .collect();
            for (path, bytes) in self.small_files(&tip, &wanted, METADATA_MAX)? {
                checkpoints.add(path, &bytes);
            }
        }
        Ok(checkpoints)
    }

    /// Evidence in files of a commit that markers are suppressed.
    fn suppression_in(&self, commit: &Oid, paths: &[&str]) -> Result<Vec<Evidence>, GitError> {
        Ok(self
            .small_files(commit, paths, FILE_MAX)?
            .into_iter()
            .flat_map(|(path, bytes)| suppression(Catalogue::builtin(), path, &bytes))
            .collect())
    }

    /// The files among `paths` that exist at a commit and are not too large.
    fn small_files<'a>(
        &self,
        commit: &Oid,
        paths: &[&'a str],
        max: usize,
    ) -> Result<Vec<(&'a str, Vec<u8>)>, GitError> {
        let contents = self.read_files(commit, paths)?;
        Ok(paths
            .iter()
            .zip(contents)
            .filter_map(|(path, bytes)| Some((*path, bytes.filter(|b| b.len() <= max)?)))
            .collect())
    }
}

fn input<'a>(commit: &'a Commit, parents: &'a [&'a str], trust: Trust<'_>) -> CommitInput<'a> {
    let named = |who: &'a crate::repo::Identity| Named {
        name: &who.name,
        email: &who.email,
    };
    CommitInput {
        id: commit.id.as_str(),
        parents,
        author: named(&commit.author),
        committer: named(&commit.committer),
        message: commit.message.as_bytes(),
        note: None,
        signature: match verify(commit, trust.keys) {
            Verified::ByAuthor => Signature::ByAuthor,
            Verified::NotByAuthor | Verified::Unsigned => Signature::NotByAuthor,
        },
        added: None,
        traces: None,
        checkpoints: None,
    }
}
