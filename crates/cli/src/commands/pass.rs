//! `countersign pass`: let one held action of an agent run once.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use countersign_core::decide::{Said, SignOff};
use countersign_core::effect::Environment;
use countersign_core::signoff::content::Content;
use countersign_core::signoff::dsse::{Envelope, MAX_ENVELOPE};
use countersign_core::signoff::statement::{Answer, Statement};
use countersign_effects::command::Facts;
use countersign_git::Repo;
use countersign_guard::agent::Agent;
use countersign_guard::compiled::Rules;
use countersign_guard::judge::{self, Weighed, place_text, rule, weigh};
use countersign_guard::own::judge_call;
use countersign_guard::pass;
use countersign_guard::redact::redact;
use countersign_guard::ticket::{MAX_SIZE, Ticket, id_of, read_id};
use jiff::{SignedDuration, Timestamp};

use crate::error::{CliError, CliResult, exit};
use crate::guard::compile::{For, Made, compile, in_force_for_all};
use crate::guard::person::Person;
use crate::guard::{files, needed_home, pass_dir, tickets};
use crate::questions::Questions;
use crate::signer::{Signer, configured};
use crate::style::{BOLD, DIM, paint};

/// Look at what an agent wants to do, and let it run once.
///
/// A pass is a statement signed with your SSH key about exactly this action: the
/// same call, in the same directory, at the same commit, with the same files and
/// the same accounts. It is used up by the first call, and expires.
#[derive(Debug, Args)]
pub(crate) struct PassArgs {
    /// The ticket that the agent was given.
    #[arg(value_name = "TICKET", required_unless_present_any = ["answer", "take"])]
    ticket: Option<String>,
    /// Write what another person needs to look at it and to sign.
    #[arg(long, value_name = "FILE", requires = "ticket")]
    ask: Option<PathBuf>,
    /// Look at what someone asks for, and sign it into `FILE.pass`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ticket", "take"])]
    answer: Option<PathBuf>,
    /// Take a pass that another person signed.
    #[arg(long, value_name = "FILE", conflicts_with = "ticket")]
    take: Option<PathBuf>,
    /// The answer to a question of the rules, by its number; repeat for each.
    #[arg(long = "reply", value_name = "N=TEXT", conflicts_with_all = ["ask", "take"])]
    replies: Vec<String>,
    /// The SSH key to sign with [default: git's `user.signingKey`].
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// How long the pass can be used, in minutes; at most 480.
    #[arg(long = "for", value_name = "MINUTES", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=480))]
    minutes: u16,
}

pub(super) fn run(args: &PassArgs) -> CliResult {
    let person = Person::find("`countersign pass`")?;
    if let Some(file) = &args.take {
        return take(file);
    }
    let now = Timestamp::now();
    let (id, ticket, out) = match (&args.answer, &args.ticket) {
        (Some(file), _) => {
            let (id, ticket) = requested(file, now)?;
            (id, ticket, Some(file.with_extension("pass")))
        }
        (None, typed) => {
            let (id, ticket) = stored(typed.as_deref().unwrap_or_default(), now)?;
            (id, ticket, None)
        }
    };
    if let Some(file) = &args.ask {
        std::fs::write(file, ticket.to_bytes())?;
        let mut shell = anstream::stdout().lock();
        writeln!(
            shell,
            "{} holds ticket {id}. It contains the agent's call as it is.",
            file.display()
        )?;
        writeln!(
            shell,
            "  they run, in a clone of this repository:  countersign pass --answer {}",
            file.display()
        )?;
        writeln!(
            shell,
            "  then you run:                             countersign pass --take {}",
            file.with_extension("pass").display()
        )?;
        return Ok(exit::ALLOW);
    }
    let made = fresh(&ticket, out.is_some(), args.key.as_deref(), now)?;
    let rules = made
        .compiled
        .open()
        .map_err(|error| CliError::new(exit::DATA, error.to_string()))?;
    let signer = signer(&rules, args.key.as_deref())?;
    let standing = Standing::of(&ticket, &made, &rules, &signer, now)?;
    show(&id, &ticket, &made, &standing)?;
    if !standing.counts {
        return Err(CliError::new(
            exit::REFUSE,
            format!("a pass by {} would not count here", signer.person.id),
        )
        .hint(standing.why_not(&ticket, &made)));
    }
    let answers = answers(args, &person, &ticket, &made, &rules, now)?;
    let word = id.rsplit('-').next().unwrap_or(&id);
    let question = format!(
        "\nType {word} to sign as {} ({}); it can be used once within {} minutes: ",
        signer.person.name,
        rules.roster.levels().name(signer.person.level),
        args.minutes
    );
    if !person.types(&question, word)? {
        return Err(CliError::new(exit::HOLD, "not signed"));
    }
    let lifetime = SignedDuration::from_mins(i64::from(args.minutes));
    let signed = signer.signed(rules.people, None, Timestamp::now())?;
    let statement = pass::statement(
        &ticket,
        &made.compiled,
        &rules,
        standing.outranks,
        answers,
        lifetime,
        signed,
    );
    let envelope = signer.envelope(&statement)?;
    deliver(&ticket, &envelope, out.as_deref(), &standing)
}

/// Puts the questions of the rules and takes the answers, which are signed with
/// the pass.
fn answers(
    args: &PassArgs,
    person: &Person,
    ticket: &Ticket,
    made: &Made,
    rules: &Rules,
    now: Timestamp,
) -> CliResult<Vec<Answer>> {
    let questions = Questions::listed(questions(ticket, made, rules, now)?, &rules.policy);
    let mut out = anstream::stdout().lock();
    let answers = questions.answered_by(&mut out, "--reply", &args.replies, |out, prompt| {
        out.flush()?;
        person.answers(prompt)
    })?;
    answers.ok_or_else(|| {
        let message = "not signed: the policy requires an answer to each question";
        CliError::new(exit::HOLD, message).hint("answer when asked, or with `--reply 1=\"…\"`")
    })
}

/// What the rules ask about the action: those that the ticket names, which are
/// the ones that held it, and those that apply as far as can be told here. A
/// forged ticket can leave some out; then the pass does not count.
fn questions(
    ticket: &Ticket,
    made: &Made,
    rules: &Rules,
    now: Timestamp,
) -> CliResult<Vec<String>> {
    let weighed = weighed(ticket, made);
    let here = judge::questions(&weighed, agent(ticket)?, &made.compiled, rules, now);
    let named = rules.policy.rules.iter();
    let named = named.filter(|rule| ticket.rules.contains(&rule.id));
    let all = named
        .flat_map(|rule| rule.questions.iter().cloned())
        .chain(here);
    let mut seen = BTreeSet::new();
    Ok(all.filter(|it| seen.insert(it.clone())).collect())
}

fn agent(ticket: &Ticket) -> CliResult<Agent> {
    Agent::named(&ticket.action.agent)
        .ok_or_else(|| CliError::new(exit::DATA, "the ticket names an unknown agent"))
}

/// How the signer stands to what is asked for.
struct Standing {
    /// What the rules ask for, in words.
    asks: Vec<String>,
    /// Whether this signature brings it forward.
    counts: bool,
    /// Whether anything is missing after it.
    missing: Vec<String>,
    outranks: bool,
}

impl Standing {
    fn of(
        ticket: &Ticket,
        made: &Made,
        rules: &Rules,
        signer: &Signer<'_>,
        now: Timestamp,
    ) -> CliResult<Self> {
        let agent = agent(ticket)?;
        let weighed = weighed(ticket, made);
        let with =
            |signoffs: &[SignOff]| rule(&weighed, agent, &made.compiled, rules, signoffs, now);
        let mine = SignOff {
            person: signer.index,
            said: Said::Approve,
            at: now,
            exact: true,
        };
        let (before, after) = (with(&[]), with(&[mine]));
        let missing = |ruling: &judge::Ruling| -> u32 {
            let all = ruling
                .explanation
                .rules
                .iter()
                .flat_map(|rule| &rule.requirements);
            all.map(|requirement| requirement.missing).sum()
        };
        let still = after
            .explanation
            .rules
            .iter()
            .flat_map(|rule| &rule.requirements);
        let operator = made
            .compiled
            .operator
            .as_deref()
            .and_then(|id| rules.roster.by_id(id));
        Ok(Self {
            asks: before.asks(),
            counts: missing(&after) < missing(&before),
            missing: still
                .filter(|it| !it.met)
                .map(|it| it.text.clone())
                .collect(),
            outranks: operator.is_none_or(|operator| signer.person.level > operator.level),
        })
    }

    fn why_not(&self, ticket: &Ticket, made: &Made) -> String {
        let operator = made.compiled.operator.as_deref().unwrap_or("nobody");
        format!(
            "agents here act for {operator}; in {} this needs {}. Ask someone with `--ask FILE`",
            place_text(&ticket.action.target),
            self.asks.join("; and ")
        )
    }
}

/// What the ticket says about the action, for the rules. The guard weighs anew
/// before anything runs, so a forged ticket gains nothing.
fn weighed(ticket: &Ticket, made: &Made) -> Weighed {
    let action = &ticket.action;
    let (reading, _) = judge_call(&action.tool, &action.input, &place(ticket, made));
    let environment = Environment::ALL
        .into_iter()
        .find(|environment| environment.as_str() == ticket.action.target)
        .unwrap_or_default();
    let shared = environment != Environment::Local;
    Weighed {
        dangerous: Vec::new(),
        danger: countersign_effects::command::Danger::None,
        hits_guard: false,
        suspect: ticket
            .rules
            .iter()
            .any(|rule| rule == countersign_guard::compiled::ALONE),
        verbs: weigh(&reading, made.compiled.unknown).verbs,
        shared,
        environment,
        unknown: made.compiled.unknown,
        irreversible: None,
    }
}

fn stored(typed: &str, now: Timestamp) -> CliResult<(String, Ticket)> {
    let id = read_id(typed).ok_or_else(|| {
        CliError::new(exit::USAGE, format!("`{typed}` is no ticket"))
            .hint("a ticket looks like `7kq2-m9fx`; the agent was told it when it was held")
    })?;
    let bytes =
        files::read(&tickets::file_of(&needed_home()?, &id), MAX_SIZE).map_err(|error| {
            CliError::new(
                exit::NOT_FOUND,
                format!("ticket {id} is not here ({error})"),
            )
            .hint("tickets are kept for a day, by the user whose agent was held")
        })?;
    let ticket = Ticket::parse(&bytes, &id, now)
        .map_err(|error| CliError::new(exit::DATA, format!("ticket {id}: {error}")))?;
    Ok((id, ticket))
}

fn requested(file: &Path, now: Timestamp) -> CliResult<(String, Ticket)> {
    let bytes = files::read(file, MAX_SIZE)
        .map_err(|error| CliError::new(exit::NOT_FOUND, format!("{}: {error}", file.display())))?;
    let wrong = |error: String| CliError::new(exit::DATA, format!("{}: {error}", file.display()));
    let ticket: Ticket =
        serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    let id = id_of(&ticket.action.digest());
    let ticket = Ticket::parse(&bytes, &id, now).map_err(|error| wrong(error.to_string()))?;
    Ok((id, ticket))
}

/// The rules as the protected branch has them now, put in force here as well.
fn fresh(ticket: &Ticket, elsewhere: bool, key: Option<&Path>, now: Timestamp) -> CliResult<Made> {
    if let Some(made) = in_force_for_all(now) {
        return made;
    }
    let root = ticket.action.ground.root.as_deref();
    match root
        .map(Path::new)
        .filter(|root| !elsewhere && root.is_dir())
    {
        Some(root) => {
            let made = compile(root, For::Repository, key, now)?;
            made.write()?;
            Ok(made)
        }
        None if elsewhere => {
            let mut made = compile(Path::new("."), For::Repository, key, now)?;
            // Whose agent it is, the one who asks says; the guard there knows.
            made.compiled.operator.clone_from(&ticket.operator);
            Ok(made)
        }
        None => {
            let made = compile(Path::new("/"), For::User, key, now)?;
            made.write()?;
            Ok(made)
        }
    }
}

fn signer<'a>(rules: &'a Rules, key: Option<&Path>) -> CliResult<Signer<'a>> {
    let key = match key {
        Some(key) => key.to_owned(),
        None => match Repo::open(Path::new("."))
            .map_err(CliError::from)
            .and_then(|repo| configured(&repo))
        {
            Ok(key) => key,
            Err(error) => usual_key().ok_or(error)?,
        },
    };
    Signer::of(&rules.roster, key)
}

fn usual_key() -> Option<PathBuf> {
    let ssh = PathBuf::from(std::env::var_os("HOME")?).join(".ssh");
    [
        "id_ed25519_sk",
        "id_ecdsa_sk",
        "id_ed25519",
        "id_ecdsa",
        "id_rsa",
    ]
    .iter()
    .map(|name| ssh.join(name))
    .find(|path| path.is_file())
}

/// Text of an agent, made harmless for a terminal.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => '␤',
            '\t' => ' ',
            c if c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => '�',
            c => c,
        })
        .collect()
}

fn show(id: &str, ticket: &Ticket, made: &Made, standing: &Standing) -> CliResult<()> {
    let mut out = anstream::stdout().lock();
    let action = &ticket.action;
    let row = |out: &mut dyn Write, name: &str, text: &str| {
        writeln!(
            out,
            "  {} {}",
            paint(DIM, format!("{name:<7}")),
            plain(text)
        )
    };
    writeln!(
        out,
        "{} {}",
        paint(BOLD, format!("PASS {id}?")),
        plain(&format!("{} wants to do this, once:", action.agent))
    )?;
    writeln!(out)?;
    for line in redact(&action.line()).lines().take(40) {
        writeln!(out, "    {}", paint(BOLD, plain(line)))?;
    }
    writeln!(out)?;
    for effect in &action.effects {
        row(&mut out, "would", effect)?;
    }
    let counts = if action.target == "unknown" {
        format!(
            "unknown, which counts as {}",
            made.compiled.unknown.as_str()
        )
    } else {
        action.target.clone()
    };
    row(&mut out, "target", &counts)?;
    for (facet, value) in &action.facets {
        row(&mut out, "", &format!("{facet} {value}"))?;
    }
    row(&mut out, "in", &action.ground.cwd)?;
    if let Some(head) = &action.ground.head {
        row(&mut out, "at", head)?;
    }
    let files = || {
        action
            .ground
            .files
            .iter()
            .filter_map(|file| Some((&file.path, file.sha256?)))
    };
    for (path, hash) in files().take(12) {
        row(&mut out, "file", &format!("{path} {}", hash.short()))?;
    }
    let more = files().count().saturating_sub(12);
    if more > 0 {
        row(&mut out, "", &format!("and {more} more files"))?;
    }
    if let Some(first) = &ticket.attempt_of {
        row(
            &mut out,
            "note",
            &format!("another way to what ticket {first} was held for"),
        )?;
    }
    row(
        &mut out,
        "rules",
        &format!("{} ({})", ticket.rules.join(", "), made.compiled.from),
    )?;
    row(&mut out, "needs", &standing.asks.join("; and "))?;
    let (reading, _) = judge_call(&action.tool, &action.input, &place(ticket, made));
    writeln!(out, "\n  {}", paint(DIM, "as understood"))?;
    for line in reading.render().lines().take(30) {
        writeln!(out, "    {}", plain(line))?;
    }
    Ok(())
}

fn place(ticket: &Ticket, made: &Made) -> Facts {
    Facts {
        cwd: Some(ticket.action.ground.cwd.clone()),
        home: std::env::var("HOME").ok(),
        project_root: ticket.action.ground.root.clone(),
        targets: made.compiled.targets(),
        ..Facts::default()
    }
}

fn deliver(
    ticket: &Ticket,
    envelope: &Envelope,
    out: Option<&Path>,
    standing: &Standing,
) -> CliResult {
    let mut shell = anstream::stdout().lock();
    match out {
        Some(file) => {
            std::fs::write(file, envelope.to_bytes())?;
            writeln!(shell, "signed into {}; send it back", file.display())?;
        }
        None => {
            store(&ticket.action.digest(), envelope)?;
            if standing.missing.is_empty() {
                writeln!(shell, "passed: the agent can make exactly this call once")?;
            } else {
                writeln!(
                    shell,
                    "signed; still needed: {}",
                    standing.missing.join("; and ")
                )?;
            }
        }
    }
    Ok(exit::ALLOW)
}

fn store(action: &countersign_core::signoff::Digest, envelope: &Envelope) -> CliResult<()> {
    let file = pass_dir(&needed_home()?, action).join(format!("{}.json", envelope.statement_id()));
    files::replace(&file, &envelope.to_bytes())?;
    Ok(())
}

fn take(file: &Path) -> CliResult {
    let wrong = |error: String| {
        CliError::new(
            exit::DATA,
            format!("{} is no pass: {error}", file.display()),
        )
        .hint("it is what `countersign pass --answer` has written")
    };
    let bytes = files::read(file, MAX_ENVELOPE)
        .map_err(|error| CliError::new(exit::NOT_FOUND, format!("{}: {error}", file.display())))?;
    let envelope = Envelope::parse(&bytes).map_err(|error| wrong(error.to_string()))?;
    envelope
        .verify()
        .map_err(|error| wrong(error.to_string()))?;
    let statement =
        Statement::parse(envelope.payload()).map_err(|error| wrong(error.to_string()))?;
    let Content::Action(artifact) = &statement.about().content else {
        return Err(wrong("it is about something else".to_owned()));
    };
    store(&artifact.sha256, &envelope)?;
    let mut out = anstream::stdout().lock();
    let (by, what) = (&statement.signed().person, &artifact.name);
    writeln!(
        out,
        "taken: {by} passes `{what}`; whether it counts is decided when the agent repeats it"
    )?;
    Ok(exit::ALLOW)
}
