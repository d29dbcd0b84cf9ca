//! The sample organisation, made once and copied for every test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// The week that everything happens in.
pub(crate) const WEEK: &str = "review build --week 2026-W11 --cut-off 2026-03-16T08:00:00Z";

/// A copy of the sample organisation.
pub(crate) struct Shop {
    dir: TempDir,
}

/// What a command said, and its exit code.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) text: String,
}

/// Runs the binary somewhere, with a home of its own.
pub(crate) fn countersign(dir: &Path, home: &Path, args: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .current_dir(dir)
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("NO_COLOR", "1")
        .env("HOME", home)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("COUNTERSIGN_DB")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    Said {
        code: output.status.code().unwrap_or(-1),
        text: format!("{stdout}{stderr}"),
    }
}

/// What `countersign demo` printed, and the directory it wrote.
pub(crate) fn original() -> &'static (TempDir, String) {
    static MADE: OnceLock<(TempDir, String)> = OnceLock::new();
    MADE.get_or_init(|| {
        let dir = TempDir::new().unwrap();
        let said = countersign(dir.path(), dir.path(), &["demo", "shop"]);
        assert_eq!(said.code, 0, "{}", said.text);
        (dir, said.text)
    })
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

impl Shop {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        copy(&original().0.path().join("shop"), &dir.path().join("shop"));
        std::fs::create_dir(dir.path().join("home")).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("shop")
    }

    /// Runs a line as typed; single quotes keep words together.
    pub(crate) fn say(&self, line: &str) -> Said {
        let mut args: Vec<&str> = Vec::new();
        for (place, part) in line.split('\'').enumerate() {
            if place % 2 == 1 {
                args.push(part);
            } else {
                args.extend(part.split_whitespace());
            }
        }
        countersign(&self.path(), &self.dir.path().join("home"), &args)
    }

    /// Runs a line on the database; it has to succeed.
    pub(crate) fn run(&self, line: &str) -> String {
        let said = self.say(&format!("{line} --db countersign.db"));
        assert_eq!(said.code, 0, "{line}: {}", said.text);
        said.text
    }

    pub(crate) fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(line)).unwrap()
    }

    /// The review of the week, as Markdown.
    pub(crate) fn review(&self) -> String {
        self.run(WEEK)
    }

    /// The review of the week as it stands now.
    pub(crate) fn review_now(&self) -> String {
        self.run("review build --week 2026-W11")
    }

    pub(crate) fn review_json(&self) -> Value {
        self.json(&format!("{WEEK} --format json"))
    }

    /// The id of the incident whose title holds these words.
    pub(crate) fn incident(&self, words: &str) -> String {
        let review = self.review_json();
        let list = review["incidents"]["list"].as_array().unwrap();
        let found = list
            .iter()
            .find(|it| it["title"].as_str().unwrap().contains(words));
        found.unwrap()["id"].as_str().unwrap().to_owned()
    }
}

/// A section of a Markdown document.
pub(crate) fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let rest = text.split(&format!("\n## {title}")).nth(1).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// The first line with all of these words.
pub(crate) fn line<'a>(text: &'a str, words: &[&str]) -> &'a str {
    let mut lines = text.lines();
    let found = lines.find(|line| words.iter().all(|word| line.contains(word)));
    assert!(found.is_some(), "no line with {words:?} in:\n{text}");
    found.unwrap()
}
