-- Streams that sources are read from, at brokers: how far, and what could not be taken.
CREATE TABLE streams (
  source  TEXT    NOT NULL PRIMARY KEY,   -- its name
  changes INTEGER NOT NULL,               -- how often what is set aside has changed
  last    INTEGER NOT NULL                -- the highest number in aside there ever was
) STRICT, WITHOUT ROWID;

CREATE TABLE stream_places (
  source    TEXT    NOT NULL,
  stream    TEXT    NOT NULL,             -- which stream of the source's
  partition INTEGER NOT NULL,
  next      INTEGER NOT NULL,             -- the offset to read next
  PRIMARY KEY (source, stream, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE aside (
  source    TEXT    NOT NULL,
  number    INTEGER NOT NULL,             -- from 1, in the order of the stream
  partition INTEGER NOT NULL,
  place     INTEGER NOT NULL,             -- its offset
  at        INTEGER NOT NULL,             -- µs UTC
  lane      BLOB    NOT NULL,             -- 16 bytes; zero: the key could not be read
  outer     BLOB    NOT NULL,             -- 16 bytes, of the broker's key; zero: none
  code      TEXT    NOT NULL,             -- fault.Code
  reason    TEXT    NOT NULL,
  key       INTEGER NOT NULL,             -- data_keys.n
  sealed    BLOB    NOT NULL,             -- the message; bound to source and number
  PRIMARY KEY (source, number)
) STRICT, WITHOUT ROWID;
