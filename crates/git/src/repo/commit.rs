//! Commits, read from their raw objects.

use super::{Oid, Repo};
use crate::GitError;

/// A name, a mailbox and a time, as a commit records them. Nothing of it is
/// verified; bytes that are not UTF-8 are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Identity {
    /// The display name.
    pub name: String,
    /// The mailbox.
    pub email: String,
    /// Seconds since 1970 (UTC).
    pub time: i64,
}

/// A signature on a commit and the bytes it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The armoured signature.
    pub armor: String,
    /// The commit object without the signature.
    pub payload: Vec<u8>,
}

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its name.
    pub id: Oid,
    /// Its tree.
    pub tree: Oid,
    /// Its parents, first parent first.
    pub parents: Vec<Oid>,
    /// Who wrote it.
    pub author: Identity,
    /// Who committed it.
    pub committer: Identity,
    /// The whole message; bytes that are not UTF-8 are replaced.
    pub message: String,
    /// The signature, if it has one.
    pub signature: Option<Signature>,
}

/// Where in the headers of a commit a reader is.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// At the first line.
    Tree,
    /// After the tree or a parent.
    Parents,
    /// Before the committer.
    People,
    /// After it.
    Rest,
}

impl Commit {
    /// The first line of the message.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// Reads a raw commit object.
    pub(crate) fn parse(id: Oid, raw: &[u8]) -> Option<Self> {
        let mut commit = Self {
            id,
            tree: Oid(String::new()),
            parents: Vec::new(),
            author: Identity::default(),
            committer: Identity::default(),
            message: String::new(),
            signature: None,
        };
        let mut payload = Vec::new();
        let mut armor: Option<Vec<u8>> = None;
        let mut in_signature = false;
        let mut place = Place::Tree;
        let mut rest = raw;
        while !rest.is_empty() {
            let end = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at_checked(end)?;
            if line == b"\n" {
                payload.extend_from_slice(rest);
                commit.message = String::from_utf8_lossy(after).into_owned();
                break;
            }
            rest = after;
            if in_signature && let Some(more) = line.strip_prefix(b" ") {
                armor.get_or_insert_default().extend_from_slice(more);
                continue;
            }
            in_signature = false;
            // A signature over the SHA-256 form of the object is in `gpgsig-sha256`.
            if let Some(first) = line
                .strip_prefix(b"gpgsig ")
                .or_else(|| line.strip_prefix(b"gpgsig-sha256 "))
            {
                armor.get_or_insert_default().extend_from_slice(first);
                in_signature = true;
                continue;
            }
            payload.extend_from_slice(line);
            place = commit.header(line.strip_suffix(b"\n").unwrap_or(line), place);
        }
        if commit.tree.0.is_empty() {
            return None;
        }
        commit.signature = armor.map(|armor| Signature {
            armor: String::from_utf8_lossy(&armor).into_owned(),
            payload,
        });
        Some(commit)
    }

    /// Reads one header where git reads it, and nowhere else: git takes the tree
    /// from the first line and the parents from those right after it. Were a
    /// second tree or a late parent believed here, a commit could be judged by
    /// other content than what git checks out.
    fn header(&mut self, line: &[u8], place: Place) -> Place {
        let text = String::from_utf8_lossy(line);
        match (place, text.split_once(' ')) {
            (Place::Tree, Some(("tree", hex))) => {
                if let Some(oid) = Oid::new(hex) {
                    self.tree = oid;
                }
                Place::Parents
            }
            (Place::Parents, Some(("parent", hex))) => {
                self.parents.extend(Oid::new(hex));
                Place::Parents
            }
            (Place::Tree | Place::Rest, _) => Place::Rest,
            (_, Some(("author", who))) => {
                self.author = Identity::parse(who);
                Place::People
            }
            (_, Some(("committer", who))) => {
                self.committer = Identity::parse(who);
                Place::Rest
            }
            _ => Place::People,
        }
    }
}

impl Identity {
    /// Reads `Name <mailbox> seconds zone`; what is missing stays empty.
    pub(crate) fn parse(text: &str) -> Self {
        let (name, rest) = text.split_once('<').unwrap_or((text, ""));
        let (email, rest) = rest.rsplit_once('>').unwrap_or((rest, ""));
        let time = rest.split_whitespace().next();
        Self {
            name: name.trim().to_owned(),
            email: email.trim().to_owned(),
            time: time.and_then(|time| time.parse().ok()).unwrap_or(0),
        }
    }
}

impl Repo {
    /// One commit.
    ///
    /// # Errors
    /// When it does not exist or cannot be read.
    pub fn commit(&self, id: &Oid) -> Result<Commit, GitError> {
        let mut commits = self.read_commits(std::slice::from_ref(id))?;
        commits
            .pop()
            .ok_or_else(|| GitError::UnknownRevision(id.to_string()))
    }

    /// The commits that `head` has and `base` has not, oldest first. Without a
    /// base, the whole history of `head`.
    ///
    /// # Errors
    /// When git cannot walk them.
    pub fn commits(&self, base: Option<&Oid>, head: &Oid) -> Result<Vec<Commit>, GitError> {
        self.read_commits(&self.commit_ids(base, head)?)
    }

    /// The names of the commits that `head` has and `base` has not, oldest first.
    ///
    /// # Errors
    /// When git cannot walk them.
    pub fn commit_ids(&self, base: Option<&Oid>, head: &Oid) -> Result<Vec<Oid>, GitError> {
        if base.is_some_and(|base| self.sits_on(head, base)) {
            return Ok(vec![head.clone()]);
        }
        let not = base.map(|base| format!("^{base}"));
        let mut args = vec!["rev-list", "--reverse", "--topo-order", head.as_str()];
        args.extend(not.as_deref());
        let text = self.git.output(&args)?;
        Ok(String::from_utf8_lossy(&text)
            .lines()
            .filter_map(Oid::new)
            .collect())
    }

    /// Whether a commit has another as its one parent: the most frequent case,
    /// which needs no walk.
    pub(crate) fn sits_on(&self, commit: &Oid, parent: &Oid) -> bool {
        let commit = self.commit(commit);
        commit.is_ok_and(|it| matches!(it.parents.as_slice(), [only] if only == parent))
    }

    /// When each commit was made, as its committer says (seconds since 1970);
    /// `None` for those that are not here.
    ///
    /// # Errors
    /// When git cannot read them.
    pub fn commit_times(&self, ids: &[Option<Oid>]) -> Result<Vec<Option<i64>>, GitError> {
        let wanted: Vec<&Oid> = ids.iter().flatten().collect();
        let objects = self.read_objects(wanted.iter().map(|id| id.as_str()))?;
        let mut times = wanted.into_iter().zip(objects).map(|(id, object)| {
            let object = object.filter(|object| object.kind == "commit")?;
            Some(Commit::parse(id.clone(), &object.bytes)?.committer.time)
        });
        Ok(ids
            .iter()
            .map(|id| id.as_ref().and_then(|_| times.next()).flatten())
            .collect())
    }

    /// Many commits, in the order given; missing ones are an error.
    ///
    /// # Errors
    /// When one does not exist, is not a commit, or cannot be read.
    pub fn read_commits(&self, ids: &[Oid]) -> Result<Vec<Commit>, GitError> {
        let objects = self.read_objects(ids.iter().map(Oid::as_str))?;
        ids.iter()
            .zip(objects)
            .map(|(id, object)| {
                object
                    .filter(|object| object.kind == "commit")
                    .and_then(|object| Commit::parse(id.clone(), &object.bytes))
                    .ok_or_else(|| GitError::UnknownRevision(id.to_string()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1111111111111111111111111111111111111111";

    #[test]
    fn a_signed_commit_gives_back_the_signed_bytes() {
        let raw = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\
            author Ada <ada@example.com> 1767225600 +0100\n\
            committer Ada <ada@example.com> 1767225600 +0100\n\
            gpgsig -----BEGIN SSH SIGNATURE-----\n abc\n -----END SSH SIGNATURE-----\n\
            encoding x\n\nSubject\n\nBody\n";
        let commit = Commit::parse(Oid::new(ID).unwrap(), raw).unwrap();
        assert_eq!(commit.subject(), "Subject");
        assert_eq!(commit.author.time, 1_767_225_600);
        let signature = commit.signature.unwrap();
        assert_eq!(
            signature.armor,
            "-----BEGIN SSH SIGNATURE-----\nabc\n-----END SSH SIGNATURE-----\n"
        );
        let payload = String::from_utf8(signature.payload).unwrap();
        assert!(
            !payload.contains("gpgsig") && payload.ends_with("encoding x\n\nSubject\n\nBody\n")
        );
    }

    /// What git itself does with such objects is in `tests/attacks.rs`.
    #[test]
    fn headers_count_only_where_git_reads_them() {
        let (a, b) = ("4b825dc642cb6eb9a060e54bf8d69288fbee4904", ID);
        let who = "<a@b> 1 +0000";
        let late = format!(
            "tree {a}\nparent {a}\nauthor A {who}\ncommitter B {who}\ntree {b}\nparent {b}\nauthor C {who}\ncommitter D {who}\n\nx\n"
        );
        let commit = Commit::parse(Oid::new(ID).unwrap(), late.as_bytes()).unwrap();
        assert_eq!(commit.tree.as_str(), a);
        assert_eq!(commit.parents, [Oid::new(a).unwrap()]);
        assert_eq!(
            (commit.author.name.as_str(), commit.committer.name.as_str()),
            ("A", "B")
        );
        let tree_second = format!("x y\ntree {a}\nauthor A {who}\n\n");
        assert!(Commit::parse(Oid::new(ID).unwrap(), tree_second.as_bytes()).is_none());
    }

    #[test]
    fn odd_identities_lose_nothing_and_do_not_panic() {
        let name_in_brackets = Identity::parse("A <b> <c@d> 1 +0000");
        assert_eq!(
            (
                name_in_brackets.name.as_str(),
                name_in_brackets.email.as_str()
            ),
            ("A", "b> <c@d")
        );
        assert_eq!(Identity::parse(""), Identity::default());
        assert_eq!(Identity::parse("x <").name, "x");
        assert!(Commit::parse(Oid::new(ID).unwrap(), b"junk").is_none());
    }
}
