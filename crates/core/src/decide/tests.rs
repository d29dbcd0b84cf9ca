//! Table and property tests of the decision.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::effect::{Environment, Verb};
use crate::facts::Kind;
use crate::involvement::{Role, Verdict as Ai};
use crate::moment::parse_utc;
use crate::policy::{self, Policy};
use crate::roster::{self, Level};

const PEOPLE: &str = r#"version = 1
[[person]]
id = "jun"
level = "junior"
manager = "sen"
teams = ["shop"]
[[person]]
id = "mia"
level = "mid"
teams = ["shop"]
[[person]]
id = "sen"
level = "senior"
teams = ["shop"]
[[person]]
id = "sue"
level = "senior"
teams = ["payments"]
[[person]]
id = "pat"
level = "principal"
teams = ["payments"]
away = [{ from = "2026-08-01", until = "2026-08-15" }]
[[person]]
id = "old"
level = "principal"
active = false
"#;

fn people() -> Roster {
    roster::parse(PEOPLE, "people.toml").unwrap()
}

fn now() -> Timestamp {
    parse_utc("2026-03-10T12:00Z").unwrap()
}

fn rules(text: &str) -> Policy {
    policy::parse(
        &format!("version = 1\n{text}"),
        "policy.toml",
        people().levels(),
    )
    .unwrap()
}

fn at(roster: &Roster, id: &str) -> usize {
    roster.index_of(id).unwrap()
}

fn made_by(authors: &[&str]) -> Facts {
    let roster = people();
    let authors: PersonSet = authors.iter().map(|id| at(&roster, id)).collect();
    Facts {
        author_level: authors
            .iter()
            .map(|index| roster.person(index).unwrap().level)
            .min()
            .unwrap_or(Level(0)),
        authors,
        irreversible: Some(false),
        ..Facts::unknown(Kind::Merge)
    }
}

fn said(id: &str, said: Said) -> SignOff {
    SignOff {
        person: at(&people(), id),
        said,
        at: parse_utc("2026-03-10T11:00Z").unwrap(),
    }
}

fn judge_at(policy: &Policy, facts: &Facts, signoffs: &[SignOff], now: Timestamp) -> Decision {
    let seen = policy.observe(facts, now);
    decide(
        policy,
        &people(),
        facts,
        &seen,
        signoffs,
        &Load::default(),
        now,
    )
}

fn judge(policy: &Policy, facts: &Facts, approvals: &[&str]) -> Decision {
    let signoffs: Vec<SignOff> = approvals.iter().map(|id| said(id, Said::Approve)).collect();
    judge_at(policy, facts, &signoffs, now())
}

fn who_could(decision: &Decision) -> Vec<Vec<String>> {
    let roster = people();
    decision
        .way
        .acts
        .iter()
        .map(|act| {
            let ids = act
                .candidates
                .iter()
                .map(|index| roster.person(*index).unwrap().id.clone());
            ids.collect()
        })
        .collect()
}

#[test]
fn the_rule_of_the_story() {
    let policy = Policy::builtin(people().levels()).unwrap();
    for (involvement, author, approvals, wanted) in [
        (Ai::Yes, "jun", &[][..], Verdict::Hold),
        (Ai::Unknown, "jun", &[], Verdict::Hold),
        (Ai::No, "jun", &[], Verdict::Allow),
        (Ai::Yes, "mia", &[], Verdict::Hold),
        (Ai::Yes, "sen", &[], Verdict::Allow),
        (Ai::Yes, "jun", &["jun"], Verdict::Hold),
        (Ai::Yes, "jun", &["mia"], Verdict::Hold),
        (Ai::Yes, "jun", &["old"], Verdict::Hold),
        (Ai::Yes, "jun", &["sen"], Verdict::Allow),
        (Ai::Yes, "mia", &["pat"], Verdict::Allow),
    ] {
        let facts = Facts {
            involvement,
            ..made_by(&[author])
        };
        let decision = judge(&policy, &facts, approvals);
        assert_eq!(
            decision.verdict, wanted,
            "{involvement:?} {author} {approvals:?}"
        );
    }
}

#[test]
fn delete_and_recreate() {
    use Environment::{Development, Production, Staging, Unknown};
    use Verdict::{Allow, Hold, Refuse};
    let policy = Policy::builtin(people().levels()).unwrap();
    let agent = |verb, environment| Facts {
        involvement: Ai::Yes,
        roles: BTreeSet::from([Role::Executed]),
        effects: BTreeSet::from([Verb::Create, verb]),
        environment,
        kind: Kind::Plan,
        ..made_by(&["sen"])
    };
    let person = |verb, environment| Facts {
        involvement: Ai::Unknown,
        roles: BTreeSet::new(),
        ..agent(verb, environment)
    };
    for (facts, approvals, wanted) in [
        (agent(Verb::Replace, Production), &["pat"][..], Refuse),
        (agent(Verb::Delete, Production), &["pat"], Refuse),
        (agent(Verb::Delete, Unknown), &["pat"], Refuse),
        (agent(Verb::Unknown, Production), &["pat"], Refuse),
        (agent(Verb::Update, Production), &[], Allow),
        (agent(Verb::Replace, Staging), &[], Hold),
        (agent(Verb::Replace, Staging), &["pat"], Allow),
        (agent(Verb::Replace, Development), &[], Allow),
        (person(Verb::Replace, Production), &[], Hold),
        (person(Verb::Replace, Production), &["mia"], Hold),
        (person(Verb::Replace, Production), &["sue"], Allow),
        (person(Verb::Replace, Staging), &[], Hold),
        (person(Verb::Replace, Staging), &["sen"], Hold),
        (person(Verb::Unknown, Staging), &[], Hold),
        (person(Verb::Forget, Staging), &[], Allow),
    ] {
        let decision = judge(&policy, &facts, approvals);
        assert_eq!(decision.verdict, wanted, "{facts:?} {approvals:?}");
    }
}

#[test]
fn tier_one_needs_someone_independent_whoever_made_it() {
    let policy = Policy::builtin(people().levels()).unwrap();
    let facts = Facts {
        involvement: Ai::Yes,
        tier: Some(1),
        ..made_by(&["sen"])
    };
    assert_eq!(judge(&policy, &facts, &[]).verdict, Verdict::Hold);
    assert_eq!(judge(&policy, &facts, &["sen"]).verdict, Verdict::Hold);
    // The author's direct report is not independent.
    assert_eq!(judge(&policy, &facts, &["jun"]).verdict, Verdict::Hold);
    assert_eq!(judge(&policy, &facts, &["mia"]).verdict, Verdict::Allow);
    // One signer serves both rules when a junior made it.
    let junior = Facts {
        authors: made_by(&["jun"]).authors,
        author_level: Level(0),
        ..facts
    };
    let decision = judge(&policy, &junior, &[]);
    assert_eq!(who_could(&decision), [["sue", "pat"]]);
}

#[test]
fn own_rules_need_the_highest_level_present() {
    let policy = Policy::builtin(people().levels()).unwrap();
    let facts = |author| Facts {
        involvement: Ai::No,
        paths: vec![".countersign/policy.toml".into()],
        ..made_by(&[author])
    };
    assert_eq!(who_could(&judge(&policy, &facts("sen"), &[])), [["pat"]]);
    assert_eq!(
        judge(&policy, &facts("sen"), &["sue"]).verdict,
        Verdict::Hold
    );
    assert_eq!(
        judge(&policy, &facts("sen"), &["pat"]).verdict,
        Verdict::Allow
    );
    // The only principal made it: the highest level present is now senior.
    assert_eq!(
        who_could(&judge(&policy, &facts("pat"), &[])),
        [["sen", "sue"]]
    );
    // Waiting until the principal is away does not lower the bar.
    let away = judge_at(
        &policy,
        &facts("sen"),
        &[],
        parse_utc("2026-08-02").unwrap(),
    );
    assert_eq!(away.verdict, Verdict::Hold);
    assert_eq!(away.way.blocked, [(2, 0)]);
}

#[test]
fn the_lowest_author_counts_and_no_author_signs() {
    let policy = Policy::builtin(people().levels()).unwrap();
    let facts = Facts {
        involvement: Ai::Yes,
        ..made_by(&["sen", "jun"])
    };
    assert_eq!(judge(&policy, &facts, &["sen"]).verdict, Verdict::Hold);
    assert_eq!(who_could(&judge(&policy, &facts, &[])), [["sue", "pat"]]);
}

#[test]
fn vetoes_and_expiry() {
    let policy = rules(
        "[settings]\nsignoff_expires = \"2h\"\nveto_level = \"mid\"\n\
         [[rule]]\nid = \"r\"\nrequire = [{ level = \"mid\" }]\n",
    );
    let facts = made_by(&["jun"]);
    let with =
        |list: &[SignOff], now: &str| judge_at(&policy, &facts, list, parse_utc(now).unwrap());
    let approve = said("mia", Said::Approve);
    assert_eq!(
        with(&[approve], "2026-03-10T12:59Z").verdict,
        Verdict::Allow
    );
    let late = with(&[approve], "2026-03-10T13:00Z");
    assert_eq!(late.verdict, Verdict::Hold);
    assert_eq!(late.ignored, [(approve, IgnoredBecause::Expired)]);
    let early = with(&[approve], "2026-03-10T10:00Z");
    assert_eq!(early.ignored, [(approve, IgnoredBecause::Future)]);
    // A veto stands even after approvals, does not expire, and needs its level.
    let veto = said("sue", Said::Veto);
    assert_eq!(
        with(&[approve, veto], "2026-03-10T12:00Z").verdict,
        Verdict::Refuse
    );
    assert_eq!(with(&[veto], "2026-04-10").verdict, Verdict::Refuse);
    let facts = made_by(&["mia"]);
    let junior = judge_at(&policy, &facts, &[said("jun", Said::Veto)], now());
    assert_eq!(junior.verdict, Verdict::Hold);
    assert_eq!(junior.ignored[0].1, IgnoredBecause::LevelTooLowToVeto);
}

#[test]
fn distinct_people_cannot_serve_two_requirements() {
    let policy = rules(
        "[[rule]]\nid = \"a\"\nrequire = [{ level = \"senior\" }]\n\
         [[rule]]\nid = \"b\"\nrequire = [{ level = \"senior\", distinct = true }]\n",
    );
    let facts = made_by(&["jun"]);
    assert_eq!(judge(&policy, &facts, &[]).way.acts.len(), 2);
    let one = judge(&policy, &facts, &["sen"]);
    assert_eq!((one.verdict, one.way.acts.len()), (Verdict::Hold, 1));
    assert_eq!(
        judge(&policy, &facts, &["sen", "sue"]).verdict,
        Verdict::Allow
    );
}

#[test]
fn fewest_people_first() {
    // Owners are `shop`; one person can be senior, owner and above the author.
    let policy = rules(
        "[[rule]]\nid = \"level\"\nrequire = [{ level = \"senior\" }]\n\
         [[rule]]\nid = \"team\"\nrequire = [{ team = \"owners\" }]\n\
         [[rule]]\nid = \"above\"\nrequire = [{ above_author = true }]\n",
    );
    let facts = Facts {
        owners: BTreeSet::from(["@acme/shop".to_owned()]),
        ..made_by(&["jun"])
    };
    assert_eq!(who_could(&judge(&policy, &facts, &[])), [["sen"]]);
    assert_eq!(judge(&policy, &facts, &["sen"]).verdict, Verdict::Allow);
    let after_mia = judge(&policy, &facts, &["mia"]);
    assert_eq!(who_could(&after_mia), [["sen", "sue", "pat"]]);
}

#[test]
fn less_loaded_people_come_first() {
    let policy = rules("[[rule]]\nid = \"r\"\nrequire = [{ level = \"senior\" }]\n");
    let roster = people();
    let facts = made_by(&["jun"]);
    let seen = policy.observe(&facts, now());
    let load = Load(vec![0, 0, 60, 10, 0, 0]);
    let decision = decide(&policy, &roster, &facts, &seen, &[], &load, now());
    assert_eq!(who_could(&decision), [["pat", "sue", "sen"]]);
}

#[test]
fn cooling_time_needs_a_known_age() {
    let policy = rules("[[rule]]\nid = \"r\"\nrequire = [{ signoffs = 0, cooling = \"2h\" }]\n");
    let changed = |text: &str| Facts {
        changed_at: Some(parse_utc(text).unwrap()),
        ..made_by(&["jun"])
    };
    assert_eq!(
        judge(&policy, &changed("2026-03-10T10:00Z"), &[]).verdict,
        Verdict::Allow
    );
    let early = judge(&policy, &changed("2026-03-10T10:01Z"), &[]);
    assert_eq!(early.verdict, Verdict::Hold);
    assert_eq!(
        early.way.not_before,
        Some(parse_utc("2026-03-10T12:01Z").unwrap())
    );
    let unknown = judge(&policy, &made_by(&["jun"]), &[]);
    assert_eq!(
        (unknown.verdict, unknown.way.blocked.len()),
        (Verdict::Hold, 1)
    );
}

#[test]
fn missing_facts_count_against_the_change() {
    let policy = rules(
        "[[rule]]\nid = \"wide\"\nwhen = { services = { at_least = 10 } }\nrequire = [{}]\n\
         [[rule]]\nid = \"small\"\nunless = { customers = { at_most = 5 } }\nrefuse = true\n",
    );
    let decision = judge(&policy, &made_by(&["jun"]), &[]);
    assert_eq!(decision.verdict, Verdict::Refuse);
    assert!(matches!(&decision.rules[0], RuleResult::Requires { assumed, .. } if assumed == &[0]));
    let mut known = made_by(&["jun"]);
    known.reach.services = Some(9);
    known.reach.customers = Some(5);
    assert_eq!(judge(&policy, &known, &[]).verdict, Verdict::Allow);
}

#[test]
fn packs_hold_between_their_dates() {
    let policy = rules(
        "[[pack]]\nid = \"reset\"\nowner = \"pat\"\nfrom = \"2026-03-10\"\nuntil = \"2026-06-08\"\nexit = \"x\"\n\
         [[pack.rule]]\nid = \"r\"\nrequire = [{}]\n",
    );
    let facts = made_by(&["sen"]);
    for (time, wanted) in [
        ("2026-03-09T23:59Z", Verdict::Allow),
        ("2026-03-10", Verdict::Hold),
        ("2026-06-08", Verdict::Allow),
    ] {
        assert_eq!(
            judge_at(&policy, &facts, &[], parse_utc(time).unwrap()).verdict,
            wanted
        );
    }
}

#[test]
fn explanation_reads_well() {
    let policy = Policy::builtin(people().levels()).unwrap();
    let facts = Facts {
        involvement: Ai::Yes,
        tier: Some(0),
        ..made_by(&["jun"])
    };
    let decision = judge(&policy, &facts, &["jun", "mia"]);
    let explained = decision.explain(&policy, &people());
    insta::assert_snapshot!(serde_json::to_string_pretty(&explained).unwrap(), @r#"
    {
      "verdict": "hold",
      "summary": "needs 1 sign-off",
      "rules": [
        {
          "id": "ai-below-senior",
          "why": "AI-assisted changes by people below senior need a more senior pair of eyes",
          "because": [
            "AI involvement is yes or unknown",
            "author is below senior"
          ],
          "assumed": [],
          "refuses": false,
          "met": false,
          "requirements": [
            {
              "text": "1 sign-off by at least senior, above the author",
              "met": false,
              "missing": 1,
              "signed_by": [],
              "could_sign": 3
            }
          ]
        },
        {
          "id": "ai-tier-1",
          "why": "on tier-1 services an AI-assisted change needs an independent sign-off, whoever made it",
          "because": [
            "AI involvement is yes or unknown",
            "tier 1 or less"
          ],
          "assumed": [],
          "refuses": false,
          "met": true,
          "requirements": [
            {
              "text": "1 sign-off, independent of the author",
              "met": true,
              "missing": 0,
              "signed_by": [
                "mia"
              ],
              "could_sign": 2
            }
          ]
        }
      ],
      "rules_not_applying": 3,
      "vetoed_by": [],
      "ignored": [
        {
          "person": "jun",
          "said": "approve",
          "because": "made the change, so cannot sign it off"
        }
      ],
      "way_forward": [
        {
          "candidates": [
            "sen",
            "sue",
            "pat"
          ],
          "rules": [
            "ai-below-senior"
          ]
        }
      ]
    }
    "#);
}

fn any_rules() -> impl Strategy<Value = String> {
    let requirement = (0_u32..3, 0_usize..5, any::<[bool; 3]>(), 0_usize..3).prop_map(
        |(signoffs, level, [above, independent, distinct], team)| {
            let level = ["junior", "mid", "senior", "principal", "highest"][level];
            let team = ["", ", team = \"shop\"", ", team = \"owners\""][team];
            format!(
                "{{ signoffs = {}, level = \"{level}\", above_author = {above}, \
                 independent = {independent}, distinct = {distinct}{team} }}",
                signoffs.max(1)
            )
        },
    );
    proptest::collection::vec(proptest::collection::vec(requirement, 1..3), 0..4).prop_map(
        |rules| {
            let rules = rules.iter().enumerate().map(|(i, list)| {
                format!("[[rule]]\nid = \"r{i}\"\nrequire = [{}]\n", list.join(", "))
            });
            rules.collect()
        },
    )
}

const IDS: [&str; 6] = ["jun", "mia", "sen", "sue", "pat", "old"];

proptest! {
    #[test]
    fn more_approvals_never_hurt(
        text in any_rules(),
        author in 0_usize..5,
        approvals in proptest::sample::subsequence(IDS.to_vec(), 0..5),
        more in 0_usize..6,
    ) {
        let policy = rules(&text);
        let facts = Facts { owners: BTreeSet::from(["shop".to_owned()]), ..made_by(&[IDS[author]]) };
        let before = judge(&policy, &facts, &approvals);
        let mut with = approvals.clone();
        with.push(IDS[more]);
        let after = judge(&policy, &facts, &with);
        prop_assert!(after.verdict <= before.verdict);
        prop_assert!(after.way.acts.len() <= before.way.acts.len());
    }

    #[test]
    fn the_way_forward_leads_to_allow_and_no_shorter_one_does(
        text in any_rules(),
        author in 0_usize..5,
        approvals in proptest::sample::subsequence(IDS.to_vec(), 0..3),
    ) {
        let policy = rules(&text);
        let roster = people();
        let facts = Facts { owners: BTreeSet::from(["shop".to_owned()]), ..made_by(&[IDS[author]]) };
        let decision = judge(&policy, &facts, &approvals);
        // Every subset of people, by brute force, as an independent oracle.
        let fewest = (0_u32..64)
            .filter(|set| {
                let mut with = approvals.clone();
                with.extend((0..6).filter(|bit| set & (1 << bit) != 0).map(|bit| IDS[bit]));
                satisfied_by_hand(&policy, &facts, &roster, &with)
            })
            .map(|set| {
                let new = (0..6).filter(|bit| set & (1 << bit) != 0 && !approvals.contains(&IDS[*bit]));
                new.count()
            })
            .min();
        match fewest {
            Some(0) => prop_assert_eq!(decision.verdict, Verdict::Allow),
            Some(n) => {
                prop_assert_eq!(decision.verdict, Verdict::Hold);
                prop_assert_eq!(decision.way.acts.len(), n);
            }
            None => prop_assert!(!decision.way.blocked.is_empty()),
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_bytes(
        text in any_rules(),
        author in 0_usize..5,
        (approvals, shuffled) in proptest::sample::subsequence(IDS.to_vec(), 0..5)
            .prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle())),
    ) {
        let policy = rules(&text);
        let facts = made_by(&[IDS[author]]);
        let bytes = |list: &[&str]| {
            let mut explained = judge(&policy, &facts, list).explain(&policy, &people());
            explained.ignored.sort_by(|a, b| a.person.cmp(&b.person));
            serde_json::to_string(&explained).unwrap()
        };
        prop_assert_eq!(bytes(&approvals), bytes(&shuffled));
    }
}

/// The requirements checked naively: try every way to hand the approvers out
/// to distinct requirements, and let the others serve all shared ones.
fn satisfied_by_hand(policy: &Policy, facts: &Facts, roster: &Roster, approvals: &[&str]) -> bool {
    let requirements: Vec<&Requirement> = policy
        .rules
        .iter()
        .filter_map(|rule| match &rule.outcome {
            Outcome::Require(list) => Some(list),
            Outcome::Refuse => None,
        })
        .flatten()
        .collect();
    let mut people: Vec<usize> = approvals.iter().map(|id| at(roster, id)).collect();
    people.sort_unstable();
    people.dedup();
    people.retain(|p| roster.person(*p).unwrap().active && !facts.authors.contains(*p));
    let highest = roster
        .people()
        .iter()
        .enumerate()
        .filter(|(i, p)| p.active && !facts.authors.contains(*i))
        .map(|(_, p)| p.level)
        .max()
        .unwrap();
    let serves = |p: usize, r: &Requirement| {
        let person = roster.person(p).unwrap();
        let level = match r.level {
            MinLevel::Level(level) => level,
            MinLevel::Highest => highest,
        };
        person.level >= level
            && (!r.above_author || person.level > facts.author_level)
            && (r.team.is_none() || person.teams.iter().any(|team| team == "shop"))
            && (!r.independent || !facts.authors.iter().any(|a| roster.line(a).contains(p)))
    };
    // Each person takes a role: 0 = shared, i+1 = only requirement i.
    let roles = requirements.len() + 1;
    let mut choice = vec![0_usize; people.len()];
    loop {
        let ok = requirements.iter().enumerate().all(|(i, r)| {
            let count = people.iter().zip(&choice).filter(|(p, role)| {
                let free = if r.distinct {
                    **role == i + 1
                } else {
                    **role == 0
                };
                free && serves(**p, r)
            });
            count.count() >= r.signoffs as usize
        });
        if ok {
            return true;
        }
        let mut place = 0;
        loop {
            let Some(role) = choice.get_mut(place) else {
                return false;
            };
            *role += 1;
            if *role < roles {
                break;
            }
            *role = 0;
            place += 1;
        }
    }
}
