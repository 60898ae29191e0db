package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/channel/odata/odatatest"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// selfSigned writes a certificate for 127.0.0.1 that is its own authority, and its key.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "both sides"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "both.pem"), filepath.Join(dir, "both.key")
	for file, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// service is a strict OData service that lets nobody in without the certificate.
func service(t *testing.T, certificate, key string) (*odatatest.Service, string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(pair.Leaf)
	s := &odatatest.Service{Root: "/push/odata"}
	server := httptest.NewUnstartedServer(s)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	server.StartTLS()
	t.Cleanup(server.Close)
	return s, server.URL
}

// changed is the n-th event of a municipality.
func changed(n int) client.Event {
	return client.Event{
		ID: fmt.Sprint(n), Source: "urn:dagi", Type: "KommuneinddelingUpdate", Data: fmt.Appendf(nil, `{"id":"%d","fra":"2016-08-07T02:10:00.000000"}`, n%2),
	}
}

// F19 to F25: what is published goes by the whole line to an OData service, over TLS with the agreement's certificate; what
// waits goes as one change set, in order; and the certificate is told.
func TestF19PushToAService(t *testing.T) {
	t.Parallel()
	hub, c, base := developing(t, t.TempDir(), false)
	configure(t, hub, base)
	if _, err := hub.Manager.RemoveSystem(t.Context(), "jobcenter", manage.By{Author: "test", Condition: manage.Condition{Present: true}}, new(int64)); err != nil {
		t.Fatal(err)
	}
	by := manage.By{Author: "test"}
	if _, err := hub.Manager.PutType(t.Context(), event.Type{Name: "KommuneinddelingUpdate", Title: "Kommuneinddeling, updated", Order: event.OrderKey, Retention: "P60D"}, by); err != nil {
		t.Fatal(err)
	}
	_, err := hub.Manager.PutVersion(t.Context(), event.Version{
		Type: "KommuneinddelingUpdate", Version: "v1", State: event.StateActive, Sample: []byte(`{"id":"0","fra":"2016-08-07T02:10:00.000000"}`),
		Mapping: event.Mapping{Fields: map[string]string{
			"key": "/id", "besked.objektID": "Load(id)", "besked.objekttype": "Constant(Kommuneinddeling)", "besked.registreringstid": "Load(fra)",
			"besked.sikkerhedsklassificering": "Constant(http://data.gov.dk/vocabulary/security/confidentiality#NonConfidential)",
		}},
	}, by)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hub.Manager.PutSource(t.Context(), event.Source{Name: "dagi", URI: "urn:dagi", Title: "DAGI", Types: []string{"*"}}, by); err != nil {
		t.Fatal(err)
	}
	certificate, key := selfSigned(t)
	receiver, url := service(t, certificate, key)
	_, err = hub.Manager.PutSystem(t.Context(), subscription.System{Name: "municipality", Agreement: subscription.Agreement{
		Profile: profile.Datafordeler, BaseURL: url + "/push", Sources: []string{"dagi"}, Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "drift@example.org"}},
		Certificate: &subscription.Certificate{CertFile: certificate, KeyFile: key}, CABundle: certificate,
	}}, by)
	if err != nil {
		t.Fatal(err)
	}
	report, err := hub.Manager.PutSubscriptions(t.Context(), "municipality", []subscription.Subscription{{Name: "push", Path: "/odata", Types: []string{"KommuneinddelingUpdate"}}}, manage.SetOptions{By: by})
	if err != nil {
		t.Fatal(err)
	}
	id := report.Created[0].ID
	if _, err := hub.Manager.Test(t.Context(), id, "test"); err != nil {
		t.Fatal(err)
	}
	scope := revision.OfSubscription(id)
	if err := hub.Manager.Pause(t.Context(), scope, "test", ""); err != nil {
		t.Fatal(err)
	}
	var events []client.Event
	for n := range 5 {
		events = append(events, changed(n))
	}
	published, err := c.Publish(t.Context(), events...)
	if err != nil {
		t.Fatal(err)
	}
	last := published[len(published)-1].Position
	if err := hub.Engine.Reached(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	if err := hub.Manager.Resume(t.Context(), scope, "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Publish(t.Context(), changed(5)); err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for _, e := range receiver.Await(t.Context(), 7)[1:] { // the test message came first
		ids = append(ids, e.ID)
		if e.Format != "JSON" || !strings.Contains(e.Body, `"beskedtype":"KommuneinddelingUpdate"`) {
			t.Errorf("%+v", e)
		}
	}
	if len(ids) != 6 || !slices.IsSorted(ids) || ids[0] != published[0].Position {
		t.Errorf("taken %v, published from %d", ids, published[0].Position)
	}
	if requests := receiver.Requests(); requests[0] != "Events" || !slices.ContainsFunc(requests, func(r string) bool { return strings.HasPrefix(r, "$batch of ") }) {
		t.Errorf("requests %v: want a test message alone, and what waited together", requests)
	}
	for _, complaint := range receiver.Complaints() {
		t.Error(complaint)
	}
	egress, err := c.Egress(t.Context())
	if err != nil || len(egress.Certificates) != 1 || egress.Certificates[0].Subject != "CN=both sides" || egress.Certificates[0].Serial != "7" {
		t.Errorf("%+v %v", egress, err)
	}
}
