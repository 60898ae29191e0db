package store

// The statements that both engines take as they stand. Parameters are named $1, $2 … in the order in which they first
// appear: PostgreSQL counts them, and SQLite, to which they are names, numbers them in that order too. Where a parameter
// is compared both with a column and with a constant the column comes first, so that PostgreSQL takes its type.

// Names of sources and of types' versions.
const (
	Sources = "SELECT n, uri FROM sources"
	Types   = "SELECT n, type, version FROM types"
)

// Configuration and the log's history.
const (
	Revisions = "SELECT position, recorded, author, kind, subject, document, coalesce(key, 0), sealed FROM revisions WHERE position > $1 ORDER BY position"
	Epochs    = "SELECT id, after FROM epochs ORDER BY n"
	Endpoints = "SELECT system, url, spell FROM endpoints"
	// Indexed has how far there are clues, and what made them.
	Indexed = "SELECT name, value FROM hub WHERE name IN ('clues', 'clue maker')"
	// Find is by a source's URI and its id.
	Find = "SELECT i.position FROM event_ids i JOIN sources s ON s.n = i.source WHERE s.uri = $1 AND i.id = $2"
)

// What a consumer has on disk.
const (
	consumerColumns = "SELECT id, name, low, high, ended, pending, counted FROM consumers "
	AllConsumers    = consumerColumns + "ORDER BY id"
	ConsumerNamed   = consumerColumns + "WHERE name = $1"

	blockedColumns = "SELECT lane, position, line, state, attempts, failures, since, due, spell, status, reason, pass FROM blocked "
	Blocked        = blockedColumns + "WHERE consumer = $1"
	BlockedLane    = blockedColumns + "WHERE consumer = $1 AND lane = $2"

	// Behind has how many wait in each lane, and how many of them a replay brought.
	Behind = "SELECT lane, count(*), count(*) FILTER (WHERE pass <> 0) FROM waiting WHERE consumer = $1 GROUP BY lane"
	// Furthest has how far a reader by cursor was handed out the log, and what was left over.
	Furthest = `SELECT coalesce((SELECT max(upto) FROM readings WHERE consumer = $1 AND rest = 0), 0),
		coalesce((SELECT max(upto) FROM readings WHERE consumer = $1 AND rest = 1), 0)`
	// Pending has what of each subscription's deliveries has not ended. $1 is eventlog.Matched, $3 eventlog.Served.
	Pending = `SELECT line, CAST(sum(CASE outcome WHEN $1 THEN count ELSE -count END) AS bigint) FROM tallies
		WHERE consumer = $2 AND outcome <> $3 GROUP BY line`
	// SettledWaiting and SettledAttempts have what of the log from the watermark on is settled.
	SettledWaiting  = "SELECT position FROM waiting WHERE consumer = $1 AND position >= $2"
	SettledAttempts = "SELECT position FROM attempts WHERE position BETWEEN $1 AND $2 AND consumer = $3 AND outcome >= $4"
	OnDisk          = `SELECT (SELECT count(*) FROM blocked WHERE consumer = $1 AND line = $2) +
		(SELECT count(*) FROM waiting WHERE consumer = $1 AND line = $2)`
)

// Lanes on disk.
const (
	WaitingIn = "SELECT position, line, pass, attempts FROM waiting WHERE consumer = $1 AND lane = $2 AND position > $3 ORDER BY position LIMIT $4"
	WaitingAt = "SELECT position, line, pass, attempts FROM waiting WHERE consumer = $1 AND lane = $2 AND position = $3"
	Rest      = `SELECT lane, position, line, pass, attempts FROM blocked WHERE consumer = $1 AND position > $2
		UNION ALL SELECT lane, position, line, pass, attempts FROM waiting WHERE consumer = $1 AND position > $2 ORDER BY position LIMIT $3`
	PlaceOf = "SELECT id, low, ended FROM consumers WHERE name = $1"
	// HandedOut has when an event was handed out and confirmed: with the first reading that reaches it, first of what was left
	// over, which the log comes after.
	HandedOut = `SELECT
		coalesce((SELECT served FROM readings WHERE consumer = $1 AND rest = 1 AND upto >= $2 ORDER BY upto LIMIT 1),
			(SELECT served FROM readings WHERE consumer = $1 AND rest = 0 AND upto >= $2 ORDER BY upto LIMIT 1), 0),
		coalesce((SELECT confirmed FROM readings WHERE consumer = $1 AND rest = 1 AND upto >= $2 AND confirmed <> 0 ORDER BY upto LIMIT 1),
			(SELECT confirmed FROM readings WHERE consumer = $1 AND rest = 0 AND upto >= $2 AND confirmed <> 0 ORDER BY upto LIMIT 1), 0)`
)

// Replays, attempts and figures.
const (
	Passes = `SELECT n, consumer, line, author, began, filter, rate, total, place, done, ended FROM passes
		WHERE ended = 0 OR $1 ORDER BY n DESC LIMIT $2`
	Tried   = "SELECT position, max(number) FROM attempts WHERE position > $1 AND position <= $2 AND consumer = $3 GROUP BY position"
	Tallies = `SELECT line, CASE WHEN day < $1 THEN $1 - 1 ELSE day END AS d, outcome, replayed, CAST(sum(count) AS bigint)
		FROM tallies WHERE consumer = (SELECT id FROM consumers WHERE name = $2) GROUP BY line, d, outcome, replayed`
)

// Erasures.
const (
	Erasures = `SELECT n, at, author, reason, upto, positions, ended, rows FROM erasures
		WHERE (n < $1 OR $1 = 0) AND (ended = 0 OR NOT $2) ORDER BY n DESC LIMIT $3`
	NoteErasure = `INSERT INTO erasures (n, at, author, reason, upto, events, positions, ended) VALUES ($1, $2, 'varsel restore', '', 0, $3, $4, $2)
		ON CONFLICT DO NOTHING`
	NoteErasedRows = "UPDATE erasures SET rows = $1 WHERE n = $2 AND rows = ''"
	EndErasure     = "UPDATE erasures SET ended = $1 WHERE n = $2"
)

// The audit log. It is read along its primary key and filtered on the way: acts are rare, and so are those who look for
// them.
const (
	auditColumns = "SELECT number, at, actor, act, subject, detail, position, mac FROM audit "
	auditOf      = "WHERE (actor = $1 OR $1 = '') AND (act = $2 OR $2 = '') AND (subject = $3 OR $3 = '') AND at >= $4 AND (at < $5 OR $5 = 0) " + auditSite
	auditSite    = "AND ($6 = '' OR subject = 'site/' || $6 OR substr(subject, 1, length($6) + 8) = 'notice/' || $6 || '/' OR substr(subject, 1, length($6) + 11) = 'component/' || $6 || '/') "

	AuditEntries = auditColumns + "ORDER BY number"
	AuditHead    = auditColumns + "ORDER BY number DESC LIMIT 1"
	AuditOldest  = auditColumns + auditOf + "AND number > $7 ORDER BY number LIMIT $8"
	AuditNewest  = auditColumns + auditOf + "AND (number < $7 OR $7 = 0) ORDER BY number DESC LIMIT $8"
)

// KEKs has how many data keys each key-encryption key wraps.
const KEKs = "SELECT kek, count(*) FROM data_keys WHERE wrapped IS NOT NULL GROUP BY kek"

// Streams of sources.
const (
	StreamOf     = "SELECT changes, last FROM streams WHERE source = $1"
	StreamPlaces = "SELECT partition, next FROM stream_places WHERE source = $1 AND stream = $2"
	AsideCount   = "SELECT count(*) FROM aside WHERE source = $1"
)

// Receipts.
const (
	ReceiptColumns = "SELECT r.system, r.message, r.position, r.type, r.at, coalesce(r.key, 0), r.sealed FROM receipts r "
	// Receipts reads newest first; after a receipt where $4 is not 0.
	Receipts = ReceiptColumns + `WHERE (r.system = $1 OR $1 = '') AND r.at >= $2 AND r.at < $3
		AND (r.at < $4 OR $4 = 0 OR (r.at = $4 AND (r.system > $5 OR (r.system = $5 AND r.message > $6))))
		ORDER BY r.at DESC, r.system, r.message LIMIT $7`
	// ReceiptsOf reads those of one message.
	ReceiptsOf = ReceiptColumns + "WHERE r.message = $1 AND (r.system = $2 OR $2 = '') ORDER BY r.system LIMIT 1000"
)
