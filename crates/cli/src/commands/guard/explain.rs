//! `countersign guard explain`: what the hook would make of a command, and why.

use std::io::Write;

use clap::Args;
use countersign_core::decide::Verdict;
use countersign_core::effect::Environment;
use countersign_effects::command::{Danger, Reading, place_name};
use countersign_guard::agent::Agent;
use countersign_guard::judge::{Weighed, rule, weigh};
use countersign_guard::keys;
use countersign_guard::message::{GUARD_WHY, KEY_WHY};
use countersign_guard::own::{Touched, judge_call};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{here, targets};
use crate::error::{CliResult, exit};
use crate::guard::rules;
use crate::guard::surroundings::Surroundings;
use crate::report::json as to_json;
use crate::style::{self, DIM, paint};

/// Show the commands as understood, their effects, their targets, the rules, the verdict.
///
/// Exits with 1 when the command would be held for a person, 2 when it would be
/// refused. Names are read from this work tree's `targets.toml`, so that a change of
/// it can be tried out; the rules are the compiled ones.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The command, after `--`. One word is read as a whole shell line.
    #[arg(last = true, required = true)]
    command: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What the hook would answer.
#[derive(Serialize)]
struct Answer {
    verdict: Verdict,
    summary: String,
    /// The rules that hold it, with what they ask for.
    rules: Vec<String>,
    asks: Vec<String>,
    /// Why there are no rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_rules: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    answer: &'a Answer,
    #[serde(flatten)]
    reading: &'a Reading,
}

pub(super) fn run(args: &ExplainArgs) -> CliResult {
    let line = match args.command.as_slice() {
        [line] => line.clone(),
        words => {
            let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            quoted.join(" ")
        }
    };
    let place = here()?;
    let compiled = rules::load(&place, Timestamp::now());
    let unknown = compiled
        .as_ref()
        .map_or(Environment::Production, |it| it.unknown);
    let around = Surroundings::new(&place, targets(&place)?);
    // As the hook gets it, so that both judge by the same way in.
    let (tool, input) = ("Bash", json!({ "command": line }));
    let (reading, own) = judge_call(tool, &input, &around);
    let weighed = weigh(&reading, unknown);
    let about_actions = compiled.as_ref().is_ok_and(|it| it.about_actions);
    let answer = if weighed.hits_guard || own == Some(Touched::Guard) {
        refused(GUARD_WHY)
    } else if keys::touched(tool, &input, &reading).is_some() {
        refused(KEY_WHY)
    } else if weighed.is_harmless(about_actions) {
        Answer {
            verdict: Verdict::Allow,
            summary: "nothing beyond development is at risk".to_owned(),
            rules: Vec::new(),
            asks: Vec::new(),
            without_rules: None,
        }
    } else {
        let opened = compiled.and_then(|it| Ok((it.open()?, it)));
        let summary = summary(&weighed).to_owned();
        match opened {
            Ok((rules, compiled)) => {
                // Claude Code stands for any agent: what differs is only the name
                // that usage rules are asked for.
                let now = Timestamp::now();
                let ruling = rule(&weighed, Agent::ClaudeCode, &compiled, &rules, &[], now);
                Answer {
                    verdict: ruling.verdict(),
                    summary,
                    rules: ruling.rules(),
                    asks: ruling.asks(),
                    without_rules: None,
                }
            }
            Err(error) => Answer {
                verdict: Verdict::Hold,
                summary,
                rules: Vec::new(),
                asks: Vec::new(),
                without_rules: Some(error.to_string()),
            },
        }
    };
    let mut out = anstream::stdout().lock();
    if args.json {
        let shown = Shown {
            answer: &answer,
            reading: &reading,
        };
        out.write_all(to_json(&shown)?.as_bytes())?;
    } else {
        print(&mut out, &answer, &reading)?;
    }
    Ok(match answer.verdict {
        Verdict::Allow => exit::ALLOW,
        Verdict::Hold => exit::HOLD,
        Verdict::Refuse => exit::REFUSE,
    })
}

fn refused(why: &str) -> Answer {
    Answer {
        verdict: Verdict::Refuse,
        summary: why.to_owned(),
        rules: Vec::new(),
        asks: Vec::new(),
        without_rules: None,
    }
}

const fn summary(weighed: &Weighed) -> &'static str {
    match weighed.danger {
        Danger::None => "changes a shared system, which a rule speaks of",
        Danger::UnknownCouldDestroy => "could destroy, and cannot be understood fully",
        Danger::Destructive => "would destroy or disrupt",
    }
}

fn print(out: &mut impl Write, answer: &Answer, reading: &Reading) -> CliResult<()> {
    let word = match answer.verdict {
        Verdict::Allow => "ALLOW",
        Verdict::Hold => "HOLD",
        Verdict::Refuse => "REFUSE",
    };
    let text = format!("{word}  {}", answer.summary);
    writeln!(out, "{}", paint(style::verdict(answer.verdict), text))?;
    let mut dim = |text: String| writeln!(out, "  {}", paint(DIM, text));
    if let Some(target) = reading.target() {
        dim(format!(
            "most guarded target: {}",
            place_name(target.environment)
        ))?;
    }
    if !answer.rules.is_empty() {
        dim(format!("rules: {}", answer.rules.join(", ")))?;
    }
    if !answer.asks.is_empty() {
        dim(format!("needs: {}", answer.asks.join("; and ")))?;
    }
    if let Some(why) = &answer.without_rules {
        dim(format!(
            "{why}, so the hook would deny it: countersign guard compile"
        ))?;
    }
    writeln!(out)?;
    for line in reading.render().lines() {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

/// One word as the shell would need it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
