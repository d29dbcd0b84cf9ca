//! One statement judged.

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};
use sqlparser::ast::{CreateTable, ObjectType, Statement};
use sqlparser::parser::Parser;

use super::split::Piece;
use super::{Dialect, block, bounds, locks, names, table, witness};
use crate::document::Value;
use crate::knowledge;
use crate::reading::{Finding, FindingKind};

/// How deep expressions may nest; `sqlparser` itself uses 50.
const RECURSION: usize = 50;

/// psql commands that run nothing and touch nothing.
const QUIET_COMMANDS: [&str; 24] = [
    "\\set",
    "\\unset",
    "\\echo",
    "\\qecho",
    "\\timing",
    "\\pset",
    "\\x",
    "\\q",
    "\\d",
    "\\dt",
    "\\dn",
    "\\du",
    "\\l",
    "\\c",
    "\\connect",
    "\\conninfo",
    "\\encoding",
    "\\if",
    "\\else",
    "\\elif",
    "\\endif",
    "\\restrict",
    "\\unrestrict",
    "\\a",
];

pub(super) struct Judge<'p> {
    pub(super) dialect: Dialect,
    environment: Environment,
    pub(super) piece: &'p Piece,
    witness: String,
    /// Whether a transaction is open, before and after.
    pub(super) transaction: bool,
    pub(super) effects: Vec<Effect>,
    pub(super) findings: Vec<Finding>,
}

impl<'p> Judge<'p> {
    pub(super) fn new(
        dialect: Dialect,
        environment: Environment,
        piece: &'p Piece,
        transaction: bool,
    ) -> Self {
        Self {
            dialect,
            environment,
            piece,
            witness: witness::witness(piece, dialect),
            transaction,
            effects: Vec::new(),
            findings: Vec::new(),
        }
    }

    pub(super) fn run(&mut self) {
        let text = self.piece.text.as_str();
        if text.starts_with('\\') {
            let command = text.split_whitespace().next().unwrap_or_default();
            if !QUIET_COMMANDS.contains(&command) {
                self.unknown("a client command that may run anything");
            }
            return;
        }
        if let Some(inner) = block::statements(self.piece, self.dialect) {
            return self.block(&inner);
        }
        match self.parse() {
            Some(statements) => statements.iter().for_each(|s| self.statement(s)),
            None => self.unknown("no dialect can parse the statement"),
        }
    }

    fn block(&mut self, inner: &[Piece]) {
        if inner.is_empty() {
            return self.unknown("a code block whose statements cannot be told");
        }
        for piece in inner {
            let mut judge = Judge::new(self.dialect, self.environment, piece, self.transaction);
            judge.run();
            for effect in &mut judge.effects {
                effect.reasons.push("runs inside a code block".to_owned());
            }
            self.effects.append(&mut judge.effects);
            self.findings.append(&mut judge.findings);
        }
    }

    fn parse(&self) -> Option<Vec<Statement>> {
        let text = self.piece.text.as_str();
        if !bounds::within(text, self.dialect) {
            return None;
        }
        let others = [
            Dialect::Generic,
            Dialect::PostgreSql,
            Dialect::MySql,
            Dialect::MsSql,
            Dialect::Sqlite,
        ];
        let others = others.into_iter().filter(|d| *d != self.dialect);
        std::iter::once(self.dialect)
            .chain(others)
            .find_map(|dialect| {
                let dialect = dialect.parser();
                Parser::new(dialect.as_ref())
                    .with_recursion_limit(RECURSION)
                    .try_with_sql(text)
                    .ok()?
                    .parse_statements()
                    .ok()
                    .filter(|statements| !statements.is_empty())
            })
    }

    pub(super) fn push(
        &mut self,
        verb: Verb,
        kind: &str,
        object: impl Into<String>,
        reasons: &[&str],
    ) {
        self.with_state(verb, kind, object, reasons, StateLoss::None);
    }

    pub(super) fn with_state(
        &mut self,
        verb: Verb,
        kind: &str,
        object: impl Into<String>,
        reasons: &[&str],
        state: StateLoss,
    ) {
        self.effects.push(Effect {
            verb,
            kind: kind.to_owned(),
            object: object.into(),
            environment: self.environment,
            state,
            reasons: reasons.iter().map(|r| (*r).to_owned()).collect(),
            witness: self.witness.clone(),
        });
    }

    /// An effect that takes the object away, with what that does to state.
    pub(super) fn lose(
        &mut self,
        verb: Verb,
        kind: &str,
        object: impl Into<String>,
        reasons: &[&str],
    ) {
        let assessment = knowledge::kind(kind).deleting(&Value::Null);
        self.with_state(verb, kind, object, reasons, assessment.state);
        if let Some(effect) = self.effects.last_mut() {
            effect.reasons.extend(assessment.reasons);
        }
    }

    pub(super) fn unknown(&mut self, why: &str) {
        self.with_state(
            Verb::Unknown,
            "statement",
            "statement",
            &[why],
            StateLoss::Unknown,
        );
    }

    pub(super) fn finding(&mut self, kind: FindingKind, object: &str, detail: impl Into<String>) {
        self.findings.push(Finding {
            kind,
            object: Some(object.to_owned()),
            detail: detail.into(),
        });
    }

    pub(super) fn protection(&mut self, object: &str, detail: &str) {
        if let Some(effect) = self.effects.last_mut() {
            effect.reasons.push(detail.to_owned());
        }
        self.finding(FindingKind::ProtectionRemoved, object, detail);
    }

    pub(super) fn statement(&mut self, statement: &Statement) {
        locks::transaction(self, statement);
        match statement {
            Statement::Query(query) => self.query(query),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Merge(merge) => self.merge(merge),
            Statement::Truncate(truncate) => self.truncate(truncate),
            Statement::Drop { .. } => self.drop_object(statement),
            Statement::CreateTable(create) => self.create_table(create),
            Statement::CreateIndex(create) => {
                let target = names::name(&create.table_name);
                let index = create
                    .name
                    .as_ref()
                    .map_or_else(|| format!("{target} index"), names::name);
                self.push(Verb::Create, "index", index, &[]);
                locks::create_index(self, create);
            }
            Statement::AlterTable(alter) => table::alter(self, alter),
            Statement::RenameTable(renames) => {
                for rename in renames {
                    self.push(
                        Verb::Disrupt,
                        "table",
                        names::name(&rename.old_name),
                        &["renamed: what uses the old name fails"],
                    );
                }
            }
            Statement::Explain {
                analyze: true,
                statement,
                ..
            } => self.statement(statement),
            Statement::Copy {
                source, to, target, ..
            } => self.copy(source, *to, target),
            Statement::Set(set) => self.set(set),
            Statement::Kill { .. } => {
                self.push(Verb::Disrupt, "session", "session", &["a session is ended"]);
            }
            other => self.by_first_word(other),
        }
    }

    fn drop_object(&mut self, statement: &Statement) {
        let Statement::Drop {
            object_type,
            names: dropped,
            cascade,
            temporary,
            ..
        } = statement
        else {
            return;
        };
        let kind = match object_type {
            ObjectType::Table => "table",
            ObjectType::View => "view",
            ObjectType::MaterializedView => "materialized view",
            ObjectType::Index => "index",
            ObjectType::Schema => "schema",
            ObjectType::Database => "database",
            ObjectType::Role | ObjectType::User => "role",
            ObjectType::Sequence => "sequence",
            ObjectType::Type => "type",
            ObjectType::Stage => "stage",
            ObjectType::Stream => "stream",
            ObjectType::Collation => "collation",
            ObjectType::Warehouse => "warehouse",
        };
        for name in dropped {
            let name = names::name(name);
            if *temporary {
                self.push(Verb::Delete, kind, name, &["a temporary one"]);
                continue;
            }
            self.lose(Verb::Delete, kind, &name, &[]);
            if *cascade {
                self.finding(
                    FindingKind::Cascade,
                    &name,
                    "what depends on it goes too (`CASCADE`)",
                );
            }
            locks::drop_index(self, object_type, &name);
        }
    }

    fn create_table(&mut self, create: &CreateTable) {
        let table = names::name(&create.name);
        if create.or_replace {
            self.lose(
                Verb::Replace,
                "table",
                table,
                &["`OR REPLACE` drops the table that is there"],
            );
        } else {
            self.push(Verb::Create, "table", table, &[]);
        }
    }
}
