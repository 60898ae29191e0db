package brokerlink_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/varselhub/varsel/internal/brokerlink"
	"github.com/varselhub/varsel/internal/brokertest"
	"github.com/varselhub/varsel/internal/fault"
)

// authority signs certificates of this machine, and writes what the hub reads as files.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir(), pool: x509.NewCertPool()}
	pair, der := a.issue("authority", nil)
	a.key = pair.PrivateKey.(*ecdsa.PrivateKey)
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

// issue makes a certificate and its files, NAME.pem and NAME.key.
func (a *authority) issue(name string, hosts []string) (tls.Certificate, []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: hosts == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	a.write(name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, der
}

func (a *authority) write(name, text string) {
	a.t.Helper()
	if err := os.WriteFile(a.file(name), []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// brokers are one of each that speak TLS and ask for a client certificate or a password.
func brokers(t *testing.T, a *authority) map[string]func(l brokerlink.Link) error {
	t.Helper()
	pair, _ := a.issue("server", []string{"127.0.0.1"})
	n := brokertest.NewNATS(t, func(o *server.Options) {
		o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: a.pool, ClientAuth: tls.VerifyClientCertIfGiven}
		o.TLSTimeout, o.Username, o.Password = 5, "hub", "right"
	})
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}}), kfake.EnableSASL(),
		kfake.Superuser("SCRAM-SHA-512", "hub", "right"), kfake.Superuser("SCRAM-SHA-256", "hub", "right"), kfake.Superuser("PLAIN", "hub", "right"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return map[string]func(l brokerlink.Link) error{
		"NATS": func(l brokerlink.Link) error {
			l.Servers = []string{n.Address}
			conn, err := l.NATS(t.Context())
			if err == nil {
				conn.Close()
			}
			return err
		},
		"Kafka": func(l brokerlink.Link) error {
			l.Servers = cluster.ListenAddrs()
			client, err := l.Kafka()
			if err != nil {
				return err
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := client.Ping(ctx); err != nil {
				return brokerlink.ExplainKafka(err)
			}
			return nil
		},
	}
}

// Brokers are reached by TLS that is verified, with what the hub shows of itself; what is wrong has a name.
func TestLinksAreSecure(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	other.issue("client", []string{"hub"})
	a.issue("client", []string{"hub"})
	a.write("password", "right\n")
	a.write("wrong", "wrong")
	a.write("junk", "junk")
	all := brokers(t, a)
	for name, c := range map[string]struct {
		change func(*brokerlink.Link)
		want   fault.Code // "": it connects
		of     string     // "": both
	}{
		"verified":               {func(*brokerlink.Link) {}, "", ""},
		"with a certificate":     {func(l *brokerlink.Link) { l.CertFile, l.KeyFile = a.file("client.pem"), a.file("client.key") }, "", ""},
		"by SCRAM-SHA-256":       {func(l *brokerlink.Link) { l.Mechanism = "scram-sha-256" }, "", "Kafka"},
		"by PLAIN":               {func(l *brokerlink.Link) { l.Mechanism = "plain" }, "", "Kafka"},
		"a foreign authority":    {func(l *brokerlink.Link) { l.CABundle = other.file("authority.pem") }, fault.TLSFailed, ""},
		"the machine's":          {func(l *brokerlink.Link) { l.CABundle = "" }, fault.TLSFailed, ""},
		"a wrong password":       {func(l *brokerlink.Link) { l.PasswordFile = a.file("wrong") }, fault.LoginRefused, "NATS"},
		"a wrong password there": {func(l *brokerlink.Link) { l.PasswordFile = a.file("wrong") }, fault.ConnectionReset, "Kafka"}, // this one hangs up
		"no password file":       {func(l *brokerlink.Link) { l.PasswordFile = a.file("none") }, fault.SenderConfig, ""},
		"no authorities":         {func(l *brokerlink.Link) { l.CABundle = a.file("junk") }, fault.SenderConfig, ""},
		"no certificate":         {func(l *brokerlink.Link) { l.CertFile, l.KeyFile = a.file("junk"), a.file("client.key") }, fault.SenderConfig, ""},
		"without TLS":            {func(l *brokerlink.Link) { l.PlainText = true }, fault.TLSFailed, "NATS"},
		"a foreign certificate":  {func(l *brokerlink.Link) { l.CertFile, l.KeyFile = other.file("client.pem"), other.file("client.key") }, fault.TLSFailed, "NATS"},
		"credentials of nobody":  {func(l *brokerlink.Link) { l.User, l.CredentialsFile = "", a.file("none") }, fault.SenderConfig, "NATS"},
	} {
		for kind, connect := range all {
			if c.of != "" && c.of != kind {
				continue
			}
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				l := brokerlink.Link{
					CABundle: a.file("authority.pem"), User: "hub", PasswordFile: a.file("password"), Client: "varsel", Dial: (&net.Dialer{}).DialContext,
				}
				c.change(&l)
				if err := connect(l); c.want == "" && err != nil || c.want != "" && !fault.Has(err, c.want) {
					t.Errorf("%v, want %q", err, c.want)
				}
			})
		}
	}
}
