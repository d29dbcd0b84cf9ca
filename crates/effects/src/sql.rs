//! SQL statements: migrations, scripts, and what a client is told to run.
//!
//! Statements are split here, because scripts hold client commands, procedure
//! bodies and errors, and each is then parsed by `sqlparser`. A statement that
//! no dialect can parse is an unknown effect.
//!
//! Source: the SQL commands of the PostgreSQL, MySQL and SQLite manuals, and what
//! their clients read between statements (`psql` meta-commands, `DELIMITER`).

mod block;
mod bounds;
mod filter;
mod locks;
mod names;
mod other;
mod query;
mod rows;
mod split;
mod statement;
mod table;
mod witness;

use std::collections::BTreeSet;

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};
use sqlparser::dialect as parser_dialect;

use crate::document::{ReadError, decode};
use crate::reading::{Finding, FindingKind, Format, PlanReading, fingerprint};

use statement::Judge;

/// The dialect of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Not known: several are tried.
    Generic,
    /// PostgreSQL and what speaks it. Locks are judged for this one.
    PostgreSql,
    /// MySQL and MariaDB.
    MySql,
    /// SQLite.
    Sqlite,
    /// Microsoft SQL Server.
    MsSql,
    /// Oracle.
    Oracle,
    /// Amazon Redshift.
    Redshift,
    /// Snowflake.
    Snowflake,
    /// Google BigQuery.
    BigQuery,
    /// ClickHouse.
    ClickHouse,
    /// DuckDB.
    DuckDb,
}

impl Dialect {
    /// The dialect of a name such as `postgres`, `mariadb`, `sqlite3`, `tsql`,
    /// or of a client program such as `psql`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "generic" | "ansi" => Self::Generic,
            "postgres" | "postgresql" | "psql" | "cockroachdb" | "cockroach" => Self::PostgreSql,
            "mysql" | "mariadb" => Self::MySql,
            "sqlite" | "sqlite3" => Self::Sqlite,
            "mssql" | "sqlserver" | "tsql" | "sqlcmd" => Self::MsSql,
            "oracle" | "sqlplus" => Self::Oracle,
            "redshift" => Self::Redshift,
            "snowflake" | "snowsql" => Self::Snowflake,
            "bigquery" | "bq" => Self::BigQuery,
            "clickhouse" | "clickhouse-client" => Self::ClickHouse,
            "duckdb" => Self::DuckDb,
            _ => return None,
        })
    }

    /// The dialect that words only one dialect has speak for.
    #[must_use]
    pub fn sniff(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|w| lower.contains(w));
        let batches = || lower.lines().any(|line| line.trim() == "go");
        if has(&["`", "auto_increment", "engine=", "engine ="]) {
            Self::MySql
        } else if has(&["autoincrement", "pragma ", "without rowid"]) {
            Self::Sqlite
        } else if has(&["[dbo]", "nvarchar", "identity("]) || batches() {
            Self::MsSql
        } else if has(&["varchar2", "number("]) {
            Self::Oracle
        } else if has(&[
            "$$",
            "serial",
            "::",
            "jsonb",
            "concurrently",
            "timestamptz",
            "plpgsql",
            "pg_",
        ]) {
            Self::PostgreSql
        } else {
            Self::Generic
        }
    }

    fn parser(self) -> Box<dyn parser_dialect::Dialect> {
        match self {
            Self::Generic => Box::new(parser_dialect::GenericDialect {}),
            Self::PostgreSql => Box::new(parser_dialect::PostgreSqlDialect {}),
            Self::MySql => Box::new(parser_dialect::MySqlDialect {}),
            Self::Sqlite => Box::new(parser_dialect::SQLiteDialect {}),
            Self::MsSql => Box::new(parser_dialect::MsSqlDialect {}),
            Self::Oracle => Box::new(parser_dialect::OracleDialect {}),
            Self::Redshift => Box::new(parser_dialect::RedshiftSqlDialect {}),
            Self::Snowflake => Box::new(parser_dialect::SnowflakeDialect {}),
            Self::BigQuery => Box::new(parser_dialect::BigQueryDialect {}),
            Self::ClickHouse => Box::new(parser_dialect::ClickHouseDialect {}),
            Self::DuckDb => Box::new(parser_dialect::DuckDbDialect {}),
        }
    }
}

/// The effects of SQL text, in its order, with an unknown environment. Harmless
/// statements such as `SELECT` are reads; `BEGIN`, `SET` and the like have none.
#[must_use]
pub fn effects(text: &str, dialect: Dialect) -> Vec<Effect> {
    judge(text, dialect, Environment::Unknown).effects
}

/// Reads a migration or script. Without a dialect, it is taken from the text.
///
/// # Errors
/// A [`ReadError`] when the bytes are not text, too large, or empty.
pub fn read(
    bytes: &[u8],
    dialect: Option<Dialect>,
    environment: Environment,
) -> Result<PlanReading, ReadError> {
    let text = decode(bytes)?;
    let dialect = dialect.unwrap_or_else(|| Dialect::sniff(&text));
    let judged = judge(&text, dialect, environment);
    let mut reading = PlanReading::new(Format::Sql, fingerprint(bytes));
    reading.changes_seen = judged.effects.len() + judged.without_effect;
    reading.unchanged = judged.without_effect;
    reading.effects = judged.effects;
    reading.findings = judged.findings;
    Ok(reading.finish())
}

/// What came out of a text.
#[derive(Default)]
struct Judged {
    effects: Vec<Effect>,
    findings: Vec<Finding>,
    /// Statements that change nothing, such as `BEGIN`.
    without_effect: usize,
}

/// Stack for parsing and judging. The parser nests up to its own limit of 50 at
/// up to 80 kB each in a debug build, and threads have as little as 2 MB.
const STACK_BYTES: usize = 16 << 20;

fn judge(text: &str, dialect: Dialect, environment: Environment) -> Judged {
    stacker::maybe_grow(STACK_BYTES, STACK_BYTES, || {
        judge_pieces(text, dialect, environment)
    })
}

fn judge_pieces(text: &str, dialect: Dialect, environment: Environment) -> Judged {
    let mut judged = Judged::default();
    let mut transaction = false;
    for piece in split::split(text, dialect) {
        let mut judge = Judge::new(dialect, environment, &piece, transaction);
        judge.run();
        transaction = judge.transaction;
        if judge.effects.is_empty() {
            judged.without_effect += 1;
        }
        judged.effects.append(&mut judge.effects);
        judged.findings.append(&mut judge.findings);
    }
    if transaction {
        judged.findings.push(Finding {
            kind: FindingKind::Transaction,
            object: None,
            detail: "a transaction is opened and not ended in this text".to_owned(),
        });
    }
    recreated(&mut judged.effects);
    judged
}

/// A dropped object that is made again further on is deleted and recreated.
fn recreated(effects: &mut [Effect]) {
    let mut made: BTreeSet<(String, String)> = BTreeSet::new();
    for effect in effects.iter_mut().rev() {
        let key = (effect.kind.clone(), effect.object.clone());
        match effect.verb {
            Verb::Create => {
                made.insert(key);
            }
            Verb::Delete if effect.state != StateLoss::None && made.contains(&key) => {
                effect.verb = Verb::Replace;
                effect
                    .reasons
                    .push("made anew, empty, further on".to_owned());
            }
            _ => {}
        }
    }
}
