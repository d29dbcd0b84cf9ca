use std::collections::{BTreeMap, BTreeSet};

use countersign_core::signoff::Digest;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::action::{Action, ActionState};
use crate::factor::{ClaimState, FactorClaim};
use crate::incident::{Incident, Severity, Status};
use crate::noted::Noted;
use crate::record::Kind;
use crate::sign_off::{SignOffGiven, Stated};

fn week() -> Week {
    "2026-W11".parse().unwrap()
}

/// So many minutes into the week.
fn at(minute: i64) -> Timestamp {
    let from = week().bounds(&TimeZone::UTC).0;
    from + jiff::SignedDuration::from_mins(minute)
}

const END: i64 = 7 * 24 * 60;

fn incident(id: &str, minute: i64, severity: Option<Severity>) -> Incident {
    let noted = Noted::by("ada", at(minute));
    let mut it = Incident::new(id.into(), format!("{id} happened"), at(minute), noted);
    it.severity = severity;
    it.status = Status::Resolved;
    it.resolved = Some(at(minute + 30));
    it.services = BTreeSet::from(["shop".to_owned()]);
    it
}

fn began(it: &Incident) -> Began {
    Began {
        id: it.id.clone(),
        at: it.started,
        severity: it.severity,
        services: it.services.clone(),
    }
}

fn claim(incident: &str, factor: &str, by: &str, state: ClaimState, minute: i64) -> FactorClaim {
    FactorClaim {
        noted: Noted::by(by, at(minute)).because("because"),
        incident: incident.into(),
        factor: factor.into(),
        claimant: "ada".into(),
        state,
        evidence: Vec::new(),
    }
}

fn action(id: &str, due: Option<&str>, state: ActionState) -> Action {
    Action {
        noted: Noted::by("ada", at(0)),
        id: id.into(),
        title: format!("do {id}"),
        incident: None,
        initiative: None,
        factor: None,
        owner: Some("bo".into()),
        due: due.map(|due| due.parse().unwrap()),
        opened_at: at(0),
        state,
        ended_at: (state != ActionState::Open).then(|| at(1)),
        evidence: None,
        url: None,
    }
}

fn inputs(incidents: Vec<Incident>) -> Inputs {
    let mut inputs = Inputs::empty(Zone::utc());
    inputs.began = incidents
        .iter()
        .filter(|it| it.counts())
        .map(began)
        .collect();
    inputs.incidents = incidents;
    inputs.objectives = objectives::Objective::defaults();
    inputs.shipped = (-30..=0).map(|back| (week().plus(back), 400)).collect();
    inputs
}

/// What is recorded when a review is circulated.
fn issued(review: &Review, minute: i64) -> ReviewIssued {
    ReviewIssued {
        noted: Noted::by("chair", at(minute)),
        week: review.week,
        version: review.version,
        issued_at: at(minute),
        cut_off: review.cut_off,
        content: Digest::of(b"document"),
        inputs: BTreeMap::new(),
        lines: review.lines(),
        seed: Some(review.dives.wheel.seed),
        to: BTreeMap::new(),
    }
}

#[test]
fn an_empty_store_is_a_review_that_claims_nothing() {
    let review = build(week(), &Inputs::empty(Zone::utc()), at(END));
    assert_eq!(review.incidents.total(), 0);
    assert!(review.trend.is_none() && review.decisions.is_empty());
    assert_eq!((review.version, review.complete), (1, true));
    assert!(review.headline().contains("nothing is recorded"));
    let early = build(week(), &inputs(Vec::new()), at(60));
    assert!(!early.complete && (early.incidents.days - 1.0 / 24.0).abs() < 1e-9);
}

#[test]
fn an_empty_register_gives_no_rates() {
    let mut inputs = Inputs::empty(Zone::utc());
    inputs.objectives = objectives::Objective::defaults();
    // what begins after the cut-off is not on record either
    inputs.began = vec![began(&incident("INC-1", END, Some(Severity::Sev1)))];
    let review = build(week(), &inputs, at(END - 60));
    assert!(!review.incidents.recorded);
    assert!(review.incidents.by_severity.iter().all(|row| {
        row.per_day.is_none() && row.per_day_range.is_none() && row.per_1000_changes.is_none()
    }));
    let said = review.lines();
    let sev1 = said.iter().find(|it| it.about == "severity:sev1").unwrap();
    assert_eq!(sev1.text, "Sev1: nothing is recorded, so there is no rate");
    assert!(review.metrics.iter().all(|it| it.value.is_none()));
    // a week without an incident is one where something was on record
    inputs.shipped.insert(week().before(), 400);
    let review = build(week(), &inputs, at(END - 60));
    assert!(review.incidents.recorded && review.incidents.by_severity[0].per_day == Some(0.0));
}

#[test]
fn claims_of_a_dismissed_incident_are_no_facts() {
    let mut inputs = inputs(vec![incident("INC-1", 10, Some(Severity::Sev1))]);
    inputs.claims = vec![
        claim("INC-1", "novel-usage", "ada", ClaimState::Claimed, 20),
        claim("INC-1", "novel-usage", "bo", ClaimState::Confirmed, 30),
    ];
    let before = build(week(), &inputs, at(END));
    assert_eq!(before.factors.claims.len(), 1);
    inputs.issued = vec![issued(&before, END)];
    let it = &mut inputs.incidents[0];
    it.status = Status::Dismissed;
    it.noted = Noted::by("cy", at(END + 10)).because("a drill");
    inputs.began.clear();
    inputs.touches = vec![Touch {
        kind: Kind::Incident,
        key: "INC-1".into(),
        at: at(END + 10),
        by: "cy".into(),
        through: None,
        why: Some("a drill".into()),
        what: "status: resolved → dismissed".into(),
    }];
    let after = build(week(), &inputs, at(END + 20));
    assert_eq!(after.factors.claims, []);
    assert_eq!(after.factors.not_counted, ["INC-1"]);
    // the claim went with its incident, and it is said who did that
    let gone = after.changelog.altered.iter();
    let gone: Vec<_> = gone
        .filter(|it| it.about.starts_with("factor:"))
        .map(|it| (it.fate, it.touches[0].by.as_str()))
        .collect();
    assert_eq!(gone, [(Fate::Deleted, "cy")]);
}

#[test]
fn week_53_and_zones() {
    let berlin = jiff::tz::TimeZoneDatabase::bundled()
        .get("Europe/Berlin")
        .unwrap();
    let zone = Zone {
        name: "Europe/Berlin".into(),
        zone: berlin,
    };
    let week: Week = "2026-W53".parse().unwrap();
    let review = build(week, &Inputs::empty(zone), at(END * 100));
    assert_eq!(review.from.to_string(), "2026-12-27T23:00:00Z");
    assert_eq!(review.until.to_string(), "2027-01-03T23:00:00Z");
    assert!(review.definitions[0].text.contains("UTC weeks"));
}

#[test]
fn a_deleted_briefing_line_names_who_and_when() {
    let mut inputs = inputs(vec![incident("INC-1", 10, Some(Severity::Sev1))]);
    inputs.claims = vec![claim(
        "INC-1",
        "novel-usage",
        "ada",
        ClaimState::Claimed,
        20,
    )];
    inputs.actions = vec![action("ACT-1", Some("2026-03-01"), ActionState::Open)];
    let first = build(week(), &inputs, at(END));
    inputs.issued = vec![issued(&first, END)];
    // the claim is withdrawn, and the incident is gone without any record
    let back = claim(
        "INC-1",
        "novel-usage",
        "ada",
        ClaimState::Withdrawn,
        END + 5,
    );
    inputs.touches.push(Touch {
        kind: Kind::Factor,
        key: "INC-1 novel-usage ada".into(),
        at: back.noted.at,
        by: "ada".into(),
        through: None,
        why: back.noted.why.clone(),
        what: "withdrawn".into(),
    });
    inputs.claims.push(back);
    inputs.incidents.clear();
    inputs.began.clear();
    // days later: that the action is later still is nobody's doing
    let second = build(week(), &inputs, at(END + 10 + 3 * 1_440));
    assert_eq!(second.version, 2);
    let of = |about: &str| {
        let mut altered = second.changelog.altered.iter();
        altered.find(|it| it.about == about).unwrap()
    };
    assert_eq!(of("incident:INC-1").fate, Fate::VanishedUnexplained);
    let gone = of("factor:INC-1 novel-usage ada");
    assert_eq!(gone.fate, Fate::Deleted);
    assert_eq!(
        (gone.touches[0].by.as_str(), gone.touches[0].at),
        ("ada", at(END + 5))
    );
    assert_eq!(
        second.changelog.altered[0].fate,
        Fate::VanishedUnexplained,
        "gravest first"
    );
    assert!(
        !second
            .changelog
            .altered
            .iter()
            .any(|it| it.about == "action:ACT-1")
    );
}

#[test]
fn an_after_review_settles_a_break_glass() {
    let mut broke = SignOffGiven {
        noted: Noted::by("ada", at(30)),
        statement: Digest::of(b"one"),
        change: crate::change::ChangeRef::new("shop", "abc"),
        kind: countersign_core::facts::Kind::Merge,
        target: "main".into(),
        person: "ada".into(),
        stated: Stated::BrokeGlass,
        issued_at: at(30),
        rules: BTreeSet::new(),
        message: Some("shop is down".into()),
        of: None,
        review_due: Some(at(60)),
    };
    let mut inputs = inputs(Vec::new());
    inputs.sign_offs = vec![broke.clone()];
    let open = build(week(), &inputs, at(40));
    assert_eq!(open.bypasses[0].kind, BypassKind::OpenBreakGlass);
    assert!(open.decisions.is_empty());
    let late = build(week(), &inputs, at(70));
    assert_eq!(late.bypasses[0].kind, BypassKind::OverdueBreakGlass);
    assert!(
        late.decisions[0]
            .question
            .contains("after-review is overdue")
    );
    inputs.issued = vec![issued(&late, 70)];
    broke.of = Some(broke.statement);
    broke.statement = Digest::of(b"two");
    broke.stated = Stated::Ratified;
    broke.noted = Noted::by("grace", at(80));
    inputs.sign_offs.push(broke);
    let done = build(week(), &inputs, at(90));
    assert_eq!(done.bypasses[0].kind, BypassKind::RatifiedBreakGlass);
    let mut altered = done.changelog.altered.iter();
    let altered = altered
        .find(|it| it.about.starts_with("sign-off:"))
        .unwrap();
    assert_eq!(
        (altered.fate, altered.touches[0].by.as_str()),
        (Fate::Changed, "grace")
    );
}

#[test]
fn a_claim_is_no_fact_until_someone_else_agrees() {
    let mut inputs = inputs(vec![
        incident("INC-1", 10, Some(Severity::Sev2)),
        incident("INC-2", 20, None),
    ]);
    let mut machine = claim("INC-1", "novel-usage", "ada", ClaimState::Claimed, 30);
    machine.noted.through = Some("claude-code".into());
    inputs.claims = vec![
        machine,
        claim("INC-2", "novel-usage", "ada", ClaimState::Claimed, 40),
    ];
    let review = build(week(), &inputs, at(END));
    let row = &review.factors.table[0];
    assert_eq!((row.claimed, row.confirmed, row.ai.unknown), (2, 0, 2));
    assert!(review.factors.claims[0].unconfirmed_machine);
    let avoidable = review.dives.picked.last().unwrap().avoidable.unwrap();
    assert_eq!(avoidable.low, 0.0, "nothing is confirmed");
    inputs.claims.push(claim(
        "INC-1",
        "novel-usage",
        "bo",
        ClaimState::Confirmed,
        50,
    ));
    let review = build(week(), &inputs, at(END));
    let row = &review.factors.table[0];
    assert_eq!((row.claimed, row.confirmed), (1, 1));
    assert!(!review.factors.claims[0].unconfirmed_machine);
}

#[test]
fn figures_say_what_they_can() {
    // 60 Sev2 in 12 quiet weeks before, then 20 in each of the last 4
    let mut incidents = Vec::new();
    for back in 0..16i64 {
        let each = if back < 4 { 20 } else { 5 };
        for n in 0..each {
            let minute = -back * END + n * 60;
            incidents.push(incident(
                &format!("I-{back}-{n}"),
                minute,
                Some(Severity::Sev2),
            ));
        }
    }
    let mut inputs = inputs(incidents);
    inputs.objectives[0].target = Some(0.5);
    let review = build(week(), &inputs, at(END));
    let metric = |id: &str| {
        review
            .metrics
            .iter()
            .find(|it| it.objective.id == id)
            .unwrap()
    };
    let per_day = metric("sev2-per-day");
    assert_eq!(
        (per_day.events, per_day.value),
        (Some(80), Some(80.0 / 28.0))
    );
    assert_eq!(
        (&per_day.moved, &per_day.against),
        (&Moved::Higher, &Against::Missed)
    );
    assert_eq!(metric("sev2-per-change").moved, Moved::Higher);
    let clock = metric("available-by-clock");
    // 80 outages of 30 minutes in 28 days
    assert!((clock.value.unwrap() - (100.0 - 100.0 * 2400.0 / 40_320.0)).abs() < 1e-6);
    let steady = build(week().plus(-5), &inputs, at(END));
    let per_day = steady
        .metrics
        .iter()
        .find(|it| it.objective.id == "sev2-per-day")
        .unwrap();
    assert!(matches!(
        per_day.moved,
        Moved::CannotTell { .. } | Moved::NotChanged { .. }
    ));
}

#[test]
fn rollouts_that_did_not_go_through() {
    use crate::deployment::{Deployment, Outcome, Stage};
    let rollout = |id: &str, outcome, stages: &[Outcome]| {
        let noted = Noted::by("cd", at(20));
        let mut it = Deployment::new(id.into(), "shop".into(), at(10), noted);
        it.outcome = outcome;
        it.stages = stages
            .iter()
            .map(|outcome| Stage {
                name: "5 %".into(),
                started: at(10),
                customers: None,
                outcome: *outcome,
                reason: Some("errors".into()),
            })
            .collect();
        it
    };
    let mut inputs = inputs(Vec::new());
    inputs.deployments = vec![
        rollout("a", Outcome::Succeeded, &[Outcome::Succeeded]),
        rollout("b", Outcome::Halted, &[Outcome::Succeeded, Outcome::Halted]),
        rollout(
            "c",
            Outcome::Succeeded,
            &[Outcome::Halted, Outcome::Succeeded],
        ),
        rollout("d", Outcome::RolledBack, &[Outcome::Halted]),
        rollout("e", Outcome::Failed, &[]),
    ];
    let review = build(week(), &inputs, at(END));
    let found: Vec<(&str, RolloutKind)> = review
        .rollouts
        .iter()
        .map(|it| (it.id.as_str(), it.kind))
        .collect();
    assert_eq!(
        found,
        [
            ("c", RolloutKind::Overridden),
            ("d", RolloutKind::RolledBack),
            ("b", RolloutKind::Halted),
            ("e", RolloutKind::Failed),
        ]
    );
    assert_eq!(review.rollouts[0].reason.as_deref(), Some("errors"));
}

#[test]
fn novel_uses_wait_for_an_owner() {
    use crate::usage::{Mode, Pattern, UsageEntry};
    use countersign_core::effect::Environment;
    use countersign_core::usage::{Activity, Maturity};
    let pattern = |tool: &str| Pattern {
        tool: tool.into(),
        model_family: None,
        mode: Mode::AgentAutonomous,
        activity: Activity::Operations,
        environment: Environment::Production,
    };
    let entry = |tool: &str, maturity, expires, cap| UsageEntry {
        noted: Noted::by("grace", at(0)),
        pattern: pattern(tool),
        from: at(-END),
        maturity,
        owner: Some("grace".into()),
        safeguards: vec!["a person watches".into()],
        weekly_cap: cap,
        weekly_percent: None,
        expires,
        evidence: None,
    };
    let seen = |tool: &str, seen, first: Option<i64>| UsageCount {
        pattern: pattern(tool),
        seen,
        changes: seen,
        people: 1,
        first_seen: first.map(at),
        incidents: 0,
    };
    let mut inputs = inputs(Vec::new());
    inputs.usages = vec![
        entry("known", Maturity::Established, None, None),
        entry("tried", Maturity::Trial, None, Some(3)),
        entry("lapsed", Maturity::Established, Some(at(5)), None),
    ];
    inputs.seen = vec![
        seen("known", 40, None),
        seen("tried", 5, None),
        seen("fresh", 2, Some(30)),
    ];
    let review = build(week(), &inputs, at(END));
    let rows: Vec<(&str, &str, bool, bool)> = review
        .usage
        .iter()
        .map(|it| {
            let tool = it.pattern.split('/').next().unwrap();
            (tool, it.maturity, it.is_new, it.over_cap())
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("tried", "trial", false, true),
            ("fresh", "novel", true, false),
            ("lapsed", "novel", false, false),
        ]
    );
    let asked: Vec<&str> = review
        .decisions
        .iter()
        .map(|it| it.question.as_str())
        .collect();
    assert_eq!(asked.len(), 3);
    assert!(asked[0].contains("more changes than agreed"));
    assert!(asked[1].contains("nobody who answers for it"));
    assert!(asked[2].contains("for a time that is over"));
}

#[test]
fn packs_end_by_criteria_that_can_be_measured() {
    use crate::pack::PackActivation;
    let mut incidents = Vec::new();
    for n in 0..40i64 {
        incidents.push(incident(
            &format!("I-{n}"),
            -n * END / 4 + 60,
            Some(Severity::Sev2),
        ));
    }
    let mut inputs = inputs(incidents);
    for back in 0..20 {
        inputs
            .service_shipped
            .insert(("shop".to_owned(), week().plus(-back)), 100);
    }
    let pack = PackActivation {
        noted: Noted::by("grace", at(-END)),
        id: "reset-1".into(),
        pack: "reset".into(),
        policy: None,
        services: BTreeMap::from([("shop".to_owned(), "tier 1".to_owned())]),
        from: at(-END),
        until: at(END + 5 * 24 * 60),
        ended: None,
        initiative: None,
    };
    let texts = [
        "sev2-per-1000-changes at most 100 over 8 weeks",
        "sev2-per-1000-changes at most 1 over 8 weeks",
        "sev2-per-day at most 0.6 over 8 weeks",
        "everything is well again",
    ];
    inputs.packs = vec![(pack, texts.map(str::to_owned).to_vec())];
    let review = build(week(), &inputs, at(END - 1));
    let row = &review.packs[0];
    assert!(row.in_force && row.days_left == 5);
    let reached: Vec<&Against> = row.criteria.iter().map(|it| &it.reached).collect();
    assert!(matches!(
        reached[..],
        [
            Against::Met,
            Against::Missed,
            Against::CannotTell { .. },
            Against::CannotTell { .. }
        ]
    ));
    assert!(
        review
            .decisions
            .iter()
            .any(|it| it.question.contains("ends in 5 days"))
    );
}

#[test]
fn the_wheel_follows_its_weights() {
    let weights = BTreeMap::from([
        ("a".to_owned(), 1),
        ("b".to_owned(), 3),
        ("c".to_owned(), 0),
    ]);
    let mut drawn: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..4_000 {
        *drawn
            .entry(dives::draw(seed, &weights).unwrap())
            .or_default() += 1;
    }
    assert_eq!(drawn.get("c"), None);
    // 1,000 of 4,000 expected, standard deviation 27
    assert!((870..1_130).contains(&drawn["a"]), "{drawn:?}");
    assert_eq!(dives::draw(1, &BTreeMap::new()), None);
}

/// Anything that a week may hold.
fn any_inputs() -> impl Strategy<Value = Inputs> {
    let severity = proptest::option::of(proptest::sample::select(&Severity::ALL[..]));
    let one = (-END * 3..END, severity, 0u8..5);
    let state = proptest::sample::select(ClaimState::ALL);
    let who = proptest::sample::select(&["ada", "bo", "cy"][..]);
    let said = (0usize..8, 0u8..3, who, state, 0..2 * END);
    let incidents = proptest::collection::vec(one, 0..12);
    let claims = proptest::collection::vec(said, 0..16);
    let actions = proptest::collection::vec((1u8..28, 0u8..3), 0..6);
    (incidents, claims, actions, any::<u64>()).prop_map(|(rows, claims, actions, seed)| {
        let incidents = rows
            .iter()
            .enumerate()
            .map(|(n, (minute, severity, status))| {
                let mut it = incident(&format!("INC-{n}"), *minute, *severity);
                if *status == 0 {
                    it.status = Status::Dismissed;
                }
                it
            });
        let mut inputs = inputs(incidents.collect());
        inputs.claims = claims
            .into_iter()
            .map(|(n, factor, by, state, minute)| {
                claim(
                    &format!("INC-{n}"),
                    &format!("factor-{factor}"),
                    by,
                    state,
                    minute,
                )
            })
            .collect();
        inputs.actions = actions
            .into_iter()
            .enumerate()
            .map(|(n, (day, state))| {
                let due = format!("2026-03-{day:02}");
                action(
                    &format!("ACT-{n}"),
                    Some(&due),
                    ActionState::ALL[usize::from(state)],
                )
            })
            .map(|it| match it.state {
                ActionState::Dropped => Action {
                    noted: it.noted.clone().because("no use"),
                    ..it
                },
                _ => it,
            })
            .collect();
        inputs.seed = seed;
        inputs
    })
}

fn json(review: &Review) -> String {
    serde_json::to_string(review).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn totals_add_up(inputs in any_inputs()) {
        let review = build(week(), &inputs, at(2 * END));
        let rows: u64 = review.incidents.by_severity.iter().map(|it| it.incidents).sum();
        prop_assert_eq!(rows, review.incidents.list.len() as u64);
        let last = review.incidents.weeks.last().unwrap();
        prop_assert_eq!(last.incidents.iter().sum::<u64>(), rows);
        for row in &review.factors.table {
            let all = row.claimed + row.confirmed + row.disputed + row.withdrawn;
            let named = review.factors.claims.iter().filter(|it| it.factor == row.factor);
            let named: BTreeSet<&str> = named
                .map(|it| it.incident.as_str())
                .filter(|id| review.incidents.list.iter().any(|it| it.id == **id))
                .collect();
            prop_assert_eq!(all, named.len() as u64);
        }
        let listed = &review.actions;
        let shown = listed.overdue.len() + listed.due.len() + listed.adrift.len();
        prop_assert!(shown as u64 <= listed.open);
    }

    #[test]
    fn the_same_inputs_in_any_order_give_the_same_bytes(
        (inputs, turn) in (any_inputs(), 0usize..7),
    ) {
        let mut other = inputs.clone();
        for (list, by) in [(other.incidents.len(), turn), (0, 0)] {
            if list > 0 {
                other.incidents.rotate_left(by % list);
            }
        }
        other.began.reverse();
        other.claims.reverse();
        other.actions.reverse();
        let (one, two) = (build(week(), &inputs, at(END)), build(week(), &other, at(END)));
        prop_assert_eq!(json(&one), json(&two));
        prop_assert_eq!(one.lines(), two.lines());
    }

    #[test]
    fn no_line_vanishes_unnamed(before in any_inputs(), mut after in any_inputs()) {
        let first = build(week(), &before, at(END));
        after.issued = vec![issued(&first, END)];
        let second = build(week(), &after, at(END + 60));
        let now: BTreeMap<String, String> = second
            .lines()
            .into_iter()
            .map(|line| (line.about, line.text))
            .collect();
        for line in first.lines() {
            let same = now.get(&line.about) == Some(&line.text);
            let named = second.changelog.altered.iter().any(|it| it.about == line.about);
            prop_assert!(same || named, "{}", line.about);
        }
        // the wheel is not turned again for a new version
        prop_assert_eq!(&second.dives.wheel.service, &first.dives.wheel.service);
        // and the week after counts what ended with its week
        let next = build(week().after(), &after, at(2 * END));
        let named = next.changelog.altered.iter().filter(|it| it.before.is_some()).count();
        prop_assert!(named as u64 + next.changelog.ended_with_week <= first.lines().len() as u64);
    }

    #[test]
    fn what_comes_after_the_cut_off_is_not_seen(inputs in any_inputs(), minute in 0..END) {
        let mut early = inputs.clone();
        let cut_off = at(minute);
        early.claims.retain(|it| it.noted.at <= cut_off);
        early.actions.retain(|it| it.noted.at <= cut_off);
        early.incidents.retain(|it| it.noted.at <= cut_off);
        early.began.retain(|it| it.at <= cut_off);
        prop_assert_eq!(
            json(&build(week(), &inputs, cut_off)),
            json(&build(week(), &early, cut_off))
        );
    }
}
