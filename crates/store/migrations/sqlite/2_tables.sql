-- What is counted over by the million: columns read from the latest bodies, so
-- that sums need no JSON. They hold nothing that the ledger does not.

CREATE TABLE change (
    key TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    shipped_at INTEGER NOT NULL,
    week INTEGER NOT NULL, -- weeks since Monday, 1969-12-29, in UTC
    repository TEXT NOT NULL,
    kind TEXT NOT NULL,
    team TEXT NOT NULL,
    author_level TEXT NOT NULL,
    services TEXT NOT NULL, -- in order, joined by spaces
    tier INTEGER NOT NULL, -- -1: none known
    lines INTEGER NOT NULL,
    size INTEGER NOT NULL, -- which bucket of lines, from 0
    files INTEGER NOT NULL,
    involvement TEXT NOT NULL,
    verdict TEXT NOT NULL,
    environment TEXT NOT NULL,
    bypassed INTEGER NOT NULL
) STRICT;
CREATE INDEX change_exposure ON change
    (week, services, tier, team, author_level, size, involvement, environment);

CREATE TABLE change_service (
    key TEXT NOT NULL,
    service TEXT NOT NULL,
    week INTEGER NOT NULL,
    involvement TEXT NOT NULL,
    PRIMARY KEY (key, service)
) STRICT;
CREATE INDEX change_service_by_week ON change_service (week, service, involvement);

CREATE TABLE incident (
    key TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    week INTEGER NOT NULL,
    detected_at INTEGER,
    mitigated_at INTEGER,
    resolved_at INTEGER,
    severity INTEGER NOT NULL, -- 1 is worst; 0: none known
    status TEXT NOT NULL,
    counts INTEGER NOT NULL, -- 0 when dismissed or a duplicate
    services TEXT NOT NULL,
    ai TEXT NOT NULL
) STRICT;
CREATE INDEX incident_by_time ON incident (started_at, key);

-- Which version of the reading of bodies filled these tables.
CREATE TABLE projection (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO projection (one, version) VALUES (1, 0);
