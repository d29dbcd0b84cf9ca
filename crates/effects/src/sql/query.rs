//! Queries: what a `SELECT` may change after all.

use countersign_core::effect::{StateLoss, Verb};
use sqlparser::ast::{Expr, Query, Select, SelectItem, SetExpr};

use super::statement::Judge;
use super::{names, witness};

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

impl Judge<'_> {
    pub(super) fn query(&mut self, query: &Query) {
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
    pub(super) fn inner(&mut self, query: &Query) {
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
}
