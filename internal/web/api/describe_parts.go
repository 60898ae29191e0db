package api

import (
	"encoding/json"

	"github.com/varselhub/varsel/internal/web/api/openapi"
)

func textParameter(name, about, example string) openapi.Parameter {
	p := openapi.Parameter{Name: name, In: "query", Description: about, Schema: &openapi.Schema{Type: openapi.Types{"string"}}}
	if example != "" {
		p.Example = example
	}
	return p
}

func headerParameter(name, about string) openapi.Parameter {
	return openapi.Parameter{Name: name, In: "header", Description: about, Schema: &openapi.Schema{Type: openapi.Types{"string"}}}
}

func wordParameter(name, about string, words ...string) openapi.Parameter {
	p := textParameter(name, about, "")
	p.Schema.Enum = words
	return p
}

func timeParameter(name, about string) openapi.Parameter {
	p := textParameter(name, about, "2026-03-01T12:00:00Z")
	p.Schema.Format = "date-time"
	return p
}

func flagParameter(name, about string) openapi.Parameter {
	return openapi.Parameter{Name: name, In: "query", Description: about, Schema: &openapi.Schema{Type: openapi.Types{"boolean"}, Default: false}}
}

func wholeParameter(name, about string, least, most, usual int64) openapi.Parameter {
	return openapi.Parameter{Name: name, In: "query", Description: about, Schema: &openapi.Schema{
		Type: openapi.Types{"integer"}, Minimum: bound(least), Maximum: bound(most), Default: usual,
	}}
}

func dropParameter() openapi.Parameter {
	return openapi.Parameter{Name: "drop", In: "query", Description: "The exact count of undelivered messages that may go with it.", Schema: &openapi.Schema{
		Type: openapi.Types{"integer"}, Format: "int64", Minimum: bound(0),
	}}
}

func afterParameter() openapi.Parameter {
	return textParameter("after", "The next of the page before.", "")
}

// pageParameters are those of a list that is told in pages, behind its own.
func pageParameters(others ...openapi.Parameter) []openapi.Parameter {
	return append(others, wholeParameter("limit", "Entries of a page.", 1, pageMost, pageShown), afterParameter())
}

// eventsByHand are the schemas of what no Go type is written from: events as they come and go.
func eventsByHand() map[string]*openapi.Schema {
	return map[string]*openapi.Schema{
		"CloudEvent": {
			Description: "An event in the JSON format of CloudEvents 1.0: its attributes, those of extensions too, and its data.",
			Type:        openapi.Types{"object"}, Required: []string{"specversion", "id", "source", "type"},
			Properties: openapi.Properties{
				{Name: "specversion", Schema: &openapi.Schema{Const: "1.0"}},
				{Name: "id", Schema: text("its identity, together with source")},
				{Name: "source", Schema: text("the URI of a source that the caller may publish as")},
				{Name: "type", Schema: text("the event type")},
				{Name: "subject", Schema: text("what it is about; not with personal types")},
				{Name: "time", Schema: &openapi.Schema{Type: openapi.Types{"string"}, Format: "date-time", Description: "when it happened"}},
				{Name: "dataschema", Schema: text("its end is the version; none: the active one")},
				{Name: "datacontenttype", Schema: text("media type of data; none: JSON")},
				{Name: "partitionkey", Schema: text("what must stay in order, where the type's mapping says no key")},
				{Name: "data", Schema: &openapi.Schema{Description: "the data"}},
				{Name: "data_base64", Schema: text("the data, where it is not JSON or text")},
			},
			Additional: &openapi.Schema{Type: openapi.Types{"string", "integer", "boolean", "null"}, Description: "an extension attribute"},
		},
		"FetchedEvent": {
			Description: "A message as the system's profile writes it, with its cursor beside its members.",
			Type:        openapi.Types{"object"}, Required: []string{"cursor"},
			Properties: openapi.Properties{{Name: "cursor", Schema: text("of a reader that has this message")}}, Additional: &openapi.Schema{},
		},
		"Fetched": {
			Type: openapi.Types{"object"}, Required: []string{"events", "cursor"}, Properties: openapi.Properties{
				{Name: "events", Schema: listOf("FetchedEvent")},
				{Name: "cursor", Schema: text("to come back with; it moves over what is not for the subscription too")},
			},
		},
	}
}

func component(name string) *openapi.Schema {
	return &openapi.Schema{Ref: openapi.SchemasAt + name}
}

func listOf(name string) *openapi.Schema {
	return &openapi.Schema{Type: openapi.Types{"array"}, Items: component(name)}
}

const eventExample = `{"specversion": "1.0", "id": "P-17/3", "source": "https://permits.example", "type": "permit.changed", "time": "2026-03-01T12:00:00Z", "data": {"permit": "P-17"}}`

// publishForms are those that events are published in.
func publishForms() map[string]openapi.MediaType {
	return map[string]openapi.MediaType{
		"application/cloudevents+json":       {Schema: component("CloudEvent"), Example: json.RawMessage(eventExample)},
		"application/cloudevents-batch+json": {Schema: listOf("CloudEvent"), Example: json.RawMessage("[" + eventExample + "]")},
		"*/*":                                {Schema: &openapi.Schema{Description: "Binary mode: the data alone, its attributes in ce- headers."}},
	}
}

// fetchForms are those that events are fetched in.
func fetchForms() map[string]openapi.MediaType {
	return map[string]openapi.MediaType{
		"application/json":                   {Schema: component("Fetched")},
		"application/x-ndjson":               {Schema: component("FetchedEvent")}, // of each line; the last has the cursor alone
		"application/cloudevents-batch+json": {Schema: listOf("FetchedEvent")},
	}
}

// skeleton is the document without its routes.
func skeleton() *openapi.Document {
	header := func(about string) openapi.Header {
		return openapi.Header{Description: about, Schema: &openapi.Schema{Type: openapi.Types{"string"}}}
	}
	return &openapi.Document{
		OpenAPI: openapi.Version,
		Info: openapi.Info{
			Title: "Varsel", Version: "v1", Summary: "Takes an event in once and tells everyone who should know.",
			Description: "JSON in and out; times in RFC 3339. Errors are problem documents (RFC 9457) with a stable `code`. Members that a document does not " +
				"have are refused; answers may gain members in later versions.",
			License: openapi.License{Name: "Apache License 2.0", Identifier: "Apache-2.0"},
		},
		Servers: []openapi.Server{{URL: basePath, Description: "This hub"}},
		Security: []map[string][]string{
			{"bearer": {}}, {"oauth2": {}}, {"certificate": {}},
		},
		Tags: tags, Paths: map[string]*openapi.PathItem{},
		Components: openapi.Components{
			Responses: map[string]*openapi.Response{},
			Headers: map[string]openapi.Header{
				"X-Request-Id":     header("The id of this request, as it stands in the hub's log."),
				"ETag":             header("The state that the document is in, for If-Match and If-None-Match."),
				"Retry-After":      header("Seconds to wait before asking again."),
				"WWW-Authenticate": header("How to show who one is (RFC 6750)."),
			},
			SecuritySchemes: map[string]openapi.SecurityScheme{
				"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "A token of the hub's or of an issuer that it trusts."},
				"oauth2": {Type: "oauth2", Description: "An account's name and secret for a token.", Flows: &openapi.Flows{
					ClientCredentials: &openapi.Flow{TokenURL: "/oauth/token", Scopes: map[string]string{}},
				}},
				"certificate": {Type: "mutualTLS", Description: "A client certificate that an account names."},
			},
		},
	}
}
