//! `usage.toml`, read.

use jiff::Timestamp;
use serde::Deserialize;
use toml::Spanned;

use super::{Activity, Cap, Graduation, Maturity, Mode, Usage, Usages};
use crate::effect::Environment;
use crate::moment;
use crate::problem::{Problem, Source};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    version: Spanned<u32>,
    #[serde(default)]
    maturity: RawMaturities,
    #[serde(default)]
    graduation: RawGraduation,
    #[serde(default)]
    usage: Vec<Spanned<RawUsage>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMaturities {
    #[serde(default)]
    trial: RawMaturity,
    #[serde(default)]
    established: RawMaturity,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMaturity {
    #[serde(default)]
    safeguards: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGraduation {
    changes: Option<u64>,
    incidents_per_1000: Option<Spanned<f64>>,
    age: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUsage {
    id: String,
    tool: Option<String>,
    model_family: Option<String>,
    mode: Option<Mode>,
    activity: Option<Activity>,
    environment: Option<Environment>,
    maturity: Maturity,
    owner: Option<String>,
    #[serde(default)]
    safeguards: Vec<String>,
    #[serde(default)]
    in_place: Vec<String>,
    weekly_changes: Option<u64>,
    weekly_percent: Option<Spanned<u8>>,
    incidents_per_1000: Option<Spanned<f64>>,
    reviewed: Option<Spanned<String>>,
    expires: Option<Spanned<String>>,
}

/// Collects what is wrong while reading.
struct Reader<'a> {
    source: Source<'a>,
    problems: Vec<Problem>,
}

impl Usages {
    /// Reads `usage.toml`.
    ///
    /// # Errors
    /// Every problem found, placed in the file.
    pub fn parse(text: &str, file: &str) -> Result<Self, Vec<Problem>> {
        let source = Source { file, text };
        let raw: RawFile = source.toml().map_err(|problem| vec![problem])?;
        let mut reader = Reader {
            source,
            problems: Vec::new(),
        };
        if *raw.version.get_ref() != 1 {
            let message = format!("version {} is not known", raw.version.get_ref());
            let problem = reader.source.at(raw.version.span(), message);
            reader
                .problems
                .push(problem.hint("this program reads version 1"));
        }
        let mut usages: Vec<Usage> = Vec::new();
        for spanned in raw.usage {
            let span = spanned.span();
            let raw = spanned.into_inner();
            if usages.iter().any(|usage| usage.id == raw.id) {
                let message = format!("two entries have the id `{}`", raw.id);
                reader.problems.push(reader.source.at(span, message));
            }
            usages.push(reader.usage(raw));
        }
        let graduation = reader.graduation(raw.graduation);
        if !reader.problems.is_empty() {
            return Err(reader.problems);
        }
        Ok(Self {
            entries: usages,
            required: vec![
                (Maturity::Trial, raw.maturity.trial.safeguards),
                (Maturity::Established, raw.maturity.established.safeguards),
            ],
            graduation,
        })
    }
}

impl Reader<'_> {
    fn usage(&mut self, raw: RawUsage) -> Usage {
        Usage {
            cap: Cap {
                changes: raw.weekly_changes,
                percent: raw.weekly_percent.and_then(|at| self.percent(&at)),
            },
            reviewed: raw.reviewed.and_then(|at| self.moment(&at)),
            expires: raw.expires.and_then(|at| self.moment(&at)),
            incidents_per_million: raw.incidents_per_1000.and_then(|at| self.rate(&at)),
            id: raw.id,
            tool: raw.tool,
            model_family: raw.model_family,
            mode: raw.mode.filter(|mode| *mode != Mode::Unknown),
            activity: raw.activity,
            environment: raw.environment,
            maturity: raw.maturity,
            owner: raw.owner,
            safeguards: raw.safeguards,
            in_place: raw.in_place,
        }
    }

    fn graduation(&mut self, raw: RawGraduation) -> Graduation {
        let usual = Graduation::default();
        let per_million = raw.incidents_per_1000.and_then(|at| self.rate(&at));
        let age = raw.age.and_then(|at| {
            let found = moment::parse_duration(at.get_ref());
            self.or_problem(&at, found, moment::DURATION_HINT)
        });
        Graduation {
            changes: raw.changes.unwrap_or(usual.changes),
            incidents_per_million: per_million.unwrap_or(usual.incidents_per_million),
            age: age.unwrap_or(usual.age),
        }
    }

    fn or_problem<T, U>(
        &mut self,
        at: &Spanned<T>,
        found: Result<U, String>,
        hint: &str,
    ) -> Option<U> {
        found
            .map_err(|message| {
                let problem = self.source.at(at.span(), message);
                self.problems.push(problem.hint(hint));
            })
            .ok()
    }

    fn moment(&mut self, at: &Spanned<String>) -> Option<Timestamp> {
        self.or_problem(at, moment::parse_utc(at.get_ref()), moment::HINT)
    }

    fn percent(&mut self, at: &Spanned<u8>) -> Option<u8> {
        let percent = *at.get_ref();
        let found = match percent {
            1..=100 => Ok(percent),
            _ => Err(format!("{percent} is not a share in percent")),
        };
        self.or_problem(at, found, "write a whole number from 1 to 100")
    }

    /// Per thousand as people write it, per million as it is kept.
    fn rate(&mut self, at: &Spanned<f64>) -> Option<u64> {
        let rate = *at.get_ref();
        let found = if (0.001..=1000.0).contains(&rate) {
            Ok((rate * 1000.0).round() as u64)
        } else {
            Err(format!(
                "{rate} is not a number of incidents per 1,000 changes"
            ))
        };
        self.or_problem(at, found, "write a number from 0.001 to 1000")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_can_be_said() {
        let usages = Usages::parse(
            r#"version = 1
[maturity.trial]
safeguards = ["sign-off"]
[maturity.established]
safeguards = ["sign-off", "canary"]
[graduation]
changes = 50
incidents_per_1000 = 2.5
age = "2w"
[[usage]]
id = "a"
tool = "claude-code"
model_family = "claude-opus"
mode = "agent-interactive"
activity = "data"
environment = "staging"
maturity = "trial"
owner = "ada"
safeguards = ["dump first"]
in_place = ["sign-off"]
weekly_changes = 7
weekly_percent = 20
incidents_per_1000 = 1
reviewed = "2026-01-01"
expires = "2027-01-01"
"#,
            "usage.toml",
        )
        .unwrap();
        let [usage] = usages.entries() else { panic!() };
        assert_eq!(usage.mode, Some(Mode::AgentInteractive));
        assert_eq!((usage.cap.changes, usage.cap.percent), (Some(7), Some(20)));
        assert_eq!(usage.incidents_per_million, Some(1_000));
        assert_eq!(usages.graduation().incidents_per_million, 2_500);
        assert_eq!(usages.graduation().age.as_hours(), 14 * 24);
        assert_eq!(usages.missing(usage, Maturity::Trial), ["dump first"]);
        assert_eq!(
            usages.missing(usage, Maturity::Established),
            ["canary", "dump first"]
        );
    }

    /// The fields of each table are those that a wrong one is told.
    #[test]
    fn the_reference_names_every_field_and_its_example_is_valid() {
        let page = include_str!("../../../../docs/reference/usage.md");
        let example: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("    "))
            .collect();
        let usages = Usages::parse(&example.join("\n"), "usage.toml").unwrap();
        assert_eq!(usages.entries().len(), 1);
        for table in ["[[usage]]", "[graduation]", "[maturity.trial]"] {
            let text = format!("version = 1\n{table}\nwrong = 1\n");
            let said = Usages::parse(&text, "usage.toml").unwrap_err()[0].to_string();
            let names: Vec<&str> = said.split('`').skip(3).step_by(2).collect();
            assert!(!names.is_empty(), "{said}");
            for name in names {
                assert!(page.contains(&format!("| `{name}` |")), "{name}");
            }
        }
    }

    #[test]
    fn wrong_values_are_placed() {
        let entry = "version = 1\n[[usage]]\nid = \"a\"\nmaturity = \"trial\"\n";
        for (line, wanted) in [
            ("weekly_percent = 0", "5:18: 0 is not a share in percent"),
            ("incidents_per_1000 = -1.0", "5:22: -1 is not a number of"),
            ("incidents_per_1000 = nan", "5:22: NaN is not a number of"),
            ("reviewed = \"soon\"", "5:12: "),
            ("mode = \"alone\"", "5:8: unknown variant `alone`"),
        ] {
            let text = format!("{entry}{line}\n");
            let problems = Usages::parse(&text, "usage.toml").unwrap_err();
            let said = problems[0].to_string();
            assert!(said.starts_with(&format!("usage.toml:{wanted}")), "{said}");
        }
    }
}
