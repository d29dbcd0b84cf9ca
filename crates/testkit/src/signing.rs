//! People with keys, statements and chains, for tests of sign-offs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::Stdio;

use countersign_core::involvement::Verdict;
use countersign_core::roster::{self, Roster};
use countersign_core::signoff::chain::{Chain, Holds, Node, node_hash};
use countersign_core::signoff::content::{Content, Landed, Merge, Snapshot, Step};
use countersign_core::signoff::dsse::{self, Envelope};
use countersign_core::signoff::statement::{
    About, Binding, Claims, Shown, SignOff, Signed, Stance, Statement,
};
use countersign_core::signoff::{Digest, Oid, sshsig};
use jiff::{SignedDuration, Timestamp};
use ssh_key::PrivateKey;
use ssh_key::private::{Ed25519Keypair, KeypairData};

use crate::GitRepo;

/// Where test statements belong.
pub const REPOSITORY: &str = "git+https://example.com/shop";
/// The protected branch of test statements.
pub const TARGET: &str = "refs/heads/main";
/// The change that test statements are about.
pub const CHANGE: &str = "42";

/// The roster that tests start with: two seniors, a mid, a junior, a principal.
pub const PEOPLE: [(&str, &str); 5] = [
    ("jun", "junior"),
    ("mid", "mid"),
    ("sen", "senior"),
    ("sue", "senior"),
    ("pat", "principal"),
];

/// The key number `seed`.
#[must_use]
pub fn key(seed: u8) -> PrivateKey {
    PrivateKey::new(
        KeypairData::Ed25519(Ed25519Keypair::from_seed(&[seed; 32])),
        "",
    )
    .expect("a key")
}

/// The key of a person of [`PEOPLE`]; of anyone else, by the first letter.
#[must_use]
pub fn key_of(person: &str) -> PrivateKey {
    let place = PEOPLE.iter().position(|(id, _)| *id == person);
    let seed = place.map_or_else(|| usize::from(person.as_bytes()[0]), |place| place + 1);
    key(u8::try_from(seed).expect("a small number"))
}

/// The public half in one line without comment.
#[must_use]
pub fn public(key: &PrivateKey) -> String {
    key.public_key().to_openssh().expect("a line")
}

/// The fingerprint.
#[must_use]
pub fn fingerprint(key: &PrivateKey) -> String {
    sshsig::fingerprint_of(&public(key)).expect("a fingerprint")
}

/// A roster file of people with their level and further fields in TOML.
#[must_use]
pub fn people_toml(people: &[(&str, &str, &str)]) -> String {
    let mut text = "version = 1\n".to_owned();
    for (id, level, more) in people {
        let ssh = public(&key_of(id));
        let keys = if more.contains("keys") {
            String::new()
        } else {
            format!("keys = [{{ ssh = \"{ssh}\" }}]\n")
        };
        text.push_str(&format!(
            "[[person]]\nid = \"{id}\"\nemails = [\"{id}@example.com\"]\nlevel = \"{level}\"\n{keys}{more}\n"
        ));
    }
    text
}

/// The file of [`PEOPLE`].
#[must_use]
pub fn usual_people() -> String {
    let people: Vec<(&str, &str, &str)> = PEOPLE.iter().map(|(id, at)| (*id, *at, "")).collect();
    people_toml(&people)
}

/// Rosters by the hash of their file.
#[must_use]
pub fn rosters(files: &[&str]) -> BTreeMap<Digest, Roster> {
    files
        .iter()
        .map(|text| {
            let roster = roster::parse(text, "people.toml").expect("a roster");
            (Digest::of(text.as_bytes()), roster)
        })
        .collect()
}

/// 2026-03-02 12:00 UTC, when the first statement of a chain is signed.
#[must_use]
pub fn start() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().expect("a time")
}

/// An object name made of one number.
#[must_use]
pub fn oid(number: u64) -> Oid {
    format!("{number:040x}").parse().expect("an object name")
}

/// A change of which everything is told apart by numbers: the commits of its
/// base, its head, and what lands.
#[must_use]
pub fn content(base: u64, head: u64, lands: u64) -> Content {
    let snapshot = |number: u64| Snapshot {
        commit: oid(number),
        tree: oid(number + 1_000_000),
    };
    let digest = Digest::of(&lands.to_be_bytes());
    Content::Merge(Merge {
        base: snapshot(base),
        head: snapshot(head),
        commits: vec![Step {
            commit: oid(head),
            digest,
        }],
        result: Some(Landed {
            target_tip: oid(base),
            tree: oid(lands + 2_000_000),
            digest,
        }),
    })
}

/// An ordinary sign-off of `person` for `content`; who, when and after what is
/// filled in when it is put into a chain.
#[must_use]
pub fn signoff(person: &str, decision: Stance, content: &Content) -> SignOff {
    SignOff {
        decision,
        about: About {
            repository: REPOSITORY.to_owned(),
            target: TARGET.to_owned(),
            change: CHANGE.to_owned(),
            content: content.clone(),
        },
        binding: Binding::Replay,
        authors: vec!["jun".to_owned()],
        claims: Claims {
            outranks_author: true,
            rules: Vec::new(),
        },
        involvement: Shown {
            verdict: Verdict::Yes,
            evidence: Vec::new(),
        },
        policy: Digest::of(b"policy"),
        expires_at: None,
        message: None,
        answers: Vec::new(),
        shown_at: None,
        revokes: None,
        break_glass: None,
        signed: signed(person),
    }
}

/// Who signs; the rest is filled in when it is put into a chain.
#[must_use]
pub fn signed(person: &str) -> Signed {
    Signed {
        person: person.to_owned(),
        key: fingerprint(&key_of(person)),
        roster: Digest::of(usual_people().as_bytes()),
        nonce: String::new(),
        issued_at: Timestamp::UNIX_EPOCH,
        prev: None,
    }
}

/// Wraps a sign-off.
#[must_use]
pub fn of(signoff: SignOff) -> Statement {
    Statement::SignOff(Box::new(signoff))
}

/// Signs a statement.
#[must_use]
pub fn seal(statement: &Statement, key: &PrivateKey) -> Envelope {
    let payload = statement.to_bytes();
    let signature = sshsig::sign(key, &dsse::to_be_signed(&payload)).expect("a signature");
    Envelope::new(payload, signature)
}

/// Writes a long chain of `sen`'s sign-offs in a repository at once, each after
/// the one before; nonce and predecessor are set here.
pub fn import_chain(kit: &GitRepo, name: &str, signoffs: impl Iterator<Item = SignOff>) {
    let mut child = kit
        .command()
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("git runs");
    let mut input = child.stdin.take().expect("a channel");
    let mut prev: Option<Digest> = None;
    for (place, mut it) in signoffs.enumerate() {
        it.signed.nonce = format!("{place:032}");
        it.signed.prev = prev;
        let bytes = seal(&of(it), &key_of("sen")).to_bytes();
        let before: Vec<Digest> = prev.into_iter().collect();
        prev = Some(node_hash(&before, Some(Digest::of(&bytes))));
        let head = format!(
            "commit {name}\ncommitter c <c@x> {place} +0000\ndata 0\nM 100644 inline envelope.json\ndata {}\n",
            bytes.len()
        );
        for part in [head.as_bytes(), &bytes, b"\n"] {
            input.write_all(part).expect("git reads");
        }
    }
    drop(input);
    assert!(child.wait().expect("git ends").success());
}

/// A chain in the making.
#[derive(Debug, Clone, Default)]
pub struct Sketch {
    /// The nodes, parents first.
    pub nodes: Vec<Node>,
}

fn signed_mut(statement: &mut Statement) -> &mut Signed {
    match statement {
        Statement::SignOff(it) => &mut it.signed,
        Statement::Declaration(it) => &mut it.signed,
        Statement::AfterReview(it) => &mut it.signed,
    }
}

impl Sketch {
    /// An empty chain.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The chain.
    #[must_use]
    pub fn chain(&self) -> Chain {
        Chain::build(self.nodes.clone())
    }

    fn tip(&self) -> Option<String> {
        let parents: BTreeSet<&String> = self.nodes.iter().flat_map(|it| &it.parents).collect();
        let mut heads = self.nodes.iter().filter(|it| !parents.contains(&it.id));
        let head = heads.next().map(|it| it.id.clone());
        assert!(heads.next().is_none(), "name the parent or join the heads");
        head
    }

    /// What comes up to a node, as a chain of its own.
    fn up_to(&self, id: &str) -> Chain {
        let mut wanted = BTreeSet::from([id.to_owned()]);
        for node in self.nodes.iter().rev() {
            if wanted.contains(&node.id) {
                wanted.extend(node.parents.iter().cloned());
            }
        }
        let nodes = self.nodes.iter().filter(|it| wanted.contains(&it.id));
        Chain::build(nodes.cloned().collect())
    }

    /// Adds any node; returns its name.
    pub fn node(&mut self, parents: &[&str], holds: Holds) -> String {
        let id = format!("n{}", self.nodes.len());
        self.nodes.push(Node {
            id: id.clone(),
            parents: parents.iter().map(|it| (*it).to_owned()).collect(),
            holds,
        });
        id
    }

    /// Fills in a statement that follows `parent`: nonce, time (one minute per
    /// node) and predecessor, where they are empty.
    #[must_use]
    pub fn fill(&self, parent: Option<&str>, mut statement: Statement) -> Statement {
        let place = i64::try_from(self.nodes.len()).expect("a short chain");
        let signed = signed_mut(&mut statement);
        if signed.nonce.is_empty() {
            signed.nonce = format!("{place:016}");
        }
        if signed.issued_at == Timestamp::UNIX_EPOCH {
            signed.issued_at = start() + SignedDuration::from_mins(place);
        }
        signed.prev = parent.and_then(|id| self.up_to(id).tip());
        statement
    }

    /// Signs a statement with its signer's key and adds it after `parent`.
    /// Returns the node's name and the statement's hash.
    pub fn put_after(&mut self, parent: Option<&str>, statement: Statement) -> (String, Digest) {
        let statement = self.fill(parent, statement);
        let key = key_of(&statement.signed().person);
        let envelope = seal(&statement, &key);
        let parents: Vec<&str> = parent.into_iter().collect();
        let id = self.node(&parents, Holds::Envelope(envelope.to_bytes()));
        (id, envelope.statement_id())
    }

    /// The same after the only head. Returns the statement's hash.
    pub fn put(&mut self, statement: Statement) -> Digest {
        let tip = self.tip();
        self.put_after(tip.as_deref(), statement).1
    }

    /// An ordinary approval or veto after the only head.
    pub fn say(&mut self, person: &str, decision: Stance, content: &Content) -> Digest {
        self.put(of(signoff(person, decision, content)))
    }

    /// Takes a statement of `person` back.
    pub fn take_back(&mut self, person: &str, target: Digest, content: &Content) -> Digest {
        let mut it = signoff(person, Stance::Revoke, content);
        it.revokes = Some(target);
        self.put(of(it))
    }
}
