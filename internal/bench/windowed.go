package bench

import (
	"context"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/varselhub/varsel/internal/envelope/haendelsesbesked"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/internal/web/pull"
)

// windowed measures a page of a time window, as Datafordeleren gives it, beside the same bytes from a file.
func windowed(ctx context.Context, r *run, f *Figure) error {
	h, err := r.newHub(ctx, world{subscriptions: 1, systems: 1, types: 1, channel: subscription.Window}, lag)
	if err != nil {
		return err
	}
	h.drafts.data = []byte(row)
	r.progress("publishing %d", r.Size.Pulled)
	if err := h.pileUp(ctx, r.Size.Pulled); err != nil {
		return err
	}
	messages, err := haendelsesbesked.New(h.Log.Book().Version, haendelsesbesked.JSON)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "there is no envelope")
	}
	face := pull.New(pull.Password, pull.Options{
		Windows: h.Engine, Zone: time.UTC, Windowed: h.Log.Book().Windowed, Logger: logger(),
		Append: func(dst []byte, e *event.Event, _ pull.Format) ([]byte, error) { return messages.Append(dst, e) },
	})
	address := pull.Path + "?datefrom=2020-01-01&dateto=2120-01-01&username=" + systemName(0)
	return h.besideFile(ctx, f, 0, func(w http.ResponseWriter, r *http.Request) {
		asked := httptest.NewRequest(http.MethodGet, address, nil).WithContext(r.Context())
		asked.Header = r.Header
		face.ServeHTTP(w, asked)
	})
}

// row is a register's row as it is delivered, with a small geometry.
const row = `{"objectid":"20059189","feltliste":"geometri","id_namespace":"http://data.gov.dk/dagi","id_lokalId":"10389119",` +
	`"registreringFra":"2016-08-07T02:10:00.000000","registreringsaktør":"Systemetablering","status":"vedtaget","landekode":"DK","skala":"1:10.000",` +
	`"geometri":"MULTIPOLYGON (((738763.98 6169447.66, 738770.12 6169447.66, 738770.12 6169453.8, 738763.98 6169447.66)))"}`

// rowMapping says how a message is filled from it.
var rowMapping = event.Mapping{Fields: map[string]string{
	"besked.objektID": "Load(objectid)", "besked.objekttype": "Constant(Kommuneinddeling)", "besked.objektansvarligAktør": "Constant(SDFI)",
	"besked.registreringsaktør": "Load(registreringsaktør)", "besked.registreringstid": "Load(registreringFra)", "besked.status": "Load(status)",
	"besked.registreringsID": "Load(id_lokalId) + Constant(,) + Load(registreringFra)", "besked.objekthandling": "Load(feltliste)",
	"besked.opgaveemne": "Constant(52.20.10.15)", "besked.stedbestemmelse": "Load(geometri)",
	"besked.kildesystem":              "Constant(http://data.gov.dk/id/itsystem/basicdata)",
	"besked.sikkerhedsklassificering": "Constant(http://data.gov.dk/vocabulary/security/confidentiality#NonConfidential)",
}}
