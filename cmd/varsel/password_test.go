package main

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// A person's account from its password to the page, by the command line and a browser's requests. The password is no
// argument, and nothing shows it or what is kept of it.
func TestPeopleSignIn(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	address, stop := started(t, "serve", "--data", data, "--listen", "127.0.0.1:0")
	at := []string{"--url", address, "--secret-file", filepath.Join(data, "operator-secret")}
	account := func(in string, args ...string) outcome {
		return varsel(in, append(append([]string{"account"}, args...), at...)...)
	}
	status := func(password string) int {
		t.Helper()
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		answer, err := client.PostForm(address+"/admin/sign-in", url.Values{"name": {"ida"}, "password": {password}})
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.StatusCode
	}

	account("", "set", "ida", "--role", "site-editor").want(t, exitFail, "/sites")
	account("", "set", "ida", "--role", "site-editor", "--site", "roads").want(t, exitFail, "no such site")
	account("", "set", "ida", "--role", "site-editor", "--site", "*", "--email", "ida@hub.example").want(t, exitDone, "sites    *", "ida@hub.example")
	account("", "password", "ida").want(t, exitFail, "no password on standard input")
	account("too short\n", "password", "ida").want(t, exitFail, "/password", "at least 12 characters")
	account("x\n", "password", "ida", "correct horse battery").want(t, exitUsage)
	account("correct horse battery\n", "password", "nobody").want(t, exitFail, "not-found")
	if got := status("correct horse battery"); got != http.StatusUnauthorized {
		t.Errorf("before it has a password: %d", got)
	}
	account("correct horse battery\n", "password", "ida").want(t, exitDone, "has a new password")
	if got := status("correct horse battery"); got != http.StatusSeeOther {
		t.Errorf("with the password: %d", got)
	}
	got := account("another horse battery\n", "password", "ida", "--json")
	if got.want(t, exitDone, `"hasPassword":true`); strings.Contains(got.out, "argon2") {
		t.Errorf("what is kept of it is shown: %s", got.out)
	}
	if got := status("correct horse battery"); got != http.StatusUnauthorized {
		t.Errorf("with the password before: %d", got)
	}
	account("", "show", "ida").want(t, exitDone, "a person can sign in")

	if said := stop(); strings.Contains(said, "horse") {
		t.Errorf("the log holds a password:\n%s", said)
	}
}
