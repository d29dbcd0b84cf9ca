//! Questions that the rules raise, and what the signer answers.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};

use countersign_core::facts::Facts;
use countersign_core::policy::{Answers, Policy};
use countersign_core::signoff::statement::Answer;
use jiff::Timestamp;

use crate::error::{CliError, CliResult, exit};
use crate::rules::Rules;
use crate::style::{BOLD, DIM, paint};

/// What is asked of whoever approves a change.
pub(crate) struct Questions {
    questions: Vec<String>,
    required: bool,
}

impl Questions {
    pub(crate) fn of(rules: &Rules, facts: &Facts, now: Timestamp) -> Self {
        let seen = rules.policy.observe(facts, now);
        let questions = rules.policy.questions(&seen).into_iter();
        Self::listed(questions.map(str::to_owned).collect(), &rules.policy)
    }

    /// These, under a policy.
    pub(crate) fn listed(questions: Vec<String>, policy: &Policy) -> Self {
        Self {
            questions,
            required: policy.settings.answers == Answers::Required,
        }
    }

    /// Takes the answers given on the command line and asks for the others.
    /// `None` when one is missing that the policy requires.
    pub(crate) fn answered(
        self,
        out: &mut impl Write,
        given: &[String],
        quiet: bool,
    ) -> CliResult<Option<Vec<Answer>>> {
        self.answered_by(out, "--answer", given, |out, prompt| {
            if quiet {
                Ok(String::new())
            } else {
                ask(out, prompt)
            }
        })
    }

    /// The same by an option and a way to ask of the caller's.
    pub(crate) fn answered_by<W: Write>(
        self,
        out: &mut W,
        option: &str,
        given: &[String],
        ask: impl Fn(&mut W, &str) -> CliResult<String>,
    ) -> CliResult<Option<Vec<Answer>>> {
        let mut given = numbered(option, given, self.questions.len())?;
        if !self.questions.is_empty() {
            let note = if self.required {
                ", each to be answered"
            } else {
                ""
            };
            writeln!(out, "\n  {}", paint(DIM, format!("the rules ask{note}")))?;
        }
        let (mut answers, mut complete) = (Vec::new(), true);
        for (number, question) in (1..).zip(self.questions) {
            writeln!(out, "    {number}. {}", paint(BOLD, &question))?;
            let answer = match given.remove(&number) {
                Some(answer) => {
                    writeln!(out, "       {answer}")?;
                    answer
                }
                None => ask(out, "       > ")?,
            };
            if answer.trim().is_empty() {
                complete &= !self.required;
            } else {
                answers.push(Answer { question, answer });
            }
        }
        Ok(complete.then_some(answers))
    }
}

/// The questions that an approval of a change has to answer to count.
pub(crate) fn required(rules: &Rules, facts: &Facts, now: Timestamp) -> Vec<String> {
    let asked = Questions::of(rules, facts, now);
    if asked.required {
        asked.questions
    } else {
        Vec::new()
    }
}

/// One line from whoever is at the terminal; empty where nobody is.
pub(crate) fn ask(out: &mut impl Write, prompt: &str) -> CliResult<String> {
    if !std::io::stdin().is_terminal() {
        return Ok(String::new());
    }
    write!(out, "{prompt}")?;
    out.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// Reads `N=TEXT` options for a list of `count` things.
pub(crate) fn numbered(
    option: &str,
    given: &[String],
    count: usize,
) -> CliResult<BTreeMap<usize, String>> {
    let mut found = BTreeMap::new();
    for text in given {
        let parsed = text
            .split_once('=')
            .and_then(|(number, text)| Some((number.trim().parse::<usize>().ok()?, text.trim())));
        let Some((number, text)) = parsed else {
            let message = format!("`{text}` is not a number and a text");
            return Err(
                CliError::new(exit::USAGE, message).hint(format!("write `{option} 1=\"…\"`"))
            );
        };
        if number == 0 || number > count {
            let message = format!("there is no number {number} here");
            return Err(CliError::new(exit::USAGE, message).hint(format!(
                "numbers go from 1 to {count}; `{option}` names one of the list"
            )));
        }
        if found.insert(number, text.to_owned()).is_some() {
            let message = format!("number {number} is given twice");
            return Err(CliError::new(exit::USAGE, message));
        }
    }
    Ok(found)
}
