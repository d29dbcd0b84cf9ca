//! A commit object read in place, for scans: nothing is copied that is UTF-8.

use std::borrow::Cow;

use memchr::{memchr, memmem, memrchr};

/// The parts of a commit that a scan looks at. What is missing or damaged is
/// empty: a scan reports such a commit as unknown and goes on.
#[derive(Debug, Default)]
pub(crate) struct RawCommit<'a> {
    pub(crate) author: RawIdentity<'a>,
    pub(crate) committer: RawIdentity<'a>,
    pub(crate) message: &'a [u8],
}

/// A name, a mailbox and a time.
#[derive(Debug, Default)]
pub(crate) struct RawIdentity<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) email: Cow<'a, str>,
    pub(crate) time: i64,
}

impl<'a> RawCommit<'a> {
    pub(crate) fn parse(raw: &'a [u8]) -> Self {
        let (head, message) = match memmem::find(raw, b"\n\n") {
            Some(at) => raw.split_at_checked(at + 1).unwrap_or((raw, &[])),
            None => (raw, &[][..]),
        };
        let mut commit = Self {
            message: message.get(1..).unwrap_or_default(),
            ..Self::default()
        };
        let mut rest = head;
        while let Some(end) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = after.get(1..).unwrap_or_default();
            if let Some(who) = line.strip_prefix(b"author ") {
                commit.author = RawIdentity::parse(who);
            } else if let Some(who) = line.strip_prefix(b"committer ") {
                commit.committer = RawIdentity::parse(who);
                // Signatures and other long headers follow.
                break;
            }
        }
        commit
    }

    /// The hexadecimal names of the parents, which follow the tree.
    pub(crate) fn parents(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
        raw.split(|byte| *byte == b'\n')
            .skip(1)
            .map_while(|line| line.strip_prefix(b"parent "))
    }
}

impl<'a> RawIdentity<'a> {
    /// Reads `Name <mailbox> seconds zone`, as [`super::Identity`] does.
    fn parse(line: &'a [u8]) -> Self {
        let open = memchr(b'<', line).unwrap_or(line.len());
        let (name, rest) = line.split_at_checked(open).unwrap_or((line, &[]));
        let rest = rest.get(1..).unwrap_or_default();
        let close = memrchr(b'>', rest).unwrap_or(rest.len());
        let (email, rest) = rest.split_at_checked(close).unwrap_or((rest, &[]));
        let time = rest.get(1..).unwrap_or_default().trim_ascii_start();
        let digits = time.split(u8::is_ascii_whitespace).next();
        Self {
            name: String::from_utf8_lossy(name.trim_ascii()),
            email: String::from_utf8_lossy(email.trim_ascii()),
            time: digits
                .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
                .unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Commit, Oid};
    use super::*;

    fn agrees(raw: &[u8]) {
        let id = Oid::new("1111111111111111111111111111111111111111").unwrap();
        let fast = RawCommit::parse(raw);
        if let Some(full) = Commit::parse(id, raw) {
            assert_eq!(String::from_utf8_lossy(fast.message), full.message);
            let pairs = [
                (&fast.author, &full.author),
                (&fast.committer, &full.committer),
            ];
            for (fast, full) in pairs {
                assert_eq!(
                    (&*fast.name, &*fast.email, fast.time),
                    (full.name.as_str(), full.email.as_str(), full.time)
                );
            }
            let parents: Vec<_> = full.parents.iter().map(|p| p.as_str().as_bytes()).collect();
            assert_eq!(RawCommit::parents(raw).collect::<Vec<_>>(), parents);
        }
    }

    proptest! {
        #[test]
        fn both_readers_of_a_commit_agree(
            parents in 0..3_usize,
            author in "[A-Za-zé]{0,6} ?<[a-z@<.]{0,8}>{0,2} ?[0-9]{0,12} ?[+]0100",
            extra in prop_oneof![Just(""), Just("gpgsig a\n b\n \n c\n"), Just("encoding x\n")],
            message in "(?s).{0,40}",
        ) {
            let id = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
            let parents = format!("parent {id}\n").repeat(parents);
            agrees(format!(
                "tree {id}\n{parents}author {author}\ncommitter {author}\n{extra}\n{message}"
            ).as_bytes());
        }

        #[test]
        fn any_bytes_are_read(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = RawCommit::parse(&raw);
            let _ = RawCommit::parents(&raw).count();
        }
    }
}
