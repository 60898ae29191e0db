-- Registers (internal/register): what they delivered, kept as rows that are never changed. What ends a row's registration is
-- a row of its own, and what a delivery brought is seen from when its state says so: a row by row_after, for of one register
-- no more than one delivery is being staged, and its numbers are the last.
CREATE TABLE registers (
  n             INTEGER PRIMARY KEY,
  name          TEXT    NOT NULL UNIQUE,
  last_delivery INTEGER NOT NULL,         -- the last number given to a delivery,
  last_row      INTEGER NOT NULL,         -- to a row,
  last_outgoing INTEGER NOT NULL          -- and to an event to be; none is ever given twice
) STRICT;

CREATE TABLE register_types (
  n        INTEGER PRIMARY KEY,
  register INTEGER NOT NULL,              -- registers.n
  name     TEXT    NOT NULL,              -- of the entity type
  UNIQUE (register, name)
) STRICT;

CREATE TABLE register_deliveries (
  register       INTEGER NOT NULL,
  number         INTEGER NOT NULL,        -- from 1, in the order in which they were begun
  id             TEXT    NOT NULL,        -- the register's
  state          TEXT    NOT NULL,        -- register.State
  row_after      INTEGER NOT NULL,        -- its rows have numbers above this one,
  outgoing_after INTEGER NOT NULL,        -- and its events above this one
  staged         INTEGER NOT NULL,        -- entities
  digest         BLOB    NOT NULL,
  rows           INTEGER NOT NULL,
  closed         INTEGER NOT NULL,
  events         INTEGER NOT NULL,
  begun          INTEGER NOT NULL,        -- µs UTC
  ended          INTEGER NOT NULL,        -- µs UTC; 0: staging
  reason         TEXT    NOT NULL,        -- of a refusal; while it is still staging what is staged of it is being deleted
  PRIMARY KEY (register, number)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX register_deliveries_by_id ON register_deliveries (register, id);
CREATE UNIQUE INDEX register_deliveries_staging ON register_deliveries (register) WHERE state = 'staging';
CREATE INDEX register_deliveries_committed ON register_deliveries (state) WHERE state = 'committed';

CREATE TABLE register_rows (
  type            INTEGER NOT NULL,       -- register_types.n
  number          INTEGER NOT NULL,       -- in the register
  id              BLOB    NOT NULL,       -- 16 bytes: register.Handle, of the row
  object          BLOB    NOT NULL,       -- and of its object
  registered_from INTEGER NOT NULL,       -- µs UTC
  registered_to   INTEGER NOT NULL,       -- as it was delivered; a closing may be earlier
  effect_from     INTEGER NOT NULL,
  effect_to       INTEGER NOT NULL,
  delivery        INTEGER NOT NULL,
  key             INTEGER,                -- data_keys.n, of no retention and the day on which the delivery was begun; NULL:
  sealed          BLOB                    -- the data, bound to type and number; NULL: erased with a person
) STRICT;

CREATE UNIQUE INDEX register_rows_by_number ON register_rows (type, number);
CREATE UNIQUE INDEX register_rows_by_id ON register_rows (type, id);
CREATE UNIQUE INDEX register_rows_by_object ON register_rows (type, object, number);

CREATE TABLE register_closings (
  register INTEGER NOT NULL,
  number   INTEGER NOT NULL,              -- of the row whose registration ends
  at       INTEGER NOT NULL,              -- µs UTC
  delivery INTEGER NOT NULL,
  PRIMARY KEY (register, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX register_closings_by_delivery ON register_closings (register, delivery, number);

-- Events that follow from deliveries and are not in the log yet.
CREATE TABLE register_outgoing (
  register INTEGER NOT NULL,
  number   INTEGER NOT NULL,              -- in the order of the operations, over all deliveries
  delivery INTEGER NOT NULL,
  key      INTEGER NOT NULL,              -- data_keys.n
  sealed   BLOB    NOT NULL               -- the draft; bound to register and number
) STRICT;

CREATE UNIQUE INDEX register_outgoing_by_number ON register_outgoing (register, number);

-- What rows and events to be are found by when a person is erased.
CREATE TABLE register_persons (
  clue     BLOB    NOT NULL,              -- 16 bytes: event.Clue of a personal value
  type     INTEGER NOT NULL,              -- register_types.n of a row; of an event to be -registers.n
  number   INTEGER NOT NULL,              -- of the row or the event, in its register
  delivery INTEGER NOT NULL,
  object   INTEGER NOT NULL,              -- 1: the value is one of those that tell the row's object apart
  PRIMARY KEY (clue, type, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX register_persons_by_number ON register_persons (type, number);

ALTER TABLE erasures ADD COLUMN rows TEXT NOT NULL DEFAULT ''; -- eventlog.FormatRows

-- A subscription's filter may hold persons' numbers: its document is sealed.
ALTER TABLE revisions ADD COLUMN key INTEGER;   -- data_keys.n, of no retention and the day on which it was recorded
ALTER TABLE revisions ADD COLUMN sealed BLOB;   -- the document, bound to position and recorded; NULL: it is document

-- Receipts of systems for messages (F40 to F42): kept longer than the messages.
CREATE TABLE receipts (
  system   TEXT    NOT NULL,              -- its name
  message  BLOB    NOT NULL,              -- 16 bytes, the message id
  position INTEGER NOT NULL,              -- of the event
  type     TEXT    NOT NULL,
  at       INTEGER NOT NULL,              -- µs UTC
  key      INTEGER,                       -- data_keys.n; NULL: erased with a person
  sealed   BLOB,                          -- object ids and text; bound to system and message
  PRIMARY KEY (message, system)
) STRICT, WITHOUT ROWID;

CREATE INDEX receipts_at ON receipts (at);
CREATE INDEX receipts_position ON receipts (position);
