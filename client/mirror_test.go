package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/filter"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/search"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/internal/web/api"
)

// The client's documents are the hub's: a member that one side has and the other has not is lost on its way.
func TestDocumentsHaveTheHubsMembers(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]any{
		{client.Source{}, event.Source{}},
		{client.Register{}, register.Register{}},
		{client.EntityType{}, register.EntityType{}},
		{client.RegisterColumn{}, register.Column{}},
		{client.Delivery{}, api.DeliveryView{}},
		{client.RegisterEvent{}, api.HappeningView{}},
		{client.Extract{}, register.Extract{}},
		{client.ExtractFile{}, api.ExtractFileView{}},
		{client.EventType{}, event.Type{}},
		{client.Version{}, event.Version{}},
		{client.System{}, subscription.System{}},
		{client.Standing{}, manage.Standing{}},
		{client.SetReport{}, manage.Report{}},
		{client.FilterPreview{}, manage.Preview{}},
		{client.NewKey{}, manage.NewKey{}},
		{client.TestReport{}, manage.TestReport{}},
		{client.Removal{}, manage.Removal{}},
		{client.Filter{}, filter.Filter{}},
		{client.Lane{}, delivery.LaneView{}},
		{client.Endpoint{}, delivery.EndpointView{}},
		{client.Totals{}, delivery.Totals{}},
		{client.Node{}, api.NodeView{}},
		{client.Whereabouts{}, api.WhereView{}},
		{client.SystemWhereabouts{}, api.SystemWhereaboutsView{}},
		{client.Violation{}, fault.Violation{}},
		{client.AuditEntry{}, api.AuditView{}},
		{client.Erasure{}, api.ErasureView{}},
		{client.ErasureReport{}, api.ErasureReport{}},
		{client.Revealed{}, api.Revealed{}},
		{client.StreamStatus{}, api.StreamView{}},
		{client.Aside{}, api.AsideView{}},
		{client.RevealedAside{}, api.RevealedAside{}},
		{client.LetGo{}, api.LetGoView{}},
		{client.Place{}, search.Place{}},
		{client.Receipt{}, api.ReceiptView{}},
		{client.RevealedReceipt{}, api.RevealedReceipt{}},
		{client.OverdueReceipt{}, api.OverdueView{}},
		{client.Site{}, status.Site{}},
		{client.SiteSummary{}, api.SiteSummary{}},
		{client.Board{}, api.BoardView{}},
		{client.ComponentStanding{}, api.StateView{}},
		{client.StateSetting{}, manage.Setting{}},
		{client.StateSpan{}, api.SpanView{}},
		{client.Notice{}, api.NoticeView{}},
		{client.NoticeFacts{}, manage.Facts{}},
		{client.NewNotice{}, manage.Opening{}},
		{client.NewUpdate{}, manage.Saying{}},
		{client.NoticeThen{}, api.NoticeThenView{}},
		{client.SiteImport{}, manage.ImportReport{}},
	} {
		ours, theirs := members(reflect.TypeOf(pair[0])), members(reflect.TypeOf(pair[1]))
		for name := range theirs {
			if !ours[name] {
				t.Errorf("%T has no %s", pair[0], name)
			}
		}
		for name := range ours {
			if !theirs[name] {
				t.Errorf("%T has %s, which the hub has not", pair[0], name)
			}
		}
	}
}

// members are the JSON pointers of a type, lists and maps passed through.
func members(t reflect.Type) map[string]bool {
	found := map[string]bool{}
	collect(found, "", t)
	return found
}

func collect(found map[string]bool, at string, t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		collect(found, at, t.Elem())
		return
	case reflect.Struct:
	default:
		return
	}
	if t == reflect.TypeFor[client.Filter]() && strings.Count(at, "/") > 1 || t == reflect.TypeFor[filter.Filter]() && strings.Count(at, "/") > 1 {
		return // filters hold filters: those of the first level are as the others
	}
	if t == reflect.TypeFor[time.Time]() || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return
	}
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case field.Anonymous:
			collect(found, at, field.Type)
		default:
			found[at+"/"+name] = true
			collect(found, at+"/"+name, field.Type)
		}
	}
}

func TestCodesAreTheCatalogues(t *testing.T) {
	t.Parallel()
	for _, code := range []client.Code{
		client.CodeInternal, client.CodeNotFound, client.CodeBadRequest, client.CodeBodyTooLarge, client.CodeInvalidDocument, client.CodePrecondition,
		client.CodeNeedsIfMatch, client.CodeConflict, client.CodeReadOnly, client.CodeInvalidEvent, client.CodeEventConflict, client.CodeAfterRefused,
		client.CodeTooManyEntries, client.CodeStorageFull, client.CodeShuttingDown, client.CodeDropCount, client.CodeNotGranted, client.CodeOverlap,
		client.CodeVersionFixed, client.CodeTestFailed, client.CodeNothingSelected,
		client.CodeForgotten, client.CodeEraseCount,
	} {
		if fault.Lookup(fault.Code(code)).Code != fault.Code(code) {
			t.Errorf("%s is not in the catalogue", code)
		}
	}
}

func TestAProblemSaysWhatToDo(t *testing.T) {
	t.Parallel()
	p := &client.Problem{Title: "The hub met an error", Status: 500, Detail: "hidden by the violations", Code: "internal", Mend: "Try again.",
		Instance: "urn:uuid:0-1", Violations: []client.Violation{{Pointer: "/a", Rule: "required", Message: "is missing"}}}
	const want = "The hub met an error (internal)\n  /a: is missing (required)\n  Try again.\n  The hub's log has it as 0-1"
	if p.Error() != want {
		t.Errorf("%s", p)
	}
}

func TestShowsItsCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) != 1 {
			t.Error("no certificate was shown")
		}
		accepts(w)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	authorities := x509.NewCertPool()
	authorities.AddCert(server.Certificate())
	options := client.Options{TLS: &tls.Config{RootCAs: authorities, Certificates: server.TLS.Certificates},
		Token: func(context.Context) (string, error) { return "t", nil }}
	c, err := client.New(server.URL, options)
	if err == nil {
		_, err = c.Publish(t.Context(), event1)
	}
	if err != nil {
		t.Error(err)
	}
	options.HTTP = http.DefaultClient
	if _, err := client.New(server.URL, options); err == nil {
		t.Error("both TLS and HTTP: accepted")
	}
}
