//! Expansion of words: braces, tilde, parameters, substitutions, splitting.

use std::collections::BTreeMap;

use super::ast::{ParamOp, Part, Script, Word};
use super::{BRACKET, HOLE, QUESTION, STAR, glob_match};

/// Parts that brace expansions of one word may copy in all.
const MAX_BRACE_PARTS: usize = 65_536;
/// Brace expansions and arrays stop growing here; the rest is unknown.
const MAX_FIELDS: usize = 512;
/// Values longer than this are unknown.
const MAX_VALUE: usize = 131_072;

/// What a shell variable holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Var {
    /// One text.
    Scalar(String),
    /// An indexed array.
    Array(Vec<String>),
    /// Known to be unset.
    Unset,
}

/// The variables of one shell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vars {
    /// By name.
    pub named: BTreeMap<String, Var>,
    /// `$1`, `$2` …; `None` where nobody knows them.
    pub positional: Option<Vec<String>>,
}

impl Vars {
    /// Sets a variable to one text.
    pub fn set(&mut self, name: &str, value: String) {
        self.named.insert(name.to_owned(), Var::Scalar(value));
    }
}

/// A variable's text where the shell itself knows it: `Some(None)` for one
/// that is known to be unset.
#[must_use]
pub fn expand_var(vars: &Vars, name: &str) -> Option<Option<String>> {
    match vars.named.get(name)? {
        Var::Scalar(text) => Some(Some(text.clone())),
        Var::Array(items) => Some(items.first().cloned()),
        Var::Unset => Some(None),
    }
}

/// What expansion needs from whoever runs the shell.
pub trait Expander {
    /// The variables of the shell.
    fn vars(&mut self) -> &mut Vars;
    /// A variable of the world outside, if it is known.
    fn outside(&self, name: &str) -> Option<String>;
    /// What a command substitution prints.
    fn substitute(&mut self, script: &Script) -> String;
    /// The path a process substitution stands for.
    fn process(&mut self, script: &Script, reads: bool) -> String;

    /// A word's fields, split and unquoted.
    fn fields(&mut self, word: &Word) -> Vec<String> {
        let has_brace = word.parts.iter().any(|p| matches!(p, Part::Brace('{')));
        if !has_brace {
            return self.split_fields(&word.parts);
        }
        let mut out = Vec::new();
        let mut budget = MAX_BRACE_PARTS;
        for parts in brace_expand(&word.parts, 0, &mut budget) {
            out.extend(self.split_fields(&parts));
            if out.len() > MAX_FIELDS {
                out.push(HOLE.to_string());
                break;
            }
        }
        out
    }

    /// A word's text without splitting (assignments, redirections, here-documents).
    fn joined(&mut self, word: &Word) -> String {
        let mut out = String::new();
        for part in &word.parts {
            for (text, _) in self.part(part).0 {
                out.push_str(&text);
            }
            if out.len() > MAX_VALUE {
                return HOLE.to_string();
            }
        }
        out
    }

    /// The fields of parts that hold no brace expansion.
    fn split_fields(&mut self, parts: &[Part]) -> Vec<String> {
        let mut fields = Fields::default();
        let mut ifs: Option<String> = None;
        for part in parts {
            let (texts, splits) = self.part(part);
            if splits {
                let ifs = ifs.get_or_insert_with(|| self.ifs());
                for (at, (text, _)) in texts.iter().enumerate() {
                    if at > 0 {
                        fields.cut();
                    }
                    fields.split(text, ifs);
                }
            } else {
                for (at, (text, starts_field)) in texts.into_iter().enumerate() {
                    if at > 0 && starts_field {
                        fields.cut();
                    }
                    fields.push(&text);
                }
            }
        }
        fields.finish()
    }

    /// The field separators.
    fn ifs(&mut self) -> String {
        match self.vars().named.get("IFS") {
            Some(Var::Scalar(text)) if !text.contains(HOLE) => text.clone(),
            _ => " \t\n".to_owned(),
        }
    }

    /// The texts of one part, each with whether it begins a new field, and
    /// whether they are split further.
    fn part(&mut self, part: &Part) -> (Vec<(String, bool)>, bool) {
        let one = |text: String| (vec![(text, false)], false);
        match part {
            Part::Lit(text) | Part::Quoted(text) => one(text.clone()),
            Part::Brace(c) => one(c.to_string()),
            Part::Glob('*') => one(STAR.to_string()),
            Part::Glob('?') => one(QUESTION.to_string()),
            Part::Glob(_) => one(BRACKET.to_string()),
            Part::Tilde(name) if name.is_empty() => {
                let home = self.parameter("HOME").unwrap_or_else(|| "~".to_owned());
                one(home)
            }
            Part::Tilde(name) if name == "+" => {
                one(self.parameter("PWD").unwrap_or_else(|| HOLE.to_string()))
            }
            Part::Tilde(name) => one(format!("/home/{name}")),
            Part::Arithmetic(word) => {
                self.joined(word);
                one(if word.parts.iter().all(|p| matches!(p, Part::Quoted(t) if t.trim().bytes().all(|b| b.is_ascii_digit()))) { word.parts.iter().filter_map(|p| match p { Part::Quoted(t) => Some(t.trim()), _ => None }).collect::<String>() } else { HOLE.to_string() })
            }
            Part::Substitution(script, quoted) => {
                let text = self.substitute(script);
                let text = text.trim_end_matches('\n').to_owned();
                (vec![(text, false)], !quoted)
            }
            Part::Process(script, reads) => one(self.process(script, *reads)),
            Part::Param { name, op, quoted } => self.param(name, op, *quoted),
        }
    }

    /// A parameter's single value: `None` when nobody knows it.
    fn parameter(&mut self, name: &str) -> Option<String> {
        match self.vars().named.get(name) {
            Some(Var::Scalar(text)) => return Some(text.clone()),
            Some(Var::Array(items)) => return Some(items.first().cloned().unwrap_or_default()),
            Some(Var::Unset) => return Some(String::new()),
            None => {}
        }
        if let Ok(index) = name.parse::<usize>() {
            let positional = self.vars().positional.as_ref()?;
            return match index {
                0 => None,
                _ => Some(positional.get(index - 1).cloned().unwrap_or_default()),
            };
        }
        match name {
            "$" | "!" | "PPID" | "RANDOM" | "UID" | "EUID" | "SECONDS" | "LINENO"
            | "EPOCHSECONDS" => Some("12345".to_owned()),
            "?" => Some("0".to_owned()),
            "IFS" => Some(" \t\n".to_owned()),
            "#" => {
                let count = self.vars().positional.as_ref()?.len();
                Some(count.to_string())
            }
            _ => self.outside(name),
        }
    }

    /// Every element of an array or of the positional parameters.
    fn elements(&mut self, name: &str) -> Option<Vec<String>> {
        if matches!(name, "@" | "*") {
            return self.vars().positional.clone();
        }
        match self.vars().named.get(name) {
            Some(Var::Array(items)) => Some(items.clone()),
            Some(Var::Scalar(text)) => Some(vec![text.clone()]),
            Some(Var::Unset) => Some(Vec::new()),
            None => None,
        }
    }

    /// Expands `$name` or `${name…}`.
    fn param(&mut self, name: &str, op: &ParamOp, quoted: bool) -> (Vec<(String, bool)>, bool) {
        let hole = || HOLE.to_string();
        if matches!(op, ParamOp::All) {
            return match self.elements(name) {
                Some(items) if quoted && name == "*" => (vec![(items.join(" "), false)], false),
                Some(items) => (
                    items.into_iter().map(|item| (item, true)).collect(),
                    !quoted,
                ),
                None => (vec![(hole(), false)], false),
            };
        }
        let value = self.parameter(name);
        let text = match op {
            ParamOp::Plain => value.unwrap_or_else(hole),
            ParamOp::Element(index) => self.element(name, index).unwrap_or_else(hole),
            ParamOp::Default(word, assigns) => match value {
                Some(text) if !text.is_empty() => text,
                _ => {
                    let text = self.joined(word);
                    if *assigns {
                        self.vars().set(name, text.clone());
                    }
                    text
                }
            },
            ParamOp::Alternative(word) => match value {
                Some(text) if text.is_empty() => String::new(),
                Some(_) => self.joined(word),
                None => {
                    let text = self.joined(word);
                    if text.is_empty() {
                        text
                    } else {
                        hole() + &text
                    }
                }
            },
            ParamOp::TrimStart(word, longest) => {
                let pattern = self.joined(word);
                value.map_or_else(hole, |text| trim_start(&text, &pattern, *longest))
            }
            ParamOp::TrimEnd(word, longest) => {
                let pattern = self.joined(word);
                value.map_or_else(hole, |text| trim_end(&text, &pattern, *longest))
            }
            ParamOp::Replace(word, all) => {
                let spec = self.joined(word);
                value.map_or_else(hole, |text| replace(&text, &spec, *all))
            }
            ParamOp::Slice(word) => {
                let spec = self.joined(word);
                value
                    .and_then(|text| slice(&text, &spec))
                    .unwrap_or_else(hole)
            }
            ParamOp::Case { upper, all } => {
                value.map_or_else(hole, |text| change_case(&text, *upper, *all))
            }
            ParamOp::Indirect => match value {
                Some(other) => self.parameter(&other).unwrap_or_else(hole),
                None => hole(),
            },
            ParamOp::Opaque | ParamOp::All => hole(),
        };
        (vec![(text, false)], !quoted)
    }

    /// One element of an array.
    fn element(&mut self, name: &str, index: &Word) -> Option<String> {
        let index = self.joined(index);
        let items = self.elements(name)?;
        let at: i64 = index.trim().parse().ok()?;
        let at = if at < 0 { items.len() as i64 + at } else { at };
        Some(
            usize::try_from(at)
                .ok()
                .and_then(|at| items.get(at).cloned())
                .unwrap_or_default(),
        )
    }
}

#[derive(Default)]
struct Fields {
    done: Vec<String>,
    current: Option<String>,
}

impl Fields {
    fn push(&mut self, text: &str) {
        self.current.get_or_insert_default().push_str(text);
    }

    fn cut(&mut self) {
        if let Some(field) = self.current.take() {
            self.done.push(field);
        }
    }

    fn split(&mut self, text: &str, ifs: &str) {
        for c in text.chars() {
            if ifs.contains(c) {
                self.cut();
            } else {
                self.current.get_or_insert_default().push(c);
            }
        }
    }

    fn finish(mut self) -> Vec<String> {
        self.cut();
        self.done
    }
}

/// Expands the first brace expression and, in what comes out, the others.
/// `budget` is how many parts may still be copied; what goes beyond is unknown.
fn brace_expand(parts: &[Part], depth: usize, budget: &mut usize) -> Vec<Vec<Part>> {
    let Some((open, close, alternatives)) = find_brace(parts) else {
        return vec![parts.to_vec()];
    };
    let prefix = parts.get(..open).unwrap_or(&[]);
    let suffix = parts.get(close + 1..).unwrap_or(&[]);
    let mut out = Vec::new();
    for alternative in alternatives {
        let length = prefix.len() + alternative.len() + suffix.len();
        if length > *budget {
            out.push(vec![Part::Lit(HOLE.to_string())]);
            return out;
        }
        *budget -= length;
        let mut joined = prefix.to_vec();
        joined.extend(alternative);
        joined.extend_from_slice(suffix);
        if depth < 8 {
            out.extend(brace_expand(&joined, depth + 1, budget));
        } else {
            out.push(joined);
        }
        if out.len() > MAX_FIELDS {
            out.push(vec![Part::Lit(HOLE.to_string())]);
            return out;
        }
    }
    out
}

fn find_brace(parts: &[Part]) -> Option<(usize, usize, Vec<Vec<Part>>)> {
    let opens = parts
        .iter()
        .enumerate()
        .filter(|(_, p)| matches!(p, Part::Brace('{')));
    for (open, _) in opens.take(16) {
        let mut level = 0_u32;
        let mut alternatives = vec![Vec::new()];
        for (at, part) in parts.iter().enumerate().skip(open + 1) {
            match part {
                Part::Brace('{') => level += 1,
                Part::Brace('}') if level == 0 => {
                    if alternatives.len() > 1 {
                        return Some((open, at, alternatives));
                    }
                    if let Some(range) = range(alternatives.first()?) {
                        return Some((open, at, range));
                    }
                    break;
                }
                Part::Brace('}') => level -= 1,
                Part::Brace(',') if level == 0 => {
                    alternatives.push(Vec::new());
                    continue;
                }
                _ => {}
            }
            if let Some(last) = alternatives.last_mut() {
                last.push(part.clone());
            }
        }
    }
    None
}

/// `{1..9}` and `{a..f}`.
fn range(parts: &[Part]) -> Option<Vec<Vec<Part>>> {
    let [Part::Lit(text)] = parts else {
        return None;
    };
    let (from, to) = text.split_once("..")?;
    let lit = |text: String| vec![Part::Lit(text)];
    if let (Ok(from), Ok(to)) = (from.parse::<i64>(), to.parse::<i64>()) {
        if from.abs_diff(to) > MAX_FIELDS as u64 {
            return Some(vec![lit(HOLE.to_string())]);
        }
        let (low, high) = (from.min(to), from.max(to));
        return Some((low..=high).map(|n| lit(n.to_string())).collect());
    }
    let mut ends = from.chars().chain(to.chars());
    match (ends.next(), ends.next(), ends.next()) {
        (Some(a), Some(b), None) if a.is_ascii() && b.is_ascii() => {
            Some((a.min(b)..=a.max(b)).map(|c| lit(c.to_string())).collect())
        }
        _ => None,
    }
}

fn trim_start(text: &str, pattern: &str, longest: bool) -> String {
    if text.len() > 4096 {
        return HOLE.to_string();
    }
    let mut cuts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let fits = |at: &usize| glob_match(pattern, text.get(..*at).unwrap_or(""));
    let cut = if longest {
        cuts.rfind(fits)
    } else {
        cuts.find(fits)
    };
    text.get(cut.unwrap_or(0)..).unwrap_or("").to_owned()
}

fn trim_end(text: &str, pattern: &str, longest: bool) -> String {
    if text.len() > 4096 {
        return HOLE.to_string();
    }
    let mut cuts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let fits = |at: &usize| glob_match(pattern, text.get(*at..).unwrap_or(""));
    let cut = if longest {
        cuts.find(fits)
    } else {
        cuts.rfind(fits)
    };
    text.get(..cut.unwrap_or(text.len()))
        .unwrap_or("")
        .to_owned()
}

fn replace(text: &str, spec: &str, all: bool) -> String {
    let (from, to) = spec.split_once('/').unwrap_or((spec, ""));
    if from.contains([STAR, QUESTION, BRACKET, HOLE]) {
        return HOLE.to_string();
    }
    match from.strip_prefix(['#', '%']) {
        _ if from.is_empty() => text.to_owned(),
        Some(anchored) if from.starts_with('#') => text
            .strip_prefix(anchored)
            .map_or_else(|| text.to_owned(), |rest| format!("{to}{rest}")),
        Some(anchored) => text
            .strip_suffix(anchored)
            .map_or_else(|| text.to_owned(), |rest| format!("{rest}{to}")),
        None if all => text.replace(from, to),
        None => text.replacen(from, to, 1),
    }
}

fn slice(text: &str, spec: &str) -> Option<String> {
    let (offset, length) = match spec.split_once(':') {
        Some((offset, length)) => (offset, Some(length.trim().parse::<usize>().ok()?)),
        None => (spec, None),
    };
    let offset: i64 = offset.trim().parse().ok()?;
    let count = text.chars().count();
    let start = if offset < 0 {
        count.saturating_sub(usize::try_from(-offset).ok()?)
    } else {
        usize::try_from(offset).ok()?
    };
    Some(
        text.chars()
            .skip(start)
            .take(length.unwrap_or(count))
            .collect(),
    )
}

fn change_case(text: &str, upper: bool, all: bool) -> String {
    text.chars()
        .enumerate()
        .map(|(at, c)| match (all || at == 0, upper) {
            (true, true) => c.to_ascii_uppercase(),
            (true, false) => c.to_ascii_lowercase(),
            (false, _) => c,
        })
        .collect()
}
