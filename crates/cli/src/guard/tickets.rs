//! Held actions on disk.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use countersign_guard::ticket::{LIFETIME, Ticket};

use super::files;

pub(crate) fn file_of(home: &Path, id: &str) -> PathBuf {
    home.join("tickets").join(format!("{id}.json"))
}

/// Keeps a ticket, and forgets those that have expired.
pub(crate) fn keep(home: &Path, id: &str, ticket: &Ticket) -> std::io::Result<()> {
    files::replace(&file_of(home, id), &ticket.to_bytes())?;
    let lifetime = Duration::try_from(LIFETIME).unwrap_or_default();
    if let Some(before) = SystemTime::now().checked_sub(lifetime) {
        files::prune(&home.join("tickets"), before);
    }
    Ok(())
}
