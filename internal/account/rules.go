package account

// Reach is how far a role gets on a route.
type Reach uint8

// The reaches, each further than the one before.
const (
	None Reach = iota // refused: 403
	Own               // what is its own; anything else is not there: 404
	All
)

// Rule is one route of the hub and who may use it. A route without a rule is refused to everyone.
type Rule struct {
	Route string // "METHOD /path", as the server's mux writes it
	Open  bool   // asks nobody who they are
	Reach [5]Reach
}

// open makes the rule of a route that everyone may use; to one by role.
func open(route string) Rule { return Rule{Route: route, Open: true} }

func to(route string, operator, auditor, source, subscriber, siteEditor Reach) Rule { //nolint:unparam // the table has a column for each role
	return Rule{Route: route, Reach: [5]Reach{operator, auditor, source, subscriber, siteEditor}}
}

// Rules is the table of every route by role. An operator may do all, an auditor read all but payloads.
var Rules = []Rule{
	//                                                    operator auditor source subscriber site-editor
	to("POST /api/v1/events", All, None, Own, None, None),
	to("GET /api/v1/events", All, All, Own, Own, None),
	to("POST /api/v1/events/search", All, All, Own, Own, None),
	to("GET /api/v1/events/{position}", All, All, Own, Own, None),
	to("GET /api/v1/events/{position}/attempts", All, All, None, Own, None),
	to("POST /api/v1/events/{position}/reveal", All, None, None, Own, None), // on record, with the reason
	to("GET /api/v1/erasures", All, All, None, None, None),
	to("POST /api/v1/erasures", All, None, None, None, None),
	to("GET /api/v1/erasures/{number}", All, All, None, None, None),
	to("GET /api/v1/events/{position}/whereabouts", All, All, None, Own, None),
	to("GET /api/v1/whereabouts", All, All, None, Own, None),
	to("GET /api/v1/systems/{name}/whereabouts", All, All, None, Own, None),

	// The catalogue is everyone's who may be a party to an event.
	to("GET /api/v1/sources", All, All, All, All, None),
	to("GET /api/v1/sources/{name}", All, All, All, All, None),
	to("PUT /api/v1/sources/{name}", All, None, None, None, None),
	// A source answers for what it sends: what is set aside of its stream is its own, to look at and to let go.
	to("GET /api/v1/streams", All, All, Own, None, None),
	to("GET /api/v1/sources/{name}/stream", All, All, Own, None, None),
	to("GET /api/v1/sources/{name}/aside", All, All, Own, None, None),
	to("POST /api/v1/sources/{name}/aside/{number}/reveal", All, None, Own, None, None),
	to("POST /api/v1/sources/{name}/aside/{number}/release", All, None, Own, None, None),
	to("POST /api/v1/sources/{name}/aside/{number}/discard", All, None, Own, None, None),
	// What a register keeps is payload: no auditor's business. A subscriber looks up what its agreement grants it.
	to("GET /api/v1/registers", All, All, All, All, None),
	to("GET /api/v1/registers/{register}", All, All, All, All, None),
	to("PUT /api/v1/registers/{register}", All, None, None, None, None),
	to("GET /api/v1/registers/{register}/deliveries", All, All, Own, None, None),
	to("POST /api/v1/registers/{register}/deliveries", All, None, Own, None, None),
	to("GET /api/v1/registers/{register}/deliveries/{delivery}", All, All, Own, None, None),
	to("DELETE /api/v1/registers/{register}/deliveries/{delivery}", All, None, Own, None, None),
	to("GET /api/v1/registers/{register}/events", All, None, Own, Own, None),
	to("GET /api/v1/registers/{register}/{type}", All, None, Own, Own, None),
	to("POST /api/v1/registers/{register}/search", All, None, Own, Own, None),
	// An extract is one system's, by its agreement; the operator says what is made and when.
	to("GET /feeds/extracts/{extract}", All, All, None, Own, None),
	to("GET /feeds/registers/{register}", All, All, All, All, None), // of a register that is public: everyone
	to("GET /api/v1/extracts", All, All, None, Own, None),
	to("GET /api/v1/extracts/{extract}", All, All, None, Own, None),
	to("PUT /api/v1/extracts/{extract}", All, None, None, None, None),
	to("DELETE /api/v1/extracts/{extract}", All, None, None, None, None),
	to("POST /api/v1/extracts/{extract}/run", All, None, None, None, None),
	to("GET /api/v1/extracts/{extract}/files", All, All, None, Own, None),
	to("GET /api/v1/extracts/{extract}/files/{file}", All, None, None, Own, None),
	to("GET /api/v1/event-types", All, All, All, All, None),
	to("GET /api/v1/event-types/{name}", All, All, All, All, None),
	to("PUT /api/v1/event-types/{name}", All, None, None, None, None),
	to("GET /api/v1/event-types/{name}/versions", All, All, All, All, None),
	to("GET /api/v1/event-types/{name}/versions/{version}", All, All, All, All, None),
	to("PUT /api/v1/event-types/{name}/versions/{version}", All, None, None, None, None),
	to("GET /api/v1/profiles", All, All, All, All, None),

	// Only the operator makes, changes and ends agreements (S52).
	to("GET /api/v1/systems", All, All, None, Own, None),
	to("GET /api/v1/systems/{name}", All, All, None, Own, None),
	to("PUT /api/v1/systems/{name}", All, None, None, None, None),
	to("DELETE /api/v1/systems/{name}", All, None, None, None, None),
	to("GET /api/v1/systems/{name}/contacts", All, All, None, Own, None),
	to("PUT /api/v1/systems/{name}/contacts", All, None, None, Own, None),
	to("GET /api/v1/systems/{name}/subscriptions", All, All, None, Own, None),
	to("PUT /api/v1/systems/{name}/subscriptions", All, None, None, Own, None),
	to("POST /api/v1/systems/{name}/subscriptions/preview", All, None, None, Own, None),
	to("POST /api/v1/systems/{name}/signing-keys", All, None, None, Own, None),

	to("GET /api/v1/subscriptions", All, All, None, Own, None),
	to("GET /api/v1/subscriptions/{id}", All, All, None, Own, None),
	to("POST /api/v1/subscriptions/{id}/test", All, None, None, Own, None),
	to("POST /api/v1/subscriptions/{id}/activate", All, None, None, Own, None),
	to("POST /api/v1/subscriptions/{id}/deactivate", All, None, None, Own, None),

	// What is fetched is payload: no auditor's business.
	to("GET /api/v1/audit", All, All, None, None, None),
	to("GET /api/v1/audit/head", All, All, None, None, None),
	to("GET /api/v1/subscriptions/{id}/replays", All, All, None, Own, None),
	to("POST /api/v1/subscriptions/{id}/replays", All, None, None, Own, None),
	to("DELETE /api/v1/subscriptions/{id}/replays/{pass}", All, None, None, Own, None),
	to("GET /api/v1/subscriptions/{id}/sink", All, All, None, Own, None),
	to("DELETE /api/v1/subscriptions/{id}/sink", All, None, None, Own, None),
	to("POST /api/v1/subscriptions/{id}/sink/{number}/reveal", All, None, None, Own, None),
	to("GET /api/v1/pull/{subscription}", All, None, None, Own, None),
	to("POST /api/v1/pull/{subscription}/lease", All, None, None, Own, None),
	to("POST /api/v1/pull/{subscription}/acknowledge", All, None, None, Own, None),
	to("POST /api/v1/pull/{subscription}/return", All, None, None, Own, None),

	// A subscriber pauses its subscriptions; a pause of its system is how an operator stops it, and stays until an
	// operator ends it.
	to("GET /api/v1/pauses", All, All, None, None, None),
	to("POST /api/v1/hub/pause", All, None, None, None, None),
	to("POST /api/v1/hub/resume", All, None, None, None, None),
	to("POST /api/v1/systems/{name}/pause", All, None, None, None, None),
	to("POST /api/v1/systems/{name}/resume", All, None, None, None, None),
	to("POST /api/v1/subscriptions/{id}/pause", All, None, None, Own, None),
	to("POST /api/v1/subscriptions/{id}/resume", All, None, None, Own, None),
	to("POST /api/v1/endpoints/pause", All, None, None, None, None),
	to("POST /api/v1/endpoints/resume", All, None, None, None, None),

	to("GET /api/v1/egress", All, All, None, Own, None),
	to("GET /api/v1/endpoints", All, All, None, Own, None),
	to("GET /api/v1/lanes", All, All, None, Own, None),
	to("POST /api/v1/lanes/release", All, None, None, Own, None),
	to("POST /api/v1/lanes/discard", All, None, None, Own, None),
	// A receipt is the receiving system's word; what it is about is payload.
	to("POST /api/v1/receipts", All, None, None, Own, None),
	to("GET /api/v1/receipts", All, All, None, Own, None),
	to("GET /api/v1/receipts/overdue", All, All, None, Own, None),
	to("POST /api/v1/receipts/{message}/reveal", All, None, None, Own, None),

	to("GET /api/v1/totals", All, All, None, None, None),
	to("GET /api/v1/nodes", All, All, None, None, None),

	// Editors write on their own sites, but what reaches beyond a site is the operator's: host names, parts of the hub, pauses
	// of systems. How a site stands is what everyone may read on its page; a subscriber acknowledges for its own systems.
	to("GET /api/v1/sites", All, All, None, None, Own),
	to("GET /api/v1/sites/{site}", All, All, None, None, Own),
	to("PUT /api/v1/sites/{site}", All, None, None, None, Own),
	to("DELETE /api/v1/sites/{site}", All, None, None, None, Own),
	to("GET /api/v1/sites/{site}/board", All, All, None, All, Own),
	to("POST /api/v1/sites/{site}/import", All, None, None, None, Own),
	to("GET /api/v1/sites/{site}/components/{component}/state", All, All, None, None, Own),
	to("PUT /api/v1/sites/{site}/components/{component}/state", All, None, None, None, Own),
	to("GET /api/v1/sites/{site}/components/{component}/history", All, All, None, None, Own),
	to("GET /api/v1/sites/{site}/notices", All, All, None, None, Own),
	to("POST /api/v1/sites/{site}/notices", All, None, None, None, Own),
	to("GET /api/v1/sites/{site}/notices/{notice}", All, All, None, None, Own),
	to("PUT /api/v1/sites/{site}/notices/{notice}", All, None, None, None, Own),
	to("DELETE /api/v1/sites/{site}/notices/{notice}", All, None, None, None, Own),
	to("POST /api/v1/sites/{site}/notices/{notice}/updates", All, None, None, None, Own),
	to("PUT /api/v1/sites/{site}/notices/{notice}/updates/{update}", All, None, None, None, Own),
	to("PUT /api/v1/sites/{site}/notices/{notice}/postmortem", All, None, None, None, Own),
	to("POST /api/v1/sites/{site}/notices/{notice}/acknowledgements", All, None, None, Own, None),
	to("GET /api/v1/sites/{site}/notices/{notice}/history", All, All, None, None, Own),

	to("GET /api/v1/accounts", All, All, None, None, None),
	to("GET /api/v1/accounts/{name}", All, All, None, None, None),
	to("PUT /api/v1/accounts/{name}", All, None, None, None, None),
	to("POST /api/v1/accounts/{name}/secrets", All, None, None, None, None),
	to("PUT /api/v1/accounts/{name}/password", All, None, None, None, None),

	to(LivePage, All, All, None, None, None),

	// A system's events, the way Datafordeleren gives them (F31).
	to(EventMessages, All, None, None, Own, None),

	// The pages for people who have signed in. Where a route names a {site}, own is those of one's sites.
	to("GET /admin/{$}", All, All, All, All, All),
	// The pages to run status sites.
	to("GET /admin/new", All, All, None, None, None),
	to("POST /admin/new", All, None, None, None, None),
	to("GET /admin/{site}", All, All, None, None, Own),
	to("GET /admin/{site}/colours.css", All, All, None, None, Own),
	to("GET /admin/{site}/states/{component}", All, All, None, None, Own),
	to("POST /admin/{site}/states/{component}", All, None, None, None, Own),
	to("GET /admin/{site}/notices", All, All, None, None, Own),
	to("GET /admin/{site}/notices/new", All, All, None, None, Own),
	to("POST /admin/{site}/notices/new", All, None, None, None, Own),
	to("GET /admin/{site}/notices/{notice}", All, All, None, None, Own),
	to("POST /admin/{site}/notices/{notice}", All, None, None, None, Own),
	to("GET /admin/{site}/notices/{notice}/facts", All, All, None, None, Own),
	to("POST /admin/{site}/notices/{notice}/facts", All, None, None, None, Own),
	to("GET /admin/{site}/notices/{notice}/updates/{update}", All, All, None, None, Own),
	to("POST /admin/{site}/notices/{notice}/updates/{update}", All, None, None, None, Own),
	to("GET /admin/{site}/notices/{notice}/afterwards", All, All, None, None, Own),
	to("POST /admin/{site}/notices/{notice}/afterwards", All, None, None, None, Own),
	to("GET /admin/{site}/notices/{notice}/remove", All, All, None, None, Own),
	to("POST /admin/{site}/notices/{notice}/remove", All, None, None, None, Own),
	to("GET /admin/{site}/notices/{notice}/history", All, All, None, None, Own),
	to("GET /admin/{site}/components", All, All, None, None, Own),
	to("POST /admin/{site}/components", All, None, None, None, Own),
	to("GET /admin/{site}/components/{part}/{id}", All, All, None, None, Own),
	to("POST /admin/{site}/components/{part}/{id}", All, None, None, None, Own),
	to("GET /admin/{site}/components/{part}/{id}/remove", All, All, None, None, Own),
	to("POST /admin/{site}/components/{part}/{id}/remove", All, None, None, None, Own),
	to("GET /admin/{site}/looks", All, All, None, None, Own),
	to("POST /admin/{site}/looks", All, None, None, None, Own),
	to("GET /admin/{site}/history", All, All, None, None, Own),
	open("GET /admin/style.css"),
	open("GET /admin/script.js"),

	// The maps of registers show what registers keep, to whom it is told (F39).
	to("GET /registers", All, All, All, All, None),
	to("GET /registers/{register}/map", All, None, Own, Own, None),
	to("GET /registers/{register}/data/{type}", All, None, Own, Own, None), // of the API, to who has signed in
	open("GET /registers/map.css"),
	open("GET /registers/map.js"),

	open("GET /admin/sign-in"),
	open("POST /admin/sign-in"),
	open("GET /admin/sign-in/{provider}"),
	open("GET /admin/sign-in/{provider}/callback"),
	open("POST /admin/sign-out"),

	// The API's description tells nothing of this hub but what every hub of its version can do.
	open("GET /api/v1/openapi.json"),
	open("GET /api/docs"),

	open("POST /oauth/token"),
	open("GET /oauth/jwks.json"),
	open("GET /.well-known/oauth-authorization-server"),
	open("GET /healthz"),
	open("GET /readyz"),
	open("GET /metrics"), // figures, of nobody; served where the operate face is
}

// LivePage is the route of the live page and of what belongs to it.
const LivePage = "GET /now/"

// EventMessages is the route by which systems ask for windows.
const EventMessages = "GET /system/EventMessages/1.0.0/custom"

// RuleOf returns the rule of a route. One that is not in the table lets nobody in.
func RuleOf(route string) (Rule, bool) {
	for _, rule := range Rules {
		if rule.Route == route {
			return rule, true
		}
	}
	return Rule{Route: route}, false
}
