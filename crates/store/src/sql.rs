//! Every SQL statement, in one place, so that a test can prepare each of them on
//! both engines. `$1` is understood by both. A test keeps every other module
//! free of SQL.

use std::sync::OnceLock;

macro_rules! statements {
    ($( $(#[$doc:meta])* $name:ident = $text:literal; )+) => {
        $( $(#[$doc])* pub(crate) const $name: &str = $text; )+
        const PLAIN: &[&str] = &[$( $name, )+];
    };
}

statements! {
    SCHEMA_VERSION = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success";
    PROJECTION_VERSION = "SELECT version FROM projection WHERE one = 1";
    SET_PROJECTION_VERSION = "UPDATE projection SET version = $1 WHERE one = 1";

    HEAD = "SELECT seq, hash, recorded_at FROM ledger_head WHERE one = 1";
    SET_HEAD = "UPDATE ledger_head SET seq = $1, hash = $2, recorded_at = $3 WHERE one = 1";
    HASH_OF = "SELECT hash FROM ledger WHERE seq = $1";
    ENTRIES = "SELECT seq, recorded_at, recorded_by, kind, key, at, body, hash \
        FROM ledger WHERE seq > $1 ORDER BY seq LIMIT $2";
    ENTRIES_OF = "SELECT seq, recorded_at, recorded_by, kind, key, at, body, hash \
        FROM ledger WHERE kind = $1 AND key = $2 AND seq > $3 ORDER BY seq LIMIT $4";

    LATEST = "SELECT l.seq, l.recorded_at, l.recorded_by, l.kind, l.key, l.at, l.body, l.hash \
        FROM latest c JOIN ledger l ON l.seq = c.seq WHERE c.kind = $1 AND c.key = $2";
    LATEST_PAGE = "SELECT l.seq, l.recorded_at, l.recorded_by, l.kind, l.key, l.at, l.body, l.hash \
        FROM latest c JOIN ledger l ON l.seq = c.seq \
        WHERE c.kind = $1 AND (c.at, c.key) > ($2, $3) AND c.at < $4 \
        ORDER BY c.at, c.key LIMIT $5";
    LATEST_BY_KEY = "SELECT c.key, c.seq, c.same, l.body \
        FROM latest c JOIN ledger l ON l.seq = c.seq \
        WHERE c.kind = $1 AND c.key > $2 ORDER BY c.key LIMIT $3";
    KINDS = "SELECT DISTINCT kind FROM latest ORDER BY kind";
    COUNT_ENTRIES = "SELECT kind, COUNT(*) FROM ledger GROUP BY kind ORDER BY kind";
    COUNT_LATEST = "SELECT kind, COUNT(*) FROM latest GROUP BY kind ORDER BY kind";

    VERSIONS = "SELECT seq, recorded_at, recorded_by, kind, key, at, body, hash \
        FROM ledger WHERE kind = $1 AND (key, seq) > ($2, $3) ORDER BY key, seq LIMIT $4";
    SUPERSEDED = "SELECT l.seq, l.recorded_at, l.key, l.body \
        FROM latest c JOIN ledger l ON l.kind = c.kind AND l.key = c.key AND l.seq < c.seq \
        WHERE c.kind = $1 AND c.seq > $2 AND l.seq > $3 ORDER BY l.seq LIMIT $4";
    LAST_BY = "SELECT seq, hash FROM ledger WHERE recorded_at <= $1 ORDER BY seq DESC LIMIT 1";

    SHIPPED = "SELECT week, COUNT(*) FROM change WHERE week >= $1 AND week <= $2 \
        GROUP BY week ORDER BY week";
    BYPASSED = "SELECT key FROM change WHERE week >= $1 AND week <= $2 \
        AND shipped_at >= $3 AND shipped_at < $4 AND bypassed = 1 \
        ORDER BY shipped_at, key LIMIT $5";
    COUNT_BYPASSED = "SELECT COUNT(*) FROM change WHERE week >= $1 AND week <= $2 \
        AND shipped_at >= $3 AND shipped_at < $4 AND bypassed = 1";
    EXPOSURE = "SELECT week, services, tier, team, author_level, size, involvement, environment, \
        COUNT(*) FROM change WHERE week >= $1 AND week <= $2 \
        GROUP BY week, services, tier, team, author_level, size, involvement, environment \
        ORDER BY week, services, tier, team, author_level, size, involvement, environment";
    SERVICE_EXPOSURE = "SELECT week, service, involvement, COUNT(*) FROM change_service \
        WHERE week >= $1 AND week <= $2 GROUP BY week, service, involvement \
        ORDER BY week, service, involvement";
    WEEKS = "SELECT COALESCE(MIN(week), 0), COALESCE(MAX(week), -1) FROM change";
    INCIDENTS = "SELECT key, seq, started_at, week, detected_at, mitigated_at, resolved_at, \
        severity, status, counts, services, ai FROM incident \
        WHERE started_at >= $1 AND started_at < $2 ORDER BY started_at, key";

    CHANGE_ROWS = "SELECT key, seq, shipped_at, week, repository, kind, team, author_level, \
        services, tier, lines, size, files, involvement, verdict, environment, bypassed \
        FROM change WHERE key > $1 ORDER BY key LIMIT $2";
    CHANGE_SERVICE_ROWS = "SELECT key, service, week, involvement FROM change_service \
        WHERE key > $1 AND key <= $2 ORDER BY key, service";
    INCIDENT_ROWS = "SELECT key, seq, started_at, week, detected_at, mitigated_at, resolved_at, \
        severity, status, counts, services, ai FROM incident \
        WHERE key > $1 ORDER BY key LIMIT $2";
    COUNT_CHANGE_SERVICES = "SELECT COUNT(*) FROM change_service";
    NOT_LATEST = "SELECT l.kind, l.key FROM ledger l \
        LEFT JOIN latest c ON c.kind = l.kind AND c.key = l.key \
        WHERE c.seq IS NULL OR c.seq < l.seq ORDER BY l.seq LIMIT 20";
    NOT_IN_LEDGER = "SELECT c.kind, c.key FROM latest c LEFT JOIN ledger l ON l.seq = c.seq \
        WHERE l.seq IS NULL OR l.kind <> c.kind OR l.key <> c.key OR l.at <> c.at LIMIT 20";

    CLEAR_LATEST = "DELETE FROM latest";
    CLEAR_CHANGE = "DELETE FROM change";
    CLEAR_CHANGE_SERVICE = "DELETE FROM change_service";
    CLEAR_INCIDENT = "DELETE FROM incident";
}

/// Everything that [`CLEAR_LATEST`] and the others empty before a rebuild.
pub(crate) const CLEAR: [&str; 4] = [
    CLEAR_LATEST,
    CLEAR_CHANGE,
    CLEAR_CHANGE_SERVICE,
    CLEAR_INCIDENT,
];

// What one engine says otherwise than the other.

/// Whether any migration was ever applied.
pub(crate) const MIGRATED_SQLITE: &str =
    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'";
/// The same.
pub(crate) const MIGRATED_POSTGRES: &str =
    "SELECT CASE WHEN to_regclass('_sqlx_migrations') IS NULL THEN 0 ELSE 1 END::BIGINT";
/// The head, keeping every other writer waiting until this one is done.
pub(crate) const LOCK_HEAD_POSTGRES: &str =
    "SELECT seq, hash, recorded_at FROM ledger_head WHERE one = 1 FOR UPDATE";
/// For the rest of the transaction, statements may take long.
pub(crate) const PATIENT_POSTGRES: &str = "SET LOCAL statement_timeout = 0";
/// A consistent copy into a new file.
pub(crate) const COPY_SQLITE: &str = "VACUUM INTO $1";

/// How many rows go into one statement: as many of the large size as fit, then
/// smaller ones, so that only a few statements are ever prepared.
const SIZES: [usize; 3] = [64, 8, 1];

/// A statement for several rows at once.
pub(crate) struct Many {
    before: &'static str,
    columns: usize,
    after: &'static str,
    texts: [OnceLock<String>; 3],
}

impl Many {
    const fn new(before: &'static str, columns: usize, after: &'static str) -> Self {
        Self {
            before,
            columns,
            after,
            texts: [const { OnceLock::new() }; 3],
        }
    }

    /// Cuts rows into parts, each with the statement for so many.
    pub(crate) fn parts<'a, T>(
        &'static self,
        mut rows: &'a [T],
    ) -> impl Iterator<Item = (&'static str, &'a [T])> {
        std::iter::from_fn(move || {
            let mut sizes = SIZES.iter().zip(&self.texts);
            let (size, text) = sizes.find(|(size, _)| **size <= rows.len())?;
            let (part, rest) = rows.split_at(*size);
            rows = rest;
            Some((self.text(*size, text), part))
        })
    }

    fn text(&'static self, size: usize, text: &'static OnceLock<String>) -> &'static str {
        text.get_or_init(|| {
            let mut sql = self.before.to_owned();
            for row in 0..size {
                let first = row * self.columns + 1;
                let names = (first..first + self.columns).map(|number| format!("${number}"));
                let names = names.collect::<Vec<_>>().join(", ");
                let comma = if row > 0 { ", " } else { "" };
                sql.push_str(&format!("{comma}({names})"));
            }
            sql + self.after
        })
    }
}

pub(crate) static FIND_LATEST: Many = Many::new(
    "SELECT kind, key, seq, same FROM latest WHERE (kind, key) IN (VALUES ",
    2,
    ")",
);
pub(crate) static PUT_LEDGER: Many = Many::new(
    "INSERT INTO ledger (seq, recorded_at, recorded_by, kind, key, at, body, hash) VALUES ",
    8,
    "",
);
pub(crate) static PUT_LATEST: Many = Many::new(
    "INSERT INTO latest (kind, key, at, seq, same) VALUES ",
    5,
    " ON CONFLICT (kind, key) DO UPDATE SET \
     at = excluded.at, seq = excluded.seq, same = excluded.same",
);
pub(crate) static PUT_CHANGE: Many = Many::new(
    "INSERT INTO change (key, seq, shipped_at, week, repository, kind, team, author_level, \
     services, tier, lines, size, files, involvement, verdict, environment, bypassed) VALUES ",
    17,
    " ON CONFLICT (key) DO UPDATE SET seq = excluded.seq, shipped_at = excluded.shipped_at, \
     week = excluded.week, repository = excluded.repository, kind = excluded.kind, \
     team = excluded.team, author_level = excluded.author_level, services = excluded.services, \
     tier = excluded.tier, lines = excluded.lines, size = excluded.size, \
     files = excluded.files, involvement = excluded.involvement, verdict = excluded.verdict, \
     environment = excluded.environment, bypassed = excluded.bypassed",
);
pub(crate) static DROP_CHANGE_SERVICE: Many =
    Many::new("DELETE FROM change_service WHERE key IN (VALUES ", 1, ")");
pub(crate) static PUT_CHANGE_SERVICE: Many = Many::new(
    "INSERT INTO change_service (key, service, week, involvement) VALUES ",
    4,
    "",
);
pub(crate) static PUT_INCIDENT: Many = Many::new(
    "INSERT INTO incident (key, seq, started_at, week, detected_at, mitigated_at, resolved_at, \
     severity, status, counts, services, ai) VALUES ",
    12,
    " ON CONFLICT (key) DO UPDATE SET seq = excluded.seq, started_at = excluded.started_at, \
     week = excluded.week, detected_at = excluded.detected_at, \
     mitigated_at = excluded.mitigated_at, resolved_at = excluded.resolved_at, \
     severity = excluded.severity, status = excluded.status, counts = excluded.counts, \
     services = excluded.services, ai = excluded.ai",
);

static MANY: [&Many; 7] = [
    &FIND_LATEST,
    &PUT_LEDGER,
    &PUT_LATEST,
    &PUT_CHANGE,
    &DROP_CHANGE_SERVICE,
    &PUT_CHANGE_SERVICE,
    &PUT_INCIDENT,
];

/// Every statement that is said to an engine (`SQLite` or `PostgreSQL`).
#[must_use]
pub fn statements(engine: &str) -> Vec<&'static str> {
    let own: &[&'static str] = match engine {
        "SQLite" => &[MIGRATED_SQLITE, COPY_SQLITE],
        _ => &[MIGRATED_POSTGRES, LOCK_HEAD_POSTGRES, PATIENT_POSTGRES],
    };
    let many = MANY.iter().flat_map(|many| {
        let sizes = SIZES.iter().zip(&many.texts);
        sizes.map(|(size, text)| many.text(*size, text))
    });
    PLAIN
        .iter()
        .copied()
        .chain(own.iter().copied())
        .chain(many)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_few_sizes() {
        let rows: Vec<u8> = (0..139).collect();
        let parts: Vec<_> = DROP_CHANGE_SERVICE.parts(&rows).collect();
        let sizes: Vec<usize> = parts.iter().map(|(_, part)| part.len()).collect();
        assert_eq!(sizes, [64, 64, 8, 1, 1, 1]);
        assert_eq!(
            parts[5].0,
            "DELETE FROM change_service WHERE key IN (VALUES ($1))"
        );
        assert!(parts[3].1 == [136]);
        assert!(
            FIND_LATEST
                .parts(&rows[..8])
                .next()
                .unwrap()
                .0
                .ends_with("($15, $16))")
        );
    }

    /// SQL that is written elsewhere would not be prepared by the test.
    #[test]
    fn no_other_module_has_sql() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for file in std::fs::read_dir(dir).unwrap() {
            let path = file.unwrap().path();
            if path.ends_with("sql.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for word in [
                "SELECT ",
                "INSERT INTO",
                "UPDATE ",
                "DELETE FROM",
                "AssertSqlSafe",
            ] {
                assert!(!text.contains(word), "{}: {word}", path.display());
            }
        }
    }
}
