package subscription_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

func pointers(found []fault.Violation) string {
	var list []string
	for _, v := range found {
		list = append(list, v.Pointer+" "+v.Rule)
	}
	return strings.Join(list, "; ")
}

// S45: an agreement with a broker as base URL grants what begins with its path.
func TestS45BrokersAsEndpoints(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ base, path, want string }{
		"a topic":             {"kafka+tls://b:9093", "/orders", "kafka b:9093 orders"},
		"below a prefix":      {"kafka+tls://b:9093/star/", "/cv/changed", "kafka b:9093 star.cv.changed"},
		"a subject":           {"nats+tls://b:4222/star", "/cv.changed", "nats b:4222 star.cv.changed"},
		"in clear":            {"nats://b:4222", "/cv", "nats b:4222 cv plain"},
		"no path":             {"nats+tls://b:4222/all", "", "nats b:4222 all"},
		"nothing named":       {"nats+tls://b:4222", "", "/items/0/path path"},
		"a wildcard":          {"nats+tls://b:4222", "/a.*", "/items/0/path path"},
		"all":                 {"nats+tls://b:4222", "/a.>", "/items/0/path path"},
		"the server's own":    {"nats+tls://b:4222", "/$JS/API", "/items/0/path path"},
		"climbing":            {"kafka+tls://b:9093/star", "/../other", "/items/0/path path"},
		"a query":             {"kafka+tls://b:9093", "/a?b=c", "/items/0/path path"},
		"another host":        {"kafka+tls://b:9093", "//evil/x", "/items/0/path path"},
		"a character":         {"kafka+tls://b:9093", "/a:b", "/items/0/path path"},
		"an escape":           {"kafka+tls://b:9093", "/a%20b", "/items/0/path path"},
		"a web page, as ever": {"https://b/star", "/cv", "none"},
	} {
		system := &subscription.System{Name: "s", Agreement: subscription.Agreement{Profile: profile.Standard, BaseURL: c.base, Sources: []string{"*"}}}
		got := pointers(subscription.CheckSet(system, []*subscription.Subscription{{Name: "a", Path: c.path}}, nil, func(string) bool { return true }))
		if got == "" {
			got = "none"
			endpoint, err := subscription.Endpoint(c.base, c.path)
			if at, failed := subscription.BrokerAt(endpoint); err == nil && failed == nil {
				got = at.Kind + " " + at.Server + " " + at.Name
				if at.PlainText {
					got += " plain"
				}
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestAgreementsWithBrokersAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		base   string
		change func(*subscription.Agreement)
		want   string
	}{
		"fine": {"kafka+tls://b:9093", func(a *subscription.Agreement) {
			a.Login = &subscription.Login{User: "u", PasswordFile: "f", Mechanism: "plain"}
		}, ""},
		"nats by credentials": {"nats+tls://b:4222", func(a *subscription.Agreement) { a.Login = &subscription.Login{CredentialsFile: "f"} }, ""},
		"no port":             {"kafka+tls://b", func(*subscription.Agreement) {}, "/agreement/baseUrl url"},
		"a password in clear": {"kafka://b:9092", func(a *subscription.Agreement) { a.Login = &subscription.Login{User: "u", PasswordFile: "f"} }, "/agreement/login/plainText tls"},
		"half a login":        {"kafka+tls://b:9093", func(a *subscription.Agreement) { a.Login = &subscription.Login{User: "u"} }, "/agreement/login/user required"},
		"certificates":        {"kafka://b:9092", func(a *subscription.Agreement) { a.CABundle = "f" }, "/agreement/baseUrl tls"},
		"a login at a page":   {"https://b/", func(a *subscription.Agreement) { a.Login = &subscription.Login{User: "u", PasswordFile: "f"} }, "/agreement/login channel"},
		"not allowed":         {"kafka+tls://refused:9093", func(*subscription.Agreement) {}, "/agreement/baseUrl egress"},
	} {
		s := subscription.System{Name: "s", Agreement: subscription.Agreement{
			Profile: profile.Standard, BaseURL: c.base, Sources: []string{"*"}, Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "a@b.test"}},
		}}
		c.change(&s.Agreement)
		got := pointers(s.Check(func(u *url.URL) error {
			if u.Hostname() == "refused" {
				return fault.New(fault.AddressRefused, "no")
			}
			return nil
		}))
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
