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
        exact: true,
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
    // Who owns what is read as a rule from these as well.
    let places = crate::owners::LOCATIONS.into_iter();
    for path in places.chain(["catalog-info.yaml", "shop/cart/catalog-info.yaml"]) {
        let facts = Facts {
            paths: vec![path.to_owned()],
            ..facts("sen")
        };
        let decision = judge(&policy, &facts, &[]);
        assert_eq!(who_could(&decision), [["pat"]], "{path}");
    }
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
    let load = Load {
        minutes: vec![0, 0, 60, 10, 0, 0],
        ..Load::default()
    };
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

const EMERGENCY: &str = r#"
[[rule]]
id = "two-seniors"
require = [{ signoffs = 2, level = "senior" }]
[[rule]]
id = "own"
when = { paths = ["own/**"] }
require = [{ level = "principal" }]
break_glass = false
[[rule]]
id = "freeze"
when = { paths = ["frozen/**"] }
refuse = true
[[rule]]
id = "soft-freeze"
when = { paths = ["soft/**"] }
refuse = true
break_glass = true
"#;
const ALL: [&str; 4] = ["two-seniors", "own", "freeze", "soft-freeze"];

fn broke(id: &str, rules: &[&str], at: &str) -> BreakGlass {
    let at = parse_utc(at).unwrap();
    BreakGlass {
        person: people().index_of(id).unwrap(),
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        at,
        review_due: at + jiff::SignedDuration::from_hours(90),
    }
}

fn emergency(facts: &Facts, signoffs: &[SignOff], broken: &[BreakGlass]) -> Explanation {
    let (policy, roster) = (rules(EMERGENCY), people());
    let seen = policy.observe(facts, now());
    let said = Statements {
        signoffs,
        break_glass: broken,
    };
    let load = Load::default();
    let decision = decide(&policy, &roster, facts, &seen, said, &load, now());
    let explained = decision.explain(&policy, &roster);
    let overridden = explained.summary.starts_with("allowed by break-glass");
    assert_eq!(decision.is_overridden(), overridden);
    explained
}

#[test]
fn a_broken_rule_is_overridden_and_not_satisfied() {
    let facts = made_by(&["jun"]);
    let sen = broke("sen", &["two-seniors"], "2026-03-10T11:30Z");
    let explained = emergency(&facts, &[], std::slice::from_ref(&sen));
    assert_eq!(
        explained.summary,
        "allowed by break-glass of sen, review due 2026-03-11T11:30:00Z"
    );
    let rule = serde_json::to_string_pretty(&explained.rules[0]).unwrap();
    insta::assert_snapshot!(rule, @r#"
    {
      "id": "two-seniors",
      "why": "",
      "because": [],
      "assumed": [],
      "refuses": false,
      "met": false,
      "requirements": [
        {
          "text": "2 sign-offs by at least senior",
          "met": false,
          "missing": 2,
          "signed_by": [],
          "could_sign": 3
        }
      ],
      "broken": {
        "by": [
          "sen"
        ],
        "needed": 1,
        "holds": true,
        "review_due": "2026-03-11T11:30:00Z"
      }
    }
    "#);
    // It is never an approval: beside a real one, one is still missing.
    let one = emergency(&facts, &[said("sue", Said::Approve)], &[]);
    assert_eq!(one.verdict, Verdict::Hold);
    // Nothing is overridden where everything is there.
    let both = [said("sue", Said::Approve), said("pat", Said::Approve)];
    let met = emergency(&facts, &both, &[sen]);
    assert_eq!(met.summary, "all sign-offs are there");
    assert_eq!(met.rules[0].broken, None);
}

#[test]
fn a_break_glass_lifts_only_what_it_names_and_may() {
    let at = "2026-03-10T11:30Z";
    let touching = |path: &str| Facts {
        paths: vec![path.to_owned()],
        ..made_by(&["jun"])
    };
    let tier_1 = Facts {
        tier: Some(1),
        ..made_by(&["jun"])
    };
    let veto = [said("mia", Said::Veto)];
    let (jun, mia) = (broke("jun", &ALL, at), broke("mia", &ALL, at));
    let (sen, sue) = (broke("sen", &ALL, at), broke("sue", &ALL, at));
    let old = broke("sen", &ALL, "2026-03-10T08:00Z");
    let other = broke("sen", &["own"], at);
    let gone = broke("old", &ALL, at);
    let (plain, own) = (touching("x"), touching("own/x"));
    let (frozen, soft) = (touching("frozen/x"), touching("soft/x"));
    let (allow, hold, refuse) = (Verdict::Allow, Verdict::Hold, Verdict::Refuse);
    type Case<'a> = (
        &'a str,
        &'a Facts,
        &'a [SignOff],
        &'a [&'a BreakGlass],
        Verdict,
        &'a str,
    );
    let table: &[Case<'_>] = &[
        ("a senior", &plain, &[], &[&sen], allow, ""),
        ("for another rule", &plain, &[], &[&other], hold, ""),
        ("an author", &plain, &[], &[&jun], hold, "made the change"),
        ("too junior", &plain, &[], &[&mia], hold, "below the level"),
        ("too long ago", &plain, &[], &[&old], hold, "too long ago"),
        ("who left", &plain, &[], &[&gone], hold, "no longer active"),
        ("what may not be", &own, &[], &[&sen], hold, ""),
        ("a refusal", &frozen, &[], &[&sen, &sue], refuse, ""),
        ("a refusal that may be", &soft, &[], &[&sen], allow, ""),
        ("a veto", &plain, &veto, &[&sen, &sue], refuse, ""),
        ("one person on tier 1", &tier_1, &[], &[&sen], hold, ""),
        ("the same one twice", &tier_1, &[], &[&sen, &sen], hold, ""),
        ("two on tier 1", &tier_1, &[], &[&sen, &sue], allow, ""),
    ];
    for (what, facts, signoffs, broken, verdict, because) in table {
        let broken: Vec<BreakGlass> = broken.iter().map(|it| (*it).clone()).collect();
        let explained = emergency(facts, signoffs, &broken);
        assert_eq!(explained.verdict, *verdict, "{what}: {explained:?}");
        let ignored: Vec<&str> = explained
            .ignored
            .iter()
            .map(|it| it.because.as_str())
            .collect();
        assert_eq!(
            ignored.is_empty(),
            because.is_empty(),
            "{what}: {ignored:?}"
        );
        let says = ignored.iter().all(|it| it.contains(because));
        assert!(says, "{what}: {ignored:?}");
    }
    // Of two who broke it, the earlier review is due, and the policy's limit counts.
    let later = broke("sue", &ALL, "2026-03-10T11:50Z");
    assert_eq!(
        emergency(&tier_1, &[], &[sen, later]).summary,
        "allowed by break-glass of sen and sue, review due 2026-03-11T11:30:00Z"
    );
}

proptest! {
    /// Breaking the glass never lets through what is vetoed or firmly refused,
    /// and counts as nobody's approval.
    #[test]
    fn breaking_the_glass_only_overrides(
        path in prop::sample::select(vec!["x", "own/x", "frozen/x", "soft/x"]),
        tier in 0_u64..4,
        approvals in prop::collection::vec(prop::sample::select(vec!["mia", "sen", "sue", "pat"]), 0..4),
        broken in prop::collection::vec(prop::sample::select(vec!["jun", "mia", "sen", "sue"]), 0..4),
        veto in any::<bool>(),
    ) {
        let facts = Facts {
            paths: vec![path.to_owned()],
            tier: Some(tier),
            ..made_by(&["jun"])
        };
        let mut signoffs: Vec<SignOff> =
            approvals.iter().map(|id| said(id, Said::Approve)).collect();
        if veto {
            signoffs.push(said("pat", Said::Veto));
        }
        let broken: Vec<BreakGlass> =
            broken.iter().map(|id| broke(id, &ALL, "2026-03-10T11:30Z")).collect();
        let without = emergency(&facts, &signoffs, &[]);
        let with = emergency(&facts, &signoffs, &broken);
        if with.verdict != without.verdict {
            prop_assert_eq!(with.verdict, Verdict::Allow);
            prop_assert!(!veto && path != "frozen/x");
            prop_assert!(with.summary.starts_with("allowed by break-glass"));
        }
        prop_assert_eq!(&with.vetoed_by, &without.vetoed_by);
        let signed = |it: &Explanation| -> Vec<Vec<String>> {
            let asked = it.rules.iter().flat_map(|rule| &rule.requirements);
            asked.map(|it| it.signed_by.clone()).collect()
        };
        prop_assert_eq!(signed(&with), signed(&without));
    }
}

#[test]
fn a_delegate_is_asked_in_the_place_of_who_is_away_and_borrows_no_level() {
    let text = PEOPLE.replace(
        "until = \"2026-08-15\" }",
        "until = \"2026-08-15\", delegate = \"DELEGATE\" }",
    );
    let policy = rules("[[rule]]\nid = \"a\"\nrequire = [{ level = \"senior\" }]\n");
    let facts = made_by(&["jun"]);
    let away = parse_utc("2026-08-02").unwrap();
    let ask = |delegate: &str, load: &Load, now| {
        let roster = roster::parse(&text.replace("DELEGATE", delegate), "people.toml").unwrap();
        let seen = policy.observe(&facts, now);
        let decision = decide(&policy, &roster, &facts, &seen, &[], load, now);
        let act = decision.way.acts[0].clone();
        let id = |index: &usize| roster.person(*index).unwrap().id.clone();
        let stand_ins = act
            .stand_ins
            .iter()
            .map(|(who, of)| format!("{} for {}", id(who), id(of)));
        (
            act.candidates.iter().map(id).collect::<Vec<_>>(),
            stand_ins.collect::<Vec<_>>(),
        )
    };
    let none = Load::default();
    // Both seniors have done something, and Pat nothing: Pat would be asked.
    let busy = Load {
        minutes: vec![0, 0, 10, 20, 0, 0],
        ..Load::default()
    };
    assert_eq!(ask("sue", &busy, now()).0, ["pat", "sen", "sue"]);
    assert_eq!(ask("sue", &busy, away).0, ["sue", "sen"]);
    assert_eq!(ask("sue", &busy, away).1, ["sue for pat"]);
    // The place is Pat's, not the first: with nothing done, Sen comes first.
    assert_eq!(ask("sue", &none, away).0, ["sen", "sue"]);
    // A delegate who could not sign is not asked.
    assert_eq!(ask("mia", &busy, away).0, ["sen", "sue"]);
    assert_eq!(ask("mia", &busy, away).1, Vec::<String>::new());
    // A delegation that leads back to who is away ends.
    assert_eq!(ask("pat", &busy, away).0, ["sen", "sue"]);
}

#[test]
fn who_has_enough_open_work_comes_last() {
    let text = PEOPLE.replace("id = \"sen\"", "id = \"sen\"\nwip_limit = 2");
    let roster = roster::parse(&text, "people.toml").unwrap();
    let policy = rules("[[rule]]\nid = \"a\"\nrequire = [{ level = \"senior\" }]\n");
    let facts = made_by(&["jun"]);
    let seen = policy.observe(&facts, now());
    let first = |waiting: u32| {
        let load = Load {
            minutes: vec![0, 0, 0, 60, 60, 0],
            waiting: vec![0, 0, waiting, 0, 0, 0],
        };
        let decision = decide(&policy, &roster, &facts, &seen, &[], &load, now());
        roster
            .person(decision.way.acts[0].candidates[0])
            .unwrap()
            .id
            .clone()
    };
    assert_eq!((first(1), first(2)), ("sen".to_owned(), "sue".to_owned()));
}

#[test]
fn an_unknown_author_is_identified_before_one_sign_off_alone_can_count() {
    let policy = rules("[[rule]]\nid = \"a\"\nrequire = [{ level = \"senior\" }]\n");
    let two = rules("[[rule]]\nid = \"a\"\nrequire = [{ signoffs = 2, level = \"senior\" }]\n");
    let facts = Facts {
        unidentified: vec!["ghost@example.com".to_owned()],
        ..made_by(&[])
    };
    let decision = judge(&policy, &facts, &[]);
    assert_eq!(decision.way.identify, ["ghost@example.com"]);
    let said = decision.explain(&policy, &people()).summary;
    assert_eq!(
        said,
        "first identify ghost@example.com; then it needs 1 sign-off"
    );
    // Two people are not both the author.
    assert!(judge(&two, &facts, &[]).way.identify.is_empty());
    assert!(judge(&two, &facts, &["sen"]).way.identify.is_empty());
    assert!(
        judge(&policy, &made_by(&["jun"]), &[])
            .way
            .identify
            .is_empty()
    );
}

#[test]
fn a_self_review_comes_before_everything_else() {
    let policy = rules(
        "[[rule]]\nid = \"a\"\nwhen = { lines = { at_least = 50 } }\nrequire = [{ level = \"senior\" }]\n\
         [self_review]\nrules = [\"a\"]\npaths = [\"db/**\"]\nlines = { at_least = 300 }\nitems = [\"I ran it\"]\n",
    );
    let facts = |path: &str, lines: u64| Facts {
        paths: vec![path.to_owned()],
        lines,
        ..made_by(&["jun"])
    };
    let said = |facts: &Facts| {
        judge(&policy, facts, &[])
            .explain(&policy, &people())
            .summary
    };
    assert_eq!(said(&facts("src/a.rs", 10)), "no sign-off needed");
    assert_eq!(said(&facts("db/a.sql", 10)), "self-review first");
    assert_eq!(
        said(&facts("src/a.rs", 60)),
        "self-review first; then it needs 1 sign-off"
    );
    let mut facts = facts("db/a.sql", 400);
    let signed = judge(&policy, &facts, &["sen"]);
    assert_eq!(signed.verdict, Verdict::Hold);
    let by: Vec<usize> = signed.way.self_review.unwrap().iter().collect();
    assert_eq!(by, [at(&people(), "jun")]);
    facts.self_reviewed = true;
    assert_eq!(judge(&policy, &facts, &["sen"]).verdict, Verdict::Allow);
    // Nobody on the roster made it: whoever is here can vouch for it.
    facts.self_reviewed = false;
    facts.authors = PersonSet::default();
    let by = judge(&policy, &facts, &[]).way.self_review.unwrap();
    assert_eq!(by.len(), 5);
    // Only merges have hunks to explain.
    facts.kind = Kind::Plan;
    assert!(judge(&policy, &facts, &[]).way.self_review.is_none());
}

#[test]
fn a_broken_glass_lifts_rules_and_no_self_review() {
    let policy = rules(&format!(
        "{EMERGENCY}[self_review]\nitems = [\"I ran it\"]\n"
    ));
    let broken = [broke("sen", &ALL, "2026-03-10T11:30Z")];
    let decision = |self_reviewed: bool| {
        let facts = Facts {
            self_reviewed,
            ..made_by(&["jun"])
        };
        let seen = policy.observe(&facts, now());
        let said = Statements {
            signoffs: &[],
            break_glass: &broken,
        };
        let load = Load::default();
        decide(&policy, &people(), &facts, &seen, said, &load, now())
    };
    let held = decision(false);
    assert_eq!(held.verdict, Verdict::Hold);
    assert!(!held.is_overridden());
    let said = held.explain(&policy, &people()).summary;
    assert_eq!(said, "self-review first");
    assert!(decision(true).is_overridden());
}

#[test]
fn an_approval_that_meets_no_requirement_says_what_it_lacks() {
    let policy = rules(
        "[[rule]]\nid = \"a\"\nwhy = \"w\"\nrequire = [{ level = \"senior\", team = \"payments\" }]\n",
    );
    let facts = made_by(&["jun"]);
    let lacks = |approvals: &[&str]| {
        let decision = judge(&policy, &facts, approvals);
        let explained = decision.explain(&policy, &people());
        let idle = explained.meet_nothing.into_iter();
        idle.map(|it| (it.person, it.because)).collect::<Vec<_>>()
    };
    let idle = |id: &str, because: &str| vec![(id.to_owned(), because.to_owned())];
    assert_eq!(lacks(&["mia"]), idle("mia", "below senior"));
    assert_eq!(lacks(&["sen"]), idle("sen", "not in team payments"));
    // Also beside one that helps.
    assert_eq!(lacks(&["sue", "mia"]), idle("mia", "below senior"));
    assert_eq!(lacks(&["sue"]), []);
    // The author's own is no such thing: it does not count at all.
    assert_eq!(lacks(&["jun"]), []);
    let independent = rules(
        "[[rule]]\nid = \"a\"\nwhy = \"w\"\nrequire = [{ independent = true, above_author = true }]\n",
    );
    for (author, signer, because) in [
        ("jun", "sen", "not independent of the author"),
        ("sue", "mia", "not above the author"),
    ] {
        let decision = judge(&independent, &made_by(&[author]), &[signer]);
        let explained = decision.explain(&independent, &people());
        let found: Vec<&str> = explained
            .meet_nothing
            .iter()
            .map(|it| it.because.as_str())
            .collect();
        assert_eq!(found, [because], "{author} {signer}");
    }
    // Where nothing is asked for, nothing is lacking.
    let none = rules("");
    assert!(judge(&none, &facts, &["mia"]).idle.is_empty());
}

#[test]
fn a_requirement_can_ask_for_the_exact_commits() {
    let policy = rules(
        "[[rule]]\nid = \"a\"\nwhy = \"w\"\nrequire = [{ level = \"senior\", exact = true }]\n[[rule]]\nid = \"b\"\nwhy = \"w\"\nrequire = [{ level = \"senior\" }]\n",
    );
    let facts = made_by(&["jun"]);
    let carried = |id: &str| SignOff {
        exact: false,
        ..said(id, Said::Approve)
    };
    let exactly = |id: &str| said(id, Said::Approve);
    let verdict = |signoffs: &[SignOff]| judge_at(&policy, &facts, signoffs, now()).verdict;
    assert_eq!(verdict(&[exactly("sen")]), Verdict::Allow);
    assert_eq!(verdict(&[carried("sen")]), Verdict::Hold);
    assert_eq!(verdict(&[carried("sen"), carried("sue")]), Verdict::Hold);
    assert_eq!(verdict(&[carried("sen"), exactly("sue")]), Verdict::Allow);
    let decision = judge_at(&policy, &facts, &[carried("sen")], now());
    // It counts where nobody asks, and its signer can sign again.
    assert!(decision.idle.is_empty());
    assert_eq!(decision.way.acts.len(), 1);
    assert!(who_could(&decision)[0].contains(&"sen".to_owned()));
    let explained = decision.explain(&policy, &people());
    let asked = &explained.rules[0].requirements[0];
    assert!(!asked.met && asked.carried == ["sen"], "{asked:?}");
    assert_eq!(
        asked.text,
        "1 sign-off by at least senior, of these exact commits"
    );
    assert!(explained.rules[1].met);
}
