//! One statement judged.

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};
use sqlparser::ast::{
    CopySource, CopyTarget, CreateTable, Delete, Expr, Insert, Merge, MergeAction, ObjectName,
    ObjectType, Query, Select, SelectItem, Set, SetExpr, Statement, TableObject, Truncate, Update,
};
use sqlparser::parser::Parser;

use super::filter::{self, Filter};
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

/// Functions without effects that are called in a `SELECT` without `FROM`.
const PURE_FUNCTIONS: [&str; 44] = [
    "abs",
    "avg",
    "changes",
    "char_length",
    "coalesce",
    "concat",
    "count",
    "current_database",
    "current_date",
    "current_schema",
    "current_setting",
    "current_timestamp",
    "current_user",
    "database",
    "date_trunc",
    "db_name",
    "gen_random_uuid",
    "getdate",
    "greatest",
    "last_insert_id",
    "last_insert_rowid",
    "least",
    "length",
    "lower",
    "max",
    "md5",
    "min",
    "now",
    "pg_backend_pid",
    "pg_database_size",
    "pg_is_in_recovery",
    "pg_relation_size",
    "pg_size_pretty",
    "pg_sleep",
    "pg_total_relation_size",
    "random",
    "round",
    "sqlite_version",
    "sum",
    "to_char",
    "upper",
    "user",
    "uuid",
    "version",
];

/// Functions with effects, wherever they are called.
const EFFECTFUL_FUNCTIONS: [&str; 14] = [
    "dblink",
    "dblink_exec",
    "drop_chunks",
    "lo_import",
    "lo_unlink",
    "pg_drop_replication_slot",
    "pg_promote",
    "pg_read_file",
    "pg_reload_conf",
    "pg_terminate_backend",
    "pg_write_file",
    "query_to_xml",
    "set_config",
    "sys_exec",
];

pub(super) struct Judge<'p> {
    pub(super) dialect: Dialect,
    environment: Environment,
    piece: &'p Piece,
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

    fn statement(&mut self, statement: &Statement) {
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

    /// Statements that need no more than their kind.
    fn by_first_word(&mut self, statement: &Statement) {
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
    fn set(&mut self, set: &Set) {
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

    fn query(&mut self, query: &Query) {
        let before = self.effects.len();
        if let Some(with) = &query.with {
            for cte in &with.cte_tables {
                self.inner(&cte.query);
            }
        }
        self.body(&query.body);
        let text = witness::masked(&self.piece.text, self.dialect).to_ascii_lowercase();
        let called = |f: &&&str| {
            text.match_indices(**f).any(|(i, _)| {
                text.get(i + f.len()..)
                    .is_some_and(|r| r.trim_start().starts_with('('))
            })
        };
        if let Some(function) = EFFECTFUL_FUNCTIONS.iter().find(called) {
            self.unknown(&format!("calls `{function}`"));
        }
        if self.effects.len() == before {
            self.push(Verb::Read, "rows", "rows", &[]);
        }
    }

    /// A query inside another: only what it changes counts.
    fn inner(&mut self, query: &Query) {
        for cte in query.with.iter().flat_map(|w| &w.cte_tables) {
            self.inner(&cte.query);
        }
        self.body(&query.body);
    }

    fn body(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Insert(s) | SetExpr::Update(s) | SetExpr::Delete(s) | SetExpr::Merge(s) => {
                self.statement(s);
            }
            SetExpr::Query(query) => self.inner(query),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left);
                self.body(right);
            }
            SetExpr::Select(select) => self.select(select),
            SetExpr::Values(_) | SetExpr::Table(_) => {}
        }
    }

    fn select(&mut self, select: &Select) {
        if let Some(into) = &select.into {
            for target in &into.targets {
                self.push(
                    Verb::Create,
                    "table",
                    target.to_string(),
                    &["made by `SELECT INTO`"],
                );
            }
        }
        if !select.from.is_empty() {
            return;
        }
        for item in &select.projection {
            let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item
            else {
                continue;
            };
            if let Expr::Function(function) = expr {
                let name = names::name(&function.name).to_ascii_lowercase();
                if !PURE_FUNCTIONS.contains(&name.as_str()) {
                    let why = "what the function does is not in the text";
                    self.with_state(Verb::Unknown, "function", name, &[why], StateLoss::Unknown);
                }
            }
        }
    }

    fn insert(&mut self, insert: &Insert) {
        let table = match &insert.table {
            TableObject::TableName(name) => names::name(name),
            other => other.to_string(),
        };
        if insert.overwrite {
            self.lose(
                Verb::Replace,
                "all rows",
                table,
                &["`INSERT OVERWRITE` removes what was there"],
            );
        } else if insert.replace_into || insert.on.is_some() || insert.or.is_some() {
            self.push(
                Verb::Update,
                "rows",
                table,
                &["rows with the same key are written over"],
            );
        } else {
            self.push(Verb::Create, "rows", table, &[]);
        }
        if let Some(source) = &insert.source {
            self.inner(source);
        }
    }

    fn update(&mut self, update: &Update) {
        let table = names::factor(&update.table.relation);
        let bounded = update.limit.is_some();
        match filter::judge(update.selection.as_ref()) {
            Filter::Real => {
                self.push(Verb::Update, "rows", table, &[]);
            }
            _ if bounded => {
                self.push(Verb::Update, "rows", table, &["no filter, but a limit"]);
            }
            Filter::Missing => self.lose(
                Verb::Update,
                "all rows",
                table,
                &["no filter: every row is written over"],
            ),
            Filter::Empty => self.lose(
                Verb::Update,
                "all rows",
                table,
                &["the filter holds for every row: all are written over"],
            ),
        }
    }

    fn delete(&mut self, delete: &Delete) {
        let tables = if delete.tables.is_empty() {
            names::from(&delete.from)
        } else {
            delete.tables.iter().map(names::name).collect()
        };
        let filtered = match filter::judge(delete.selection.as_ref()) {
            Filter::Real => None,
            // A join or `USING` may keep rows out as well.
            _ if delete.using.is_some() || names::from(&delete.from).len() > 1 => None,
            _ if delete.limit.is_some() => Some(("rows", "no filter, but a limit")),
            Filter::Missing => Some(("all rows", "no filter: every row goes")),
            Filter::Empty => Some(("all rows", "the filter holds for every row: all go")),
        };
        for table in tables {
            match filtered {
                Some((kind, why)) => self.lose(Verb::Delete, kind, table, &[why]),
                None => self.lose(Verb::Delete, "rows", table, &[]),
            }
        }
    }

    fn merge(&mut self, merge: &Merge) {
        let table = names::factor(&merge.table);
        let deletes = merge
            .clauses
            .iter()
            .any(|c| matches!(c.action, MergeAction::Delete { .. }));
        if deletes {
            self.lose(Verb::Delete, "rows", table, &["a merge that also deletes"]);
        } else {
            self.push(Verb::Update, "rows", table, &["merged"]);
        }
    }

    fn truncate(&mut self, truncate: &Truncate) {
        for target in &truncate.table_names {
            let table = names::name(&target.name);
            let cascades = truncate.to_string().ends_with("CASCADE");
            if cascades {
                self.finding(
                    FindingKind::Cascade,
                    &table,
                    "tables that refer to it are emptied too",
                );
            }
            if truncate.partitions.is_some() {
                self.lose(Verb::Delete, "partition", table, &["emptied"]);
            } else {
                self.lose(
                    Verb::Delete,
                    "all rows",
                    table,
                    &["`TRUNCATE`: every row goes"],
                );
            }
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

    fn copy(&mut self, source: &CopySource, to: bool, target: &CopyTarget) {
        if matches!(target, CopyTarget::Program { .. }) {
            return self.unknown("`COPY` runs a program on the server");
        }
        match source {
            CopySource::Table { table_name, .. } if !to => {
                self.push(Verb::Create, "rows", names::name(table_name), &[]);
            }
            CopySource::Table { table_name, .. } => {
                self.push(Verb::Read, "rows", names::name(table_name), &[]);
            }
            CopySource::Query(query) => self.query(query),
        }
    }
}
