package odata

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/exchange"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
)

// entityOf is the entity of F22, spelled as Datafordeler does: DataDistributor.Event in OData's JSON format, of which
// "@odata.type" says what it is (OData JSON Format Version 4.0, section 4.5.3).
func entityOf(m *channel.Message) ([]byte, error) {
	format := formatOf(m.ContentType)
	if format == "" {
		return nil, fault.New(fault.InvalidMessage, "the message is neither JSON nor XML: this channel carries no other")
	}
	entity := append(make([]byte, 0, len(m.Body)+len(m.Body)/8+96), `{"@odata.type":"#DataDistributor.Event","Body":`...)
	entity, err := jsontext.AppendQuote(entity, m.Body)
	if err != nil {
		return nil, fault.New(fault.InvalidMessage, "the message is not UTF-8")
	}
	entity = append(entity, `,"Format":"`+format+`","Id":`...)
	return append(strconv.AppendInt(entity, m.Position, 10), '}'), nil
}

func formatOf(contentType string) string {
	mediaType, _, _ := strings.Cut(contentType, ";")
	_, subtype, _ := strings.Cut(strings.ToLower(strings.TrimSpace(mediaType)), "/")
	switch {
	case subtype == "json", strings.HasSuffix(subtype, "+json"):
		return "JSON"
	case subtype == "xml", strings.HasSuffix(subtype, "+xml"):
		return "XML"
	}
	return ""
}

// entitiesOf makes the entities of the first messages, as many as one batch holds. A message that cannot be sent ends it; it
// is an error when it is the first.
func entitiesOf(messages []*channel.Message) (entities [][]byte, err error) {
	size := 0
	for _, m := range messages {
		entity, err := entityOf(m)
		switch {
		case err != nil && len(entities) == 0:
			return nil, err
		case err != nil || len(entities) > 0 && size+len(entity) > mostBytes:
			return entities, nil
		}
		entities, size = append(entities, entity), size+len(entity)
	}
	return entities, nil
}

// service is what is the same in every request to it.
type service struct {
	events, batches string // request targets
	entitySet       string // the address of Events in a part of a batch
	host, agent     string // header lines
}

func newService(root *url.URL, userAgent string) service {
	events := below(root, "Events")
	return service{
		events: events.RequestURI(), batches: below(root, "$batch").RequestURI(), entitySet: events.String(),
		host: "Host: " + exchange.Host(root) + "\r\n", agent: "User-Agent: " + userAgent + "\r\n",
	}
}

// The headers of F23. Expect: 100-continue is left out: it would make the hub wait for leave to send what is on its way
// already (RFC 9110 section 10.1.1), and servers that do not know it answer 417. The hub gives its own name as user agent.
const (
	versions   = "OData-Version: 4.0\r\nOData-MaxVersion: 4.0\r\n"
	ofEntity   = "Content-Type: application/json;odata.metadata=minimal\r\nAccept: application/json;odata.metadata=minimal\r\n"
	charset    = "Accept-Charset: UTF-8\r\n"
	keepAlive  = "Connection: Keep-Alive\r\n"
	lineEnd    = "\r\n"
	dashDash   = "--"
	mixedUnder = "multipart/mixed; boundary="
)

// single is a request that creates one entity (section 11.4.2).
func (s *service) single(m *channel.Message, entity []byte) []byte {
	out := append(make([]byte, 0, 640+len(entity)), "POST "+s.events+" HTTP/1.1\r\n"+s.host+versions+ofEntity+charset+s.agent...)
	out = appendMarks(appendLease(out, m), m)
	out = append(out, "Content-Length: "...)
	out = strconv.AppendInt(out, int64(len(entity)), 10)
	out = append(out, lineEnd+keepAlive+lineEnd...)
	return append(out, entity...)
}

// batchHead is section 11.7.1.
func (s *service) batchHead(messages []*channel.Message, boundary string, length int) []byte {
	out := append(make([]byte, 0, 640), "POST "+s.batches+" HTTP/1.1\r\n"+s.host+versions...)
	out = append(out, "Content-Type: "+mixedUnder+boundary+"\r\nAccept: multipart/mixed\r\n"+charset+s.agent...)
	out = appendLease(out, messages[0])
	out = append(out, "Content-Length: "+strconv.Itoa(length)...)
	return append(out, lineEnd+keepAlive+lineEnd...)
}

// batch is the body of a batch (section 11.7.2): one change set (11.7.3), of which every part is a request that creates an
// entity, at an absolute address, and is known by its Content-ID. The line end before a boundary belongs to it (RFC 2046
// section 5.1.1); no entity holds one, so none can be taken for it.
func (s *service) batch(messages []*channel.Message, entities [][]byte) (body []byte, boundary string) {
	boundary = "batch_" + ident.New().String()
	set := "changeset_" + ident.New().String()
	size := 1024
	for _, entity := range entities {
		size += len(entity) + 768
	}
	out := make([]byte, 0, size)
	out = append(out, dashDash+boundary+lineEnd+"Content-Type: "+mixedUnder+set+lineEnd+lineEnd...)
	for i, entity := range entities {
		out = append(out, dashDash+set+"\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: "...)
		out = strconv.AppendInt(out, int64(i+1), 10)
		out = append(out, "\r\n\r\nPOST "+s.entitySet+" HTTP/1.1\r\n"+versions+ofEntity+charset+s.agent...)
		out = appendMarks(out, messages[i])
		out = append(out, lineEnd...)
		out = append(out, entity...)
		out = append(out, lineEnd...)
	}
	return append(out, dashDash+set+dashDash+lineEnd+dashDash+boundary+dashDash+lineEnd...), boundary
}

// appendMarks writes what of our own a receiver may look at: the attempt, the replay, the test.
func appendMarks(out []byte, m *channel.Message) []byte {
	out = append(out, "Varsel-Attempt: "...)
	out = append(strconv.AppendInt(out, int64(m.Attempt), 10), lineEnd...)
	if m.Replay != 0 {
		out = append(out, "Varsel-Replay: "...)
		out = append(strconv.AppendInt(out, m.Replay, 10), lineEnd...)
	}
	if m.Test {
		out = append(out, "Varsel-Test: 1\r\n"...)
	}
	return out
}

// appendLease writes the node's fencing token, which is one for a whole request.
func appendLease(out []byte, m *channel.Message) []byte {
	if m.Lease == 0 {
		return out
	}
	out = append(out, "Varsel-Lease: "...)
	return append(strconv.AppendInt(out, m.Lease, 10), lineEnd...)
}
