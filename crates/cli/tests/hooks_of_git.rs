//! Git's hooks, installed beside those of the user: advice, gates and CI jobs.

#![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use common::server::Server;
use common::{CODE, Org, countersign, shown};
use countersign_testkit::{GitRepo, Who};

fn write_hook(file: &Path, text: &str) {
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn install(server: &Server, more: &[&str]) -> String {
    let args = [&["hook", "install"], more].concat();
    shown(&countersign(&server.path(), &args))
}

#[test]
fn a_hook_of_the_user_is_kept_and_put_back() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    let install = |more: &[&str]| install(&server, more);
    let again = install(&[]);
    assert!(again.starts_with("exit 0\nalready installed"), "{again}");
    let removed = install(&["--uninstall"]);
    assert!(removed.starts_with("exit 0\nremoved"), "{removed}");
    let hooks = server.path().join("hooks");
    assert!(!hooks.join("pre-receive").exists() && !hooks.join("post-receive").exists());

    let own = "#!/bin/sh\ncat > seen\n[ ! -e stop ]\n";
    write_hook(&hooks.join("pre-receive"), own);
    let said = install(&[]);
    assert!(
        said.contains("installed, after the hook that was there,"),
        "{said}"
    );
    // The user's hook sees the same lines, and its refusal counts.
    let held = org.push(&["retry:main"]);
    assert!(held.contains("HOLD"), "{held}");
    let seen = std::fs::read_to_string(server.path().join("seen")).unwrap();
    assert!(
        seen.trim_end().ends_with("refs/heads/main") && seen.lines().count() == 1,
        "{seen}"
    );
    std::fs::write(server.path().join("stop"), "").unwrap();
    let stopped = org.push(&["retry"]);
    assert!(
        stopped.starts_with("exit 1\n") && !stopped.contains("HOLD"),
        "{stopped}"
    );
    // Two hooks of the user are one too many.
    let again = install(&["--pusher", "REMOTE_USER"]);
    assert!(again.contains("updated"), "{again}");
    write_hook(&hooks.join("pre-receive"), "#!/bin/sh\n");
    let said = install(&[]);
    assert!(
        said.starts_with("exit 65\n") && said.contains("is in the way"),
        "{said}"
    );
    std::fs::remove_file(hooks.join("pre-receive")).unwrap();
    install(&[]);
    let said = install(&["--uninstall"]);
    assert!(said.contains("put back what was there"), "{said}");
    assert_eq!(
        std::fs::read_to_string(hooks.join("pre-receive")).unwrap(),
        own
    );

    for (args, code) in [
        (&["hook", "install", "--pusher", "A B"][..], "exit 64"),
        (&["hook", "install", "--pre-push", "--update"], "exit 64"),
        (&["hook", "run", "update", "x"], "exit 64"),
    ] {
        let said = shown(&countersign(&server.path(), args));
        assert!(said.starts_with(code), "{said}");
    }
}

#[test]
fn a_gate_whose_program_is_gone_refuses() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    let hook = server.path().join("hooks/pre-receive");
    let text = std::fs::read_to_string(&hook).unwrap();
    write_hook(&hook, &text.replace("/countersign'", "/gone'"));
    let said = org.push(&["retry"]);
    assert!(said.starts_with("exit 1\n"), "{said}");
}

#[test]
fn hooks_for_all_repositories_are_left_alone() {
    let repo = GitRepo::new();
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config");
    std::fs::write(&config, "[core]\n\thooksPath = /usr/share/hooks\n").unwrap();
    let run = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .current_dir(repo.path())
            .args(["hook", "install"])
            .args(more)
            .env("GIT_CONFIG_GLOBAL", &config)
            .output()
            .unwrap();
        shown(&output)
    };
    let said = run(&[]);
    assert!(
        said.starts_with("exit 65\n") && said.contains("core.hooksPath"),
        "{said}"
    );
    repo.git(&["config", "core.hooksPath", "my-hooks"]);
    let said = run(&[]);
    assert!(
        said.starts_with("exit 0\n") && repo.path().join("my-hooks/pre-push").exists(),
        "{said}"
    );
}

#[test]
fn advice_comes_before_the_push_and_stops_nothing() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &["--pre-receive"]);
    let install = |more: &[&str]| {
        let mut args = vec!["hook", "install"];
        args.extend(more);
        let said = shown(&countersign(org.repo.path(), &args));
        assert!(said.starts_with("exit 0\n"), "{said}");
    };
    install(&[]);
    let said = org.push(&["retry"]);
    assert!(said.starts_with("exit 0\n"), "{said}");
    assert!(
        said.contains("HOLD  retry: to merge it needs 1 sign-off"),
        "{said}"
    );
    // The server is what stops it; with `--block` it is not even asked.
    let said = org.push(&["retry:main"]);
    assert!(said.contains("pre-receive hook declined"), "{said}");
    install(&["--block"]);
    let said = org.push(&["retry:main"]);
    assert!(
        said.starts_with("exit 1\n") && !said.contains("pre-receive"),
        "{said}"
    );
    assert!(said.contains("ai-below-senior"), "{said}");
    let tip = server.tip("main");
    org.sign("sen", &["sign", "main..retry", "--yes"]);
    let said = org.push(&["refs/countersign/signoffs", "retry:main"]);
    assert!(said.starts_with("exit 0\n"), "{said}");
    assert_ne!(server.tip("main"), tip);
}

/// What the server lets through, nobody is advised against.
#[test]
fn advice_and_gate_agree_on_who_carried_what_was_signed() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    let said = shown(&countersign(
        org.repo.path(),
        &["hook", "install", "--block"],
    ));
    assert!(said.starts_with("exit 0\n"), "{said}");
    org.sign("sen", &["sign", "main..retry", "--yes"]);
    let sen = Who::new("Sen Senior", "sen@example.com");
    org.repo.switch("main");
    org.repo.git_as(
        sen,
        &["merge", "-q", "--no-ff", "-m", "Merge retry", "retry"],
    );
    let said = org.push(&["refs/countersign/signoffs", "main"]);
    assert!(said.starts_with("exit 0\n"), "{said}");
    assert!(
        said.contains("ALLOW  main: ") && !said.contains("HOLD"),
        "{said}"
    );
    assert_eq!(server.tip("main"), org.repo.head());
    // And what the server would refuse is not even sent.
    org.repo.git(&["reset", "-q", "--hard", "HEAD^"]);
    let said = org.push(&["-f", "main"]);
    assert!(said.starts_with("exit 1\n"), "{said}");
    assert!(
        said.contains("REFUSE  main: a protected branch is not rewritten"),
        "{said}"
    );
    assert!(!said.contains("pre-receive"), "{said}");
}

#[test]
fn a_gate_that_does_not_know_who_pushes_says_so() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    let install = |more: &[&str]| install(&server, more);
    let warning = "warning: without --pusher nobody knows who pushes";
    assert!(install(&[]).contains(warning));
    assert!(!install(&["--pusher", "GL_USERNAME"]).contains(warning));
}

/// Runs the shell commands of a job as its runner would.
fn run_steps(dir: &Path, steps: &[String], env: &[(&str, &str)]) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_countersign"));
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let mut text = String::new();
    for step in steps {
        let output = Command::new("bash")
            .args(["-e", "-c", step])
            .current_dir(dir)
            .env("PATH", &path)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .envs(env.iter().copied())
            .output()
            .unwrap();
        text = format!("{text}{}", shown(&output));
        if !output.status.success() {
            break;
        }
    }
    text
}

/// A clone as a runner has it, of a server with the change pushed.
fn runner(server: &Server) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let url = server.path().display().to_string();
    server.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let there = dir.path().join("work").display().to_string();
    let done = Command::new("git")
        .args(["clone", "-q", &url, &there])
        .output()
        .unwrap();
    assert!(done.status.success());
    dir
}

#[test]
fn the_jobs_do_what_they_say() {
    let org = Org::new();
    let people = std::fs::read_to_string(org.repo.path().join(".countersign/people.toml")).unwrap();
    let mine = "id = \"jun\"\naccounts = [\"github:5\", \"gitlab:jun-at-work\"]";
    let people = people.replace("id = \"jun\"", mine);
    let pat = Who::new("Pat Principal", "pat@example.com");
    let files = [
        (".countersign/people.toml", people.as_str()),
        ("src/app.py", CODE),
    ];
    org.repo.commit(pat, "Accounts and code", &files);
    org.repo.branch("retry");
    let jun = Who::new("Jun Junior", "jun@example.com");
    org.repo
        .commit(jun, "Retry", &[("src/app.py", "retry()\n")]);
    let server = Server::of(&org, &[]);
    org.push(&["retry"]);
    let head = org.repo.head();

    let text = shown(&countersign(org.repo.path(), &["hook", "ci", "github"]));
    let job: serde_json::Value =
        serde_saphyr::from_str(text.strip_prefix("exit 0\n").unwrap()).unwrap();
    assert_eq!(job["permissions"]["contents"], "read");
    let steps = job["jobs"]["countersign"]["steps"].as_array().unwrap();
    assert_eq!(steps[0]["with"]["fetch-depth"], 0);
    let install = steps[1]["run"].as_str().unwrap();
    assert!(
        install.starts_with("cargo install --locked --git https://"),
        "{install}"
    );
    assert!(!install.contains('@'), "{install}");
    let runs: Vec<String> = steps
        .iter()
        .skip(2)
        .map(|step| step["run"].as_str().unwrap().to_owned())
        .collect();
    let summary = tempfile::NamedTempFile::new().unwrap();
    let file = summary.path().display().to_string();
    let github = |event: &str, base: &str, head: &str, on: &str| {
        let dir = runner(&server);
        let env = [
            ("EVENT", event),
            ("BASE", base),
            ("HEAD", head),
            ("QUEUED_ON", on),
            ("OPENED_BY", "github:5+jun-at-work"),
            ("GITHUB_STEP_SUMMARY", &file),
        ];
        run_steps(&dir.path().join("work"), &runs, &env)
    };
    let said = github("pull_request_target", "main", &head, "");
    assert!(said.ends_with("exit 1\n"), "{said}");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains("Hold: needs 1 sign-off"), "{written}");

    org.sign("sen", &["sign", "main..retry", "--yes"]);
    org.push(&["refs/countersign/signoffs"]);
    let said = github("pull_request_target", "main", &head, "");
    assert!(said.ends_with("exit 0\n"), "{said}");

    // Who opened it is not written into what the shell reads.
    assert!(runs.iter().all(|run| !run.contains("${{")), "{runs:?}");
    // Under a senior's mailbox it is still the junior's.
    let sen = Who::new("Sen Senior", "sen@example.com");
    org.repo.git(&["switch", "-q", "-c", "forged", "main"]);
    let forged = org.repo.commit(sen, "Mine", &[("src/app.py", "evil()\n")]);
    org.push(&["forged"]);
    let said = github("pull_request_target", "main", &forged, "");
    assert!(said.ends_with("exit 1\n"), "{said}");

    // As the merge queue builds it.
    let onto = server.tip("main");
    org.repo.switch("main");
    let queued = org.repo.merge("retry", "Merge retry");
    org.push(&["main:gh-readonly-queue/main/pr-1"]);
    let said = github("merge_group", "refs/heads/main", &queued, &onto);
    assert!(said.ends_with("exit 0\n"), "{said}");

    let text = shown(&countersign(org.repo.path(), &["hook", "ci", "gitlab"]));
    let job: serde_json::Value =
        serde_saphyr::from_str(text.strip_prefix("exit 0\n").unwrap()).unwrap();
    assert_eq!(job["countersign"]["variables"]["GIT_DEPTH"], "0");
    let script = job["countersign"]["script"].as_array().unwrap();
    let script: Vec<&str> = script.iter().map(|line| line.as_str().unwrap()).collect();
    let dir = runner(&server);
    let work = dir.path().join("work");
    let env = [
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_COMMIT_SHA", head.as_str()),
        ("GITLAB_USER_ID", "5"),
        ("GITLAB_USER_LOGIN", "jun-at-work"),
    ];
    // GitLab runs all lines in one shell, and has fetched the change.
    let all = vec![format!("git fetch -q origin {head}"), script.join("\n")];
    let said = run_steps(&work, &all, &env);
    assert!(said.contains("Allow: all sign-offs are there"), "{said}");
    assert!(
        said.ends_with("\n") && work.join("countersign.md").exists(),
        "{said}"
    );
}
