-- The ledger, its end, and the latest entry of everything recorded.

CREATE TABLE ledger (
    seq INTEGER PRIMARY KEY,
    recorded_at INTEGER NOT NULL, -- microseconds since 1970-01-01 UTC, as all times
    recorded_by TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX ledger_by_key ON ledger (kind, key, seq);

CREATE TRIGGER ledger_keeps_entries BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_drops_nothing BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TABLE ledger_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    recorded_at INTEGER NOT NULL
) STRICT;
INSERT INTO ledger_head (one, seq, hash, recorded_at) VALUES (1, 0, zeroblob(32), 0);

CREATE TABLE latest (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    seq INTEGER NOT NULL REFERENCES ledger (seq),
    same BLOB NOT NULL CHECK (length(same) = 32), -- tells whether another version says the same
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX latest_by_time ON latest (kind, at, key);
