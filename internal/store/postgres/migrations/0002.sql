-- Registers. What is said of a table in the SQLite store's 0003.sql is not said again. Nothing here is written under the lock
-- of the log's end: who stages a delivery keeps nobody from publishing.
CREATE TABLE registers (
  n             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name          text   NOT NULL UNIQUE,
  last_delivery bigint NOT NULL,
  last_row      bigint NOT NULL,
  last_outgoing bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE register_types (
  n        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  register bigint NOT NULL,
  name     text   NOT NULL,
  UNIQUE (register, name)
);

CREATE TABLE register_deliveries (
  register       bigint NOT NULL,
  number         bigint NOT NULL,
  id             text   NOT NULL,
  state          text   NOT NULL,
  row_after      bigint NOT NULL,
  outgoing_after bigint NOT NULL,
  staged         bigint NOT NULL,
  digest         bytea  NOT NULL,
  rows           bigint NOT NULL,
  closed         bigint NOT NULL,
  events         bigint NOT NULL,
  begun          bigint NOT NULL,         -- µs UTC
  ended          bigint NOT NULL,
  reason         text   NOT NULL,
  PRIMARY KEY (register, number)
) WITH (fillfactor = 50);

CREATE UNIQUE INDEX register_deliveries_by_id ON register_deliveries (register, id);
CREATE UNIQUE INDEX register_deliveries_staging ON register_deliveries (register) WHERE state = 'staging';
CREATE INDEX register_deliveries_committed ON register_deliveries (state) WHERE state = 'committed';

CREATE TABLE register_rows (
  type            bigint NOT NULL,
  number          bigint NOT NULL,
  id              uuid   NOT NULL,
  object          uuid   NOT NULL,
  registered_from bigint NOT NULL,        -- µs UTC
  registered_to   bigint NOT NULL,
  effect_from     bigint NOT NULL,
  effect_to       bigint NOT NULL,
  delivery        bigint NOT NULL,
  key             bigint,                 -- NULL, as sealed: erased with a person
  sealed          bytea,
  PRIMARY KEY (type, number)
);

CREATE UNIQUE INDEX register_rows_by_id ON register_rows (type, id);
CREATE UNIQUE INDEX register_rows_by_object ON register_rows (type, object, number);
ALTER TABLE register_rows ALTER sealed SET STORAGE EXTERNAL;

CREATE TABLE register_closings (
  register bigint NOT NULL,
  number   bigint NOT NULL,
  at       bigint NOT NULL,               -- µs UTC
  delivery bigint NOT NULL,
  PRIMARY KEY (register, number)
);

CREATE INDEX register_closings_by_delivery ON register_closings (register, delivery, number);

CREATE TABLE register_outgoing (
  register bigint NOT NULL,
  number   bigint NOT NULL,
  delivery bigint NOT NULL,
  key      bigint NOT NULL,
  sealed   bytea  NOT NULL,
  PRIMARY KEY (register, number)
);

ALTER TABLE register_outgoing ALTER sealed SET STORAGE EXTERNAL;

CREATE TABLE register_persons (
  clue     uuid   NOT NULL,
  type     bigint NOT NULL,
  number   bigint NOT NULL,
  delivery bigint NOT NULL,
  object   bigint NOT NULL,
  PRIMARY KEY (clue, type, number)
);

CREATE INDEX register_persons_by_number ON register_persons (type, number);

ALTER TABLE erasures ADD COLUMN rows text NOT NULL DEFAULT '';

ALTER TABLE revisions ADD COLUMN key bigint;
ALTER TABLE revisions ADD COLUMN sealed bytea;

-- Receipts of systems for messages (F40 to F42): kept longer than the messages.
CREATE TABLE receipts (
  system   text COLLATE "C" NOT NULL,     -- its name
  message  uuid   NOT NULL,               -- the message id
  position bigint NOT NULL,               -- of the event
  type     text   NOT NULL,
  at       bigint NOT NULL,               -- µs UTC
  key      bigint,                        -- data_keys.n; NULL: erased with a person
  sealed   bytea,                         -- object ids and text; bound to system and message
  PRIMARY KEY (message, system)
);

CREATE INDEX receipts_at ON receipts (at);
CREATE INDEX receipts_position ON receipts (position);
