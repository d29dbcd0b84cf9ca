//! The real binary on scripted repositories.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses a part of it, and set-up has to fail loudly"
)]

pub(crate) mod server;

use std::path::Path;
use std::process::{Command, Output};

use countersign_testkit::{GitRepo, Who};

/// A repository that has adopted Countersign.
pub(crate) struct Org {
    pub(crate) repo: GitRepo,
}

const PEOPLE: &str = r#"version = 1
[[person]]
id = "jun"
emails = ["jun@example.com"]
level = "junior"
keys = [{ ssh = "KEY jun" }]
[[person]]
id = "mia"
emails = ["mia@example.com"]
keys = [{ ssh = "KEY mia" }]
level = "mid"
[[person]]
id = "sen"
emails = ["sen@example.com"]
keys = [{ ssh = "KEY sen" }]
level = "senior"
[[person]]
id = "sue"
emails = ["sue@example.com"]
level = "senior"
[[person]]
id = "pat"
emails = ["pat@example.com"]
keys = [{ ssh = "KEY pat" }]
level = "principal"
"#;

const CATALOG: &str = "version: 1\ndefault_tier: 3\nservices:\n  - id: checkout\n    tier: 1\n    owner: \"@shop/checkout\"\n    paths: [\"checkout/**\"]\n";

impl Org {
    pub(crate) fn new() -> Self {
        let repo = GitRepo::new();
        let pat = Who::new("Pat Principal", "pat@example.com");
        let mut people = PEOPLE.to_owned();
        for who in [
            Who::new("Mia Mid", "mia@example.com"),
            Who::new("Sen Senior", "sen@example.com"),
            pat,
            Who::new("Jun Junior", "jun@example.com"),
        ] {
            let key = repo.signing_key(who);
            let key: Vec<&str> = key.split_whitespace().take(2).collect();
            let id = who.email.split('@').next().unwrap();
            people = people.replace(&format!("KEY {id}"), &key.join(" "));
        }
        repo.commit(
            pat,
            "Adopt Countersign",
            &[
                (".countersign/policy.toml", countersign_policy()),
                (".countersign/people.toml", &people),
                (".countersign/catalog.yaml", CATALOG),
                ("README", "shop\n"),
            ],
        );
        Self { repo }
    }
}

/// Two functions with the same lines around an insertion point.
pub(crate) const CODE: &str = "def admin():\n    check()\n    log()\n    done()\n\n\ndef guest():\n    check()\n    log()\n    done()\n";
pub(crate) const CLAUDE: &str = "\n\nCo-Authored-By: Claude Opus 4.8 <noreply@anthropic.com>\n";

impl Org {
    /// With a junior's change made with an agent on the branch `retry`, which is
    /// checked out.
    pub(crate) fn with_change(path: &str) -> Self {
        let org = Self::new();
        let pat = Who::new("Pat Principal", "pat@example.com");
        let jun = Who::new("Jun Junior", "jun@example.com");
        org.repo
            .commit(pat, "Code", &[(path, CODE), ("far.txt", "1\n")]);
        org.repo.branch("retry");
        let text = CODE.replacen("    log()\n", "    log()\n    audit()\n", 1);
        org.repo
            .commit(jun, &format!("Audit admin{CLAUDE}"), &[(path, &text)]);
        org
    }

    /// Runs a signing command with someone's key.
    pub(crate) fn sign(&self, id: &str, args: &[&str]) -> String {
        let key = self.repo.path().join(format!(".git/key-{id}@example.com"));
        let key = key.display().to_string();
        let mut all = args.to_vec();
        all.extend(["--key", &key]);
        shown(&countersign(self.repo.path(), &all))
    }
}

/// The built-in policy, as the binary prints it.
fn countersign_policy() -> &'static str {
    use std::sync::OnceLock;
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let output = countersign(Path::new("."), &["policy", "show"]);
        String::from_utf8(output.stdout).unwrap()
    })
}

/// Runs the binary in a directory.
pub(crate) fn countersign(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_countersign"))
        .current_dir(dir)
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

/// What the binary printed and its exit code, with what differs from run to
/// run replaced.
pub(crate) fn shown(output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code().unwrap_or(-1);
    format!("exit {code}\n{stdout}{stderr}")
}

/// `countersign check` at a fixed time.
pub(crate) fn check(dir: &Path, args: &[&str]) -> String {
    let mut all = vec!["check", "--now", "2026-03-10T12:00:00Z"];
    all.extend(args);
    shown(&countersign(dir, &all))
}

/// `countersign check` in an organisation's repository.
pub(crate) fn run_check(org: &Org, args: &[&str]) -> String {
    check(org.repo.path(), args)
}

/// Runs terraform in a folder; `None` where tests do without it.
pub(crate) fn terraform(folder: &Path, args: &[&str]) -> Option<Output> {
    let terraform = countersign_testkit::programs::installed(&["terraform"])?;
    let output = Command::new(terraform)
        .args(args)
        .current_dir(folder)
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "terraform {args:?}: {said}");
    Some(output)
}
