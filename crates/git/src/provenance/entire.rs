//! Checkpoints of Entire: which agent a commit's `Entire-Checkpoint` trailer
//! points to.
//!
//! Format: entireio/cli, `metadata.json` files on the branch
//! `entire/checkpoints/v1`, one per checkpoint (`12/34567890ab/metadata.json`)
//! and one per session below it, which names the agent and the model.

use std::collections::HashMap;

use serde::Deserialize;

/// The most bytes read from one metadata file.
pub const METADATA_MAX: usize = 4 << 20;

/// The agent of a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The agent's name, such as `Claude Code`; empty where none is given.
    pub agent: String,
    /// The model; empty where none is given.
    pub model: String,
}

/// Checkpoints by their id.
#[derive(Debug, Clone, Default)]
pub struct Checkpoints {
    by_id: HashMap<String, Checkpoint>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    checkpoint_id: Option<String>,
    #[serde(default)]
    agent: Option<String>,
    #[serde(default)]
    model: Option<String>,
}

impl Checkpoints {
    /// Adds a `metadata.json`, given with its path on the checkpoint branch.
    /// Anything else is passed over: the trailer alone already counts.
    pub fn add(&mut self, path: &str, bytes: &[u8]) {
        if bytes.len() > METADATA_MAX || !path.ends_with("metadata.json") {
            return;
        }
        let Ok(metadata) = serde_json::from_slice::<Metadata>(bytes) else {
            return;
        };
        let Some(id) = metadata.checkpoint_id.or_else(|| id_of(path)) else {
            return;
        };
        let checkpoint = self.by_id.entry(id).or_default();
        // The checkpoint's own file names no agent, its sessions' files do.
        if checkpoint.agent.is_empty() {
            checkpoint.agent = metadata.agent.unwrap_or_default();
            checkpoint.model = metadata.model.unwrap_or_default();
        }
    }

    /// The checkpoint with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Checkpoint> {
        self.by_id.get(id)
    }
}

/// `12/34567890ab/…` is the checkpoint `1234567890ab`.
fn id_of(path: &str) -> Option<String> {
    let mut parts = path.split('/');
    let (shard, rest) = (parts.next()?, parts.next()?);
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    (shard.len() == 2 && hex(shard) && hex(rest) && !rest.is_empty())
        .then(|| format!("{shard}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_comes_from_a_sessions_file() {
        let mut checkpoints = Checkpoints::default();
        checkpoints.add(
            "2a/ac03cf740c/metadata.json",
            br#"{"checkpoint_id":"2aac03cf740c","strategy":"manual-commit"}"#,
        );
        checkpoints.add("2a/ac03cf740c/0/metadata.json", br#"{"agent":"Claude Code","model":"claude-opus-4-6","initial_attribution":{"agent_lines":3}}"#);
        checkpoints.add("2a/ac03cf740c/0/context.md", b"# text");
        checkpoints.add("x/metadata.json", b"{}");
        checkpoints.add("2b/ac03cf740c/metadata.json", b"not json");
        let checkpoint = checkpoints.get("2aac03cf740c").unwrap();
        assert_eq!(
            (checkpoint.agent.as_str(), checkpoint.model.as_str()),
            ("Claude Code", "claude-opus-4-6")
        );
        assert!(checkpoints.get("2bac03cf740c").is_none());
    }
}
