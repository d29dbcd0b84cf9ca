//! One tool call, from its arguments to a verdict.

use std::path::Path;

use countersign_core::decide::Verdict;
use countersign_core::effect::Environment;
use countersign_core::signoff::Digest;
use countersign_effects::command::Reading;
use countersign_effects::target::Targets;
use countersign_guard::action::{self, Action};
use countersign_guard::agent::Agent;
use countersign_guard::compiled::{Compiled, CompiledError, Rules};
use countersign_guard::journal::{self as log, Record};
use countersign_guard::judge::{Ruling, Weighed, demanded, rule, weigh};
use countersign_guard::keys;
use countersign_guard::memory::{Relation, Session, text_of};
use countersign_guard::message::{self, GUARD_WHY, Held, KEY_WHY};
use countersign_guard::own::{Touched, judge_call};
use countersign_guard::pass::Counted;
use countersign_guard::protocol::ToolCall;
use countersign_guard::ticket::{Ticket, id_of};
use jiff::Timestamp;

use super::place::Place;
use super::surroundings::Surroundings;
use super::{files, journal, passes, rules, sessions, tickets};

/// What comes of a call.
pub(crate) struct Outcome {
    /// Why it must not run, for the agent; `None` when it may.
    pub(crate) denial: Option<String>,
    /// What went wrong without changing the verdict.
    pub(crate) faults: Vec<String>,
}

/// How a person brings the rules back.
const MEND: &str = "countersign guard compile";

/// Judges one call, and writes the decision down.
pub(crate) fn judge(agent: Agent, call: &ToolCall) -> Outcome {
    #[cfg(debug_assertions)]
    planted_panic();
    let now = Timestamp::now();
    let line = action::line(&call.tool, &call.input);
    let mut record = Record::new(now, agent.as_str(), &call.tool, &line, Verdict::Allow);
    record.session = call.session.as_deref().map(log::session_hash);
    let mut faults = Vec::new();
    let denial = match Place::of(call.cwd.as_deref()) {
        Some(place) => {
            let shown = place.repo.as_ref().map_or(&place.cwd, |repo| &repo.root);
            record.place = shown.to_string_lossy().into_owned();
            let mut case = Case {
                agent,
                call,
                now,
                home: files::home(),
                place: &place,
                record: &mut record,
                faults: &mut faults,
            };
            case.judge()
        }
        None => {
            record.fault = Some("no working directory".to_owned());
            record.verdict = Verdict::Refuse;
            Some(message::fault(
                "the working directory does not exist",
                "cd to a directory that exists",
            ))
        }
    };
    match files::home() {
        Some(home) => faults.extend(journal::append(&home, &mut record).err()),
        None => faults.push("there is no home directory, so nothing is recorded".to_owned()),
    }
    Outcome { denial, faults }
}

/// Proves in tests that a panic is a denial. Not in released programs.
#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "that is what it is for")]
fn planted_panic() {
    if std::env::var_os("COUNTERSIGN_PLANTED_PANIC").is_some() {
        std::panic::panic_any("planted");
    }
}

struct Case<'a> {
    agent: Agent,
    call: &'a ToolCall,
    now: Timestamp,
    home: Option<std::path::PathBuf>,
    place: &'a Place,
    record: &'a mut Record,
    faults: &'a mut Vec<String>,
}

/// A call as it was read and weighed.
struct Read<'a> {
    around: &'a Surroundings,
    reading: &'a Reading,
    weighed: Weighed,
    session: Session,
}

/// What the rules say about a call.
struct Judged {
    ruling: Ruling,
    rules: Rules,
    operator: Option<String>,
    attempt_of: Option<String>,
    effects: Vec<String>,
}

impl Case<'_> {
    fn judge(&mut self) -> Option<String> {
        let compiled = rules::load(self.place, self.now);
        let (targets, unknown, about_actions) = match &compiled {
            Ok(it) => (it.targets(), it.unknown, it.about_actions),
            Err(_) => (Targets::default(), Environment::Production, false),
        };
        let mut session = self.recall();
        let around = Surroundings::new(self.place, targets).tunnelled(session.is_tunnelled());
        let (reading, own) = judge_call(&self.call.tool, &self.call.input, &around);
        let weighed = weigh(&reading, unknown);
        self.describe(&reading, &weighed);
        if weighed.hits_guard {
            return self.refuse(&weighed.lines(&reading), GUARD_WHY);
        }
        if own == Some(Touched::Guard) {
            let what = "touch the guard's own files".to_owned();
            return self.refuse(&[what], GUARD_WHY);
        }
        if let Some(what) = keys::touched(&self.call.tool, &self.call.input, &reading) {
            return self.refuse(&[what.to_owned()], KEY_WHY);
        }
        if reading.tunnelled && session.remember_tunnel() {
            self.keep(&session);
        }
        if weighed.is_harmless(about_actions) && session.is_empty() {
            return None;
        }
        let read = Read {
            around: &around,
            reading: &reading,
            weighed,
            session,
        };
        self.weigh_up(read, compiled, about_actions)
    }

    /// Whatever the policy does not let through on its own.
    fn weigh_up(
        &mut self,
        mut read: Read<'_>,
        compiled: Result<Compiled, CompiledError>,
        about_actions: bool,
    ) -> Option<String> {
        let text = text_of(&self.call.input);
        let relate = |id: &str| {
            let (tool, session) = (&self.call.tool, &read.session);
            match session.relate(id, &text, tool, read.reading, &read.weighed)? {
                Relation::Retry => Some(None),
                Relation::AnotherWay(blocked) => Some(Some(blocked.ticket.clone())),
            }
        };
        let harmless = read.weighed.is_harmless(about_actions);
        // Most calls after a blocked one have nothing to do with it.
        if harmless && relate("").is_none() {
            return None;
        }
        let action = self.action(&read);
        let digest = action.digest();
        let relation = relate(&id_of(&digest));
        let from_memory = harmless && relation.is_some();
        let attempt_of = relation.flatten();
        self.record.action = Some(digest);
        let effects = match read.weighed.lines(read.reading) {
            lines if lines.is_empty() => {
                vec!["touch what was just held, in a way that cannot be seen through".to_owned()]
            }
            lines => lines,
        };
        let opened = compiled.and_then(|compiled| Ok((compiled.open()?, compiled)));
        let (rules, compiled) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.cannot_judge(&effects, &error.to_string()),
        };
        if from_memory {
            read.weighed.suspect();
        }
        let asked = || demanded(&read.weighed, self.agent, &compiled, &rules, self.now);
        let (counted, ignored) = match &self.home {
            Some(home) => passes::find(home, &digest, &compiled, &rules, asked, self.now),
            None => (Vec::new(), Vec::new()),
        };
        let signoffs: Vec<_> = counted.iter().map(|it| it.signoff).collect();
        let ruling = rule(
            &read.weighed,
            self.agent,
            &compiled,
            &rules,
            &signoffs,
            self.now,
        );
        self.record.rules = ruling.rules();
        self.record.attempt_of.clone_from(&attempt_of);
        if compiled.shadow {
            self.record.verdict = ruling.verdict();
            self.record.shadow = true;
            return None;
        }
        let judged = Judged {
            ruling,
            rules,
            operator: compiled.operator,
            attempt_of,
            effects,
        };
        match judged.ruling.verdict() {
            Verdict::Allow => self
                .let_through(&digest, &counted, &judged.rules)
                .map(|why| self.hold(&read, action, judged, &[why])),
            Verdict::Refuse => {
                let refusing = judged
                    .ruling
                    .explanation
                    .rules
                    .iter()
                    .find(|rule| rule.refuses);
                let why = refusing.map(|rule| rule.why.as_str()).unwrap_or_default();
                let text = format!("{}: {why}", judged.ruling.explanation.summary);
                self.refuse(&judged.effects, &text)
            }
            Verdict::Hold => Some(self.hold(&read, action, judged, &ignored)),
        }
    }

    fn describe(&mut self, reading: &Reading, weighed: &Weighed) {
        let worst = weighed
            .dangerous
            .iter()
            .filter_map(|place| reading.findings.get(*place))
            .max_by_key(|finding| (finding.danger, finding.effect.verb));
        self.record.class = worst.map(|f| format!("{} {}", f.effect.verb.as_str(), f.effect.kind));
        if worst.is_some() {
            self.record.target = Some(weighed.environment.as_str().to_owned());
        }
    }

    fn recall(&mut self) -> Session {
        let (Some(home), Some(session)) = (&self.home, &self.call.session) else {
            return Session::default();
        };
        sessions::load(home, self.agent, session).unwrap_or_else(|fault| {
            self.faults.push(fault);
            Session::default()
        })
    }

    fn action(&self, read: &Read<'_>) -> Action {
        let ground = read.around.ground(self.place, &self.call.input);
        Action::new(
            self.agent,
            self.call,
            ground,
            read.weighed.environment.as_str(),
            read.weighed.facets(read.reading),
            read.weighed.lines(read.reading),
        )
    }

    /// Spends the passes; the reason when somebody else was faster.
    fn let_through(
        &mut self,
        action: &Digest,
        counted: &[Counted],
        rules: &Rules,
    ) -> Option<String> {
        if counted.is_empty() {
            return None;
        }
        let spent = match &self.home {
            Some(home) => passes::spend(home, action, counted),
            None => Err("there is no home directory".to_owned()),
        };
        match spent {
            Ok(()) => {
                self.record.passes = counted.iter().map(|it| it.statement).collect();
                self.record.passed_by = counted
                    .iter()
                    .filter_map(|it| rules.roster.person(it.signoff.person))
                    .map(|person| person.id.clone())
                    .collect();
                None
            }
            Err(why) => Some(why),
        }
    }

    fn hold(
        &mut self,
        read: &Read<'_>,
        action: Action,
        judged: Judged,
        ignored: &[String],
    ) -> String {
        let id = id_of(&action.digest());
        let asks = judged.ruling.asks();
        let text = message::held(&Held {
            effects: &judged.effects,
            asks: &asks,
            ticket: &id,
            attempt_of: judged.attempt_of.as_deref(),
            passes: ignored,
            passable: judged
                .rules
                .roster
                .people()
                .iter()
                .any(|person| !person.keys.is_empty()),
        });
        self.record.verdict = Verdict::Hold;
        self.record.ticket = Some(id.clone());
        let ticket = Ticket::new(
            action,
            judged.ruling.rules(),
            asks,
            judged.operator,
            judged.attempt_of,
            self.now,
        );
        let kept = match &self.home {
            Some(home) => tickets::keep(home, &id, &ticket).map_err(|error| error.to_string()),
            None => Err("there is no home directory".to_owned()),
        };
        if let Err(error) = kept {
            self.faults.push(format!(
                "ticket {id} cannot be kept, so it cannot be passed: {error}"
            ));
        }
        self.remember(read, &id);
        text
    }

    fn remember(&mut self, read: &Read<'_>, id: &str) {
        let mut memory = read.session.clone();
        if memory.remember(id, read.reading, &read.weighed) {
            self.keep(&memory);
        }
    }

    fn keep(&mut self, memory: &Session) {
        if let (Some(home), Some(session)) = (&self.home, &self.call.session) {
            let saved = sessions::save(home, self.agent, session, memory);
            self.faults.extend(saved.err());
        }
    }

    fn refuse(&mut self, effects: &[String], why: &str) -> Option<String> {
        self.record.verdict = Verdict::Refuse;
        Some(message::refused(effects, why))
    }

    fn cannot_judge(&mut self, effects: &[String], error: &str) -> Option<String> {
        self.record.verdict = Verdict::Refuse;
        self.record.fault = Some(error.to_owned());
        let what = format!("{error}, and this would {}", effects.join("; "));
        Some(message::fault(&what, MEND))
    }
}

/// The guard's directory, for commands that look into it.
pub(crate) fn needed_home() -> Result<std::path::PathBuf, crate::error::CliError> {
    files::home().ok_or_else(|| {
        crate::error::CliError::new(crate::error::exit::NOT_FOUND, "there is no home directory")
            .hint("set HOME to an absolute path")
    })
}

/// Where passes for an action lie, for the command that makes them.
pub(crate) fn pass_dir(home: &Path, action: &Digest) -> std::path::PathBuf {
    passes::dir_of(home, action)
}
