package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/config"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/internal/web/listener"
)

// pulling is a hub with the three kinds of endpoints of F32, over real TLS.
type pulling struct {
	t         *testing.T
	hub       *app.Hub
	log       safeBuffer
	authority *signer
	urls      map[string]string // by kind
}

// signer signs what servers and clients show.
type signer struct {
	t    *testing.T
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	file string
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	a := &signer{t: t, dir: t.TempDir()}
	a.cert, a.key = a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.file = a.write("ca.pem", "CERTIFICATE", a.cert.Raw)
	return a
}

func (a *signer) sign(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.must(err)
	c.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<60))
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	a.must(err)
	made, err := x509.ParseCertificate(der)
	a.must(err)
	return made, key
}

func (a *signer) write(name, kind string, der []byte) string {
	a.t.Helper()
	file := filepath.Join(a.dir, name)
	a.must(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return file
}

func (a *signer) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a *signer) client(name string) tls.Certificate {
	cert, key := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return tls.Certificate{PrivateKey: key, Leaf: cert, Certificate: [][]byte{cert.Raw}}
}

const tjenestebruger = "blaabaergroed paa Laesoe"

func newPulling(t *testing.T, change ...func(*app.Config)) *pulling {
	t.Helper()
	p := &pulling{t: t, authority: newSigner(t), urls: map[string]string{}}
	c := app.Config{Data: t.TempDir(), Egress: netguard.Rules{Allow: app.Loopback, AllowHTTP: true}, Welcome: func(string, string) error { return nil }}
	for _, f := range change {
		f(&c)
	}
	var err error
	p.hub, err = app.New(t.Context(), c, slog.New(slog.NewTextHandler(&p.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	p.must(err)
	t.Cleanup(func() { p.hub.Stop(t.Context()) })
	p.must(p.hub.Start(t.Context()))
	cert, key := p.authority.sign(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	der, err := x509.MarshalPKCS8PrivateKey(key)
	p.must(err)
	files := config.Certificate{Chain: p.authority.write("server.pem", "CERTIFICATE", cert.Raw), Key: p.authority.write("key.pem", "PRIVATE KEY", der)}
	var listeners []*listener.Listener
	for _, kind := range []string{"password", "certificate", "sensitive"} {
		l, err := config.NewListener("127.0.0.1:0", "pull")
		p.must(err)
		l.Certificates, l.Pull = []config.Certificate{files}, kind
		l.Client = config.Client{Certificate: "optional", CA: p.authority.file}
		open, err := listener.Open(t.Context(), &l, clock.System{})
		p.must(err)
		listeners = append(listeners, open)
		p.urls[kind] = open.URL()
	}
	p.must(p.hub.Answer(listeners...))
	p.configure()
	return p
}

func (p *pulling) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

var types = []string{"KommuneinddelingUpdate", "PersonUpdate"}

const register = "urn:register:dagi"

// configure makes a register with a type that is open and one that is sensitive, and a system that wants both.
func (p *pulling) configure() {
	p.t.Helper()
	m, by, ctx := p.hub.Manager, manage.By{Author: "test"}, p.t.Context()
	sample, err := os.ReadFile("../../conformance/datafordeler/kommuneinddeling-update.event.json")
	p.must(err)
	mapping, err := os.ReadFile("../../conformance/datafordeler/kommuneinddeling-update.mapping.json")
	p.must(err)
	for name, personal := range map[string]bool{"KommuneinddelingUpdate": false, "PersonUpdate": true} {
		_, err = m.PutType(ctx, event.Type{Name: name, Title: name, Order: event.OrderKey, Personal: personal, Retention: "P180D"}, by)
		p.must(err)
		v := event.Version{Type: name, Version: "v1", State: event.StateActive, Sample: sample}
		p.must(json.Unmarshal(mapping, &v.Mapping))
		if personal {
			v.Mapping.Personal = []string{"/objectid"}
		}
		_, err = m.PutVersion(ctx, v, by)
		p.must(err)
	}
	_, err = m.PutSource(ctx, event.Source{Name: "dagi", Title: "DAGI", URI: register, Types: []string{"*"}}, by)
	p.must(err)
	_, err = m.PutSystem(ctx, subscription.System{Name: "esdh", Agreement: subscription.Agreement{
		Profile: profile.Datafordeler, BaseURL: "https://esdh.example", Sources: []string{"*"},
		Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "technical@example.org"}},
	}}, by)
	p.must(err)
	report, err := m.PutSubscriptions(ctx, "esdh", []subscription.Subscription{{Name: "all", Types: types, Channel: subscription.Window}}, manage.SetOptions{By: by})
	p.must(err)
	if report.Created[0].State != subscription.Active {
		p.t.Errorf("what is asked for by window needs no test: %+v", report.Created)
	}
	for i, name := range []string{"KommuneinddelingUpdate", "PersonUpdate"} {
		_, err := p.hub.Publisher.Publish(ctx, []event.Draft{{
			SpecVersion: "1.0", ID: string(rune('1' + i)), Source: register, Type: name, MediaType: "application/json", Data: sample,
		}}, false)
		p.must(err)
	}
}

// caller makes the system's account, which shows a password or a certificate.
func (p *pulling) caller(shows ...*x509.Certificate) {
	p.t.Helper()
	a := account.Account{Name: "kommune", Roles: []account.Role{account.Subscriber}, Systems: []string{"esdh"}}
	for _, c := range shows {
		a.Certificates = append(a.Certificates, account.Certificate{SHA256: account.Fingerprint(c)})
	}
	_, err := p.hub.Manager.PutAccount(p.t.Context(), a, manage.By{Author: "test"})
	p.must(err)
	_, err = p.hub.Manager.SetPassword(p.t.Context(), "kommune", tjenestebruger, "test")
	p.must(err)
}

// client trusts the hub's authority and shows a certificate, if one is given.
func (p *pulling) client(shows *tls.Certificate) *http.Client {
	settings := &tls.Config{RootCAs: x509.NewCertPool()}
	settings.RootCAs.AddCert(p.authority.cert)
	if shows != nil {
		settings.Certificates = []tls.Certificate{*shows}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: settings, ForceAttemptHTTP2: true}}
}

// ask returns the status and the types of what is answered.
func (p *pulling) ask(kind, password string, shows *tls.Certificate) (status int, types string) {
	p.t.Helper()
	query := url.Values{"datefrom": {"2020-01-01"}, "dateto": {"2100-01-01"}}
	if password != "" {
		query.Set("username", "kommune")
		query.Set("password", password)
	}
	client := p.client(shows)
	defer client.CloseIdleConnections()
	answer, err := client.Get(p.urls[kind] + "/system/EventMessages/1.0.0/custom/?&" + query.Encode())
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	p.must(err)
	if answer.StatusCode != http.StatusOK {
		return answer.StatusCode, ""
	}
	var envelopes []struct {
		Message struct {
			Grunddatabesked struct {
				Hændelsesbesked struct {
					BeskedID     string `json:"beskedID"`
					Beskedkuvert struct {
						Filtreringsdata struct {
							Beskedtype string `json:"beskedtype"`
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(body, &envelopes); err != nil {
		p.t.Fatalf("%v: %s", err, body)
	}
	var list []string
	for _, e := range envelopes {
		list = append(list, e.Message.Grunddatabesked.Hændelsesbesked.Beskedkuvert.Filtreringsdata.Beskedtype)
	}
	return answer.StatusCode, strings.Join(list, " ")
}

// F31, F32, F33, over TLS: user name and password, a client certificate, and a client certificate for what may be
// sensitive; and nothing of the password stands in what the hub writes down.
func TestF32EndpointsOfThreeKinds(t *testing.T) {
	t.Parallel()
	p := newPulling(t)
	own, strange := p.authority.client("kommune"), newSigner(t).client("kommune")
	nobodys := p.authority.client("nobody")
	p.caller(own.Leaf)
	const open, both = "KommuneinddelingUpdate", "KommuneinddelingUpdate PersonUpdate"
	for name, c := range map[string]struct {
		kind, password string
		shows          *tls.Certificate
		status         int
		types          string
	}{
		"the password":                        {"password", tjenestebruger, nil, 200, open},
		"another password":                    {"password", tjenestebruger + "!", nil, 401, ""},
		"a certificate where passwords are":   {"password", "", &own, 401, ""},
		"the certificate":                     {"certificate", "", &own, 200, open},
		"the password where certificates are": {"certificate", tjenestebruger, nil, 401, ""},
		"the certificate, for sensitive":      {"sensitive", "", &own, 200, both},
		"the password, for sensitive":         {"sensitive", tjenestebruger, nil, 401, ""},
		"nobody's certificate":                {"sensitive", "", &nobodys, 401, ""},
		"a certificate of another authority":  {"sensitive", "", &strange, 0, ""},
	} {
		if status, types := p.ask(c.kind, c.password, c.shows); status != c.status || types != c.types {
			t.Errorf("%s: %d %q, want %d %q", name, status, types, c.status, c.types)
		}
	}
	if log := p.log.String(); strings.Contains(log, "blaabaer") || strings.Contains(log, "datefrom") {
		t.Errorf("the log has the query: %s", log)
	}
	_, err := p.hub.Manager.SetPassword(t.Context(), "kommune", "another one altogether", "test")
	p.must(err)
	if status, _ := p.ask("password", tjenestebruger, nil); status != 401 {
		t.Errorf("the password of before is taken: %d", status)
	}
}

// F41: who has fetched a message says so at the host that it was fetched from.
func TestF41AReceiptWhereMessagesAreFetched(t *testing.T) {
	t.Parallel()
	p := newPulling(t)
	own := p.authority.client("kommune")
	p.caller(own.Leaf)
	events, _, err := p.hub.Log.Read(t.Context(), 0, 1000)
	p.must(err)
	e := events[len(events)-1]
	for _, kind := range []string{"password", "certificate", "sensitive"} {
		for _, c := range []struct {
			shows  *tls.Certificate
			status int
		}{{nil, 401}, {&own, 200}} {
			client := p.client(c.shows)
			answer, err := client.Post(p.urls[kind]+"/system/EventReceipts/1.0.0", "application/json", strings.NewReader(`{"beskedID":["`+e.ID.String()+`"]}`))
			p.must(err)
			text, err := io.ReadAll(answer.Body)
			p.must(err)
			answer.Body.Close()
			client.CloseIdleConnections()
			if answer.StatusCode != c.status || c.status == 200 && !strings.Contains(string(text), `"system":"esdh"`) {
				t.Errorf("%s, showing %v: %d %s", kind, c.shows != nil, answer.StatusCode, text)
			}
		}
	}
}

// What is asked for by window stays so, and needs no consumer: nobody owes it anything.
func TestF18AWindowStaysAWindow(t *testing.T) {
	t.Parallel()
	p := newPulling(t)
	m, by := p.hub.Manager, manage.SetOptions{By: manage.By{Author: "test", Condition: manage.Condition{Present: true}}}
	refused := func(system string, s subscription.Subscription, want string) {
		t.Helper()
		_, err := m.PutSubscriptions(t.Context(), system, []subscription.Subscription{s}, by)
		var got []string
		for _, v := range fault.Of(err).Violations {
			got = append(got, v.Pointer+" "+v.Rule)
		}
		if strings.Join(got, "; ") != "/items/0"+want {
			t.Errorf("%+v: %q %v, want %s", s, got, err, want)
		}
	}
	refused("esdh", subscription.Subscription{Name: "all", Types: types, Channel: subscription.Cursor}, "/channel fixed")
	refused("esdh", subscription.Subscription{Name: "all", Types: types, Path: "/x"}, "/channel fixed")
	refused("esdh", subscription.Subscription{Name: "all", Types: types, Channel: subscription.Window, Path: "/x"}, "/path channel")
	refused("esdh", subscription.Subscription{Name: "all", Types: types, Channel: subscription.Window, AlertAfter: 5}, "/alertAfter channel")
	refused("esdh", subscription.Subscription{Name: "all", Types: types, Channel: subscription.Window, Format: "xml"}, "/format channel")
	_, err := m.PutSystem(t.Context(), subscription.System{Name: "plain", Agreement: subscription.Agreement{
		Profile: profile.Standard, BaseURL: "https://plain.example", Sources: []string{"*"},
		Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "technical@example.org"}},
	}}, manage.By{Author: "test"})
	p.must(err)
	by = manage.SetOptions{By: manage.By{Author: "test"}}
	refused("plain", subscription.Subscription{Name: "w", Channel: subscription.Window}, "/channel profile")
	consumers, err := p.hub.Store.Consumers(t.Context())
	p.must(err)
	for _, c := range consumers {
		if strings.HasPrefix(c.Name, "subscription/") {
			t.Errorf("there is a consumer %s", c.Name)
		}
	}
	by.Condition = manage.Condition{Present: true}
	report, err := m.PutSubscriptions(t.Context(), "esdh", nil, by)
	p.must(err)
	if len(report.Removed) != 1 || report.Drop != 0 {
		t.Errorf("%+v", report)
	}
}
