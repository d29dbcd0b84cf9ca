//! From a reading to a verdict: facts for the one `decide`.

use std::collections::BTreeSet;

use countersign_core::decide::{Decision, Explanation, Load, SignOff, Verdict, decide};
use countersign_core::effect::{Effect, Environment, Verb};
use countersign_core::facts::{Facts, Kind};
use countersign_core::involvement::{Role, Verdict as Ai};
use countersign_core::policy::{Answers, Policy};
use countersign_core::roster::PersonSet;
use countersign_core::usage::Activity;
use countersign_effects::command::{Danger, Finding, Reading, Scope, place_name};
use jiff::Timestamp;

use crate::agent::Agent;
use crate::compiled::{Compiled, Rules};

/// Services up to this environment are made to be broken.
pub const TOLERATED: Environment = Environment::Development;

/// What of a reading counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighed {
    /// Places in [`Reading::findings`] that are dangerous where they land.
    pub dangerous: Vec<usize>,
    /// The worst danger among them.
    pub danger: Danger,
    /// Whether the guard itself or an agent's settings are hit.
    pub hits_guard: bool,
    /// Whether it is held for what was tried before it, whatever it does itself.
    pub suspect: bool,
    /// Whether it alters a shared system beyond what is tolerated, dangerously
    /// or not.
    pub shared: bool,
    /// What is done, verb by verb.
    pub verbs: BTreeSet<Verb>,
    /// The most guarded environment that counts.
    pub environment: Environment,
    /// What an unknown environment counts as.
    pub unknown: Environment,
    /// Whether state is lost for good; `None`: nobody can tell.
    pub irreversible: Option<bool>,
}

/// Weighs a reading. `unknown` is what an unknown environment counts as.
#[must_use]
pub fn weigh(reading: &Reading, unknown: Environment) -> Weighed {
    let lands = |finding: &Finding| match finding.target.environment {
        Environment::Unknown => unknown,
        known => known,
    };
    let counts = |finding: &Finding| finding.scope != Scope::Service || lands(finding) > TOLERATED;
    let dangerous: Vec<(usize, &Finding)> = reading
        .findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| finding.danger > Danger::None && counts(finding))
        .collect();
    let shared = reading.findings.iter().filter(|finding| {
        finding.scope == Scope::Service && counts(finding) && finding.effect.verb != Verb::Read
    });
    let listed: Vec<&Finding> = if dangerous.is_empty() {
        shared.clone().collect()
    } else {
        dangerous.iter().map(|(_, finding)| *finding).collect()
    };
    // What a machine's own loss is recorded under is "local", whatever else is
    // unknown about it.
    let environment = listed
        .iter()
        .map(|finding| match finding.scope {
            Scope::Service => finding.target.environment,
            Scope::Machine | Scope::Guard => Environment::Local,
        })
        .max()
        .unwrap_or(Environment::Local);
    let irreversible = if listed
        .iter()
        .any(|f| f.effect.is_irreversible() && f.danger == Danger::Destructive)
    {
        Some(true)
    } else if listed
        .iter()
        .any(|f| f.danger == Danger::UnknownCouldDestroy)
    {
        None
    } else {
        Some(false)
    };
    Weighed {
        danger: dangerous
            .iter()
            .map(|(_, f)| f.danger)
            .max()
            .unwrap_or_default(),
        hits_guard: dangerous.iter().any(|(_, f)| f.scope == Scope::Guard),
        suspect: false,
        verbs: listed.iter().map(|finding| finding.effect.verb).collect(),
        shared: shared.count() > 0,
        environment,
        unknown,
        irreversible,
        dangerous: dangerous.into_iter().map(|(place, _)| place).collect(),
    }
}

impl Weighed {
    /// Whether there is anything to ask a policy about.
    #[must_use]
    pub const fn is_harmless(&self, about_actions: bool) -> bool {
        self.dangerous.is_empty() && !(self.shared && about_actions)
    }

    /// Whether no agent may do it alone.
    #[must_use]
    pub const fn is_dangerous(&self) -> bool {
        self.suspect || !self.dangerous.is_empty()
    }

    /// Counts it as dangerous for what was tried before it: nobody can tell what
    /// it does itself.
    pub const fn suspect(&mut self) {
        self.suspect = true;
        self.irreversible = None;
    }

    /// The effects that count, one line each, without secrets.
    #[must_use]
    pub fn lines(&self, reading: &Reading) -> Vec<String> {
        let place_of = |finding: &Finding| match (finding.scope, finding.target.environment) {
            (Scope::Service, Environment::Unknown) => format!(
                "{}, treated as {}",
                place_name(Environment::Unknown),
                self.unknown.as_str()
            ),
            (Scope::Service, known) => known.as_str().to_owned(),
            (Scope::Machine | Scope::Guard, _) => "this machine".to_owned(),
        };
        let mut lines: Vec<String> = self
            .dangerous
            .iter()
            .filter_map(|place| reading.findings.get(*place))
            .map(|finding| format!("{} in {}", effect_text(&finding.effect), place_of(finding)))
            .collect();
        lines.dedup();
        if lines.is_empty() {
            lines = reading
                .findings
                .iter()
                .filter(|finding| finding.scope == Scope::Service)
                .map(|finding| format!("{} in {}", effect_text(&finding.effect), place_of(finding)))
                .collect();
        }
        lines.truncate(20);
        lines
    }

    /// The names the targets were read from, sorted.
    #[must_use]
    pub fn facets(&self, reading: &Reading) -> Vec<(String, String)> {
        let all: BTreeSet<(String, String)> = reading
            .findings
            .iter()
            .flat_map(|finding| finding.target.facets.iter().cloned())
            .collect();
        all.into_iter().take(50).collect()
    }
}

/// An environment's name as a sentence has it.
#[must_use]
pub fn place_text(environment: &str) -> &str {
    if environment == Environment::Unknown.as_str() {
        place_name(Environment::Unknown)
    } else {
        environment
    }
}

/// One effect as a person would say it.
#[must_use]
pub fn effect_text(effect: &Effect) -> String {
    let verb = match effect.verb {
        Verb::Unknown => "do something unknown to",
        other => other.as_str(),
    };
    let reason = effect
        .reasons
        .first()
        .map(String::as_str)
        .unwrap_or_default();
    let mut text = format!("{verb} {} `{}`", effect.kind, effect.object);
    if !reason.is_empty() {
        text.push_str(&format!(" ({reason})"));
    }
    text
}

/// A verdict on an action, and why.
#[derive(Debug, Clone)]
pub struct Ruling {
    /// The decision in words.
    pub explanation: Explanation,
    /// The decision.
    pub decision: Decision,
}

impl Ruling {
    /// The answer.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.decision.verdict
    }

    /// Ids of the rules that apply.
    #[must_use]
    pub fn rules(&self) -> Vec<String> {
        self.explanation
            .rules
            .iter()
            .map(|rule| rule.id.clone())
            .collect()
    }

    /// What is asked for, in words.
    #[must_use]
    pub fn asks(&self) -> Vec<String> {
        let mut asks: Vec<String> = self
            .explanation
            .rules
            .iter()
            .flat_map(|rule| &rule.requirements)
            .map(|requirement| requirement.text.clone())
            .collect();
        asks.sort_unstable();
        asks.dedup();
        asks
    }
}

fn lands(weighed: &Weighed, compiled: &Compiled) -> Environment {
    match weighed.environment {
        Environment::Unknown => compiled.unknown,
        known => known,
    }
}

/// The facts of an action, for the policy.
#[must_use]
pub fn facts(
    weighed: &Weighed,
    agent: Agent,
    compiled: &Compiled,
    rules: &Rules,
    now: Timestamp,
) -> Facts {
    let operator = compiled
        .operator
        .as_deref()
        .and_then(|id| rules.roster.index_of(id));
    let level = operator
        .and_then(|index| rules.roster.person(index))
        .map(|person| person.level);
    let lands = lands(weighed, compiled);
    let mut authors = PersonSet::default();
    if let Some(operator) = operator.filter(|_| lands > compiled.operator_may_pass) {
        authors.insert(operator);
    }
    Facts {
        involvement: Ai::Yes,
        roles: BTreeSet::from([Role::Executed]),
        authors,
        author_level: level.unwrap_or_else(|| rules.roster.levels().lowest()),
        environment: weighed.environment,
        effects: if weighed.suspect || weighed.verbs.is_empty() {
            BTreeSet::from([Verb::Unknown])
        } else {
            weighed.verbs.clone()
        },
        irreversible: weighed.irreversible,
        usage: Some(
            rules
                .usages
                .maturity(agent.as_str(), Activity::Operations, lands, now),
        ),
        ..Facts::unknown(Kind::Action)
    }
}

/// The policy as it counts for an action.
fn policy(weighed: &Weighed, compiled: &Compiled, rules: &Rules) -> Policy {
    // A lone signer might be the very person whose agent it is, where nobody knows
    // who that is.
    let unknown_operator =
        compiled.operator.is_none() && lands(weighed, compiled) > compiled.operator_may_pass;
    let signers = if unknown_operator { 2 } else { 1 };
    rules.for_action(weighed.shared, weighed.is_dangerous(), signers)
}

/// The questions that the rules which apply to an action raise.
#[must_use]
pub fn questions(
    weighed: &Weighed,
    agent: Agent,
    compiled: &Compiled,
    rules: &Rules,
    now: Timestamp,
) -> Vec<String> {
    let policy = policy(weighed, compiled, rules);
    let seen = policy.observe(&facts(weighed, agent, compiled, rules, now), now);
    let questions = policy.questions(&seen).into_iter();
    questions.map(str::to_owned).collect()
}

/// Those of them that a pass has to answer to count.
#[must_use]
pub fn demanded(
    weighed: &Weighed,
    agent: Agent,
    compiled: &Compiled,
    rules: &Rules,
    now: Timestamp,
) -> Vec<String> {
    match rules.policy.settings.answers {
        Answers::Required => questions(weighed, agent, compiled, rules, now),
        Answers::Optional => Vec::new(),
    }
}

/// Decides on an action.
#[must_use]
pub fn rule(
    weighed: &Weighed,
    agent: Agent,
    compiled: &Compiled,
    rules: &Rules,
    signoffs: &[SignOff],
    now: Timestamp,
) -> Ruling {
    let policy = policy(weighed, compiled, rules);
    let facts = facts(weighed, agent, compiled, rules, now);
    let seen = policy.observe(&facts, now);
    let decision = decide(
        &policy,
        &rules.roster,
        &facts,
        &seen,
        signoffs,
        &Load::default(),
        now,
    );
    Ruling {
        explanation: decision.explain(&policy, &rules.roster),
        decision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compiled::tests::{compiled, now};
    use countersign_effects::command::{Facts as Place, judge_command};

    fn place() -> Place {
        Place {
            cwd: Some("/home/dev/shop".to_owned()),
            home: Some("/home/dev".to_owned()),
            project_root: Some("/home/dev/shop".to_owned()),
            targets: compiled().targets(),
            ..Place::default()
        }
    }

    fn verdict_of(command: &str, compiled: &Compiled) -> (Verdict, Vec<String>) {
        let reading = judge_command(command, &place());
        let weighed = weigh(&reading, compiled.unknown);
        if weighed.hits_guard {
            return (Verdict::Refuse, Vec::new());
        }
        if weighed.is_harmless(compiled.about_actions) {
            return (Verdict::Allow, Vec::new());
        }
        let rules = compiled.open().unwrap();
        let ruling = rule(&weighed, Agent::Kiro, compiled, &rules, &[], now());
        (ruling.verdict(), ruling.rules())
    }

    #[test]
    fn the_target_decides() {
        let built_in = compiled();
        for (command, verdict) in [
            ("terraform destroy -auto-approve", Verdict::Hold),
            ("kubectl --context prod-eu delete ns shop", Verdict::Hold),
            ("kubectl --context blue-1 delete ns shop", Verdict::Allow),
            ("kubectl --context minikube delete ns shop", Verdict::Allow),
            ("kubectl --context prod-eu get pods", Verdict::Allow),
            (
                "kubectl --context prod-eu apply -f deploy.yaml",
                Verdict::Allow,
            ),
            ("rm -rf /home/dev", Verdict::Hold),
            ("rm -rf node_modules", Verdict::Allow),
            ("rm -rf .countersign", Verdict::Refuse),
            ("countersign pass abcd-efgh", Verdict::Refuse),
            ("echo 'terraform destroy'", Verdict::Allow),
        ] {
            assert_eq!(verdict_of(command, &built_in).0, verdict, "{command}");
        }
    }

    #[test]
    fn unknown_counts_as_production_unless_the_policy_says_otherwise() {
        let mut loose = compiled();
        loose.unknown = Environment::Development;
        assert_eq!(verdict_of("terraform destroy", &loose).0, Verdict::Allow);
        // A loss on the machine is not an unknown service.
        assert_eq!(verdict_of("rm -rf /home/dev", &loose).0, Verdict::Hold);
    }

    #[test]
    fn the_repository_can_refuse_and_can_ask_about_harmless_changes() {
        let mut strict = compiled();
        strict.policy = r#"version = 1
[[rule]]
id = "no-agent-in-production"
why = "freeze"
when = { kind = ["action"], environment = ["production"] }
refuse = true
"#
        .to_owned();
        strict.about_actions = true;
        let (verdict, rules) = verdict_of("terraform destroy", &strict);
        assert_eq!(
            (verdict, rules),
            (
                Verdict::Refuse,
                vec![
                    "no-agent-in-production".to_owned(),
                    "agent-alone".to_owned()
                ]
            )
        );
        assert_eq!(
            verdict_of("kubectl --context prod-eu apply -f a.yaml", &strict).0,
            Verdict::Refuse
        );
        assert_eq!(
            verdict_of("kubectl --context prod-eu get pods", &strict).0,
            Verdict::Allow
        );
        assert_eq!(verdict_of("rm -rf /home/dev", &strict).0, Verdict::Hold);
    }

    #[test]
    fn the_operator_counts_as_author_where_production_is_hit() {
        let rules = compiled().open().unwrap();
        for (command, may) in [("terraform destroy", false), ("rm -rf /home/dev", true)] {
            let weighed = weigh(&judge_command(command, &place()), Environment::Production);
            let facts = facts(&weighed, Agent::Kiro, &compiled(), &rules, now());
            assert_eq!(facts.authors.is_empty(), may, "{command}");
        }
    }

    #[test]
    fn an_unknown_operator_cannot_be_the_lone_signer() {
        let nobody = Compiled {
            operator: None,
            ..compiled()
        };
        let rules = nobody.open().unwrap();
        let weighed = weigh(
            &judge_command("terraform destroy", &place()),
            Environment::Production,
        );
        let by = |ids: &[&str]| {
            let signoffs: Vec<SignOff> = ids
                .iter()
                .map(|id| SignOff {
                    person: rules.roster.index_of(id).unwrap(),
                    said: countersign_core::decide::Said::Approve,
                    at: now(),
                    exact: true,
                })
                .collect();
            rule(&weighed, Agent::Kiro, &nobody, &rules, &signoffs, now()).verdict()
        };
        assert_eq!(by(&["sen"]), Verdict::Hold);
        assert_eq!(by(&["sen", "sue"]), Verdict::Allow);
    }

    #[test]
    fn machine_losses_are_no_shared_change() {
        // `mid` is below senior, which the built-in policy asks about for changes.
        let (_, shared) = verdict_of("terraform destroy", &compiled());
        let (_, machine) = verdict_of("rm -rf /home/dev", &compiled());
        assert_eq!(shared, ["ai-below-senior", "agent-alone"]);
        assert_eq!(machine, ["agent-alone"]);
    }
}
