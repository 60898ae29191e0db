package peer

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"io"

	"github.com/varselhub/varsel/internal/fault"
)

// The bounds of what travels. Lists that may be longer go in parts.
const (
	mostAsked    = 16 << 20  // bytes of a question
	mostAnswered = 256 << 20 // bytes of one frame of an answer
	mostHeads    = 10_000    // lanes that are acted on at a time
	mostGone     = 100_000   // positions that are forgotten at a time
)

// An answer is a row of frames: signs that the node is at it, what comes before the end, and the end. Without its end it
// is none.
type frame struct {
	Kind  kind
	Item  *fetched
	Fault *wireFault
}

type kind uint8

const (
	beat  kind = iota + 1 // it takes its time
	item                  // one event of a fetch
	whole                 // the answer follows, and that was all
	wrong                 // Fault is the end
)

// read reads a question. Gob keeps every exported field, whatever a type's JSON leaves out; what it does not keep is
// told apart from in wire_test.go.
// Error: fault.BadRequest.
func read(body []byte, into any) error {
	from := bytes.NewReader(body)
	if err := gob.NewDecoder(from).Decode(into); err != nil {
		return fault.Wrap(fault.BadRequest, err, "the question cannot be read")
	}
	if from.Len() > 0 {
		return fault.New(fault.BadRequest, "something follows the question")
	}
	return nil
}

func write(q any) ([]byte, error) {
	var body bytes.Buffer
	if err := gob.NewEncoder(&body).Encode(q); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the question cannot be written")
	}
	if body.Len() > mostAsked {
		return nil, fault.New(fault.BodyTooLarge, "a node is asked with at most %d bytes", mostAsked)
	}
	return body.Bytes(), nil
}

// bounded lets only so much through for one frame.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(into []byte) (int, error) {
	if b.left <= 0 {
		return 0, fault.New(fault.BodyTooLarge, "another node's answer is larger than any can be")
	}
	n, err := b.from.Read(into[:min(int64(len(into)), b.left)])
	b.left -= int64(n)
	return n, err
}

// wireFault is a fault on its way: it comes out as it went in, but for its cause, which is in the log of the node where it
// arose.
type wireFault struct {
	Code       fault.Code
	Detail     string
	Violations []fault.Violation
	Extra      map[string]extra
}

// extra is one member of a fault: a number or a text as it is, anything else as the JSON that clients would see.
type extra struct {
	Kind   string
	Number int64
	Text   string
	JSON   []byte
}

func wireOf(err error) *wireFault {
	f := fault.Of(err)
	w := &wireFault{Code: f.Code, Detail: f.Detail, Violations: f.Violations}
	for name, value := range f.Extra {
		if w.Extra == nil {
			w.Extra = map[string]extra{}
		}
		switch v := value.(type) {
		case int64:
			w.Extra[name] = extra{Kind: "int64", Number: v}
		case int:
			w.Extra[name] = extra{Kind: "int", Number: int64(v)}
		case string:
			w.Extra[name] = extra{Kind: "string", Text: v}
		default:
			if text, err := json.Marshal(v); err == nil {
				w.Extra[name] = extra{Kind: "json", JSON: text}
			}
		}
	}
	return w
}

// err is the fault again.
func (w *wireFault) err() error {
	f := &fault.Fault{Code: w.Code, Detail: w.Detail, Violations: w.Violations}
	for name, e := range w.Extra {
		switch e.Kind {
		case "int64":
			f = f.With(name, e.Number)
		case "int":
			f = f.With(name, int(e.Number))
		case "string":
			f = f.With(name, e.Text)
		default:
			f = f.With(name, json.RawMessage(e.JSON))
		}
	}
	return f
}
