//! Passes on disk, each spent once.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use countersign_core::signoff::Digest;
use countersign_core::signoff::dsse::MAX_ENVELOPE;
use countersign_guard::compiled::{Compiled, Rules};
use countersign_guard::pass::{self, Counted, MAX_LIFETIME};
use jiff::Timestamp;

use super::files;

/// The most passes looked at for one action.
const MAX_PASSES: usize = 16;

/// Where the passes for an action lie.
pub(crate) fn dir_of(home: &Path, action: &Digest) -> PathBuf {
    home.join("passes").join(action.to_string())
}

/// The passes that count for an action, and why others do not. `demanded` are the
/// questions that each has to answer; asked only where there are passes.
pub(crate) fn find(
    home: &Path,
    action: &Digest,
    compiled: &Compiled,
    rules: &Rules,
    demanded: impl FnOnce() -> Vec<String>,
    now: Timestamp,
) -> (Vec<Counted>, Vec<String>) {
    let (mut counted, mut ignored) = (Vec::new(), Vec::new());
    let entries = std::fs::read_dir(dir_of(home, action))
        .into_iter()
        .flatten()
        .flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort_unstable();
    if paths.is_empty() {
        return (counted, ignored);
    }
    let demanded = demanded();
    for path in paths.into_iter().take(MAX_PASSES) {
        let Ok(bytes) = files::read(&path, MAX_ENVELOPE) else {
            continue;
        };
        match pass::check(&bytes, action, compiled, rules, &demanded, now) {
            Ok(found) if is_spent(home, &found.statement) => {
                ignored.push("it was already used".to_owned());
            }
            Ok(found) => counted.push(found),
            Err(error) => ignored.push(error.to_string()),
        }
    }
    counted.sort_unstable_by_key(|it| it.statement);
    counted.dedup_by_key(|it| it.statement);
    (counted, ignored)
}

fn spent_file(home: &Path, statement: &Digest) -> PathBuf {
    home.join("spent").join(statement.to_string())
}

fn is_spent(home: &Path, statement: &Digest) -> bool {
    // Anything but a clear "not there" counts as spent.
    !matches!(spent_file(home, statement).try_exists(), Ok(false))
}

/// Spends passes. Only one process can: whoever creates the file of the first
/// statement. `counted` is sorted, so all contenders begin with the same one.
pub(crate) fn spend(home: &Path, action: &Digest, counted: &[Counted]) -> Result<(), String> {
    let dir = home.join("spent");
    files::private_dir(&dir).map_err(|error| format!("it cannot be marked as used: {error}"))?;
    for it in counted {
        let file = files::private()
            .write(true)
            .create_new(true)
            .open(spent_file(home, &it.statement));
        match file.and_then(|file| file.sync_all()) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err("it was already used".to_owned());
            }
            Err(error) => return Err(format!("it cannot be marked as used: {error}")),
        }
    }
    // What is spent need not lie about; the marks outlive the longest pass.
    let _ = std::fs::remove_dir_all(dir_of(home, action));
    let longest = Duration::try_from(MAX_LIFETIME).unwrap_or_default() * 2;
    if let Some(before) = SystemTime::now().checked_sub(longest) {
        files::prune(&dir, before);
        files::prune(&home.join("passes"), before);
    }
    Ok(())
}
