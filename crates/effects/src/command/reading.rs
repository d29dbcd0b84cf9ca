//! What a judgement says.

use countersign_core::effect::{Effect, Environment};
use serde::Serialize;

use crate::target::Target;

/// How much an effect could take away, before any policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Danger {
    /// Reads, adds, or edits what can be put back.
    #[default]
    None,
    /// Could not be understood, and could destroy.
    UnknownCouldDestroy,
    /// Destroys, disrupts, or switches a safeguard off.
    Destructive,
}

impl Danger {
    /// The word used in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::UnknownCouldDestroy => "unknown-could-destroy",
            Self::Destructive => "destructive",
        }
    }
}

/// What kind of thing is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The operator's own machine: files, disks, work trees. Being local does
    /// not make a loss harmless.
    Machine,
    /// A service: what counts is which environment it belongs to.
    Service,
    /// The guard itself, its configuration, the agents' settings and git hooks.
    Guard,
}

/// One effect, with what the guard needs to weigh it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The effect.
    pub effect: Effect,
    /// How much it could take away.
    pub danger: Danger,
    /// What kind of thing is hit.
    pub scope: Scope,
    /// Where it lands, and how that is known.
    pub target: Target,
}

/// One command in the explanation tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Node {
    /// The words as they would run; `…` stands for what nobody can know.
    pub command: String,
    /// What was understood about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Indexes into [`Reading::findings`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<usize>,
    /// Commands it runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Self>,
}

/// An environment as a sentence names it.
#[must_use]
pub const fn place_name(environment: Environment) -> &'static str {
    match environment {
        Environment::Unknown => "an environment nobody has named",
        known => known.as_str(),
    }
}

/// What a command or a tool call would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Every effect that changes something, in order.
    pub findings: Vec<Finding>,
    /// The commands as they were understood.
    pub tree: Vec<Node>,
    /// What could not be known.
    pub unknowns: Vec<String>,
    /// Whether it joins a port of this machine to a host that is not made to be
    /// broken: from then on an address of this machine may be that host.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tunnelled: bool,
}

impl Reading {
    /// The effects alone.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        self.findings
            .iter()
            .map(|finding| finding.effect.clone())
            .collect()
    }

    /// The worst danger of any effect, wherever it lands.
    #[must_use]
    pub fn danger(&self) -> Danger {
        self.findings
            .iter()
            .map(|f| f.danger)
            .max()
            .unwrap_or_default()
    }

    /// The worst danger where services in environments up to `tolerated` do
    /// not count. Losses on the machine itself and to the guard always count.
    #[must_use]
    pub fn danger_above(&self, tolerated: Environment) -> Danger {
        self.findings
            .iter()
            .filter(|f| f.scope != Scope::Service || f.target.environment > tolerated)
            .map(|f| f.danger)
            .max()
            .unwrap_or_default()
    }

    /// The most guarded target of any dangerous effect.
    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        self.findings
            .iter()
            .filter(|f| f.danger > Danger::None)
            .map(|f| &f.target)
            .max_by_key(|target| target.environment)
    }

    /// The tree as indented text, one command a line.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        for node in &self.tree {
            self.render_node(node, 0, &mut out);
        }
        for unknown in &self.unknowns {
            out.push_str("? ");
            out.push_str(unknown);
            out.push('\n');
        }
        out
    }

    fn render_node(&self, node: &Node, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        out.push_str(&format!("{indent}{}\n", node.command));
        for note in &node.notes {
            out.push_str(&format!("{indent}  # {note}\n"));
        }
        for index in &node.findings {
            let Some(Finding {
                effect,
                danger,
                target,
                ..
            }) = self.findings.get(*index)
            else {
                continue;
            };
            out.push_str(&format!(
                "{indent}  -> {} {} `{}` in {} [{}]: {}\n",
                effect.verb.as_str(),
                effect.kind,
                effect.object,
                place_name(target.environment),
                danger.as_str(),
                effect.reasons.join("; "),
            ));
        }
        for child in &node.children {
            self.render_node(child, depth + 1, out);
        }
    }
}
