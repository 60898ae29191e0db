package api

import (
	"maps"
	"net/http"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/internal/web/api/openapi"
)

// tags are the groups of routes, in the order they are shown.
var tags = []openapi.Tag{
	{Name: "Events", Description: "Publishing, and what became of an event."},
	{Name: "Catalogue", Description: "Who publishes what: sources, event types and their versions, profiles."},
	{Name: "Streams", Description: "How the streams of sources are read, and the messages that were set aside."},
	{Name: "Systems", Description: "Receiving systems with their agreements, contacts, keys and sets of subscriptions."},
	{Name: "Subscriptions", Description: "How they stand; tests; activation."},
	{Name: "Replays", Description: "Sending the past once more."},
	{Name: "Sinks", Description: "Subscriptions whose messages the hub takes itself, to develop with."},
	{Name: "Fetching", Description: "Receivers that fetch instead of being sent to: by cursor, or from a queue."},
	{Name: "Pauses", Description: "Stopping what is sent, of everything or of a part; what comes is kept."},
	{Name: "Deliveries", Description: "Endpoints and the lanes that stand."},
	{Name: "Receipts", Description: "What receivers confirm, and what they have not confirmed in time."},
	{Name: "Registers", Description: "What registers deliver, and what they knew at one time about another."},
	{Name: "Extracts", Description: "Files of what registers keep, made at an interval."},
	{Name: "Sites", Description: "What stands on status sites, how components do, and what is said."},
	{Name: "Accounts", Description: "Who may call, in which roles, by which secrets and certificates."},
	{Name: "Erasures", Description: "Forgetting all events of a person, with a report of who had them."},
	{Name: "Audit", Description: "Who did what."},
	{Name: "Description", Description: "This description."},
}

// described has every route by its pattern. A route that is missing here fails TestEveryRouteIsDescribed.
func described() map[string]about {
	all := map[string]about{
		"POST /api/v1/events": {
			id: "publish", tag: "Events", summary: "Publish events",
			more: "CloudEvents 1.0, structured, binary or batch. The answer comes when they are durable. Published again, what is the same is a duplicate, " +
				"with the position it has. All or nothing, unless `partial` is true.",
			query: []openapi.Parameter{flagParameter("partial", "Take the events one by one: 207 when one of them is refused.")},
			headers: []openapi.Parameter{
				headerParameter("ce-specversion", "In binary mode: 1.0."), headerParameter("ce-id", "In binary mode: the event's id."),
				headerParameter("ce-source", "In binary mode: the source's URI."), headerParameter("ce-type", "In binary mode: the event's type; other attributes likewise."),
				headerParameter("traceparent", "W3C Trace Context: the trace that the events begin in, where they do not say one themselves."),
			},
			forms: publishForms(), gives: map[int]any{202: publishedView{}, 207: publishedView{}},
			problems: []fault.Code{fault.InvalidEvent, fault.EventConflict, fault.AfterRefused, fault.TooManyEntries, fault.BadRequest},
		},
		"GET /api/v1/events/{position}": {
			id: "getEvent", tag: "Events", summary: "Read an event without its data", gives: map[int]any{200: eventView{}},
		},
		"GET /api/v1/events/{position}/attempts": {
			id: "listAttempts", tag: "Events", summary: "List every attempt to deliver an event",
			more: "Of what receivers answered only the length is told.", gives: map[int]any{200: list[attemptView]{}},
		},
		"GET /api/v1/events": {
			id: "findEvents", tag: "Events", summary: "Find events, newest first, without their data",
			more: "A bounded stretch of the log is looked at for each page: a page with `next` and without items says that there is more to look at. " +
				"By key and by person, use `POST /events/search`.",
			query: []openapi.Parameter{
				textParameter("id", "The id that its source gave it, or a message id.", "2026-0117-3"), textParameter("type", "Of this type.", "permit.changed"),
				textParameter("source", "Of this source, by name or URI.", "permits"), timeParameter("from", "Recorded at or after."), timeParameter("to", "Recorded before."),
				textParameter("system", "For this system, and tell where it is on the way there.", "archive"),
				textParameter("subscription", "The same for one subscription.", ""), wordParameter("state", "In this state there.", delivery.States()...),
				wholeParameter("limit", "Events of a page.", 1, foundMost, foundShown), afterParameter(),
			},
			gives: map[int]any{200: foundPage{}}, problems: []fault.Code{fault.BadRequest, fault.NotFound},
		},
		"POST /api/v1/events/search": {
			id: "searchEvents", tag: "Events", summary: "Find events by key or person too",
			more: "Key and person stand in a body only: addresses are kept by proxies, browsers and logs. A search by person is on record.",
			asks: searchRequest{}, example: `{"key": "2026-0117", "type": "permit.changed", "limit": 20}`, gives: map[int]any{200: foundPage{}},
			problems: []fault.Code{fault.BadRequest, fault.NotFound},
		},
		"GET /api/v1/events/{position}/whereabouts": {
			id: "getWhereabouts", tag: "Events", summary: "Tell where an event is for everyone whom it was for", gives: map[int]any{200: whereList{}},
		},
		"GET /api/v1/whereabouts": {
			id: "findWhereabouts", tag: "Events", summary: "Tell where an event is, by its message id or the id its source gave it", gives: map[int]any{200: whereList{}},
			query:    []openapi.Parameter{textParameter("id", "Its message id, or the id that its source gave it.", "2026-0117-3"), textParameter("source", "Name or URI of the source, where several have such an id.", "")},
			problems: []fault.Code{fault.BadRequest, fault.NotFound, fault.Conflict},
		},
		"POST /api/v1/events/{position}/reveal": {
			id: "revealEvent", tag: "Events", summary: "Show an event with its data, on record", asks: revealRequest{}, example: `{"reason": "case 2026-118"}`,
			more: "Who asked, and why, is in the audit log before the answer goes out.", gives: map[int]any{200: Revealed{}}, problems: []fault.Code{fault.Forgotten},
		},

		"GET /api/v1/erasures": {
			id: "listErasures", tag: "Erasures", summary: "List erasures, newest first", query: pageParameters(), gives: map[int]any{200: page[ErasureView]{}},
		},
		"POST /api/v1/erasures": {
			id: "erase", tag: "Erasures", summary: "Count, or forget, all events and rows of registers of a person",
			more: "Ask with `dryRun` first: 200 with the count. Repeated with that count and a reason it is done: 201, or 202 when it goes on by itself.",
			asks: eraseRequest{}, example: `{"person": "0101010000", "reason": "case 2026-118", "dryRun": true}`, gives: map[int]any{200: eraseCount{}, 201: ErasureView{}, 202: ErasureView{}},
			problems: []fault.Code{fault.EraseCount, fault.NothingSelected},
		},
		"GET /api/v1/erasures/{number}": {
			id: "getErasure", tag: "Erasures", summary: "Read an erasure, and which systems had the events", gives: map[int]any{200: ErasureReport{}},
		},

		"GET /api/v1/sources": {
			id: "listSources", tag: "Catalogue", summary: "List who may publish", query: pageParameters(), gives: map[int]any{200: page[event.Source]{}},
		},
		"GET /api/v1/sources/{name}": {
			id: "getSource", tag: "Catalogue", summary: "Read a source", tagged: true, gives: map[int]any{200: event.Source{}},
		},
		"PUT /api/v1/sources/{name}": {
			id: "putSource", tag: "Catalogue", summary: "Register or change a source", more: "Its URI stays: order and identity of its events hang on it.",
			asks: event.Source{}, example: `{"uri": "https://permits.example", "title": "Permits", "types": ["*"]}`, edits: true, gives: put(event.Source{}),
		},
		"GET /api/v1/streams": {
			id: "listStreams", tag: "Streams", summary: "List how the streams of sources stand", query: pageParameters(), gives: map[int]any{200: page[StreamView]{}},
		},
		"GET /api/v1/sources/{name}/stream": {
			id: "getStream", tag: "Streams", summary: "Tell how a source's stream stands", gives: map[int]any{200: StreamView{}},
		},
		"GET /api/v1/sources/{name}/aside": {
			id: "listAside", tag: "Streams", summary: "List the messages of a source's stream that were set aside, in their order, without what they say",
			query: []openapi.Parameter{
				wholeParameter("after", "The number to go on behind.", 0, 1<<62, 0), wholeParameter("limit", "Messages at most.", 1, asideMost, asideShown),
			},
			gives: map[int]any{200: asides{}},
		},
		"POST /api/v1/sources/{name}/aside/{number}/reveal": {
			id: "revealAside", tag: "Streams", summary: "Show a message that was set aside, on record", asks: revealRequest{},
			example: `{"reason": "case 2026-117"}`, gives: map[int]any{200: RevealedAside{}},
		},
		"POST /api/v1/sources/{name}/aside/{number}/release": {
			id: "releaseAside", tag: "Streams", summary: "Try a message that was set aside once more, and then those that wait behind it",
			more: "With `code` in the answer it is still set aside, for that reason.", gives: map[int]any{200: LetGoView{}}, problems: []fault.Code{fault.Conflict, fault.StreamMoved},
		},
		"POST /api/v1/sources/{name}/aside/{number}/discard": {
			id: "discardAside", tag: "Streams", summary: "Give up a message that was set aside; those that wait behind it are taken",
			gives: map[int]any{200: LetGoView{}}, problems: []fault.Code{fault.StreamMoved},
		},
		"GET /api/v1/event-types": {
			id: "listEventTypes", tag: "Catalogue", summary: "List the catalogue of event types", query: pageParameters(), gives: map[int]any{200: page[event.Type]{}},
		},
		"GET /api/v1/event-types/{name}": {
			id: "getEventType", tag: "Catalogue", summary: "Read an event type", tagged: true, gives: map[int]any{200: event.Type{}},
		},
		"PUT /api/v1/event-types/{name}": {
			id: "putEventType", tag: "Catalogue", summary: "Make or change an event type", more: "`order` and `personal` stay once it has a version.",
			asks: event.Type{}, example: `{"title": "A permit has changed", "order": "key", "personal": false, "retention": "P6M"}`, edits: true,
			gives: put(event.Type{}), problems: []fault.Code{fault.VersionFixed},
		},
		"GET /api/v1/event-types/{name}/versions": {
			id: "listVersions", tag: "Catalogue", summary: "List the versions of an event type", query: pageParameters(), gives: map[int]any{200: page[event.Version]{}},
		},
		"GET /api/v1/event-types/{name}/versions/{version}": {
			id: "getVersion", tag: "Catalogue", summary: "Read a version", tagged: true, gives: map[int]any{200: event.Version{}},
		},
		"PUT /api/v1/event-types/{name}/versions/{version}": {
			id: "putVersion", tag: "Catalogue", summary: "Make or change a version",
			more: "draft, active, deprecated, retired: one step at a time; activating one deprecates the one before. Once it has been active, only its state and its end may change.",
			asks: event.Version{}, example: `{"state": "active", "sample": {"permit": "P-17"}, "mapping": {"key": "/permit"}}`, edits: true,
			gives: put(event.Version{}), problems: []fault.Code{fault.VersionFixed},
		},
		"GET /api/v1/profiles": {
			id: "listProfiles", tag: "Catalogue", summary: "List the policies that an agreement can choose", gives: map[int]any{200: list[profileView]{}},
		},

		"GET /api/v1/systems": {
			id: "listSystems", tag: "Systems", summary: "List the receiving systems with their agreements", query: pageParameters(),
			gives: map[int]any{200: page[subscription.System]{}},
		},
		"GET /api/v1/systems/{name}": {
			id: "getSystem", tag: "Systems", summary: "Read a system", more: "A subscriber is not told the names of files on the hub.", tagged: true,
			gives: map[int]any{200: subscription.System{}},
		},
		"PUT /api/v1/systems/{name}": {
			id: "putSystem", tag: "Systems", summary: "Make or change a system", edits: true, asks: subscription.System{}, gives: put(subscription.System{}),
			example: `{"title": "Archive", "agreement": {"profile": "standard", "baseUrl": "https://archive.example/hook", "sources": ["permits"], "contacts": {"technical": {"email": "ops@archive.example"}}}}`,
		},
		"DELETE /api/v1/systems/{name}": {
			id: "deleteSystem", tag: "Systems", summary: "End the agreement with a system", edits: true, gives: map[int]any{200: manage.Removal{}},
			query: []openapi.Parameter{dropParameter()}, problems: []fault.Code{fault.DropCount},
		},
		"GET /api/v1/systems/{name}/contacts": {
			id: "getContacts", tag: "Systems", summary: "Read the contacts of a system", more: "The ETag is the system's.", tagged: true,
			gives: map[int]any{200: subscription.Contacts{}},
		},
		"PUT /api/v1/systems/{name}/contacts": {
			id: "putContacts", tag: "Systems", summary: "Change the contacts of a system and nothing else", edits: true, asks: subscription.Contacts{},
			example: `{"technical": {"email": "ops@archive.example"}}`, gives: map[int]any{200: subscription.Contacts{}},
		},
		"GET /api/v1/systems/{name}/whereabouts": {
			id: "getSystemWhereabouts", tag: "Systems", summary: "Tell how a system stands: what is on its way, what arrived, which lanes stand",
			query: []openapi.Parameter{wholeParameter("days", "Days of figures.", 1, daysMost, daysShown)}, gives: map[int]any{200: SystemWhereaboutsView{}},
		},
		"GET /api/v1/systems/{name}/subscriptions": {
			id: "getSubscriptionSet", tag: "Systems", summary: "Read a system's whole set of subscriptions, as it may be put", tagged: true,
			gives: map[int]any{200: list[subscription.Subscription]{}},
		},
		"PUT /api/v1/systems/{name}/subscriptions": {
			id: "putSubscriptionSet", tag: "Systems", summary: "Make this the whole set of a system's subscriptions",
			more:  "All or nothing: what is missing is made, what differs is changed, what is too much is removed; they are told apart by name.",
			query: []openapi.Parameter{flagParameter("dry_run", "Only tell what would happen."), dropParameter()}, edits: true, asks: set{},
			example: `{"items": [{"name": "all", "types": ["permit.changed"], "path": "/permits"}]}`, gives: map[int]any{200: manage.Report{}},
			problems: []fault.Code{fault.DropCount, fault.NotGranted, fault.Overlap},
		},
		"POST /api/v1/systems/{name}/subscriptions/preview": {
			id: "previewFilter", tag: "Systems", summary: "Tell what a filter would have matched among recent events",
			more: "Of the newest events that the agreement grants. With the profile datafordeler. Nothing is changed.", asks: manage.Asked{},
			example: `{"filter": {"all": [{"field": "objekttype", "equals": "Bygning"}, {"place": {"within": {"municipality": "0706", "wkt": "POLYGON((575000 6240000, 605000 6240000, 605000 6270000, 575000 6240000))"}}}]}, "last": 1000}`,
			gives:   map[int]any{200: manage.Preview{}},
		},
		"POST /api/v1/systems/{name}/signing-keys": {
			id: "newSigningKey", tag: "Systems", summary: "Give a system a new signing key, told once", asks: newKeyRequest{},
			example: `{"kind": "v1", "overlapSeconds": 86400}`, gives: map[int]any{201: manage.NewKey{}}, problems: []fault.Code{fault.Conflict, fault.ReadOnly},
		},

		"GET /api/v1/subscriptions": {
			id: "listSubscriptions", tag: "Subscriptions", summary: "List how subscriptions stand", gives: map[int]any{200: page[manage.Standing]{}},
			query: pageParameters(textParameter("system", "Of this system only.", "archive"), wordParameter("state", "In this state only.", states...)),
		},
		"GET /api/v1/subscriptions/{id}": {
			id: "getSubscription", tag: "Subscriptions", summary: "Read how a subscription stands", gives: map[int]any{200: manage.Standing{}},
		},
		"POST /api/v1/subscriptions/{id}/test": {
			id: "testSubscription", tag: "Subscriptions", summary: "Send a sample to where a subscription is to go",
			more: "With the header `Varsel-Test: 1`. Passed, it puts in force what waited for it.", gives: map[int]any{200: manage.TestReport{}},
			problems: []fault.Code{fault.TestFailed, fault.Conflict, fault.InvalidMessage, fault.SenderConfig},
		},
		"POST /api/v1/subscriptions/{id}/activate": {
			id: "activateSubscription", tag: "Subscriptions", summary: "Take a draft into use, or a deactivated one again", gives: map[int]any{200: manage.Standing{}},
			problems: []fault.Code{fault.Conflict},
		},
		"POST /api/v1/subscriptions/{id}/deactivate": {
			id: "deactivateSubscription", tag: "Subscriptions", summary: "Stop a subscription; what is for it is kept", asks: because{}, mayAsk: true,
			example: `{"reason": "the receiver moves"}`, gives: map[int]any{200: manage.Standing{}}, problems: []fault.Code{fault.Conflict},
		},

		"GET /api/v1/subscriptions/{id}/replays": {
			id: "listReplays", tag: "Replays", summary: "List the replays of a subscription, newest first", query: pageParameters(), gives: map[int]any{200: page[passView]{}},
		},
		"POST /api/v1/subscriptions/{id}/replays": {
			id: "beginReplay", tag: "Replays", summary: "Count, or begin, a replay",
			more: "Ask with `dryRun` first: 200 with the count. Repeated with that count it begins: 202.", asks: replayRequest{},
			example: `{"after": 100, "upTo": 250, "types": ["permit.changed"], "count": 17}`, gives: map[int]any{200: replayCount{}, 202: passView{}},
			problems: []fault.Code{fault.ReplayCount, fault.NothingSelected, fault.Conflict},
		},
		"DELETE /api/v1/subscriptions/{id}/replays/{pass}": {
			id: "stopReplay", tag: "Replays", summary: "Stop a replay that is under way", more: "Stopping one that has ended changes nothing.", gives: map[int]any{204: nil},
		},

		"GET /api/v1/subscriptions/{id}/sink": {
			id: "listArrivals", tag: "Sinks", summary: "List what a subscription's sink has taken, without bodies", gives: map[int]any{200: arrivals{}},
			query: []openapi.Parameter{
				wholeParameter("after", "The number to go on behind.", 0, 1<<62, 0), wholeParameter("limit", "Messages at most.", 1, arrivalsMost, arrivalsShown),
				wholeParameter("wait", "Seconds to wait for the first, where there is none.", 0, waitMost, 0),
			},
		},
		"DELETE /api/v1/subscriptions/{id}/sink": {
			id: "emptySink", tag: "Sinks", summary: "Let go of what a sink has taken", gives: map[int]any{204: nil},
		},
		"POST /api/v1/subscriptions/{id}/sink/{number}/reveal": {
			id: "revealArrival", tag: "Sinks", summary: "Show a message in a sink with its body, on record", gives: map[int]any{200: revealedArrival{}},
		},

		"GET /api/v1/pull/{subscription}": {
			id: "fetch", tag: "Fetching", summary: "Fetch what is for a subscription that is read by cursor",
			more: "A stream, in the first form of Accept that there is. Every event carries its own `cursor`; the last member (in NDJSON the last line; of a CloudEvents batch the trailer `Varsel-Cursor`) is " +
				"the one to come back with. An answer without it broke off: come again with the last one there is.",
			query: []openapi.Parameter{
				textParameter("after", "The cursor to go on behind; none: from where the hub knows the reader to stand.", "AAAAAQAAAAAAAAAq"),
				wholeParameter("limit", "Events at most.", 1, fetchMost, fetchUsual),
				wholeParameter("wait", "Seconds to wait for the first, where there is none.", 0, waitMost, 0),
			},
			gives: map[int]any{200: nil}, streams: fetchForms(),
			problems: []fault.Code{fault.Conflict, fault.FetchPaused, fault.BadCursor, fault.LogRewound, fault.NotAcceptable, fault.ShuttingDown, fault.InvalidMessage},
		},
		"POST /api/v1/pull/{subscription}/lease": {
			id: "lease", tag: "Fetching", summary: "Lease messages of a queue", more: "Of one key there is one at a time. What is not acknowledged comes again.",
			asks: leaseRequest{}, mayAsk: true, example: `{"max": 100, "seconds": 60, "wait": 20}`, gives: map[int]any{200: leasedMessages{}},
			problems: []fault.Code{fault.Conflict, fault.FetchPaused, fault.InvalidMessage},
		},
		"POST /api/v1/pull/{subscription}/acknowledge": {
			id: "acknowledge", tag: "Fetching", summary: "End leased messages as delivered", asks: leasesRequest{}, example: `{"leases": ["AAAAAAAAACo"]}`,
			gives: map[int]any{200: settled{}}, problems: []fault.Code{fault.Conflict},
		},
		"POST /api/v1/pull/{subscription}/return": {
			id: "return", tag: "Fetching", summary: "Give leased messages back before their time", asks: leasesRequest{}, example: `{"leases": ["AAAAAAAAACo"]}`,
			gives: map[int]any{200: settled{}}, problems: []fault.Code{fault.Conflict},
		},

		"GET /api/v1/pauses": {
			id: "listPauses", tag: "Pauses", summary: "List what is paused", query: pageParameters(), gives: map[int]any{200: page[pauseView]{}},
		},
		"POST /api/v1/hub/pause":                 pausing("pauseHub", "Stop everything from being sent", `{"reason": "release night"}`),
		"POST /api/v1/hub/resume":                pausing("resumeHub", "End the pause of everything", ""),
		"POST /api/v1/systems/{name}/pause":      pausing("pauseSystem", "Stop what is sent to a system", `{"reason": "release night"}`),
		"POST /api/v1/systems/{name}/resume":     pausing("resumeSystem", "End the pause of a system", ""),
		"POST /api/v1/subscriptions/{id}/pause":  pausing("pauseSubscription", "Stop what is sent for a subscription", `{"reason": "release night"}`),
		"POST /api/v1/subscriptions/{id}/resume": pausing("resumeSubscription", "End the pause of a subscription", ""),
		"POST /api/v1/endpoints/pause":           pausing("pauseEndpoint", "Stop what is sent to an endpoint", endpointExample),
		"POST /api/v1/endpoints/resume":          pausing("resumeEndpoint", "End the pause of an endpoint", endpointExample),

		"GET /api/v1/egress": {
			id: "getEgress", tag: "Deliveries", summary: "Tell how the hub's calls look from outside: certificates and addresses",
			more: "For a receiver's firewall and trust store. A subscriber is told of its own systems.", gives: map[int]any{200: egressView{}},
		},
		"GET /api/v1/endpoints": {
			id: "listEndpoints", tag: "Deliveries", summary: "List the endpoints with their breakers", query: pageParameters(), gives: map[int]any{200: page[endpointView]{}},
		},
		"GET /api/v1/lanes": {
			id: "listLanes", tag: "Deliveries", summary: "List the lanes that stand, by position", gives: map[int]any{200: page[laneView]{}},
			query: []openapi.Parameter{
				textParameter("system", "Of this system only.", "archive"), textParameter("subscription", "Of this subscription only.", ""),
				wordParameter("state", "In this state only.", laneStates...), wholeParameter("limit", "Lanes of a page.", 1, lanesMost, lanesShown), afterParameter(),
			},
		},
		"POST /api/v1/lanes/release": {
			id: "releaseLanes", tag: "Deliveries", summary: "Make parked and retrying heads due now", asks: selection{}, example: `{"system": "archive", "dryRun": true}`,
			gives: map[int]any{200: operated{}}, problems: []fault.Code{fault.NothingSelected},
		},
		"POST /api/v1/lanes/discard": {
			id: "discardLanes", tag: "Deliveries", summary: "Give heads up for ever; their lanes go on", asks: selection{}, example: `{"system": "archive", "dryRun": true}`,
			gives: map[int]any{200: operated{}}, problems: []fault.Code{fault.NothingSelected},
		},
		"GET /api/v1/totals": {
			id: "getTotals", tag: "Deliveries", summary: "Read the counters since the hub's start", gives: map[int]any{200: delivery.Totals{}},
		},
		"GET /api/v1/nodes": {
			id: "listNodes", tag: "Deliveries", summary: "List the nodes of the hub, and what each of them has", gives: map[int]any{200: NodeList{}},
		},

		"GET /api/v1/accounts": {
			id: "listAccounts", tag: "Accounts", summary: "List who may call, and in which roles", query: pageParameters(), gives: map[int]any{200: page[accountView]{}},
		},
		"GET /api/v1/accounts/{name}": {
			id: "getAccount", tag: "Accounts", summary: "Read an account", tagged: true, gives: map[int]any{200: accountView{}},
		},
		"PUT /api/v1/accounts/{name}": {
			id: "putAccount", tag: "Accounts", summary: "Make or change an account", more: "What is sent of its secrets and its password does not count.", asks: accountView{},
			example: `{"roles": ["subscriber"], "systems": ["archive"]}`, edits: true, gives: put(accountView{}),
		},
		"POST /api/v1/accounts/{name}/secrets": {
			id: "newSecret", tag: "Accounts", summary: "Give an account a new secret, told once", more: "With overlapSeconds 0 the old ones, and their tokens, end at once.",
			asks: overlapping{}, mayAsk: true, example: `{"overlapSeconds": 86400}`, gives: map[int]any{201: newSecretView{}}, problems: []fault.Code{fault.Conflict},
		},

		"PUT /api/v1/accounts/{name}/password": {
			id: "setPassword", tag: "Accounts", summary: "Give an account a password to sign in with", more: "Its sessions end. The password is never shown again.",
			asks: newPassword{}, example: `{"password": "four words and a number 7"}`, tagged: true, gives: map[int]any{200: accountView{}},
		},

		"GET /api/v1/audit": {
			id: "listAudit", tag: "Audit", summary: "List who did what, newest first", gives: map[int]any{200: page[AuditView]{}},
			query: []openapi.Parameter{
				textParameter("actor", "By this one only.", "eva"), wordParameter("act", "This act only.", words(audit.Acts()...)...),
				textParameter("subject", "What was done to this only: kind/name.", "system/archive"),
				timeParameter("from", "From this time on."), timeParameter("to", "Before this time."),
				wordParameter("order", "newest where nothing is said.", "newest", "oldest"),
				wholeParameter("limit", "Entries of a page.", 1, pageMost, auditShown), afterParameter(),
			},
		},
		"GET /api/v1/audit/head": {
			id: "getAuditHead", tag: "Audit", summary: "Read the number and MAC of the last entry", gives: map[int]any{200: auditHeadView{}},
		},
		"GET /api/v1/openapi.json": {
			id: "getOpenAPI", tag: "Description", summary: "Read this description", more: "OpenAPI 3.1. It holds no secret and is anyone's.", tagged: true,
			gives: map[int]any{200: map[string]any{}},
		},
	}
	maps.Copy(all, describedSites())
	maps.Copy(all, describedReceipts())
	maps.Copy(all, describedRegisters())
	maps.Copy(all, describedExtracts())
	return all
}

// put are the answers to a PUT of one document.
func put(document any) map[int]any {
	return map[int]any{http.StatusOK: document, http.StatusCreated: document}
}

const endpointExample = `{"system": "archive", "url": "https://archive.example/hook/permits"}`

func pausing(id, summary, example string) about {
	return about{
		id: id, tag: "Pauses", summary: summary, asks: pauseRequest{}, mayAsk: true, example: example, gives: map[int]any{200: pauseView{}},
		problems: []fault.Code{fault.NotFound},
	}
}
