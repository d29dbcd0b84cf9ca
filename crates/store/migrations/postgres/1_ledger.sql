-- The ledger, its end, and the latest entry of everything recorded.

CREATE TABLE ledger (
    seq BIGINT PRIMARY KEY,
    recorded_at BIGINT NOT NULL, -- microseconds since 1970-01-01 UTC, as all times
    recorded_by TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX ledger_by_key ON ledger (kind, key, seq);

CREATE FUNCTION ledger_refuses() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;
CREATE TRIGGER ledger_keeps_entries BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION ledger_refuses();
CREATE TRIGGER ledger_keeps_all BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuses();

CREATE TABLE ledger_head (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    recorded_at BIGINT NOT NULL
);
INSERT INTO ledger_head (one, seq, hash, recorded_at)
VALUES (1, 0, decode(repeat('00', 32), 'hex'), 0);

CREATE TABLE latest (
    kind TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    seq BIGINT NOT NULL REFERENCES ledger (seq),
    same BYTEA NOT NULL CHECK (length(same) = 32), -- tells whether another version says the same
    PRIMARY KEY (kind, key)
);
CREATE INDEX latest_by_time ON latest (kind, at, key);
