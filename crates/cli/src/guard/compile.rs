//! The compiled rules made from the protected branch.

use std::path::{Path, PathBuf};

use countersign_core::effect::Environment;
use countersign_core::policy::DEFAULT;
use countersign_core::roster::{self, Person, Roster};
use countersign_effects::target::Targets;
use countersign_git::Repo;
use countersign_guard::compiled::{
    Compiled, CompiledError, MAX_SIZE, Named, VERSION, is_about_actions, is_shadow,
};
use jiff::Timestamp;

use super::files::{self, MANAGED};
use super::place::{Place, Repository};
use super::rules::file_of;
use crate::commands::protected;
use crate::error::{CliError, CliResult, exit};
use crate::rules::{PEOPLE, POLICY, Rules, USAGE, text};
use crate::signer::{configured, public_key};
use crate::signoffs;

/// Which names are which environment, for this repository.
pub(crate) const TARGETS: &str = ".countersign/targets.toml";

/// For whom rules are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// The repository around a directory.
    Repository,
    /// This user, wherever no repository has rules of its own.
    User,
    /// Everyone on this machine.
    Machine,
}

/// Compiled rules and where they belong.
pub(crate) struct Made {
    pub(crate) compiled: Compiled,
    pub(crate) file: PathBuf,
    /// Keys that can pass, of how many people.
    pub(crate) signers: usize,
    /// Whether the repository has a roster of its own.
    pub(crate) adopted: bool,
}

/// Compiles the rules.
pub(crate) fn compile(
    dir: &Path,
    whom: For,
    key: Option<&Path>,
    now: Timestamp,
) -> CliResult<Made> {
    let repo = match (Repo::open(dir), whom) {
        (Ok(repo), _) => Some(repo),
        (Err(error), For::Repository) => return Err(error.into()),
        (Err(_), _) => None,
    };
    let from_repo = repo.as_ref().filter(|_| whom != For::User);
    let mut sources = Sources::default();
    if let Some(repo) = from_repo {
        sources = Sources::of(repo)?;
    }
    let home = super::needed_home()?;
    let around = Place::of(dir.canonicalize().ok().as_deref().and_then(Path::to_str))
        .and_then(|place| place.repo);
    let file = match whom {
        For::Machine => PathBuf::from(MANAGED),
        For::User => file_of(&home, None),
        For::Repository => file_of(&home, Some(&needed(around)?)),
    };
    let adopted = !sources.people.is_empty();
    if !adopted {
        sources.people = own_roster(repo.as_ref(), key)?;
        if sources.people.is_empty() {
            sources.people = named_before(&file, now);
        }
    }
    let compiled = sources.compile(repo.as_ref(), whom, adopted, now)?;
    Made::new(compiled, file, adopted, now)
}

/// The rules that an administrator has put on this machine, if there are any:
/// they are in force everywhere, so nothing else is compiled.
pub(crate) fn in_force_for_all(now: Timestamp) -> Option<CliResult<Made>> {
    let bytes = match files::read(Path::new(MANAGED), MAX_SIZE) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => return Some(Err(error.into())),
    };
    let wrong = |error: CompiledError| CliError::new(exit::DATA, format!("{MANAGED}: {error}"));
    Some(
        Compiled::parse(&bytes, now)
            .map_err(wrong)
            .and_then(|compiled| Made::new(compiled, MANAGED.into(), true, now)),
    )
}

impl Made {
    fn new(compiled: Compiled, file: PathBuf, adopted: bool, now: Timestamp) -> CliResult<Self> {
        let rules = compiled
            .open()
            .map_err(|error| CliError::new(exit::DATA, error.to_string()))?;
        let can_sign =
            |person: &&Person| person.active && person.keys.iter().any(|key| key.is_valid_at(now));
        let signers = rules.roster.people().iter().filter(can_sign).count();
        Ok(Self {
            compiled,
            file,
            signers,
            adopted,
        })
    }

    /// Puts the rules where the guard reads them.
    pub(crate) fn write(&self) -> CliResult<()> {
        let bytes = self.compiled.to_bytes();
        let written = if self.file == Path::new(MANAGED) {
            // Everyone reads these, root alone writes them.
            let dir = self.file.parent().unwrap_or(Path::new("/"));
            std::fs::create_dir_all(dir).and_then(|()| std::fs::write(&self.file, bytes))
        } else {
            files::replace(&self.file, &bytes)
        };
        written.map_err(|error| {
            CliError::new(
                exit::IO,
                format!("{} cannot be written: {error}", self.file.display()),
            )
        })
    }
}

fn needed(repo: Option<Repository>) -> CliResult<Repository> {
    repo.ok_or_else(|| CliError::new(exit::NOT_FOUND, "there is no work tree here"))
}

#[derive(Default)]
struct Sources {
    from: String,
    repository: String,
    policy: String,
    people: String,
    usage: String,
    targets: String,
}

impl Sources {
    fn of(repo: &Repo) -> CliResult<Self> {
        let Some(commit) = protected(repo)? else {
            return Ok(Self::default());
        };
        // Reads everything once more than needed, for its error messages.
        Rules::at(repo, Some(&commit))?;
        let names = [POLICY, PEOPLE, USAGE, TARGETS];
        let mut found = repo.read_files(&commit, &names)?.into_iter();
        let mut next = |file| text(file, found.next().flatten()).map(Option::unwrap_or_default);
        let branch = repo.default_branch()?.unwrap_or_else(|| "HEAD".to_owned());
        Ok(Self {
            policy: next(POLICY)?,
            people: next(PEOPLE)?,
            usage: next(USAGE)?,
            targets: next(TARGETS)?,
            from: format!("{branch} at {}", commit.short()),
            repository: signoffs::repository(repo, &commit)?,
        })
    }

    fn compile(
        self,
        repo: Option<&Repo>,
        whom: For,
        adopted: bool,
        now: Timestamp,
    ) -> CliResult<Compiled> {
        let targets = Targets::parse(&self.targets)
            .map_err(|error| CliError::new(exit::DATA, format!("{TARGETS}: {error}")))?;
        let mut compiled = Compiled {
            v: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            made: now,
            from: if self.from.is_empty() {
                "the built-in rules".to_owned()
            } else {
                self.from
            },
            repository: if self.repository.is_empty() {
                "none".to_owned()
            } else {
                self.repository
            },
            policy: if self.policy == DEFAULT {
                String::new()
            } else {
                self.policy
            },
            people: self.people,
            usage: self.usage,
            targets: targets
                .mappings
                .into_iter()
                .map(|it| Named {
                    facet: it.facet,
                    glob: it.glob,
                    environment: it.environment,
                })
                .collect(),
            operator: None,
            unknown: Environment::Production,
            operator_may_pass: Environment::Staging,
            about_actions: false,
            shadow: false,
        };
        let rules = compiled
            .open()
            .map_err(|error| CliError::new(exit::DATA, error.to_string()))?;
        compiled.unknown = rules.policy.settings.unknown_environment;
        compiled.about_actions = rules.policy.rules.iter().any(is_about_actions);
        compiled.shadow = is_shadow(&rules.policy);
        if adopted {
            compiled.operator_may_pass = rules.policy.settings.operator_may_pass;
            // A machine's rules are everyone's: whose agents they are is not known.
            compiled.operator = match whom {
                For::Machine => None,
                For::Repository | For::User => operator(repo, &rules.roster)?,
            };
        } else {
            // Alone on the roster: nobody else could.
            compiled.operator_may_pass = Environment::Production;
            compiled.operator = rules
                .roster
                .people()
                .first()
                .map(|person| person.id.clone());
        }
        Ok(compiled)
    }
}

/// Whose agents these are: the person that git knows, as it is now. Kept with the
/// rules, so that changing git's configuration later changes nothing.
fn operator(repo: Option<&Repo>, roster: &Roster) -> CliResult<Option<String>> {
    let Some(repo) = repo else { return Ok(None) };
    let email = repo.config("user.email")?.unwrap_or_default();
    let index = roster.by_email(&email);
    Ok(index
        .and_then(|index| roster.person(index))
        .map(|person| person.id.clone()))
}

/// How the one person is called who has no roster.
const OWN: &str = "operator";

/// A roster of the one person whose key is at hand; empty when there is none.
fn own_roster(repo: Option<&Repo>, key: Option<&Path>) -> CliResult<String> {
    let key = match (key, repo) {
        (Some(key), _) => Some(public_key(key)?),
        (None, Some(repo)) => configured(repo).ok().and_then(|key| public_key(&key).ok()),
        (None, None) => None,
    };
    let Some(key) = key.or_else(usual_key) else {
        return Ok(String::new());
    };
    let line: Vec<&str> = key.split_whitespace().take(2).collect();
    let text = format!(
        "version = 1\n[[person]]\nid = \"{OWN}\"\nlevel = \"principal\"\nkeys = [{{ ssh = \"{}\" }}]\n",
        line.join(" ")
    );
    roster::parse(&text, PEOPLE).map_err(|problems| CliError::file("your key", &text, problems))?;
    Ok(text)
}

/// The roster of the one person whose key was named when the rules were made that
/// are in force: making them anew without naming it takes nobody's key away.
fn named_before(file: &Path, now: Timestamp) -> String {
    let kept = files::read(file, MAX_SIZE).ok().and_then(|bytes| {
        let compiled = Compiled::parse(&bytes, now).ok()?;
        let roster = roster::parse(&compiled.people, PEOPLE).ok()?;
        let is_own = matches!(roster.people(), [person] if person.id == OWN);
        is_own.then_some(compiled.people)
    });
    kept.unwrap_or_default()
}

fn usual_key() -> Option<String> {
    let ssh = PathBuf::from(std::env::var_os("HOME")?).join(".ssh");
    [
        "id_ed25519_sk.pub",
        "id_ecdsa_sk.pub",
        "id_ed25519.pub",
        "id_ecdsa.pub",
        "id_rsa.pub",
    ]
    .iter()
    .find_map(|name| std::fs::read_to_string(ssh.join(name)).ok())
}
