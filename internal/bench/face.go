package bench

import (
	"log/slog"
	"net/http"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/envelope/cloudevents"
	"github.com/varselhub/varsel/internal/web/access"
	"github.com/varselhub/varsel/internal/web/api"
)

// face is the hub's API as it is served.
func (h *hub) face(logger *slog.Logger) http.Handler {
	return api.New(api.Options{
		Book: h.Log.Book(), Manager: h.Manager, Publisher: h.Publisher, Decode: cloudevents.Decode, Operator: delivery.Alone{Engine: h.Engine}, Puller: h.Engine, Replayer: h.Engine,
		Events: h.Log, History: h.Store, Audit: h.Store, Who: access.Unguarded, Logger: logger,
	})
}
