//! The compiled rules that are in force at a place.

use std::path::{Path, PathBuf};

use countersign_guard::compiled::{Compiled, CompiledError, MAX_SIZE};
use jiff::Timestamp;

use super::files::{self, MANAGED};
use super::place::{Place, Repository};

/// The file of a repository's rules, or of those for everywhere else.
pub(crate) fn file_of(home: &Path, repo: Option<&Repository>) -> PathBuf {
    let name = repo.map_or_else(|| "user".to_owned(), Repository::key);
    home.join("rules").join(format!("{name}.rules"))
}

/// Reads the rules in force: those of the machine, else of the repository, else
/// of the user. A repository with rules of its own never falls back to the
/// user's: they may ask for less.
pub(crate) fn load(place: &Place, now: Timestamp) -> Result<Compiled, CompiledError> {
    if let Some(found) = read(Path::new(MANAGED), now) {
        return found;
    }
    let home = files::home().ok_or(CompiledError::Missing)?;
    if let Some(repo) = &place.repo {
        if let Some(found) = read(&file_of(&home, Some(repo)), now) {
            return found;
        }
        if repo.has_adopted() {
            return Err(CompiledError::Missing);
        }
    }
    read(&file_of(&home, None), now).unwrap_or(Err(CompiledError::Missing))
}

/// `None` when there is no such file.
fn read(path: &Path, now: Timestamp) -> Option<Result<Compiled, CompiledError>> {
    match files::read(path, MAX_SIZE) {
        Ok(bytes) => Some(Compiled::parse(&bytes, now)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => Some(Err(CompiledError::Unreadable(error.to_string()))),
    }
}
