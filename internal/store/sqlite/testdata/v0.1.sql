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
INSERT INTO payloads VALUES (4, 1, X'C9C483EE80FCEAF4CB1758399DE15571DDD0A2E4F998224DDFCF47A3D2C42C288495429D7802920B7C6644EB1F820A98B0C9B3F3C5ACBD53D8D9B0FBC86254E9F9F41456A9252B28337EB4A3901784D14F1E28');
INSERT INTO payloads VALUES (5, 1, X'1A4E3FA4ED25331ED7F8CFBFB3463C231D9F08FF77BA402C47E39C1422E8FE37D67F7405274DF7CE7314AAF00DC2CBA442C5AB41E29A88288EDE15EC1C7ECDC06ACAE04325F44F4BA303896FF6375715DD88C7');
INSERT INTO payloads VALUES (6, 2, X'F04FA1A9B812483714B06F132D6FA4E6C2D2ED7E88C5516D055D1B3420C7C51F23588968C31719B5B6EBB19D04023061DEF1E4FEFA891AD7FBF3AC111A');
INSERT INTO payloads VALUES (7, 1, X'1B4051C068467E7F25245344111B92BC9B4AC073B831E464793F9167D2F46ABA6353DCAA65641A96D5FF7D86E7D126');
INSERT INTO payloads VALUES (8, 3, X'36E87AC74B7D2567EC778D6E9C69C9A8EF42FD9C645FED1EED76C54A1D4D9BFC212A7016A8D21F108C25950DF28F7021BE6BB385CF6E8DAC335274C3E5C9F290F1BE3D8CF916DA69FE6DD27AF4466F9D8E71DE');
INSERT INTO payloads VALUES (9, 1, X'104C5201CEEA16651DBB627D44649DC7753F9299D4D24D36624D171C1950CB4DBCAED76037957DB7B769372EF7B87043FFBAE33E4F95373484FC5BA1343278A7A9C70542A7733BFB768D1DBC55661C6FFD14A3');
INSERT INTO data_keys VALUES (1, 'P30D', 1, '01a20575-c103-7019-ae71-813e9f715a94', X'1142BB7C765B677032C6907500135798C52BB1F9C2B4F6CF5EEC4AA5EA1F7F759537A2204D5C7D239882CA391ED5225DFC658949D17BC1E4999FE02F');
INSERT INTO data_keys VALUES (2, '', 1, '01a20575-c103-7019-ae71-813e9f715a94', X'86A732455BCA313D7337B5542863A505A6EEBDC492226131ACC0DF512AE66A8CDC15268D3656E332A26A13A35B497702C07723118489A4C7BC7F2130');
INSERT INTO data_keys VALUES (3, 'P1D', 1, '01a20575-c103-7019-ae71-813e9f715a94', NULL);
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
INSERT INTO attempt_details VALUES (4, 1, 1, 'why', 1, X'E019F0F849DF84F8FB239A0BAED77A433C1B800E54AEDA9F9DEEFA621E4A26AE4179AC54FF328683F35A53289AD2126F1B33825C73A9FDEC357BAFC81E861BC238BB8A09AF38219BB488');
INSERT INTO attempt_details VALUES (4, 1, 2, 'why', 1, X'ED0080ED9D977026DF4CDD86F4C3986005373925CD7237E865165771E08AB3A827664B454242AF9C24845B9CB729E5F3FD3A061126622289279E3448CA6894ABB2B3AA9CC0F1DD161EF3');
INSERT INTO blocked VALUES (1, X'01000000000000000000000000000000', 4, 'line', 3, 2, 2, 5, 6, 7, 422, 'why', 0);
INSERT INTO blocked VALUES (1, X'02000000000000000000000000000000', 5, 'line', 1, 1, 1, 8, 9, 0, 503, '', 0);
INSERT INTO waiting VALUES (1, X'02000000000000000000000000000000', 7, 'line', 0, 0);
INSERT INTO waiting VALUES (1, X'02000000000000000000000000000000', 9, 'line', 0, 0);
INSERT INTO epochs VALUES (1, 391112681, 0);
INSERT INTO endpoints VALUES ('s', 'https://example.org/in', 7);
INSERT INTO hub VALUES ('probe', '');
INSERT INTO hub VALUES ('version', 'v0.1');
PRAGMA user_version=1;
