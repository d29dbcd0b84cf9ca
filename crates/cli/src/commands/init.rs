//! `countersign init`: write the files that adopt Countersign.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use clap::Args;
use countersign_core::{catalog, owners, policy, roster, usage};
use countersign_git::Repo;

use super::RepoArgs;
use crate::collect;
use crate::error::{CliError, CliResult, exit};
use crate::rules::{CATALOG, DIR, PEOPLE, POLICY, USAGE};
use crate::style::{BOLD, DIM, paint};

/// Write `.countersign/`: policy, people, usage and catalogue, commented, in
/// shadow mode. Never overwrites.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    repo: RepoArgs,
    /// Stop changes from the start instead of only showing verdicts.
    #[arg(long)]
    enforce: bool,
}

/// People are taken from this many of the latest commits.
const HISTORY: usize = 5000;

pub(super) fn run(args: &InitArgs) -> CliResult {
    let repo = args.repo.open()?;
    let Some(top) = repo.work_tree() else {
        let message = "a bare repository has no work tree to write to";
        return Err(CliError::new(exit::DATA, message).hint("run this in a clone"));
    };
    let mut policy = policy::DEFAULT.to_owned();
    if !args.enforce {
        policy = policy.replace("mode = \"enforce\" ", "mode = \"shadow\"  ");
    }
    let people = roster(&repo, top)?;
    let files = [
        (POLICY, policy, "which sign-off a change needs"),
        (PEOPLE, people.text, "who works here, and how senior"),
        (
            USAGE,
            usage::TEMPLATE.to_owned(),
            "how you use AI, and how established it is",
        ),
        (
            CATALOG,
            catalog::TEMPLATE.to_owned(),
            "what runs, who owns it, what it needs",
        ),
    ];
    std::fs::create_dir_all(top.join(DIR))
        .map_err(|error| CliError::new(exit::IO, format!("creating {DIR} failed: {error}")))?;
    let mut out = anstream::stdout().lock();
    for (path, text, what) in files {
        let written = write_new(&top.join(path), &text)?;
        let state = if written { "wrote" } else { "kept " };
        writeln!(out, "{state}  {:<26} {}", path, paint(DIM, what))?;
    }
    let (found, whose) = match people.named {
        1 => ("1 person".to_owned(), "their"),
        n => (format!("{n} people"), "each one's"),
    };
    writeln!(
        out,
        "\n{found} found in the history. Set {whose} level in {}, then:",
        paint(BOLD, PEOPLE)
    )?;
    let next = [
        ("countersign policy check", "can everyone still work?"),
        (
            "countersign backtest --since 90d",
            "what would it have cost?",
        ),
        (
            "git add .countersign && git commit",
            "rules count from the commit after",
        ),
        ("countersign check", "judge a change"),
    ];
    for (command, why) in next {
        writeln!(out, "  {command:<36} {}", paint(DIM, why))?;
    }
    Ok(exit::ALLOW)
}

/// Writes a file that must not exist yet. `false` when it does.
fn write_new(path: &Path, text: &str) -> CliResult<bool> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes())?;
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => {
            let message = format!("writing {} failed: {error}", path.display());
            Err(CliError::new(exit::IO, message))
        }
    }
}

struct Seeded {
    text: String,
    named: usize,
}

/// Somebody found in the history.
#[derive(Default)]
struct Found {
    name: String,
    emails: Vec<String>,
    accounts: Vec<String>,
    teams: Vec<String>,
    commits: usize,
}

/// The roster's text: the template, then one block per person found.
fn roster(repo: &Repo, top: &Path) -> CliResult<Seeded> {
    let mut people = from_history(repo)?;
    from_owners(top, &mut people);
    people.sort_by(|a, b| b.commits.cmp(&a.commits).then_with(|| a.name.cmp(&b.name)));
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    let mut text = roster::TEMPLATE.to_owned();
    for person in &people {
        text.push('\n');
        text.push_str(&block(person, &mut ids));
    }
    Ok(Seeded {
        named: people.len(),
        text,
    })
}

fn from_history(repo: &Repo) -> CliResult<Vec<Found>> {
    let Ok(head) = repo.resolve("HEAD") else {
        return Ok(Vec::new());
    };
    let mut ids = repo.commit_ids(None, &head)?;
    let skip = ids.len().saturating_sub(HISTORY);
    ids.drain(..skip);
    let mut people: Vec<Found> = Vec::new();
    for commit in repo.read_commits(&ids)? {
        for who in [&commit.author, &commit.committer] {
            if !collect::is_person(who) {
                continue;
            }
            let email = who.email.to_lowercase();
            // The same mailbox is one person; so is the same full name.
            let known = people.iter().position(|person| {
                person.emails.contains(&email)
                    || (who.name.contains(' ') && person.name == who.name)
            });
            let place = known.unwrap_or_else(|| {
                people.push(Found {
                    name: who.name.clone(),
                    ..Found::default()
                });
                people.len() - 1
            });
            if let Some(person) = people.get_mut(place) {
                person.commits += usize::from(who == &commit.author);
                person.add_email(email);
            }
        }
    }
    Ok(people)
}

impl Found {
    /// GitHub's private mailboxes become accounts, which survive renames.
    fn add_email(&mut self, email: String) {
        let account = email
            .strip_suffix("@users.noreply.github.com")
            .map(|local| {
                let id = local.split('+').next().unwrap_or(local);
                format!("github:{id}")
            });
        let list = if account.is_some() {
            &mut self.accounts
        } else {
            &mut self.emails
        };
        let entry = account.unwrap_or(email);
        if entry.contains(['@', ':']) && !list.contains(&entry) {
            list.push(entry);
        }
    }
}

/// Logins and mailboxes that CODEOWNERS names, and nobody committed as.
fn from_owners(top: &Path, people: &mut Vec<Found>) {
    let Some((file, text)) = owners::LOCATIONS
        .iter()
        .find_map(|file| Some((*file, std::fs::read_to_string(top.join(file)).ok()?)))
    else {
        return;
    };
    for owner in owners::Owners::parse(&text, file).0.all() {
        let mut found = Found {
            name: owner.trim_start_matches('@').to_owned(),
            ..Found::default()
        };
        match owner.strip_prefix('@') {
            // A team is named by its members, not the other way round.
            Some(team) if team.contains('/') => continue,
            Some(login) => found
                .accounts
                .push(format!("github:{}", login.to_lowercase())),
            None => found.emails.push(owner.to_lowercase()),
        }
        let known = people.iter().any(|person| {
            person
                .emails
                .iter()
                .any(|email| found.emails.contains(email))
                || person
                    .accounts
                    .iter()
                    .any(|account| found.accounts.contains(account))
        });
        if !known {
            people.push(found);
        }
    }
}

/// One person as TOML. Everything is quoted by the TOML writer, since names in
/// a history can hold anything.
fn block(person: &Found, ids: &mut BTreeMap<String, usize>) -> String {
    let quoted = |text: &str| toml_string(text);
    let list = |entries: &[String]| {
        let entries: Vec<String> = entries.iter().map(|entry| quoted(entry)).collect();
        format!("[{}]", entries.join(", "))
    };
    let id = unique_id(person, ids);
    let mut text = format!(
        "[[person]]\nid = {}\nname = {}\n",
        quoted(&id),
        quoted(&person.name)
    );
    if !person.emails.is_empty() {
        text.push_str(&format!("emails = {}\n", list(&person.emails)));
    }
    if !person.accounts.is_empty() {
        text.push_str(&format!("accounts = {}\n", list(&person.accounts)));
    }
    if !person.teams.is_empty() {
        text.push_str(&format!("teams = {}\n", list(&person.teams)));
    }
    text.push_str("# level = \"senior\"   # set me\n");
    text
}

/// A TOML basic string.
fn toml_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out + "\""
}

/// A short id: the mailbox's or account's name, else the first name.
fn unique_id(person: &Found, ids: &mut BTreeMap<String, usize>) -> String {
    let from = person
        .emails
        .first()
        .and_then(|email| email.split('@').next())
        .unwrap_or(&person.name);
    let mut id: String = from
        .to_lowercase()
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    id = id.trim_matches('-').to_owned();
    if id.is_empty() {
        id = "person".to_owned();
    }
    let seen = ids.entry(id.clone()).or_default();
    *seen += 1;
    if *seen > 1 {
        format!("{id}-{seen}")
    } else {
        id
    }
}
