package signature_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/varselhub/varsel/internal/signature"
)

// bodies are what the hub really sends: JSON, Danish letters, XML and nothing.
var bodies = []string{
	`{"test": 2432232314}`,
	`{"name":"Grøndahl","emoji":"🏠"}`,
	`<?xml version="1.0" encoding="UTF-8"?><Hændelse>Åbakke</Hændelse>`,
	``,
}

// signed is one message as a receiver gets it.
type signed struct {
	ID, Timestamp, Signature, Body string
}

func sign(t *testing.T, id, body string, keys ...string) signed {
	t.Helper()
	unix := time.Now().Unix()
	header := signer(t, keys...).AppendHeader(nil, id, unix, []byte(body))
	return signed{ID: id, Timestamp: strconv.FormatInt(unix, 10), Signature: string(header), Body: body}
}

func TestOfficialGoLibraryAgrees(t *testing.T) {
	t.Parallel()
	older, newer := signature.NewSecret(), signature.NewSecret()
	private, _ := signature.NewKeyPair()
	for _, secret := range []string{older, newer} {
		official, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		for i, body := range bodies {
			m := sign(t, fmt.Sprintf("msg_%d", i), body, newer, older, private)
			headers := http.Header{}
			headers.Set(signature.HeaderID, m.ID)
			headers.Set(signature.HeaderTimestamp, m.Timestamp)
			headers.Set(signature.HeaderSignature, m.Signature)
			if err := official.Verify([]byte(body), headers); err != nil {
				t.Errorf("the official library refuses %q: %v", body, err)
			}
			now := time.Now()
			theirs, err := official.Sign(m.ID, now, []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			v := verifier(t, now, secret)
			if err := v.Verify(m.ID, strconv.FormatInt(now.Unix(), 10), theirs, []byte(body)); err != nil {
				t.Errorf("we refuse what the official library signed for %q: %v", body, err)
			}
		}
	}
}

// The npm library parses the body as JSON after a good signature unless told not to.
const npmScript = `
const { Webhook } = require("standardwebhooks");
const { secret, messages } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const webhook = new Webhook(secret);
for (const m of messages) {
  webhook.verify(m.Body, {"webhook-id": m.ID, "webhook-timestamp": m.Timestamp, "webhook-signature": m.Signature}, { jsonParse: false });
  try {
    webhook.verify(m.Body + " ", {"webhook-id": m.ID, "webhook-timestamp": m.Timestamp, "webhook-signature": m.Signature}, { jsonParse: false });
    throw "a changed body passed";
  } catch (e) { if (e === "a changed body passed") throw new Error(e); }
}
console.log("verified", messages.length);
`

func TestNpmLibraryAgrees(t *testing.T) {
	t.Parallel()
	dir := npmPackage(t, "standardwebhooks", "1.1.1")
	older, newer := signature.NewSecret(), signature.NewSecret()
	for _, secret := range []string{older, newer} {
		var messages []signed
		for i, body := range bodies {
			messages = append(messages, sign(t, fmt.Sprintf("msg_%d", i), body, newer, older))
		}
		input, _ := json.Marshal(map[string]any{"secret": secret, "messages": messages})
		cmd := exec.Command("node", "-e", npmScript)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(string(input))
		out, err := cmd.CombinedOutput()
		if want := fmt.Sprintf("verified %d\n", len(bodies)); err != nil || string(out) != want {
			t.Errorf("npm standardwebhooks: %v, %s", err, out)
		}
	}
}

// npmPackage installs one package into the user's cache and returns the folder it can be required from.
func npmPackage(t *testing.T, name, version string) string {
	t.Helper()
	need(t, "npm")
	need(t, "node")
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "varsel-test", name+"-"+version)
	if _, err := os.Stat(filepath.Join(dir, "node_modules", name, "package.json")); err == nil {
		return dir
	}
	// Installed aside and renamed, so that an interrupted run leaves no half of a package behind.
	fresh := t.TempDir()
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("npm", "install", "--prefix", fresh, "--no-audit", "--no-fund", "--ignore-scripts", name+"@"+version)
	if out, err := cmd.CombinedOutput(); err != nil {
		missing(t, fmt.Sprintf("npm cannot install %s@%s: %v\n%s", name, version, err, out))
	}
	if err := os.Rename(fresh, dir); err != nil {
		return fresh // another file system, or another run was first
	}
	return dir
}

func TestOpensslVerifiesV1a(t *testing.T) {
	t.Parallel()
	need(t, "openssl")
	private, public := signature.NewKeyPair()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(public, "whpk_"))
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(raw))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "public.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	for i, body := range bodies {
		m := sign(t, fmt.Sprintf("msg_%d", i), body, private)
		sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Signature, "v1a,"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, "signature", sum)
		write(t, dir, "content", []byte(m.ID+"."+m.Timestamp+"."+body))
		if out, err := opensslVerify(dir); err != nil {
			t.Errorf("openssl refuses %q: %v, %s", body, err, out)
		}
		write(t, dir, "content", []byte(m.ID+"."+m.Timestamp+"."+body+"x"))
		if _, err := opensslVerify(dir); err == nil {
			t.Errorf("openssl passes a changed body: this test cannot fail")
		}
	}
}

func opensslVerify(dir string) ([]byte, error) {
	cmd := exec.Command("openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "public.pem", "-in", "content", "-sigfile", "signature")
	cmd.Dir = dir
	return cmd.CombinedOutput()
}

func write(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		missing(t, program+" is not installed")
	}
}

// missing skips loudly at a desk and fails where it must run.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip("SKIPPED, the oracle was not asked: " + why)
}
