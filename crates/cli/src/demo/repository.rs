//! The directory: a git repository with the files that people would write, and
//! two open changes.

use std::path::Path;

use countersign_core::policy;
use countersign_git::{Author, Repo};

use super::organisation::{PEOPLE, SERVICES, roster};
use super::{DATABASE, moment};
use crate::error::{CliError, CliResult, exit};
use crate::rules::{CATALOG, PEOPLE as ROSTER, POLICY, USAGE};

const OBJECTIVES: &str = ".countersign/objectives.toml";
/// The line by which an agent says that it took part.
const AGENT: &str = "\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n";
const CODE: &str = "def pay(order):\n    charge(order)\n    confirm(order)\n";

/// Makes the repository; the database is not part of it.
pub(super) fn write(dir: &Path) -> CliResult<()> {
    let repo = Repo::create(dir)?;
    // whoever types the commands is Sara, who has sign-offs to give
    repo.configure("user.name", "Sara Senior")?;
    repo.configure("user.email", "sara@sample.example")?;
    let policy = format!(
        "# SAMPLE DATA, written by `countersign demo`.\n{}{}",
        policy::DEFAULT,
        include_str!("files/pack.toml")
    );
    let ignored = format!("/{DATABASE}*\n/*.html\n");
    for (path, text) in [
        ("README.md", include_str!("files/README.md")),
        (".gitignore", ignored.as_str()),
        (POLICY, policy.as_str()),
        (ROSTER, roster().as_str()),
        (CATALOG, include_str!("files/catalog.yaml")),
        (USAGE, include_str!("files/usage.toml")),
        (OBJECTIVES, include_str!("files/objectives.toml")),
        ("payments/pay.py", CODE),
        ("images/resize.py", "def resize(image):\n    return image\n"),
    ] {
        put(dir, path, text)?;
    }
    for it in &SERVICES {
        put(dir, &format!("{}/main.py", it.id), "# sample data\n")?;
    }
    commit(
        &repo,
        "gwen",
        0,
        "The Sample Shop adopts Countersign (sample data)\n",
    )?;
    let retry = CODE.replace("charge(order)", "retry(lambda: charge(order), times=3)");
    open(&repo, dir, "retry-payments", ("payments/pay.py", &retry))?;
    commit(&repo, "max", 90, &format!("Try payments again{AGENT}"))?;
    repo.switch("main", false)?;
    let smaller = "def resize(image):\n    return image.half()\n";
    open(&repo, dir, "smaller-images", ("images/resize.py", smaller))?;
    commit(&repo, "jan", 120, &format!("Send smaller images{AGENT}"))?;
    repo.switch("main", false)?;
    Ok(())
}

fn open(repo: &Repo, dir: &Path, branch: &str, (path, text): (&str, &str)) -> CliResult<()> {
    repo.switch(branch, true)?;
    put(dir, path, text)
}

fn put(dir: &Path, path: &str, text: &str) -> CliResult<()> {
    let file = dir.join(path);
    let failed = |error: std::io::Error| {
        CliError::new(
            exit::IO,
            format!("writing {} failed: {error}", file.display()),
        )
    };
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    std::fs::write(&file, text).map_err(failed)
}

/// On the last Friday, so many minutes after eight.
fn commit(repo: &Repo, id: &str, minute: i64, message: &str) -> CliResult<()> {
    let person = PEOPLE.iter().find(|it| it.id == id);
    let email = person.map(super::organisation::Person::email);
    let author = Author {
        name: person.map_or("Sample", |it| it.name),
        email: email.as_deref().unwrap_or("sample@sample.example"),
        when: moment(super::WEEKS - 1, 4, 480 + minute).as_second(),
    };
    repo.commit_all(author, message)?;
    Ok(())
}
