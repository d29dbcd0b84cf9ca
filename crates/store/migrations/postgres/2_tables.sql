-- What is counted over by the million: columns read from the latest bodies, so
-- that sums need no JSON. They hold nothing that the ledger does not.

CREATE TABLE change (
    key TEXT COLLATE "C" PRIMARY KEY,
    seq BIGINT NOT NULL,
    shipped_at BIGINT NOT NULL,
    week BIGINT NOT NULL, -- weeks since Monday, 1969-12-29, in UTC
    repository TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    team TEXT COLLATE "C" NOT NULL,
    author_level TEXT COLLATE "C" NOT NULL,
    services TEXT COLLATE "C" NOT NULL, -- in order, joined by spaces
    tier BIGINT NOT NULL, -- -1: none known
    lines BIGINT NOT NULL,
    size BIGINT NOT NULL, -- which bucket of lines, from 0
    files BIGINT NOT NULL,
    involvement TEXT COLLATE "C" NOT NULL,
    verdict TEXT COLLATE "C" NOT NULL,
    environment TEXT COLLATE "C" NOT NULL,
    bypassed BIGINT NOT NULL
);
CREATE INDEX change_exposure ON change
    (week, services, tier, team, author_level, size, involvement, environment);

CREATE TABLE change_service (
    key TEXT COLLATE "C" NOT NULL,
    service TEXT COLLATE "C" NOT NULL,
    week BIGINT NOT NULL,
    involvement TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (key, service)
);
CREATE INDEX change_service_by_week ON change_service (week, service, involvement);

CREATE TABLE incident (
    key TEXT COLLATE "C" PRIMARY KEY,
    seq BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    week BIGINT NOT NULL,
    detected_at BIGINT,
    mitigated_at BIGINT,
    resolved_at BIGINT,
    severity BIGINT NOT NULL, -- 1 is worst; 0: none known
    status TEXT COLLATE "C" NOT NULL,
    counts BIGINT NOT NULL, -- 0 when dismissed or a duplicate
    services TEXT COLLATE "C" NOT NULL,
    ai TEXT COLLATE "C" NOT NULL
);
CREATE INDEX incident_by_time ON incident (started_at, key);

-- Which version of the reading of bodies filled these tables.
CREATE TABLE projection (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    version BIGINT NOT NULL
);
INSERT INTO projection (one, version) VALUES (1, 0);
