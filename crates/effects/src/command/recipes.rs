//! Task runners: the recipe of the task they are told to run, where its text
//! is at hand; otherwise the task's name decides.
//!
//! Sources: just.systems/man, taskfile.dev, getcomposer.org/doc, go.dev/ref/mod.

use serde_json::Value;

use super::args::{Args, Grammar};
use super::shell_run::Shell;

/// Tasks that need each other are each followed once, up to this many.
const MAX_TASKS: usize = 200;

/// Whether a task is followed for the first time.
pub(super) fn first_time(task: &str, seen: &mut Vec<String>) -> bool {
    let first = seen.len() < MAX_TASKS && seen.iter().all(|t| t != task);
    if first {
        seen.push(task.to_owned());
    }
    first
}

impl Shell<'_> {
    /// `just TASK` and `task TASK`.
    pub(super) fn judge_recipe(&mut self, name: &str, args: &[String]) {
        let just = name == "just";
        let parsed = Args::parse(
            args,
            &Grammar {
                values: if just {
                    "-f --justfile -d --working-directory --set --shell"
                } else {
                    "-t --taskfile -d --dir -o -C"
                },
                ..Grammar::default()
            },
        );
        if parsed.has(&[
            "-n",
            "--dry-run",
            "--dry",
            "-l",
            "--list",
            "--summary",
            "--show",
            "-s",
        ]) {
            return;
        }
        let given = if just {
            parsed.value(&["-f", "--justfile"])
        } else {
            parsed.value(&["-t", "--taskfile"])
        };
        let names: &[&str] = if just {
            &["justfile", "Justfile", ".justfile"]
        } else {
            &["Taskfile.yml", "Taskfile.yaml", "taskfile.yml"]
        };
        let text = match given {
            Some(path) => self.file_text(path),
            None => names.iter().find_map(|name| self.file_text(name)),
        };
        let Some(text) = text else {
            self.judge_named_task(args);
            return;
        };
        let tasks: Vec<&str> = parsed.positionals.iter().map(|(_, t)| *t).take(8).collect();
        let tasks = if tasks.is_empty() {
            vec!["default"]
        } else {
            tasks
        };
        // Words behind a task of `just` may be its arguments or more tasks.
        let mut seen = Vec::new();
        let mut lines = Vec::new();
        for task in tasks {
            lines.extend(if just {
                just_lines(&text, task, &mut seen)
            } else {
                task_lines(&text, task, &mut seen)
            });
        }
        if lines.is_empty() {
            self.judge_named_task(args);
            return;
        }
        self.in_subshell(|shell| {
            for line in lines {
                shell.run_code(&line, None);
            }
            String::new()
        });
    }

    /// `composer run SCRIPT`, with the text from `composer.json`.
    pub(super) fn judge_composer_script(&mut self, args: &[String]) -> bool {
        let parsed = Args::parse(args, &Grammar::default());
        let script = match (parsed.positional(0), parsed.positional(1)) {
            (Some("run" | "run-script"), Some(script)) => script,
            (Some(first), _) => first,
            _ => return false,
        };
        let Some(text) = self.file_text("composer.json") else {
            if matches!(parsed.positional(0), Some("run" | "run-script")) {
                self.judge_named_task(&[script.to_owned()]);
            }
            return false;
        };
        let json: Value = serde_json::from_str(&text).unwrap_or_default();
        let lines: Vec<String> = match json.pointer("/scripts").and_then(|s| s.get(script)) {
            Some(Value::String(line)) => vec![line.clone()],
            Some(Value::Array(lines)) => lines
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            _ => return false,
        };
        for line in lines {
            // `@php x` runs PHP, `@name` another script.
            let line = match (line.strip_prefix("@php "), line.strip_prefix('@')) {
                (Some(rest), _) => format!("php {rest}"),
                (None, Some(script)) => format!("composer run {script}"),
                (None, None) => line,
            };
            self.in_subshell(|shell| shell.run_code(&line, None));
        }
        true
    }

    /// `go run PACKAGE`, where its main file is at hand.
    pub(super) fn judge_go_run(&mut self, args: &[String]) {
        let Some(path) = args.iter().skip(1).find(|a| !a.starts_with('-')) else {
            return;
        };
        let text = if path.ends_with(".go") {
            self.file_text(path)
        } else {
            self.file_text(&format!("{}/main.go", path.trim_end_matches('/')))
        };
        match text {
            Some(text) => self.judge_code("go", &text),
            None => self.judge_named_task(&[super::dispatch::program_name(path).to_owned()]),
        }
    }
}

/// The commands of a recipe and of those it depends on, first those.
fn just_lines(text: &str, task: &str, seen: &mut Vec<String>) -> Vec<String> {
    let mut out = Vec::new();
    if !first_time(task, seen) {
        return out;
    }
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let head = line.trim_start_matches('@');
        let Some((names, needs)) = head
            .split_once(':')
            .filter(|(_, rest)| !rest.starts_with('='))
        else {
            continue;
        };
        if line.starts_with([' ', '\t']) || names.split_ascii_whitespace().next() != Some(task) {
            continue;
        }
        for need in needs.split_ascii_whitespace().filter(|n| *n != "&&") {
            out.extend(just_lines(text, need.trim_matches(['(', ')']), seen));
        }
        out.extend(
            lines
                .by_ref()
                .take_while(|l| l.starts_with([' ', '\t']) || l.trim().is_empty())
                .map(|l| l.trim_start().trim_start_matches(['@', '-']).to_owned())
                .filter(|l| !l.is_empty()),
        );
        break;
    }
    out
}

/// The commands of a task of a Taskfile, by its indentation.
fn task_lines(text: &str, task: &str, seen: &mut Vec<String>) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let key = format!("{task}:");
    let mut out = Vec::new();
    if !first_time(task, seen) {
        return out;
    }
    let mut lines = text
        .lines()
        .skip_while(|l| l.trim_end() != "tasks:")
        .skip(1);
    let Some(start) = lines
        .by_ref()
        .find(|l| l.trim() == key || l.trim().starts_with(&format!("{key} ")))
    else {
        return out;
    };
    if let Some((_, rest)) = start.split_once(&format!("{key} ")) {
        out.push(rest.trim().trim_matches(['"', '\'']).to_owned());
    }
    for line in lines.take_while(|l| l.trim().is_empty() || indent(l) > indent(start)) {
        let item = line.trim().trim_start_matches("- ");
        let item = item.strip_prefix("cmd: ").unwrap_or(item);
        let needed = item.strip_prefix("task: ").map(str::trim);
        match needed {
            Some(other) => out.extend(task_lines(text, other, seen)),
            _ if line.trim().starts_with("- ") || line.trim().starts_with("cmd: ") => {
                out.push(item.trim_matches(['"', '\'']).to_owned());
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{just_lines, task_lines};

    #[test]
    fn recipes_are_found_with_what_they_need() {
        let just = "set shell := [\"sh\"]\nx := 'y'\nall: clean\n  echo all\n\nclean:\n  rm -rf dist\n  @echo ok\n";
        assert_eq!(
            just_lines(just, "all", &mut Vec::new()),
            ["rm -rf dist", "echo ok", "echo all"]
        );
        let task =
            "version: '3'\ntasks:\n  a:\n    cmds:\n      - task: b\n      - echo a\n  b: echo b\n";
        assert_eq!(task_lines(task, "a", &mut Vec::new()), ["echo b", "echo a"]);
        let circle = "tasks:\n  a:\n    cmds:\n      - task: a\n";
        assert!(task_lines(circle, "a", &mut Vec::new()).len() < 20);
    }
}
