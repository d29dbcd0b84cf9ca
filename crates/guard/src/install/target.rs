//! Which file holds an agent's hooks.

use std::path::{Path, PathBuf};

use crate::agent::Agent;

/// Whose hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The user's, in every project.
    User,
    /// The project's.
    Project,
    /// The machine's, set by an administrator.
    Managed,
}

/// How a file is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An entry in a JSON file that others write too.
    Json {
        /// Whether the agent allows comments and trailing commas.
        comments: bool,
    },
    /// An entry in the `hooks` of a Kiro (version 2) or Amazon Q agent.
    KiroAgent,
    /// A JSON file of our own.
    OwnJson,
    /// Tables at the end of a TOML file.
    Toml,
    /// A JavaScript plugin of our own.
    Plugin,
    /// An executable of our own.
    Script,
}

/// A file that holds an agent's hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Whose.
    pub agent: Agent,
    /// Where.
    pub path: PathBuf,
    /// How.
    pub form: Form,
}

/// The file of an agent; `None` where the agent has none of that scope.
#[must_use]
pub fn targets(agent: Agent, scope: Scope, home: &Path, root: &Path) -> Option<Target> {
    let json = Form::Json { comments: false };
    let jsonc = Form::Json { comments: true };
    let (path, form) = match (agent, scope) {
        (Agent::ClaudeCode, Scope::User) => (home.join(".claude/settings.json"), json),
        (Agent::ClaudeCode, Scope::Project) => (root.join(".claude/settings.json"), json),
        (Agent::ClaudeCode, Scope::Managed) => {
            ("/etc/claude-code/managed-settings.json".into(), json)
        }
        (Agent::Codex, Scope::User) => (home.join(".codex/config.toml"), Form::Toml),
        (Agent::Codex, Scope::Project) => (root.join(".codex/config.toml"), Form::Toml),
        (Agent::Cursor, Scope::User) => (home.join(".cursor/hooks.json"), jsonc),
        (Agent::Cursor, Scope::Project) => (root.join(".cursor/hooks.json"), jsonc),
        (Agent::Cursor, Scope::Managed) => ("/etc/cursor/hooks.json".into(), jsonc),
        (Agent::Kiro, Scope::User) => (home.join(".kiro/hooks/countersign.json"), Form::OwnJson),
        (Agent::Kiro, Scope::Project) => (root.join(".kiro/hooks/countersign.json"), Form::OwnJson),
        (Agent::AmazonQ, Scope::User) => (
            home.join(".aws/amazonq/cli-agents/default.json"),
            Form::KiroAgent,
        ),
        (Agent::AmazonQ, Scope::Project) => (
            root.join(".amazonq/cli-agents/default.json"),
            Form::KiroAgent,
        ),
        (Agent::GeminiCli, Scope::User) => (home.join(".gemini/settings.json"), jsonc),
        (Agent::GeminiCli, Scope::Project) => (root.join(".gemini/settings.json"), jsonc),
        (Agent::GeminiCli, Scope::Managed) => ("/etc/gemini-cli/settings.json".into(), jsonc),
        (Agent::CopilotCli, Scope::User) => {
            (home.join(".copilot/hooks/countersign.json"), Form::OwnJson)
        }
        (Agent::CopilotCli, Scope::Project) => {
            (root.join(".github/hooks/countersign.json"), Form::OwnJson)
        }
        (Agent::OpenCode, Scope::User) => (
            home.join(".config/opencode/plugins/countersign.js"),
            Form::Plugin,
        ),
        (Agent::OpenCode, Scope::Project) => {
            (root.join(".opencode/plugins/countersign.js"), Form::Plugin)
        }
        (Agent::Windsurf, Scope::User) => (home.join(".codeium/windsurf/hooks.json"), json),
        (Agent::Windsurf, Scope::Project) => (root.join(".windsurf/hooks.json"), json),
        (Agent::Windsurf, Scope::Managed) => ("/etc/windsurf/hooks.json".into(), json),
        (Agent::Cline, Scope::User) => {
            (home.join("Documents/Cline/Hooks/PreToolUse"), Form::Script)
        }
        (Agent::Cline, Scope::Project) => (root.join(".clinerules/hooks/PreToolUse"), Form::Script),
        (Agent::Antigravity, Scope::User) => (home.join(".gemini/config/hooks.json"), json),
        (Agent::Antigravity, Scope::Project) => (root.join(".agents/hooks.json"), json),
        _ => return None,
    };
    Some(Target { agent, path, form })
}

impl Target {
    /// A file that the user names; an agent's file of Kiro before version 3 is
    /// told by its directory.
    #[must_use]
    pub fn at(agent: Agent, path: &Path) -> Self {
        let usual = targets(agent, Scope::User, Path::new("/"), Path::new("/")).map(|it| it.form);
        let in_agents = path
            .parent()
            .and_then(Path::file_name)
            .is_some_and(|dir| dir == "agents" || dir == "cli-agents");
        let form = match usual {
            Some(Form::OwnJson) if in_agents => Form::KiroAgent,
            Some(Form::Toml) if path.extension().is_some_and(|it| it == "json") => {
                Form::Json { comments: false }
            }
            Some(form) => form,
            None => Form::Json { comments: false },
        };
        Self {
            agent,
            path: path.to_owned(),
            form,
        }
    }
}
