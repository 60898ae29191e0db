package api

import (
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/api/openapi"
)

// describedSites has the routes of status sites.
func describedSites() map[string]about {
	return map[string]about{
		"GET /api/v1/sites": {
			id: "listSites", tag: "Sites", summary: "List the status sites, and what they say first", query: pageParameters(),
			gives: map[int]any{200: page[SiteSummary]{}},
		},
		"GET /api/v1/sites/{site}": {
			id: "getSite", tag: "Sites", summary: "Read what stands on a site and how it looks, as it may be put", tagged: true, gives: map[int]any{200: status.Site{}},
		},
		"PUT /api/v1/sites/{site}": {
			id: "putSite", tag: "Sites", summary: "Make or change a site, whole",
			more: "Ids that are left out are those of what was called so before, else new; give them back to rename or move something. What is taken away comes back with its past when " +
				"its id is put again. Site editors leave `hosts` and the `hub` of components as they are.",
			edits: true, asks: status.Site{}, example: siteExample, gives: put(status.Site{}),
		},
		"DELETE /api/v1/sites/{site}": {
			id: "deleteSite", tag: "Sites", summary: "Take a site away", more: "Pauses of its maintenances end. Put again, it comes back with its past.", edits: true, gives: map[int]any{204: nil},
		},
		"GET /api/v1/sites/{site}/board": {
			id: "getBoard", tag: "Sites", summary: "Read how a site stands: headline, components, notices",
			more:  "In all of its languages; with what the Statuspage API has no word for. Subscribers are told what everyone may read, and which of their systems have acknowledged.",
			gives: map[int]any{200: BoardView{}},
		},
		"POST /api/v1/sites/{site}/import": {
			id: "importSite", tag: "Sites", summary: "Make a site with a past, or add what is new of it",
			more: "Where the site is there already its document stays, unless If-Match names its state; notices and changes that are there are skipped. Nobody is told of what is past. " +
				"At most 10,000 notices and 100,000 changes.",
			mayMatch: true, asks: manage.Imported{}, example: `{"site": ` + siteExample + `, "notices": [], "changes": []}`,
			gives: map[int]any{200: manage.ImportReport{}, 201: manage.ImportReport{}}, problems: []fault.Code{fault.NeedsIfMatch},
		},
		"GET /api/v1/sites/{site}/components/{component}/state": {
			id: "getState", tag: "Sites", summary: "Read how a component does", tagged: true, gives: map[int]any{200: StateView{}},
		},
		"PUT /api/v1/sites/{site}/components/{component}/state": {
			id: "setState", tag: "Sites", summary: "Say how a component does",
			more:     "It needs no If-Match; what is so already changes nothing. With `at` it may be so for longer than was known, but not since before something else was set.",
			mayMatch: true, leaves: true, asks: manage.Setting{}, example: `{"state": "degraded_performance", "reason": {"en": "1 of 2 data centres"}}`, gives: map[int]any{200: StateView{}},
		},
		"GET /api/v1/sites/{site}/components/{component}/history": {
			id: "listStates", tag: "Sites", summary: "List the states a component was in, newest first", query: pageParameters(), gives: map[int]any{200: page[SpanView]{}},
		},
		"GET /api/v1/sites/{site}/notices": {
			id: "listNotices", tag: "Sites", summary: "List the notices of a site, newest first", gives: map[int]any{200: page[NoticeView]{}},
			query: []openapi.Parameter{
				wordParameter("kind", "Of this kind only.", words(status.Kinds...)...), wordParameter("open", "true: only those that are current; false: only those that are over or still to come.", "true", "false"),
				wholeParameter("limit", "Notices of a page.", 1, noticesMost, noticesShown), afterParameter(),
			},
		},
		"POST /api/v1/sites/{site}/notices": {
			id: "openNotice", tag: "Sites", summary: "Open an incident, a maintenance, an action, an announcement or a bulletin",
			more: "With its first update. `Location` is its address. A maintenance begins and ends by itself, and so does what is shown from a time until another; " +
				"what is not shown yet nobody is told of. Site editors pause no systems.",
			leaves: true, asks: manage.Opening{}, gives: map[int]any{201: NoticeView{}},
			example: `{"kind": "incident", "title": {"en": "Search is slow"}, "body": {"en": "We are looking into it."}, "affected": {"7kq2m9x4h1zc": "degraded_performance"}}`,
		},
		"GET /api/v1/sites/{site}/notices/{notice}": {
			id: "getNotice", tag: "Sites", summary: "Read a notice with everything that was said", tagged: true, gives: map[int]any{200: NoticeView{}},
		},
		"PUT /api/v1/sites/{site}/notices/{notice}": {
			id: "putNotice", tag: "Sites", summary: "Change what is said of a notice as a whole", more: "Updates are left as they are. A title that it had stays to be read.",
			edits: true, asks: manage.Facts{}, example: `{"title": {"en": "Search is slow in the archive"}, "components": ["7kq2m9x4h1zc"]}`, gives: map[int]any{200: NoticeView{}},
		},
		"DELETE /api/v1/sites/{site}/notices/{notice}": {
			id: "deleteNotice", tag: "Sites", summary: "Take a notice off the site", more: "What it had set of components goes back.", edits: true, gives: map[int]any{204: nil},
		},
		"POST /api/v1/sites/{site}/notices/{notice}/updates": {
			id: "say", tag: "Sites", summary: "Say more of a notice, or that it is over",
			more:     "It needs no If-Match, since it takes nothing away.",
			mayMatch: true, leaves: true, asks: manage.Saying{}, example: `{"stage": "resolved", "body": {"en": "Search is fast again."}}`, gives: map[int]any{201: NoticeView{}},
		},
		"PUT /api/v1/sites/{site}/notices/{notice}/updates/{update}": {
			id: "putUpdate", tag: "Sites", summary: "Put an update otherwise", more: "The ETag is the notice's. What it said before stays to be read.",
			edits: true, asks: wording{}, example: `{"body": {"en": "Searches take up to a minute."}}`, gives: map[int]any{200: NoticeView{}},
		},
		"PUT /api/v1/sites/{site}/notices/{notice}/postmortem": {
			id: "putPostmortem", tag: "Sites", summary: "Tell of an incident when it is over", more: "The ETag is the notice's. What it said before stays to be read.",
			edits: true, asks: afterwards{}, example: `{"body": {"en": "A disk was full, and nobody was told."}}`, gives: map[int]any{200: NoticeView{}},
		},
		"POST /api/v1/sites/{site}/notices/{notice}/acknowledgements": {
			id: "acknowledgeNotice", tag: "Sites", summary: "Say that a system has done what an action asks for", more: "Twice is once. It is on record by whose account it was said.",
			asks: acknowledging{}, example: `{"system": "archive"}`, gives: map[int]any{200: NoticeView{}}, problems: []fault.Code{fault.Conflict},
		},
		"GET /api/v1/sites/{site}/notices/{notice}/history": {
			id: "listNoticeHistory", tag: "Sites", summary: "List every form a notice had, with who changed it, oldest first",
			query: []openapi.Parameter{wholeParameter("limit", "Forms of a page.", 1, noticesMost, noticesShown), afterParameter()}, gives: map[int]any{200: page[NoticeThenView]{}},
		},
	}
}

const siteExample = `{"title": {"en": "Our services"}, "zone": "Europe/Copenhagen", "languages": ["en"], "sections": [{"name": "all", "title": {"en": "Services"}, "components": [{"title": {"en": "Search"}}]}]}`
