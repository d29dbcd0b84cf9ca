//! The other commands, end to end.

#![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

mod common;

use common::{Org, countersign, shown};
use countersign_testkit::{GitRepo, Who};

const JUN: Who = Who::new("Jun Junior", "jun@example.com");
const SEN: Who = Who::new("Sen \"S\" Senior", "sen@example.com");
const CLAUDE: &str = "\n\nCo-Authored-By: Claude Opus 4.8 <noreply@anthropic.com>\n";

fn run(dir: &std::path::Path, args: &[&str]) -> String {
    shown(&countersign(dir, args))
}

#[test]
fn init_writes_valid_files_once() {
    let repo = GitRepo::new();
    repo.commit(
        JUN,
        "one",
        &[
            ("a", "1\n"),
            (".github/CODEOWNERS", "* @shop/all @octocat\n"),
        ],
    );
    repo.commit(SEN, "two", &[("a", "2\n")]);
    let bot = Who::new(
        "dependabot[bot]",
        "49699333+dependabot[bot]@users.noreply.github.com",
    );
    repo.commit(bot, "three", &[("a", "3\n")]);
    let private = Who::new("Sen \"S\" Senior", "77+sen@users.noreply.github.com");
    repo.commit(private, "four", &[("a", "4\n")]);
    insta::assert_snapshot!(run(repo.path(), &["init"]), @"
    exit 0
    wrote  .countersign/policy.toml   which sign-off a change needs
    wrote  .countersign/people.toml   who works here, and how senior
    wrote  .countersign/usage.toml    how you use AI, and how established it is
    wrote  .countersign/catalog.yaml  what runs, who owns it, what it needs

    3 people found in the history. Set each one's level in .countersign/people.toml, then:
      countersign policy check             can everyone still work?
      countersign backtest --since 90d     what would it have cost?
      git add .countersign && git commit   rules count from the commit after
      countersign check                    judge a change
    ");
    let people = std::fs::read_to_string(repo.path().join(".countersign/people.toml")).unwrap();
    let people: Vec<&str> = people.split("[[person]]").skip(2).collect();
    insta::assert_snapshot!(people.join("[[person]]"), @r#"

    id = "sen"
    name = "Sen \"S\" Senior"
    emails = ["sen@example.com"]
    accounts = ["github:77"]
    # level = "senior"   # set me

    [[person]]
    id = "jun"
    name = "Jun Junior"
    emails = ["jun@example.com"]
    # level = "senior"   # set me

    [[person]]
    id = "octocat"
    name = "octocat"
    accounts = ["github:octocat"]
    # level = "senior"   # set me
    "#);

    // What it wrote is valid, in shadow mode, and judged from the next commit.
    assert!(run(repo.path(), &["policy", "check"]).contains("without a way forward"));
    repo.commit(SEN, "Adopt", &[]);
    repo.commit(JUN, "change", &[("a", "5\n")]);
    let said = run(repo.path(), &["check", "--json"]);
    assert!(said.starts_with("exit 0\n"), "{said}");
    assert!(said.contains("\"mode\": \"shadow\"") && said.contains(".countersign/policy.toml"));

    // Never overwrites.
    std::fs::write(repo.path().join(".countersign/policy.toml"), "mine").unwrap();
    std::fs::remove_file(repo.path().join(".countersign/usage.toml")).unwrap();
    let again = run(repo.path(), &["init"]);
    assert!(again.contains("kept   .countersign/policy.toml"), "{again}");
    assert!(again.contains("wrote  .countersign/usage.toml"), "{again}");
    let kept = std::fs::read_to_string(repo.path().join(".countersign/policy.toml")).unwrap();
    assert_eq!(kept, "mine");
}

#[test]
fn scan_counts_what_is_disclosed() {
    let org = Org::new();
    for month in 0..3 {
        org.repo.commit(JUN, &format!("a {month}{CLAUDE}"), &[]);
        org.repo.commit(SEN, &format!("b {month}"), &[]);
    }
    org.repo
        .commit_with(JUN, JUN, "by hand\n\nAI-assisted: no\n", &[], &["-S"]);
    insta::assert_snapshot!(run(org.repo.path(), &["scan"]), @"
    exit 0
    AI took part in 37.5 % to 100.0 % of 8 commits  disclosed to not ruled out
      3 disclosed, 5 unknown, 0 human

      tool                          commits
      claude-code                         3

      author level                  commits  AI share
      junior                              4  75.0 to 100.0 %
      principal                           1  0.0 to 100.0 %
      senior                              3  0.0 to 100.0 %

      month     commits  █ disclosed  ░ unknown            AI share
      2026-03         8  ████████████░░░░░░░░░░░░░░░░░░░░  38 to 100 %
    ");
    insta::assert_snapshot!(run(org.repo.path(), &["scan", "--format", "csv"]), @"
    exit 0
    month,commits,ai,unknown,human,at_least_percent,at_most_percent
    2026-03,8,3,5,0,37.50,100.00
    ");
    let json = run(org.repo.path(), &["scan", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(json.split_once('\n').unwrap().1).unwrap();
    assert_eq!(json["schema"], "countersign.scan/1");
    assert_eq!(json["total"]["yes"], 3);
    assert_eq!(json["tools"]["claude-code"], 3);
    let none = run(org.repo.path(), &["scan", "--since", "2030-01-01"]);
    assert_eq!(none, "exit 0\nno commits in this time\n");
    let wrong = run(org.repo.path(), &["scan", "--since", "yesterday"]);
    assert!(wrong.starts_with("exit 64\n"), "{wrong}");
}

#[test]
fn backtest_prints_its_table() {
    let org = Org::new();
    for day in 0..4 {
        org.repo.commit(
            JUN,
            &format!("a {day}{CLAUDE}"),
            &[("src/a", &format!("{day}\n"))],
        );
        org.repo.commit(
            SEN,
            &format!("b {day}"),
            &[("checkout/b", &format!("{day}\n"))],
        );
    }
    let args = ["backtest", "--since", "500w"];
    insta::assert_snapshot!(run(org.repo.path(), &args), @"
    exit 0
    9 of 9 changes would have been held  last 500w, .countersign/policy.toml
      9 sign-offs, 9.0 a week
            2  by junior, 2.0 a week
            2  by mid, 2.0 a week
            2  by principal, 2.0 a week
            3  by senior, 3.0 a week

      rule                         applied   unsatisfiable
      agents-recreate-nothing            0               0
      ai-below-senior                    4               0
      ai-tier-1                          4               0
      delete-and-recreate                0               0
      own-rules                          1               0

      signer              level       sign-offs  a week  busiest week  budget  weeks over
      jun                 junior              2     2.0        10 min 120 min           0
      mia                 mid                 2     2.0        10 min 120 min           0
      pat                 principal           2     2.0        10 min 120 min           0
      sue                 senior              2     2.0        10 min 120 min           0
      sen                 senior              1     1.0        20 min 120 min           0

      demand stayed within the budgets of those who can sign
    ");
    let draft = org.repo.path().join("draft.toml");
    std::fs::write(
        &draft,
        "version = 1\n[[rule]]\nid = \"all\"\nrequire = [{ level = \"principal\" }]\n",
    )
    .unwrap();
    let draft = draft.display().to_string();
    let said = run(
        org.repo.path(),
        &["backtest", "--since", "500w", "--policy", &draft, "--json"],
    );
    let json: serde_json::Value = serde_json::from_str(said.split_once('\n').unwrap().1).unwrap();
    assert_eq!(json["changes"], 9);
    // The principal's own change could be signed by nobody.
    assert_eq!(json["unsatisfiable"], 1);
    assert_eq!(json["by_level"]["principal"], 8);
}

#[test]
fn policy_diff_finds_a_planted_weakening_and_proves_a_harmless_edit() {
    let org = Org::new();
    let text = String::from_utf8(countersign(org.repo.path(), &["policy", "show"]).stdout).unwrap();
    let write = |name: &str, text: &str| {
        let path = org.repo.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let weaker = write(
        "weaker.toml",
        &text.replace("below = \"senior\"", "below = \"mid\""),
    );
    insta::assert_snapshot!(run(org.repo.path(), &["policy", "diff", "HEAD:", &weaker]), @"
    exit 1
    1 demand lost
      compared over all 23040 cases

      ai-below-senior  asked for: 1 sign-off by at least senior, above the author
        when  author is mid; AI involvement is unknown; a merge; lands in local; tier 0
        such as  README
        now   1 sign-off, independent of the author (ai-tier-1)
        2556 of 23040 cases
    ");
    let stricter = write(
        "stricter.toml",
        &text.replace("below = \"senior\"", "below = \"principal\""),
    );
    insta::assert_snapshot!(run(org.repo.path(), &["policy", "diff", "HEAD:", &stricter]), @"
    exit 0
    nothing is let through that was held before
      proved over all 23040 cases

      asks for more in 2808 of 23040 cases
    ");
    let missing = run(
        org.repo.path(),
        &["policy", "diff", "HEAD:", "nowhere.toml"],
    );
    assert!(
        missing.starts_with("exit 66\ncountersign: reading nowhere.toml failed"),
        "{missing}"
    );
}

#[test]
fn policy_check_proves_that_everyone_can_work() {
    let org = Org::new();
    insta::assert_snapshot!(run(org.repo.path(), &["policy", "check"]), @"
    exit 0
    every author has a way forward
      .countersign/policy.toml: 5 rules in 23040 cases, 6 authors tried
    ");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let org = Org::new();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_countersign"))
        .current_dir(org.repo.path())
        .args(["policy", "show"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
