//! The usage registry, from the first sighting to graduation, through the binary.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "set-up that fails has to fail loudly"
)]

mod common;
mod hook;

use countersign_testkit::{Who, postgres};
use hook::{Desk, shell_call};

const JUN: Who = Who::new("Jun Junior", "jun@example.com");
const PAT: Who = Who::new("Pat Principal", "pat@example.com");
const CLAUDE: &str = "\n\nCo-Authored-By: Claude Opus 4.8 <noreply@anthropic.com>\n";
const CODE: &str = "claude-code/claude-opus/agent-interactive/code/unknown";
const DATA: &str = "claude-code/claude-opus/agent-interactive/data/unknown";

/// What was said in words of its own, with the exit code first.
fn says(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "`{wanted}` is not in:\n{text}");
    }
}

fn commit(desk: &Desk, who: Who, message: &str, path: &str, text: &str) {
    desk.repo().commit(who, message, &[(path, text)]);
}

/// Some changes on the default branch, most of them with the same tool.
fn worked(changes: usize) -> Desk {
    let desk = Desk::new();
    for n in 0..changes {
        let text = format!("a = {n}\n");
        commit(
            &desk,
            JUN,
            &format!("Tune {n}{CLAUDE}"),
            "checkout/a.py",
            &text,
        );
    }
    commit(&desk, JUN, "By hand", "checkout/b.py", "b = 1\n");
    desk
}

fn read(desk: &Desk) -> String {
    std::fs::read_to_string(desk.root().join(".countersign/usage.toml")).unwrap()
}

/// Puts the file that the work tree holds onto the branch.
fn adopt(desk: &Desk) {
    desk.git(&["add", "-A"]);
    desk.git(&[
        "-c",
        "user.name=Pat",
        "-c",
        "user.email=pat@example.com",
        "commit",
        "-qm",
        "Say so",
    ]);
}

#[test]
fn without_a_database_the_history_is_read() {
    let desk = worked(2);
    commit(
        &desk,
        JUN,
        &format!("Index{CLAUDE}"),
        "checkout/migrations/1.sql",
        "SELECT 1;\n",
    );
    let scanned = desk.countersign(&["usage", "scan"]);
    says(
        &scanned,
        &[
            "exit 0\n",
            "2 patterns of AI use",
            CODE,
            DATA,
            "novel: not registered",
            "nothing was recorded",
        ],
    );
    let listed = desk.countersign(&["usage", "list"]);
    says(
        &listed,
        &[
            "exit 0\nAI took part in 50 % to 100 % of 6 changes",
            "cannot tell: no incident is recorded",
            "unset",
        ],
    );
    let wrong = desk.countersign(&[
        "usage",
        "show",
        "claude-code/claude-opus/agent-interactive/code/local",
    ]);
    says(&wrong, &["exit 66\n", "nobody has seen", "did you mean"]);
    let slip = desk.countersign(&["usage", "show", "claude-code"]);
    says(&slip, &["exit 64\n", "is not a pattern"]);
}

#[test]
fn a_pattern_counts_once_the_branch_says_so() {
    let desk = worked(1);
    desk.git(&["checkout", "-qb", "work"]);
    commit(
        &desk,
        JUN,
        &format!("More{CLAUDE}"),
        "checkout/a.py",
        "a = 99\n",
    );
    let next =
        format!("countersign usage register {CODE} --owner PERSON --maturity trial --expires DATE");
    let check = || desk.countersign(&["check", "main..work"]);
    says(
        &check(),
        &[CODE, "novel: no entry of usage.toml covers it", &next],
    );

    for (args, wanted) in [
        (
            vec!["--maturity", "trial"],
            "a trial has an owner and an end",
        ),
        (
            vec!["--owner", "pet", "--maturity", "novel"],
            "did you mean `pat`?",
        ),
        (vec!["--owner", "pat"], "a new entry needs `--maturity`"),
        (
            vec![
                "--owner",
                "pat",
                "--maturity",
                "trial",
                "--expires",
                "2020-01-01",
            ],
            "is over",
        ),
        (vec!["--maturity", "established"], "invalid value"),
    ] {
        let mut all = vec!["usage", "register", CODE];
        all.extend(args);
        let refused = desk.countersign(&all);
        assert!(!refused.starts_with("exit 0"), "{refused}");
        says(&refused, &[wanted]);
        assert!(!desk.root().join(".countersign/usage.toml").exists());
    }

    desk.git(&["checkout", "-q", "main"]);
    let args = [
        "usage",
        "register",
        CODE,
        "--owner",
        "pat",
        "--maturity",
        "trial",
        "--expires",
        "2099-01-01",
    ];
    let written = desk.countersign(&args);
    says(
        &written,
        &[
            "exit 0\n",
            "[[usage]]",
            "owner = \"pat\"",
            "it counts once it is on the protected branch",
        ],
    );
    says(&check(), &["novel: no entry"]);
    adopt(&desk);
    let known = check();
    assert!(!known.contains("usage register"), "{known}");

    // what is said later is added, and nothing else is lost
    let file = desk.root().join(".countersign/usage.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let commented = text.replace("maturity = \"trial\"", "maturity = \"trial\" # for a while");
    std::fs::write(&file, format!("# ours\n{commented}")).unwrap();
    let more = desk.countersign(&[
        "usage",
        "register",
        CODE,
        "--in-place",
        "canary",
        "--safeguard",
        "dump first",
    ]);
    says(
        &more,
        &["not in place, so it still counts as novel: dump first"],
    );
    let text = std::fs::read_to_string(&file).unwrap();
    says(
        &text,
        &[
            "# ours\n",
            "# for a while",
            "in_place = [\"canary\"]",
            "safeguards = [\"dump first\"]",
        ],
    );
    assert_eq!(text.matches("[[usage]]").count(), 1);
    adopt(&desk);
    says(&check(), &["lacks: dump first"]);
}

#[test]
fn a_cap_is_held_for_the_change_that_goes_over_it() {
    let desk = worked(3);
    let file = desk.root().join(".countersign/usage.toml");
    let entry = |most: u32| {
        let text = format!(
            "version = 1\n[[usage]]\nid = \"claude\"\ntool = \"claude-code\"\nmaturity = \"trial\"\nweekly_changes = {most}\n"
        );
        std::fs::write(&file, text).unwrap();
        adopt(&desk);
    };
    entry(4);
    desk.git(&["checkout", "-qb", "work"]);
    commit(
        &desk,
        JUN,
        &format!("More{CLAUDE}"),
        "checkout/a.py",
        "a = 99\n",
    );
    let now = desk.repo().git(&["log", "-1", "--format=%cI"]);
    let now = now.trim();
    let check = || desk.countersign(&["check", "main..work", "--now", now]);
    assert!(!check().contains("allows"), "{}", check());
    desk.git(&["checkout", "-q", "main"]);
    entry(3);
    says(
        &check(),
        &["novel: change 4 in seven days; `claude` allows 3"],
    );
}

/// The whole way on one engine.
fn all_the_way(desk: &Desk, db: &str) {
    let run = |args: &[&str]| {
        let mut all = args.to_vec();
        all.extend(["--db", db]);
        desk.countersign(&all)
    };
    says(&run(&["db", "migrate"]), &["exit 0\n"]);
    says(&run(&["record", "changes"]), &["exit 0\nrecorded"]);

    // the guard's real log, twice
    desk.hook(
        "kiro",
        &shell_call("kiro", "terraform destroy -auto-approve", desk.root()),
    );
    desk.hook("kiro", &shell_call("kiro", "terraform plan", desk.root()));
    says(
        &run(&["record", "guard-log"]),
        &["recorded 2 guard decisions"],
    );
    says(
        &run(&["record", "guard-log"]),
        &["recorded 0 guard decisions  2 known already"],
    );

    let first = run(&["usage", "scan"]);
    says(
        &first,
        &["not seen before", CODE, "kiro/unknown/unknown/operations/"],
    );
    let again = run(&["usage", "scan"]);
    says(&again, &[", 0 not seen before"]);

    // one incident that came from a change with it, one that nobody looked at
    let change = desk.repo().git(&["rev-parse", "HEAD~1"]);
    let root = desk.repo().git(&["rev-list", "--max-parents=0", "HEAD"]);
    let landed = format!("root:{}@{}", root.trim(), change.trim());
    for id in ["INC-1", "INC-2"] {
        says(
            &run(&[
                "incident",
                "add",
                "Checkout down",
                "--id",
                id,
                "--started",
                "now",
                "--by",
                "pat",
            ]),
            &["recorded"],
        );
    }
    says(
        &run(&["usage", "list"]),
        &["cannot tell: no incident is linked to a change"],
    );
    says(
        &run(&["link", "confirm", "INC-1", &landed, "--by", "pat"]),
        &["exit 0\n"],
    );
    let listed = run(&["usage", "list"]);
    says(
        &listed,
        &[
            "2 incidents recorded; of 1 nobody knows",
            "the upper ends count every unlinked incident",
        ],
    );
    let shown = run(&["usage", "show", CODE]);
    says(
        &shown,
        &[
            "novel: not registered",
            "missing",
            "no entry covers it: register it first",
        ],
    );

    let refused = run(&["usage", "graduate", CODE]);
    says(
        &refused,
        &[
            "exit 1\nNOT YET",
            "nobody linked counted against it",
            "300 are asked for",
        ],
    );
    let due = run(&["usage", "review"]);
    says(&due, &["exit 1\n", "novel: nobody registered it", CODE]);
}

#[test]
fn the_whole_way_on_sqlite() {
    let desk = worked(4);
    let db = desk.home().join("ops.db").display().to_string();
    all_the_way(&desk, &db);
}

#[test]
fn the_whole_way_on_postgresql() {
    let Some(server) = postgres::server() else {
        return;
    };
    let database = server.database();
    all_the_way(&worked(4), &database.url());
}

#[test]
fn what_has_shown_enough_graduates() {
    let desk = worked(30);
    let text = "version = 1\n[maturity.established]\nsafeguards = [\"canary\"]\n[graduation]\nchanges = 30\nincidents_per_1000 = 200\nage = \"1m\"\n\n# what we use most\n[[usage]]\nid = \"code\"\nactivity = \"code\"\nmaturity = \"trial\"\nowner = \"pat\"\nin_place = [\"canary\"]\nreviewed = \"2020-01-01\"\nexpires = \"2099-01-01\"\n";
    commit(&desk, PAT, "Register", ".countersign/usage.toml", text);
    let db = desk.home().join("ops.db").display().to_string();
    let run = |args: &[&str]| {
        let mut all = args.to_vec();
        all.extend(["--db", &db]);
        desk.countersign(&all)
    };
    run(&["db", "migrate"]);
    run(&["record", "changes"]);
    let silent = run(&["usage", "graduate", CODE]);
    says(&silent, &["exit 1\n", "silence proves nothing"]);
    run(&[
        "incident",
        "add",
        "Power cut",
        "--id",
        "INC-1",
        "--started",
        "now",
        "--by",
        "pat",
    ]);
    run(&["link", "confirm", "INC-1", "none", "--by", "pat"]);
    let dry = run(&["usage", "graduate", CODE, "--dry-run"]);
    // the rule of three: -ln(0.05) / 30 is 99.86 per 1,000
    says(
        &dry,
        &[
            "exit 0\nREADY",
            "at most 99.86 per 1,000",
            "in place: canary",
            "pat answers for it",
        ],
    );
    assert_eq!(read(&desk), text);
    let done = run(&["usage", "graduate", CODE]);
    says(
        &done,
        &[
            "maturity = \"established\"",
            "it counts once it is on the protected branch",
        ],
    );
    let written = read(&desk);
    says(
        &written,
        &[
            "# what we use most",
            "id = \"claude-code-claude-opus-agent-interactive-code\"",
        ],
    );
    adopt(&desk);
    says(&run(&["usage", "list"]), &["established"]);
    says(
        &run(&["usage", "graduate", CODE]),
        &["exit 1\n", "nothing is left to do"],
    );
    let kept = run(&["ledger", "show", "--kind", "usage", "--json"]);
    says(&kept, &["at_most_per_million\\\":99858"]);
    says(&run(&["usage", "review"]), &["exit 0\nnothing is due"]);
}
