package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A hub as it is served asks who it is: commands show an account's secret, curl a token.
func TestCommandsShowWhoTheyAre(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	address, stop := started(t, "serve", "--data", data, "--listen", "127.0.0.1:0")
	file := filepath.Join(data, "operator-secret")
	secret, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	varsel(permit(0), "publish", "-", "--url", address).want(t, exitFail, "unauthenticated")
	varsel(permit(0), "publish", "-", "--url", address, "--secret-file", file).want(t, exitFail, "not-registered") // heard
	varsel("", "token", "--url", address, "--secret-file", file, "--account", "nobody").want(t, exitFail, "does not accept the account", "--account")
	varsel("", "token", "--url", address).want(t, exitFail, "VARSEL_SECRET")
	varsel(permit(0), "publish", "-", "--url", address, "--secret-file", file, "--account", "nobody").want(t, exitFail, "does not accept the account", "--account")
	token := varsel("", "token", "--url", address, "--secret-file", file)
	token.want(t, exitDone)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/api/v1/totals", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token.out))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the printed token: %s", answer.Status)
	}
	for path, want := range map[string]int{"/api/v1/openapi.json": 200, "/api/docs": 200, "/api/v1/totals": 401} { // shown nothing
		request.Header.Del("Authorization")
		request.URL.Path = path
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s for nobody: %d, want %d", path, answer.StatusCode, want)
		}
	}
	if said := stop(); strings.Contains(said, strings.TrimSpace(string(secret))) || !strings.Contains(said, "operator-secret") {
		t.Errorf("the log holds the secret, or does not say where it is:\n%s", said)
	}
}

// What is told once is told to a person, or to a file: not to a device that forgets it.
func TestNobodyWatchesTheNullDevice(t *testing.T) {
	t.Parallel()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if isTerminal(null) {
		t.Error("the operator's secret would go to /dev/null")
	}
}

func TestServeReadsIssuers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "varsel.yaml")
	for content, want := range map[string]string{
		"issuers: {":              "not YAML",
		"issuers: [{nmae: corp}]": "did you mean name?",
		"issuers: [{name: corp, url: 'http://idp.example', roles-claim: /roles}]":                              "must begin with https",
		"issuers: [{name: corp, url: 'https://idp.example', roles-claim: roles}]":                              "issuers[0].roles-claim",
		"issuers: [{name: corp, url: 'https://hub.example', roles-claim: /roles}]":                             "of the hub",
		"sign-in: {providers: [{name: corp, url: 'http://idp.example', client-id: hub, roles-claim: /roles}]}": "must begin with https",
		"sign-in: {providers: [{name: corp, url: 'https://idp.example', client-id: hub, roles-claim: roles}]}": "sign-in.providers[0].roles-claim",
		"sign-in: {providers: [{name: corp, url: 'https://idp.example', roles-claim: /roles}]}":                "sign-in.providers[0].client-id",
		"sign-in: {providers: [{nmae: corp}]}":                                                                 "did you mean name?",
		"issuers: [{name: c/p, url: 'https://idp.example', roles-claim: /roles}]":                              "issuers[0].name",
	} {
		if err := os.WriteFile(file, []byte(content+"\npublic-url: https://hub.example\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]string{{"config", "check"}, {"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}} {
			varsel("", append(command, "--config", file)...).want(t, exitFail, want)
		}
	}
}
