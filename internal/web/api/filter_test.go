package api_test

import "github.com/varselhub/varsel/internal/audit"

// previewing: a filter that asks for single objects, who may be persons, is a search for them.
func previewing(path string) administrative {
	return administrative{
		act: audit.SearchPerson, subject: "system/jobnet", detail: `{"kind":"filter","found":0}`,
		refused: request{path: path, body: `{"filter":{"field":"status","equals":""}}`},
		changes: request{path: path, body: `{"filter":{"any":[{"field":"relateretObjekt\u0049D","equals":"0101701234"}]}}`}, // "ID" is the test's own
		nothing: []request{{path: path, body: `{"filter":{"field":"objekttype","equals":"Bygning"}}`}},
	}
}
