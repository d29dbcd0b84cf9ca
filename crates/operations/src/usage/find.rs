//! Patterns in what is known of a change, an agent's action or a deployment.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::decide;
use countersign_core::effect::Environment;
use countersign_core::involvement::{Claim, Involvement, Strength};
use countersign_core::usage::{Activity, Mode};

use super::Pattern;
use crate::guard::GuardDecision;

/// What stands for a tool that left no name.
const UNNAMED: &str = "unnamed";
/// Words in a model's name that say nothing of its family.
const NOISE: [&str; 12] = [
    "context",
    "exp",
    "experimental",
    "fast",
    "high",
    "latest",
    "low",
    "max",
    "medium",
    "preview",
    "thinking",
    "model",
];
/// The most words of a family.
const WORDS: usize = 3;
/// Tools that complete what a person types.
const COMPLETION: [&str; 4] = ["codeium", "copilot", "supermaven", "tabnine"];

/// The patterns of a change: each tool with every model family that it named,
/// the strongest mode that its evidence shows, and each activity that the paths
/// touched stand for. Evidence that is weak shows nothing.
#[must_use]
pub fn of_change<'a>(
    involvement: &Involvement,
    paths: impl IntoIterator<Item = &'a str>,
    environment: Environment,
) -> BTreeSet<Pattern> {
    let mut tools: BTreeMap<&str, (Strength, BTreeSet<String>)> = BTreeMap::new();
    for evidence in &involvement.evidence {
        let Claim::Ai {
            strength,
            tool,
            model,
        } = &evidence.claim
        else {
            continue;
        };
        if *strength == Strength::Weak {
            continue;
        }
        let tool = tool.as_deref().filter(|tool| is_part(tool));
        let (strongest, families) = tools
            .entry(tool.unwrap_or(UNNAMED))
            .or_insert_with(|| (*strength, BTreeSet::new()));
        *strongest = (*strongest).max(*strength);
        families.extend(model.as_deref().and_then(model_family));
    }
    let mut activities: BTreeSet<Activity> = paths.into_iter().map(activity_of).collect();
    if activities.is_empty() {
        activities.insert(Activity::Code);
    }
    let mut patterns = BTreeSet::new();
    for (tool, (strength, families)) in tools {
        let families: Vec<Option<String>> = if families.is_empty() {
            vec![None]
        } else {
            families.into_iter().map(Some).collect()
        };
        for family in families {
            patterns.extend(activities.iter().map(|activity| Pattern {
                tool: tool.to_owned(),
                model_family: family.clone(),
                mode: mode_of(strength, tool),
                activity: *activity,
                environment,
            }));
        }
    }
    patterns
}

/// The pattern of one tool call that an agent made. Whether a person watched is
/// not in the guard's log.
#[must_use]
pub fn of_action(tool: &str, model: Option<&str>, environment: Environment) -> Pattern {
    Pattern {
        tool: if is_part(tool) { tool } else { UNNAMED }.to_owned(),
        model_family: model.and_then(model_family),
        mode: Mode::Unknown,
        activity: Activity::Operations,
        environment,
    }
}

/// The pattern of a recorded answer of the guard, and whether the call was let
/// through.
#[must_use]
pub fn of_guard(it: &GuardDecision) -> (Pattern, bool) {
    let named = it.usage.as_deref().and_then(|usage| usage.parse().ok());
    let pattern = named.unwrap_or_else(|| of_action(&it.tool, it.model.as_deref(), it.environment));
    (pattern, it.shadow || it.verdict == decide::Verdict::Allow)
}

/// The pattern of a deployment that a tool ran.
#[must_use]
pub fn of_deployment(tool: &str, environment: Environment) -> Pattern {
    Pattern {
        activity: Activity::Deployment,
        ..of_action(tool, None, environment)
    }
}

fn is_part(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 60
        && !text.contains('/')
        && !text.contains(char::is_whitespace)
}

fn mode_of(strength: Strength, tool: &str) -> Mode {
    match strength {
        Strength::Weak => Mode::Unknown,
        Strength::ReviewOnly => Mode::Review,
        Strength::AcceptedSuggestion if COMPLETION.contains(&tool) => Mode::Autocomplete,
        Strength::AcceptedSuggestion => Mode::Chat,
        Strength::Session => Mode::AgentInteractive,
        Strength::AgentAuthored => Mode::AgentAutonomous,
    }
}

/// What changing a file stands for.
fn activity_of(path: &str) -> Activity {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let within = |folders: &[&str]| {
        let mut parts = lower.split('/').rev().skip(1);
        parts.any(|part| folders.contains(&part))
    };
    if ends(&[".sql", ".prisma"]) || within(&["migrations"]) {
        return Activity::Data;
    }
    let infrastructure = ends(&[".tf", ".tf.json", ".tofu", ".tfplan", ".tfvars", ".bicep"])
        || ["dockerfile", "pulumi.", "docker-compose", "cdk.json"]
            .iter()
            .any(|start| name.starts_with(start))
        || within(&["k8s", "kubernetes", "helm", "terraform", "cloudformation"])
        || lower.starts_with(".github/workflows/");
    if infrastructure {
        Activity::Infrastructure
    } else {
        Activity::Code
    }
}

/// The family of a model, without version, date or size: `Claude Opus 4.8 (1M
/// context)` and `claude-opus-4-8-20260101` are `claude-opus`.
#[must_use]
pub fn model_family(name: &str) -> Option<String> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = name.split(['(', '[', '@', ':']).next().unwrap_or(name);
    let lower = name.to_lowercase();
    let words = lower
        .split(|c: char| !c.is_alphanumeric())
        // `gpt4o` and `o3`: the version clings to the name
        .map(|word| {
            word.chars()
                .take_while(|c| c.is_alphabetic())
                .collect::<String>()
        })
        .filter(|word| !word.is_empty() && !NOISE.contains(&word.as_str()));
    let words: Vec<String> = words.take(WORDS).collect();
    let family: String = words.join("-").chars().take(60).collect();
    (!family.is_empty()).then_some(family)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::involvement::{Channel, Evidence, reconcile};

    #[test]
    fn a_family_outlives_its_versions() {
        for (name, family) in [
            ("Claude Opus 4.8", Some("claude-opus")),
            ("Claude Opus 4.8 (1M context)", Some("claude-opus")),
            ("claude-3-5-sonnet-20241022", Some("claude-sonnet")),
            ("anthropic/claude-sonnet-4@20250514", Some("claude-sonnet")),
            ("gpt-5.2-codex", Some("gpt-codex")),
            ("GPT4o-mini", Some("gpt-mini")),
            ("o3", Some("o")),
            ("gemini-2.5-pro-preview-06-05", Some("gemini-pro")),
            ("5.2", None),
            ("", None),
        ] {
            assert_eq!(model_family(name).as_deref(), family, "{name}");
        }
    }

    #[test]
    fn what_is_touched_refines_the_activity() {
        for (path, activity) in [
            ("src/main.rs", Activity::Code),
            ("db/migrations/7_users.py", Activity::Data),
            ("migrations", Activity::Code),
            ("report.SQL", Activity::Data),
            ("infra/main.tf", Activity::Infrastructure),
            ("deploy/k8s/api.yaml", Activity::Infrastructure),
            (".github/workflows/ci.yml", Activity::Infrastructure),
            ("services/api/Dockerfile", Activity::Infrastructure),
        ] {
            assert_eq!(activity_of(path), activity, "{path}");
        }
    }

    fn said(strength: Strength, tool: Option<&str>, model: Option<&str>) -> Evidence {
        Evidence {
            channel: Channel::CoAuthor,
            claim: Claim::Ai {
                strength,
                tool: tool.map(str::to_owned),
                model: model.map(str::to_owned),
            },
            witness: String::new(),
            commit: None,
        }
    }

    fn keys(evidence: Vec<Evidence>, paths: &[&str]) -> Vec<String> {
        let found = of_change(
            &reconcile(evidence),
            paths.iter().copied(),
            Environment::Unknown,
        );
        found.iter().map(Pattern::key).collect()
    }

    #[test]
    fn one_tool_is_one_pattern_for_each_activity() {
        use Strength::{AcceptedSuggestion, AgentAuthored, ReviewOnly, Session, Weak};
        assert_eq!(
            keys(
                vec![
                    said(Session, Some("claude-code"), Some("Claude Opus 4.8")),
                    said(Session, Some("claude-code"), None),
                    said(ReviewOnly, Some("coderabbit"), None),
                    said(Weak, Some("cursor"), None),
                ],
                &["a.py", "b.tf"]
            ),
            [
                "claude-code/claude-opus/agent-interactive/code/unknown",
                "claude-code/claude-opus/agent-interactive/infrastructure/unknown",
                "coderabbit/unknown/review/code/unknown",
                "coderabbit/unknown/review/infrastructure/unknown",
            ]
        );
        assert_eq!(
            keys(vec![said(AcceptedSuggestion, Some("copilot"), None)], &[]),
            ["copilot/unknown/autocomplete/code/unknown"]
        );
        assert_eq!(
            keys(vec![said(AgentAuthored, None, None)], &["x/y.sql"]),
            ["unnamed/unknown/agent-autonomous/data/unknown"]
        );
    }

    #[test]
    fn a_pattern_is_read_back() {
        for key in keys(
            vec![said(
                Strength::Session,
                Some("claude-code"),
                Some("Claude Opus 4.8"),
            )],
            &["a.tf"],
        ) {
            assert_eq!(key.parse::<Pattern>().unwrap().key(), key);
        }
        let action = of_action("kiro", None, Environment::Production);
        assert_eq!(action.key(), "kiro/unknown/unknown/operations/production");
        assert_eq!(action.key().parse::<Pattern>(), Ok(action));
        for wrong in [
            "",
            "a/b/c",
            "a/b/chat/code/moon",
            "a//chat/code/local",
            "a/b/talk/code/local",
        ] {
            assert!(wrong.parse::<Pattern>().is_err(), "{wrong}");
        }
    }
}
