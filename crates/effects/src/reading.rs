//! What a reader found: effects, dependencies, findings, and the fingerprint of
//! the bytes it was all read from.

use countersign_core::effect::{Effect, Environment, Verb};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The format a reading came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// `terraform show -json` or `tofu show -json` of a plan file.
    TerraformPlan,
    /// `aws cloudformation describe-change-set`.
    CloudFormationChangeSet,
    /// Two CloudFormation templates, before and after.
    CloudFormationTemplates,
    /// Two sets of Kubernetes manifests, before and after.
    KubernetesManifests,
    /// `kubectl diff`.
    KubernetesDiff,
    /// `kubectl apply --server-side --dry-run=server -o json`, or manifests with
    /// nothing to compare them with.
    KubernetesObjects,
    /// `pulumi preview --json`.
    PulumiPreview,
    /// SQL statements, such as a migration.
    Sql,
}

impl Format {
    /// The name for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TerraformPlan => "Terraform plan",
            Self::CloudFormationChangeSet => "CloudFormation change set",
            Self::CloudFormationTemplates => "CloudFormation templates",
            Self::KubernetesManifests => "Kubernetes manifests",
            Self::KubernetesDiff => "kubectl diff",
            Self::KubernetesObjects => "Kubernetes objects",
            Self::PulumiPreview => "Pulumi preview",
            Self::Sql => "SQL",
        }
    }
}

/// What kind of thing a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// The plan says it is not the whole of the change.
    Incomplete,
    /// The plan was made with errors.
    Errored,
    /// The tool itself would not apply this plan.
    NotApplyable,
    /// A change put off to a later plan.
    Deferred,
    /// An object was changed outside of the tool.
    Drift,
    /// The plan was made from an older state than the recorded one.
    StaleState,
    /// The plan was made from another state than the recorded one.
    DifferentState,
    /// Something that keeps state safe is taken away.
    ProtectionRemoved,
    /// A backup goes in the same change as what it is a backup of.
    BackupDestroyed,
    /// Deleting one object deletes others that the change does not name.
    Cascade,
    /// A rollout that leaves nothing running, or nothing to stop at.
    Rollout,
    /// An object is known by a new name.
    Moved,
    /// An existing object comes under management.
    Imported,
    /// Values that are only known once the change is made.
    UnknownValues,
    /// A table is locked while the statement runs.
    Lock,
    /// A statement that breaks out of, or cannot run in, a transaction.
    Transaction,
    /// Something in the input was not read, and why.
    Skipped,
}

/// Something worth a person's attention that is not an effect by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// The object it is about, named as in [`Effect::object`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub object: Option<String>,
    /// One sentence for people, without secret values.
    pub detail: String,
}

/// One dependency inside the change: `from` needs `to`.
///
/// Names are those of [`Effect::object`]. For Terraform they leave out instance
/// keys, see [`crate::terraform::resource_address`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// The object that needs the other.
    pub from: String,
    /// The object that is needed.
    pub to: String,
}

/// Which state a plan was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateIdentity {
    /// The random identifier a state gets when it is first made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lineage: Option<String>,
    /// Goes up by one at each write of the state.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub serial: Option<u64>,
    /// SHA-256, lower-case hexadecimal, over the sorted addresses of the
    /// managed resources in the state. Never over their values.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<String>,
    /// How many managed resource instances the state holds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resources: Option<usize>,
}

/// Everything read from one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanReading {
    /// Where it was read from.
    pub format: Format,
    /// The version of the format, where it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub format_version: Option<String>,
    /// The version of the tool that wrote it, where known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tool_version: Option<String>,
    /// SHA-256 of the bytes as given, lower-case hexadecimal; see [`fingerprint`].
    pub sha256: String,
    /// What the change would do, in the order of the input.
    pub effects: Vec<Effect>,
    /// In-plan dependencies, sorted, each once.
    pub edges: Vec<Edge>,
    /// What else is worth attention, in the order of the input.
    pub findings: Vec<Finding>,
    /// Entries of the input that stand for a change: each became an effect or is
    /// counted in `unchanged`.
    pub changes_seen: usize,
    /// Entries that change nothing, such as `no-op`.
    pub unchanged: usize,
    /// How many effects cannot be told from the input: not understood, or put off.
    pub unknown: usize,
    /// The state it was made from, as far as the input tells.
    pub state: StateIdentity,
    /// The environment the input itself names, if it does, and where.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub environment_hint: Option<EnvironmentHint>,
}

/// An environment named by the input, such as a variable `environment = prod`.
/// A hint only: what is called `dev` may still be pointed at production.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentHint {
    /// The environment.
    pub environment: Environment,
    /// Where it was read.
    pub witness: String,
}

/// What is said of an object that is imported.
pub(crate) const IMPORTED: &str = "an existing object comes under management";

impl PlanReading {
    pub(crate) const fn new(format: Format, sha256: String) -> Self {
        Self {
            format,
            format_version: None,
            tool_version: None,
            sha256,
            effects: Vec::new(),
            edges: Vec::new(),
            findings: Vec::new(),
            changes_seen: 0,
            unchanged: 0,
            unknown: 0,
            state: StateIdentity {
                lineage: None,
                serial: None,
                digest: None,
                resources: None,
            },
            environment_hint: None,
        }
    }

    pub(crate) fn finding(
        &mut self,
        kind: FindingKind,
        object: Option<&str>,
        detail: impl Into<String>,
    ) {
        self.findings.push(Finding {
            kind,
            object: object.map(str::to_owned),
            detail: detail.into(),
        });
    }

    /// Counts an entry that changes nothing and is worth a look all the same.
    pub(crate) fn unchanged_but(&mut self, kind: FindingKind, object: &str, detail: &str) {
        self.unchanged += 1;
        self.finding(kind, Some(object), detail);
    }

    /// Sorts the edges and counts the unknowns: the last step of every reader.
    pub(crate) fn finish(mut self) -> Self {
        self.edges.sort_unstable();
        self.edges.dedup();
        let unread = self
            .effects
            .iter()
            .filter(|e| e.verb == Verb::Unknown)
            .count();
        let deferred = self
            .findings
            .iter()
            .filter(|f| f.kind == FindingKind::Deferred)
            .count();
        self.unknown = unread + deferred;
        self
    }
}

/// SHA-256 of `bytes` in lower-case hexadecimal: what a sign-off binds to.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 over several named files: over each name, a NUL, the length as eight
/// little-endian bytes, and the bytes, in the order given.
#[must_use]
pub fn fingerprint_all<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hash = Sha256::new();
    for (name, bytes) in files {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut s, b| {
        // Writing to a string cannot fail.
        let _ = write!(s, "{b:02x}");
        s
    })
}
