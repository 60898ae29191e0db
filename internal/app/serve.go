package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/envelope/cloudevents"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web/api"
	"github.com/varselhub/varsel/internal/web/now"
)

// The listener's bounds. A publish request of the largest size may take long on a slow line; its head may not.
const (
	headTimeout  = 10 * time.Second
	readTimeout  = 2 * time.Minute
	writeTimeout = 2 * time.Minute
	idleTimeout  = 2 * time.Minute
	maxHead      = 64 << 10 // bytes: events may come with their attributes as headers
)

// Serve answers HTTP on a listener until Stop, which ends it before anything else: what has been asked is answered
// first. Call it after Start.
//
// Error: only when the hub's own pages cannot be made.
func (h *Hub) Serve(listener net.Listener) error {
	handler, err := h.Handler()
	if err != nil {
		return err
	}
	if !h.config.OpenToEveryone {
		handler = onlyLoopbackNames(handler)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHead, ErrorLog: slog.NewLogLogger(h.logger.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			h.report("serving HTTP", err)
		}
	}()
	h.onStop(func(ctx context.Context) {
		if err := server.Shutdown(ctx); err != nil {
			h.report("closing the connections", server.Close())
		}
	})
	return nil
}

// Handler is everything the hub answers on its listener.
func (h *Hub) Handler() (http.Handler, error) {
	page, err := now.New(now.Options{
		Deliveries: h.Engine, Log: h.Log, History: h.Store, Book: h.Log.Book(), Clock: clock.System{},
		Zone: h.config.Zone, Environment: h.config.Environment,
	})
	if err != nil {
		return nil, err
	}
	programs := api.New(api.Options{
		Book: h.Log.Book(), Manager: h.Manager, Publisher: h.Publisher, Decode: cloudevents.Decode,
		Operator: h.Engine, Events: h.Log, History: h.Store, Audit: h.Store, Author: anyone, Logger: h.logger,
	})
	health := api.Health(h.ready)
	mux := http.NewServeMux()
	mux.Handle("/api/", programs)
	mux.Handle("/healthz", health)
	mux.Handle("/readyz", health)
	mux.Handle("/", page)
	return mux, nil
}

// onlyLoopbackNames refuses requests for any host but this machine. Without it a web page could give its own name the
// address 127.0.0.1 and drive the hub from the visitor's browser (DNS rebinding).
func onlyLoopbackNames(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this hub answers only to localhost; use http://127.0.0.1 and its port", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// anyone is the author of every change: the hub does not ask yet who it is.
func anyone(*http.Request) string { return "anyone" }

// ready reports why the hub cannot take events, or nil.
func (h *Hub) ready() error {
	if !h.Log.Healthy() {
		return fault.New(fault.StorageFull, "the log takes no commits at the moment")
	}
	return nil
}
