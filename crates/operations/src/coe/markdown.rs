//! A COE as Markdown that people write in, and back.

use std::fmt::Write as _;

use jiff::civil::Date;

use super::{Coe, Exhibit, Why};
use crate::action::{Action, ActionState};
use crate::incident::Incident;
use crate::noted::Noted;

/// The longest document read, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

const WHAT: &str = "What happened";
const IMPACT: &str = "Impact";
const WHYS: &str = "Five whys";
const EVIDENCE: &str = "Evidence";
const LESSONS: &str = "Lessons";
const ACTIONS: &str = "Actions";
const RELATED: &str = "Related incidents";

/// A line that tells people what belongs here; it is not read.
const HINT: &str = "> ";

/// An action as a document has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionLine {
    /// Its id; `None`: it is new.
    pub id: Option<String>,
    /// What is to be done.
    pub title: String,
    /// Roster id of who does it.
    pub owner: Option<String>,
    /// The last day it is not overdue.
    pub due: Option<Date>,
    /// Whether it is ticked.
    pub done: bool,
}

impl From<&Action> for ActionLine {
    fn from(action: &Action) -> Self {
        Self {
            id: Some(action.id.clone()),
            title: action.title.clone(),
            owner: action.owner.clone(),
            due: action.due,
            done: action.state == ActionState::Done,
        }
    }
}

/// What a document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The analysis; its `actions` are the ids among [`Self::actions`].
    pub coe: Coe,
    /// The corrective actions.
    pub actions: Vec<ActionLine>,
}

/// Something in a document that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct CoeError {
    /// From 1.
    pub line: usize,
    /// What is wrong, and what to write.
    pub message: String,
}

/// Writes a document; an empty analysis becomes a template with hints.
#[must_use]
pub fn write(incident: &Incident, coe: &Coe, actions: &[ActionLine]) -> String {
    let mut out = String::new();
    let title = incident.title.trim();
    // Writing into memory cannot fail.
    let _ = writeln!(out, "# COE {}: {title}\n", coe.incident);
    let _ = writeln!(out, "{}\n", facts(incident));
    section(
        &mut out,
        WHAT,
        "What customers saw, what failed, in order.",
        &escaped(&coe.summary),
    );
    section(
        &mut out,
        IMPACT,
        "Who was affected, how many, for how long.",
        &escaped(&coe.impact),
    );
    let mut whys = String::new();
    for (place, why) in coe.whys.iter().enumerate() {
        let _ = writeln!(whys, "{}. {}\n", place + 1, why.question.trim());
        if !why.answer.trim().is_empty() {
            let _ = writeln!(whys, "{}\n", indented(&why.answer));
        }
    }
    let hint =
        "Ask on until the answer is something that the organisation can change; never a person.";
    section(&mut out, WHYS, hint, &whys);
    let mut evidence = String::new();
    for exhibit in &coe.evidence {
        let _ = match &exhibit.url {
            Some(url) => writeln!(evidence, "- {} <{url}>", exhibit.title.trim()),
            None => writeln!(evidence, "- {}", exhibit.title.trim()),
        };
    }
    let hint = "Graphs, logs, queries: one line each, `- what it shows <https://...>`.";
    section(&mut out, EVIDENCE, hint, &evidence);
    let mut lessons = String::new();
    for lesson in &coe.lessons {
        let _ = writeln!(lessons, "- {}", indented(lesson).trim_start());
    }
    section(
        &mut out,
        LESSONS,
        "What others can learn: one line each.",
        &lessons,
    );
    let actions: String = actions.iter().map(action_line).collect();
    let hint = "Who does what by when: `- [ ] what | owner: id | due: 2026-04-01`.";
    section(&mut out, ACTIONS, hint, &actions);
    let related: String = coe.related.iter().map(|id| format!("- {id}\n")).collect();
    section(
        &mut out,
        RELATED,
        "Ids of incidents like this one.",
        &related,
    );
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// What the register knows, for the reader; it is not read back.
fn facts(incident: &Incident) -> String {
    let time =
        |time: Option<jiff::Timestamp>| time.map_or("not recorded".to_owned(), |it| it.to_string());
    let list = |set: &std::collections::BTreeSet<String>| match set.is_empty() {
        true => "not recorded".to_owned(),
        false => set.iter().cloned().collect::<Vec<_>>().join(", "),
    };
    let severity = incident.severity.map_or("not graded", |it| it.as_str());
    let rows = [
        ("severity", severity.to_owned()),
        ("started", incident.started.to_string()),
        ("detected", time(incident.detected)),
        ("mitigated", time(incident.mitigated)),
        ("resolved", time(incident.resolved)),
        ("services", list(&incident.services)),
        ("customer functions", list(&incident.functions)),
        ("role of AI", incident.ai.to_string()),
    ];
    let rows = rows.map(|(name, value)| format!("| {name} | {} |", value.replace('|', "\\|")));
    format!("| | |\n| --- | --- |\n{}", rows.join("\n"))
}

fn section(out: &mut String, heading: &str, hint: &str, body: &str) {
    let body = body.trim_end();
    let _ = writeln!(out, "## {heading}\n");
    let _ = match body.is_empty() {
        true => writeln!(out, "{HINT}{hint}\n"),
        false => writeln!(out, "{body}\n"),
    };
}

fn action_line(action: &ActionLine) -> String {
    let tick = if action.done { 'x' } else { ' ' };
    let mut line = format!("- [{tick}] {}", action.title.trim().replace('|', "/"));
    for (name, value) in [
        ("owner", action.owner.clone()),
        ("due", action.due.map(|due| due.to_string())),
        ("id", action.id.clone()),
    ] {
        if let Some(value) = value {
            let _ = write!(line, " | {name}: {value}");
        }
    }
    line.push('\n');
    line
}

/// Lines that would be read as headings or hints get a backslash, as in
/// Markdown; so do those that have one already.
fn escaped(text: &str) -> String {
    let line = |line: &str| match line.starts_with(['#', '>', '\\']) {
        true => format!("\\{line}"),
        false => line.to_owned(),
    };
    text.trim().lines().map(line).collect::<Vec<_>>().join("\n")
}

fn unescaped(line: &str) -> &str {
    line.strip_prefix('\\').unwrap_or(line)
}

fn indented(text: &str) -> String {
    let line = |line: &str| match line.is_empty() {
        true => String::new(),
        false => format!("   {line}"),
    };
    text.trim().lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A section with its lines and where it begins.
struct Section<'a> {
    heading: &'a str,
    lines: Vec<(usize, &'a str)>,
}

/// Reads a document. Headings may come in any order; ones that are not known
/// are errors, so that nothing written is lost.
///
/// # Errors
/// Everything that was not understood, with its line.
pub fn read(text: &str, noted: &Noted) -> Result<Document, Vec<CoeError>> {
    let whole = |message: String| vec![CoeError { line: 1, message }];
    if text.len() > MAX_BYTES {
        return Err(whole(format!(
            "the document has more than {MAX_BYTES} bytes"
        )));
    }
    let mut lines = (1..).zip(text.lines().map(str::trim_end));
    let title = lines.by_ref().find(|(_, line)| !line.is_empty());
    let incident = title
        .and_then(|(_, line)| line.strip_prefix("# COE "))
        .and_then(|rest| {
            rest.split_once(':')
                .map(|(id, _)| id.trim())
                .or(Some(rest.trim()))
        })
        .filter(|id| !id.is_empty() && !id.contains(char::is_whitespace));
    let Some(incident) = incident else {
        return Err(whole(
            "the first line is not `# COE <incident>: <title>`".into(),
        ));
    };
    let mut document = Document {
        coe: Coe::new(incident.to_owned(), noted.clone()),
        actions: Vec::new(),
    };
    let mut errors = Vec::new();
    for section in sections(lines) {
        document.take(&section, &mut errors);
    }
    let known = document
        .actions
        .iter()
        .filter_map(|action| action.id.clone());
    document.coe.actions = known.collect();
    if errors.is_empty() {
        Ok(document)
    } else {
        Err(errors)
    }
}

fn sections<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<Section<'a>> {
    let mut sections: Vec<Section<'a>> = Vec::new();
    for (number, line) in lines {
        if let Some(heading) = line.strip_prefix("## ") {
            sections.push(Section {
                heading: heading.trim(),
                lines: vec![(number, "")],
            });
        } else if let Some(section) = sections.last_mut()
            && !line.starts_with('>')
        {
            section.lines.push((number, line));
        }
    }
    sections
}

impl Document {
    fn take(&mut self, section: &Section<'_>, errors: &mut Vec<CoeError>) {
        let coe = &mut self.coe;
        match section.heading {
            WHAT => coe.summary = section.text(),
            IMPACT => coe.impact = section.text(),
            WHYS => coe.whys = section.whys(errors),
            LESSONS => coe.lessons = section.items(errors),
            EVIDENCE => coe.evidence = section.items(errors).iter().map(|it| exhibit(it)).collect(),
            RELATED => coe.related = section.items(errors),
            ACTIONS => self.actions = section.actions(errors),
            other => {
                let line = section.lines.first().map_or(1, |(line, _)| *line);
                let known = [WHAT, IMPACT, WHYS, EVIDENCE, LESSONS, ACTIONS, RELATED].join("`, `");
                let other: String = other.chars().take(60).collect();
                let message = format!("`{other}` is not a part of a COE (known: `{known}`)");
                errors.push(CoeError { line, message });
            }
        }
    }
}

impl Section<'_> {
    fn text(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(|(_, line)| unescaped(line)).collect();
        lines.join("\n").trim().to_owned()
    }

    /// List items, each with the lines indented under it.
    fn items(&self, errors: &mut Vec<CoeError>) -> Vec<String> {
        let start = |line: &'_ str| line.strip_prefix("- ").map(str::to_owned);
        let items = self.blocks(start, "an item begins with `- `", errors);
        items
            .into_iter()
            .map(|(first, more)| join(first, &more))
            .collect()
    }

    fn whys(&self, errors: &mut Vec<CoeError>) -> Vec<Why> {
        let start = |line: &'_ str| {
            let (number, rest) = line.split_once(". ")?;
            (!number.is_empty() && number.bytes().all(|it| it.is_ascii_digit()))
                .then(|| rest.trim().to_owned())
        };
        let whys = self.blocks(
            start,
            "a question begins with its number, as in `1. `",
            errors,
        );
        let why = |(question, more): (String, Vec<String>)| Why {
            question,
            answer: more.join("\n").trim().to_owned(),
        };
        whys.into_iter().map(why).collect()
    }

    fn actions(&self, errors: &mut Vec<CoeError>) -> Vec<ActionLine> {
        let mut found = Vec::new();
        for (line, text) in self.lines.iter().filter(|(_, text)| !text.is_empty()) {
            match action(text) {
                Ok(action) => found.push(action),
                Err(message) => errors.push(CoeError {
                    line: *line,
                    message,
                }),
            }
        }
        found
    }

    fn blocks(
        &self,
        start: impl Fn(&str) -> Option<String>,
        form: &str,
        errors: &mut Vec<CoeError>,
    ) -> Vec<(String, Vec<String>)> {
        let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
        for (number, line) in &self.lines {
            let indented = line.starts_with("  ") || line.starts_with('\t');
            if let Some(first) = start(line) {
                blocks.push((first, Vec::new()));
            } else if line.is_empty() || indented {
                if let Some((_, more)) = blocks.last_mut() {
                    more.push(
                        line.strip_prefix("   ")
                            .unwrap_or(line.trim_start())
                            .to_owned(),
                    );
                }
            } else {
                errors.push(CoeError {
                    line: *number,
                    message: format!("{form}, and what belongs to it is indented"),
                });
            }
        }
        blocks
    }
}

fn join(first: String, more: &[String]) -> String {
    let more = more.join("\n");
    let more = more.trim_end();
    if more.is_empty() {
        first
    } else {
        format!("{first}\n{more}")
    }
}

fn exhibit(item: &str) -> Exhibit {
    let url = item
        .strip_suffix('>')
        .and_then(|rest| rest.rsplit_once(" <"));
    match url {
        Some((title, url)) if !url.is_empty() && !url.contains(char::is_whitespace) => Exhibit {
            title: title.to_owned(),
            url: Some(url.to_owned()),
        },
        _ => Exhibit {
            title: item.to_owned(),
            url: None,
        },
    }
}

fn action(line: &str) -> Result<ActionLine, String> {
    let form = "an action is `- [ ] what | owner: id | due: 2026-04-01`";
    let (tick, rest) = line
        .strip_prefix("- [")
        .and_then(|rest| rest.split_once("] "))
        .ok_or_else(|| form.to_owned())?;
    let mut parts = rest.split(" | ");
    let mut found = ActionLine {
        id: None,
        title: parts.next().unwrap_or_default().trim().to_owned(),
        owner: None,
        due: None,
        done: match tick {
            " " | "" => false,
            "x" | "X" => true,
            _ => return Err(form.to_owned()),
        },
    };
    for part in parts {
        let (name, value) = part.split_once(':').ok_or_else(|| form.to_owned())?;
        let value = value.trim();
        match name.trim() {
            "owner" => found.owner = Some(value.to_owned()),
            "id" => found.id = Some(value.to_owned()),
            "due" => {
                let due = value
                    .parse()
                    .map_err(|_| format!("`{value}` is not a day ({form})"))?;
                found.due = Some(due);
            }
            other => return Err(format!("`{other}` is not known of an action ({form})")),
        }
    }
    if found.title.is_empty() {
        Err(form.to_owned())
    } else {
        Ok(found)
    }
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
