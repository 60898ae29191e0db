package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/config"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web/access"
	"github.com/varselhub/varsel/internal/web/api"
	"github.com/varselhub/varsel/internal/web/feeds"
	"github.com/varselhub/varsel/internal/web/listener"
	"github.com/varselhub/varsel/internal/web/now"
)

// Listen takes every address the settings name, before anything else of the hub begins: one that is taken is said first.
// Nobody is answered before Answer. The address of health and metrics is the one that may be missing, where nobody chose
// it: a second hub on a developer's machine is no reason to refuse.
func Listen(ctx context.Context, s *config.Loaded, logger *slog.Logger) ([]*listener.Listener, error) {
	settings, err := s.All()
	if err != nil {
		return nil, err
	}
	var open []*listener.Listener
	for i := range settings {
		c := &settings[i]
		l, err := listener.Open(ctx, c, clock.System{})
		switch {
		case err == nil:
			open = append(open, l)
		case errors.Is(err, syscall.EADDRINUSE) && c.Address == s.OperateListen && !s.Chosen("operate-listen"):
			logger.Warn("health and metrics have no address of their own: the default's port is taken; choose one with operate-listen", "address", c.Address)
		default:
			for _, l := range open {
				_ = l.Close()
			}
			return nil, err
		}
	}
	return open, nil
}

// Serve answers everything on a socket, plainly, until Stop. Call it after Start.
// Error: as Answer.
func (h *Hub) Serve(socket net.Listener) error {
	c, err := config.NewListener(socket.Addr().String(), config.Faces()...)
	if err != nil {
		return err
	}
	return h.Answer(listener.On(socket, &c))
}

// Answer answers HTTP on listeners until Stop, which ends it before anything else: what has been asked is answered
// first. Call it once, after Start.
//
// Errors: Configuration when other machines could reach a listener without TLS, or without access control; and when the
// hub's own pages cannot be made.
func (h *Hub) Answer(listeners ...*listener.Listener) error {
	for _, l := range listeners {
		if err := h.checkReach(l); err != nil {
			return err
		}
	}
	faces, err := h.faces()
	if err != nil {
		return err
	}
	h.listeners = listeners
	errorLog := slog.NewLogLogger(h.logger.Handler(), slog.LevelDebug)
	for _, l := range listeners {
		l.Serve(faces.only(answers(l)), h.report, errorLog)
	}
	if err := h.serveSFTP(); err != nil {
		return err
	}
	h.onStop(func(ctx context.Context) {
		h.logger.Info("taking no more connections; what has been asked is answered")
		h.Engine.EndWaits()
		h.shutdown(ctx, func(l *listener.Listener) bool { return !only(l, "operate") && !only(l, "node") })
		if h.among.leave != nil {
			h.among.leave(ctx)
		}
		h.shutdown(ctx, func(l *listener.Listener) bool { return only(l, "node") })
		h.shutdown(ctx, func(l *listener.Listener) bool { return only(l, "operate") })
	})
	return nil
}

// shutdown closes some of the listeners, all of them at a time.
func (h *Hub) shutdown(ctx context.Context, which func(*listener.Listener) bool) {
	var all sync.WaitGroup
	for _, l := range h.listeners {
		if which(l) {
			all.Go(func() { h.report("closing the connections of "+l.Address(), l.Shutdown(ctx)) })
		}
	}
	all.Wait()
}

// only reports whether a listener answers one face alone. Health and metrics go on saying that the hub is not ready while
// the others answer what has been asked, and other nodes ask until this one has let go of what it holds.
func only(l *listener.Listener, face string) bool { return slices.Equal(l.Faces(), []string{face}) }

// faces are the handlers that listeners choose among, by the face and the pattern they stand at.
type faces []face

type face struct {
	name, pattern string
	handler       http.Handler
}

func (h *Hub) faces() (faces, error) {
	page, err := now.New(now.Options{
		Deliveries: h.among.whole, Log: h.Log, History: h.Store, Book: h.Log.Book(), Clock: clock.System{},
		Zone: h.config.Zone, Environment: h.config.Environment,
	})
	if err != nil {
		return nil, err
	}
	options := api.Options{
		Book: h.Log.Book(), Manager: h.Manager, Publisher: observedPublisher{h.Publisher}, Decode: decode, Operator: h.among.whole, Puller: h.among.whole,
		Replayer: h.among.whole, Events: h.Log, Locator: h.among.whole, History: h.Store, Searcher: h.Searcher, Audit: h.Store, Streams: h.intake, Registers: h.Deposits, Extracts: h.extracts, Keeper: h.keeper, Nodes: h.among.nodes, Who: noted(signedIn(h.who())), Logger: h.logger,
		Leaving: h.Engine.WaitsEnd(), SiteURL: h.siteURL, Stale: h.stale, Shown: h.out.shown, Addresses: h.config.Addresses, Receipts: h.newDesk(),
	}
	if h.sinks != nil {
		options.Sinks = h.arrivals()
	}
	reader := h.gate.Reader
	if h.config.NoAccess {
		reader = access.Unguarded
	}
	followed := feeds.New(feeds.Options{Book: h.Log.Book(), Kept: h.extracts.Kept, Who: reader, URL: h.config.URL})
	programs := api.New(options)
	asked := h.observed(h.upToDate(programs))
	health, oauth := api.Health(h.ready), h.gate.OAuth()
	sites, err := h.sites()
	if err != nil {
		return nil, err
	}
	list := faces{
		{"api", "/api/", asked},
		{"api", receiptsPath, asked},
		{"api", "/feeds/", h.observed(h.upToDate(followed))},
		{"api", "/oauth/", oauth},
		{"api", "/.well-known/oauth-authorization-server", oauth},
		{"now", "/now/", h.watched(http.StripPrefix("/now", page))},
		{"sites", "/", sites},
		{"sites", "/api/v2/", sites}, // Statuspage's read API, of the hub as a whole and of sites with host names
		{"operate", "/healthz", health},
		{"operate", "/readyz", health},
		{"operate", "/metrics", h.telemetry.Metrics()},
	}
	admin, err := h.admin()
	if err != nil {
		return nil, err
	}
	maps, err := h.atlas(programs)
	if err != nil {
		return nil, err
	}
	list = append(list, admin...)
	list = append(list, maps...)
	list = append(list, h.windows(asked)...)
	if h.among.door != nil {
		list = append(list, face{"node", "/node/v1/", h.among.door})
	}
	return list, nil
}

// only is the handler of the named faces; what belongs to another is not found. What stands at two of them is there once.
func (f faces) only(names []string) http.Handler {
	mux, there := http.NewServeMux(), map[string]bool{}
	for _, face := range f {
		if slices.Contains(names, face.name) && !there[face.pattern] {
			there[face.pattern] = true
			mux.Handle(face.pattern, face.handler)
		}
	}
	return mux
}

// ready reports why the hub cannot take events and deliver them, or nil.
func (h *Hub) ready() error {
	select {
	case <-h.leaving:
		return fault.New(fault.ShuttingDown, "the hub is stopping")
	default:
	}
	if !h.started.Load() {
		return fault.New(fault.ShuttingDown, "delivery does not run")
	}
	if !h.Log.Healthy() {
		return fault.New(fault.StorageFull, "the log takes no commits at the moment")
	}
	return nil
}
