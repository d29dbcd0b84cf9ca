//! The coding agents whose hooks are answered.

use serde::Serialize;

/// A coding agent, named as on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agent {
    /// Claude Code.
    ClaudeCode,
    /// Codex CLI.
    Codex,
    /// Cursor.
    Cursor,
    /// Kiro CLI, hooks of version 2 and 3.
    Kiro,
    /// Amazon Q Developer CLI, whose hooks Kiro took over.
    AmazonQ,
    /// Gemini CLI.
    GeminiCli,
    /// Copilot CLI, and Copilot in VS Code.
    CopilotCli,
    /// OpenCode; its plugin starts this program.
    OpenCode,
    /// Windsurf Cascade.
    Windsurf,
    /// Cline.
    Cline,
    /// Antigravity.
    Antigravity,
}

impl Agent {
    /// Every agent.
    pub const ALL: [Self; 11] = [
        Self::ClaudeCode,
        Self::Codex,
        Self::Cursor,
        Self::Kiro,
        Self::AmazonQ,
        Self::GeminiCli,
        Self::CopilotCli,
        Self::OpenCode,
        Self::Windsurf,
        Self::Cline,
        Self::Antigravity,
    ];

    /// The name used on the command line and in records; the same as in the
    /// catalogue of AI markers and in `usage.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::Cursor => "cursor",
            Self::Kiro => "kiro",
            Self::AmazonQ => "amazon-q",
            Self::GeminiCli => "gemini-cli",
            Self::CopilotCli => "copilot-cli",
            Self::OpenCode => "opencode",
            Self::Windsurf => "windsurf",
            Self::Cline => "cline",
            Self::Antigravity => "antigravity",
        }
    }

    /// The agent of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|agent| agent.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Agent;

    #[test]
    fn names_lead_back() {
        for agent in Agent::ALL {
            assert_eq!(Agent::named(agent.as_str()), Some(agent));
        }
        assert_eq!(Agent::named("Claude"), None);
    }
}
