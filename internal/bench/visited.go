package bench

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/varselhub/varsel/examples/sites"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// What visitors of a status site ask for.
const (
	sitePage    = "/prod/"
	siteSummary = "/prod/api/v2/summary.json"
)

// visited measures how many visitors a site answers, on so many connections, beside the same bytes from a bare handler in
// the same process. With flips a component's state changes once a second meanwhile.
func visited(path string, connections int, flips bool) func(context.Context, *run, *Figure) error {
	return func(ctx context.Context, r *run, f *Figure) error {
		h, err := r.newHub(ctx, world{subscriptions: 1, systems: 1, types: 1}, lag)
		if err != nil {
			return err
		}
		if err := h.furnishSite(ctx); err != nil {
			return err
		}
		own, err := h.serveSite()
		if err != nil {
			return err
		}
		bare, err := r.serveBare(ctx, "http://"+own+path)
		if err != nil {
			return err
		}
		hub, err := r.visit(own, path, connections)
		if err != nil {
			return err
		}
		ceiling, err := r.visit(bare, path, connections)
		if err != nil {
			return err
		}
		stop := h.flip(ctx, flips)
		defer stop()
		return r.compareVisits(ctx, f, hub, ceiling)
	}
}

// compareVisits lets visitors come by turns.
func (r *run) compareVisits(ctx context.Context, f *Figure, hub, ceiling *child) error {
	var values, ceilings, ratios, late, lateCeiling []float64
	for n := range r.Size.Rounds {
		r.progress("round %d of %d", n+1, r.Size.Rounds)
		var bare, own visits
		if err := ceiling.ask(ctx, visitorsQuestion{Warm: r.Size.Warm, For: r.Size.Window}, &bare); err != nil {
			return err
		}
		stop := r.profile(n == r.Size.Rounds-1)
		err := hub.ask(ctx, visitorsQuestion{Warm: r.Size.Warm, For: r.Size.Window}, &own)
		stop()
		if err = cmp.Or(err, own.error(), bare.error()); err != nil {
			return err
		}
		values, ceilings, ratios = append(values, own.Rate), append(ceilings, bare.Rate), append(ratios, own.Rate/bare.Rate)
		late, lateCeiling = append(late, own.P99), append(lateCeiling, bare.P99)
	}
	f.Value, f.Ceiling, f.Ratio = middle(values), middle(ceilings), middle(ratios)
	f.P99, f.P99Ceiling = middle(late), middle(lateCeiling)
	if f.P99Ceiling > 0 {
		f.P99Ratio = f.P99 / f.P99Ceiling
	}
	return nil
}

// furnishSite puts the example site up, with an incident and a maintenance on it.
func (h *hub) furnishSite(ctx context.Context) error {
	var site status.Site
	if err := json.Unmarshal(sites.CRMAndERP, &site); err != nil {
		return fault.Wrap(fault.Internal, err, "the example site cannot be read")
	}
	if _, err := h.Manager.PutSite(ctx, site, manage.By{Author: "bench"}); err != nil {
		return err
	}
	board := h.Log.Book().Board(site.Name)
	_, err := h.Manager.OpenNotice(ctx, site.Name, manage.Opening{
		Kind: status.Incident, Facts: manage.Facts{Title: status.Text{"en": "Search is slow"}}, Body: status.Text{"en": "We are looking into it."},
		Affected: map[string]status.State{board.Components[0].ID: status.Degraded},
	}, "bench")
	if err != nil {
		return err
	}
	starts := status.At(time.Now().Add(24 * time.Hour))
	_, err = h.Manager.OpenNotice(ctx, site.Name, manage.Opening{
		Kind: status.Planned, Body: status.Text{"en": "The database is upgraded."},
		Facts: manage.Facts{Title: status.Text{"en": "Upgrade"}, Components: []string{board.Components[1].ID}, Starts: starts, Ends: starts.Add(time.Hour)},
	}, "bench")
	return err
}

// flip changes a component's state once a second until it is stopped.
func (h *hub) flip(ctx context.Context, flips bool) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	if flips {
		done.Go(func() {
			component := h.Log.Book().Board("prod").Components[2].ID
			second := time.NewTicker(time.Second)
			defer second.Stop()
			for next := status.PartialOutage; ; {
				if err := h.Manager.SetState(ctx, "prod", component, manage.Setting{State: next}, "bench"); err != nil && ctx.Err() == nil {
					logger().Warn("flipping a state", "error", err)
				}
				if next == status.PartialOutage {
					next = status.Operational
				} else {
					next = status.PartialOutage
				}
				select {
				case <-ctx.Done():
					return
				case <-second.C:
				}
			}
		})
	}
	return func() {
		cancel()
		done.Wait()
	}
}

// serveSite has the hub answer as it is served.
func (h *hub) serveSite() (addr string, err error) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "cannot listen")
	}
	return socket.Addr().String(), h.Serve(socket)
}

// serveBare serves what an address answers now, byte for byte, from a handler that does nothing else, on a server without
// limits.
func (r *run) serveBare(ctx context.Context, address string) (addr string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Accept-Encoding", "gzip") // asked for by name, it is handed on as it came
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Encoding") != "gzip" {
		return "", fault.New(fault.Internal, "%s answered %s", address, answer.Status)
	}
	fields := answer.Header.Clone()
	fields.Del("Date") // every server says that by itself
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "cannot listen")
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		header := w.Header()
		maps.Copy(header, fields)
		_, _ = w.Write(body) // a visitor that left needs nothing
	})}
	go server.Serve(socket)
	r.onClose(func() { server.Close() })
	return socket.Addr().String(), nil
}

// visitorsSetup is the first instruction of the process that visits.
type visitorsSetup struct {
	Addr, Path  string
	Connections int
}

type visitorsReady struct{ Error string }

// visitorsQuestion has them visit, first for a while that does not count.
type visitorsQuestion struct{ Warm, For time.Duration }

// visits is what came of it.
type visits struct {
	Rate  float64 // answers a second
	P99   float64 // ms
	Error string
}

func (v *visits) error() error {
	if v.Error == "" {
		return nil
	}
	return fault.New(fault.Internal, "a visitor was not answered: %s", v.Error)
}

func (r *run) visit(addr, path string, connections int) (*child, error) {
	var ready visitorsReady
	c, err := r.spawn(roleVisitors, visitorsSetup{addr, path, connections}, &ready)
	if err == nil && ready.Error != "" {
		err = fault.New(fault.Internal, "the visitors cannot come: %s", ready.Error)
	}
	return c, err
}

// visitSite is the role of the visitors: connections that are kept, each asking again as soon as it was answered.
func visitSite(lines *pipe) error {
	var setup visitorsSetup
	if err := lines.in.Decode(&setup); err != nil {
		return err
	}
	var all []*visitor
	var ready visitorsReady
	for range setup.Connections {
		conn, err := net.Dial("tcp", setup.Addr)
		if err != nil {
			ready.Error = err.Error()
			break
		}
		defer conn.Close()
		all = append(all, newVisitor(conn, setup))
	}
	if err := lines.out.Encode(ready); err != nil {
		return err
	}
	for {
		var q visitorsQuestion
		err := lines.in.Decode(&q)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		comeFor(all, q.Warm)
		if err := lines.out.Encode(comeFor(all, q.For)); err != nil {
			return err
		}
	}
}

// comeFor has all visitors ask for a time.
func comeFor(all []*visitor, d time.Duration) visits {
	began := time.Now()
	end := began.Add(d)
	var busy sync.WaitGroup
	for _, v := range all {
		busy.Go(func() { v.ask(end) })
	}
	busy.Wait()
	took := time.Since(began).Seconds()
	var times []time.Duration
	var result visits
	for _, v := range all {
		times = append(times, v.times...)
		if v.err != nil {
			result.Error = v.err.Error()
		}
	}
	if len(times) == 0 {
		return result
	}
	slices.Sort(times)
	result.Rate = float64(len(times)) / took
	result.P99 = float64(times[len(times)*99/100].Microseconds()) / 1000
	return result
}

// visitor is one connection. It reads no more of HTTP than it must, so that the processor is the server's.
type visitor struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
	times   []time.Duration
	err     error
}

func newVisitor(conn net.Conn, setup visitorsSetup) *visitor {
	request := "GET " + setup.Path + " HTTP/1.1\r\nHost: " + setup.Addr + "\r\nAccept-Encoding: gzip\r\nUser-Agent: varsel-bench\r\n\r\n"
	return &visitor{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), request: []byte(request)}
}

func (v *visitor) ask(end time.Time) {
	v.times = v.times[:0]
	for v.err == nil {
		began := time.Now()
		if began.After(end) {
			return
		}
		if _, v.err = v.conn.Write(v.request); v.err == nil {
			v.err = v.answer()
		}
		v.times = append(v.times, time.Since(began))
	}
}

var contentLength = []byte("content-length:")

func (v *visitor) answer() error {
	line, err := v.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.Contains(line, []byte(" 200 ")) {
		return errors.New(strings.TrimSpace(string(line)))
	}
	length := -1
	for {
		line, err := v.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if len(line) > len(contentLength) && bytes.EqualFold(line[:len(contentLength)], contentLength) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):]))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("the answer does not say how long it is")
	}
	_, err = v.in.Discard(length)
	return err
}
