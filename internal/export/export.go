// Package export copies a status site from a running hub into a folder that any web server serves: a second host that says
// how things were when the first is gone.
//
// The copy is to be served at the path that the site has: what its pages link to is then there. It is made of what the site
// lists of itself and of whatever its pages link to (links.go), and written so that the folder is served meanwhile
// (folder.go).
package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/web/site"
)

// Options say what is copied where. From and To must be set.
type Options struct {
	From   string                // the site's address, such as http://127.0.0.1:8080/prod
	Host   string                // the host name that it is asked for by, where From does not say it
	To     string                // a folder; what an earlier copy has left there and this one has not is removed
	Client *http.Client          // none: one that is patient
	Told   func(done, known int) // one at a time
}

// Report is what was copied.
type Report struct {
	Made  time.Time `json:"made"`  // of when the site is
	Base  string    `json:"base"`  // the path that the folder is to be served at
	Files int       `json:"files"` // in the folder now
	Bytes int64     `json:"bytes"`
	Lost  []string  `json:"lost"` // addresses that pages link to, and that are not there
}

// Bounds of a copy.
const (
	mostFiles = 500_000
	mostBytes = 64 << 20 // of one file
	atOnce    = 4        // requests
	patience  = time.Minute
)

// Site copies a site. Until all of it is here the folder stays as it was.
func Site(ctx context.Context, o Options) (*Report, error) {
	from, err := url.Parse(strings.TrimSuffix(o.From, "/"))
	if err != nil || from.Scheme != "http" && from.Scheme != "https" || from.Host == "" || from.RawQuery != "" || from.Fragment != "" {
		return nil, fmt.Errorf("%q is no address of a site: want one such as http://127.0.0.1:8080/prod", o.From)
	}
	client := &http.Client{Timeout: patience}
	if o.Client != nil {
		*client = *o.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	folder, err := openFolder(o.To)
	if err != nil {
		return nil, err
	}
	defer folder.drop()
	c := &copying{Options: o, client: client, from: from, folder: folder, known: map[string]bool{}, leads: map[string]string{}}
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	return c.end(ctx)
}

// copying is one copy on its way.
type copying struct {
	Options
	client *http.Client
	from   *url.URL // without a slash at its end
	index  site.Index
	folder *folder

	mu    sync.Mutex
	known map[string]bool   // paths that are or will be asked for, below the site's; true: the site itself lists it
	queue []string          // of these, those that nobody has asked for
	done  int               // asked for
	lost  []string          // linked to, and not there
	leads map[string]string // where addresses with a query lead
	bytes int64
}

// begin asks the site what there is.
func (c *copying) begin(ctx context.Context) error {
	got, err := c.get(ctx, "/export.json")
	switch {
	case err != nil:
		return err
	case got.status != http.StatusOK || got.mediaType != "application/json":
		return fmt.Errorf("%s is no status site of a hub: /export.json answers %d", c.from, got.status)
	}
	if err := json.Unmarshal(got.body, &c.index); err != nil {
		return fmt.Errorf("%s lists what is there in a way that is not known: %w", c.from, err)
	}
	if c.index.Base != c.from.EscapedPath() {
		return fmt.Errorf("the site says that it is at %q, and was asked for at %q: name its own address", c.index.Base+"/", c.from.EscapedPath()+"/")
	}
	for _, path := range c.index.Addresses {
		c.add(path, true)
	}
	c.add("/", true)
	return nil
}

// add wants an address, once.
func (c *copying) add(path string, listed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, found := c.known[path]; found || len(c.known) >= mostFiles {
		return
	}
	c.known[path] = listed
	c.queue = append(c.queue, path)
}

// run asks for everything, some at once, and then for what that linked to.
func (c *copying) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for len(c.queue) > 0 && ctx.Err() == nil {
		paths := c.queue
		c.queue = nil
		var workers sync.WaitGroup
		places := make(chan struct{}, atOnce)
		for _, path := range paths {
			places <- struct{}{}
			if ctx.Err() != nil {
				break
			}
			workers.Go(func() {
				defer func() { <-places }()
				if err := c.take(ctx, path); err != nil {
					cancel(err)
				}
				c.tell()
			})
		}
		workers.Wait()
	}
	return context.Cause(ctx)
}

func (c *copying) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	if c.Told != nil {
		c.Told(c.done, len(c.known))
	}
}

// take copies what stands at an address.
func (c *copying) take(ctx context.Context, path string) error {
	got, err := c.get(ctx, path)
	if err != nil {
		return err
	}
	switch {
	case got.status == http.StatusOK:
		if got.body, err = c.follow(ctx, path, got); err != nil {
			return err
		}
		return c.keep(path, got)
	case got.leads != "":
		if to, ok := c.inside(path, got.leads); ok {
			c.add(pathOf(to), false)
			return c.keep(path, &answer{mediaType: "text/html", body: signpost(c.index.Base + to)})
		}
		return nil
	case got.status == http.StatusNotFound || got.status == http.StatusMethodNotAllowed:
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.known[path] { // what a site lists and has not is gone meanwhile, or not shown yet
			c.lost = append(c.lost, path)
		}
		return nil
	}
	return fmt.Errorf("%s%s answers %d", c.from, path, got.status)
}

func (c *copying) keep(path string, got *answer) error {
	c.mu.Lock()
	c.bytes += int64(len(got.body))
	c.mu.Unlock()
	return c.folder.write(fileOf(path, got.mediaType), got.body)
}

// end puts what was copied in place of what was there, with the page that says that there is nothing.
func (c *copying) end(ctx context.Context) (*Report, error) {
	got, err := c.get(ctx, "/assets/nothing/is/here")
	if err != nil {
		return nil, err
	}
	if got.status == http.StatusNotFound && got.mediaType == "text/html" {
		if got.body, err = c.follow(ctx, "/", got); err != nil {
			return nil, err
		}
		if err := c.folder.write("404.html", got.body); err != nil {
			return nil, err
		}
	}
	files, err := c.folder.publish(manifest{Made: c.index.Made.Time(), From: c.from.String(), Base: c.index.Base})
	if err != nil {
		return nil, err
	}
	return &Report{Made: c.index.Made.Time(), Base: c.index.Base, Files: files, Bytes: c.bytes, Lost: append([]string{}, c.lost...)}, nil
}

// answer is what the site answered.
type answer struct {
	status    int
	mediaType string
	leads     string // where else it sends, or ""
	body      []byte
}

// get asks for an address below the site's. What fails for a moment is asked for again.
func (c *copying) get(ctx context.Context, path string) (*answer, error) {
	for attempt := 1; ; attempt++ {
		got, err := c.ask(ctx, path)
		if err == nil && got.status < 500 && got.status != http.StatusTooManyRequests || attempt == attempts {
			return got, err
		}
		select {
		case <-time.After(time.Duration(attempt) * between):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

const (
	attempts = 3
	between  = 500 * time.Millisecond
)

func (c *copying) ask(ctx context.Context, path string) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.from.String()+path, nil)
	if err != nil {
		return nil, err
	}
	if c.Host != "" {
		r.Host = c.Host
	}
	r.Header.Set("User-Agent", "varsel-export")
	response, err := c.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	got := &answer{status: response.StatusCode}
	if got.status >= 300 && got.status < 400 {
		got.leads = response.Header.Get("Location")
	}
	got.mediaType, _, _ = mime.ParseMediaType(response.Header.Get("Content-Type"))
	got.body, err = io.ReadAll(io.LimitReader(response.Body, mostBytes+1))
	if err == nil && len(got.body) > mostBytes {
		err = errors.New(c.from.String() + path + " is too large to be copied")
	}
	return got, err
}
