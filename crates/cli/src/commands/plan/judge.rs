//! A plan, judged: the same for the command that shows it, the one that signs
//! it, and the one that lets it through.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_core::catalog::Catalog;
use countersign_core::decide::{Decision, ExplainedIgnored, Load, Statements, decide};
use countersign_core::effect::Environment;
use countersign_core::problem::Source;
use countersign_core::radius::{Stage, rollout};
use countersign_git::spent::Occasion;
use countersign_git::{Oid, Repo};
use jiff::Timestamp;

use super::super::protected;
use super::MakerArgs;
use crate::collect_plan::{self, Collected, Given, Maker, Read};
use crate::error::{CliError, CliResult, exit};
use crate::guard::person::agent_here;
use crate::input::Input;
use crate::rules::Rules;
use crate::signoffs::{Counted, Ground};
use crate::signoffs_plan::PlanSubject;
use crate::states::{Recorded, States, is_about_state, name_of};

/// What is asked about which plan.
pub(crate) struct Question<'a> {
    pub(crate) files: &'a [PathBuf],
    pub(crate) maker: &'a MakerArgs,
    pub(crate) policy_from: Option<&'a str>,
    pub(crate) now: Timestamp,
}

/// The plan, what it does, and the decision on it.
pub(crate) struct Judged {
    pub(crate) rules: Rules,
    pub(crate) read: Read,
    pub(crate) collected: Collected,
    pub(crate) decision: Decision,
    /// Absent where there is no commit yet, so that nothing can be bound.
    pub(crate) subject: Option<PlanSubject>,
    /// Absent where nothing was ever signed.
    pub(crate) counted: Option<Counted>,
    /// Statements that are about another plan of the same name.
    pub(crate) namesakes: Vec<ExplainedIgnored>,
    /// When it was applied before, if it was.
    pub(crate) spent: Option<Occasion>,
    /// What the state is called that it was made from.
    state: Option<String>,
    /// The branch that rules and recorded states are from.
    pub(crate) onto: Option<Oid>,
    /// Who makes or applies it, and how, as given.
    pub(crate) maker: MakerArgs,
}

impl Judged {
    /// Reads a plan and decides on it with the sign-offs that count.
    pub(crate) fn of(repo: &Repo, question: &Question<'_>) -> CliResult<Self> {
        let now = question.now;
        let mut maker = question.maker.clone();
        if maker.agent.is_none() {
            // Leaving the option out makes nobody a person.
            maker.agent = agent_here().map(str::to_owned);
        }
        let onto = match question.policy_from {
            Some(rev) => Some(repo.resolve(rev)?),
            None => protected(repo)?,
        };
        let rules = Rules::at(repo, onto.as_ref())?;
        let mut read = collect_plan::read(&Given {
            files: question.files,
            before: &maker.before,
            environment: maker.env.map(Environment::from),
        })?;
        let state = match (&maker.state, question.files) {
            (Some(name), _) => Some(name.clone()),
            (None, [plan]) => name_of(repo, plan),
            (None, _) => None,
        };
        let known = States::of(repo, onto.as_ref())?;
        let found = &read.reading.state;
        let mut findings = known.findings(state.as_deref(), read.environment, found);
        findings.append(&mut read.reading.findings);
        read.reading.findings = findings;
        let empty = empty_catalog()?;
        let catalog = rules.catalog.as_ref().unwrap_or(&empty);
        let stages = match (&maker.rollout, &rules.catalog) {
            (Some(given), Some(catalog)) => stages(given, catalog)?,
            (Some(_), None) => {
                let message = "a rollout says nothing without a catalogue of what runs where";
                return Err(CliError::new(exit::NOT_FOUND, message)
                    .hint("describe it in .countersign/catalog.yaml"));
            }
            (None, _) => Vec::new(),
        };
        let who = Maker {
            by: maker.by.as_deref(),
            agent: maker.agent.as_deref(),
        };
        let collected = collect_plan::facts(&read, who, stages, &rules, catalog, now);
        let environment = collected.facts.environment;
        let subject = match &onto {
            Some(onto) => {
                let ground = Ground::of(repo, onto, &rules, Arc::new(repo.signoffs()?))?;
                Some(PlanSubject::of(ground, &read, environment)?)
            }
            None => None,
        };
        let (mut counted, mut namesakes, mut spent) = (None, Vec::new(), None);
        if let Some(subject) = &subject {
            spent = repo.spent(&subject.sha256)?;
            if !subject.ground.chain.entries().is_empty() {
                let author = collected.author.as_ref();
                counted =
                    Some(subject.count(&rules, author, &collected.facts, spent.is_some(), now));
                namesakes = subject.namesakes();
            }
        }
        let said = counted
            .as_ref()
            .map_or_else(Statements::default, Counted::statements);
        let seen = rules.policy.observe(&collected.facts, now);
        let decision = decide(
            &rules.policy,
            &rules.roster,
            &collected.facts,
            &seen,
            said,
            &Load::default(),
            now,
        );
        Ok(Self {
            rules,
            read,
            collected,
            decision,
            subject,
            counted,
            namesakes,
            spent,
            state,
            onto,
            maker,
        })
    }

    /// Statements that do not count, and why.
    pub(crate) fn ignored(&self) -> Vec<ExplainedIgnored> {
        let counted = self.counted.iter().flat_map(Counted::ignored);
        counted.chain(self.namesakes.iter().cloned()).collect()
    }

    /// The command that signs this plan as it was judged.
    pub(crate) fn sign_command(&self) -> String {
        let mut command = "countersign sign".to_owned();
        for name in &self.read.names {
            command.push_str(&format!(" --plan {}", quoted(name)));
        }
        let environment = self.maker.env.map(|env| Environment::from(env).as_str());
        for (option, value) in [
            ("--env", environment),
            ("--by", self.maker.by.as_deref()),
            ("--agent", self.maker.agent.as_deref()),
        ] {
            if let Some(value) = value {
                command.push_str(&format!(" {option} {}", quoted(value)));
            }
        }
        for file in &self.maker.before {
            command.push_str(&format!(
                " --before {}",
                quoted(&file.display().to_string())
            ));
        }
        command
    }

    /// Keeps which state the plan was made from, unless it is the wrong one.
    /// Where nothing can be written, as in a clone that is only read, that is
    /// said and no more: the answer does not depend on it.
    pub(crate) fn remember_state(&self, repo: &Repo) {
        if let Err(error) = self.remember(repo) {
            let message = format!("the state of this plan is not remembered: {error}");
            CliError::new(exit::IO, message).print();
        }
    }

    fn remember(&self, repo: &Repo) -> CliResult<()> {
        let reading = &self.read.reading;
        let Some(name) = &self.state else {
            return Ok(());
        };
        if reading.findings.iter().any(is_about_state) {
            return Ok(());
        }
        States::of(repo, self.onto.as_ref())?.remember(Recorded {
            name: name.clone(),
            environment: self.read.environment,
            state: reading.state.clone(),
        })
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./@+:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The steps of a rollout, from a file if there is one of that name.
fn stages(given: &str, catalog: &Catalog) -> CliResult<Vec<Stage>> {
    let path = Path::new(given);
    if path.is_file() {
        let text = Input::read(path)?.text()?;
        let source = Source {
            file: given,
            text: &text,
        };
        return rollout::from_file(source, catalog)
            .map_err(|problem| CliError::file(given, &text, vec![problem]));
    }
    rollout::from_spec(given, catalog).map_err(|message| {
        CliError::new(exit::USAGE, format!("--rollout: {message}"))
            .hint("name a file, or write stages such as `eu-cell-1:5%:30m, eu-west-1:2h, all`")
    })
}

/// Nothing is known of what runs.
fn empty_catalog() -> CliResult<Catalog> {
    Catalog::assemble(Vec::new())
        .map_err(|_| CliError::new(exit::INTERNAL, "an empty catalogue is refused"))
}
