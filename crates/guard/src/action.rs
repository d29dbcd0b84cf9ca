//! One action in its canonical form: what a pass is bound to.
//!
//! The bytes are compact JSON with sorted keys over everything that decides what
//! would happen: the tool and its arguments, where it runs, the commit that is
//! checked out, the target that was resolved, what the effects are, the
//! environment variables that choose accounts and clusters (as one hash), and the
//! hashes of the files that the call names. Change one, and it is another action.

use countersign_core::signoff::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::agent::Agent;
use crate::protocol::ToolCall;

/// The version of the canonical form.
const VERSION: u32 = 1;

/// Arguments that only describe the call to a person.
const REMARKS: &[&str] = &[
    "description",
    "explanation",
    "timeout",
    "timeout_ms",
    "toolSummary",
    "toolAction",
];

/// Variables that choose accounts, clusters, databases or credentials; a name
/// that ends in `_` stands for all that begin with it.
const DECIDING: &[&str] = &[
    "AWS_",
    "ARM_",
    "AZURE_",
    "CDK_",
    "CLOUDSDK_",
    "CLUSTER",
    "CONTEXT",
    "DATABASE_URL",
    "DB_",
    "DOCKER_",
    "ENV",
    "ENVIRONMENT",
    "FLY_",
    "GCP_",
    "GH_",
    "GITHUB_TOKEN",
    "GITLAB_",
    "GOOGLE_",
    "HELM_",
    "HEROKU_",
    "KUBECONFIG",
    "KUBE_",
    "MONGO_",
    "MYSQL_",
    "NODE_ENV",
    "PG",
    "PGDATABASE",
    "PGHOST",
    "PGPORT",
    "PGSERVICE",
    "PGUSER",
    "PULUMI_",
    "RAILS_ENV",
    "RAILWAY_",
    "REDIS_URL",
    "STAGE",
    "SUPABASE_",
    "TF_",
    "TG_",
    "VAULT_",
    "VERCEL_",
];

/// Whether a variable of this name is part of an action.
#[must_use]
pub fn decides(name: &str) -> bool {
    DECIDING
        .iter()
        .any(|known| *known == name || (known.ends_with('_') && name.starts_with(known)))
}

/// A file that the call names, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileFact {
    /// The absolute path.
    pub path: String,
    /// SHA-256 of its content; absent when it cannot be read or is too large.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<Digest>,
}

/// What the machine looked like when the call was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ground {
    /// The directory the call would run in.
    pub cwd: String,
    /// The root of the work tree, if it is in one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub root: Option<String>,
    /// The branch or commit that is checked out, and the commit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub head: Option<String>,
    /// SHA-256 over the deciding environment variables.
    pub environment: Digest,
    /// Files that the call names, sorted.
    pub files: Vec<FileFact>,
}

/// An action, ready to be hashed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// The version of this form.
    pub v: u32,
    /// The agent's name.
    pub agent: String,
    /// The tool.
    pub tool: String,
    /// Its arguments without remarks.
    pub input: Value,
    /// The machine.
    pub ground: Ground,
    /// The environment it lands in.
    pub target: String,
    /// The names the target was read from.
    pub facets: Vec<(String, String)>,
    /// What it would do, one line each.
    pub effects: Vec<String>,
}

impl Action {
    /// The action of a call.
    #[must_use]
    pub fn new(
        agent: Agent,
        call: &ToolCall,
        ground: Ground,
        target: &str,
        facets: Vec<(String, String)>,
        effects: Vec<String>,
    ) -> Self {
        Self {
            v: VERSION,
            agent: agent.as_str().to_owned(),
            tool: call.tool.clone(),
            input: without_remarks(&call.input),
            ground,
            target: target.to_owned(),
            facets,
            effects,
        }
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Through a value, so that keys are sorted at every depth. Plain data
        // cannot fail to be written.
        let value = serde_json::to_value(self).unwrap_or_default();
        let mut out = String::new();
        write(&value, &mut out);
        out.into_bytes()
    }

    /// What a pass names.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// The command or call in one line, for people. Not redacted.
    #[must_use]
    pub fn line(&self) -> String {
        line(&self.tool, &self.input)
    }
}

/// A call in one line: its command, path, query, or all arguments.
#[must_use]
pub fn line(tool: &str, input: &Value) -> String {
    let command = ["command", "CommandLine", "command_line", "cmd"]
        .iter()
        .find_map(|name| input.get(name));
    match command {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(words)) => words
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" "),
        _ => {
            let shown = [
                "file_path",
                "filePath",
                "path",
                "url",
                "query",
                "sql",
                "TargetFile",
            ]
            .iter()
            .find_map(|name| input.get(name)?.as_str());
            match shown {
                Some(text) => format!("{tool} {text}"),
                None if input.as_object().is_some_and(serde_json::Map::is_empty) => tool.to_owned(),
                None => format!("{tool} {input}"),
            }
        }
    }
}

fn without_remarks(input: &Value) -> Value {
    let Value::Object(fields) = input else {
        return input.clone();
    };
    Value::Object(
        fields
            .iter()
            .filter(|(name, _)| !REMARKS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort_unstable();
            out.push('{');
            for (place, name) in names.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(name.clone()).to_string());
                out.push(':');
                write(fields.get(name).unwrap_or(&Value::Null), out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

/// The most words of a call that are looked up as files.
const MAX_WORDS: usize = 20_000;

/// The words of a call's arguments that could name files: every text in it, cut
/// at what separates words. `None` where there are more than anybody looks up, so
/// that nothing can be bound to them.
#[must_use]
pub fn words(input: &Value) -> Option<Vec<&str>> {
    fn collect<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
        match value {
            Value::String(text) => out.extend(
                text.split(|c: char| c.is_whitespace() || "'\"=;|&<>(),`{}[]@".contains(c))
                    .filter(|word| (1..4096).contains(&word.len())),
            ),
            Value::Array(items) => items.iter().for_each(|item| collect(item, out)),
            Value::Object(fields) => fields.values().for_each(|item| collect(item, out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    collect(input, &mut out);
    out.sort_unstable();
    out.dedup();
    (out.len() <= MAX_WORDS).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn action(input: Value) -> Action {
        let call = ToolCall {
            tool: "Bash".to_owned(),
            input,
            cwd: None,
            session: None,
            event: String::new(),
        };
        let ground = Ground {
            cwd: "/w".to_owned(),
            root: None,
            head: None,
            environment: Digest::of(b""),
            files: Vec::new(),
        };
        Action::new(
            Agent::ClaudeCode,
            &call,
            ground,
            "production",
            Vec::new(),
            Vec::new(),
        )
    }

    #[test]
    fn what_decides_changes_the_digest_and_remarks_do_not() {
        let base = action(json!({"command": "terraform destroy", "description": "a"}));
        let same =
            action(json!({"timeout": 5, "description": "b", "command": "terraform destroy"}));
        assert_eq!(base.digest(), same.digest());
        let other = action(json!({"command": "terraform  destroy"}));
        assert_ne!(base.digest(), other.digest());
        let mut moved = base.clone();
        moved.ground.cwd = "/v".to_owned();
        assert_ne!(base.digest(), moved.digest());
        let mut elsewhere = base.clone();
        elsewhere.ground.environment = Digest::of(b"AWS_PROFILE=prod");
        assert_ne!(base.digest(), elsewhere.digest());
    }

    #[test]
    fn bytes_are_sorted_at_every_depth_and_read_back() {
        let a = action(json!({"command": "x", "z": {"b": 1, "a": [2, {"d": 1, "c": 0}]}}));
        let bytes = a.to_bytes();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(
            text.contains(r#""z":{"a":[2,{"c":0,"d":1}],"b":1}"#),
            "{text}"
        );
        let again: Action = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(again.to_bytes(), bytes);
    }

    #[test]
    fn deciding_variables() {
        for (name, is) in [
            ("AWS_PROFILE", true),
            ("KUBECONFIG", true),
            ("TF_VAR_region", true),
            ("PGHOST", true),
            ("PATH", false),
            ("EDITOR", false),
        ] {
            assert_eq!(decides(name), is, "{name}");
        }
    }

    #[test]
    fn words_that_may_be_files() {
        let input =
            json!({"command": "terraform apply -var-file=prod.tfvars 'plan.out' && ./run.sh"});
        let found = words(&input).unwrap();
        for word in ["plan.out", "prod.tfvars", "./run.sh"] {
            assert!(found.contains(&word), "{found:?}");
        }
        // None is left out in silence.
        let long: Vec<String> = (0..600).map(|n| format!("a{n}")).collect();
        let input = json!({ "command": format!("{} zz.sh", long.join(" ")) });
        assert!(words(&input).unwrap().contains(&"zz.sh"));
        let endless: Vec<String> = (0..=MAX_WORDS).map(|n| n.to_string()).collect();
        assert_eq!(words(&json!({ "command": endless.join(" ") })), None);
    }
}
