//! Signatures against `git verify-commit`, which asks ssh-keygen.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has to fail"
)]

use countersign_git::{Commit, Repo, Verified, verify};
use countersign_testkit::{GitRepo, Who};

const ADA: Who = Who::new("Ada", "ada@example.com");
const BOB: Who = Who::new("Bob", "bob@example.com");

/// What git itself says when `key` is the only one allowed for `who`.
fn git_says(repo: &GitRepo, who: Who, key: &str) -> bool {
    let allowed = repo.path().join(".git").join("allowed");
    std::fs::write(&allowed, format!("{} {key}\n", who.email)).unwrap();
    let file = format!("gpg.ssh.allowedSignersFile={}", allowed.display());
    let mut command = repo.command();
    let status = command
        .args(["-c", &file, "verify-commit", "HEAD"])
        .output();
    status.unwrap().status.success()
}

fn head(repo: &GitRepo) -> Commit {
    let repo = Repo::open(repo.path()).unwrap();
    repo.commit(&repo.resolve("HEAD").unwrap()).unwrap()
}

#[test]
fn git_and_this_reader_agree() {
    for repo in [GitRepo::new(), GitRepo::sha256()] {
        let bob = repo.signing_key(BOB);
        let ada = repo.signing_key(ADA);
        let message = "one\n\nAI-assisted: no\n";
        repo.commit_with(ADA, ADA, message, &[("a", "1\n")], &["-S"]);
        let commit = head(&repo);
        for (key, expected) in [(&ada, Verified::ByAuthor), (&bob, Verified::NotByAuthor)] {
            assert_eq!(git_says(&repo, ADA, key), expected == Verified::ByAuthor);
            assert_eq!(verify(&commit, |_| vec![key.clone()]), expected);
        }
        assert_eq!(
            verify(&commit, |_| Vec::<String>::new()),
            Verified::NotByAuthor
        );
        assert_eq!(
            verify(&commit, |_| vec!["not a key"]),
            Verified::NotByAuthor
        );

        let mut changed = commit.clone();
        changed.signature.as_mut().unwrap().payload.push(b'x');
        assert_eq!(
            verify(&changed, |_| vec![ada.clone()]),
            Verified::NotByAuthor
        );
        let mut damaged = commit;
        damaged.signature.as_mut().unwrap().armor.truncate(90);
        assert_eq!(
            verify(&damaged, |_| vec![ada.clone()]),
            Verified::NotByAuthor
        );
    }
}

#[test]
fn a_key_counts_for_the_authors_mailbox_alone() {
    let repo = GitRepo::new();
    let ada = repo.signing_key(ADA);
    repo.commit_with(
        BOB,
        ADA,
        "by Bob, committed and signed by Ada",
        &[],
        &["-S"],
    );
    let roster = |mailbox: &str| match mailbox {
        "ada@example.com" => vec![ada.clone()],
        _ => Vec::new(),
    };
    assert_eq!(verify(&head(&repo), roster), Verified::NotByAuthor);
    repo.commit(ADA, "unsigned", &[]);
    assert_eq!(verify(&head(&repo), roster), Verified::Unsigned);
}

#[test]
fn every_kind_of_key_and_no_other_namespace() {
    for kind in [
        &["ed25519"][..],
        &["ecdsa", "-b", "384"],
        &["rsa", "-b", "2048"],
    ] {
        let repo = GitRepo::new();
        let file = repo.path().join(".git/key");
        let mut keygen = std::process::Command::new("ssh-keygen");
        keygen
            .args(["-q", "-N", "", "-f"])
            .arg(&file)
            .arg("-t")
            .args(kind);
        assert!(keygen.status().unwrap().success());
        let public = std::fs::read_to_string(file.with_extension("pub")).unwrap();
        repo.git(&["config", "gpg.format", "ssh"]);
        repo.git(&["config", "user.signingKey", &file.display().to_string()]);
        repo.commit_with(ADA, ADA, "one", &[], &["-S"]);
        let mut commit = head(&repo);
        assert_eq!(
            verify(&commit, |_| vec![public.clone()]),
            Verified::ByAuthor,
            "{kind:?}"
        );

        // The same bytes signed for another purpose.
        let payload = repo.path().join(".git/payload");
        std::fs::write(&payload, &commit.signature.as_ref().unwrap().payload).unwrap();
        let mut sign = std::process::Command::new("ssh-keygen");
        sign.args(["-q", "-Y", "sign", "-n", "file", "-f"])
            .arg(&file)
            .arg(&payload);
        assert!(sign.output().unwrap().status.success());
        let armor = std::fs::read_to_string(payload.with_extension("sig")).unwrap();
        commit.signature.as_mut().unwrap().armor = armor;
        assert_eq!(
            verify(&commit, |_| vec![public.clone()]),
            Verified::NotByAuthor
        );
    }
}
