//! `ALTER TABLE`, one operation after the other.

use countersign_core::effect::{StateLoss, Verb};
use sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, CharacterLength, ColumnDef,
    ColumnOption, DataType, ExactNumberInfo, TableConstraint,
};

use super::statement::Judge;
use super::{locks, names};

/// Judges every operation of an `ALTER TABLE`.
pub(super) fn alter(judge: &mut Judge<'_>, alter: &AlterTable) {
    let table = names::name(&alter.name);
    for operation in &alter.operations {
        removal(judge, &table, operation);
    }
    if alter.operations.is_empty() {
        judge.push(Verb::Update, "table", table, &[]);
    }
}

fn removal(judge: &mut Judge<'_>, table: &str, operation: &AlterTableOperation) {
    use AlterTableOperation as Op;
    match operation {
        Op::DropColumn { column_names, .. } => {
            for column in column_names {
                judge.lose(Verb::Delete, "column", names::column(table, column), &[]);
            }
        }
        Op::DropPartitions { .. } => judge.lose(
            Verb::Delete,
            "partition",
            table,
            &["partitions are dropped with their rows"],
        ),
        Op::ClearProjection { .. } | Op::DropProjection { .. } => {
            judge.push(Verb::Delete, "index", table, &["a projection goes"]);
        }
        Op::DropConstraint { name, .. } | Op::DropForeignKey { name, .. } => {
            judge.push(
                Verb::Delete,
                "constraint",
                names::column(table, name),
                &["the check it made is gone"],
            );
        }
        Op::DropPrimaryKey { .. } => {
            judge.push(Verb::Delete, "constraint", table, &["the primary key goes"]);
        }
        Op::DropIndex { name } => {
            judge.push(Verb::Delete, "index", names::column(table, name), &[]);
        }
        Op::DisableRowLevelSecurity | Op::NoForceRowLevelSecurity => {
            judge.push(Verb::Update, "row security", table, &[]);
            judge.protection(table, "row security is switched off");
        }
        Op::DisableTrigger { .. } | Op::DisableRule { .. } => {
            judge.push(Verb::Update, "table", table, &[]);
            judge.protection(table, "a trigger or rule is switched off");
        }
        Op::SetUnlogged => {
            judge.push(Verb::Update, "table", table, &[]);
            judge.protection(table, "the table becomes unlogged: a crash empties it");
        }
        _ => change(judge, table, operation),
    }
}

fn change(judge: &mut Judge<'_>, table: &str, operation: &AlterTableOperation) {
    use AlterTableOperation as Op;
    match operation {
        Op::RenameColumn {
            old_column_name, ..
        } => {
            judge.push(
                Verb::Disrupt,
                "column",
                names::column(table, old_column_name),
                &["renamed: what uses the old name fails"],
            );
        }
        Op::RenameTable { .. } => {
            judge.push(
                Verb::Disrupt,
                "table",
                table,
                &["renamed: what uses the old name fails"],
            );
        }
        Op::AddColumn { column_def, .. } => add_column(judge, table, column_def),
        Op::AddConstraint {
            constraint,
            not_valid,
        } => {
            judge.push(Verb::Create, "constraint", table, &[]);
            if !not_valid {
                add_constraint(judge, table, constraint);
            }
        }
        Op::AlterColumn { column_name, op } => {
            alter_column(judge, &names::column(table, column_name), table, op);
        }
        Op::ModifyColumn {
            col_name,
            data_type,
            ..
        } => retype(judge, &names::column(table, col_name), table, data_type),
        Op::ChangeColumn {
            old_name,
            new_name,
            data_type,
            ..
        } => {
            let column = names::column(table, old_name);
            if old_name != new_name {
                judge.push(
                    Verb::Disrupt,
                    "column",
                    &column,
                    &["renamed: what uses the old name fails"],
                );
            }
            retype(judge, &column, table, data_type);
        }
        _ => {
            judge.push(Verb::Update, "table", table, &[]);
        }
    }
}

fn add_column(judge: &mut Judge<'_>, table: &str, definition: &ColumnDef) {
    let column = names::column(table, &definition.name);
    let has =
        |wanted: fn(&ColumnOption) -> bool| definition.options.iter().any(|o| wanted(&o.option));
    let filled = has(|o| {
        matches!(
            o,
            ColumnOption::Default(_) | ColumnOption::Generated { .. } | ColumnOption::Identity(_)
        )
    }) || definition
        .data_type
        .to_string()
        .to_ascii_lowercase()
        .contains("serial");
    let required = has(|o| matches!(o, ColumnOption::NotNull | ColumnOption::PrimaryKey(_)));
    let why: &[&str] = if required && !filled {
        &["`NOT NULL` without a default: fails where rows exist, or old code cannot insert"]
    } else {
        &[]
    };
    judge.push(Verb::Create, "column", column, why);
    locks::add_column(judge, table, definition);
}

fn add_constraint(judge: &mut Judge<'_>, table: &str, constraint: &TableConstraint) {
    let why = match constraint {
        TableConstraint::ForeignKey(_) | TableConstraint::Check(_) => {
            "all rows are checked under a lock; `NOT VALID` and a later `VALIDATE CONSTRAINT` avoid it"
        }
        TableConstraint::Unique(_) | TableConstraint::PrimaryKey(_) => {
            "an index is built under a lock; `CREATE UNIQUE INDEX CONCURRENTLY` and `USING INDEX` avoid it"
        }
        _ => return,
    };
    locks::locked(judge, table, why);
}

fn alter_column(
    judge: &mut Judge<'_>,
    column: &str,
    table: &str,
    operation: &AlterColumnOperation,
) {
    match operation {
        AlterColumnOperation::SetDataType { data_type, .. } => {
            retype(judge, column, table, data_type);
        }
        AlterColumnOperation::SetNotNull => {
            judge.push(
                Verb::Update,
                "column",
                column,
                &["`NOT NULL`: fails where a row holds null, and old code may insert it"],
            );
            locks::locked(judge, table, "all rows are checked under a lock");
        }
        _ => {
            judge.push(Verb::Update, "column", column, &[]);
        }
    }
}

/// A new type. The old one is not in the statement, so anything but the widest
/// types may cut values.
fn retype(judge: &mut Judge<'_>, column: &str, table: &str, to: &DataType) {
    if holds_everything(to) {
        judge.push(
            Verb::Update,
            "column",
            column,
            &["a new type that holds every value"],
        );
    } else {
        let why = "a new type; the old one is not in the statement: values may be cut or refused";
        judge.with_state(Verb::Update, "column", column, &[why], StateLoss::Unknown);
    }
    locks::locked(
        judge,
        table,
        "a new column type may rewrite the table under a lock",
    );
}

fn holds_everything(to: &DataType) -> bool {
    match to {
        DataType::Text
        | DataType::LongText
        | DataType::LongBlob
        | DataType::Bytea
        | DataType::String(None)
        | DataType::Clob(None)
        | DataType::Numeric(ExactNumberInfo::None)
        | DataType::Varchar(None)
        | DataType::CharacterVarying(None) => true,
        DataType::Varchar(Some(length)) | DataType::Nvarchar(Some(length)) => {
            matches!(length, CharacterLength::Max)
        }
        _ => false,
    }
}
