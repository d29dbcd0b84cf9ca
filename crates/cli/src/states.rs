//! The state that plans of a place were last made from.
//!
//! A plan from an old or empty copy of the state deletes what was made since.
//! What was seen last is kept in the clone (`countersign/states.json` in the git
//! directory) and, for everyone, in `.countersign/states.toml` on the protected
//! branch, which nobody can rewind by deleting a file.

use std::path::{Path, PathBuf};

use countersign_core::effect::Environment;
use countersign_core::problem::Source;
use countersign_effects::reading::{Finding, FindingKind, StateIdentity};
use countersign_effects::terraform::compare;
use countersign_git::{Oid, Repo};
use serde::{Deserialize, Serialize};

use crate::error::{CliError, CliResult, exit};
use crate::rules::text;

/// The file on the protected branch.
pub(crate) const STATES: &str = ".countersign/states.toml";

/// A state and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    /// What people call it; for plans inside the repository their folder.
    pub(crate) name: String,
    pub(crate) environment: Environment,
    #[serde(flatten)]
    pub(crate) state: StateIdentity,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    version: u32,
    #[serde(default)]
    state: Vec<RawState>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawState {
    name: String,
    environment: Environment,
    lineage: Option<String>,
    serial: Option<u64>,
    digest: Option<String>,
    resources: Option<usize>,
}

#[derive(Default, Serialize, Deserialize)]
struct Local {
    version: u32,
    states: Vec<Recorded>,
}

/// Everything recorded about states.
pub(crate) struct States {
    place: PathBuf,
    local: Vec<Recorded>,
    shared: Vec<Recorded>,
}

impl States {
    /// Reads what this clone has seen, and what the protected branch says.
    pub(crate) fn of(repo: &Repo, onto: Option<&Oid>) -> CliResult<Self> {
        let place = repo.common_dir()?.join("countersign").join("states.json");
        let local = match std::fs::read(&place) {
            Ok(bytes) => serde_json::from_slice::<Local>(&bytes).map_err(|error| {
                CliError::new(
                    exit::DATA,
                    format!("{} is damaged: {error}", place.display()),
                )
                .hint("delete it, then: countersign plan record-state")
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Local::default(),
            Err(error) => return Err(error.into()),
        };
        let shared = match onto {
            Some(onto) => text(STATES, repo.read_file(onto, STATES)?)?,
            None => None,
        };
        let shared = shared.map_or(Ok(Vec::new()), |text| parse(&text))?;
        Ok(Self {
            place,
            local: local.states,
            shared,
        })
    }

    /// What is wrong with a plan made from `found`: an older serial, another
    /// lineage, or resources that the recorded state does not have or has more
    /// of.
    pub(crate) fn findings(
        &self,
        name: Option<&str>,
        environment: Environment,
        found: &StateIdentity,
    ) -> Vec<Finding> {
        let here = |it: &&Recorded| {
            let same_lineage = it.state.lineage.is_some() && it.state.lineage == found.lineage;
            same_lineage || (name == Some(it.name.as_str()) && it.environment == environment)
        };
        let recorded = self.shared.iter().chain(&self.local).filter(here);
        let mut findings: Vec<Finding> = recorded
            .filter(|it| !may_have_grown(&it.state, found))
            .flat_map(|it| compare(&it.state, found))
            .collect();
        findings.dedup();
        findings
    }

    /// Keeps what was seen, unless something newer is known.
    pub(crate) fn remember(&mut self, seen: Recorded) -> CliResult<()> {
        if seen.state.lineage.is_none() || seen.state.serial.is_none() {
            return Ok(());
        }
        let place = |it: &Recorded| it.name == seen.name && it.environment == seen.environment;
        let known = self.local.iter().find(|it| place(it));
        if known.is_some_and(|it| *it == seen || it.state.serial > seen.state.serial) {
            return Ok(());
        }
        self.record(seen)
    }

    /// Replaces whatever was recorded about a place.
    pub(crate) fn record(&mut self, seen: Recorded) -> CliResult<()> {
        self.local
            .retain(|it| it.name != seen.name || it.environment != seen.environment);
        self.local.push(seen);
        let key = |it: &Recorded| (it.name.clone(), it.environment);
        self.local.sort_by_key(key);
        let local = Local {
            version: 1,
            states: self.local.clone(),
        };
        let bytes = serde_json::to_vec_pretty(&local)
            .map_err(|error| CliError::new(exit::INTERNAL, error.to_string()))?;
        let folder = self.place.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        // Renamed into place, so that nobody reads half of it.
        let file = tempfile::NamedTempFile::new_in(folder)?;
        std::fs::write(file.path(), bytes)?;
        let kept = file.persist(&self.place);
        kept.map(|_| ()).map_err(|error| error.error.into())
    }
}

/// A state without a serial may be newer, and newer ones usually hold more.
fn may_have_grown(recorded: &StateIdentity, found: &StateIdentity) -> bool {
    found.serial.is_none() && found.resources > recorded.resources
}

fn parse(text: &str) -> CliResult<Vec<Recorded>> {
    let source = Source { file: STATES, text };
    let failed = |problem| CliError::file(STATES, text, vec![problem]);
    let file: RawFile = source.toml().map_err(failed)?;
    if file.version != 1 {
        let message = format!("version {} is not known", file.version);
        return Err(failed(source.whole(message)));
    }
    let states = file.state.into_iter();
    Ok(states
        .map(|raw| Recorded {
            name: raw.name,
            environment: raw.environment,
            state: StateIdentity {
                lineage: raw.lineage,
                serial: raw.serial,
                digest: raw.digest,
                resources: raw.resources,
            },
        })
        .collect())
}

/// What a plan's state is called: the folder of the plan inside the repository.
/// Elsewhere nothing says which one it is.
pub(crate) fn name_of(repo: &Repo, plan: &Path) -> Option<String> {
    let root = repo.work_tree()?.canonicalize().ok()?;
    let plan = plan.canonicalize().ok()?;
    let folder = plan.parent()?.strip_prefix(&root).ok()?;
    Some(match folder.to_str()? {
        "" => ".".to_owned(),
        folder => folder.replace('\\', "/"),
    })
}

/// Whether a finding says that the plan is from another state than recorded.
pub(crate) const fn is_about_state(finding: &Finding) -> bool {
    matches!(
        finding.kind,
        FindingKind::StaleState | FindingKind::DifferentState
    )
}

/// An entry as `.countersign/states.toml` has it.
pub(crate) fn toml(recorded: &Recorded) -> String {
    let mut out = format!(
        "[[state]]\nname = {:?}\nenvironment = \"{}\"\n",
        recorded.name,
        recorded.environment.as_str()
    );
    let state = &recorded.state;
    if let Some(lineage) = &state.lineage {
        out.push_str(&format!("lineage = {lineage:?}\n"));
    }
    if let Some(serial) = state.serial {
        out.push_str(&format!("serial = {serial}\n"));
    }
    out
}
