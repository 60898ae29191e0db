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
CREATE TABLE payloads (
  position INTEGER PRIMARY KEY,
  key      INTEGER NOT NULL,              -- data_keys.n
  sealed   BLOB    NOT NULL               -- nonce, AES-256-GCM ciphertext, tag; bound to the position
) STRICT;
CREATE TABLE data_keys (
  n       INTEGER PRIMARY KEY,
  class   TEXT    NOT NULL,               -- retention of the events' types; empty: for ever
  day     INTEGER NOT NULL,               -- when the events were recorded: days UTC since 1970-01-01
  kek     TEXT    NOT NULL,               -- the vault's key that wraps it
  wrapped BLOB                            -- bound to n, class and day; NULL: destroyed
) STRICT;
CREATE INDEX data_keys_by_class ON data_keys (class, day);
CREATE TABLE pruning (
  class TEXT    NOT NULL,                 -- as in data_keys
  day   INTEGER NOT NULL,
  place INTEGER NOT NULL,                 -- positions up to here are pruned
  last  INTEGER NOT NULL,                 -- the day's last position
  PRIMARY KEY (class, day)
) STRICT, WITHOUT ROWID;
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
CREATE TABLE revisions (
  position INTEGER PRIMARY KEY,
  recorded INTEGER NOT NULL,
  author   TEXT    NOT NULL,
  kind     TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  document TEXT                           -- NULL: removed
) STRICT;
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
CREATE TABLE tallies (
  consumer INTEGER NOT NULL,
  line     TEXT    NOT NULL,              -- subscription id
  day      INTEGER NOT NULL,              -- UTC, days since 1970-01-01
  outcome  INTEGER NOT NULL,              -- eventlog.Outcome
  replayed INTEGER NOT NULL,              -- 1: brought by a replay
  count    INTEGER NOT NULL,
  PRIMARY KEY (consumer, line, day, outcome, replayed)
) STRICT, WITHOUT ROWID;
CREATE TABLE readings (
  consumer  INTEGER NOT NULL,
  rest      INTEGER NOT NULL,             -- 1: upto is a place in what was left over
  upto      INTEGER NOT NULL,
  served    INTEGER NOT NULL,             -- µs UTC, first
  confirmed INTEGER NOT NULL,             -- µs UTC, first; 0: the reader has not come back with it
  PRIMARY KEY (consumer, rest, upto)
) STRICT, WITHOUT ROWID;
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
INSERT INTO events VALUES (4, 86400000001, X'0649690492DA5111A747CE80697DA76C', 1, 1, 1, '5:101', X'01000000000000000000000000000000', 1);
INSERT INTO events VALUES (5, 86400000002, X'45E4B0D44AD5512FB630442D8BBA6663', 1, 1, 2, '5:101', X'02000000000000000000000000000000', 1);
INSERT INTO events VALUES (6, 86400000003, X'12E2A5258E375C07B8AD40A92B76D0EA', 1, 1, 3, '', X'00000000000000000000000000000006', 0);
INSERT INTO events VALUES (7, 86400000004, X'E285672A34DA5DB8A07797D7A8458DBF', 1, 1, 4, '5:101', X'02000000000000000000000000000000', 1);
INSERT INTO events VALUES (8, 86400000005, X'C443D0B3E1315FA39C973F50A5CFB666', 1, 1, 5, '5:101', X'02000000000000000000000000000000', 1);
INSERT INTO events VALUES (9, 86400000006, X'B58CED8D5A8B5D69AEF8CCA4DD08EAD2', 1, 1, 6, '5:101', X'02000000000000000000000000000000', 1);
INSERT INTO payloads VALUES (4, 1, X'5B63827845DF22EC234F1206B2A5B7F48F434A4AFE13C6A09E707603D56371FC795B54B9C43F23FE27F522B44E56B8B7197A76397FDCDFBD7B39A70AE344CA2B8DB85EAA7B079954898142408337A14D4CA3D3');
INSERT INTO payloads VALUES (5, 1, X'C02D004F1C5574BB9DC192B020FE43E83DF84E3171A2F0480EC309C957D76F7568E13CD56726965D9B1B943762F966980A5EEC7DECD29EF74EC5FEBA9FB45411BE075701E6595828FDCC623D40A6F49E53B7BE');
INSERT INTO payloads VALUES (6, 2, X'20DEB6478ACD0F2BA38CE638FBE9A2D47ECBDE2C85A803483BC92BF5C955EA0F886CAE075686529A707E26CC8D98B6FC64B6348C1150C49E903F600857');
INSERT INTO payloads VALUES (7, 1, X'53B82921A26A3FD118E69377918C3DDCA952F466C423381BD226BEBE20FFC0F4F6699CBC4C46DF41080602CB6634CB');
INSERT INTO payloads VALUES (8, 3, X'67BBE31D31AB1973312C6C54182516EBE4376DB455874EEC4CBE50518136934875BF9CDBE110102B0833F2A5145CB3C64AF3561A0EF6BE7AB3F042F57624950B7973320D0370D5265D1A5FE0B002F3BB80745F');
INSERT INTO payloads VALUES (9, 1, X'BFEA1AB1807242FAE748E496CCE0490BFC3BCCC6EC4AE735C4882538F1A0831115D2199836FF0D83AB1E4832AFE744A3F6BAED52E3DAB773F0A1FC0F68209256DBCB175D23470D92BA10164E9BBA5E31E754F7');
INSERT INTO data_keys VALUES (1, 'P30D', 1, '01a20611-5d1f-7034-a44c-845a10db3c0c', X'B8BEE811DCE54B0261A9104E1165EE4BB69D179D11DC3BE58F76B3AB2C2A9787EDF72512B846603C0BEED0447DDC12388BC417CC31F037C59E14EB01');
INSERT INTO data_keys VALUES (2, '', 1, '01a20611-5d1f-7034-a44c-845a10db3c0c', X'B792786B999CD3960E5FBF359249D6A44CAF7C4CACF6C9A319EB596EC148BF05CCBB4979836441C76B5C27D613765E1A97578E68FF4724E4EE82B8A5');
INSERT INTO data_keys VALUES (3, 'P1D', 1, '01a20611-5d1f-7034-a44c-845a10db3c0c', NULL);
INSERT INTO pruning VALUES ('P1D', 1, 0, 9);
INSERT INTO erasures VALUES (1, 86400000011, 'æøå''', 'case 7', 9, 2, X'05A702', 0);
INSERT INTO event_ids VALUES (1, 'sample-1', 4);
INSERT INTO event_ids VALUES (1, 'sample-2', 5);
INSERT INTO event_ids VALUES (1, 'sample-3', 6);
INSERT INTO event_ids VALUES (1, 'sample-4', 7);
INSERT INTO event_ids VALUES (1, 'sample-5', 8);
INSERT INTO event_ids VALUES (1, 'sample-6', 9);
INSERT INTO sources VALUES (1, 'urn:s');
INSERT INTO types VALUES (1, 't', 'v1');
INSERT INTO revisions VALUES (1, 86400000000, 'me', 'source', 'a', '{"name":"a","uri":"urn:s","title":"","types":null}');
INSERT INTO revisions VALUES (2, 86400000000, 'me', 'source', 'b', NULL);
INSERT INTO revisions VALUES (3, 86400000000, 'æøå''', 'event-type', 't', '{"name":"t","title":"","order":"","personal":false,"retention":"P30D"}');
INSERT INTO consumers VALUES (1, 'fine', 4, 9, 4, 9, 0, 0);
INSERT INTO consumers VALUES (2, 'gone', 4, 3, 0, 3, 86400000010, 3);
INSERT INTO attempts VALUES (4, 1, 1, 1, 1, 422, 1000, 0);
INSERT INTO attempts VALUES (4, 1, 2, 2, 3, 422, 1000, 0);
INSERT INTO attempts VALUES (6, 1, 1, 3, 4, 204, 0, 0);
INSERT INTO attempt_details VALUES (4, 1, 1, 'why', 1, X'68FFF19594FDA103195E4DD734C5B60231A13F3D5E8DAE1831E069AB2DACA28AE0F6EF5E9AF17C0FF4CE6DE649A9AF49966A79F344829E2968937077BBB0C37CAB53EAB90CF66366BB3C');
INSERT INTO attempt_details VALUES (4, 1, 2, 'why', 1, X'CF55AB9119552AA29EDD1F624124051BCF5CA9B2139936AF0C780C836205E56918101CCDA470E6877FAD5880DAEF2905268EF764A602C2B74BFE20ECDDA5B65FBEA815D14F32240EF455');
INSERT INTO blocked VALUES (1, X'01000000000000000000000000000000', 4, 'line', 3, 2, 2, 5, 6, 7, 422, 'why', 0);
INSERT INTO blocked VALUES (1, X'02000000000000000000000000000000', 5, 'line', 1, 1, 1, 8, 9, 0, 503, '', 0);
INSERT INTO waiting VALUES (1, X'02000000000000000000000000000000', 7, 'line', 0, 0);
INSERT INTO waiting VALUES (1, X'02000000000000000000000000000000', 9, 'line', 0, 0);
INSERT INTO tallies VALUES (1, 'line', 1, 11, 0, 5);
INSERT INTO tallies VALUES (1, 'line', 2, 4, 1, 1);
INSERT INTO readings VALUES (1, 0, 5, 11, 12);
INSERT INTO readings VALUES (1, 0, 6, 11, 0);
INSERT INTO readings VALUES (1, 1, 4, 13, 0);
INSERT INTO epochs VALUES (1, 769073915, 0);
INSERT INTO endpoints VALUES ('s', 'https://example.org/in', 7);
INSERT INTO hub VALUES ('clue maker', '');
INSERT INTO hub VALUES ('clues', '0');
INSERT INTO hub VALUES ('probe', '');
INSERT INTO hub VALUES ('version', 'v0.1');
PRAGMA user_version=1;
