package api

import (
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/web/api/openapi"
)

// describedExtracts are the routes of extracts and of their files.
func describedExtracts() map[string]about {
	binary := &openapi.Schema{Type: openapi.Types{"string"}, Description: "A zip of the rows and of manifest.json, which says what they are."}
	return map[string]about{
		"GET /api/v1/extracts": {
			id: "listExtracts", tag: "Extracts", summary: "List the extracts", query: pageParameters(), gives: map[int]any{200: page[register.Extract]{}},
		},
		"GET /api/v1/extracts/{extract}": {
			id: "getExtract", tag: "Extracts", summary: "Read an extract", tagged: true, gives: map[int]any{200: register.Extract{}},
		},
		"PUT /api/v1/extracts/{extract}": {
			id: "putExtract", tag: "Extracts", summary: "Set an extract up, or change when and how it is made",
			more: "What it takes, and for which system, stays: another subset is another extract.",
			asks: register.Extract{}, example: extractExample, edits: true, gives: put(register.Extract{}),
		},
		"DELETE /api/v1/extracts/{extract}": {
			id: "removeExtract", tag: "Extracts", summary: "End an extract", more: "Its files go with it.", edits: true, gives: map[int]any{204: nil},
		},
		"POST /api/v1/extracts/{extract}/run": {
			id: "runExtract", tag: "Extracts", summary: "Have an extract made now", more: "Its file is listed when it is ready. A delta of nothing makes none.",
			gives: map[int]any{202: ExtractOrderView{}},
		},
		"GET /api/v1/extracts/{extract}/files": {
			id: "listExtractFiles", tag: "Extracts", summary: "List the files of an extract that are kept, newest first", gives: map[int]any{200: list[ExtractFileView]{}},
		},
		"GET /api/v1/extracts/{extract}/files/{file}": {
			id: "getExtractFile", tag: "Extracts", summary: "Fetch a file of an extract, or the rest of it",
			more:  "Ranges are served, so that a download goes on where it broke off: send `Range`, and `If-Range` with the ETag. The file's name and `.sha256` is its checksum, as `sha256sum --check` reads it.",
			gives: map[int]any{200: nil}, ranged: true, problems: []fault.Code{fault.BadRequest, fault.Forgotten},
			streams: map[string]openapi.MediaType{"application/zip": {Schema: binary}, "text/plain": {Schema: &openapi.Schema{Type: openapi.Types{"string"}, Description: "A checksum."}}},
		},
	}
}

const extractExample = `{"title": "Municipalities, every night", "system": "map", "register": "dagi", "type": "Kommuneinddeling", "selection": "snapshot", "schedule": "30 2 * * *", "format": "csv", "keep": 14}`
