package app_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/channel/mail"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/subscription"
)

// letterbox is a real SMTP server that keeps what it gets.
type letterbox struct{ mails chan string }

func (b *letterbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &letter{box: b}, nil }

type letter struct {
	box *letterbox
	to  []string
}

func (l *letter) Mail(string, *smtp.MailOptions) error { return nil }
func (l *letter) Rcpt(to string, _ *smtp.RcptOptions) error {
	l.to = append(l.to, to)
	return nil
}
func (l *letter) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	l.box.mails <- strings.Join(l.to, ",") + "\n" + string(text)
	return err
}
func (l *letter) Reset()        { l.to = nil }
func (l *letter) Logout() error { return nil }

func (b *letterbox) listen(t *testing.T) int {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(b)
	server.Domain = "mx.test"
	go server.Serve(socket)
	t.Cleanup(func() { server.Close() })
	return socket.Addr().(*net.TCPAddr).Port
}

// S40: when a message of a system parks, its technical contact gets a mail, through the line itself, that says what
// happened and what to do; it names no person and shows no payload.
func TestS40ContactIsToldByMail(t *testing.T) {
	t.Parallel()
	box := &letterbox{mails: make(chan string, 10)}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Varsel-Test") == "" {
			w.WriteHeader(422)
		}
	}))
	t.Cleanup(receiver.Close)
	hub, err := app.New(t.Context(), app.Config{
		Data: t.TempDir(), NoAccess: true, Egress: netguard.Rules{Allow: app.Loopback, AllowHTTP: true}, Operator: "operator@example.org",
		SMTP: &mail.Config{Host: "127.0.0.1", Port: box.listen(t), TLS: mail.Plain, From: "varsel@example.org", Timeout: 10 * time.Second},
	}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := hub.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hub.Stop(context.Background()) })
	configure(t, hub, receiver.URL)
	const person = "0101010007"
	_, err = hub.Publisher.Publish(t.Context(), []event.Draft{{
		ID: "1", Source: "urn:cv", SpecVersion: "1.0", Type: "cv", MediaType: "application/json", Data: []byte(`{"person":"` + person + `"}`),
	}}, false)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case text := <-box.mails:
		text = strings.ReplaceAll(text, "=\r\n", "") // soft line breaks (RFC 2045 section 6.7)
		for _, want := range []string{"technical@example.org", "Subject: [Varsel] A delivery is parked: jobcenter", "422", "release the lane"} {
			if !strings.Contains(text, want) {
				t.Errorf("the mail does not say %q:\n%s", want, text)
			}
		}
		if strings.Contains(text, person) {
			t.Errorf("the mail names a person:\n%s", text)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("no mail came; lanes %+v, totals %+v", hub.Engine.Lanes(delivery.Selection{All: true}), hub.Engine.Totals())
	}
}

// configure makes one star system with one tested subscription.
func configure(t *testing.T, hub *app.Hub, base string) {
	t.Helper()
	m, by := hub.Manager, manage.By{Author: "test"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := m.PutType(t.Context(), event.Type{Name: "cv", Title: "CV", Order: event.OrderKey, Personal: true, Retention: "P180D"}, by)
	must(err)
	_, err = m.PutVersion(t.Context(), event.Version{
		Type: "cv", Version: "v1", State: event.StateActive, Sample: []byte(`{"person":"0000000000"}`),
		Mapping: event.Mapping{Personal: []string{"/person"}, Fields: map[string]string{
			"key": "/person", "star.entity.id": "Constant(30000)", "star.entity.name": "Constant(Cv)", "star.identification": "/person",
			"star.identification.typeId": "Constant(1)", "star.identification.typeName": "Constant(Cprnummer)",
			"star.change.typeId": "Constant(2)", "star.change.typeName": "Constant(Opdatering)",
			"star.authority.type": "Constant(5)", "star.authority.code": "Constant(1)",
			"star.system.id": "Constant(4)", "star.system.name": "Constant(DFDG)", "star.user.name": "Constant(x)",
			"star.user.typeId": "Constant(1)", "star.user.typeName": "Constant(Borger)",
		}},
	}, by)
	must(err)
	_, err = m.PutSource(t.Context(), event.Source{Name: "cv", URI: "urn:cv", Title: "CV", Types: []string{"cv"}}, by)
	must(err)
	_, err = m.PutSystem(t.Context(), subscription.System{Name: "jobcenter", Agreement: subscription.Agreement{
		Profile: "star", BaseURL: base, Sources: []string{"cv"},
		Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "technical@example.org"}},
	}}, by)
	must(err)
	report, err := m.PutSubscriptions(t.Context(), "jobcenter", []subscription.Subscription{{Name: "all"}}, manage.SetOptions{By: by})
	must(err)
	_, err = m.Test(t.Context(), report.Created[0].ID, "test")
	must(err)
}
