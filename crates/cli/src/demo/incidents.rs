//! What went wrong, why people say it did, and what follows from it.

use std::collections::BTreeSet;

use countersign_core::catalog::Share;
use countersign_core::involvement::{Role, Verdict};
use countersign_operations::action::{Action, ActionState};
use countersign_operations::factor::{ClaimState, FactorClaim};
use countersign_operations::incident::{AiPart, ImpactStep, Incident, Severity, Status};
use countersign_operations::link::{Link, LinkState, LinkTo, Reason};
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_stats::Random;
use jiff::{SignedDuration, Timestamp};

use super::changes::Shipped;
use super::organisation::{PEOPLE, SERVICES, senior_of};
use super::{WEEKS, below, happens, moment, pick, planted};

/// How much likelier an AI-assisted change fails than one like it.
const RISK_OF_AI: f64 = 2.0;
/// How much likelier a change fails without the canary stage.
const WITHOUT_CANARY: f64 = 2.3;
/// What remains of that risk on tier 1 in the ninety days.
const RESET: f64 = 0.3;

/// Incidents, and everything that is said of them.
#[derive(Default)]
pub(super) struct Register {
    pub(super) records: Vec<Record>,
    /// The last number given in each year.
    last: [u64; 2],
    actions: [u64; 2],
}

/// What an incident is about, before it has a number.
struct Begun<'a> {
    at: Timestamp,
    service: &'static str,
    tier: u8,
    from: Option<&'a Shipped>,
}

impl Register {
    pub(super) fn follow(&mut self, random: &mut Random, shipped: &[Shipped]) {
        let mut begun: Vec<Begun<'_>> = Vec::new();
        for it in shipped {
            if happens(random, risk(it)) {
                let later = SignedDuration::from_mins(5 + below(random, 240));
                begun.push(Begun {
                    at: it.change.shipped_at + later,
                    service: it.service.id,
                    tier: it.service.tier,
                    from: Some(it),
                });
            }
        }
        // hardware, load, other people's outages
        for week in 0..WEEKS {
            if happens(random, 0.45)
                && let Some(service) = pick(random, &SERVICES, |it| it.weight)
            {
                begun.push(Begun {
                    at: moment(week, below(random, 7), below(random, 1_440)),
                    service: service.id,
                    tier: service.tier,
                    from: None,
                });
            }
        }
        begun.sort_by_key(|it| it.at);
        for it in &begun {
            self.one(random, it);
        }
    }

    /// The next number of a year.
    pub(super) fn next(&mut self, at: Timestamp) -> String {
        number("INC", at, &mut self.last)
    }

    fn one(&mut self, random: &mut Random, it: &Begun<'_>) {
        let id = self.next(it.at);
        let grade = if it.at >= moment(WEEKS - 1, 0, 0) {
            // the last week has three of its own
            20 + random.below(80)
        } else {
            random.below(100)
        };
        let severity = severity(it.tier, grade);
        let minutes = 12 + below(random, 70) + if grade < 20 { below(random, 200) } else { 0 };
        let noted = Noted::by(senior_of(team(it.service)), after(it.at, minutes + 30));
        let mut incident = Incident::new(id.clone(), title(random, it), it.at, noted);
        incident.severity = Some(severity);
        incident.status = Status::Resolved;
        incident.detected = Some(after(it.at, 2 + below(random, 9)));
        incident.resolved = Some(after(it.at, minutes));
        incident.services = BTreeSet::from([it.service.to_owned()]);
        incident.impact = vec![ImpactStep {
            from: it.at,
            customers: Share::from_percent(felt(severity)).unwrap_or_default(),
        }];
        incident.ai = part(random, it);
        let end = after(it.at, minutes);
        self.records.push(incident.into());
        self.links(random, &id, it, end);
        self.claims(random, &id, it, end);
        if severity <= Severity::Sev2 {
            self.action(random, &id, it, end);
        }
    }

    fn links(&mut self, random: &mut Random, id: &str, it: &Begun<'_>, end: Timestamp) {
        let senior = senior_of(team(it.service));
        let to = match it.from {
            None => LinkTo::NoChange,
            Some(from) => LinkTo::Change(from.change.change.clone()),
        };
        let sure = happens(random, 0.85);
        if !sure && (it.from.is_none() || happens(random, 0.4)) {
            return;
        }
        let suggested = LinkState::Suggested;
        let link = Link {
            noted: if sure {
                Noted::by(senior, after(end, 90)).because("seen in the logs")
            } else {
                Noted::by("countersign", after(end, 60))
            },
            incident: id.to_owned(),
            to,
            state: if sure {
                LinkState::Confirmed
            } else {
                suggested
            },
            confidence: (!sure).then(|| Share::from_percent(64.0).unwrap_or_default()),
            reasons: if sure {
                Vec::new()
            } else {
                vec![Reason {
                    kind: "same-service".to_owned(),
                    text: format!("alters `{}`, which failed", it.service),
                }]
            },
        };
        self.records.push(link.into());
    }

    fn claims(&mut self, random: &mut Random, id: &str, it: &Begun<'_>, end: Timestamp) {
        if !happens(random, 0.75) {
            return;
        }
        let Some(factor) = factor(random, it) else {
            return;
        };
        let of = team(it.service);
        let mids = PEOPLE.iter().filter(|it| it.level == "mid");
        let mut mids = mids.filter(|it| it.team == of);
        let claimant = mids.next().map_or("gwen", |it| it.id);
        let state = |by: &str, hours: i64, state| FactorClaim {
            noted: Noted::by(by, after(end, hours * 60)).because("as the timeline shows"),
            incident: id.to_owned(),
            factor: factor.to_owned(),
            claimant: claimant.to_owned(),
            state,
            evidence: vec![format!("timeline of {id}")],
        };
        self.records
            .push(state(claimant, 4, ClaimState::Claimed).into());
        if happens(random, 0.6) {
            let confirmed = state(senior_of(of), 20, ClaimState::Confirmed);
            self.records.push(confirmed.into());
        }
    }

    fn action(&mut self, random: &mut Random, id: &str, it: &Begun<'_>, end: Timestamp) {
        let owner = senior_of(team(it.service));
        let opened = after(end, 3_000);
        let due = after(opened, 21 * 1_440);
        let mut action = Action {
            noted: Noted::by(owner, opened),
            id: self.next_action(opened),
            title: format!("Catch it before customers do, on {}", it.service),
            incident: Some(id.to_owned()),
            initiative: None,
            factor: None,
            owner: Some(owner.to_owned()),
            due: Some(super::day_of(due)),
            opened_at: opened,
            state: ActionState::Open,
            ended_at: None,
            evidence: None,
            url: None,
        };
        self.records.push(action.clone().into());
        let ended = after(opened, 1_440 * (6 + below(random, 18)));
        if happens(random, if opened < moment(40, 0, 0) { 1.0 } else { 0.8 })
            && ended < moment(WEEKS, 0, 0)
        {
            action.noted = Noted::by(owner, ended);
            action.state = ActionState::Done;
            action.ended_at = Some(ended);
            action.evidence = happens(random, 0.5)
                .then(|| "an alarm went off in the drill, four minutes after the fault".to_owned());
            self.records.push(action.into());
        }
    }

    /// The next number of an action.
    pub(super) fn next_action(&mut self, at: Timestamp) -> String {
        number("ACT", at, &mut self.actions)
    }
}

/// A number of a year: `INC-2026-7`.
fn number(prefix: &str, at: Timestamp, last: &mut [u64; 2]) -> String {
    let [of_2025, of_2026] = last;
    let (year, last) = if at < moment(52, 3, 0) {
        (2025, of_2025)
    } else {
        (2026, of_2026)
    };
    *last += 1;
    format!("{prefix}-{year}-{last}")
}

/// How likely a change leads to an incident.
fn risk(it: &Shipped) -> f64 {
    let [small, middling, large] = match it.service.tier {
        1 => [0.014, 0.036, 0.09],
        2 => [0.005, 0.012, 0.03],
        _ => [0.0015, 0.004, 0.01],
    };
    let base = [small, middling, large].get(it.size).copied();
    let mut risk = base.unwrap_or(large);
    if it.ai {
        risk *= RISK_OF_AI;
    }
    if it.week >= planted::CANARY_GONE {
        risk *= WITHOUT_CANARY;
    }
    if it.week >= planted::RESET && it.service.tier <= 1 {
        risk *= RESET;
    }
    risk
}

fn severity(tier: u8, grade: u64) -> Severity {
    match (tier, grade) {
        (1, 0..2) => Severity::Sev1,
        (1, 2..20) | (2, 0..8) => Severity::Sev2,
        (1, 20..55) | (2, 8..35) | (_, 0..10) => Severity::Sev3,
        (_, 0..80) => Severity::Sev4,
        _ => Severity::Sev5,
    }
}

/// Percent of customers that felt it.
const fn felt(severity: Severity) -> f64 {
    match severity {
        Severity::Sev1 => 60.0,
        Severity::Sev2 => 18.0,
        Severity::Sev3 => 3.0,
        Severity::Sev4 => 0.5,
        Severity::Sev5 => 0.0,
    }
}

fn title(random: &mut Random, it: &Begun<'_>) -> String {
    let what = [
        "answers slowly",
        "answers with errors",
        "shows old data",
        "times out",
    ];
    let what = pick(random, &what, |_| 1).copied().unwrap_or("fails");
    let mut name = it.service.to_owned();
    if let Some(first) = name.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    format!("{name} {what}")
}

/// What the record says of AI, once somebody has looked.
fn part(random: &mut Random, it: &Begun<'_>) -> AiPart {
    let looked = happens(random, 0.8);
    match it.from.map(|from| from.change.involvement) {
        Some(Verdict::Yes) if looked => AiPart::Took(BTreeSet::from([Role::Wrote])),
        Some(Verdict::No) | None if looked => AiPart::None,
        _ => AiPart::Unknown,
    }
}

fn factor(random: &mut Random, it: &Begun<'_>) -> Option<&'static str> {
    let Some(from) = it.from else {
        let all = ["capacity", "third-party", "infrastructure-failure"];
        return pick(random, &all, |_| 1).copied();
    };
    let without_canary = from.week >= planted::CANARY_GONE;
    let all = [
        ("release-problem", if without_canary { 6 } else { 1 }),
        ("missing-validation", 4),
        ("inadequate-testing", if from.ai { 5 } else { 2 }),
        ("configuration-error", 2),
        ("schema-change", 1),
        ("unreviewed-agent-change", u64::from(from.ai)),
    ];
    pick(random, &all, |(_, weight)| *weight).map(|(factor, _)| *factor)
}

fn team(service: &str) -> &'static str {
    let mut services = SERVICES.iter();
    services
        .find(|it| it.id == service)
        .map_or("platform", |it| it.team)
}

pub(super) fn after(at: Timestamp, minutes: i64) -> Timestamp {
    at + SignedDuration::from_mins(minutes)
}
