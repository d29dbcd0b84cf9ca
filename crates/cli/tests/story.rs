//! The cases of the story, end to end: real repositories, the real binary.

#![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

mod common;

use common::{Org, run_check};
use countersign_testkit::Who;

const JUN: Who = Who::new("Jun Junior", "jun@example.com");
const MIA: Who = Who::new("Mia Mid", "mia@example.com");
const SEN: Who = Who::new("Sen Senior", "sen@example.com");

const CLAUDE: &str = "\n\nCo-Authored-By: Claude Opus 4.8 <noreply@anthropic.com>\n";

#[test]
fn a_junior_with_an_agent_session_is_held_for_a_senior() {
    let org = Org::new();
    org.repo.branch("retry");
    org.repo.commit(
        JUN,
        &format!("Retry payments{CLAUDE}"),
        &[("src/pay.rs", "a\nb\n")],
    );
    insta::assert_snapshot!(run_check(&org, &[]), @"
    exit 1
    HOLD  needs 1 sign-off

      change       main..HEAD  1 commit, 1 file, 2 lines
      made by      jun (junior)  level junior
      AI involved  yes (wrote)  claude-code
      usage        claude-code/claude-opus/agent-interactive/code/unknown  novel: no entry of usage.toml covers it
      lines        2 AI-assisted, 0 unknown, 0 human
      evidence     agent session  0c86761 co-author  Co-Authored-By: Claude Opus 4.8 <noreply@anthropic.com>

      • ai-below-senior  AI-assisted changes by people below senior need a more senior pair of eyes
        because AI involvement is yes or unknown; author is below senior
        needs 1 sign-off by at least senior, above the author: nobody yet

      can sign      sen, sue, pat

      countersign sign main..HEAD   for someone who can sign
      countersign usage register claude-code/claude-opus/agent-interactive/code/unknown --owner PERSON --maturity trial --expires DATE   for whoever answers for it
    ");
}

#[test]
fn a_mid_level_engineer_with_aider_is_held() {
    let org = Org::new();
    org.repo.branch("topic");
    let aider = Who::new("Mia Mid (aider)", "mia@example.com");
    org.repo
        .commit(aider, "Add a cache", &[("src/cache.rs", "a\n")]);
    insta::assert_snapshot!(run_check(&org, &[]), @"
    exit 1
    HOLD  needs 1 sign-off

      change       main..HEAD  1 commit, 1 file, 1 line
      made by      mia (mid)  level mid
      AI involved  yes (wrote, executed)  aider
      usage        aider/unknown/agent-autonomous/code/unknown  novel: no entry of usage.toml covers it
      lines        1 AI-assisted, 0 unknown, 0 human
      evidence     agent authored  4dfb249 author  Mia Mid (aider) <mia@example.com>

      • ai-below-senior  AI-assisted changes by people below senior need a more senior pair of eyes
        because AI involvement is yes or unknown; author is below senior
        needs 1 sign-off by at least senior, above the author: nobody yet

      can sign      sen, sue, pat

      countersign sign main..HEAD   for someone who can sign
      countersign usage register aider/unknown/agent-autonomous/code/unknown --owner PERSON --maturity trial --expires DATE   for whoever answers for it
    ");
}

#[test]
fn a_senior_without_a_marker_is_unknown_and_allowed() {
    let org = Org::new();
    org.repo.branch("topic");
    org.repo.commit(SEN, "Tidy up", &[("src/x.rs", "a\n")]);
    insta::assert_snapshot!(run_check(&org, &[]), @"
    exit 0
    ALLOW  no sign-off needed

      change       main..HEAD  1 commit, 1 file, 1 line
      made by      sen (senior)  level senior
      AI involved  unknown
      lines        0 AI-assisted, 1 unknown, 0 human
    ");
}

#[test]
fn a_signed_human_declaration_frees_a_junior() {
    let org = Org::new();
    org.repo.branch("topic");
    let message = "Fix a typo\n\nAI-assisted: no\n";
    org.repo
        .commit_with(JUN, JUN, message, &[("README", "a\n")], &["-S"]);
    insta::assert_snapshot!(run_check(&org, &[]), @"
    exit 0
    ALLOW  no sign-off needed

      change       main..HEAD  1 commit, 1 file, 2 lines
      made by      jun (junior)  level junior
      AI involved  no
      lines        0 AI-assisted, 0 unknown, 2 human
      evidence     human  125dcbb declaration  AI-assisted: no
    ");
}

#[test]
fn an_unsigned_human_declaration_does_not() {
    let org = Org::new();
    org.repo.branch("topic");
    org.repo
        .commit(JUN, "Fix a typo\n\nAI-assisted: no\n", &[("README", "a\n")]);
    insta::assert_snapshot!(run_check(&org, &[]), @"
    exit 1
    HOLD  needs 1 sign-off

      change       main..HEAD  1 commit, 1 file, 2 lines
      made by      jun (junior)  level junior
      AI involved  unknown
      lines        0 AI-assisted, 2 unknown, 0 human
      evidence     human (unsigned, so it does not count)  15bae67 declaration  AI-assisted: no

      • ai-below-senior  AI-assisted changes by people below senior need a more senior pair of eyes
        because AI involvement is yes or unknown; author is below senior
        needs 1 sign-off by at least senior, above the author: nobody yet

      can sign      sen, sue, pat

      countersign sign main..HEAD   for someone who can sign
    ");
}

#[test]
fn a_squash_that_lost_its_trailers_is_judged_from_the_originals() {
    let org = Org::new();
    org.repo.branch("retry");
    org.repo
        .commit(JUN, &format!("wip{CLAUDE}"), &[("src/pay.rs", "a\nb\n")]);
    org.repo.commit(JUN, "more", &[("src/pay.rs", "a\nb\nc\n")]);
    org.repo.switch("main");
    org.repo.branch("landing");
    org.repo.squash("retry", JUN, "Retry payments (#12)");
    insta::assert_snapshot!(run_check(&org, &[]), @"
    exit 1
    HOLD  needs 1 sign-off

      change       main..HEAD  1 commit, 1 file, 3 lines
      made by      jun (junior)  level junior
      AI involved  yes (wrote)  claude-code
      usage        claude-code/claude-opus/agent-interactive/code/unknown  novel: no entry of usage.toml covers it
      lines        3 AI-assisted, 0 unknown, 0 human
                   AI markers are suppressed here, so their absence says even less
      evidence     agent session  f107aae squash origin  658c40c: Co-Authored-By: Claude Opus 4.8 <noreply@anthropic.com>
                   suppressed  f107aae squash origin  markers on refs/heads/retry are missing in the squash

      • ai-below-senior  AI-assisted changes by people below senior need a more senior pair of eyes
        because AI involvement is yes or unknown; author is below senior
        needs 1 sign-off by at least senior, above the author: nobody yet

      can sign      sue, pat, sen

      countersign sign main..HEAD   for someone who can sign
      countersign usage register claude-code/claude-opus/agent-interactive/code/unknown --owner PERSON --maturity trial --expires DATE   for whoever answers for it
    ");
}

#[test]
fn suppressed_markers_are_evidence() {
    let org = Org::new();
    org.repo.branch("topic");
    let settings = "{ \"includeCoAuthoredBy\": false }\n";
    org.repo
        .commit(MIA, "Settings", &[(".claude/settings.json", settings)]);
    insta::assert_snapshot!(run_check(&org, &[]), @"
    exit 1
    HOLD  needs 1 sign-off

      change       main..HEAD  1 commit, 1 file, 1 line
      made by      mia (mid)  level mid
      AI involved  unknown
      lines        0 AI-assisted, 1 unknown, 0 human
                   AI markers are suppressed here, so their absence says even less
      evidence     suppressed  configuration  .claude/settings.json: includeCoAuthoredBy=false

      • ai-below-senior  AI-assisted changes by people below senior need a more senior pair of eyes
        because AI involvement is yes or unknown; author is below senior
        needs 1 sign-off by at least senior, above the author: nobody yet

      can sign      sen, sue, pat

      countersign sign main..HEAD   for someone who can sign
    ");
}

#[test]
fn a_tier_one_service_needs_an_independent_pair_of_eyes() {
    let org = Org::new();
    org.repo.branch("topic");
    org.repo.commit(
        SEN,
        &format!("Checkout{CLAUDE}"),
        &[("checkout/main.rs", "a\n")],
    );
    insta::assert_snapshot!(run_check(&org, &[]), @"
    exit 1
    HOLD  needs 1 sign-off

      change       main..HEAD  1 commit, 1 file, 1 line
      made by      sen (senior)  level senior
      services     checkout  tier 1
      owned by     @shop/checkout
      AI involved  yes (wrote)  claude-code
      usage        claude-code/claude-opus/agent-interactive/code/unknown  novel: no entry of usage.toml covers it
      lines        1 AI-assisted, 0 unknown, 0 human
      evidence     agent session  a9dee22 co-author  Co-Authored-By: Claude Opus 4.8 <noreply@anthropic.com>

      • ai-tier-1  on tier-1 services an AI-assisted change needs an independent sign-off, whoever made it
        because AI involvement is yes or unknown; tier 1 or less
        needs 1 sign-off, independent of the author: nobody yet

      can sign      jun, mia, sue, pat

      countersign sign main..HEAD   for someone who can sign
      countersign usage register claude-code/claude-opus/agent-interactive/code/unknown --owner PERSON --maturity trial --expires DATE   for whoever answers for it
    ");
}

#[test]
fn the_rules_of_the_base_judge_a_change_of_the_rules() {
    let org = Org::new();
    org.repo.branch("topic");
    let weaker = "version = 1\n";
    org.repo
        .commit(MIA, "No rules", &[(".countersign/policy.toml", weaker)]);
    insta::assert_snapshot!(run_check(&org, &[]), @"
    exit 1
    HOLD  needs 1 sign-off

      change       main..HEAD  1 commit, 1 file, 88 lines
      made by      mia (mid)  level mid
      AI involved  unknown
      lines        0 AI-assisted, 88 unknown, 0 human

      • ai-below-senior  AI-assisted changes by people below senior need a more senior pair of eyes
        because AI involvement is yes or unknown; author is below senior
        needs 1 sign-off by at least senior, above the author: nobody yet

      • own-rules  changes to what Countersign judges by need a sign-off of the highest level present
        because touches `.countersign/**`, `**/catalog-info.yaml`, `CODEOWNERS`, `.github/CODEOWNERS`, `.gitlab/CODEOWNERS` or `docs/CODEOWNERS`
        needs 1 sign-off by the highest level present: nobody yet

      can sign      pat

      countersign sign main..HEAD   for someone who can sign
    ");
}

#[test]
fn without_files_the_built_in_policy_is_shown_in_shadow() {
    let repo = countersign_testkit::GitRepo::new();
    repo.commit(JUN, "one", &[("a", "1\n")]);
    repo.commit(JUN, &format!("two{CLAUDE}"), &[("a", "2\n")]);
    insta::assert_snapshot!(common::check(repo.path(), &[]), @"
    exit 0
    HOLD  needs 1 sign-off by at least senior, above the author  [shadow: nothing is stopped]

      change       HEAD^..HEAD  1 commit, 1 file, 2 lines
      made by      Jun Junior <jun@example.com> (not on the roster)  level junior
      AI involved  yes (wrote)  claude-code
      lines        2 AI-assisted, 0 unknown, 0 human
      evidence     agent session  1fb3237 co-author  Co-Authored-By: Claude Opus 4.8 <noreply@anthropic.com>

      • ai-below-senior  AI-assisted changes by people below senior need a more senior pair of eyes
        because AI involvement is yes or unknown; author is below senior
        needs 1 sign-off by at least senior, above the author: no roster says who could

      countersign init   adopt Countersign here: writes policy and roster to edit
    ");
}

#[test]
fn markdown_and_sarif_say_the_same() {
    let org = Org::new();
    org.repo.branch("retry");
    org.repo.commit(
        JUN,
        &format!("Retry payments{CLAUDE}"),
        &[("src/pay.rs", "a\nb\n")],
    );
    insta::assert_snapshot!(run_check(&org, &["--format", "markdown"]), @"
    exit 1
    ### ⏸️ Hold: needs 1 sign-off

    1 commit in ` main..HEAD `, 2 lines. AI involvement: **yes** (claude-code). Author level: **junior**.

    - [ ] **ai-below-senior** AI-assisted changes by people below senior need a more senior pair of eyes
      - needs 1 sign-off by at least senior, above the author: nobody yet

    Can sign: sen, sue, pat

    <details><summary>Evidence</summary>

    | claim | where | commit | words |
    | --- | --- | --- | --- |
    | agent session | co-author | 0c86761 | ` Co-Authored-By: Claude Opus 4.8 <noreply@anthropic.com> ` |

    </details>
    ");
    insta::assert_snapshot!(run_check(&org, &["--format", "sarif"]), @r#"
    exit 1
    {
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
      "runs": [
        {
          "properties": {
            "mode": "enforce",
            "verdict": "hold"
          },
          "results": [
            {
              "level": "warning",
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": ".countersign/policy.toml"
                    }
                  }
                }
              ],
              "message": {
                "text": "AI-assisted changes by people below senior need a more senior pair of eyes: needs 1 sign-off by at least senior, above the author: nobody yet"
              },
              "partialFingerprints": {
                "countersign/v1": "ai-below-senior:0c86761c78a21c8ce9da597de92b817a942fbf23"
              },
              "ruleId": "ai-below-senior"
            }
          ],
          "tool": {
            "driver": {
              "name": "countersign",
              "rules": [
                {
                  "id": "ai-below-senior",
                  "shortDescription": {
                    "text": "AI-assisted changes by people below senior need a more senior pair of eyes"
                  }
                }
              ],
              "version": "0.1.0"
            }
          }
        }
      ],
      "version": "2.1.0"
    }
    "#);
}

#[test]
fn the_same_question_gives_the_same_bytes() {
    let org = Org::new();
    org.repo.branch("retry");
    org.repo.commit(
        JUN,
        &format!("Retry payments{CLAUDE}"),
        &[("src/pay.rs", "a\nb\n")],
    );
    let once = run_check(&org, &["--json"]);
    assert_eq!(once, run_check(&org, &["--json"]));
    let json: serde_json::Value = serde_json::from_str(once.split_once('\n').unwrap().1).unwrap();
    assert_eq!(json["schema"], "countersign.check/1");
    assert_eq!(json["verdict"], "hold");
    assert_eq!(json["involvement"]["tools"][0], "claude-code");
}
