//! Keys that people sign with: an agent neither reads nor uses them.

use countersign_effects::command::{Node, Reading};
use serde_json::Value;

/// Programs that use a key for what it is for, or only look at the file.
const USERS: &[&str] = &[
    "ssh",
    "scp",
    "sftp",
    "rsync",
    "git",
    "ssh-add",
    "ls",
    "stat",
    "chmod",
    "test",
    "[",
    "ansible",
    "ansible-playbook",
];
/// Files beside the keys that are none.
const NO_KEYS: &[&str] = &[
    "config",
    "known_hosts",
    "known_hosts.old",
    "authorized_keys",
    "allowed_signers",
    "",
];
/// Commands that are cut in the explanation have this many characters.
const CUT: usize = 399;

/// Why a call touches a person's signing key; `None` when it does not.
#[must_use]
pub fn touched(tool: &str, input: &Value, reading: &Reading) -> Option<&'static str> {
    const READS: &str = "read or change a person's signing key";
    let paths = [
        "file_path",
        "filePath",
        "path",
        "TargetFile",
        "AbsolutePath",
        "target_file",
        "uri",
    ];
    if paths
        .iter()
        .filter_map(|name| input.get(name)?.as_str())
        .any(is_key)
    {
        return Some(READS);
    }
    if reading
        .findings
        .iter()
        .any(|finding| is_key(&finding.effect.object))
    {
        return Some(READS);
    }
    let in_tree = reading.tree.iter().find_map(|node| in_node(node, tool));
    in_tree.or_else(|| {
        let cut = reading.tree.iter().any(has_cut_node);
        let text = cut.then(|| crate::memory::text_of(input))?;
        tokens(&text).any(is_key).then_some(READS)
    })
}

fn has_cut_node(node: &Node) -> bool {
    node.command.chars().count() >= CUT || node.children.iter().any(has_cut_node)
}

fn in_node(node: &Node, tool: &str) -> Option<&'static str> {
    let program = node.command.split_whitespace().next().unwrap_or("");
    let program = program.trim_matches(['\'', '"']);
    let program = program.rsplit('/').next().unwrap_or(program);
    let words = || {
        node.command
            .split_whitespace()
            .map(|word| word.trim_matches(['\'', '"']))
    };
    if program == "ssh-keygen" && signs(words()) {
        return Some("sign with a person's key");
    }
    let harmless = USERS.contains(&program)
        || program == "ssh-keygen" && words().any(|word| matches!(word, "-l" | "-y" | "-lf"));
    // A shell's own words are those of the commands in it.
    let is_shell = node.command == tool || !node.children.is_empty();
    if !harmless && !is_shell && tokens(&node.command).any(is_key) {
        return Some("read or change a person's signing key");
    }
    node.children.iter().find_map(|child| in_node(child, tool))
}

/// Whether `-Y` asks for a signature: its operation is the next word or stands
/// right behind it, with other letters before it or without.
fn signs<'w>(mut words: impl Iterator<Item = &'w str>) -> bool {
    const OTHERS: [&str; 4] = [
        "verify",
        "check-novalidate",
        "find-principals",
        "match-principals",
    ];
    while let Some(word) = words.next() {
        let letters = word.strip_prefix('-').filter(|it| !it.starts_with('-'));
        if let Some((before, operation)) = letters.and_then(|it| it.split_once('Y'))
            && before.chars().all(|c| c.is_ascii_alphabetic())
        {
            let operation = match operation {
                "" => words.next().unwrap_or_default(),
                joined => joined,
            };
            return !OTHERS.contains(&operation);
        }
    }
    false
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || "._~/*-?$\\".contains(c)))
}

/// Whether a path is a private key in `.ssh`, or a pattern over them.
fn is_key(path: &str) -> bool {
    let Some((_, name)) = path.rsplit_once(".ssh/") else {
        return false;
    };
    !name.contains('/') && !NO_KEYS.contains(&name) && !name.ends_with(".pub")
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_effects::command::{Facts, judge_tool_call};
    use serde_json::json;

    #[test]
    fn reading_and_signing_are_seen_using_is_not() {
        let place = Facts {
            cwd: Some("/w".to_owned()),
            home: Some("/home/dev".to_owned()),
            ..Facts::default()
        };
        for (command, seen) in [
            ("cat ~/.ssh/id_ed25519", true),
            ("cat ~/.ssh/*", true),
            ("cp /home/dev/.ssh/id_rsa /tmp/x", true),
            ("sudo bash -c 'base64 ~/.ssh/id_rsa'", true),
            (
                "python3 -c \"print(open('/home/dev/.ssh/id_rsa').read())\"",
                true,
            ),
            ("ssh-keygen -Y sign -n x -f k", true),
            ("bash -c 'ssh-keygen -q -Y sign -f k'", true),
            ("ssh-keygen -Ysign -n x -f k a", true),
            ("ssh-keygen -qYsign -n x -f k a", true),
            ("ssh-keygen -Y verify -f allowed_signers -s a.sig", false),
            ("ssh-keygen -p -f ~/.ssh/id_rsa", true),
            ("cat ~/.ssh/id_ed25519.pub", false),
            ("cat ~/.ssh/config", false),
            ("ssh -i ~/.ssh/id_rsa host uptime", false),
            ("ssh-keygen -lf ~/.ssh/id_rsa", false),
            ("git commit -m 'how ~/.ssh/id_rsa is used'", false),
            ("ls ~/.ssh/", false),
        ] {
            let input = json!({ "command": command });
            let reading = judge_tool_call("Bash", &input, &place);
            assert_eq!(
                touched("Bash", &input, &reading).is_some(),
                seen,
                "{command}\n{}",
                reading.render()
            );
        }
        for (tool, path, seen) in [
            ("Read", "/home/dev/.ssh/id_rsa", true),
            ("Read", "/home/dev/.ssh/id_rsa.pub", false),
        ] {
            let input = json!({ "file_path": path });
            let reading = judge_tool_call(tool, &input, &place);
            assert_eq!(touched(tool, &input, &reading).is_some(), seen, "{path}");
        }
    }
}
