-- The event log. Skeletons stand apart from payloads, so that forgetting a payload leaves the proof; the uniqueness of
-- source and id has a table of its own, clustered by id, so that ids that grow with time cost an append.
CREATE TABLE events (
  position     INTEGER PRIMARY KEY,
  recorded     INTEGER NOT NULL,          -- µs UTC, never falls as position rises
  id           BLOB    NOT NULL,          -- message id, 16 bytes
  source       INTEGER NOT NULL,          -- sources.n
  type         INTEGER NOT NULL,          -- types.n
  time         INTEGER NOT NULL,          -- µs UTC
  organisation TEXT    NOT NULL,          -- type:code or empty
  lane         BLOB    NOT NULL,          -- 16 bytes; zero: forgotten
  flags        INTEGER NOT NULL           -- 1: personal; 2: forgotten, and its rows pruned
) STRICT;

-- What an event says: head, media type and data, sealed in one.
CREATE TABLE payloads (
  position INTEGER PRIMARY KEY,
  key      INTEGER NOT NULL,              -- data_keys.n
  sealed   BLOB    NOT NULL               -- nonce, AES-256-GCM ciphertext, tag; bound to the position
) STRICT;

-- A key for each class and day, and one more for each process that sealed. Rows stay when their key is destroyed: then
-- what it sealed is forgotten, while a row that is not there is damage.
CREATE TABLE data_keys (
  n       INTEGER PRIMARY KEY,
  class   TEXT    NOT NULL,               -- retention of the events' types; empty: for ever
  day     INTEGER NOT NULL,               -- when the events were recorded: days UTC since 1970-01-01
  kek     TEXT    NOT NULL,               -- the vault's key that wraps it
  wrapped BLOB                            -- bound to n, class and day; NULL: destroyed
) STRICT;

CREATE INDEX data_keys_by_class ON data_keys (class, day);

-- What was forgotten and is still to be pruned: rows that nobody can read any more.
CREATE TABLE pruning (
  class TEXT    NOT NULL,                 -- as in data_keys
  day   INTEGER NOT NULL,
  place INTEGER NOT NULL,                 -- positions up to here are pruned
  last  INTEGER NOT NULL,                 -- the day's last position
  PRIMARY KEY (class, day)
) STRICT, WITHOUT ROWID;

-- Persons who were erased: which events that was, never who.
CREATE TABLE erasures (
  n         INTEGER PRIMARY KEY,
  at        INTEGER NOT NULL,             -- µs UTC
  author    TEXT    NOT NULL,
  reason    TEXT    NOT NULL,
  upto      INTEGER NOT NULL,             -- the log was searched up to here
  events    INTEGER NOT NULL,             -- how many positions
  positions BLOB    NOT NULL,             -- differences, each an unsigned varint
  ended     INTEGER NOT NULL              -- µs UTC; 0: it goes on
) STRICT;

CREATE TABLE event_ids (
  source   INTEGER NOT NULL,
  id       TEXT    NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (source, id)
) STRICT, WITHOUT ROWID;

-- What events are found by. The clues of what is forgotten together stand together, so that forgetting them is one
-- delete of rows side by side. Message ids are nobody's secret and stay: theirs are in segments of the class "message ids".
CREATE TABLE segments (
  n     INTEGER PRIMARY KEY,
  day   INTEGER NOT NULL,                 -- of data_keys.day; below 0: forgotten, nothing is found by it
  class TEXT    NOT NULL,                 -- of data_keys.class
  UNIQUE (day, class)
) STRICT;

CREATE TABLE clues (
  segment  INTEGER NOT NULL,
  clue     BLOB    NOT NULL,              -- 16 bytes: a keyed hash (event.Clue), or a message id
  position INTEGER NOT NULL,
  PRIMARY KEY (segment, clue, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE sources (n INTEGER PRIMARY KEY, uri TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE types (
  n       INTEGER PRIMARY KEY,
  type    TEXT NOT NULL,
  version TEXT NOT NULL,
  UNIQUE (type, version)
) STRICT;

-- Configuration, as changes with a position in the log.
CREATE TABLE revisions (
  position INTEGER PRIMARY KEY,
  recorded INTEGER NOT NULL,
  author   TEXT    NOT NULL,
  kind     TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  document TEXT                           -- NULL: removed
) STRICT;

-- What people and the hub did, each entry sealed together with the one before it (internal/audit).
CREATE TABLE audit (
  number   INTEGER PRIMARY KEY,           -- from 1 without gaps
  at       INTEGER NOT NULL,              -- µs UTC
  actor    TEXT    NOT NULL,
  act      TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  detail   TEXT    NOT NULL,              -- JSON or empty
  position INTEGER NOT NULL,              -- of the last revision it made; 0: none
  mac      BLOB    NOT NULL
) STRICT;

-- Delivery. Success costs one attempts row; only trouble has rows in blocked and waiting.
CREATE TABLE consumers (
  id      INTEGER PRIMARY KEY,
  name    TEXT    NOT NULL UNIQUE,
  low     INTEGER NOT NULL,               -- every position below is done, on disk below, or not for it
  high    INTEGER NOT NULL,               -- no position above has been touched
  pending INTEGER NOT NULL DEFAULT 0,     -- matched and not ended, of all up to counted
  counted INTEGER NOT NULL DEFAULT 0,
  ended   INTEGER NOT NULL DEFAULT 0,     -- µs UTC; 0: it goes on
  dropped INTEGER NOT NULL DEFAULT 0      -- deliveries that went when it ended
) STRICT;

CREATE TABLE attempts (
  position INTEGER NOT NULL,
  consumer INTEGER NOT NULL,
  number   INTEGER NOT NULL,
  at       INTEGER NOT NULL,              -- µs UTC
  outcome  INTEGER NOT NULL,              -- eventlog.Outcome
  status   INTEGER NOT NULL,              -- of the answer; 0: none
  duration INTEGER NOT NULL,              -- µs
  pass     INTEGER NOT NULL,              -- of a replay: passes.n; 0: none
  PRIMARY KEY (position, consumer, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt_details (
  position INTEGER NOT NULL,
  consumer INTEGER NOT NULL,
  number   INTEGER NOT NULL,
  reason   TEXT    NOT NULL,
  key      INTEGER,                       -- data_keys.n, of the event's class and day; NULL: the event was forgotten
  sealed   BLOB,                          -- detail and body; bound to position, consumer and number
  PRIMARY KEY (position, consumer, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE blocked (
  consumer INTEGER NOT NULL,
  lane     BLOB    NOT NULL,
  position INTEGER NOT NULL,              -- of the head
  line     TEXT    NOT NULL,              -- subscription id
  state    INTEGER NOT NULL,              -- eventlog.BlockedState
  attempts INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  since    INTEGER NOT NULL,
  due      INTEGER NOT NULL,
  spell    INTEGER NOT NULL,
  status   INTEGER NOT NULL,
  reason   TEXT    NOT NULL,
  pass     INTEGER NOT NULL,              -- passes.n; 0: none
  PRIMARY KEY (consumer, lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE waiting (
  consumer INTEGER NOT NULL,
  lane     BLOB    NOT NULL,
  position INTEGER NOT NULL,
  line     TEXT    NOT NULL,
  pass     INTEGER NOT NULL,              -- passes.n; 0: none
  attempts INTEGER NOT NULL,              -- made before it began to wait here
  PRIMARY KEY (consumer, lane, position)
) STRICT, WITHOUT ROWID;

-- How many deliveries ended, and how: written with what they count, so that no figure is ever counted from the rest.
CREATE TABLE tallies (
  consumer INTEGER NOT NULL,
  line     TEXT    NOT NULL,              -- subscription id
  day      INTEGER NOT NULL,              -- UTC, days since 1970-01-01
  outcome  INTEGER NOT NULL,              -- eventlog.Outcome
  replayed INTEGER NOT NULL,              -- 1: brought by a replay
  count    INTEGER NOT NULL,
  PRIMARY KEY (consumer, line, day, outcome, replayed)
) STRICT, WITHOUT ROWID;

-- What readers by cursor were handed out, and came back with: a row for each answer that held something.
CREATE TABLE readings (
  consumer  INTEGER NOT NULL,
  rest      INTEGER NOT NULL,             -- 1: upto is a place in what was left over
  upto      INTEGER NOT NULL,
  served    INTEGER NOT NULL,             -- µs UTC, first
  confirmed INTEGER NOT NULL,             -- µs UTC, first; 0: the reader has not come back with it
  PRIMARY KEY (consumer, rest, upto)
) STRICT, WITHOUT ROWID;

-- Replays. What a pass has put into lanes stands in waiting; from its place on it has nothing put there yet.
CREATE TABLE passes (
  n        INTEGER PRIMARY KEY,
  consumer INTEGER NOT NULL,
  line     TEXT    NOT NULL,              -- subscription id
  author   TEXT    NOT NULL,
  began    INTEGER NOT NULL,              -- µs UTC
  filter   TEXT    NOT NULL,              -- eventlog.Filter as JSON
  rate     INTEGER NOT NULL,              -- events a second; 0: as fast as they are taken
  total    INTEGER NOT NULL,              -- events that are to go
  place    INTEGER NOT NULL,              -- positions up to here have been looked at
  done     INTEGER NOT NULL,              -- events put into lanes
  ended    INTEGER NOT NULL               -- µs UTC; 0: it goes on
) STRICT;

CREATE TABLE epochs (
  n     INTEGER PRIMARY KEY,
  id    INTEGER NOT NULL,
  after INTEGER NOT NULL                  -- positions up to here were taken over from the epoch before
) STRICT;

CREATE TABLE endpoints (
  system TEXT    NOT NULL,
  url    TEXT    NOT NULL,
  spell  INTEGER NOT NULL,                -- µs UTC when it began to reject
  PRIMARY KEY (system, url)
) STRICT, WITHOUT ROWID;

CREATE TABLE hub (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

INSERT INTO hub VALUES ('probe', '');
INSERT INTO hub VALUES ('clues', '0');    -- up to this position there are clues,
INSERT INTO hub VALUES ('clue maker', ''); -- made by this secret in this way (event.Hasher.ClueMaker)

-- The first epoch: an id that no other log has, as far as 30 random bits can tell.
INSERT INTO epochs VALUES (1, 1 + (random() & 0x3fffffff), 0);
