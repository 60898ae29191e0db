package session

import (
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
)

// Every language says everything, and the same things.
func TestEveryLanguageIsWhole(t *testing.T) {
	t.Parallel()
	told := languages[1].Problems
	for _, l := range languages {
		said := reflect.ValueOf(l)
		for i := range said.NumField() {
			if said.Field(i).Kind() == reflect.String && said.Field(i).String() == "" {
				t.Errorf("%s lacks %s", l.Code, said.Type().Field(i).Name)
			}
		}
		if l.Code == "en" { // what the catalogue has
			continue
		}
		for code := range told {
			if said := l.Problems[code]; said[0] == "" || said[1] == "" {
				t.Errorf("%s does not say %s", l.Code, code)
			}
		}
		if len(l.Problems) != len(told) {
			t.Errorf("%s says %d problems, %s says %d", l.Code, len(l.Problems), languages[1].Code, len(told))
		}
	}
	for _, code := range []fault.Code{fault.SignedOut, fault.SignInRefused, fault.SignInLost, fault.ProviderRefused, fault.ProviderUnreachable, fault.RateLimited, fault.Forbidden, fault.NotFound, fault.CrossOrigin} {
		if _, said := told[code]; !said {
			t.Errorf("%s is said in no language but the catalogue's", code)
		}
	}
}

func TestTheLanguageIsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	s := &Sessions{matcher: matcher()}
	for name, c := range map[string]struct{ query, header, want string }{
		"nothing":                {"", "", "en"},
		"the browser's":          {"", "da", "da"},
		"the best of several":    {"", "de, fr-CH;q=0.9, pl;q=0.8", "fr"},
		"the one that is liked":  {"", "en;q=0.5, pl", "pl"},
		"a region's":             {"", "fr-BE", "fr"},
		"near enough":            {"", "nb-NO", "da"},
		"none of them":           {"", "fi, ja", "en"},
		"the page's own":         {"?lang=pl", "da", "pl"},
		"the page's own is none": {"?lang=xx", "da", "da"},
		"nonsense":               {"?lang=%00%ff", ";;q=,--", "en"},
	} {
		r := httptest.NewRequest("GET", "/admin/sign-in"+c.query, nil)
		r.Header.Set("Accept-Language", c.header)
		if got := s.spoken(r).Code; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
