package fault

// The codes, grouped by where they arise. A code is never renamed and never reused.
const (
	Internal Code = "internal"

	// What any request can meet.
	NotFound         Code = "not-found"
	MethodNotAllowed Code = "method-not-allowed"
	BadRequest       Code = "bad-request"
	BodyTooLarge     Code = "body-too-large"
	MediaType        Code = "media-type"
	NotAcceptable    Code = "not-acceptable"
	InvalidDocument  Code = "invalid-document"
	Precondition     Code = "precondition-failed"
	NeedsIfMatch     Code = "if-match-required"
	Conflict         Code = "conflict"
	ReadOnly         Code = "read-only"
	CrossOrigin      Code = "cross-origin"

	// Who asks, and how often.
	Unauthenticated   Code = "unauthenticated"
	InvalidToken      Code = "invalid-token"
	Forbidden         Code = "forbidden"
	RateLimited       Code = "rate-limited"
	IssuerUnreachable Code = "issuer-unreachable"

	// Signing in, of people with a browser.
	SignedOut           Code = "signed-out"
	SignInRefused       Code = "sign-in-refused"
	SignInLost          Code = "sign-in-lost"
	ProviderRefused     Code = "provider-refused"
	ProviderUnreachable Code = "provider-unreachable"

	// Publishing.
	InvalidEvent     Code = "invalid-event"
	EventConflict    Code = "event-conflict"
	AfterRefused     Code = "after-refused"
	StorageFull      Code = "storage-full"
	StoreUnreachable Code = "store-unreachable"
	ShuttingDown     Code = "shutting-down"
	TooManyEntries   Code = "too-many-entries"

	// Geometries, in what is published and in the limits of subscriptions.
	InvalidGeometry  Code = "invalid-geometry"
	GeometryTooLarge Code = "geometry-too-large"

	// Reading streams.
	StreamMoved   Code = "stream-moved"
	StreamRewound Code = "stream-rewound"
	AsideFull     Code = "aside-full"

	// Systems and subscriptions.
	DropCount       Code = "drop-count"
	NotGranted      Code = "not-granted"
	Overlap         Code = "overlap"
	VersionFixed    Code = "version-immutable"
	TestFailed      Code = "test-failed"
	NothingSelected Code = "nothing-selected"

	// Replaying.
	ReplayCount Code = "replay-count"

	// Forgetting.
	Forgotten      Code = "forgotten"
	EraseCount     Code = "erase-count"
	JournalMissing Code = "journal-missing"
	JournalInvalid Code = "journal-invalid"

	// Several nodes.
	NotHere         Code = "not-here"
	NodeUnreachable Code = "node-unreachable"
	NodeSecrets     Code = "node-secrets"

	// Fetching.
	FetchPaused Code = "fetch-paused"
	BadCursor   Code = "bad-cursor"
	LogRewound  Code = "log-rewound"

	// Keeping: the database, its keys and its backups.
	KeyMissing    Code = "key-missing"
	SealBroken    Code = "seal-broken"
	NoDatabase    Code = "no-database"
	DataInUse     Code = "data-in-use"
	StoreNewer    Code = "store-newer"
	StoreNotEmpty Code = "store-not-empty"
	BackupInvalid Code = "backup-invalid"

	// Moving from one store to another.
	MoveUnfinished Code = "move-unfinished"
	MoveDiffers    Code = "move-differs"
	HubMoved       Code = "hub-moved"

	// Taking a page over from another status page.
	PageUnreadable Code = "page-unreadable"

	// Sending: why an attempt got no answer.
	DNSFailed       Code = "dns-failed"
	AddressRefused  Code = "address-refused"
	ConnectFailed   Code = "connect-failed"
	TLSFailed       Code = "tls-failed"
	SendTimeout     Code = "send-timeout"
	ConnectionReset Code = "connection-reset"
	BadAnswer       Code = "bad-answer"
	InvalidMessage  Code = "invalid-message"
	SenderConfig    Code = "sender-config"
	LoginRefused    Code = "login-refused"
	NoTopic         Code = "no-topic"
	MessageTooLarge Code = "message-too-large"

	// Signatures: keys, and why a signed message is not believed.
	SigningKey        Code = "signing-key"
	SignatureMissing  Code = "signature-missing"
	SignatureStale    Code = "signature-stale"
	SignatureMismatch Code = "signature-mismatch"

	// The hub's own settings.
	Configuration Code = "invalid-configuration"
)

// Catalogue lists every code once. docs/errors is made from it.
var Catalogue = []Entry{
	{Internal, 500, "The hub met an error it did not expect", "Try again. If it stays, give the operator the request's id and the time."},

	{NotFound, 404, "There is no such thing here", "Check the address; GET the collection above it to see what there is."},
	{MethodNotAllowed, 405, "This address does not take that method", "Use one of the methods in the Allow header."},
	{BadRequest, 400, "The request cannot be read", "Mend what the detail names and send it again."},
	{BodyTooLarge, 413, "The body is larger than this address takes", "Send less at a time; the limit is in the detail."},
	{MediaType, 415, "The body's media type is not one this address reads", "Set Content-Type to one that the detail lists."},
	{NotAcceptable, 406, "There is no answer in a form that you accept", "Set Accept to one that the detail lists, or leave it out."},
	{InvalidDocument, 422, "The document breaks rules", "Mend every violation listed; nothing was changed."},
	{Precondition, 412, "It has been changed since you read it", "GET it again, apply your change to the new version, send with its ETag in If-Match."},
	{NeedsIfMatch, 428, "A change to an existing document needs If-Match", "GET it and send its ETag in If-Match, so that nobody's change is overwritten unseen."},
	{Conflict, 409, "It is not in a state that allows this", "The detail names the state; change that first."},
	{ReadOnly, 403, "This is made and kept by the hub", "It can be read, not changed."},
	{CrossOrigin, 403, "A web page of another site made this request", "Make it from a program, or from a page of the hub itself."},

	{Unauthenticated, 401, "The request does not say who makes it", "Get a token from /oauth/token with an account's name and secret, and send it as Authorization: Bearer TOKEN."},
	{InvalidToken, 401, "The credentials are not accepted", "Get a new token; if that is refused too, ask the operator whether the account is in use and the issuer is configured."},
	{Forbidden, 403, "You may not do this", "Ask the operator for the role that may; docs/access.md lists them."},
	{RateLimited, 429, "Too many requests", "Wait as long as Retry-After says; send events in batches."},
	{IssuerUnreachable, 503, "The issuer of the token cannot be asked for its keys", "Try again in a minute. Operator: check the issuer's address, and the hub's egress rules and DNS."},

	{SignedOut, 401, "You are not signed in", "Sign in at /admin/sign-in, then send it again. A session ends after 12 hours without use and after 7 days (8 hours where a provider signed you in), and when the account's password is changed or the account is disabled."},
	{SignInRefused, 401, "Account and password do not fit", "Try again, or ask the operator for a new password; the operator sets it with varsel account password."},
	{SignInLost, 400, "This sign-in was not begun in this browser, or too long ago", "Begin again at the sign-in page, within ten minutes and in one window, and allow cookies. Operator: people must come by the address that public-url says."},
	{ProviderRefused, 403, "The identity provider did not sign you in", "Begin again. If it stays, ask the operator whether you may use Varsel. Operator: the hub's log says why; check client, secret, and the claims that roles come from."},
	{ProviderUnreachable, 503, "The identity provider cannot be reached", "Try again in a minute. Operator: check its url in sign-in, and the hub's egress rules and DNS."},

	{InvalidEvent, 422, "The event breaks rules", "Mend every violation listed and publish it again; it was not accepted."},
	{EventConflict, 409, "An event with this source and id exists with other content", "Give the new fact a new id; an event never changes."},
	{AfterRefused, 409, "An earlier entry of the same key was refused", "Mend the earlier entry first, then publish both in order."},
	{StorageFull, 507, "The hub cannot store anything now", "Publish again later; nothing of this request was accepted. Operator: free disk space, delivery resumes by itself."},
	{StoreUnreachable, 503, "The hub cannot reach its database now", "Try again in some seconds. An event may have been accepted or not: publish it again with the same source and id, and it is in the log once. Operator: see that PostgreSQL runs and that this node reaches it; everything goes on by itself then."},
	{ShuttingDown, 503, "The hub is stopping", "Publish again in a few seconds; nothing of this request was accepted."},
	{TooManyEntries, 413, "The batch has too many entries", "Split it; the limit is in the detail."},

	{InvalidGeometry, 422, "The geometry cannot be used", "Mend what the detail names. Give WKT, GeoJSON or GML in EPSG:25832 or in longitude and latitude, of straight lines, every ring ending where it begins and crossing nothing."},
	{GeometryTooLarge, 413, "The geometry has more to it than the hub takes", "Give fewer points, or simplify its outline; the limit is in the detail."},

	{StreamMoved, 409, "Somebody else has read on in the stream", "Look at what is set aside again, and repeat it. When it stays, two hubs read one stream into one log: that does no harm, but it is slow."},
	{StreamRewound, 409, "The stream ends before the place it is read from", "It was made anew, or lost its end. When that is meant, raise generation in the source's stream: it is then read from its beginning, and what was taken before is known by its id."},
	{AsideFull, 507, "Too many messages of the stream are set aside", "Release or discard them; until then the stream is not read, and its broker keeps what comes."},

	{DropCount, 409, "The change would drop undelivered messages", "Repeat it with drop set to the count given here, if they may go."},
	{NotGranted, 422, "The agreement does not grant this", "Ask the operator to change the agreement, or ask for less."},
	{Overlap, 422, "Two subscriptions are equally specific for the same events", "Make one of them narrower, or remove one."},
	{VersionFixed, 409, "A version that has been active never changes", "Make a new version of the type."},
	{TestFailed, 409, "The test message was not accepted", "The detail says what the receiver answered; mend the receiver and test again."},
	{NothingSelected, 422, "The selection names nothing", "Name a lane, a system or a subscription; add all to mean everything."},

	{ReplayCount, 409, "The replay selects another number of events", "Ask with dryRun how many there are, and repeat it with that count, if they are meant."},

	{Forgotten, 410, "It is forgotten", "Nobody can show it any more. Of an event the skeleton and the attempts say that it was, and who got it; ask its source for what it said. In the place of an extract's file the next run makes another."},
	{EraseCount, 409, "Another number of events and rows name this person", "Ask with dryRun how many there are, and repeat it with that count, if they are meant."},
	{JournalMissing, 409, "The backup is from a hub that has erased persons, and the journal of erasures is not here", "Operator: name the journal with --journal, from where audit-heads points; it is what erases those persons here too. Only if it is lost for good: --without-journal, and erase them again by hand."},
	{JournalInvalid, 422, "The journal of erasures is not as the hub wrote it", "Operator: take the journal and the file audit.key that belong together; if a line was changed or taken out, use a copy of the journal from before."},

	{NotHere, 503, "Another node of the hub has this", "Ask again in some seconds: the system's deliveries are moving to another node just now, or the node that has them tells no address (node-url)."},
	{NodeUnreachable, 503, "The node of the hub that has this does not answer", "Ask again in some seconds: when it is gone another node takes over. Operator: see that the nodes reach each other at their node-url."},
	{NodeSecrets, 500, "This node's secrets are not the hub's", "Copy the directory of secrets from a node that runs, and start this one again."},

	{FetchPaused, 503, "Fetching is paused", "Come again later; what is published meanwhile is kept."},
	{BadCursor, 400, "That is no cursor of this hub", "Use a cursor as the hub gave it, or none to go on from where the hub knows you to stand."},
	{LogRewound, 409, "The log no longer holds what this cursor stands behind", "The hub was restored from a backup, or a standby of its database took over without the last commits. Fetch without a cursor to go on from what the hub knows, or with one from before that; expect events again that you have had."},

	{KeyMissing, 500, "A key that the stored data is encrypted under is not in the vault", "Operator: put the file back into the directory of secrets from the vault's backup, owned by the hub's user, mode 0600, and start again. Without it what it protects cannot be read by anyone; nothing was changed."},
	{SealBroken, 500, "Stored data does not open under its key", "Operator: it was changed, moved or damaged on disk, or a key in the vault is not the one it is named. Check the disk and the vault; if it stays, restore the last backup."},
	{NoDatabase, 404, "There is no hub's database here", "Give --data, or --store, as the hub has it: what varsel serve was started with."},
	{DataInUse, 409, "Another hub runs on this data directory", "End that process first, or give this hub a directory of its own with --data. Two hubs on one database would send everything twice."},
	{StoreNewer, 500, "The database was written by a newer varsel", "Operator: start that version or a later one, or restore a backup made before the upgrade. Nothing was changed."},
	{StoreNotEmpty, 409, "There is something here already", "Nothing is overwritten: give a place where nothing is, or move away what is there."},
	{BackupInvalid, 422, "The backup is not whole", "Take both files, FILE and FILE.json, from the same backup and copy them again; if it stays, use an older backup."},

	{MoveUnfinished, 409, "A move to another database is not finished", "Operator: run the same varsel move again; it goes on where it was. To stay with SQLite instead: delete the file move.json in the data directory, and the PostgreSQL database. Nothing was changed in the data directory."},
	{MoveDiffers, 500, "What was moved is not what was there", "Operator: the hub is as it was, in the data directory, and the new database is not used. See what the detail names; then empty the database, delete move.json in the data directory, and move again."},
	{HubMoved, 409, "The hub of this data directory has moved to PostgreSQL", "Operator: give --store with the URL of its database, as varsel move was given it (move.json in the data directory names it). The way back is in docs/storage.md."},

	{PageUnreadable, 502, "The status page that is to be taken over cannot be read", "Open the address that the detail names in a browser. It must be the page's own, such as https://status.example.com, of Statuspage or of what has its API; if it asks to wait, begin again later."},

	{DNSFailed, 502, "The receiver's name could not be resolved", "Check the host name in the base URL and the hub's DNS."},
	{AddressRefused, 502, "The receiver's address is one the hub may not call", "Use a public address, or have the operator allow the range in the egress rules."},
	{ConnectFailed, 502, "No connection to the receiver", "Check that the receiver runs, and the firewalls between."},
	{TLSFailed, 502, "The TLS handshake with the receiver failed", "Check both certificates: name, dates, chain, and the client certificate the receiver trusts."},
	{SendTimeout, 504, "The receiver did not answer in time", "Answer first and work after; check the receiver's load."},
	{ConnectionReset, 502, "The connection broke before an answer came", "Check the receiver's log and the proxies between."},
	{BadAnswer, 502, "The receiver's answer is not valid HTTP", "Check what listens on the receiver's port."},
	{InvalidMessage, 500, "The rendered message breaks its own contract", "Operator: mend the type's mapping or schema, then release the lane."},
	{SenderConfig, 500, "The hub's own settings for this receiver cannot be used", "Operator: check certificate, CA bundle and signing keys of the system."},
	{LoginRefused, 502, "The broker does not let the hub do this", "Check user, password or credentials, and what the broker grants them."},
	{NoTopic, 502, "The broker has no such stream, topic or subject", "Make it at the broker, or mend its name in the subscription or the source."},
	{MessageTooLarge, 502, "The message is larger than the broker takes", "Raise the broker's limit, then release the lane."},

	{SigningKey, 422, "The signing key cannot be used", "Give a key as Standard Webhooks writes it: whsec_, whsk_ or whpk_ and standard base64."},
	{SignatureMissing, 401, "The message is not signed", "Sign it as Standard Webhooks says and send the three webhook headers."},
	{SignatureStale, 401, "The signature's time is too far from now", "Set both clocks by NTP, and stamp every attempt anew."},
	{SignatureMismatch, 401, "The signature does not fit the message", "Check that both sides hold the same key and that nothing between them changes the body's bytes."},

	{Configuration, 500, "The configuration breaks rules", "Operator: mend every line listed; varsel config check tells again."},
}
