package api

import (
	"encoding/json"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/web/api/openapi"
)

// describedRegisters are the routes of registers, and of what they deliver and keep.
func describedRegisters() map[string]about {
	return map[string]about{
		"GET /api/v1/registers": {
			id: "listRegisters", tag: "Registers", summary: "List the registers", query: pageParameters(), gives: map[int]any{200: page[register.Register]{}},
		},
		"GET /api/v1/registers/{register}": {
			id: "getRegister", tag: "Registers", summary: "Read a register", tagged: true, gives: map[int]any{200: register.Register{}},
		},
		"PUT /api/v1/registers/{register}": {
			id: "putRegister", tag: "Registers", summary: "Set a register up or change it",
			more: "Entity types and columns may come, and none may go: rows are kept by them. The source and the event types that are named must be there.",
			asks: register.Register{}, example: registerExample, edits: true, gives: put(register.Register{}),
		},
		"GET /api/v1/registers/{register}/deliveries": {
			id: "listDeliveries", tag: "Registers", summary: "List the deliveries of a register, newest first", query: pageParameters(), gives: map[int]any{200: page[DeliveryView]{}},
		},
		"POST /api/v1/registers/{register}/deliveries": {
			id: "takeDelivery", tag: "Registers", summary: "Take a delivery in, all or nothing",
			more: "A `DatafordelerDataDelivery`, of any size: it is read as it comes. 201 when all of it is there: its rows are seen from then on, and its events follow. " +
				"One that stopped half way goes on when it is posted again from its beginning under the same id; one that is there already is answered with 200.",
			query: []openapi.Parameter{textParameter("id", "What the register calls the delivery; none: what the delivery calls itself.", "2026-11-27-1")},
			forms: map[string]openapi.MediaType{"application/xml": {Schema: &openapi.Schema{Type: openapi.Types{"string"}, Description: "A DatafordelerDataDelivery."}}},
			gives: map[int]any{200: DeliveryView{}, 201: DeliveryView{}}, problems: []fault.Code{fault.BadRequest, fault.InvalidDocument, fault.Conflict},
		},
		"GET /api/v1/registers/{register}/deliveries/{delivery}": {
			id: "getDelivery", tag: "Registers", summary: "Tell how a delivery stands", gives: map[int]any{200: DeliveryView{}},
		},
		"DELETE /api/v1/registers/{register}/deliveries/{delivery}": {
			id: "dropDelivery", tag: "Registers", summary: "Give up a delivery that stopped half way", more: "What was staged of it goes; it was seen by nobody.",
			gives: map[int]any{204: nil}, problems: []fault.Code{fault.Conflict},
		},
		"GET /api/v1/registers/{register}/events": {
			id: "listRegisterEvents", tag: "Registers", summary: "List the recent events of a register, newest first, with where their objects are",
			more: "Events of the types that the register's deliveries make, as its source published them. One request walks at most 100,000 positions of the log back and reads at most 16 MiB, " +
				"so a page may hold less than was asked for, or nothing, and have a `next`. Of an event whose type names personal values no object, field or place is told: `withheld` is true. " +
				"What is forgotten is left out, and so are messages that a register has made itself under types that none of its entity types has.",
			query: []openapi.Parameter{
				textParameter("type", "Of this entity type, or of this event type.", "Kommuneinddeling"),
				textParameter("bbox", "About objects whose box meets this one: west, south, east and north, in longitude and latitude (RFC 7946 section 5).", "9.8,54.7,11.1,55.7"),
				wholeParameter("since", "Above this position: what has come since.", 0, 1<<53-1, 0),
				wordParameter("format", "geojson: features, in longitude and latitude.", formJSON, formGeoJSON),
				wordParameter("srs", "The reference system of places in WKT, by its EPSG code; none: as they were delivered.", srsUTM32, srsWGS84),
				wholeParameter("limit", "Events of a page.", 1, happeningsMost, happeningsShown), afterParameter(),
			},
			gives: map[int]any{200: HappeningsView{}}, problems: []fault.Code{fault.BadRequest},
			streams: map[string]openapi.MediaType{geoJSON: {Schema: &openapi.Schema{Type: openapi.Types{"object"}, Description: "A FeatureCollection (RFC 7946), with next and upTo. The id of each feature is the position of its event."}}},
		},
		"GET /api/v1/registers/{register}/{type}": {
			id: "listRows", tag: "Registers", summary: "Look up what a register knew at one time about another",
			more: "Rows stand as they were delivered. `registreringTil` is when they were de-registered, if they were. One that was erased with a person has `erased`, which is true, and its times.",
			query: []openapi.Parameter{
				textParameter("registreringstid", "As it was known then, a time or a day; none: now.", "2017-01-05"), textParameter("virkningstid", "About then, a time or a day; none: now.", "2017-03-01T00:00:00Z"),
				textParameter("object", "Of one object: the values of the columns that tell it, one parameter each, in the type's order. Where they are personal, use `POST /registers/{register}/search`.", "10389119"),
				wordParameter("format", "geojson: features, each with the first of its places, in longitude and latitude.", formJSON, formGeoJSON),
				wordParameter("srs", "The reference system of places in WKT, by its EPSG code; none: as they were delivered.", srsUTM32, srsWGS84),
				wordParameter("history", "true: every row of the object, whenever it was known.", "true", "false"),
				wholeParameter("limit", "Rows of a page.", 1, rowsMost, rowsShown), afterParameter(),
			},
			gives: map[int]any{200: page[json.RawMessage]{}}, problems: []fault.Code{fault.BadRequest, fault.InvalidGeometry},
			streams: map[string]openapi.MediaType{geoJSON: {Schema: &openapi.Schema{Type: openapi.Types{"object"}, Description: "A FeatureCollection (RFC 7946), with next."}}},
		},
		"POST /api/v1/registers/{register}/search": {
			id: "searchRows", tag: "Registers", summary: "Look up rows by what tells a personal object too",
			more: "As `GET`, but what tells the object stands in the body: addresses are kept by proxies, browsers and logs.",
			asks: rowSearch{}, example: `{"type": "Kommuneinddeling", "object": ["10389119"], "history": true}`,
			gives: map[int]any{200: page[json.RawMessage]{}}, problems: []fault.Code{fault.BadRequest, fault.InvalidGeometry},
			streams: map[string]openapi.MediaType{geoJSON: {Schema: &openapi.Schema{Type: openapi.Types{"object"}, Description: "A FeatureCollection (RFC 7946), with next."}}},
		},
	}
}

const registerExample = `{"title": "Municipalities", "source": "dagi", "types": [{"name": "Kommuneinddeling", "row": "objectid", "object": ["id_lokalId"], "columns": [` +
	`{"name": "objectid", "required": true}, {"name": "id_lokalId", "required": true}, {"name": "geometri", "type": "geometry"}, {"name": "feltliste", "eventOnly": true}]}]}`
