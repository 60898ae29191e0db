package api_test

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/internal/web/api"
)

// F28: a receiver asks which certificates and which addresses it is called with.
func TestF28HowCallsLookFromOutside(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	leaf := server.Certificate()
	w := newWorld(t)
	w.set(func(o *api.Options) {
		o.Addresses = []netip.Addr{netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7")}
		o.Shown = func(a *subscription.Agreement) ([]*x509.Certificate, error) {
			if a.Certificate.CertFile == "gone.pem" {
				return nil, fault.New(fault.SenderConfig, "the client certificate cannot be used")
			}
			return []*x509.Certificate{leaf}, nil
		}
	})
	for _, name := range []string{"one", "two", "three"} {
		w.System(name, profile.Datafordeler)
		doc, _ := w.Book.System(name)
		changed := *doc
		changed.Agreement.Certificate = &subscription.Certificate{CertFile: "hub.pem", KeyFile: "hub.key"}
		if name == "three" {
			changed.Agreement.Certificate = &subscription.Certificate{CertFile: "gone.pem", KeyFile: "gone.key"}
		}
		_, err := w.Manager.PutSystem(t.Context(), changed, manage.By{Author: "eva", Condition: manage.Condition{Present: true}})
		w.Must(err)
	}
	read := func() (e struct {
		Addresses    []string
		Certificates []struct {
			Systems                            []string
			Subject, SHA256, Until, PEM, Fault string
		}
	}) {
		t.Helper()
		a := w.ok(200, w.call("GET", "/egress", ""))
		if err := json.Unmarshal([]byte(a.text), &e); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(a.text, ".key") || strings.Contains(a.text, "hub.pem") {
			t.Errorf("it names files: %s", a.text)
		}
		return e
	}
	e := read()
	if !slices.Equal(e.Addresses, []string{"203.0.113.7", "2001:db8::7"}) || len(e.Certificates) != 2 {
		t.Fatalf("%+v", e)
	}
	if c := e.Certificates[0]; !slices.Equal(c.Systems, []string{"one", "two"}) && !slices.Equal(c.Systems, []string{"three"}) {
		t.Errorf("%+v", c)
	}
	for _, c := range e.Certificates {
		if slices.Contains(c.Systems, "three") {
			if c.Fault == "" || c.PEM != "" {
				t.Errorf("%+v", c)
			}
		} else if c.Subject != leaf.Subject.String() || len(c.SHA256) != 64 || !strings.HasPrefix(c.PEM, "-----BEGIN CERTIFICATE-----") || c.Fault != "" {
			t.Errorf("%+v", c)
		}
	}
	w.set(func(o *api.Options) {
		o.Who = func(*http.Request) (*account.Principal, error) {
			return &account.Principal{Name: "s", Roles: []account.Role{account.Subscriber}, Systems: []string{"two"}}, nil
		}
	})
	if e := read(); len(e.Certificates) != 1 || !slices.Equal(e.Certificates[0].Systems, []string{"two"}) {
		t.Errorf("a subscriber is told %+v", e)
	}
}
