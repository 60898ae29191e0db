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
