//! Programs of other makers that tests ask.

use std::path::PathBuf;

/// Names the programs that a run does without, separated by commas.
const VARIABLE: &str = "COUNTERSIGN_TEST_WITHOUT";

/// Whether one of these names can be run, the first that can. A test without
/// its program says that it was skipped; in CI (`CI` is set) it fails instead,
/// unless `COUNTERSIGN_TEST_WITHOUT` names the program.
///
/// # Panics
///
/// In CI, when none is there and nobody said that there would be none.
#[must_use]
pub fn installed<'a>(names: &[&'a str]) -> Option<&'a str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let is_there = |name: &&&str| places.iter().any(|dir| dir.join(name).is_file());
    let found = names.iter().find(is_there).copied();
    if found.is_none() {
        let spared = std::env::var(VARIABLE).unwrap_or_default();
        let is_spared = spared.split(',').any(|name| names.contains(&name));
        let is_ci = std::env::var_os("CI").is_some();
        assert!(
            is_spared || !is_ci,
            "{names:?} has to be there in CI; or set {VARIABLE}"
        );
        eprintln!("SKIPPED: none of {names:?} is installed");
    }
    found
}
