//! Statements that need no more than a look at their kind, and settings.

use countersign_core::effect::{StateLoss, Verb};
use sqlparser::ast::{ObjectName, Set, Statement};

use super::names;
use super::statement::Judge;

impl Judge<'_> {
    /// Statements that need no more than their kind.
    pub(super) fn by_first_word(&mut self, statement: &Statement) {
        match statement {
            Statement::StartTransaction { statements, .. } => {
                statements.iter().for_each(|s| self.statement(s));
            }
            Statement::Commit { .. }
            | Statement::Rollback { .. }
            | Statement::Savepoint { .. }
            | Statement::ReleaseSavepoint { .. }
            | Statement::Use(_)
            | Statement::Print(_)
            | Statement::Comment { .. }
            | Statement::Pragma { value: None, .. }
            | Statement::UnlockTables
            | Statement::LISTEN { .. }
            | Statement::UNLISTEN { .. }
            | Statement::Assert { .. } => {}
            Statement::Analyze(_) | Statement::Explain { .. } | Statement::ExplainTable { .. } => {
                self.push(Verb::Read, "database", "database", &[]);
            }
            Statement::Pragma { name, .. } => self.pragma(name),
            Statement::Lock(_) | Statement::LockTables { .. } => {
                self.push(
                    Verb::Disrupt,
                    "table",
                    "table",
                    &["locked until the transaction ends"],
                );
            }
            Statement::Vacuum(vacuum) => {
                let table = vacuum
                    .table_name
                    .as_ref()
                    .map_or_else(|| "database".to_owned(), names::name);
                let why: &[&str] = if vacuum.full {
                    &["locked while it is rewritten"]
                } else {
                    &[]
                };
                let verb = if vacuum.full {
                    Verb::Disrupt
                } else {
                    Verb::Update
                };
                self.push(verb, "table", table, why);
            }
            Statement::Grant(_) | Statement::Deny(_) => {
                self.push(Verb::Update, "role", "permissions", &["permissions change"]);
            }
            Statement::Revoke(_) => {
                self.push(
                    Verb::Disrupt,
                    "role",
                    "permissions",
                    &["permissions are taken away"],
                );
            }
            Statement::DropFunction(drop) => {
                for function in &drop.func_desc {
                    self.lose(Verb::Delete, "function", names::name(&function.name), &[]);
                }
            }
            Statement::DropTrigger(drop) => self.lose(
                Verb::Delete,
                "trigger",
                names::name(&drop.trigger_name),
                &[],
            ),
            Statement::DropPolicy(drop) => {
                self.lose(Verb::Delete, "policy", drop.name.value.clone(), &[]);
                self.protection(
                    &names::name(&drop.table_name),
                    "a row security policy is removed",
                );
            }
            Statement::DropExtension(drop) => {
                for name in &drop.names {
                    let why = "its types and functions go, and columns of them";
                    self.with_state(
                        Verb::Delete,
                        "extension",
                        name.value.clone(),
                        &[why],
                        StateLoss::Unknown,
                    );
                }
            }
            _ => self.first_word(),
        }
    }

    fn first_word(&mut self) {
        let mut words = self
            .piece
            .text
            .split_whitespace()
            .map(str::to_ascii_lowercase);
        let (first, second) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        match first.as_str() {
            "show" | "describe" | "desc" | "list" => {
                self.push(Verb::Read, "database", "database", &[]);
            }
            "create" => {
                let replaces = second == "or";
                let kind = if replaces {
                    words.next().unwrap_or(second)
                } else {
                    second
                };
                let verb = if replaces { Verb::Update } else { Verb::Create };
                self.push(verb, &kind, words.next().unwrap_or_default(), &[]);
            }
            "alter" => self.push(Verb::Update, &second, words.next().unwrap_or_default(), &[]),
            _ => self.unknown("what the statement does cannot be told from its text"),
        }
    }

    fn pragma(&mut self, name: &ObjectName) {
        let name = names::name(name);
        match name.to_ascii_lowercase().as_str() {
            "writable_schema" => self.unknown("the schema can be written by hand"),
            "foreign_keys" | "synchronous" | "journal_mode" | "ignore_check_constraints" => {
                self.push(
                    Verb::Update,
                    "setting",
                    name,
                    &["integrity or durability checks change"],
                );
            }
            _ => {}
        }
    }

    /// `SET` is harmless but for switches of integrity checks.
    pub(super) fn set(&mut self, set: &Set) {
        let text = set.to_string().to_ascii_lowercase();
        let switches = [
            "foreign_key_checks",
            "unique_checks",
            "session_replication_role",
            "row_security",
            "sql_safe_updates",
        ];
        if let Some(switch) = switches.iter().find(|s| text.contains(**s)) {
            self.push(Verb::Update, "setting", *switch, &[]);
            self.protection(switch, "a setting that guards data changes");
        }
    }
}
