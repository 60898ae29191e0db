package bench

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/varselhub/varsel/internal/envelope/cloudevents"
)

// face is the publish API.
func (h *hub) face() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		drafts, err := cloudevents.Decode(r.Header, body, 1000)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		results, err := h.Publisher.Publish(r.Context(), drafts, false)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		text, _ := json.Marshal(results)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		w.Write(text)
	})
}
