//! The commits of a change, each with how AI took part and who made it.

use countersign_core::involvement::{Channel, Claim, Evidence, Involvement, join, reconcile};

use crate::provenance::{
    Catalogue, CommitInput, FILE_MAX, Identity as Named, Participant, Signature, Traces, evidence,
    may_suppress, people, places, suppression,
};
use crate::records::Records;
use crate::repo::{Commit, FileChange, Identity, Oid, Range, Repo};
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
        let mut joined = join(self.commits.iter().map(|commit| &commit.involvement));
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
    /// The commit on the branch that brought it.
    pub landed: Commit,
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

/// How many commits are judged together: enough that starting git costs
/// nothing, few enough that their messages fit in memory.
const BATCH: usize = 2000;

/// How many commits' notes are held at once; notes reach megabytes.
const NOTED: usize = 100;

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
        let not = range.onto.as_ref().or(range.base.as_ref());
        let ids = self.commit_ids(not, &range.head)?;
        let mut records = Records::find(self, &range.head)?;
        let mut commits = self.judge_commits(&ids, &mut records, trust)?;
        origin::judge_squashes(self, &range.head, &mut commits, &mut records, trust)?;
        let catalogue = Catalogue::builtin();
        let mut repository = self.suppression_in(&range.head, &places(catalogue))?;
        if let Some(base) = &range.base {
            // What the change itself takes back was in force while it was made.
            let paths = files.iter().flat_map(FileChange::paths);
            let touched: Vec<&str> = paths.filter(|path| may_suppress(catalogue, path)).collect();
            if !touched.is_empty() {
                repository.extend(self.suppression_in(base, &touched)?);
            }
        }
        repository.sort();
        repository.dedup();
        Ok(Judged {
            commits,
            repository,
        })
    }

    /// Judges every change that landed on a branch since a time (seconds since
    /// 1970), newest first, each by its own commits: origins of squashes and
    /// signs of suppression are not looked for.
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
        let mut records = Records::find(self, head)?;
        let mut changes = self.landed_changes(head, since)?.into_iter().peekable();
        while changes.peek().is_some() {
            let mut batch = Vec::new();
            let mut size = 0;
            while size < BATCH
                && let Some(change) = changes.next()
            {
                size += change.commits.len();
                batch.push(change);
            }
            let pairs: Vec<(Oid, Option<Oid>)> = batch
                .iter()
                .map(|change| (change.landed.id.clone(), change.base.clone()))
                .collect();
            let ids: Vec<Oid> = batch.iter().flat_map(|c| c.commits.clone()).collect();
            let mut files = self.changed_files_of(&pairs)?.into_iter();
            let mut judged = self.judge_commits(&ids, &mut records, trust)?.into_iter();
            for change in batch {
                let commits = judged.by_ref().take(change.commits.len()).collect();
                visit(JudgedChange {
                    time: change.landed.committer.time,
                    landed: change.landed,
                    judged: Judged {
                        commits,
                        repository: Vec::new(),
                    },
                    files: files.next().unwrap_or_default(),
                });
            }
        }
        Ok(())
    }

    /// Judges single commits by everything recorded about them.
    pub(crate) fn judge_commits(
        &self,
        ids: &[Oid],
        records: &mut Records,
        trust: Trust<'_>,
    ) -> Result<Vec<JudgedCommit>, GitError> {
        let counts = self.line_counts(ids)?;
        let commits = self.read_commits(ids)?;
        records.load_checkpoints(self, &commits)?;
        let mut judged = Vec::with_capacity(commits.len());
        let mut commits = commits.into_iter().zip(counts);
        for some in ids.chunks(NOTED) {
            let notes = self.notes(&records.notes, some)?;
            // The notes come first: `zip` would take one commit too many.
            for (notes, (commit, (added, deleted))) in notes.into_iter().zip(commits.by_ref()) {
                let (involvement, people) = self.judge(&commit, records, &notes, trust)?;
                judged.push(JudgedCommit {
                    commit,
                    involvement,
                    people,
                    added,
                    deleted,
                });
            }
        }
        Ok(judged)
    }

    fn judge(
        &self,
        commit: &Commit,
        records: &Records,
        notes: &[Vec<u8>],
        trust: Trust<'_>,
    ) -> Result<(Involvement, Vec<Participant>), GitError> {
        let catalogue = Catalogue::builtin();
        let observed = |note: &Vec<u8>| memchr::memmem::find(note, b"h_").is_some();
        let traced = |traces: &Traces| {
            let parent = commit.parents.first();
            parent.is_some_and(|parent| !traces.of(parent.as_str()).is_empty())
        };
        // Comparing costs a process, and only these two ask for the lines.
        let wanted = (trust.notes && notes.iter().any(observed))
            || records.traces.as_ref().is_some_and(traced);
        let added = if wanted {
            self.added_lines(commit)?
        } else {
            None
        };
        let parents: Vec<&str> = commit.parents.iter().map(Oid::as_str).collect();
        let input = CommitInput {
            id: commit.id.as_str(),
            parents: &parents,
            author: named(&commit.author),
            committer: named(&commit.committer),
            message: commit.message.as_bytes(),
            note: notes.first().map(Vec::as_slice),
            signature: match verify(commit, trust.keys) {
                Verified::ByAuthor => Signature::ByAuthor,
                Verified::NotByAuthor | Verified::Unsigned => Signature::NotByAuthor,
            },
            added: added.as_deref(),
            traces: records.traces.as_ref(),
            checkpoints: records.checkpoints.as_ref(),
        };
        let mut all = evidence(catalogue, &input);
        let mut found = people(catalogue, &input);
        // Notes of several refs may disagree; all of them are heard.
        for note in notes.iter().skip(1) {
            let other = CommitInput {
                note: Some(note),
                ..input
            };
            all.extend(evidence(catalogue, &other));
            for participant in people(catalogue, &other) {
                if !found.contains(&participant) {
                    found.push(participant);
                }
            }
        }
        if !trust.notes {
            all.iter_mut().for_each(distrust);
        }
        Ok((reconcile(all), found))
    }

    /// Evidence in files of a commit, or below its folders, that markers are
    /// suppressed.
    fn suppression_in(&self, commit: &Oid, paths: &[&str]) -> Result<Vec<Evidence>, GitError> {
        let catalogue = Catalogue::builtin();
        let files: Vec<_> = self
            .list_files_in(commit, paths)?
            .into_iter()
            .filter(|file| file.mode.starts_with("100") && may_suppress(catalogue, &file.path))
            .collect();
        let names: Vec<&str> = files.iter().map(|file| file.id.as_str()).collect();
        let mut found = Vec::new();
        self.each_object(&names, FILE_MAX, |at, object| {
            if let (Some(file), Some(object)) = (files.get(at), object) {
                found.extend(suppression(catalogue, &file.path, &object.bytes));
            }
        })?;
        Ok(found)
    }
}

/// A note's claim that a person wrote the lines is listed and decides nothing.
fn distrust(item: &mut Evidence) {
    if item.channel == Channel::GitAiNote
        && let Claim::Human { trusted } = &mut item.claim
    {
        *trusted = false;
    }
}

fn named(who: &Identity) -> Named<'_> {
    Named {
        name: &who.name,
        email: &who.email,
    }
}
