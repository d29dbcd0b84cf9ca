//! The table of CloudFormation replacement rules,
//! `crates/effects/data/cfn-replacement.tsv`.
//!
//! How to renew it:
//!
//! ```text
//! npm pack @aws-cdk/aws-service-spec && tar xzf aws-cdk-aws-service-spec-*.tgz
//! cargo xtask cfn-spec package/db.json.gz
//! ```
//!
//! The source (Apache-2.0, Amazon Web Services) has documentation, regions, metrics
//! and more; kept are, per type, the properties whose change replaces the
//! resource (`causesReplacement: yes`), those where it depends (`maybe`), and
//! whether CDK calls the type stateful. Properties inside others are written
//! with dots; below one that replaces anyway, nothing is listed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

const TARGET: &str = "crates/effects/data/cfn-replacement.tsv";

/// More than this is a sign that the source has changed its shape.
const MOST_BYTES: usize = 400_000;

pub(crate) fn run(source: &Path) -> Result<()> {
    let packed = fs::read(source).with_context(|| format!("cannot read `{}`", source.display()))?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .context("not a gzip file")?;
    let database: Value = serde_json::from_str(&text).context("not JSON")?;
    let table = table(&database)?;
    ensure!(
        table.len() < MOST_BYTES,
        "the table has {} bytes",
        table.len()
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("no parent folder")?;
    fs::write(root.join(TARGET), &table)?;
    println!(
        "{TARGET}: {} types, {} bytes",
        table.lines().count(),
        table.len()
    );
    Ok(())
}

/// Property types by the identifier the database gives them.
type Types<'a> = BTreeMap<&'a str, &'a Value>;

fn table(database: &Value) -> Result<String> {
    let entities = |name: &str| {
        database
            .pointer(&format!("/schema/{name}/entities"))
            .and_then(Value::as_array)
            .with_context(|| format!("no `schema.{name}.entities` in the database"))
    };
    let types: Types<'_> = entities("typeDefinition")?
        .iter()
        .filter_map(|t| Some((t.get("$id")?.as_str()?, t)))
        .collect();
    let mut lines = BTreeMap::new();
    for resource in entities("resource")? {
        let name = resource
            .get("cloudFormationType")
            .and_then(Value::as_str)
            .context("a resource without `cloudFormationType`")?;
        let mut rules = Rules::default();
        rules.walk(resource, "", &types, &mut Vec::new());
        let stateful = resource.get("isStateful").and_then(Value::as_bool) == Some(true);
        lines.insert(name, rules.line(name, stateful));
    }
    Ok(lines.into_values().collect())
}

#[derive(Default)]
struct Rules {
    yes: BTreeSet<String>,
    maybe: BTreeSet<String>,
}

impl Rules {
    fn walk<'a>(
        &mut self,
        owner: &'a Value,
        prefix: &str,
        types: &Types<'a>,
        above: &mut Vec<&'a str>,
    ) {
        let Some(properties) = owner.get("properties").and_then(Value::as_object) else {
            return;
        };
        for (name, property) in properties {
            let path = format!("{prefix}{name}");
            match property.get("causesReplacement").and_then(Value::as_str) {
                Some("yes") => {
                    self.yes.insert(path);
                    continue;
                }
                Some("maybe") => {
                    self.maybe.insert(path.clone());
                }
                _ => {}
            }
            let mut used = BTreeSet::new();
            references(property.get("type"), &mut used);
            for id in used {
                let Some(inner) = types.get(id).filter(|_| !above.contains(&id)) else {
                    continue;
                };
                above.push(id);
                self.walk(inner, &format!("{path}."), types, above);
                above.pop();
            }
        }
    }

    fn line(&self, name: &str, stateful: bool) -> String {
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(",");
        let mut line = String::new();
        let mark = if stateful { "stateful" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            line,
            "{name}\t{mark}\t{}\t{}",
            list(&self.yes),
            list(&self.maybe)
        );
        line
    }
}

/// The property types a type is made of, through arrays, maps and unions.
fn references<'a>(of: Option<&'a Value>, found: &mut BTreeSet<&'a str>) {
    let Some(of) = of else { return };
    if let Some(id) = of.pointer("/reference/$ref").and_then(Value::as_str) {
        found.insert(id);
    }
    references(of.get("element"), found);
    for part in of
        .get("types")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        references(Some(part), found);
    }
}
