//! Where the tests find public sample files and other tools.

use std::path::{Path, PathBuf};
use std::process::Command;

use countersign_effects::reading::PlanReading;

/// A folder of public samples beside the repository; says so when it is absent.
pub(crate) fn samples(name: &str) -> Option<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    // Beside the repository, or beside the folder of its worktrees.
    let folder = root
        .ancestors()
        .skip(1)
        .take(2)
        .map(|above| above.join("shared/data").join(name))
        .find(|folder| folder.is_dir());
    let Some(folder) = folder else {
        eprintln!("SKIPPED: no ../shared/data/{name}");
        return None;
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap() != "LICENSE")
        .collect();
    files.sort();
    Some(files)
}

/// What a program prints.
pub(crate) fn output(program: &str, args: &[&str], folder: &Path) -> Vec<u8> {
    let out = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    out.stdout
}

pub(crate) fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// What holds for every reading: nothing dropped, and JSON gives it back.
pub(crate) fn invariants(reading: &PlanReading) {
    assert_eq!(
        reading.changes_seen,
        reading.effects.len() + reading.unchanged
    );
    let again = serde_json::to_string(reading).unwrap();
    assert_eq!(*reading, serde_json::from_str(&again).unwrap());
}

/// A reading as text, for snapshots.
pub(crate) fn describe(reading: &PlanReading) -> String {
    let effects = reading.effects.iter().map(|e| {
        format!(
            "{} {} {} {:?}: {}",
            e.verb.as_str(),
            e.kind,
            e.object,
            e.state,
            e.reasons.join("; ")
        )
    });
    let findings = reading.findings.iter().map(|f| {
        format!(
            "! {:?} {}: {}",
            f.kind,
            f.object.as_deref().unwrap_or("-"),
            f.detail
        )
    });
    let head = format!(
        "seen {}, unchanged {}, unknown {}, hint {:?}",
        reading.changes_seen,
        reading.unchanged,
        reading.unknown,
        reading.environment_hint.as_ref().map(|h| h.environment)
    );
    std::iter::once(head)
        .chain(effects)
        .chain(findings)
        .collect::<Vec<_>>()
        .join("\n")
}
