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
