//! The rules a change is judged by, read from the protected side.

use std::path::Path;

use countersign_core::catalog::Catalog;
use countersign_core::owners::{LOCATIONS, Owners};
use countersign_core::policy::{self, Mode, Policy};
use countersign_core::problem::{Problem, Source};
use countersign_core::roster::{self, Levels, Roster};
use countersign_core::usage::Usages;
use countersign_git::{Oid, Repo};

use crate::catalogue::{self, BACKSTAGE};
use crate::commands::protected;
use crate::error::{CliError, CliResult, exit};

/// Where Countersign's own files live.
pub(crate) const DIR: &str = ".countersign";
/// The policy.
pub(crate) const POLICY: &str = ".countersign/policy.toml";
/// The roster.
pub(crate) const PEOPLE: &str = ".countersign/people.toml";
/// The usage registry.
pub(crate) const USAGE: &str = ".countersign/usage.toml";
/// The catalogue.
pub(crate) const CATALOG: &str = ".countersign/catalog.yaml";

/// Everything that turns facts into a decision.
pub(crate) struct Rules {
    pub(crate) policy: Policy,
    pub(crate) roster: Roster,
    pub(crate) usages: Usages,
    pub(crate) catalog: Option<Catalog>,
    pub(crate) owners: Owners,
    /// Whether the repository has a policy of its own.
    pub(crate) adopted: bool,
    /// The commit they were read from; `None` for the built-in ones.
    pub(crate) from: Option<Oid>,
    pub(crate) warnings: Vec<Problem>,
}

impl Rules {
    /// Reads the rules as they are at a commit. Without a commit, or where
    /// there are no files, built-in defaults apply.
    pub(crate) fn at(repo: &Repo, commit: Option<&Oid>) -> CliResult<Self> {
        let mut names = vec![POLICY, PEOPLE, USAGE, CATALOG, BACKSTAGE];
        names.extend(LOCATIONS);
        let mut files = match commit {
            Some(commit) => repo.read_files(commit, &names)?,
            None => names.iter().map(|_| None).collect(),
        }
        .into_iter();
        let mut next = |file: &str| text(file, files.next().flatten());
        let (policy, people) = (next(POLICY)?, next(PEOPLE)?);
        let (usage, declared, backstage) = (next(USAGE)?, next(CATALOG)?, next(BACKSTAGE)?);
        let owners = LOCATIONS
            .iter()
            .map(|place| next(place).map(|text| text.map(|text| (*place, text))))
            .collect::<CliResult<Vec<_>>>()?;

        let roster = read(PEOPLE, people.as_deref(), Roster::default(), roster::parse)?;
        let usages = read(USAGE, usage.as_deref(), Usages::default(), Usages::parse)?;
        let adopted = policy.is_some();
        let found = catalogue::drafts(declared, backstage, |path| match commit {
            Some(commit) => text(path, repo.read_file(commit, path)?),
            None => Ok(None),
        })
        .and_then(|said| Ok((catalogue::assemble(said.drafts)?, said.warnings)));
        let (catalog, catalog_warnings) = match found {
            Ok(found) => found,
            // Someone else's catalogue must not keep a first look from working;
            // nothing is stopped there anyway.
            Err(error) if !adopted => {
                let source = Source {
                    file: catalogue::BACKSTAGE,
                    text: "",
                };
                (None, vec![source.whole(error.to_string()).warning()])
            }
            Err(error) => return Err(error),
        };
        let mut policy = match policy {
            Some(text) => policy::parse(&text, POLICY, roster.levels())
                .map_err(|problems| CliError::file(POLICY, &text, problems))?,
            None => Self::builtin(roster.levels())?,
        };
        if !adopted {
            policy.settings.mode = Mode::Shadow;
        }
        let (owners, mut warnings) = match owners.into_iter().flatten().next() {
            Some((file, text)) => Owners::parse(&text, file),
            None => (Owners::default(), Vec::new()),
        };
        warnings.extend(catalog_warnings);
        Ok(Self {
            policy,
            roster,
            usages,
            catalog,
            owners,
            adopted,
            from: commit.filter(|_| adopted).cloned(),
            warnings,
        })
    }

    /// The rules of this repository, or else of the one here; that there is none
    /// here is no error.
    pub(crate) fn around(named: Option<&Path>) -> CliResult<Option<Self>> {
        let repo = match named {
            Some(path) => Repo::open(path)?,
            None => match Repo::open(Path::new(".")) {
                Ok(repo) => repo,
                Err(_) => return Ok(None),
            },
        };
        Self::at(&repo, protected(&repo)?.as_ref()).map(Some)
    }

    /// The built-in policy.
    pub(crate) fn builtin(levels: &Levels) -> CliResult<Policy> {
        Policy::builtin(levels)
            .map_err(|problems| CliError::file("the built-in policy", policy::DEFAULT, problems))
    }

    /// Every owner that CODEOWNERS or the catalogue names.
    pub(crate) fn all_owners(&self) -> Vec<String> {
        let mut owners: Vec<String> = self.owners.all().into_iter().map(str::to_owned).collect();
        let services = self.catalog.iter().flat_map(Catalog::services);
        owners.extend(services.filter_map(|service| service.owner.clone()));
        owners.sort_unstable();
        owners.dedup();
        owners
    }
}

pub(crate) fn text(file: &str, bytes: Option<Vec<u8>>) -> CliResult<Option<String>> {
    bytes
        .map(|bytes| {
            String::from_utf8(bytes).map_err(|_| {
                CliError::new(exit::DATA, format!("{file} is not UTF-8 text"))
                    .hint("save it as UTF-8")
            })
        })
        .transpose()
}

fn read<T>(
    file: &str,
    text: Option<&str>,
    otherwise: T,
    parse: impl Fn(&str, &str) -> Result<T, Vec<Problem>>,
) -> CliResult<T> {
    text.map_or(Ok(otherwise), |text| {
        parse(text, file).map_err(|problems| CliError::file(file, text, problems))
    })
}
