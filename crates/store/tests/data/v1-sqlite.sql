BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'ledger','2026-11-28 09:59:39',1,X'A59E2EC70B6BCCF4E09AFE6F504F4AA488F5E3128AC0154CB5E148324FFCAF10FAE5CD182A0C11FE0BA99CAD32E831C4',9613055);
CREATE TABLE latest (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    seq INTEGER NOT NULL REFERENCES ledger (seq),
    same BLOB NOT NULL CHECK (length(same) = 32), -- tells whether another version says the same
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "latest" VALUES('change','shop@c1',1772452800000000,1,X'A1B0329B84D964DB13D8BC3C1D5A686026BD9D7D5367DEB35EAA7C8D4CDC0882');
INSERT INTO "latest" VALUES('change','shop@c2',1772539200000000,2,X'FE7A3C28A7F081608A94BCFEB0473ACF2BD16310E2632FB869AC34C97C4CF120');
INSERT INTO "latest" VALUES('change','shop@c3',1773144000000000,3,X'BAC4A4E278E37B097C0BD0E249E938327770B7D9F3ACB4BC79D2231515E34392');
INSERT INTO "latest" VALUES('incident','i1',1772539200000000,7,X'5AE8EF28F68C5CF15437ECB1CB202FD5EFDC7E0C44FF911729FE2B5F6EE1897D');
INSERT INTO "latest" VALUES('incident','i2',1773230400000000,5,X'6D511BB9D98F3172775F0A9F1E54A05639FB39490DC8A09645C5F99CF6ADE88D');
INSERT INTO "latest" VALUES('note','n1',1772452800000000,6,X'2E49C9F8A0BE46CB8696BB99467CEEAF4377F78CD042A43A609DCEAC3CB18209');
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
INSERT INTO "ledger" VALUES(1,1770000000000000,'ann','change','shop@c1',1772452800000000,'{"kind":"change","record":{"author_level":"mid","change":{"id":"shop@c1","repository":"shop"},"environment":"production","files":2,"involvement":"yes","kind":"merge","lines":40,"noted":{"at":"2026-06-01T00:00:00Z","by":"history"},"services":["checkout"],"shipped_at":"2026-03-02T12:00:00Z","team":"checkout","tier":1},"version":1}',X'9DDA78813BFFA707F21231F1A3B1624F5E46DC6B5AC90B1FD8F55F423E6C5063');
INSERT INTO "ledger" VALUES(2,1770000000000001,'ann','change','shop@c2',1772539200000000,'{"kind":"change","record":{"author_level":"mid","change":{"id":"shop@c2","repository":"shop"},"environment":"production","files":2,"involvement":"unknown","kind":"merge","lines":40,"noted":{"at":"2026-06-01T00:00:00Z","by":"history"},"services":["checkout","pay"],"shipped_at":"2026-03-03T12:00:00Z","team":"checkout","tier":1},"version":1}',X'F758095C764A7D3EAD4E48FBD4A765931C45CBDE11F7CE80152B538732F6FBDA');
INSERT INTO "ledger" VALUES(3,1770000000000002,'ann','change','shop@c3',1773144000000000,'{"kind":"change","record":{"author_level":"mid","change":{"id":"shop@c3","repository":"shop"},"environment":"production","files":2,"involvement":"yes","kind":"merge","lines":40,"noted":{"at":"2026-06-01T00:00:00Z","by":"history"},"services":["checkout"],"shipped_at":"2026-03-10T12:00:00Z","team":null,"tier":1},"version":1}',X'A877E09E75BA5E38EDE1C4446B0F6BB09D872D7DECA76CA63BBC8A5961B6A9C4');
INSERT INTO "ledger" VALUES(4,1770000000000003,'ann','incident','i1',1772539200000000,'{"kind":"incident","record":{"ai":["unknown"],"id":"i1","noted":{"at":"2026-06-01T00:00:00Z","by":"pager"},"resolved":"2026-03-03T13:00:00Z","services":["checkout"],"severity":"sev2","started":"2026-03-03T12:00:00Z","status":"resolved","title":"Orders fail"},"version":1}',X'6A3E325A46152AA75E4B47E1A5A9ED94F3010843D4BA72F3CCA15EE58CA1D16D');
INSERT INTO "ledger" VALUES(5,1770000000000004,'ann','incident','i2',1773230400000000,'{"kind":"incident","record":{"ai":["unknown"],"id":"i2","noted":{"at":"2026-06-01T00:00:00Z","by":"pager"},"resolved":"2026-03-11T13:00:00Z","services":["checkout"],"severity":"sev1","started":"2026-03-11T12:00:00Z","status":"resolved","title":"Orders fail"},"version":1}',X'3676B3D02B29D3DE1E00ECC2277EB268F6306637304F848D61C3D93D6E8C305E');
INSERT INTO "ledger" VALUES(6,1770000000000005,'ann','note','n1',1772452800000000,'{"text":"quotes '' \" and 日本"}',X'F38B0CE5DBD1924991C90A9C9A2638779423BD2A397D66DB1A7CED9C69DCD5F7');
INSERT INTO "ledger" VALUES(7,1770000000000006,'ann','incident','i1',1772539200000000,'{"kind":"incident","record":{"ai":["unknown"],"id":"i1","noted":{"at":"2026-06-01T00:00:00Z","by":"pager"},"resolved":"2026-03-03T13:00:00Z","services":["checkout"],"severity":"sev3","started":"2026-03-03T12:00:00Z","status":"resolved","title":"Orders fail"},"version":1}',X'DE028C7CD2D181F19D1F779B008ACD9A89CCCFDBBB2DD61F1A5DBE192939D19E');
CREATE TABLE ledger_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    recorded_at INTEGER NOT NULL
) STRICT;
INSERT INTO "ledger_head" VALUES(1,7,X'DE028C7CD2D181F19D1F779B008ACD9A89CCCFDBBB2DD61F1A5DBE192939D19E',1770000000000006);
CREATE INDEX ledger_by_key ON ledger (kind, key, seq);
CREATE TRIGGER ledger_keeps_entries BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_drops_nothing BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE INDEX latest_by_time ON latest (kind, at, key);
COMMIT;
