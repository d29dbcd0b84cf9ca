//! Statements that write or remove rows.

use countersign_core::effect::Verb;
use sqlparser::ast::{
    CopySource, CopyTarget, Delete, Insert, Merge, MergeAction, TableObject, Truncate, Update,
};

use super::filter::{self, Filter};
use super::names;
use super::statement::Judge;
use crate::reading::FindingKind;

impl Judge<'_> {
    pub(super) fn insert(&mut self, insert: &Insert) {
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

    pub(super) fn update(&mut self, update: &Update) {
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

    pub(super) fn delete(&mut self, delete: &Delete) {
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

    pub(super) fn merge(&mut self, merge: &Merge) {
        let table = names::factor(&merge.table);
        let deletes = merge
            .clauses
            .iter()
            .any(|c| matches!(c.action, MergeAction::Delete { .. }));
        if deletes {
            let kind = "merged rows";
            self.lose(Verb::Delete, kind, table, &["a merge that also deletes"]);
        } else {
            self.push(Verb::Update, "rows", table, &["merged"]);
        }
    }

    pub(super) fn truncate(&mut self, truncate: &Truncate) {
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

    pub(super) fn copy(&mut self, source: &CopySource, to: bool, target: &CopyTarget) {
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
