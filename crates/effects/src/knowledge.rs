//! Which objects keep state, what keeps it safe, and which are backups.
//!
//! The facts are data: `data/state.tsv`, one row per kind with its source. This
//! module looks a kind up and judges the attributes of one object by its rules.

use countersign_core::effect::StateLoss;

use crate::document::Value;

static TABLE: &str = include_str!("../data/state.tsv");

/// Providers whose kinds the table covers: a kind of theirs that is not in it,
/// and whose name does not sound like state, keeps none.
const COVERED: [&str; 12] = [
    "aws_",
    "google_",
    "azurerm_",
    "kubernetes_",
    "null_",
    "random_",
    "time_",
    "local_",
    "tls_",
    "aws:",
    "gcp:",
    "AWS::",
];

/// Words in the name of a kind that sound like state.
const STATEFUL_WORDS: [&str; 30] = [
    "database",
    "db",
    "bucket",
    "volume",
    "disk",
    "table",
    "storage",
    "filesystem",
    "vault",
    "secret",
    "queue",
    "stream",
    "repository",
    "registry",
    "cache",
    "index",
    "dataset",
    "datastore",
    "keyspace",
    "ledger",
    "archive",
    "warehouse",
    "snapshot",
    "backup",
    "collection",
    "tablespace",
    "graph",
    "lake",
    "cluster",
    "userpool",
];

/// Words after which a kind only describes or configures the state of another.
const ABOUT_WORDS: [&str; 30] = [
    "policy",
    "group",
    "parameter",
    "subnet",
    "attachment",
    "association",
    "acl",
    "grant",
    "role",
    "notification",
    "permission",
    "rule",
    "configuration",
    "user",
    "endpoint",
    "option",
    "encryption",
    "logging",
    "cors",
    "website",
    "ownership",
    "block",
    "metric",
    "inventory",
    "alias",
    "target",
    "proxy",
    "binding",
    "member",
    "subscription",
];

/// Rules for kinds that are not in the table: names that mean the same at every
/// provider.
const COMMON_RULES: &str = "guard:deletion_protection;guard:deletion_protection_enabled;\
guard:termination_protection;guard:delete_protection;guard:prevent_destroy;\
leaves:!skip_final_snapshot;empty:!force_destroy;empty:!force_delete";

/// What a kind is to state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Keeps data, keys or history.
    State,
    /// Is a copy of the state of another object.
    Backup,
    /// Keeps the state of another object safe.
    Protection,
    /// Keeps nothing worth a backup.
    None,
    /// Not in the table, and nothing tells.
    Unknown,
}

/// What is known about a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The word for people, such as `database`; empty when there is none.
    pub noun: &'static str,
    /// What it is to state.
    pub role: Role,
    /// Where the fact is from; empty for a guess from the name.
    pub source: &'static str,
    rules: &'static str,
}

/// What is known about `kind`: a Terraform or CloudFormation type, a Kubernetes
/// kind, a Pulumi type token, or an SQL object such as `table`.
#[must_use]
pub fn kind(kind: &str) -> Kind {
    if let Some(found) = row(kind) {
        return resolved(found);
    }
    if let Some(found) = pulumi(kind) {
        return found;
    }
    Kind {
        noun: "",
        role: guess(kind),
        source: "",
        rules: COMMON_RULES,
    }
}

/// `kubernetes:core/v1:PersistentVolumeClaim` is the kind of that name, and
/// `aws-native:rds:DbInstance` is `AWS::RDS::DBInstance`.
fn pulumi(token: &str) -> Option<Kind> {
    let mut parts = token.split(':');
    let (package, module, name) = (parts.next()?, parts.next()?, parts.next()?);
    match package {
        "kubernetes" => row(name).map(resolved),
        "aws-native" => {
            let wanted = format!("AWS::{module}::{name}");
            rows()
                .find(|r| r.first().is_some_and(|k| k.eq_ignore_ascii_case(&wanted)))
                .map(resolved)
        }
        _ => None,
    }
}

type Row = [&'static str; 5];

fn fields(line: &'static str) -> Row {
    let mut columns = line.split('\t');
    std::array::from_fn(|_| columns.next().unwrap_or_default())
}

fn rows() -> impl Iterator<Item = Row> {
    TABLE.lines().filter(|l| !l.starts_with('#')).map(fields)
}

fn row(kind: &str) -> Option<Row> {
    lookup(TABLE, kind).map(fields)
}

/// The line of a table sorted by its first column, found by bisection over the
/// bytes: nothing is parsed at start-up.
pub(crate) fn lookup(table: &'static str, key: &str) -> Option<&'static str> {
    let (mut low, mut high) = (0, table.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = table
            .as_bytes()
            .get(low..middle)?
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(low, |i| low + i + 1);
        let line = table.get(start..)?.lines().next()?;
        match line.split('\t').next()?.cmp(key) {
            // Comment lines start with `#`, which sorts before every letter.
            std::cmp::Ordering::Less => low = start + line.len() + 1,
            std::cmp::Ordering::Greater => high = start,
            std::cmp::Ordering::Equal => return Some(line),
        }
    }
    None
}

fn resolved([_, noun, role, rules, source]: Row) -> Kind {
    let role = match role {
        "state" => Role::State,
        "backup" => Role::Backup,
        "protection" => Role::Protection,
        _ => Role::None,
    };
    let rules = match rules.strip_prefix("as:").and_then(row) {
        Some([_, _, _, rules, _]) => rules,
        None => rules,
    };
    Kind {
        noun,
        role,
        source,
        rules,
    }
}

fn guess(kind: &str) -> Role {
    let covered = COVERED.iter().any(|prefix| kind.starts_with(prefix));
    let lower = kind.to_ascii_lowercase();
    let words = || lower.split(|c: char| !c.is_ascii_alphanumeric());
    // CloudFormation and Pulumi write `DBCluster`, Terraform `db_cluster`.
    let sounds = |list: &[&str]| {
        words().any(|w| list.contains(&w.trim_end_matches('s')))
            || (kind.contains(':') && list.iter().any(|w| w.len() > 2 && lower.ends_with(w)))
    };
    if covered && (!sounds(&STATEFUL_WORDS) || sounds(&ABOUT_WORDS)) {
        Role::None
    } else {
        Role::Unknown
    }
}

/// What deleting one object does to state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assessment {
    pub(crate) state: StateLoss,
    pub(crate) reasons: Vec<String>,
}

impl Kind {
    fn rules(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.rules
            .split(';')
            .filter_map(|rule| rule.split_once(':'))
    }

    /// What deleting the object with these attributes (as they are before the
    /// change) does to state.
    pub(crate) fn deleting(&self, attributes: &Value<'_>) -> Assessment {
        let mut reasons = Vec::new();
        for condition in self.holding("guard", attributes) {
            reasons.push(format!(
                "`{condition}` holds: deleting is refused until it is changed"
            ));
        }
        let loss = match self.role {
            Role::None | Role::Protection => StateLoss::None,
            Role::State | Role::Backup | Role::Unknown => self.loss(attributes, &mut reasons),
        };
        Assessment {
            state: loss,
            reasons,
        }
    }

    fn loss(&self, attributes: &Value<'_>, reasons: &mut Vec<String>) -> StateLoss {
        if let Some(condition) = self.holding("keeps", attributes).next() {
            reasons.push(format!("left in place: {}", because(condition)));
            return StateLoss::None;
        }
        if let Some(condition) = self.holding("empty", attributes).next() {
            reasons.push(format!(
                "refused unless it is empty: {}",
                because(condition)
            ));
            return StateLoss::None;
        }
        if self.role == Role::Backup {
            reasons.push("it is itself a backup".to_owned());
            return StateLoss::Destroyed;
        }
        if let Some(condition) = self.holding("leaves", attributes).next() {
            reasons.push(format!("can be brought back: {}", because(condition)));
            return StateLoss::BackedUp;
        }
        let leaves: Vec<_> = self.conditions("leaves").collect();
        if !leaves.is_empty() && leaves.iter().all(|c| holds(c, attributes) == Some(false)) {
            reasons.push(format!("no final backup: {}", opposite(&leaves)));
            return StateLoss::Destroyed;
        }
        reasons.push(match self.role {
            Role::Unknown => "nothing is known about this kind".to_owned(),
            _ => "no backup of it is known".to_owned(),
        });
        StateLoss::Unknown
    }

    fn conditions(&self, what: &'static str) -> impl Iterator<Item = &'static str> {
        self.rules()
            .filter(move |(w, _)| *w == what)
            .map(|(_, condition)| condition)
    }

    fn holding(
        &self,
        what: &'static str,
        attributes: &Value<'_>,
    ) -> impl Iterator<Item = &'static str> {
        self.conditions(what)
            .filter(|condition| holds(condition, attributes) == Some(true))
    }

    /// The safety nets that hold before a change and, as far as is known, no
    /// longer after it, as the conditions of the table.
    pub(crate) fn weakened(
        &self,
        before: &Value<'_>,
        after: &Value<'_>,
    ) -> impl Iterator<Item = &'static str> {
        self.rules()
            .filter(|(what, condition)| {
                *what != "as"
                    && *condition != "*"
                    && holds(condition, before) == Some(true)
                    && holds(condition, after) != Some(true)
            })
            .map(|(_, condition)| condition)
    }
}

fn because(condition: &str) -> String {
    if condition == "*" {
        "always so for this kind".to_owned()
    } else {
        format!("`{condition}`")
    }
}

fn opposite(conditions: &[&str]) -> String {
    conditions
        .iter()
        .map(|c| match c.strip_prefix('!') {
            Some(attribute) => format!("`{attribute}`"),
            None => format!("not `{c}`"),
        })
        .collect::<Vec<_>>()
        .join(", ")
}

/// The attribute a condition is about, as the table writes it.
pub(crate) fn attribute(condition: &str) -> &str {
    let bare = condition.trim_start_matches('!');
    bare.split(['=', '>']).next().unwrap_or(bare)
}

/// Whether a condition holds for an object; `None` where the attribute is
/// missing or null, so nothing can be told.
fn holds(condition: &str, attributes: &Value<'_>) -> Option<bool> {
    if condition == "*" {
        return Some(true);
    }
    let value = find(attributes, attribute(condition));
    if let Some((_, wanted)) = condition.split_once('=') {
        return value.scalar().map(|text| text == wanted);
    }
    if let Some((_, least)) = condition.split_once('>') {
        return Some(value.as_i64()? > least.parse().ok()?);
    }
    let truth = match value {
        Value::Null => return None,
        Value::Array(items) => !items.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(b) => *b,
        Value::Number(n) => n != "0",
        Value::String(s) => !s.is_empty() && value.as_bool().unwrap_or(true),
    };
    Some(truth != condition.starts_with('!'))
}

/// An attribute by the table's path, or by Pulumi's spelling of it: camel case,
/// and no index where the provider allows one block only.
fn find<'v, 'a>(attributes: &'v Value<'a>, path: &str) -> &'v Value<'a> {
    let exact = attributes.path(path);
    if !exact.is_null() {
        return exact;
    }
    let camel: Vec<String> = path
        .split('.')
        .filter(|step| step.parse::<usize>().is_err())
        .map(camel_case)
        .collect();
    attributes.path(&camel.join("."))
}

fn camel_case(step: &str) -> String {
    let mut out = String::with_capacity(step.len());
    let mut upper = false;
    for (i, c) in step.chars().enumerate() {
        if c == '_' {
            upper = true;
        } else if upper {
            out.extend(c.to_uppercase());
            upper = false;
        } else if i == 0 {
            out.extend(c.to_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse_json;

    #[test]
    fn the_table_is_sorted_complete_and_well_formed() {
        let mut last = "";
        for [kind_name, noun, role, rules, source] in rows() {
            assert!(last < kind_name, "`{kind_name}` after `{last}`");
            last = kind_name;
            assert!(!noun.is_empty() && !source.is_empty(), "{kind_name}");
            assert!(
                ["state", "backup", "protection", "none"].contains(&role),
                "{kind_name}"
            );
            for rule in rules.split(';').filter(|r| !r.is_empty()) {
                let (what, condition) = rule.split_once(':').unwrap();
                assert!(
                    ["guard", "leaves", "empty", "keeps", "watch", "as"].contains(&what),
                    "{rule}"
                );
                assert!(!condition.is_empty(), "{rule}");
                if what == "as" {
                    assert!(row(condition).is_some(), "{rule}");
                }
            }
            assert_eq!(row(kind_name).unwrap()[0], kind_name);
        }
        for absent in ["", "a", "zzz", "aws_db_instanc", "aws_db_instancf"] {
            assert_eq!(row(absent), None, "{absent}");
        }
    }

    #[test]
    fn roles() {
        let cases = [
            ("aws_db_instance", Role::State),
            ("aws_db_snapshot", Role::Backup),
            ("aws_backup_plan", Role::Protection),
            ("aws_db_subnet_group", Role::None),
            ("aws_security_group", Role::None),
            ("aws_shiny_new_database", Role::Unknown),
            ("acme_thing", Role::Unknown),
            ("AWS::RDS::DBInstance", Role::State),
            ("AWS::EC2::SecurityGroup", Role::None),
            ("AWS::New::FancyDatabase", Role::Unknown),
            ("PersistentVolumeClaim", Role::State),
            ("kubernetes:core/v1:PersistentVolumeClaim", Role::State),
            ("aws:rds/instance:Instance", Role::State),
            ("aws-native:rds:DbInstance", Role::State),
            ("table", Role::State),
            ("test_instance", Role::Unknown),
        ];
        for (name, expected) in cases {
            assert_eq!(kind(name).role, expected, "{name}");
        }
    }

    #[test]
    fn deleting_by_attributes() {
        let cases = [
            (
                "aws_db_instance",
                r#"{"skip_final_snapshot":false}"#,
                StateLoss::BackedUp,
            ),
            (
                "aws_db_instance",
                r#"{"skip_final_snapshot":true,"delete_automated_backups":true}"#,
                StateLoss::Destroyed,
            ),
            (
                "aws_db_instance",
                r#"{"skip_final_snapshot":true,"delete_automated_backups":false}"#,
                StateLoss::BackedUp,
            ),
            ("aws_db_instance", "{}", StateLoss::Unknown),
            (
                "aws_s3_bucket",
                r#"{"force_destroy":false}"#,
                StateLoss::None,
            ),
            (
                "aws_s3_bucket",
                r#"{"force_destroy":true}"#,
                StateLoss::Unknown,
            ),
            (
                "aws_secretsmanager_secret",
                r#"{"recovery_window_in_days":0}"#,
                StateLoss::Destroyed,
            ),
            (
                "aws_secretsmanager_secret",
                r#"{"recovery_window_in_days":7}"#,
                StateLoss::BackedUp,
            ),
            (
                "aws_dynamodb_table",
                r#"{"point_in_time_recovery":[{"enabled":true}]}"#,
                StateLoss::BackedUp,
            ),
            (
                "aws:dynamodb/table:Table",
                r#"{"pointInTimeRecovery":{"enabled":true}}"#,
                StateLoss::BackedUp,
            ),
            ("aws_ebs_snapshot", "{}", StateLoss::Destroyed),
            ("aws_security_group", "{}", StateLoss::None),
            (
                "PersistentVolume",
                r#"{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}"#,
                StateLoss::None,
            ),
            (
                "acme_database",
                r#"{"skip_final_snapshot":true}"#,
                StateLoss::Destroyed,
            ),
        ];
        for (name, attributes, expected) in cases {
            let found = kind(name).deleting(&parse_json(attributes).unwrap());
            assert_eq!(found.state, expected, "{name} {attributes}");
        }
    }

    #[test]
    fn weakening() {
        let weakened = |name: &str, before: &str, after: &str| {
            kind(name)
                .weakened(&parse_json(before).unwrap(), &parse_json(after).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            weakened(
                "aws_db_instance",
                r#"{"deletion_protection":true,"skip_final_snapshot":false,"backup_retention_period":7}"#,
                r#"{"deletion_protection":false,"skip_final_snapshot":true,"backup_retention_period":0}"#,
            ),
            [
                "deletion_protection",
                "!skip_final_snapshot",
                "backup_retention_period>0"
            ]
        );
        assert_eq!(
            weakened("acme_db", r#"{"deletion_protection":true}"#, "{}"),
            ["deletion_protection"]
        );
        assert!(weakened("aws_db_instance", "{}", r#"{"deletion_protection":true}"#).is_empty());
    }
}
