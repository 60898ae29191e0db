package main_test

import (
	"strings"
	"testing"
)

// At a terminal a password is asked for twice, and not shown while it is typed.
func TestAPasswordIsAskedFor(t *testing.T) {
	t.Parallel()
	p := newProcess(t, t.TempDir())
	p.start()
	p.must("PUT", "/api/v1/accounts/ida", object{"roles": []string{"auditor"}})
	asked := func(first, second, want string, set bool) {
		t.Helper()
		term := interactive(t, "varsel account password ida --url "+p.url)
		term.types("", "New password of ida: ")
		term.types(first+"\n", "The same again: ")
		term.types(second+"\n", want)
		term.mu.Lock()
		defer term.mu.Unlock()
		if said := term.said.String(); strings.Contains(said, first) || strings.Contains(said, second) {
			t.Errorf("what is typed is shown:\n%s", said)
		}
		if got := string(p.must("GET", "/api/v1/accounts/ida", nil)); strings.Contains(got, `"hasPassword":true`) != set || strings.Contains(got, "argon2") {
			t.Errorf("after it: %s", got)
		}
	}
	left := interactive(t, "varsel account password ida --url "+p.url)
	left.types("", "New password of ida: ")
	left.types("correct horse\x03", "Nothing was changed") // Ctrl-C
	asked("correct horse battery", "correct horse bettery", "are not the same", false)
	asked("correct horse battery", "correct horse battery", "has a new password", true)
}
