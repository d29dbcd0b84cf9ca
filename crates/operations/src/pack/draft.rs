//! A draft of a temporary policy pack, as text for `policy.toml`: nobody's policy
//! is edited behind their back.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::Serialize;

use crate::trend::{decimal, thousands};

/// A service that a pack may apply to, with what speaks for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// Its id.
    pub service: String,
    /// Its tier, 0 highest.
    pub tier: u8,
    /// Incidents of Sev2 or worse in the time looked at.
    pub grave: u64,
    /// All incidents.
    pub incidents: u64,
    /// Changes shipped.
    pub changes: u64,
    /// Weeks looked at.
    pub weeks: i32,
    /// Globs of the code that becomes it.
    pub paths: Vec<String>,
}

impl Candidate {
    /// Why it is on the list, in one line.
    #[must_use]
    pub fn reason(&self) -> String {
        let rate = if self.changes > 0 {
            let rate = 1000.0 * self.incidents as f64 / self.changes as f64;
            format!(" ({} per 1,000)", decimal(rate))
        } else {
            String::new()
        };
        format!(
            "tier {}; {} incidents, {} of Sev2 or worse, over {} changes{rate} in {} weeks",
            self.tier,
            self.incidents,
            self.grave,
            thousands(i64::try_from(self.changes).unwrap_or(i64::MAX)),
            self.weeks
        )
    }
}

/// A pack to be put into a policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Draft {
    /// Its id.
    pub id: String,
    /// Who answers for it.
    pub owner: String,
    /// The first day in force.
    pub from: Date,
    /// The first day no longer in force.
    pub until: Date,
    /// Why it is needed.
    pub why: String,
    /// What ends it.
    pub exit: String,
    /// Sign-offs that it asks for, of different people.
    pub signoffs: u32,
    /// The services it applies to, the most important first.
    pub services: Vec<Candidate>,
}

impl Draft {
    /// The text for `policy.toml`.
    #[must_use]
    pub fn toml(&self) -> String {
        let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut out =
            String::from("# Add this to `.countersign/policy.toml`. It ends by itself.\n");
        out.push_str("# On the list, and why:\n");
        for it in &self.services {
            out.push_str(&format!("#   {}: {}\n", it.service, it.reason()));
        }
        out.push_str(&format!(
            "[[pack]]\nid = {}\nowner = {}\nfrom = {}\nuntil = {}\nexit = {}\n",
            text(&self.id),
            text(&self.owner),
            text(&self.from.to_string()),
            text(&self.until.to_string()),
            text(&self.exit)
        ));
        out.push_str(&format!(
            "\n[[pack.rule]]\nid = {}\nwhy = {}\nwhen = {{ {} }}\n",
            text(&self.id),
            text(&self.why),
            self.when()
        ));
        let distinct = if self.signoffs > 1 {
            ", distinct = true"
        } else {
            ""
        };
        out.push_str(&format!(
            "require = [{{ signoffs = {}, independent = true{distinct} }}]\n",
            self.signoffs
        ));
        out
    }

    /// Exactly the listed services where every one has code of its own; else
    /// everything of their tiers, so that none is left out.
    fn when(&self) -> String {
        let tier = self.services.iter().map(|it| it.tier).max().unwrap_or(0);
        if self.services.is_empty() || self.services.iter().any(|it| it.paths.is_empty()) {
            return format!("tier = {{ at_most = {tier} }}");
        }
        let paths: BTreeSet<&str> = self
            .services
            .iter()
            .flat_map(|it| it.paths.iter().map(String::as_str))
            .collect();
        let paths = paths
            .into_iter()
            .map(|path| toml::Value::String(path.to_owned()).to_string());
        format!("paths = [{}]", paths.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use countersign_core::policy;
    use countersign_core::roster::Levels;

    use super::*;

    fn draft(paths: &[&str]) -> Draft {
        Draft {
            id: "ninety-day-reset".into(),
            owner: "grace".into(),
            from: "2026-03-10".parse().unwrap(),
            until: "2026-06-08".parse().unwrap(),
            why: "four Sev1 in one \"week\"\nof March".into(),
            exit: "sev2-per-1000-changes at most 1.5 over 8 weeks".into(),
            signoffs: 2,
            services: vec![Candidate {
                service: "checkout".into(),
                tier: 1,
                grave: 4,
                incidents: 9,
                changes: 3000,
                weeks: 13,
                paths: paths.iter().map(|it| (*it).to_owned()).collect(),
            }],
        }
    }

    #[test]
    fn what_is_drafted_is_a_policy() {
        for paths in [&[][..], &["services/checkout/**"]] {
            let text = draft(paths).toml();
            let policy =
                policy::parse(&format!("version = 1\n{text}"), "draft", &Levels::default());
            let policy = policy.unwrap();
            assert_eq!(policy.packs[0].id, "ninety-day-reset");
            assert_eq!(policy.packs[0].exit, draft(paths).exit);
            assert_eq!(policy.rules.len(), 1);
        }
    }

    #[test]
    fn each_service_has_its_reason() {
        let text = draft(&[]).toml();
        let reason = "checkout: tier 1; 9 incidents, 4 of Sev2 or worse, over 3,000 changes (3.00 per 1,000) in 13 weeks";
        assert!(text.contains(reason), "{text}");
        assert!(text.contains("tier = { at_most = 1 }"));
    }
}
