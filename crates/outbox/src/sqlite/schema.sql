-- Version 1. `docs/internals/outbox.md` draws the tables.

-- The last position, and the last one that is gone. SQLite has one writer at a time, so positions are given in the order
-- of commits, and one that was rolled back is given again.
CREATE TABLE outbox_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL,
    at INTEGER NOT NULL,
    dropped INTEGER NOT NULL
);
INSERT INTO outbox_head VALUES (1, 0, 0, 0);

CREATE TABLE outbox_followers (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;

-- Four slots take turns; one that everybody has is emptied as a whole.
CREATE TABLE outbox_0 (position INTEGER PRIMARY KEY, at INTEGER NOT NULL, event BLOB NOT NULL, type TEXT NOT NULL,
    stream TEXT NOT NULL, time INTEGER NOT NULL, tags TEXT NOT NULL, metadata BLOB NOT NULL, data BLOB NOT NULL);
CREATE TABLE outbox_1 (position INTEGER PRIMARY KEY, at INTEGER NOT NULL, event BLOB NOT NULL, type TEXT NOT NULL,
    stream TEXT NOT NULL, time INTEGER NOT NULL, tags TEXT NOT NULL, metadata BLOB NOT NULL, data BLOB NOT NULL);
CREATE TABLE outbox_2 (position INTEGER PRIMARY KEY, at INTEGER NOT NULL, event BLOB NOT NULL, type TEXT NOT NULL,
    stream TEXT NOT NULL, time INTEGER NOT NULL, tags TEXT NOT NULL, metadata BLOB NOT NULL, data BLOB NOT NULL);
CREATE TABLE outbox_3 (position INTEGER PRIMARY KEY, at INTEGER NOT NULL, event BLOB NOT NULL, type TEXT NOT NULL,
    stream TEXT NOT NULL, time INTEGER NOT NULL, tags TEXT NOT NULL, metadata BLOB NOT NULL, data BLOB NOT NULL);

CREATE VIEW outbox AS
    SELECT * FROM outbox_0 UNION ALL SELECT * FROM outbox_1 UNION ALL SELECT * FROM outbox_2
    UNION ALL SELECT * FROM outbox_3;

-- What a follower has had its effect of: up to here for a source with positions, and which ids for one without.
CREATE TABLE inbox (follower TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE inbox_ids_0 (follower TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (follower, id)) WITHOUT ROWID;
CREATE TABLE inbox_ids_1 (follower TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (follower, id)) WITHOUT ROWID;
CREATE TABLE inbox_ids_2 (follower TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (follower, id)) WITHOUT ROWID;
