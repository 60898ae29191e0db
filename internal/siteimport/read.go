// Package siteimport takes a page over from another status page: it reads the page's public API, which is Statuspage's,
// and makes of it a site with its past.
//
// Read read.go for what is fetched and its bounds, document.go for what becomes of it, and past.go for how each
// component did.
package siteimport

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/status/wire"
)

// The bounds of what is read. The other side may be anyone.
const (
	maxBody      = 16 << 20  // bytes of one answer
	maxTotal     = 256 << 20 // bytes of all answers
	maxPages     = 200       // of incidents, and of maintenances: 10,000
	maxRedirects = 3
	maxTries     = 5                // of one address, where it asks to wait or fails
	maxWait      = time.Minute      // that it may ask for
	patience     = 30 * time.Second // for one answer
)

// Found is what the page's API says.
type Found struct {
	From         string // the address
	Page         wire.Page
	Components   []wire.Component
	Incidents    []wire.Incident
	Maintenances []wire.Maintenance
}

// Reader reads pages.
type Reader struct {
	guard  *netguard.Guard
	client *http.Client
	wait   func(context.Context, time.Duration) error
	left   int64 // bytes that may still be read
}

// NewReader makes a reader that calls what the guard allows, and nothing else.
func NewReader(guard *netguard.Guard) *Reader {
	r := &Reader{guard: guard, wait: wait, left: maxTotal}
	transport := &http.Transport{
		DialContext: guard.DialContext, TLSHandshakeTimeout: patience, ResponseHeaderTimeout: patience, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
	}
	r.client = &http.Client{Transport: transport, Timeout: patience, CheckRedirect: r.follow}
	return r
}

// follow goes where the page has moved to: within the bounds, and where the guard allows it.
func (r *Reader) follow(next *http.Request, before []*http.Request) error {
	if len(before) > maxRedirects {
		return errors.New("it sends on and on")
	}
	_, err := r.guard.CheckURL(next.URL.String())
	return err
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Read reads all there is of the page at an address, such as https://status.example.com.
// Errors: AddressRefused, PageUnreadable and those of connecting.
func (r *Reader) Read(ctx context.Context, address string) (*Found, error) {
	base, err := r.guard.CheckURL(strings.TrimSuffix(address, "/"))
	if err != nil {
		return nil, err
	}
	if base.RawQuery != "" {
		return nil, fault.New(fault.AddressRefused, "give the address of the page, such as https://status.example.com, without what comes after it")
	}
	found := &Found{From: base.String()}
	var components struct {
		Page       *wire.Page       `json:"page"`
		Components []wire.Component `json:"components"`
	}
	if err := r.get(ctx, base, "components.json", 0, &components); err != nil {
		return nil, err
	}
	if components.Page == nil || components.Page.Name == "" {
		return nil, unreadable("%s is no page of Statuspage: its components.json names no page", base)
	}
	found.Page, found.Components = *components.Page, components.Components
	found.Incidents, err = all(ctx, r, base, "incidents.json", func(i *wire.Incident) string { return i.ID })
	if err != nil {
		return nil, err
	}
	found.Maintenances, err = all(ctx, r, base, "scheduled-maintenances.json", func(m *wire.Maintenance) string { return m.ID })
	return found, err
}

// all reads a list page by page, until one brings nothing new: some leave ?page out of account, and say the same again.
func all[T any](ctx context.Context, r *Reader, base *url.URL, name string, id func(*T) string) (list []T, err error) {
	seen := map[string]bool{}
	for page := 1; page <= maxPages; page++ {
		var body struct {
			Incidents    []T `json:"incidents"`
			Maintenances []T `json:"scheduled_maintenances"`
		}
		if err := r.get(ctx, base, name, page, &body); err != nil {
			return nil, err
		}
		fresh := false
		for _, one := range append(body.Incidents, body.Maintenances...) {
			if key := id(&one); key != "" && !seen[key] {
				seen[key], fresh = true, true
				list = append(list, one)
			}
		}
		if !fresh {
			return list, nil
		}
	}
	return nil, unreadable("there are more than %d pages of %s", maxPages, name)
}

// get reads one address of the API, again where it asks to wait or fails.
func (r *Reader) get(ctx context.Context, base *url.URL, name string, page int, into any) error {
	address := base.JoinPath("api", "v2", name)
	if page > 1 {
		address.RawQuery = "page=" + strconv.Itoa(page)
	}
	for try := 1; ; try++ {
		after, err := r.try(ctx, address.String(), into)
		if err == nil || after < 0 || try == maxTries {
			return err
		}
		if gaveUp := r.wait(ctx, max(min(after, maxWait), time.Duration(try)*time.Second)); gaveUp != nil {
			return err
		}
	}
}

// never says that asking again is of no use.
const never = -1

// try asks once. after is how long to wait before asking again.
func (r *Reader) try(ctx context.Context, address string, into any) (after time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return never, fault.Wrap(fault.AddressRefused, err, "%s cannot be asked", address)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "Varsel")
	response, err := r.client.Do(request)
	if err != nil {
		return failed(ctx, err, address)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusTooManyRequests, response.StatusCode >= 500:
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		return time.Duration(min(max(seconds, 0), 3600)) * time.Second, unreadable("%s answers %s", address, response.Status)
	case response.StatusCode != http.StatusOK:
		return never, unreadable("%s answers %s", address, response.Status)
	}
	return r.decode(response.Body, address, into)
}

// failed says what a connection failed by, and whether it is of use to try again.
func failed(ctx context.Context, err error, address string) (time.Duration, error) {
	var f *fault.Fault
	switch {
	case ctx.Err() != nil:
		return never, fault.Wrap(fault.PageUnreadable, err, "reading %s took too long, or was ended", address)
	case !errors.As(err, &f):
		return 0, fault.Wrap(fault.ConnectFailed, err, "%s does not answer", address)
	case f.Code == fault.AddressRefused:
		return never, f
	}
	return 0, f
}

func (r *Reader) decode(body io.Reader, address string, into any) (time.Duration, error) {
	most := min(maxBody, r.left)
	text, err := io.ReadAll(io.LimitReader(body, most+1))
	r.left -= int64(len(text))
	switch {
	case err != nil:
		return 0, fault.Wrap(fault.ConnectFailed, err, "the answer of %s ends too early", address)
	case int64(len(text)) > most:
		return never, unreadable("%s answers with more than is read", address)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return never, fault.Wrap(fault.PageUnreadable, err, "the answer of %s is not Statuspage's", address)
	}
	return 0, nil
}

func unreadable(format string, args ...any) error {
	return fault.New(fault.PageUnreadable, format, args...)
}
