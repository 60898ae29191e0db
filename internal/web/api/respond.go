package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// respond writes a document.
func respond(w http.ResponseWriter, status int, document any) error {
	text, err := json.Marshal(document)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the answer cannot be written")
	}
	return write(w, status, text)
}

// write writes a document that is JSON already.
func write(w http.ResponseWriter, status int, text []byte) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that left needs no answer
	return nil
}

// list is how a collection is written that is told whole. Those that grow are told in pages, see page.
type list[T any] struct {
	Items []T `json:"items"`
}

func respondList[T any](w http.ResponseWriter, items []T) error {
	if items == nil {
		items = []T{}
	}
	return respond(w, http.StatusOK, list[T]{Items: items})
}

// etag is a position as an entity tag.
func etag(position int64) string { return `"r` + strconv.FormatInt(position, 10) + `"` }

// respondDocument answers a GET of one document, or says that the client has it.
func respondDocument[T any](w http.ResponseWriter, r *http.Request, document *T, position int64) error {
	if document == nil {
		return fault.New(fault.NotFound, "there is none of that name")
	}
	tag := etag(position)
	w.Header().Set("ETag", tag)
	if has(r, tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return respond(w, http.StatusOK, document)
}

// has reports whether the client says that it has the state of a tag.
func has(r *http.Request, tag string) bool {
	for _, known := range strings.Split(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(known), "W/") == tag {
			return true
		}
	}
	return false
}

// respondState answers with a document, or with what became of it, and the ETag of the state it is in now.
func respondState(w http.ResponseWriter, status int, document any, position int64) error {
	w.Header().Set("ETag", etag(position))
	return respond(w, status, document)
}

// instant writes µs UTC as RFC 3339; "" for none.
func instant(us int64) string {
	if us == 0 {
		return ""
	}
	return string(event.AppendTime(nil, us))
}
