package access_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
)

// Whatever stands in the header, nobody gets in but who holds the token, and every refusal has a code.
func FuzzAuthorization(f *testing.F) {
	w := newWorld(f)
	good := w.token("eva", w.secret)
	w.options.Limits.Address = 1 << 30
	w.regate()
	for _, seed := range []string{"", "Bearer", "Bearer " + good, "bearer  " + good, "Basic ZXZhOng=", "Bearer a.b.c", "Bearer " + good + "=",
		"Bearer " + encoded(`{"alg":"none"}`) + "." + encoded(`{"iss":"https://hub.example"}`) + ".", "Bearer " + good[:len(good)-1] + "z", "Bearer {}", "Bearer " + strings.ToUpper(good)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = []string{header}
		p, err := w.gate.Principal(r)
		_, token, _ := strings.Cut(header, " ")
		switch {
		case err == nil && !spells(strings.TrimLeft(token, " "), good):
			t.Errorf("%q is %s", header, p.Name)
		case err != nil && fault.Lookup(fault.Of(err).Code).Status != http.StatusUnauthorized:
			t.Errorf("%q: %v", header, err)
		}
	})
}

// spells reports whether a text is a token, perhaps with other spare bits or line breaks in its base64: that is no
// forgery, since only who has the token can write it.
func spells(text, token string) bool {
	a, b := strings.Split(text, "."), strings.Split(token, ".")
	return slices.EqualFunc(a, b, func(x, y string) bool {
		given, errGiven := base64.RawURLEncoding.DecodeString(x)
		want, errWant := base64.RawURLEncoding.DecodeString(y)
		return errGiven == nil && errWant == nil && bytes.Equal(given, want)
	})
}

// Whatever is sent to the token service, it is refused in the form of RFC 6749 unless it holds the secret.
func FuzzTokenRequest(f *testing.F) {
	w := newWorld(f)
	w.options.Limits.Token = 1 << 20
	w.regate()
	for _, seed := range []string{"", "grant_type=client_credentials&client_id=eva&client_secret=x", "grant_type=client_credentials&client_id=eva&client_secret=" + w.secret,
		"a=%zz", "client_id=%00&client_secret=", "grant_type=a&grant_type=b", "&&&===", "grant_type=client_credentials;client_id=eva"} {
		f.Add(seed, "Basic ZXZhOng=")
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, body, authorization string) {
		r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		recorder := httptest.NewRecorder()
		w.gate.OAuth().ServeHTTP(recorder, r)
		given := recorder.Code == http.StatusOK
		if given && !strings.Contains(body, w.secret) || !given && !strings.HasPrefix(recorder.Body.String(), `{"error":"`) {
			t.Errorf("%q %q: %d %s", body, authorization, recorder.Code, recorder.Body)
		}
	})
}
