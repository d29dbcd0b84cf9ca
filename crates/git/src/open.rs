//! Open changes: branches that are ahead of the protected branch and have not
//! landed, wherever they were fetched from.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::records::Records;
use crate::repo::{FileChange, Oid, Repo};
use crate::{GitError, Judged, Trust};

/// Where open changes are looked for: branches here, branches of remotes, pull
/// requests of GitHub and Gitea, merge requests of GitLab.
const PLACES: [&str; 4] = [
    "refs/heads",
    "refs/remotes",
    "refs/pull",
    "refs/merge-requests",
];

/// A branch that is ahead of the protected branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenChange {
    /// A name that leads to it: `feature`, `origin/feature`, `refs/pull/7/head`.
    pub name: String,
    /// Its last commit.
    pub head: Oid,
    /// When that was committed (seconds since 1970): a claim of its committer.
    pub time: i64,
    /// The merge base with the protected branch.
    pub base: Oid,
    /// Its commits, oldest first.
    pub commits: Vec<Oid>,
    /// The files it changes.
    pub files: Vec<FileChange>,
}

/// What there is, and how much of it was not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenChanges {
    /// Newest first.
    pub changes: Vec<OpenChange>,
    /// Older branches beyond the limit, landed or not.
    pub not_read: usize,
}

struct Tip {
    refname: String,
    head: Oid,
    time: i64,
}

impl Repo {
    /// The changes that are open against a commit of the protected branch: the
    /// newest `limit` branches that it does not contain, without those of which
    /// everything is on it already, as after a squash. Of branches with the
    /// same name here and on a remote, one that contains the other is enough.
    ///
    /// # Errors
    /// When git cannot walk the branches.
    pub fn open_changes(&self, onto: &Oid, limit: usize) -> Result<OpenChanges, GitError> {
        let mut tips = self.tips_beyond(onto)?;
        let not_read = tips.len().saturating_sub(limit);
        tips.truncate(limit);
        let graph = Graph::read(self, onto, &tips)?;
        let mut changes = Vec::new();
        for tip in tips {
            let (commits, ends) = graph.ahead(&tip.head);
            let mut ends = ends.into_iter();
            let base = match (ends.next(), ends.next()) {
                // Never met: this is no change to the protected branch.
                (None, _) => continue,
                (Some(only), None) => only,
                (Some(_), Some(_)) => self.merge_base(onto, &tip.head)?,
            };
            changes.push(OpenChange {
                name: short(&tip.refname).to_owned(),
                head: tip.head,
                time: tip.time,
                base,
                commits,
                files: Vec::new(),
            });
        }
        let mut changes = without_older_copies(changes);
        let pairs: Vec<(Oid, Option<Oid>)> = changes
            .iter()
            .map(|change| (change.head.clone(), Some(change.base.clone())))
            .collect();
        for (change, files) in changes.iter_mut().zip(self.changed_files_of(&pairs)?) {
            change.files = files;
        }
        self.retain_unlanded(onto, &mut changes)?;
        Ok(OpenChanges { changes, not_read })
    }

    /// Judges the commits of open changes together, each by its own commits:
    /// origins of squashes and signs of suppression are not looked for.
    ///
    /// # Errors
    /// When commits or notes cannot be read.
    pub fn judge_open(
        &self,
        onto: &Oid,
        changes: &[OpenChange],
        trust: Trust<'_>,
    ) -> Result<Vec<Judged>, GitError> {
        let mut records = Records::find(self, onto)?;
        let ids: BTreeSet<&Oid> = changes.iter().flat_map(|it| &it.commits).collect();
        let ids: Vec<Oid> = ids.into_iter().cloned().collect();
        let judged: HashMap<Oid, _> = self
            .judge_commits(&ids, &mut records, trust)?
            .into_iter()
            .map(|commit| (commit.commit.id.clone(), commit))
            .collect();
        Ok(changes
            .iter()
            .map(|change| Judged {
                commits: change
                    .commits
                    .iter()
                    .filter_map(|id| judged.get(id).cloned())
                    .collect(),
                repository: Vec::new(),
            })
            .collect())
    }

    /// Tips that `onto` does not contain, newest first, each commit once.
    fn tips_beyond(&self, onto: &Oid) -> Result<Vec<Tip>, GitError> {
        let beyond = format!("--no-merged={onto}");
        let mut args = vec![
            "for-each-ref",
            "--sort=-committerdate",
            "--format=%(refname) %(objecttype) %(objectname) %(committerdate:unix) %(symref)",
            beyond.as_str(),
        ];
        args.extend(PLACES);
        let text = self.git.output(&args)?;
        let text = String::from_utf8_lossy(&text);
        let mut tips: Vec<Tip> = text.lines().filter_map(tip).collect();
        // A branch here before the same one elsewhere, whatever git's order.
        let rank = |name: &str| PLACES.iter().position(|place| name.starts_with(place));
        tips.sort_by_key(|tip| (std::cmp::Reverse(tip.time), rank(&tip.refname)));
        let mut seen = HashSet::new();
        tips.retain(|tip| seen.insert(tip.head.clone()));
        Ok(tips)
    }

    /// Leaves out changes of which every file is on the protected branch as
    /// they would leave it.
    fn retain_unlanded(&self, onto: &Oid, changes: &mut Vec<OpenChange>) -> Result<(), GitError> {
        // A name with a line break cannot be asked for; such a change stays.
        let askable = |file: &FileChange| file.paths().all(|path| !path.contains('\n'));
        let asked = |file: &FileChange| -> Vec<(String, Option<Oid>)> {
            let after = (file.status != 'D').then(|| file.new_id.clone());
            let new = (format!("{onto}:{}", file.path), after);
            let old = file.old_path.iter().filter(|_| file.status == 'R');
            old.map(|path| (format!("{onto}:{path}"), None))
                .chain([new])
                .collect()
        };
        let mut names = Vec::new();
        for file in changes
            .iter()
            .flat_map(|it| &it.files)
            .filter(|it| askable(it))
        {
            names.extend(asked(file).into_iter().map(|(name, _)| name));
        }
        let found: HashMap<String, Option<Oid>> = names
            .iter()
            .cloned()
            .zip(self.object_ids(&names)?)
            .collect();
        let landed = |file: &FileChange| {
            askable(file)
                && asked(file)
                    .iter()
                    .all(|(name, wanted)| found.get(name).is_some_and(|is| is == wanted))
        };
        changes.retain(|change| !change.files.iter().all(landed));
        Ok(())
    }
}

/// Reads one line of `for-each-ref`; `None` for what is no branch of its own.
fn tip(line: &str) -> Option<Tip> {
    let mut words = line.split(' ');
    let (refname, kind) = (words.next()?, words.next()?);
    let (head, time) = (words.next().and_then(Oid::new)?, words.next()?);
    let symbolic = words.next().is_some_and(|target| !target.is_empty());
    let request = refname.starts_with("refs/pull/") || refname.starts_with("refs/merge-requests/");
    let wanted = kind == "commit" && !symbolic && (!request || refname.ends_with("/head"));
    wanted.then(|| Tip {
        refname: refname.to_owned(),
        head,
        time: time.parse().unwrap_or(0),
    })
}

fn short(refname: &str) -> &str {
    refname
        .strip_prefix("refs/heads/")
        .or_else(|| refname.strip_prefix("refs/remotes/"))
        .unwrap_or(refname)
}

/// Of branches with the same name, drops those that another one contains.
fn without_older_copies(changes: Vec<OpenChange>) -> Vec<OpenChange> {
    // `origin/feature` and `feature`; a remote's name has no slash in practice,
    // and where it has, the worst is that both are shown.
    let same_name = |a: &str, b: &str| {
        let ends = |long: &str, short: &str| {
            long.strip_suffix(short)
                .is_some_and(|remote| remote.strip_suffix('/').is_some_and(|it| !it.contains('/')))
        };
        ends(a, b) || ends(b, a)
    };
    let is_old = |change: &OpenChange| {
        changes.iter().any(|other| {
            other.head != change.head
                && same_name(&other.name, &change.name)
                && other.commits.contains(&change.head)
        })
    };
    let old: Vec<bool> = changes.iter().map(is_old).collect();
    let mut old = old.into_iter();
    let mut kept = changes;
    kept.retain(|_| !old.next().unwrap_or(false));
    kept
}

/// The commits beyond the protected branch, with their parents.
struct Graph {
    parents: HashMap<Oid, Vec<Oid>>,
}

impl Graph {
    fn read(repo: &Repo, onto: &Oid, tips: &[Tip]) -> Result<Self, GitError> {
        if tips.is_empty() {
            return Ok(Self {
                parents: HashMap::new(),
            });
        }
        let mut input = format!("^{onto}\n");
        for tip in tips {
            input.push_str(tip.head.as_str());
            input.push('\n');
        }
        let args = ["rev-list", "--parents", "--stdin"];
        let text = repo.git.output_with(&args, input.as_bytes())?;
        let parents = String::from_utf8_lossy(&text)
            .lines()
            .filter_map(|line| {
                let mut ids = line.split(' ').filter_map(Oid::new);
                Some((ids.next()?, ids.collect()))
            })
            .collect();
        Ok(Self { parents })
    }

    /// The commits of a branch, oldest first, and the commits of the protected
    /// branch that it grew from.
    fn ahead(&self, head: &Oid) -> (Vec<Oid>, BTreeSet<Oid>) {
        let (mut done, mut ends) = (HashSet::new(), BTreeSet::new());
        let mut commits = Vec::new();
        // Each commit twice: to visit its parents, and once they are visited.
        let mut open = vec![(head.clone(), false)];
        while let Some((id, visited)) = open.pop() {
            if visited {
                commits.push(id);
                continue;
            }
            let Some(parents) = self.parents.get(&id) else {
                ends.insert(id);
                continue;
            };
            if done.insert(id.clone()) {
                open.push((id, true));
                open.extend(parents.iter().rev().map(|it| (it.clone(), false)));
            }
        }
        (commits, ends)
    }
}
