//! SQL statements and migrations.

use countersign_core::effect::{Environment, StateLoss, Verb};
use countersign_effects::reading::FindingKind;
use countersign_effects::sql::{Dialect, effects, read};
use proptest::prelude::*;

use crate::support::{describe, invariants};

/// `verb kind object` of every effect.
fn judged(text: &str, dialect: Dialect) -> Vec<String> {
    let effects = effects(text, dialect);
    effects
        .iter()
        .map(|e| format!("{} {} {}", e.verb.as_str(), e.kind, e.object))
        .collect()
}

#[test]
fn what_statements_do() {
    use Dialect::{Generic, MsSql, MySql, PostgreSql, Snowflake, Sqlite};
    let cases: [(&str, Dialect, &[&str]); 52] = [
        ("SELECT 'DROP TABLE users'", Generic, &["read rows rows"]),
        (
            "select * from users where name = 'x; drop table y'",
            Generic,
            &["read rows rows"],
        ),
        ("DROP TABLE users", Generic, &["delete table users"]),
        (
            "drop table if exists a, \"B\".c cascade",
            PostgreSql,
            &["delete table a", "delete table B.c"],
        ),
        ("DROP DATABASE shop", MySql, &["delete database shop"]),
        (
            "drop schema public cascade",
            PostgreSql,
            &["delete schema public"],
        ),
        ("drop index i", PostgreSql, &["delete index i"]),
        ("drop view v", Generic, &["delete view v"]),
        (
            "TRUNCATE users, orders",
            PostgreSql,
            &["delete all rows users", "delete all rows orders"],
        ),
        ("truncate table users", MySql, &["delete all rows users"]),
        ("DELETE FROM users", Generic, &["delete all rows users"]),
        ("DELETE/**/FROM users", Generic, &["delete all rows users"]),
        (
            "DELETE FROM users WHERE 1=1",
            Generic,
            &["delete all rows users"],
        ),
        (
            "DELETE FROM users WHERE id = id OR false",
            Generic,
            &["delete all rows users"],
        ),
        (
            "DELETE FROM users WHERE id = 5",
            Generic,
            &["delete rows users"],
        ),
        (
            "DELETE FROM users USING old WHERE old.id = users.id",
            PostgreSql,
            &["delete rows users"],
        ),
        (
            "delete a from a join b on a.id = b.id",
            MySql,
            &["delete rows a"],
        ),
        (
            "UPDATE users SET admin = true",
            Generic,
            &["update all rows users"],
        ),
        (
            "update users set admin = true where true",
            PostgreSql,
            &["update all rows users"],
        ),
        (
            "update users set a = 1 where id in (1, 2)",
            Generic,
            &["update rows users"],
        ),
        (
            "INSERT INTO users VALUES (1)",
            Generic,
            &["create rows users"],
        ),
        (
            "insert into users values (1) on conflict do nothing",
            PostgreSql,
            &["update rows users"],
        ),
        (
            "replace into users values (1)",
            MySql,
            &["update rows users"],
        ),
        (
            "insert overwrite into t select * from u",
            Snowflake,
            &["replace all rows t"],
        ),
        (
            "with gone as (delete from users returning *) select * from gone",
            PostgreSql,
            &["delete all rows users"],
        ),
        (
            "explain analyze delete from users",
            PostgreSql,
            &["delete all rows users"],
        ),
        (
            "explain delete from users",
            PostgreSql,
            &["read database database"],
        ),
        (
            "ALTER TABLE users DROP COLUMN email, ADD COLUMN mail text",
            PostgreSql,
            &["delete column users.email", "create column users.mail"],
        ),
        (
            "alter table users rename to people",
            Generic,
            &["disrupt table users"],
        ),
        (
            "alter table users rename column a to b",
            Generic,
            &["disrupt column users.a"],
        ),
        (
            "alter table users alter column a type int",
            PostgreSql,
            &["update column users.a"],
        ),
        (
            "alter table users modify column a tinyint",
            MySql,
            &["update column users.a"],
        ),
        (
            "alter table users drop partition p1",
            MySql,
            &["unknown statement statement"],
        ),
        ("rename table a to b", MySql, &["disrupt table a"]),
        (
            "create or replace table t (a int)",
            Snowflake,
            &["replace table t"],
        ),
        ("create table t as select 1", Generic, &["create table t"]),
        ("select * into t2 from t", MsSql, &["create table t2"]),
        (
            "merge into t using s on t.id = s.id when matched then delete",
            MsSql,
            &["delete merged rows t"],
        ),
        (
            "copy t to program 'rm -rf /'",
            PostgreSql,
            &["unknown statement statement"],
        ),
        (
            "copy t from stdin;\n1\tx\n\\.\n",
            PostgreSql,
            &["create rows t"],
        ),
        (
            "select pg_terminate_backend(pid) from pg_stat_activity",
            PostgreSql,
            &["unknown statement statement"],
        ),
        (
            "select purge_everything()",
            PostgreSql,
            &["unknown function purge_everything"],
        ),
        ("select now()", PostgreSql, &["read rows rows"]),
        ("call nightly()", MySql, &["unknown statement statement"]),
        (
            "EXEC sp_executesql N'DROP TABLE x'",
            MsSql,
            &["unknown statement statement"],
        ),
        (
            "do $$ begin execute 'drop table a'; end $$",
            PostgreSql,
            &["delete table a"],
        ),
        ("begin; set x = 1; commit", PostgreSql, &[]),
        (
            "set foreign_key_checks = 0",
            MySql,
            &["update setting foreign_key_checks"],
        ),
        (
            "gibberish of the worst kind",
            Generic,
            &["unknown statement statement"],
        ),
        ("/*!50001 drop table t */", MySql, &["delete table t"]),
        ("\\! rm -rf /", PostgreSql, &["unknown statement statement"]),
        (
            "PRAGMA writable_schema = ON",
            Sqlite,
            &["unknown statement statement"],
        ),
    ];
    for (text, dialect, expected) in cases {
        assert_eq!(judged(text, dialect), expected, "{text}");
    }
}

#[test]
fn delete_and_recreate() {
    let found = effects(
        "DROP TABLE IF EXISTS users;\nCREATE TABLE users (id int);",
        Dialect::Generic,
    );
    assert_eq!(found[0].verb, Verb::Replace);
    assert_eq!(found[0].state, StateLoss::Unknown);
    // The other way round nothing is made anew.
    let found = effects(
        "CREATE TABLE users (id int); DROP TABLE users;",
        Dialect::Generic,
    );
    assert_eq!(found[1].verb, Verb::Delete);
}

const MIGRATION: &str = r#"-- rename and tighten
BEGIN;
ALTER TABLE "users" ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid(), ADD COLUMN age int NOT NULL;
ALTER TABLE users ALTER COLUMN email TYPE varchar(50);
ALTER TABLE users ADD CONSTRAINT fk FOREIGN KEY (team) REFERENCES teams (id);
CREATE INDEX i ON users (email);
CREATE INDEX CONCURRENTLY j ON users (email);
ALTER TABLE users DISABLE ROW LEVEL SECURITY;
ALTER ROLE app PASSWORD 'hunter2';
UPDATE users SET password = 'hunter2' WHERE id > 0;
TRUNCATE sessions CASCADE;
this is not sql;
"#;

#[test]
fn a_migration_in_words() {
    let reading = read(
        MIGRATION.as_bytes(),
        Some(Dialect::PostgreSql),
        Environment::Staging,
    )
    .unwrap();
    invariants(&reading);
    assert_eq!(reading.unknown, 1);
    let witnesses: Vec<_> = reading.effects.iter().map(|e| e.witness.as_str()).collect();
    let text = format!("{}\n{}", describe(&reading), witnesses.join("\n"));
    assert!(!text.contains("hunter"));
    insta::assert_snapshot!(text, @r#"
    seen 12, unchanged 1, unknown 1, hint None
    create column users.token None: 
    create column users.age None: `NOT NULL` without a default: fails where rows exist, or old code cannot insert
    update column users.email Unknown: a new type; the old one is not in the statement: values may be cut or refused
    create constraint users None: 
    create index i None: 
    create index j None: 
    update row security users None: row security is switched off
    update role app None: 
    update all rows users Unknown: the filter holds for every row: all are written over; no backup of it is known
    delete all rows sessions Unknown: `TRUNCATE`: every row goes; no backup of it is known
    unknown statement statement Unknown: no dialect can parse the statement
    ! Lock users: a value of its own for every row: the table is rewritten under a lock
    ! Lock users: a new column type may rewrite the table under a lock
    ! Lock users: all rows are checked under a lock; `NOT VALID` and a later `VALIDATE CONSTRAINT` avoid it
    ! Lock users: writes wait while the index is built; `CONCURRENTLY` avoids it
    ! Transaction users: `CREATE INDEX CONCURRENTLY` cannot run inside a transaction
    ! ProtectionRemoved users: row security is switched off
    ! Cascade sessions: tables that refer to it are emptied too
    ! Transaction -: a transaction is opened and not ended in this text
    line 3: ALTER TABLE "users" ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid(), ADD COLUMN age int NOT NULL
    line 3: ALTER TABLE "users" ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid(), ADD COLUMN age int NOT NULL
    line 4: ALTER TABLE users ALTER COLUMN email TYPE varchar(50)
    line 5: ALTER TABLE users ADD CONSTRAINT fk FOREIGN KEY (team) REFERENCES teams (id)
    line 6: CREATE INDEX i ON users (email)
    line 7: CREATE INDEX CONCURRENTLY j ON users (email)
    line 8: ALTER TABLE users DISABLE ROW LEVEL SECURITY
    line 9: ALTER ROLE app PASSWORD '…'
    line 10: UPDATE users SET password = '…' WHERE id > 0
    line 11: TRUNCATE sessions CASCADE
    line 12: this is not sql
    "#);
}

#[test]
fn dialects_are_told_apart() {
    let cases = [
        ("create table `t` (a int) engine=innodb", Dialect::MySql),
        (
            "create table t (id integer primary key autoincrement)",
            Dialect::Sqlite,
        ),
        ("create table [dbo].[t] (a nvarchar(max))", Dialect::MsSql),
        ("create table t (a bigserial)", Dialect::PostgreSql),
        ("create table t (a varchar2(5))", Dialect::Oracle),
        ("create table t (a int)", Dialect::Generic),
    ];
    for (text, expected) in cases {
        assert_eq!(Dialect::sniff(text), expected, "{text}");
    }
    assert_eq!(Dialect::from_name("psql"), Some(Dialect::PostgreSql));
    assert_eq!(Dialect::from_name("x"), None);
}

#[test]
fn hostile_statements_end() {
    let deep = format!("select {}1{}", "(".repeat(50_000), ")".repeat(50_000));
    assert_eq!(
        judged(&deep, Dialect::Generic),
        ["unknown statement statement"]
    );
    let long = format!("insert into t values ('{}')", "x".repeat(3 << 20));
    assert_eq!(judged(&long, Dialect::Generic).len(), 1);
    // Whatever can be repeated is repeated: nothing runs out of stack.
    for unit in [
        "not ",
        "- ",
        "+1",
        " or a",
        " union select 1",
        "::int",
        " is null",
        "case when ",
        "(",
        "[",
        "{'a':",
        "array<",
        "explain ",
        "begin ",
        "select (",
        "with a as (",
        "a.",
        "[1]",
        " join b",
        "if a then ",
        "exists (",
        "interval ",
        "cast(",
        "from (",
        "/*",
        "'",
        "$$",
        "struct<a ",
        "x like ",
        " between 1 and ",
        "create table a as ",
        "do ",
        "x and not ",
        "prior ",
        " collate c",
        " at time zone 'z'",
        "->'a'",
        "||a",
        "row(",
        "nullable(",
        "map(int,",
        "tuple(",
        "if (a) ",
        "while a ",
    ] {
        for start in ["", "select ", "delete from t where ", "create table t (a "] {
            for times in [40, 900] {
                let text = format!("{start}{}", unit.repeat(times));
                for dialect in [Dialect::Generic, Dialect::PostgreSql, Dialect::BigQuery] {
                    let _ = effects(&text, dialect);
                }
            }
        }
    }
    let nested = "/*".repeat(100_000);
    assert!(judged(&nested, Dialect::PostgreSql).is_empty());
    let found = read(b"\xff\xfe\x00", None, Environment::Unknown);
    assert!(found.is_err());
}

#[test]
fn locks_and_transactions() {
    let kinds = |text: &str, dialect| -> Vec<FindingKind> {
        let reading = read(text.as_bytes(), Some(dialect), Environment::Unknown).unwrap();
        reading.findings.iter().map(|f| f.kind).collect()
    };
    use FindingKind::{Lock, Transaction};
    assert_eq!(
        kinds("create index i on t (a)", Dialect::PostgreSql),
        [Lock]
    );
    assert_eq!(
        kinds("create index concurrently i on t (a)", Dialect::PostgreSql),
        []
    );
    assert_eq!(
        kinds("begin; vacuum; commit", Dialect::PostgreSql),
        [Transaction]
    );
    assert_eq!(
        kinds("begin; delete from t where id = 1", Dialect::PostgreSql),
        [Transaction]
    );
    assert_eq!(
        kinds(
            "start transaction; alter table t add a int; rollback",
            Dialect::MySql
        ),
        [Transaction]
    );
    assert_eq!(
        kinds("alter table t alter a set not null", Dialect::PostgreSql),
        [Lock]
    );
    assert_eq!(
        kinds(
            "alter table t add column a int default 1",
            Dialect::PostgreSql
        ),
        []
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_statement_counts(count in 1..20usize, which in prop::collection::vec(0..5usize, 20)) {
        let kinds = ["DROP TABLE a", "nonsense ' ; '", "SELECT 1", "DELETE FROM t WHERE x = ';'", "UPDATE t SET a = $$;$$"];
        let text: Vec<_> = which.iter().take(count).map(|i| kinds[*i]).collect();
        let reading = read(text.join(";\n").as_bytes(), Some(Dialect::PostgreSql), Environment::Unknown).unwrap();
        invariants(&reading);
        prop_assert_eq!(reading.changes_seen, count);
    }

    #[test]
    fn never_panics(text in r"(?s).{0,100}", sql in r"(drop|table|delete|from|where|update|set|alter|;|'|\$\$|do|begin|end|\(|\)|1=1|--|/\*|[a-z]| |\n){0,40}") {
        for dialect in [Dialect::Generic, Dialect::MySql, Dialect::PostgreSql, Dialect::MsSql] {
            let _ = effects(&text, dialect);
            let _ = effects(&sql, dialect);
        }
    }
}
