package bench

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/subscription"
)

// pulled measures fetching many messages in one answer, beside the same bytes served from a file by the same server to
// the same client.
func pulled(ctx context.Context, r *run, f *Figure) error {
	h, err := r.newHub(ctx, world{subscriptions: 1, systems: 1, types: 1, channel: subscription.Cursor}, lag)
	if err != nil {
		return err
	}
	r.progress("publishing %d", r.Size.Pulled)
	if err := h.pileUp(ctx, r.Size.Pulled); err != nil {
		return err
	}
	set, _ := h.Log.Book().Subscriptions(systemName(0))
	face := h.face(logger())
	return h.besideFile(ctx, f, 1, func(w http.ResponseWriter, r *http.Request) {
		asked := httptest.NewRequest(http.MethodGet, "/api/v1/pull/"+set[0].ID+"?limit=100000", nil).WithContext(r.Context())
		asked.Header.Set("Accept", "application/x-ndjson")
		face.ServeHTTP(w, asked)
	})
}

// besideFile measures an answer of a message a line, and so many lines more, beside the same bytes from a file.
func (h *hub) besideFile(ctx context.Context, f *Figure, more int, face http.HandlerFunc) error {
	r := h.run
	address, file, err := h.serveBoth(face)
	if err != nil {
		return err
	}
	if _, err := save(ctx, address+"/api", file); err != nil {
		return err
	}
	if err := h.Searcher.Reach(ctx, h.Log.Head()); err != nil { // what came before is not what is measured
		return err
	}
	debug.FreeOSMemory()
	peak := watchMemory()
	var turns rounds
	for n := range r.Size.Rounds {
		r.progress("round %d of %d", n+1, r.Size.Rounds)
		ceiling, err := r.fetched(ctx, address+"/file", more)
		if err != nil {
			return err
		}
		stop := r.profile(n == r.Size.Rounds-1)
		hub, err := r.fetched(ctx, address+"/api", more)
		stop()
		if err != nil {
			return err
		}
		turns.hub, turns.ceiling = append(turns.hub, hub), append(turns.ceiling, ceiling)
	}
	f.PeakMiB = float64(peak()) / (1 << 20)
	f.Pending = r.Size.Pulled
	turns.summarise(f)
	return nil
}

// serveBoth opens the face at /api and the file at /file.
func (h *hub) serveBoth(face http.HandlerFunc) (address, file string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", fault.Wrap(fault.Internal, err, "cannot listen")
	}
	file = filepath.Join(h.run.dir, "pulled")
	mux := http.NewServeMux()
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	mux.HandleFunc("/api", face)
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	h.run.onClose(func() { server.Close() })
	return "http://" + listener.Addr().String(), file, nil
}

// save keeps an answer.
func save(ctx context.Context, address, file string) (int64, error) {
	out, err := os.Create(file)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	answer, err := get(ctx, address)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	return io.Copy(out, answer.Body)
}

func get(ctx context.Context, address string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Encoding", "identity") // a file is not packed
	return http.DefaultClient.Do(r)
}

// fetched reads an answer to its end and returns how many messages came a second. It has so many lines that are none.
// Server and reader are one process: the CPU of a message is that of both.
func (r *run) fetched(ctx context.Context, address string, more int) (speed, error) {
	began, used := time.Now(), r.usage()
	answer, err := get(ctx, address)
	if err != nil {
		return speed{}, err
	}
	defer answer.Body.Close()
	lines, body := -more, bufio.NewReaderSize(answer.Body, 256<<10)
	for {
		_, err := body.ReadSlice('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return speed{}, err
		}
		lines++
	}
	if lines != r.Size.Pulled {
		return speed{}, fault.New(fault.Internal, "%d messages came, %d were published", lines, r.Size.Pulled)
	}
	cpu := r.usage().hub - used.hub
	return speed{rate: float64(lines) / time.Since(began).Seconds(), cpu: float64(cpu.Microseconds()) / float64(lines)}, nil
}
