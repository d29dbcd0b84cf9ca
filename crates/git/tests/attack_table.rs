//! `docs/reference/attacks.md` names tests that exist, and leaves no known attack
//! out.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

/// What is known to have been tried on gates, each the beginning of a row.
const KNOWN: [&str; 35] = [
    "push after approve",
    "approve, then force-push back and forth",
    "auto-merge armed before the head changed",
    "review left on an older commit",
    "back-dated committer time",
    "forged author mailbox",
    "unmapped author mailbox",
    "second account of one person",
    "second key of one person",
    "approver is co-author, committer or agent operator",
    "bot or app approval",
    "edited approval",
    "dismissed later veto reviving an old approval",
    "base-branch retarget after approval",
    "base moved under the same files",
    "hunk transplanted to identical context",
    "hunk transplanted to another function",
    "whitespace-only semantic change",
    "crafted conflict resolution in an update merge",
    "merge commit smuggling unreviewed reachable commits",
    "stacked parent changed",
    "queue batch reorder",
    "policy changed in the same change",
    "roster changed between approval and merge",
    "stale team membership",
    "status forged by another app",
    "ruleset disabled, then enabled again",
    "webhook replayed, out of order or lost",
    "AI trailer stripped by a rebase or squash message",
    "SSHSIG namespace confusion",
    "DSSE key id trusted",
    "digest set, any match",
    "custom merge driver or attributes",
    "SHA-1 collision pair",
    "broken glass used again",
];

#[test]
fn every_attack_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = std::fs::read_to_string(root.join("docs/reference/attacks.md")).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains('`'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    for row in &rows {
        let [attack, test, file] = row.as_slice() else {
            unreachable!("a row of three: {row:?}")
        };
        let source = std::fs::read_to_string(root.join(file.trim_matches('`'))).unwrap();
        let name = format!("fn {}(", test.trim_matches('`'));
        let at = source.find(&name);
        let at = at.unwrap_or_else(|| unreachable!("{attack}: {file} has no {test}"));
        let before: String = source.split_at(at).0.trim_end().into();
        assert!(before.ends_with("#[test]"), "{attack}: {test} is no test");
    }
    for known in KNOWN {
        let is_there = rows.iter().any(|row| row[0].starts_with(known));
        assert!(is_there, "no row for: {known}");
    }
    // And no test of the list is missing in the table.
    let source = std::fs::read_to_string(root.join("crates/git/tests/attacks.rs")).unwrap();
    for after in source.split("#[test]\nfn ").skip(1) {
        let name = after.split('(').next().unwrap();
        assert!(
            table.contains(&format!("`{name}`")),
            "{name} is not in the table"
        );
    }
}
