package api

import "net/http"

// Health answers /healthz, whether the process lives, and /readyz, whether it takes requests: 503 while ready returns
// an error. It belongs on a listener of its own, which asks nobody who they are; so it tells nothing more.
func Health(ready func() error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { state(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready() != nil {
			state(w, http.StatusServiceUnavailable, "not ready")
			return
		}
		state(w, http.StatusOK, "ready")
	})
	return mux
}

func state(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}
