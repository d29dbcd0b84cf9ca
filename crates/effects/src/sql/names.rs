//! Names of objects as people write them.

use sqlparser::ast::{FromTable, Ident, ObjectName, TableFactor, TableWithJoins};

/// `public.users` for `"public"."users"`.
pub(super) fn name(name: &ObjectName) -> String {
    let parts: Vec<_> = name
        .0
        .iter()
        .map(|part| {
            part.as_ident()
                .map_or_else(|| part.to_string(), |i| i.value.clone())
        })
        .collect();
    parts.join(".")
}

pub(super) fn column(table: &str, column: &Ident) -> String {
    format!("{table}.{}", column.value)
}

/// The tables a `FROM` clause names.
pub(super) fn tables(from: &[TableWithJoins]) -> Vec<String> {
    from.iter()
        .flat_map(|t| std::iter::once(&t.relation).chain(t.joins.iter().map(|j| &j.relation)))
        .map(factor)
        .collect()
}

pub(super) fn from(from: &FromTable) -> Vec<String> {
    match from {
        FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from) => tables(from),
    }
}

pub(super) fn factor(factor: &TableFactor) -> String {
    match factor {
        TableFactor::Table { name: table, .. } => name(table),
        other => other.to_string().chars().take(60).collect(),
    }
}
