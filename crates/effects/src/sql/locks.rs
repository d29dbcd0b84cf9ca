//! Locks and transactions, judged for PostgreSQL.
//!
//! Facts: PostgreSQL 18 documentation, "Explicit Locking", `ALTER TABLE` (notes)
//! and `CREATE INDEX` (building indexes concurrently).

use sqlparser::ast::{ColumnDef, ColumnOption, CreateIndex, Expr, ObjectType, Statement};

use super::Dialect;
use super::statement::Judge;
use crate::reading::FindingKind;

/// Functions whose value differs by row: a default of them writes every row.
const VOLATILE: [&str; 7] = [
    "clock_timestamp(",
    "gen_random_uuid(",
    "nextval(",
    "random(",
    "timeofday(",
    "uuid_generate_v4(",
    "uuidv7(",
];

/// Notes a lock that keeps others from writing, or from reading, `table`.
pub(super) fn locked(judge: &mut Judge<'_>, table: &str, why: &str) {
    if judge.dialect == Dialect::PostgreSql {
        judge.finding(FindingKind::Lock, table, why);
    }
}

pub(super) fn create_index(judge: &mut Judge<'_>, create: &CreateIndex) {
    let table = super::names::name(&create.table_name);
    if create.concurrently {
        in_transaction(judge, &table, "`CREATE INDEX CONCURRENTLY`");
    } else {
        locked(
            judge,
            &table,
            "writes wait while the index is built; `CONCURRENTLY` avoids it",
        );
    }
}

pub(super) fn drop_index(judge: &mut Judge<'_>, kind: &ObjectType, name: &str) {
    if *kind == ObjectType::Index {
        locked(
            judge,
            name,
            "reads and writes of its table wait; `CONCURRENTLY` avoids it",
        );
    }
}

pub(super) fn add_column(judge: &mut Judge<'_>, table: &str, definition: &ColumnDef) {
    let volatile = |default: &Expr| {
        let text = default.to_string().to_ascii_lowercase();
        VOLATILE.iter().any(|f| text.contains(f))
    };
    let rewrites = definition.options.iter().any(|o| match &o.option {
        ColumnOption::Default(default) => volatile(default),
        ColumnOption::Identity(_) => true,
        ColumnOption::Generated {
            generation_expr, ..
        } => generation_expr.is_some(),
        _ => false,
    });
    if rewrites {
        locked(
            judge,
            table,
            "a value of its own for every row: the table is rewritten under a lock",
        );
    }
}

/// Follows transactions, and what cannot run in one.
pub(super) fn transaction(judge: &mut Judge<'_>, statement: &Statement) {
    match statement {
        Statement::StartTransaction {
            has_end_keyword: false,
            ..
        } => judge.transaction = true,
        Statement::Commit { .. }
        | Statement::Rollback {
            savepoint: None, ..
        } => judge.transaction = false,
        Statement::Vacuum(_) => in_transaction(judge, "database", "`VACUUM`"),
        Statement::CreateDatabase { .. } => in_transaction(judge, "database", "`CREATE DATABASE`"),
        // MySQL and Oracle end the open transaction before they change a schema.
        Statement::AlterTable(_)
        | Statement::Drop { .. }
        | Statement::Truncate(_)
        | Statement::CreateTable(_)
            if judge.transaction && matches!(judge.dialect, Dialect::MySql | Dialect::Oracle) =>
        {
            judge.finding(
                FindingKind::Transaction,
                "transaction",
                "this statement commits what stands before it; a rollback does not undo it",
            );
        }
        _ => {}
    }
}

fn in_transaction(judge: &mut Judge<'_>, object: &str, what: &str) {
    if judge.transaction && judge.dialect == Dialect::PostgreSql {
        let detail = format!("{what} cannot run inside a transaction");
        judge.finding(FindingKind::Transaction, object, detail);
    }
}
