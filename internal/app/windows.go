package app

import (
	"net/http"
	"slices"

	"github.com/varselhub/varsel/internal/envelope/haendelsesbesked"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/web/listener"
	"github.com/varselhub/varsel/internal/web/pull"
)

// receiptsPath is where systems say that they have a message (F41).
const receiptsPath = "/system/EventReceipts/"

// windows are the faces by which systems ask for their events by time: one for each kind of endpoint (F32). Who has a message
// from one says so at the same host; receipts are no payload, and are let in as the API lets in.
func (h *Hub) windows(receipts http.Handler) faces {
	book := h.Log.Book()
	options := pull.Options{
		Windows: h.among.whole, Append: h.appendBesked, Windowed: book.Windowed, Zone: h.config.Zone, ZeroBased: h.config.ZeroBased, Logger: h.logger,
	}
	if !h.config.NoAccess {
		options.Callers = h.gate
	}
	var list faces
	for _, kind := range []pull.Kind{pull.Password, pull.Certificate, pull.Sensitive} {
		handler := h.upToDate(pull.New(kind, options))
		list = append(list, face{windowsFace(kind), pull.Path, handler}, face{windowsFace(kind), pull.Path + "/", handler}, face{windowsFace(kind), receiptsPath, receipts})
	}
	return list
}

func windowsFace(kind pull.Kind) string { return "pull/" + string(kind) }

// appendBesked writes the message of an event for whoever asks for windows. Nobody keeps it: it is asked for once, or seldom.
func (h *Hub) appendBesked(dst []byte, e *event.Event, format pull.Format) ([]byte, error) {
	form := haendelsesbesked.JSON
	if format == pull.XML {
		form = haendelsesbesked.XML
	}
	return h.out.besked[form].Append(dst, e)
}

// answers lists what a listener answers, with the kind of endpoint that it is where systems ask for windows.
func answers(l *listener.Listener) []string {
	names := slices.Clone(l.Faces())
	for i, name := range names {
		if name == "pull" {
			names[i] = windowsFace(kindOf(l.Config().Pull))
		}
	}
	return names
}

func kindOf(setting string) pull.Kind {
	if setting == "" {
		return pull.Password
	}
	return pull.Kind(setting)
}
