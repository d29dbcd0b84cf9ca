//! `find` and `fd`: what they select and what they do to it.

use countersign_core::effect::Verb;

use super::paths::Spot;
use super::shell_run::{Place, Shell};
use crate::shell::show;

impl Shell<'_> {
    pub(super) fn judge_find(&mut self, name: &str, args: &[String], stdin: Option<&str>) {
        let starts: Vec<&str> = match name {
            "fd" | "fdfind" => vec!["."],
            _ => {
                let list: Vec<&str> = args
                    .iter()
                    .map(String::as_str)
                    .skip_while(|a| matches!(*a, "-H" | "-L" | "-P"))
                    .take_while(|a| !a.starts_with(['-', '(', '!']))
                    .collect();
                if list.is_empty() { vec!["."] } else { list }
            }
        };
        let names: Vec<String> = args
            .iter()
            .enumerate()
            .filter(|(at, flag)| {
                let named = matches!(
                    flag.as_str(),
                    "-name" | "-iname" | "-path" | "-ipath" | "-wholename"
                );
                // A negated name only takes away from what is selected.
                let before = at.checked_sub(1).and_then(|at| args.get(at));
                // What is pruned is left out, unless something is done to it at once.
                let pruned = args.get(at + 2).is_some_and(|a| a == "-prune")
                    && args
                        .get(at + 3)
                        .is_some_and(|a| matches!(a.as_str(), "-o" | "-or"));
                named && !pruned && !before.is_some_and(|b| matches!(b.as_str(), "!" | "-not"))
            })
            .filter_map(|(at, _)| args.get(at + 1))
            .map(|value| show(value))
            .collect();
        let selected: Vec<String> = starts
            .iter()
            .flat_map(|start| {
                let start = start.trim_end_matches('/');
                if names.is_empty() {
                    vec![format!("{start}/{}", crate::shell::STAR)]
                } else {
                    let star = crate::shell::STAR.to_string();
                    names
                        .iter()
                        .map(|n| format!("{start}/{}", n.replace('*', &star)))
                        .collect()
                }
            })
            .collect();
        if args.iter().any(|a| a == "-delete") {
            for path in &selected {
                self.judge_selected(path);
            }
        }
        for (at, flag) in args.iter().enumerate() {
            if matches!(
                flag.as_str(),
                "-exec" | "-execdir" | "-ok" | "-okdir" | "-x" | "-X" | "--exec" | "--exec-batch"
            ) {
                self.run_found(args.get(at + 1..).unwrap_or(&[]), &selected, stdin);
            }
            if matches!(flag.as_str(), "-fprint" | "-fls" | "-fprintf")
                && let Some(path) = args.get(at + 1)
            {
                self.judge_write(path, true);
            }
        }
        self.found = selected;
    }

    /// Everything `find` selects is deleted.
    fn judge_selected(&mut self, path: &str) {
        if self.place == Place::Throwaway {
            return;
        }
        match self.spot(path) {
            Spot::Throwaway | Spot::Stream => self.note("can be made again"),
            Spot::Guard => self.hits_guard(Verb::Delete, path, "deletes what guards this machine"),
            Spot::Unknown => self.unknown("deletes files nobody can name", path),
            _ => self.destroys(Verb::Delete, "files", path, "deletes every file it finds"),
        }
    }

    fn run_found(&mut self, rest: &[String], selected: &[String], stdin: Option<&str>) {
        let end = rest
            .iter()
            .position(|a| a == ";" || a == "+")
            .unwrap_or(rest.len());
        let command = rest.get(..end).unwrap_or(&[]);
        for path in selected.iter().take(16) {
            let mut argv: Vec<String> = command.iter().map(|a| a.replace("{}", path)).collect();
            if !command.iter().any(|a| a.contains("{}")) {
                argv.push(path.clone());
            }
            let deletes = argv.first().is_some_and(|p| {
                matches!(
                    super::dispatch::program_name(p),
                    "rm" | "unlink" | "shred" | "srm"
                )
            });
            if deletes {
                self.open_node(&argv);
                self.judge_selected(path);
                self.close_node();
            } else {
                self.run_argv(&argv, stdin);
            }
        }
    }
}
