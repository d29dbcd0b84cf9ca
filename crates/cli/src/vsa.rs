//! The SLSA source verification summary (`https://slsa.dev/verification_summary/v1`)
//! of what landed, as an in-toto Statement.
//!
//! Only what the repository itself proves is claimed. Of the levels of SLSA's
//! source track that is the first, version control: the higher ones speak of
//! controls of the forge, which nobody can see from inside a repository. What is
//! proven beyond is in properties of our own (`ORG_SOURCE_COUNTERSIGN_…`).

use std::path::Path;

use countersign_core::signoff::dsse::{Envelope, to_be_signed};
use countersign_git::{GitError, Repo};
use jiff::Timestamp;
use serde::Serialize;

use crate::error::{CliError, CliResult, exit};
use crate::report::step::StepReport;
use crate::rules::POLICY;
use crate::signer::sign;

/// The SSHSIG namespace of summaries: one can never be taken for a sign-off.
pub(crate) const NAMESPACE: &str = "vsa@countersign.dev";

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://slsa.dev/verification_summary/v1";

/// Version control, all that a repository can prove of SLSA's source track.
const LEVEL: &str = "SLSA_SOURCE_LEVEL_1";
/// The policy of each step's parent was satisfied, or broken as it allows.
const POLICY_SATISFIED: &str = "ORG_SOURCE_COUNTERSIGN_POLICY_SATISFIED";
/// Each step was approved, content and target, by someone who did not make it.
const TWO_PERSONS: &str = "ORG_SOURCE_COUNTERSIGN_APPROVED_BY_ANOTHER_PERSON";
/// No step went ahead by break-glass.
const NO_BREAK_GLASS: &str = "ORG_SOURCE_COUNTERSIGN_NO_BREAK_GLASS";
/// The gate recorded when each step landed, so nothing was signed afterwards.
const RECORDED: &str = "ORG_SOURCE_COUNTERSIGN_LANDING_RECORDED";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: [Subject; 1],
    predicate_type: &'static str,
    predicate: Predicate,
}

#[derive(Serialize)]
struct Subject {
    digest: GitDigest,
    annotations: Annotations,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GitDigest {
    git_commit: String,
    git_tree: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotations {
    source_refs: [String; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    verifier: Verifier,
    time_verified: Timestamp,
    resource_uri: String,
    policy: PolicyOf,
    verification_result: &'static str,
    verified_levels: Vec<&'static str>,
    slsa_version: &'static str,
}

#[derive(Serialize)]
struct Verifier {
    id: &'static str,
    version: Version,
}

#[derive(Serialize)]
struct Version {
    countersign: &'static str,
}

#[derive(Serialize)]
struct PolicyOf {
    uri: String,
    digest: Sha256,
}

#[derive(Serialize)]
struct Sha256 {
    sha256: String,
}

/// What is summed up.
pub(crate) struct Verified<'a> {
    pub(crate) commit: &'a str,
    pub(crate) tree: &'a str,
    pub(crate) target: &'a str,
    pub(crate) resource: String,
    /// Steps that a policy judged, oldest first.
    pub(crate) steps: &'a [StepReport],
}

/// Whether something holds of a step.
type Holds<'a> = &'a dyn Fn(&StepReport) -> bool;

/// What the steps prove. Steps in shadow mode prove their policy satisfied only
/// if it was.
pub(crate) fn levels(steps: &[StepReport]) -> Vec<&'static str> {
    let all = |holds: Holds<'_>| !steps.is_empty() && steps.iter().all(holds);
    let approved = |step: &StepReport| step.signoffs.iter().any(|it| it.said == "approve");
    let mut levels = vec![LEVEL];
    let properties: [(&'static str, Holds<'_>); 4] = [
        (POLICY_SATISFIED, &StepReport::is_satisfied),
        (TWO_PERSONS, &|step| step.is_satisfied() && approved(step)),
        (NO_BREAK_GLASS, &|step| {
            step.is_satisfied() && !step.overridden
        }),
        (RECORDED, &|step| {
            step.is_satisfied() && step.landed.recorded
        }),
    ];
    levels.extend(
        properties
            .into_iter()
            .filter(|(_, holds)| all(holds))
            .map(|(name, _)| name),
    );
    levels
}

/// The statement as JSON, one line.
pub(crate) fn statement(verified: &Verified<'_>, now: Timestamp) -> CliResult<Vec<u8>> {
    let failed = verified.steps.iter().any(StepReport::is_bypass);
    let last = verified.steps.last().ok_or_else(|| {
        CliError::new(
            exit::DATA,
            "no policy judged any of these steps, so there is nothing to sum up",
        )
        .hint("verify what landed after Countersign was adopted")
    })?;
    let from = last.policy.from.as_deref().unwrap_or_default();
    let summary = Summary {
        kind: STATEMENT,
        subject: [Subject {
            digest: GitDigest {
                git_commit: verified.commit.to_owned(),
                git_tree: verified.tree.to_owned(),
            },
            annotations: Annotations {
                source_refs: [verified.target.to_owned()],
            },
        }],
        predicate_type: PREDICATE,
        predicate: Predicate {
            verifier: Verifier {
                id: "https://countersign.dev/verify",
                version: Version {
                    countersign: env!("CARGO_PKG_VERSION"),
                },
            },
            time_verified: now,
            policy: PolicyOf {
                uri: format!("{}@{from}#{POLICY}", verified.resource),
                digest: Sha256 {
                    sha256: last.policy.digest.clone(),
                },
            },
            resource_uri: verified.resource.clone(),
            verification_result: if failed { "FAILED" } else { "PASSED" },
            verified_levels: if failed {
                vec!["FAILED"]
            } else {
                levels(verified.steps)
            },
            slsa_version: "1.2",
        },
    };
    serde_json::to_vec(&summary)
        .map_err(|error| CliError::new(exit::INTERNAL, format!("writing JSON failed: {error}")))
}

/// Writes the statement, in a signed DSSE envelope where there is a key.
pub(crate) fn write(file: &Path, statement: Vec<u8>, key: Option<&Path>) -> CliResult<()> {
    let bytes = match key {
        None => statement,
        Some(key) => {
            let signature = sign(key, NAMESPACE, &to_be_signed(&statement))?;
            Envelope::new(statement, signature).to_bytes()
        }
    };
    std::fs::write(file, bytes).map_err(|error| {
        CliError::new(
            exit::IO,
            format!("writing {} failed: {error}", file.display()),
        )
    })
}

/// The repository as SLSA names it: `git+https://…`, from the address of its
/// remote without user and password.
pub(crate) fn resource(repo: &Repo, repository: &str) -> Result<String, GitError> {
    let url = repo.config("remote.origin.url")?;
    Ok(url
        .as_deref()
        .and_then(web_address)
        .unwrap_or_else(|| format!("git+{repository}")))
}

fn web_address(url: &str) -> Option<String> {
    let (host, path) = match url.split_once("://") {
        Some(("https" | "http" | "ssh" | "git" | "git+ssh", rest)) => rest.split_once('/')?,
        Some(_) => return None,
        // `user@host:path`, but neither a path nor a drive.
        None => url
            .split_once(':')
            .filter(|(host, _)| host.len() > 1 && !host.contains('/'))?,
    };
    let host = host.rsplit('@').next()?;
    let host = host.split(':').next()?;
    let path = path.trim_matches('/').trim_end_matches(".git");
    (!host.is_empty() && !path.is_empty()).then(|| format!("git+https://{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_secrets() {
        for (url, wanted) in [
            (
                "https://github.com/acme/shop.git",
                Some("git+https://github.com/acme/shop"),
            ),
            (
                "https://u:token@host.example:8443/a/b",
                Some("git+https://host.example/a/b"),
            ),
            (
                "git@github.com:acme/shop.git",
                Some("git+https://github.com/acme/shop"),
            ),
            (
                "ssh://git@host:22/acme/shop",
                Some("git+https://host/acme/shop"),
            ),
            ("/srv/git/shop.git", None),
            ("file:///srv/git/shop.git", None),
            ("C:/shop", None),
            ("https://host", None),
        ] {
            assert_eq!(web_address(url).as_deref(), wanted, "{url}");
        }
    }
}
