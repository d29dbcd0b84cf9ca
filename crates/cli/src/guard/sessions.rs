//! What conversations remember, on disk.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use countersign_guard::agent::Agent;
use countersign_guard::journal::session_hash;
use countersign_guard::memory::{MAX_SIZE, Session};

use super::files;

/// How long a conversation is remembered after its last blocked call.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

fn file_of(home: &Path, agent: Agent, session: &str) -> PathBuf {
    let name = session_hash(&format!("{} {session}", agent.as_str()));
    home.join("sessions").join(format!("{name}.json"))
}

/// What a conversation remembers; nothing when it has no file.
///
/// # Errors
/// In words, when there is a file that cannot be read.
pub(crate) fn load(home: &Path, agent: Agent, session: &str) -> Result<Session, String> {
    match files::read(&file_of(home, agent, session), MAX_SIZE) {
        Ok(bytes) => {
            Session::parse(&bytes).ok_or_else(|| "the conversation's memory is damaged".to_owned())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Session::default()),
        Err(error) => Err(format!("the conversation's memory cannot be read: {error}")),
    }
}

pub(crate) fn save(
    home: &Path,
    agent: Agent,
    session: &str,
    memory: &Session,
) -> Result<(), String> {
    files::replace(&file_of(home, agent, session), &memory.to_bytes())
        .map_err(|error| format!("the conversation's memory cannot be written: {error}"))?;
    if let Some(before) = SystemTime::now().checked_sub(LIFETIME) {
        files::prune(&home.join("sessions"), before);
    }
    Ok(())
}
