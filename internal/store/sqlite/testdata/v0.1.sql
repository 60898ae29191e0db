CREATE TABLE events (
  position     INTEGER PRIMARY KEY,
  recorded     INTEGER NOT NULL,          -- µs UTC, never falls as position rises
  id           BLOB    NOT NULL,          -- message id, 16 bytes
  source       INTEGER NOT NULL,          -- sources.n
  type         INTEGER NOT NULL,          -- types.n
  time         INTEGER NOT NULL,          -- µs UTC
  organisation TEXT    NOT NULL,          -- type:code or empty
  lane         BLOB    NOT NULL,          -- 16 bytes
  flags        INTEGER NOT NULL           -- 1: personal
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
CREATE TABLE event_ids (
  source   INTEGER NOT NULL,
  id       TEXT    NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (source, id)
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
  ended   INTEGER NOT NULL DEFAULT 0,
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
INSERT INTO payloads VALUES (4, 1, X'37D29A5EDB99AFB7CBDB2360D3BD6B674340D33A12A4136D74C8E47DD325D41480E132B726EFBC500EA54630CD277314CA7039C1D256A99E69DFB20DAE4E025898F2FB7B4F382C5091C4BB4CC3063EC1B6322A');
INSERT INTO payloads VALUES (5, 1, X'DE3CF3FD4500A8627EE63F664BB6C29B0C6068686D93E921C3B7A76FD2FB37CEB744CDCEE4E047EC74127D702869E01CA2F1FFEE5A670A609C2B55814ABEC141F748AD3FC3A7FAB6E0ABE19539821DC37D7B7F');
INSERT INTO payloads VALUES (6, 2, X'886F0457863FAC77DABCE0F41B3D016BBBBA08FD3C8496967903682818B74B19962F52409EEB01FDDBB45DE42460BD9D345A5717461F2E040FBF33BD47');
INSERT INTO payloads VALUES (7, 1, X'0C8FFF4BA159F2F3E280C435906DB24D783AAC34C2E8FE6D638CCB1C01A42B2C576E7F786E678E493033F5ACCFDE7A');
INSERT INTO payloads VALUES (8, 3, X'C3EBCF90E7048299E93E1F53F3BE60876366A45171A25D4D642ACB62F03E9E14EDECBA54A6C57A033BE551159390818FB3D015BC01B6758A972E0AD290E8BFCEE12237D8EFF376F42F38A93DAE2440C3D173A2');
INSERT INTO payloads VALUES (9, 1, X'D711386D7FB5BD33BCF152CD4527ADFC551B0644C86B864B9EAEEC5D23C3DC3EB8D9D02F1F29D5479BE97EC1884A735371DEA27D657C159435BE089D1D94A697EA32730EFF405F4DBA7B8E7140DA85DBBB1073');
INSERT INTO data_keys VALUES (1, 'P30D', 1, '01a20589-f4f4-7ba9-8ee2-fe9800b004c4', X'163E4FDD5D921BD0FF6306328C50075210A11D1C474EEB4903FE7988B35AE16F98FF0FB696F0B89E016A50E951656FD30D4AB4B08C24452D704D433A');
INSERT INTO data_keys VALUES (2, '', 1, '01a20589-f4f4-7ba9-8ee2-fe9800b004c4', X'3DA11E9700B8697D413EF113C5A86D51BC49E1B51C8E742FB94E223CE4B811A1F6B9003661B18229A6F21E413C5D248928A54F935E7AF8ADB090A510');
INSERT INTO data_keys VALUES (3, 'P1D', 1, '01a20589-f4f4-7ba9-8ee2-fe9800b004c4', NULL);
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
INSERT INTO consumers VALUES (2, 'gone', 4, 3, 0, 3, 1, 3);
INSERT INTO attempts VALUES (4, 1, 1, 1, 1, 422, 1000, 0);
INSERT INTO attempts VALUES (4, 1, 2, 2, 3, 422, 1000, 0);
INSERT INTO attempts VALUES (6, 1, 1, 3, 4, 204, 0, 0);
INSERT INTO attempt_details VALUES (4, 1, 1, 'why', 1, X'74AB36A2701C29752608073BC5AB07EC6A78A6F58E96A4FEBA5CA2C29F992121283098271E8F358E84CAF6B334B9DAA58A4CE133096CD1B3420180CE679405D21F68738E6FC66770715B');
INSERT INTO attempt_details VALUES (4, 1, 2, 'why', 1, X'C335FE3FD635DD5FC63ECD4814E6BA277A837A4C44BC47D90958573CFEE27C96D4F77379058441679B4580841B53F540DDB5DF6064A2D2EC543C084662FB967E01CD5CB36F90BB3BA9F9');
INSERT INTO blocked VALUES (1, X'01000000000000000000000000000000', 4, 'line', 3, 2, 2, 5, 6, 7, 422, 'why', 0);
INSERT INTO blocked VALUES (1, X'02000000000000000000000000000000', 5, 'line', 1, 1, 1, 8, 9, 0, 503, '', 0);
INSERT INTO waiting VALUES (1, X'02000000000000000000000000000000', 7, 'line', 0, 0);
INSERT INTO waiting VALUES (1, X'02000000000000000000000000000000', 9, 'line', 0, 0);
INSERT INTO epochs VALUES (1, 148074042, 0);
INSERT INTO endpoints VALUES ('s', 'https://example.org/in', 7);
INSERT INTO hub VALUES ('probe', '');
INSERT INTO hub VALUES ('version', 'v0.1');
PRAGMA user_version=1;
