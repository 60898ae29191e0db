package main

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/probe"
)

// F27: each line of the check-list, well and not.
func TestF27TheCheckListOfAPush(t *testing.T) {
	t.Parallel()
	well := func() *pushing {
		p := &pushing{
			standing: &client.Standing{Endpoint: "https://a.example/odata/"}, system: &client.System{Name: "a"},
			types:  []client.EventType{{Name: "KommuneinddelingUpdate"}},
			set:    []client.Subscription{{Name: "beside", Channel: client.Cursor, State: client.Active}},
			egress: client.Egress{Addresses: []netip.Addr{netip.MustParseAddr("203.0.113.7")}, Certificates: []client.ClientCertificate{{Systems: []string{"a"}, Subject: "CN=hub", SHA1: "ab12"}}},
		}
		p.standing.Types = []string{"KommuneinddelingUpdate"}
		p.system.Agreement.Contacts.Technical.Email = "drift@a.example"
		return p
	}
	for _, f := range well().findings() {
		if f.Grade != probe.Fine || f.Next != "" {
			t.Errorf("%+v", f)
		}
	}
	for name, c := range map[string]struct {
		breaks func(*pushing)
		grade  probe.Grade
		text   string
	}{
		"every type":                {func(p *pushing) { p.standing.Types = nil }, probe.Warning, "every type"},
		"a type that is not":        {func(p *pushing) { p.standing.Types = []string{"Kommune"} }, probe.Failed, "no type Kommune"},
		"nobody to tell":            {func(p *pushing) { p.system.Agreement.Contacts = client.Contacts{} }, probe.Failed, "names nobody"},
		"the entity set is named":   {func(p *pushing) { p.standing.Endpoint = "https://a.example/odata/Events" }, probe.Failed, "ends with /Events"},
		"the batch is named":        {func(p *pushing) { p.standing.Endpoint = "https://a.example/odata/$batch/" }, probe.Failed, "ends with /$batch"},
		"no certificate":            {func(p *pushing) { p.egress.Certificates = nil }, probe.Warning, "no client certificate"},
		"another's certificate":     {func(p *pushing) { p.egress.Certificates[0].Systems = []string{"b"} }, probe.Warning, "no client certificate"},
		"a broken certificate":      {func(p *pushing) { p.egress.Certificates[0].Fault = "cannot be used" }, probe.Failed, "cannot be used"},
		"addresses are not known":   {func(p *pushing) { p.egress.Addresses = nil }, probe.Warning, "not configured"},
		"nothing beside it":         {func(p *pushing) { p.set = nil }, probe.Warning, "nothing fetches"},
		"what is beside is another": {func(p *pushing) { p.set[0].Types = []string{"other"} }, probe.Warning, "nothing fetches"},
		"what is beside is pushed":  {func(p *pushing) { p.set[0].Channel = client.Webhook }, probe.Warning, "nothing fetches"},
		"what is beside is a draft": {func(p *pushing) { p.set[0].State = client.Draft }, probe.Warning, "nothing fetches"},
	} {
		p := well()
		c.breaks(p)
		var bad []probe.Finding
		for _, f := range p.findings() {
			if f.Grade != probe.Fine {
				bad = append(bad, f)
			}
		}
		if len(bad) != 1 || bad[0].Grade != c.grade || !strings.Contains(bad[0].Text, c.text) || bad[0].Next == "" {
			t.Errorf("%s: want %s, %q; got %+v", name, c.grade, c.text, bad)
		}
	}
}
