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
INSERT INTO payloads VALUES (4, 1, X'7C7E7D197F93251CED6999651CEC77B021D2598F7D4A9C9C0FA18B9D17545E5E430053909252F6C74C8ABB0B10DEEB26C70C7904486B56D8247854DC361C42B4E42F018EE24B2A6AB06DA1C7EAAAD6C552EFB7');
INSERT INTO payloads VALUES (5, 1, X'30C50A30188024DEB7E6FB740150A8FBDFFECE9FD635C82A1B7FF799F52E0294E7D253809142B91845C4A250342972D327B6D1DFE7E21FBA99F0786FF886C1DBB7EE959114BC879E61AB2ABBFA3CB71E1A2915');
INSERT INTO payloads VALUES (6, 2, X'D7BD150876D1056D862E64B3A9BD1D6998E0E4D85C3989B7A7E7FACE923EA6D13F277E4048ABE28F3DEA273CC8C70CE9A79A0CE8CC5779A074A444339D');
INSERT INTO payloads VALUES (7, 1, X'B0E6213A9DF1C1979F308B69C671998FA712160EFD5A76CBB1E0C877D7B2CA9EFDC0833D340E5F4E98B238A0190978');
INSERT INTO payloads VALUES (8, 3, X'6DA6F080A64A19D9F246C93A2591F26855F35B2B45BA14134817FC1B124FDCCA5A1E4CECE0E8340CC393A675F3FA1163FA724AC4B6C76963847AF6AC6FC0EC8D971FF8974225F59B5FB343D8D7BC36351AE1A0');
INSERT INTO payloads VALUES (9, 1, X'1E1BCFD79E137E9897D742A5B2623EB0207EC356FE7F966B686280DC5CD3F3FDB175E510A7A8EA752E745AAF84E22E42D3D0E77A5DAF6DED4D33EB390DE1889D05B60E6CBFB8D7B2162F7ED32FDC48BD75BA6D');
INSERT INTO data_keys VALUES (1, 'P30D', 1, '01a2060c-b793-74a3-8b25-86d74533b2e7', X'50A90D86EBDFC2E61FDFA028BC3A6BEAA8A5135FACBF1292B2AA18E1B7A16C73A855EC77C4E354980F32B963C7EF10F028BF4182F83CDE2AAC48E64B');
INSERT INTO data_keys VALUES (2, '', 1, '01a2060c-b793-74a3-8b25-86d74533b2e7', X'0E3439B1AEABA0E832FEF070BC6F6A1DF4B9B2DFDE30B3F6ABA6B77D3649D4D6DC544E9E674693BA366C26E8D31169AE2207BE8CBD2F2AC293F1E62B');
INSERT INTO data_keys VALUES (3, 'P1D', 1, '01a2060c-b793-74a3-8b25-86d74533b2e7', NULL);
INSERT INTO pruning VALUES ('P1D', 1, 0, 9);
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
INSERT INTO attempt_details VALUES (4, 1, 1, 'why', 1, X'866F61CFF151559CC569AD62037F1ACED9DF37902FD86A539C7383C4DDC670067CD83A23AAD230D98398946387E56D47E2F94AFC0993ED5BFFE5A2F7C7417937C927BDF92610EA599F74');
INSERT INTO attempt_details VALUES (4, 1, 2, 'why', 1, X'20771E3A4F4D467884E662F620FDA231BBA4424936BF609B1BBA94BEE298A1E5532F0BF66A4830555B384598E1073A6AF8132180D0C00AD5F72F800EF1CC51884FF7CE7E13031200A2C0');
INSERT INTO blocked VALUES (1, X'01000000000000000000000000000000', 4, 'line', 3, 2, 2, 5, 6, 7, 422, 'why', 0);
INSERT INTO blocked VALUES (1, X'02000000000000000000000000000000', 5, 'line', 1, 1, 1, 8, 9, 0, 503, '', 0);
INSERT INTO waiting VALUES (1, X'02000000000000000000000000000000', 7, 'line', 0, 0);
INSERT INTO waiting VALUES (1, X'02000000000000000000000000000000', 9, 'line', 0, 0);
INSERT INTO tallies VALUES (1, 'line', 1, 11, 0, 5);
INSERT INTO tallies VALUES (1, 'line', 2, 4, 1, 1);
INSERT INTO readings VALUES (1, 0, 5, 11, 12);
INSERT INTO readings VALUES (1, 0, 6, 11, 0);
INSERT INTO readings VALUES (1, 1, 4, 13, 0);
INSERT INTO epochs VALUES (1, 1043701555, 0);
INSERT INTO endpoints VALUES ('s', 'https://example.org/in', 7);
INSERT INTO hub VALUES ('clue maker', '');
INSERT INTO hub VALUES ('clues', '0');
INSERT INTO hub VALUES ('probe', '');
INSERT INTO hub VALUES ('version', 'v0.1');
PRAGMA user_version=1;
