package api

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // as a thumbprint, which is how many systems name a certificate; nothing is trusted for it
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/subscription"
)

// egressView is how the hub's calls look from outside: what receivers need for their firewalls and trust stores (F28).
type egressView struct {
	Addresses    []string               `json:"addresses"`    // that calls come from, as the operator has configured them
	Certificates []shownCertificateView `json:"certificates"` // that the hub shows
}

// shownCertificateView is a client certificate and the systems that are called with it.
type shownCertificateView struct {
	Systems []string `json:"systems"`
	Subject string   `json:"subject,omitempty"`
	Issuer  string   `json:"issuer,omitempty"`
	Serial  string   `json:"serial,omitempty"` // in hexadecimal
	SHA1    string   `json:"sha1,omitempty"`   // thumbprints, in hexadecimal
	SHA256  string   `json:"sha256,omitempty"`
	From    string   `json:"from,omitempty"`  // it is valid from then
	Until   string   `json:"until,omitempty"` // and until then
	PEM     string   `json:"pem,omitempty"`   // the chain, leaf first; the key is shown to nobody
	Fault   string   `json:"fault,omitempty"` // why it cannot be used: nothing is sent to these systems until it can
}

func (a *api) getEgress(w http.ResponseWriter, _ *http.Request) error {
	return respond(w, http.StatusOK, a.egress(func(string) bool { return true }))
}

func (a *api) getOwnEgress(w http.ResponseWriter, r *http.Request) error {
	return respond(w, http.StatusOK, a.egress(principal(r).ActsFor))
}

// egress lists the certificates by the first system that is called with each.
func (a *api) egress(seen func(system string) bool) egressView {
	view := egressView{Addresses: []string{}, Certificates: []shownCertificateView{}}
	for _, address := range a.Addresses {
		view.Addresses = append(view.Addresses, address.String())
	}
	at := map[subscription.Certificate]int{}
	for _, system := range a.Book.Systems() {
		files := system.Agreement.Certificate
		if files == nil || !seen(system.Name) {
			continue
		}
		i, known := at[*files]
		if !known {
			i = len(view.Certificates)
			at[*files] = i
			view.Certificates = append(view.Certificates, shownAs(a.Shown(&system.Agreement)))
		}
		view.Certificates[i].Systems = append(view.Certificates[i].Systems, system.Name)
	}
	return view
}

func shownAs(chain []*x509.Certificate, err error) shownCertificateView {
	if err != nil || len(chain) == 0 {
		return shownCertificateView{Fault: fault.Of(err).Detail}
	}
	leaf := chain[0]
	one, two := sha1.Sum(leaf.Raw), sha256.Sum256(leaf.Raw) //nolint:gosec // see above
	var text bytes.Buffer
	for _, c := range chain {
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) // to memory
	}
	return shownCertificateView{
		Subject: leaf.Subject.String(), Issuer: leaf.Issuer.String(), Serial: leaf.SerialNumber.Text(16),
		SHA1: hex.EncodeToString(one[:]), SHA256: hex.EncodeToString(two[:]),
		From: leaf.NotBefore.UTC().Format(time.RFC3339), Until: leaf.NotAfter.UTC().Format(time.RFC3339), PEM: text.String(),
	}
}
