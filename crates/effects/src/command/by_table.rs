//! Judging by the tables: the row that matches, and the target it names.

use countersign_core::effect::Verb;

use super::args::Args;
use super::reading::{Danger, Scope};
use super::record::Found;
use super::shell_run::{Place, Shell};
use super::table::{self, Block, Row};
use crate::shell::has_hole;
use crate::target::{Target, resolve};

impl Shell<'_> {
    /// Judges a program the tables know; what it prints, or `None`.
    pub(super) fn judge_by_table(
        &mut self,
        name: &str,
        args: &[String],
        stdin: Option<&str>,
    ) -> Option<String> {
        let block = table::find(name)?;
        let parsed = Args::parse(args, &block.grammar());
        let matched = block.first_match(&parsed, &|name| self.variable(name));
        if let Some((row, used)) = matched
            && row.effect == "run"
        {
            self.note(row.reason);
            if let Some((place, sources)) = row.object.split_once(':') {
                return Some(self.run_given_text(block, &parsed, place, sources));
            }
            return Some(self.run_rest(name, row.object, args, used, stdin));
        }
        if asks_for_help(block, &parsed, args) {
            self.note("only prints help");
            return Some(self.output_of(name, args, stdin));
        }
        match matched {
            Some((row, _)) => self.judge_row(block, &parsed, row),
            None => self.judge_unlisted_verb(block, &parsed, name, args),
        }
        Some(self.output_of(name, args, stdin))
    }

    fn judge_row(&mut self, block: Block, parsed: &Args<'_>, row: Row) {
        if row.object == "tunnel" {
            let target = self.target_of(block, parsed);
            self.opens_tunnel(&target);
        }
        if let Some(spec) = row.object.strip_prefix("choose:") {
            self.choose(spec, parsed);
        }
        let Some((verb, danger)) = Self::effect_code(row.effect) else {
            self.note(row.reason);
            return;
        };
        let (kind, selector) = row.object.split_once('=').unwrap_or((row.object, "$*"));
        let object = select(selector, parsed);
        let kind = if kind.is_empty() { "object" } else { kind };
        if verb == Verb::Unknown {
            self.reading.unknowns.push(row.reason.to_owned());
        }
        let found = Found {
            verb,
            kind,
            object: &object,
            danger,
            reason: row.reason,
        };
        self.place_finding(block, parsed, &found);
    }

    /// A finding in the place the block says: machine, guard, or its target.
    pub(super) fn place_finding(&mut self, block: Block, parsed: &Args<'_>, found: &Found<'_>) {
        match block.directive("@scope") {
            Some("machine") => self.on_machine(found),
            Some("guard") => self.record(found, Scope::Guard, Target::machine()),
            _ => {
                let target = self.target_of(block, parsed);
                self.record(found, Scope::Service, target);
            }
        }
    }

    /// Where a program's command lands.
    pub(super) fn target_of(&self, block: Block, parsed: &Args<'_>) -> Target {
        if block.directive("@local").is_some() && self.place == Place::Here {
            return Target::machine();
        }
        let facets = self.facets(block, parsed);
        let target = self.past_tunnels(resolve(facets, self.context.targets()), false);
        match &self.place {
            // A client run inside a container or on a host lands no better than that place.
            Place::Elsewhere(outer)
                if target.basis <= outer.basis || outer.environment > target.environment =>
            {
                outer.clone()
            }
            _ => target,
        }
    }

    /// Notes that a port of this machine was joined to another host.
    pub(super) fn opens_tunnel(&mut self, target: &Target) {
        use countersign_core::effect::Environment;
        self.tunnelled = true;
        self.reading.tunnelled |= target.environment > Environment::Development;
    }

    /// An address of this machine leads elsewhere once a tunnel was opened.
    pub(super) fn past_tunnels(&self, target: Target, proxied: bool) -> Target {
        let local = target.environment == countersign_core::effect::Environment::Local
            && target.basis == crate::target::Basis::Address;
        if local && (self.tunnelled || proxied) {
            return Target {
                facets: target.facets,
                ..Target::unknown()
            };
        }
        target
    }

    /// The names a command gives its target by.
    pub(super) fn facets(&self, block: Block, parsed: &Args<'_>) -> Vec<(String, String)> {
        let mut facets: Vec<(String, String)> = Vec::new();
        for row in block.directives("@target") {
            let found = row
                .object
                .split_ascii_whitespace()
                .find_map(|source| self.facet_source(source, row.effect, parsed));
            if let Some(value) = found
                && !value.is_empty()
            {
                let value = self.without_home(&value);
                facets.push((row.effect.to_owned(), value));
            }
        }
        for row in block.directives("@target-file") {
            if facets.iter().any(|(facet, _)| facet == row.effect) {
                continue;
            }
            if let Some(value) = self.facet_file(row.object, parsed) {
                facets.push((row.effect.to_owned(), value));
            }
        }
        facets
    }

    fn facet_source(&self, source: &str, facet: &str, parsed: &Args<'_>) -> Option<String> {
        if let Some(name) = source.strip_prefix('$') {
            return self.variable(name);
        }
        if let Some(index) = source.strip_prefix('#') {
            return parsed
                .positional(index.parse::<usize>().ok()?.checked_sub(1)?)
                .map(str::to_owned);
        }
        if let Some(glob) = source.strip_prefix('%') {
            return parsed
                .positionals
                .iter()
                .map(|(_, t)| *t)
                .find(|t| crate::shell::glob_match(glob, t))
                .map(str::to_owned);
        }
        match source {
            "@chosen" => self.chosen.get(facet).cloned(),
            "@cwd" => self.directory_name(),
            _ => parsed.value(&[source]).map(str::to_owned),
        }
    }

    /// The working directory below the project root, or as it is.
    fn directory_name(&self) -> Option<String> {
        let cwd = self.cwd.as_deref()?;
        let root = self.context.project_root()?;
        cwd.strip_prefix(root)
            .map(|rest| rest.trim_start_matches('/').to_owned())
    }

    /// A path's own words, not those of the home directory above it.
    fn without_home(&self, value: &str) -> String {
        let roots = [self.context.project_root(), self.context.home()];
        roots
            .into_iter()
            .flatten()
            .find_map(|root| {
                value
                    .strip_prefix(root)
                    .filter(|rest| rest.starts_with('/'))
            })
            .unwrap_or(value)
            .to_owned()
    }

    /// A name kept in a file: `path`, or `path key:`.
    fn facet_file(&self, spec: &str, parsed: &Args<'_>) -> Option<String> {
        let (path, key) = spec.split_once(' ').unwrap_or((spec, ""));
        let path = match path.strip_prefix("$KUBECONFIG|") {
            Some(other) => parsed
                .value(&["--kubeconfig"])
                .map(str::to_owned)
                .or_else(|| self.variable("KUBECONFIG"))
                .unwrap_or_else(|| other.to_owned()),
            None => match parsed.value(&["-chdir"]) {
                Some(dir) => format!("{dir}/{path}"),
                None => path.to_owned(),
            },
        };
        let text = self.file_text(&path)?;
        if key.is_empty() {
            return text.lines().next().map(|line| line.trim().to_owned());
        }
        text.lines()
            .find_map(|line| line.trim().strip_prefix(key))
            .map(|value| {
                value
                    .trim_start_matches([' ', '=', ':'])
                    .trim()
                    .trim_matches(['"', '\''])
                    .to_owned()
            })
    }

    /// Remembers a target chosen for the commands that follow.
    fn choose(&mut self, spec: &str, parsed: &Args<'_>) {
        const CHOICES: &[&str] = &[
            "kube-context",
            "workspace",
            "gcp-project",
            "azure-subscription",
            "docker-context",
            "stack",
            "environment",
            "app",
        ];
        let Some((facet, selector)) = spec.split_once('=') else {
            return;
        };
        if let Some(facet) = CHOICES.iter().find(|f| **f == facet) {
            let value = select(selector, parsed);
            self.chosen.insert(facet, value);
        }
    }

    /// A known program with a subcommand no row knows.
    fn judge_unlisted_verb(
        &mut self,
        block: Block,
        parsed: &Args<'_>,
        name: &str,
        args: &[String],
    ) {
        if block.directive("@closed").is_some() {
            return;
        }
        self.judge_carried(args, true);
        // What a service's client stops or resets, others notice.
        let service = block.directive("@scope").is_none() && block.directive("@local").is_none();
        let verb = parsed
            .positionals
            .iter()
            .take(3)
            .map(|(_, t)| *t)
            .take_while(|t| !super::vocabulary::only_names_follow(t))
            .find(|t| {
                has_hole(t)
                    || (!t.contains(['/', '.', ' '])
                        && (super::vocabulary::is_strong_verb(t)
                            || (service && super::vocabulary::is_service_verb(t))))
            })
            .or_else(|| {
                args.iter()
                    .map(String::as_str)
                    .find(|a| super::vocabulary::is_destroying_option(a))
            });
        if let Some(verb) = verb {
            let object = format!("{name} {verb}");
            let found = Found {
                verb: Verb::Unknown,
                kind: "command",
                object: &object,
                danger: Danger::UnknownCouldDestroy,
                reason: "a subcommand no table knows is told to destroy something",
            };
            self.place_finding(block, parsed, &found);
        }
    }
}

/// The arguments a selector names: `$2`, `--opt`, `$*`.
fn select(selector: &str, parsed: &Args<'_>) -> String {
    if selector == "$*" {
        let words: Vec<&str> = parsed.positionals.iter().map(|(_, t)| *t).collect();
        return words.join(" ");
    }
    if let Some(index) = selector
        .strip_prefix('$')
        .and_then(|i| i.parse::<usize>().ok())
    {
        return parsed
            .positional(index.saturating_sub(1))
            .unwrap_or("")
            .to_owned();
    }
    parsed.value(&[selector]).unwrap_or("").to_owned()
}

fn asks_for_help(block: Block, parsed: &Args<'_>, args: &[String]) -> bool {
    let takes_h = block
        .directive("@values")
        .is_some_and(|v| v.split(' ').any(|o| o == "-h"))
        || block.directive("@no-h").is_some();
    parsed.is_on(&["--help"])
        || (parsed.positionals.is_empty() && parsed.has(&["--version"]))
        || (!takes_h && parsed.is_on(&["-h", "-help"]))
        || parsed.positional(0) == Some("help")
        || (block.directive("@help-last").is_some() && args.last().is_some_and(|a| a == "help"))
}
