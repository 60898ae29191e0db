package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varselhub/varsel/client"
)

// An account from its making to its end, by the command line alone.
func TestAccountsByTheCommandLine(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	address, stop := started(t, "serve", "--data", data, "--listen", "127.0.0.1:0")
	at := []string{"--url", address, "--secret-file", filepath.Join(data, "operator-secret")}
	account := func(args ...string) outcome {
		return varsel("", append(append([]string{"account"}, args...), at...)...)
	}

	account("show", "reader").want(t, exitFail, "not-found")
	account("set", "reader").want(t, exitFail, "/roles")
	account("set", "reader", "--role", "king").want(t, exitUsage, "--role")
	fingerprint := strings.Repeat("AB:", 31) + "ab"
	account("set", "reader", "--role", "auditor,operator", "--title", "A reader", "--certificate", "CN=reader,O=Example", "--certificate", fingerprint).
		want(t, exitDone, "roles        auditor, operator", "CN=reader,O=Example", strings.Repeat("ab", 32), "in use")
	account("set", "reader", "--role", "auditor", "--certificate", "").want(t, exitDone, "A reader", "roles    auditor\n")
	if got := account("show", "reader"); strings.Contains(got.out, "certificate") {
		t.Errorf("what was taken away is still there:\n%s", got.out)
	}
	account("list").want(t, exitDone, "operator", "reader    auditor   in use  A reader")

	printed := account("secret", "reader")
	printed.want(t, exitDone, "told this once")
	secret := strings.TrimSpace(printed.out)
	if _, err := client.Login(address, "reader", secret, nil)(t.Context()); err != nil {
		t.Errorf("the secret that was printed: %v", err)
	}
	file := filepath.Join(data, "reader-secret")
	account("secret", "nobody", "--out", file).want(t, exitFail, "not-found")
	account("secret", "reader", "--out", file, "--overlap", "0").want(t, exitDone, file)
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if _, err := client.Login(address, "reader", secret, nil)(t.Context()); err == nil {
		t.Error("the secret before is still taken")
	}
	account("secret", "reader", "--out", file).want(t, exitFail, "No secret was made")
	varsel("", "token", "--url", address, "--account", "reader", "--secret-file", file).want(t, exitDone)
	account("secret", "reader", "--overlap=-1s").want(t, exitUsage, "--overlap")

	var shown client.Account
	got := account("disable", "reader", "--json")
	got.want(t, exitDone)
	if err := json.Unmarshal([]byte(got.out), &shown); err != nil || !shown.Disabled || len(shown.Secrets) != 1 {
		t.Errorf("%+v %v", shown, err)
	}
	varsel("", "token", "--url", address, "--account", "reader", "--secret-file", file).want(t, exitFail, "does not accept the account")
	account("enable", "reader").want(t, exitDone, "in use")
	account("disable", "nobody").want(t, exitFail, "not-found")
	varsel("", "account", "set", "reader", "--role", "operator", "--url", address, "--account", "reader", "--secret-file", file).want(t, exitFail, "forbidden")
	if said := stop(); strings.Contains(said, strings.TrimSpace(string(kept))) || strings.Contains(said, secret) {
		t.Errorf("the log holds a secret:\n%s", said)
	}
}
