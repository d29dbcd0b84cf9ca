//! Hunks that are easily missed: what only takes away, configuration,
//! migrations, and what would do something when applied.

use countersign_core::signoff::statement::{MAX_HUNKS, Risk, RiskyHunk};
use countersign_git::{FileChange, Range, Repo};

use crate::collect_applied::{has_ending, is_applied};
use crate::error::CliResult;

/// Hunks listed one by one in a file; of more, the file is one entry.
const MAX_IN_FILE: usize = 5;

/// The place of a whole file.
pub(crate) const WHOLE: &str = "file";

/// Names and endings of configuration.
const CONFIGURATION: [&str; 10] = [
    ".yaml",
    ".yml",
    ".toml",
    ".json",
    ".ini",
    ".conf",
    ".cfg",
    ".env",
    "dockerfile",
    "codeowners",
];

/// Why any change to a file at this path is easily missed.
pub(crate) fn of_path(path: &str) -> Option<Risk> {
    let folders = || path.split('/');
    if has_ending(path, &[".sql"]) || folders().any(|part| part.eq_ignore_ascii_case("migrations"))
    {
        Some(Risk::Migration)
    } else if is_applied(path) {
        Some(Risk::Effect)
    } else if has_ending(path, &CONFIGURATION) {
        Some(Risk::Configuration)
    } else {
        None
    }
}

/// The risky hunks of a change, in the order of its files. Where there are more
/// than a person can explain one by one, each file is one entry, and beyond
/// that each folder.
pub(crate) fn hunks(repo: &Repo, range: &Range, files: &[FileChange]) -> CliResult<Vec<RiskyHunk>> {
    let edited: Vec<&FileChange> = files.iter().filter(|file| file.status != 'D').collect();
    let places = repo.hunks(range.base.as_ref(), &range.head)?;
    let mut found = Vec::new();
    let gone = files.iter().filter(|file| file.status == 'D');
    found.extend(gone.map(|file| whole(&file.path, Risk::Deletion)));
    for file in edited {
        let of_file = places.iter().filter(|it| it.path == file.path);
        let mut risky: Vec<RiskyHunk> = of_file
            .filter_map(|it| {
                let taken = (it.added == 0).then_some(Risk::Deletion);
                let risk = of_path(&file.path).or(taken)?;
                Some(RiskyHunk {
                    path: file.path.clone(),
                    place: it.place.clone(),
                    risk,
                })
            })
            .collect();
        // A binary file, a mode or a name has no hunks.
        if risky.is_empty()
            && let Some(risk) = of_path(&file.path)
        {
            risky.push(whole(&file.path, risk));
        }
        if risky.len() > MAX_IN_FILE {
            let worst = risky.iter().map(|it| it.risk).max();
            risky = vec![whole(&file.path, worst.unwrap_or(Risk::Configuration))];
        }
        found.extend(risky);
    }
    Ok(bounded(found))
}

fn whole(path: &str, risk: Risk) -> RiskyHunk {
    RiskyHunk {
        path: path.to_owned(),
        place: WHOLE.to_owned(),
        risk,
    }
}

/// Joins entries until a statement can hold them: by file, then by folder, each
/// time one level up.
fn bounded(mut hunks: Vec<RiskyHunk>) -> Vec<RiskyHunk> {
    let mut depth = usize::MAX;
    while hunks.len() > MAX_HUNKS {
        if depth == usize::MAX {
            depth = hunks
                .iter()
                .map(|it| it.path.split('/').count())
                .max()
                .unwrap_or(0);
        } else {
            depth = depth.saturating_sub(1);
        }
        for hunk in &mut hunks {
            let parts: Vec<&str> = hunk.path.split('/').take(depth.max(1)).collect();
            hunk.path = if depth == 0 {
                ".".to_owned()
            } else {
                parts.join("/")
            };
            hunk.place = WHOLE.to_owned();
        }
        hunks.sort();
        hunks.dedup();
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_can_be_explained_is_joined_by_file_and_then_by_folder() {
        let many = |folders: usize, files: usize, places: usize| {
            let mut hunks = Vec::new();
            for folder in 0..folders {
                for file in 0..files {
                    for place in 0..places {
                        hunks.push(RiskyHunk {
                            path: format!("a/f{folder}/{file}.sql"),
                            place: format!("-{place},1 +0,0"),
                            risk: Risk::Migration,
                        });
                    }
                }
            }
            bounded(hunks)
        };
        assert_eq!(many(4, 5, 5).len(), 100);
        assert_eq!(many(4, 20, 5).len(), 80);
        let folders = many(30, 20, 5);
        assert_eq!(folders.len(), 30);
        assert_eq!(folders.first().map(|it| it.path.as_str()), Some("a/f0"));
        assert_eq!(many(300, 1, 1).len(), 1);
    }

    #[test]
    fn kinds_of_paths() {
        for (path, risk) in [
            ("db/migrations/1.py", Some(Risk::Migration)),
            ("x.sql", Some(Risk::Migration)),
            ("db/v1.SQL", Some(Risk::Migration)),
            ("Migrations/1.py", Some(Risk::Migration)),
            ("infra/Main.TF", Some(Risk::Effect)),
            ("docker/Dockerfile", Some(Risk::Configuration)),
            ("app.YML", Some(Risk::Configuration)),
            ("infra/main.tf", Some(Risk::Effect)),
            ("deploy/values.yaml", Some(Risk::Configuration)),
            ("src/main.rs", None),
        ] {
            assert_eq!(of_path(path), risk, "{path}");
        }
    }
}
