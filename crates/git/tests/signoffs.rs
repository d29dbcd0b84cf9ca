//! The chain in a repository: nothing is lost, nothing is corrupted, nothing
//! foreign counts.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod scene;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use countersign_core::signoff::Digest;
use countersign_core::signoff::statement::{Stance, Statement};
use countersign_git::signoffs::{Fetched, REF};
use countersign_git::{GitError, Repo};
use countersign_testkit::GitRepo;
use countersign_testkit::signing::{Sketch, content, import_chain, key_of, of, seal, signoff};
use scene::{Scene, oid};

/// Signs as `sen`, with a nonce of its own; the statement's hash.
fn add(repo: &Repo, nonce: u64) -> Result<Digest, GitError> {
    let head = repo.signoffs_head()?;
    let mut it = signoff("sen", Stance::Approve, &content(1, 2, 3));
    it.signed.nonce = format!("{nonce:032}");
    it.signed.prev = head.prev;
    let envelope = seal(&of(it), &key_of("sen"));
    repo.add_signoff(&head, &envelope)?;
    Ok(envelope.statement_id())
}

fn ids(repo: &Repo) -> BTreeSet<Digest> {
    let chain = repo.signoffs().unwrap();
    assert_eq!(chain.problems(), []);
    assert!(chain.entries().iter().all(|entry| entry.in_place));
    chain
        .entries()
        .iter()
        .map(|entry| entry.statement_id)
        .collect()
}

#[test]
fn what_is_added_is_read_back_in_order() {
    for kit in [
        GitRepo::new(),
        GitRepo::sha256(),
        GitRepo::reftable(),
        GitRepo::bare(),
    ] {
        let repo = Repo::open(kit.path()).unwrap();
        assert_eq!(repo.signoffs().unwrap().entries(), []);
        let added: Vec<Digest> = (0..3).map(|nonce| add(&repo, nonce).unwrap()).collect();
        let chain = repo.signoffs().unwrap();
        let read: Vec<Digest> = chain.entries().iter().map(|it| it.statement_id).collect();
        assert_eq!(read, added);
        assert_eq!(repo.signoffs_head().unwrap().prev, chain.tip());
        let subjects = kit.git(&["log", "--format=%s", REF]);
        assert_eq!(subjects.lines().next(), Some("approve 42 by sen"));
        kit.git(&["fsck", "--strict"]);
        // The envelope in the commit is the one that was signed.
        let file = kit.git(&["show", &format!("{REF}:envelope.json")]);
        assert!(file.starts_with("{\"payload\":\""));
    }
}

#[test]
fn what_was_signed_after_something_else_is_not_added() {
    let kit = GitRepo::new();
    let repo = Repo::open(kit.path()).unwrap();
    add(&repo, 1).unwrap();
    let head = repo.signoffs_head().unwrap();
    let statement =
        Sketch::new().fill(None, of(signoff("sen", Stance::Approve, &content(1, 2, 3))));
    let envelope = seal(&statement, &key_of("sen"));
    let error = repo.add_signoff(&head, &envelope).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot record the sign-off: it was signed after another state of the chain"
    );
}

#[test]
fn a_hundred_writers_at_once_lose_nothing() {
    let kit = GitRepo::new();
    let repo = Repo::open(kit.path()).unwrap();
    // All have seen the same head, so that every one but the first is joined.
    let head = repo.signoffs_head().unwrap();
    let added: BTreeSet<Digest> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..100)
            .map(|nonce| {
                let (repo, head) = (&repo, &head);
                scope.spawn(move || {
                    let mut it = signoff("sen", Stance::Approve, &content(1, 2, 3));
                    it.signed.nonce = format!("{nonce:032}");
                    let envelope = seal(&of(it), &key_of("sen"));
                    repo.add_signoff(head, &envelope).unwrap();
                    envelope.statement_id()
                })
            })
            .collect();
        writers.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(added.len(), 100);
    assert_eq!(ids(&repo), added);
    kit.git(&["fsck", "--strict"]);
}

/// The process that the next test kills: adds for ever, and prints what is safe.
#[test]
fn endless_writer() {
    let Some(dir) = std::env::var_os("ENDLESS_WRITER") else {
        return;
    };
    let repo = Repo::open(Path::new(&dir)).unwrap();
    let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let start = u64::try_from(start.unwrap().as_nanos()).unwrap();
    for nonce in 0.. {
        let id = add(&repo, start + nonce).unwrap();
        println!("safe {id}");
    }
}

#[cfg(unix)]
#[test]
fn a_killed_writer_corrupts_nothing() {
    use std::io::Read as _;
    use std::os::unix::process::CommandExt as _;
    let kit = GitRepo::new();
    let repo = Repo::open(kit.path()).unwrap();
    let exe = std::env::current_exe().unwrap();
    let mut safe: BTreeSet<Digest> = BTreeSet::new();
    for round in 0..25_u64 {
        let mut child = Command::new(&exe)
            .args(["--exact", "endless_writer", "--nocapture"])
            .env("ENDLESS_WRITER", kit.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        // Another moment each round; the whole group, git included, dies.
        std::thread::sleep(Duration::from_millis(40 + round * 9));
        let group = format!("-{}", child.id());
        let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
        assert!(killed.unwrap().success());
        let mut said = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        child.wait().unwrap();
        let lines = said.lines().filter_map(|line| line.split("safe ").nth(1));
        safe.extend(lines.filter_map(|id| id.parse::<Digest>().ok()));
        // A lock that the killed git left is removed once it is old enough.
        let lock = kit.path().join(".git").join(format!("{REF}.lock"));
        if let Ok(file) = std::fs::File::options().write(true).open(&lock) {
            let old = SystemTime::now() - Duration::from_secs(120);
            file.set_modified(old).unwrap();
        }
        let read = ids(&repo);
        assert!(read.is_superset(&safe), "round {round}");
    }
    assert!(!safe.is_empty());
    add(&repo, 1).unwrap();
    kit.git(&["fsck", "--strict"]);
}

#[test]
fn a_lock_left_behind_does_not_block_for_ever() {
    let kit = GitRepo::new();
    let repo = Repo::open(kit.path()).unwrap();
    add(&repo, 1).unwrap();
    let lock = kit.path().join(".git").join(format!("{REF}.lock"));
    let file = std::fs::File::create(&lock).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(120))
        .unwrap();
    add(&repo, 2).unwrap();
    assert_eq!(ids(&repo).len(), 2);
}

#[test]
fn foreign_commits_are_reported_and_never_counted() {
    let scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    let kit = &scene.kit;
    let on_top = |tree: &str| {
        let commit = kit.git(&["commit-tree", tree, "-p", REF, "-m", "junk"]);
        kit.git(&["update-ref", REF, &commit]);
    };
    // Somebody's files; a file that is no envelope; one that is far too large.
    on_top("main^{tree}");
    for content in ["{}".to_owned(), "x".repeat(2_000_000)] {
        kit.write("envelope.json", content);
        let blob = kit.git(&["hash-object", "-w", "envelope.json"]);
        kit.git(&["read-tree", "--empty"]);
        let entry = format!("100644,{blob},envelope.json");
        kit.git(&["update-index", "--add", "--cacheinfo", &entry]);
        let tree = kit.git(&["write-tree"]);
        on_top(&tree);
    }
    kit.git(&["reset", "-q", "--hard"]);
    let problems: Vec<String> = scene
        .git
        .signoffs()
        .unwrap()
        .problems()
        .iter()
        .map(|it| it.why.clone())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    assert_eq!(
        problems,
        [
            "it holds no `envelope.json`",
            "its `envelope.json` has 2000000 bytes",
            "this is not a DSSE envelope: missing field `payload` at line 1 column 2",
        ]
    );
    scene.allowed(&head, "sen: kept");
    scene.approve("sue", &head);
    assert_eq!(scene.verify(&head).accepted.len(), 2);
}

#[test]
fn two_clones_and_a_server_join_without_loss() {
    let server = GitRepo::bare();
    let url = server.path().to_str().unwrap();
    let clones = [GitRepo::new(), GitRepo::new()];
    let repos: Vec<Repo> = clones
        .iter()
        .map(|kit| {
            kit.git(&["remote", "add", "origin", url]);
            Repo::open(kit.path()).unwrap()
        })
        .collect();
    assert_eq!(
        repos[0].fetch_signoffs("origin").unwrap(),
        Fetched::default()
    );
    repos[0].push_signoffs("origin").unwrap();
    for nonce in 0..3 {
        add(&repos[0], nonce).unwrap();
        add(&repos[1], 100 + nonce).unwrap();
        repos[0].push_signoffs("origin").unwrap();
        repos[1].push_signoffs("origin").unwrap();
    }
    repos[0].fetch_signoffs("origin").unwrap();
    let all = ids(&repos[0]);
    assert_eq!(all.len(), 6);
    assert_eq!(ids(&repos[1]), all);
    assert_eq!(ids(&Repo::open(server.path()).unwrap()), all);
    // A server that takes statements back is caught, and they are kept here.
    let tip = oid(&server.git(&["rev-parse", REF]));
    let first = server.git(&["rev-list", "--reverse", REF]);
    let first = first.lines().next().unwrap();
    server.git(&["update-ref", REF, first]);
    let fetched = repos[0].fetch_signoffs("origin").unwrap();
    assert!(fetched.withdrawn > 0);
    assert_eq!(ids(&repos[0]), all);
    repos[0].push_signoffs("origin").unwrap();
    assert_eq!(ids(&Repo::open(server.path()).unwrap()), all);
    // The gate of a server asks the same of every push.
    let bare = Repo::open(server.path()).unwrap();
    let first = oid(first);
    assert!(bare.signoffs_only_grow(Some(&first), Some(&tip)).unwrap());
    assert!(!bare.signoffs_only_grow(Some(&tip), Some(&first)).unwrap());
    assert!(!bare.signoffs_only_grow(Some(&tip), None).unwrap());
    assert!(bare.signoffs_only_grow(None, Some(&tip)).unwrap());
}

#[test]
fn a_remote_is_a_name_that_is_set_up() {
    let kit = GitRepo::new();
    let repo = Repo::open(kit.path()).unwrap();
    for name in ["origin", "--upload-pack=touch x", "../x", "ext::sh -c true"] {
        let error = repo.fetch_signoffs(name).unwrap_err();
        assert!(matches!(error, GitError::UnknownRemote(_)), "{error}");
    }
}

#[test]
fn a_long_chain_is_read() {
    let kit = GitRepo::new();
    let repo = Repo::open(kit.path()).unwrap();
    let mut sketch = Sketch::new();
    let mut stream = Vec::new();
    let mut parent: Option<String> = None;
    let mut prev: Option<Digest> = None;
    for place in 0..500_u32 {
        let mut it = signoff("sen", Stance::Approve, &content(1, 2, 3));
        it.signed.nonce = format!("{place:032}");
        it.signed.prev = prev;
        let statement: Statement = of(it);
        let bytes = seal(&statement, &key_of("sen")).to_bytes();
        let parents: Vec<&str> = parent.as_deref().into_iter().collect();
        let id = sketch.node(
            &parents,
            countersign_core::signoff::chain::Holds::Envelope(bytes.clone()),
        );
        prev = Some(countersign_core::signoff::chain::node_hash(
            &prev.into_iter().collect::<Vec<_>>(),
            Some(Digest::of(&bytes)),
        ));
        parent = Some(id);
        stream.extend(format!("commit {REF}\ncommitter c <c@x> {place} +0000\ndata 0\n").bytes());
        stream.extend(format!("M 100644 inline envelope.json\ndata {}\n", bytes.len()).bytes());
        stream.extend(&bytes);
        stream.push(b'\n');
    }
    let mut child = kit
        .command()
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &stream).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(ids(&repo).len(), 500);
    assert_eq!(repo.signoffs().unwrap().tip(), prev);
}

#[test]
fn a_long_chain_is_kept_in_a_file_that_nobody_has_to_trust() {
    for kit in [GitRepo::new(), GitRepo::sha256()] {
        let one = || signoff("sen", Stance::Approve, &content(1, 2, 3));
        import_chain(&kit, REF, (0..300).map(|_| one()));
        let read = || {
            let chain = Repo::open(kit.path()).unwrap().signoffs().unwrap();
            assert_eq!(chain.problems(), []);
            chain.entries().to_vec()
        };
        let first = read();
        assert_eq!(first.len(), 300);
        let repo = Repo::open(kit.path()).unwrap();
        let file = repo.common_dir().unwrap().join("countersign/envelopes");
        let kept = std::fs::read(&file).unwrap();
        assert_eq!(read(), first);

        // Records under each other's names, damaged, cut off, gone.
        let text = String::from_utf8(kept.clone()).unwrap();
        let name = |place: usize| {
            let tree = kit.git(&["rev-parse", &format!("{REF}~{place}^{{tree}}")]);
            assert_eq!(text.matches(&tree).count(), 1);
            tree
        };
        let (one, other) = (name(3), name(7));
        let swapped = text
            .replace(&one, "@")
            .replace(&other, &one)
            .replace('@', &other);
        let mut damaged = kept.clone();
        damaged[kept.len() / 2] ^= 1;
        for bytes in [
            swapped.as_bytes(),
            &damaged,
            &kept[..kept.len() / 3],
            b"",
            b"countersign envelopes 1\n",
        ] {
            std::fs::write(&file, bytes).unwrap();
            assert_eq!(read(), first);
        }
    }
}
