//! From a held call to one that runs once: tickets and passes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has to fail loudly"
)]

mod common;
mod hook;

use std::fs;
use std::process::Stdio;

use countersign_core::signoff::dsse::{Envelope, to_be_signed};
use countersign_core::signoff::sshsig::{NAMESPACE, unarmor};
use hook::{AGENTS, Answer, Desk, is_denial, shell_call};

const DESTROY: &str = "terraform destroy -auto-approve";

fn destroy(desk: &Desk) -> Answer {
    desk.hook("kiro", &shell_call("kiro", DESTROY, desk.root()))
}

#[test]
fn a_pass_lets_exactly_this_call_run_once() {
    for agent in AGENTS {
        let desk = Desk::new();
        let call = shell_call(agent, DESTROY, desk.root());
        let held = desk.hook(agent, &call);
        assert!(is_denial(agent, &held), "{agent}");
        let screen = desk.pass("sen", &held.ticket());
        assert!(
            screen.contains("passed: the agent can make exactly this call once"),
            "{agent}: {screen}"
        );
        let allowed = desk.hook(agent, &call);
        assert!(!is_denial(agent, &allowed), "{agent}: {allowed:?}");
        let again = desk.hook(agent, &call);
        assert!(is_denial(agent, &again), "{agent}: {again:?}");
    }
}

#[test]
fn the_screen_says_what_is_signed() {
    let desk = Desk::new();
    fs::write(desk.root().join("plan.out"), "plan").unwrap();
    let held = desk.hook(
        "kiro",
        &shell_call(
            "kiro",
            "AWS_PROFILE=ops terraform apply plan.out",
            desk.root(),
        ),
    );
    let screen = desk.pass("sen", &held.ticket());
    for wanted in [
        "kiro wants to do this, once:",
        "terraform apply plan.out",
        "target  unknown, which counts as production",
        "aws-profile ops",
        "plan.out 64879f7d",
        "refs/heads/main",
        "1 sign-off by at least senior, above the author",
    ] {
        assert!(screen.contains(wanted), "{wanted}\n{screen}");
    }
}

#[test]
fn another_person_than_the_operator_in_production() {
    let desk = Desk::new();
    let ticket = destroy(&desk).ticket();
    // Mia's agent; Mia is mid, and the operator.
    let own = desk.pass("mia", &ticket);
    assert!(own.contains("a pass by mia would not count here"), "{own}");
    let junior = desk.pass("jun", &ticket);
    assert!(
        junior.contains("still needed: 1 sign-off by at least senior"),
        "{junior}"
    );
    assert!(is_denial("kiro", &destroy(&desk)));
}

#[test]
fn the_operator_passes_what_is_lost_on_their_own_machine() {
    let desk = Desk::new();
    let call = shell_call("kiro", "rm -rf /srv/ledger", desk.root());
    let ticket = desk.hook("kiro", &call).ticket();
    let own = desk.pass("mia", &ticket);
    assert!(own.contains("passed"), "{own}");
    assert!(!is_denial("kiro", &desk.hook("kiro", &call)));
}

#[test]
fn another_place_account_file_or_commit_is_another_action() {
    let passed = |command: &str, prepare: &dyn Fn(&Desk), change: &dyn Fn(&Desk) -> Answer| {
        let desk = Desk::new();
        prepare(&desk);
        let call = shell_call("kiro", command, desk.root());
        let ticket = desk.hook("kiro", &call).ticket();
        assert!(desk.pass("sen", &ticket).contains("passed"));
        let changed = change(&desk);
        assert!(is_denial("kiro", &changed), "{command}: {changed:?}");
    };
    let nothing = |_: &Desk| {};
    let same = |desk: &Desk| shell_call("kiro", DESTROY, desk.root());
    passed(DESTROY, &nothing, &|desk| {
        fs::create_dir(desk.root().join("sub")).unwrap();
        desk.hook(
            "kiro",
            &shell_call("kiro", DESTROY, &desk.root().join("sub")),
        )
    });
    passed(DESTROY, &nothing, &|desk| {
        desk.hook_with("kiro", &same(desk), &[("AWS_PROFILE", "prod")])
    });
    passed(DESTROY, &nothing, &|desk| {
        desk.hook_with("kiro", &same(desk), &[("KUBECONFIG", "/other")])
    });
    passed(DESTROY, &nothing, &|desk| {
        desk.hook("amazon-q", &same(desk))
    });
    passed(DESTROY, &nothing, &|desk| {
        desk.hook(
            "kiro",
            &shell_call(
                "kiro",
                "terraform destroy -auto-approve -no-color",
                desk.root(),
            ),
        )
    });
    passed(
        "terraform apply plan.out",
        &|desk| fs::write(desk.root().join("plan.out"), "the plan").unwrap(),
        &|desk| {
            fs::write(desk.root().join("plan.out"), "another").unwrap();
            desk.hook(
                "kiro",
                &shell_call("kiro", "terraform apply plan.out", desk.root()),
            )
        },
    );
    // The state was replaced in between, as in the outage of February 2026.
    passed(
        DESTROY,
        &|desk| fs::write(desk.root().join("terraform.tfstate"), "{\"serial\":7}").unwrap(),
        &|desk| {
            fs::write(desk.root().join("terraform.tfstate"), "{\"serial\":1}").unwrap();
            desk.hook("kiro", &same(desk))
        },
    );
    passed(DESTROY, &nothing, &|desk| {
        desk.git(&["commit", "-q", "--allow-empty", "-m", "moved on"]);
        desk.hook("kiro", &same(desk))
    });
}

#[test]
fn forged_replayed_and_strange_passes_do_not_count() {
    let desk = Desk::new();
    let ticket = destroy(&desk).ticket();
    assert!(desk.pass("sen", &ticket).contains("passed"));
    let passes = desk.guard_dir().join("passes");
    let dir = fs::read_dir(&passes)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let file = fs::read_dir(&dir).unwrap().next().unwrap().unwrap().path();
    let pass = fs::read(&file).unwrap();

    // The pass is kept and put back after it was used.
    assert!(!is_denial("kiro", &destroy(&desk)));
    fs::create_dir_all(&dir).unwrap();
    fs::write(&file, &pass).unwrap();
    let replayed = destroy(&desk);
    assert!(
        is_denial("kiro", &replayed) && replayed.text().contains("already used"),
        "{replayed:?}"
    );

    // It is put where another action looks for it.
    let other = desk.hook(
        "kiro",
        &shell_call("kiro", "terraform destroy", desk.root()),
    );
    let digest = ticket_digest(&desk, &other.ticket());
    fs::create_dir_all(passes.join(&digest)).unwrap();
    fs::write(passes.join(&digest).join("x.json"), &pass).unwrap();
    let moved = desk.hook(
        "kiro",
        &shell_call("kiro", "terraform destroy", desk.root()),
    );
    assert!(
        is_denial("kiro", &moved) && moved.text().contains("for another action"),
        "{moved:?}"
    );
}

fn ticket_digest(desk: &Desk, ticket: &str) -> String {
    let bytes = fs::read(desk.guard_dir().join(format!("tickets/{ticket}.json"))).unwrap();
    let ticket: countersign_guard::ticket::Ticket = serde_json::from_slice(&bytes).unwrap();
    ticket.action.digest().to_string()
}

#[test]
fn a_key_that_nobody_on_the_roster_has_signs_nothing() {
    let desk = Desk::new();
    let ticket = destroy(&desk).ticket();
    let key = desk.home().join("agent");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status()
        .unwrap();
    assert!(made.success());
    let screen = desk.at_terminal(
        &["pass", &ticket, "--key", key.to_str().unwrap()],
        &ticket[5..],
    );
    assert!(
        screen.contains("nobody on the roster has this key"),
        "{screen}"
    );
}

#[test]
fn two_retries_at_once_run_once() {
    let desk = Desk::new();
    let call = shell_call("kiro", DESTROY, desk.root());
    let ticket = desk.hook("kiro", &call).ticket();
    assert!(desk.pass("sen", &ticket).contains("passed"));
    let racers: Vec<_> = (0..8)
        .map(|_| {
            let (command, call) = (desk.hook_command("kiro"), call.clone());
            std::thread::spawn(move || {
                let answer = Desk::exchange(command, &call, Stdio::piped());
                usize::from(!is_denial("kiro", &answer))
            })
        })
        .collect();
    let allowed: usize = racers.into_iter().map(|racer| racer.join().unwrap()).sum();
    assert_eq!(allowed, 1);
}

#[test]
fn an_agent_cannot_pass() {
    let desk = Desk::new();
    let ticket = destroy(&desk).ticket();
    let key = desk.key("sen");
    // No terminal.
    let mut command = desk.command();
    command.args(["pass", &ticket, "--key", &key]);
    let answer = Desk::exchange(command, &ticket[5..], Stdio::piped());
    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(answer.stderr.contains("is for a person"), "{answer:?}");
    // A terminal, but inside an agent's session.
    let line = format!(
        "CLAUDECODE=1 '{}' pass {ticket} --key '{key}'",
        env!("CARGO_BIN_EXE_countersign")
    );
    let mut command = std::process::Command::new("script");
    command
        .args(["-qec", &line, "/dev/null"])
        .env("HOME", desk.home())
        .current_dir(desk.root());
    let answer = Desk::exchange(command, &format!("{}\n", &ticket[5..]), Stdio::piped());
    assert!(
        answer
            .stdout
            .contains("`CLAUDECODE` says that an agent started this"),
        "{answer:?}"
    );
    assert!(is_denial("kiro", &destroy(&desk)));
    // Someone who types the wrong word has not signed.
    let screen = desk.at_terminal(&["pass", &ticket, "--key", &key], "yes");
    assert!(screen.contains("not signed"), "{screen}");
    assert!(is_denial("kiro", &destroy(&desk)));
}

#[test]
fn someone_on_another_machine_can_pass() {
    let desk = Desk::new();
    let call = shell_call("kiro", DESTROY, desk.root());
    let ticket = desk.hook("kiro", &call).ticket();
    let (request, answer) = (desk.home().join("r.ticket"), desk.home().join("r.pass"));
    let (request, answer) = (request.to_str().unwrap(), answer.to_str().unwrap());
    let asked = desk.at_terminal(&["pass", &ticket, "--ask", request], "");
    assert!(asked.contains("countersign pass --answer"), "{asked}");
    let signed = desk.at_terminal(
        &["pass", "--answer", request, "--key", &desk.key("sen")],
        &ticket[5..],
    );
    assert!(signed.contains("signed into"), "{signed}");
    assert!(is_denial("kiro", &desk.hook("kiro", &call)));
    let taken = desk.at_terminal(&["pass", "--take", answer], "");
    assert!(
        taken.contains("sen passes `terraform destroy -auto-approve`"),
        "{taken}"
    );
    assert!(!is_denial("kiro", &desk.hook("kiro", &call)));
}

#[test]
fn a_ticket_that_an_agent_wrote_gains_nothing() {
    let desk = Desk::new();
    let ticket = destroy(&desk).ticket();
    let path = desk.guard_dir().join(format!("tickets/{ticket}.json"));
    let text = fs::read_to_string(&path).unwrap();
    // It shows something harmless under the same name.
    fs::write(&path, text.replace(DESTROY, "terraform plan")).unwrap();
    let screen = desk.pass("sen", &ticket);
    assert!(screen.contains("holds another action"), "{screen}");
}

/// Without a disk that takes the mark, a pass is not used.
#[test]
fn a_pass_that_cannot_be_marked_as_used_is_not_used() {
    let desk = Desk::new();
    let ticket = destroy(&desk).ticket();
    assert!(desk.pass("sen", &ticket).contains("passed"));
    fs::write(desk.guard_dir().join("spent"), "").unwrap();
    let answer = destroy(&desk);
    assert!(is_denial("kiro", &answer), "{answer:?}");
}

/// The desk where the rules ask whoever approves, and want answers.
fn asking(answers: &str) -> Desk {
    let desk = Desk::new();
    let file = ".countersign/policy.toml";
    let policy = fs::read_to_string(desk.root().join(file)).unwrap();
    let requires = "require = [{ signoffs = 1, level = \"senior\", above_author = true }]";
    assert!(policy.contains(requires));
    let questions = format!("{requires}\nquestions = [\"What is lost?\", \"How is it undone?\"]");
    let policy = policy.replace(requires, &questions).replace(
        "unmapped_tier = 3",
        &format!("answers = \"{answers}\"\nunmapped_tier = 3"),
    );
    let pat = countersign_testkit::Who::new("Pat Principal", "pat@example.com");
    desk.repo().commit(pat, "Ask", &[(file, &policy)]);
    let compiled = desk.countersign(&["guard", "compile"]);
    assert!(compiled.starts_with("exit 0"), "{compiled}");
    desk
}

/// Where the only pass here is.
fn only_pass(desk: &Desk) -> std::path::PathBuf {
    let passes = desk.guard_dir().join("passes");
    let dir = fs::read_dir(passes).unwrap().next().unwrap().unwrap();
    let file = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap();
    file.path()
}

/// The statement in an envelope.
fn payload(envelope: &[u8]) -> String {
    let envelope = Envelope::parse(envelope).unwrap();
    String::from_utf8(envelope.payload().to_vec()).unwrap()
}

/// An envelope around a statement, signed by OpenSSH with a person's key.
fn signed_again(statement: &str, key: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("statement");
    fs::write(&file, to_be_signed(statement.as_bytes())).unwrap();
    let mut command = std::process::Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f", key]);
    assert!(command.arg(&file).status().unwrap().success());
    let armor = fs::read_to_string(folder.path().join("statement.sig")).unwrap();
    let signature = unarmor(&armor).unwrap();
    Envelope::new(statement.as_bytes().to_vec(), signature).to_bytes()
}

#[test]
fn a_pass_carries_the_answers_that_the_rules_demand() {
    let desk = asking("required");
    let ticket = destroy(&desk).ticket();
    let key = desk.key("sen");
    let pass = |more: &[&str], typed: &str| {
        let args = [&["pass", &ticket, "--key", &key], more].concat();
        desk.at_terminal(&args, typed)
    };
    // Nothing is signed until each is answered.
    let silent = pass(&["--reply", "1=nothing"], "\n");
    for wanted in [
        "exit 1\n",
        "the rules ask, each to be answered",
        "1. What is lost?",
        "2. How is it undone?",
        "not signed: the policy requires an answer to each question",
    ] {
        assert!(silent.contains(wanted), "{wanted}\n{silent}");
    }
    assert!(is_denial("kiro", &destroy(&desk)));
    let wrong = pass(&["--reply", "3=nothing"], &ticket[5..]);
    assert!(wrong.contains("there is no number 3 here"), "{wrong}");

    // One on the command line, one typed, then the word.
    let typed = format!("from the backup\n{}", &ticket[5..]);
    let done = pass(&["--reply", "1=nothing: it is a copy"], &typed);
    assert!(done.contains("passed"), "{done}");
    let signed = payload(&fs::read(only_pass(&desk)).unwrap());
    let answers = r#""answers":[{"question":"What is lost?","answer":"nothing: it is a copy"},{"question":"How is it undone?","answer":"from the backup"}]"#;
    assert!(signed.contains(answers), "{signed}");
    assert!(!is_denial("kiro", &destroy(&desk)));
}

#[test]
fn a_pass_without_the_answers_does_not_count_whatever_made_it() {
    // Whoever forges the ticket leaves out the rules that ask. The signer's own
    // reading of the policy still asks; a tool that does not ask gains nothing.
    let desk = asking("required");
    let ticket = destroy(&desk).ticket();
    let path = desk.guard_dir().join(format!("tickets/{ticket}.json"));
    let text = fs::read_to_string(&path).unwrap();
    let asked = text.replace("\"ai-below-senior\",", "");
    assert_ne!(text, asked);
    fs::write(&path, asked).unwrap();
    let screen = desk.pass("sen", &ticket);
    assert!(screen.contains("What is lost?"), "{screen}");
    assert!(is_denial("kiro", &destroy(&desk)));

    // A tool that does not ask signs, with the right key, all but the answers.
    let desk = asking("required");
    let ticket = destroy(&desk).ticket();
    let key = desk.key("sen");
    let replies = ["--reply", "1=nothing", "--reply", "2=restore"];
    let args = [&["pass", &ticket, "--key", &key], &replies[..]].concat();
    let done = desk.at_terminal(&args, &ticket[5..]);
    assert!(done.contains("passed"), "{done}");
    let file = only_pass(&desk);
    let good = fs::read(&file).unwrap();
    let text = payload(&good);
    let (before, rest) = text.split_once("\"answers\":[").unwrap();
    let (_, after) = rest.split_once("],").unwrap();
    fs::write(&file, signed_again(&format!("{before}{after}"), &key)).unwrap();
    let denied = destroy(&desk);
    assert!(
        is_denial("kiro", &denied) && denied.text().contains("it does not answer `What is lost?`"),
        "{denied:?}"
    );
    // Only that was wrong with it.
    fs::write(&file, signed_again(&text, &key)).unwrap();
    assert!(!is_denial("kiro", &destroy(&desk)));

    // Where answers are optional it is asked, and counts without.
    let desk = asking("optional");
    let ticket = destroy(&desk).ticket();
    let key = desk.key("sen");
    let typed = format!("\n\n{}", &ticket[5..]);
    let done = desk.at_terminal(&["pass", &ticket, "--key", &key], &typed);
    assert!(
        done.contains("the rules ask\n") && done.contains("passed"),
        "{done}"
    );
    assert!(!is_denial("kiro", &destroy(&desk)));
}
