package account_test

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestSecretsAreTakenUntilTheyEnd(t *testing.T) {
	t.Parallel()
	fresh, text := account.NewSecret()
	old, oldText := account.NewSecret()
	old.Until = noon.Add(time.Hour).Format(time.RFC3339Nano)
	a := &account.Account{Name: "a", Secrets: []account.Secret{fresh, old}}
	disabled := &account.Account{Name: "a", Disabled: true, Secrets: a.Secrets}
	for name, c := range map[string]struct {
		account *account.Account
		text    string
		at      time.Time
		want    string
	}{
		"the newest":                {a, text, noon, fresh.ID},
		"the one before, in time":   {a, oldText, noon.Add(time.Hour - 1), old.ID},
		"the one before, too late":  {a, oldText, noon.Add(time.Hour), ""},
		"another":                   {a, oldText + "x", noon, ""},
		"none":                      {a, "", noon, ""},
		"its hash":                  {a, fresh.SHA256, noon, ""},
		"a disabled account's":      {disabled, text, noon, ""},
		"nobody's":                  {nil, text, noon, ""},
		"an account without secret": {&account.Account{Name: "b"}, "", noon, ""},
	} {
		got, ok := account.Authenticate(c.account, c.text, c.at)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q %v, want %q", name, got, ok, c.want)
		}
	}
	if !a.Holds(old.ID, noon) || a.Holds(old.ID, noon.Add(time.Hour)) || a.Holds("", noon) {
		t.Error("what was given for a secret is good as long as the secret")
	}
	if len(text) < 43 || text == oldText || !strings.HasPrefix(text, "varsel_") || strings.Contains(fresh.SHA256, text) {
		t.Errorf("a secret of %d characters", len(text))
	}
}

func TestAccountsAreRefusedWhole(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0a", 32)
	for name, c := range map[string]struct {
		account account.Account
		want    string
	}{
		"an operator":         {account.Account{Name: "a", Roles: []account.Role{"operator"}}, ""},
		"a subscriber":        {account.Account{Name: "a", Roles: []account.Role{"subscriber"}, Systems: []string{"s"}}, ""},
		"no role":             {account.Account{Name: "a"}, "/roles required"},
		"an unknown role":     {account.Account{Name: "a", Roles: []account.Role{"root"}}, "/roles/0 enum"},
		"an issuer's name":    {account.Account{Name: "corp/eva", Roles: []account.Role{"auditor"}}, "/name slug"},
		"of nothing":          {account.Account{Name: "a", Roles: []account.Role{"subscriber", "source"}}, "/systems required; /sources required"},
		"an editor":           {account.Account{Name: "a", Roles: []account.Role{"site-editor"}, Sites: []string{"roads", "*"}, Email: "a@b.example"}, ""},
		"an editor of none":   {account.Account{Name: "a", Roles: []account.Role{"site-editor"}}, "/sites required"},
		"no editor":           {account.Account{Name: "a", Roles: []account.Role{"operator"}, Sites: []string{"*"}}, "/sites role"},
		"sites that are none": {account.Account{Name: "a", Roles: []account.Role{"site-editor"}, Sites: []string{"roads", "Roads", "roads", "**"}}, "/sites/2 unique; /sites/1 slug; /sites/3 slug"},
		"no address":          {account.Account{Name: "a", Roles: []account.Role{"auditor"}, Email: "A <a@b.example>"}, "/email mail"},
		"a long address":      {account.Account{Name: "a", Roles: []account.Role{"auditor"}, Email: "a@" + strings.Repeat("b", 253)}, "/email mail"},
		"without the role":    {account.Account{Name: "a", Roles: []account.Role{"auditor"}, Systems: []string{"s"}, Sources: []string{"s"}}, "/systems role; /sources role"},
		"twice":               {account.Account{Name: "a", Roles: []account.Role{"source"}, Sources: []string{"s", "s"}}, "/sources/1 unique"},
		"a certificate":       {account.Account{Name: "a", Roles: []account.Role{"auditor"}, Certificates: []account.Certificate{{SHA256: hash}, {Subject: "CN=a"}}}, ""},
		"a certificate, both": {account.Account{Name: "a", Roles: []account.Role{"auditor"}, Certificates: []account.Certificate{{SHA256: hash, Subject: "CN=a"}, {}}}, "/certificates/0 one; /certificates/1 one"},
		"a fingerprint":       {account.Account{Name: "a", Roles: []account.Role{"auditor"}, Certificates: []account.Certificate{{SHA256: strings.ToUpper(hash)}}}, "/certificates/0/sha256 hex"},
	} {
		var rules []string
		for _, v := range c.account.Check() {
			rules = append(rules, v.Pointer+" "+v.Rule)
		}
		if got := strings.Join(rules, "; "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// RFC 6750 section 3.
func TestChallenges(t *testing.T) {
	t.Parallel()
	for code, want := range map[fault.Code]string{
		fault.Unauthenticated: `Bearer realm="varsel"`,
		fault.InvalidToken:    `Bearer realm="varsel", error="invalid_token", error_description="its time is over"`,
		fault.Forbidden:       `Bearer realm="varsel", error="insufficient_scope"`,
		fault.ReadOnly:        "",
	} {
		if got := account.Challenge(code, "its \"time\\\" is over\r\n"); got != want {
			t.Errorf("%s: %s", code, got)
		}
	}
}

// F43: the keys that an account fetches extracts with are public, current, and nothing but keys.
func TestF43WhichSSHKeysAreTaken(t *testing.T) {
	t.Parallel()
	const good = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8Hx0t1rCSJjAFLlcjgNcrNRCbcLgrBTXD8zZ2sS2cL map@example"
	public := func(key any) string {
		signer, err := ssh.NewPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return string(ssh.MarshalAuthorizedKey(signer))
	}
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key   string
		taken bool
	}{
		"ed25519":           {good, true},
		"with options":      {`command="id" ` + good, false},
		"two in one":        {good + "\n" + good, false},
		"RSA of 2048 bits":  {public(&small.PublicKey), false},
		"a private key":     {"-----BEGIN OPENSSH PRIVATE KEY-----", false},
		"nothing":           {"", false},
		"more than a key":   {good + strings.Repeat("x", 1000), false},
		"of another format": {"ssh-rsa AAAA", false},
	} {
		a := account.Account{Name: "a", Roles: []account.Role{account.Auditor}, SSHKeys: []string{c.key}}
		found := a.Check()
		if c.taken != (len(found) == 0) || !c.taken && found[0].Pointer != "/sshKeys/0" {
			t.Errorf("%s: %v", name, found)
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(good))
		if err != nil {
			t.Fatal(err)
		}
		if a.ShowsKey(key.Marshal()) != c.taken {
			t.Errorf("%s: shown or not, it is not as it is taken", name)
		}
	}
}
