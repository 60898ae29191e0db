package config_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/config"
	"github.com/varselhub/varsel/internal/fault"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

// written puts a configuration file into a folder of the test's, as varsel.yaml.
func written(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "varsel.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func loaded(t *testing.T, in config.Input) *config.Loaded {
	t.Helper()
	l, err := config.Load(in)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// violations loads what must not hold and returns each violation as "where: message".
func violations(t *testing.T, in config.Input) []string {
	t.Helper()
	_, err := config.Load(in)
	var f *fault.Fault
	if !errors.As(err, &f) || f.Code != fault.Configuration {
		t.Fatalf("want a fault of configuration, got %v", err)
	}
	var list []string
	for _, v := range f.Violations {
		list = append(list, strings.TrimPrefix(v.Pointer, filepath.Dir(in.File)+"/")+": "+v.Message)
	}
	return list
}

// A flag wins over the environment, that over the file, that over the default.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := written(t, "environment: FILE\nin-flight: 7\nsmtp:\n  port: 26\nallow-egress: [10.0.0.0/8, 192.168.0.0/16]\n")
	env := []string{"VARSEL_ENVIRONMENT=ENV", "VARSEL_SMTP_PORT=27", "VARSEL_ALLOW_EGRESS=127.0.0.0/8", "VARSEL_PORT=tcp://x", "PATH=/"}
	flags := &config.Config{Environment: "FLAG", InFlight: 1}
	for _, c := range []struct {
		name        string
		in          config.Input
		environment string
		inFlight    int
		port        int
		egress      int
	}{
		{"default", config.Input{}, "T1", 4096, 587, 0},
		{"file", config.Input{File: file}, "FILE", 7, 26, 2},
		{"environment", config.Input{File: file, Env: env}, "ENV", 7, 27, 1},
		{"flag", config.Input{File: file, Env: env, Flags: flags, Given: []string{"environment"}}, "FLAG", 7, 27, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := loaded(t, c.in)
			if l.Environment != c.environment || l.InFlight != c.inFlight || l.SMTP.Port != c.port || len(l.AllowEgress) != c.egress {
				t.Errorf("got %s %d %d %v", l.Environment, l.InFlight, l.SMTP.Port, l.AllowEgress)
			}
		})
	}
}

func TestKindsAreReadByTheSettingNotByYAML(t *testing.T) {
	t.Parallel()
	l := loaded(t, config.Input{File: written(t, "environment: NO\noperator: \"0123@x.example\"\nmax-event: 256KiB\ngrace: 90s\nzone: UTC\negress-proxy: http://user@proxy.example:3128\n")})
	if l.Environment != "NO" || l.MaxEvent != 256<<10 || l.Grace != 90*time.Second || l.Zone.String() != "UTC" || l.EgressProxy.Hostname() != "proxy.example" {
		t.Errorf("%+v", l.Config)
	}
}

func TestAListenerHasDefaultsOfItsOwn(t *testing.T) {
	t.Parallel()
	l := loaded(t, config.Input{File: written(t, "listeners:\n  - address: 127.0.0.1:0\n    faces: [api]\n  - address: '[::1]:0'\n    faces: [operate]\n    idle-timeout: 1m\n")})
	first, second := l.Listeners[0], l.Listeners[1]
	if first.MaxConnections != 10000 || first.MaxHeader != 64<<10 || first.Client.Certificate != "none" || first.IdleTimeout != 2*time.Minute || second.IdleTimeout != time.Minute {
		t.Errorf("%+v\n%+v", first, second)
	}
}

// Everything that is wrong is said at once, with where it stands and what was probably meant.
func TestEveryViolationIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	file := written(t, `enviroment: PROD
in-flight: many
in-flight: 3
grace: 10
smtp:
  hots: mail.example
  tls: perhaps
listeners:
  - adress: 127.0.0.1:8080
    faces: [api, page]
    client:
      certificate: required
  - faces: [api]
    address: 127.0.0.1:8081
    names: ["hub:8081"]
    certificates: [{chain: a.crt}]
    trusted-proxies: [10.0.0.1]
zone: &z UTC
`)
	got := violations(t, config.Input{File: file, Env: []string{"VARSEL_MAX_EVENT=big", "VARSEL_OPERATOR=nobody"}})
	want := []string{
		"varsel.yaml:1 enviroment: there is no such setting; did you mean environment?",
		"varsel.yaml:2 in-flight: is not a whole number",
		"varsel.yaml:3 in-flight: stands there twice",
		"varsel.yaml:4 grace: is not a time; write it as 500ms, 10s or 2m",
		"varsel.yaml:6 smtp.hots: there is no such setting; did you mean host?",
		"varsel.yaml:7 smtp.tls: must be one of starttls, implicit, none",
		"varsel.yaml:9 listeners[0].adress: there is no such setting; did you mean address?",
		"varsel.yaml:10 listeners[0].faces: must be one of api, now, sites, admin, pull, operate, node",
		"varsel.yaml:17 listeners[1].trusted-proxies: is not a range of addresses; write it as 10.1.0.0/16 or 2001:db8::/32",
		"VARSEL_MAX_EVENT: is not a size; write it as 512, 64KiB, 1MiB or 2GiB",
		"VARSEL_OPERATOR: is not a bare mail address",
		"varsel.yaml:9 listeners[0].address: must be host and port, such as 127.0.0.1:8080",
		"varsel.yaml:9 listeners[0].faces: say what is answered: api, now, sites, admin, pull, operate, node",
		"varsel.yaml:9 listeners[0].client.ca: goes with client.certificate optional or required: give both or neither",
		"varsel.yaml:12 listeners[0].client.certificate: needs certificates of its own, or trusted-proxies that pass the client's on",
		"varsel.yaml:15 listeners[1].names: must be host names or addresses without a port",
		"varsel.yaml:16 listeners[1].certificates[0]: name both chain and key",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestOneRuleAtATime(t *testing.T) {
	t.Parallel()
	const listener = "listeners:\n  - address: 127.0.0.1:1\n    faces: [api]\n"
	for name, c := range map[string]struct{ file, want string }{
		"open to everyone":          {"listen: 0.0.0.0:80", "by plain HTTP"},
		"every address":             {"listen: ':80'", "by plain HTTP"},
		"metrics open to everyone":  {"operate-listen: 192.0.2.1:9090", "by plain HTTP"},
		"a listener in the clear":   {"listeners:\n  - address: 10.0.0.1:80\n    faces: [api]\n", "by plain HTTP"},
		"everyone may do all":       {"no-access: true\nlisten: 0.0.0.0:80", "no-access is for this machine alone"},
		"all, by TLS":               {"no-access: true\nlisteners:\n  - address: 10.0.0.1:443\n    faces: [api]\n    certificates: [{chain: a, key: b}]\n", "no-access is for this machine alone"},
		"all, behind a proxy":       {"no-access: true\n" + listener + "    trusted-proxies: [127.0.0.1/32]\n", "no-access is for this machine alone"},
		"all, by another name":      {"no-access: true\n" + listener + "    names: [localhost, hub.example]\n", "no-access is for this machine alone"},
		"a public URL with a query": {"public-url: https://hub.example?a=b", "without user, query"},
		"a public URL by mail":      {"public-url: mailto://hub.example", "of the form https://"},
		"nothing allowed":           {"rate-limit: 0", "must be 1 or more"},
		"a role that is none":       {"issuers: [{name: corp, roles: [{value: a, role: root}]}]", "must be one of operator"},
		"a role of nothing":         {"issuers: [{name: corp, roles: [{role: operator}]}]", "name a value of the claim"},
		"two meanings":              {"issuers: [{name: corp, roles: [{value: a, role: operator}, {value: a, role: auditor}]}]", "stands there twice"},
		"an algorithm that is none": {"issuers: [{name: corp, algorithms: [none]}]", "must be one of RS256"},
		"a provider's role of none": {"sign-in: {providers: [{name: corp, roles: [{value: a, role: root}]}]}", "must be one of operator"},
		"a provider's two meanings": {"sign-in: {providers: [{name: corp, roles: [{value: a, role: operator}, {value: a, role: auditor}]}]}", "stands there twice"},
		"a provider like another":   {"issuers: [{name: corp, url: 'https://a'}]\nsign-in: {providers: [{name: corp, url: 'https://b'}]}", "is the name of another in issuers"},
		"a provider without secret": {"sign-in: {providers: [{name: corp, client-secret-file: /nowhere/secret}]}", "cannot be read: no such file"},
		"no port":                   {"listen: 127.0.0.1", "must be host and port"},
		"listen and listeners":      {"listen: 127.0.0.1:2\n" + listener, "give one of the two"},
		"nodes with certificates":   {"listeners:\n  - address: 127.0.0.1:1\n    faces: [node]\n    certificates: [{chain: a, key: b}]\n    client: {certificate: required, ca: c}\n", "must not be required where node is answered"},
		"certificates of nobody":    {"listeners:\n  - address: 127.0.0.1:1\n    faces: [pull]\n    pull: sensitive\n", "needs client.certificate optional or required"},
		"a fourth kind":             {"listeners:\n  - address: 127.0.0.1:1\n    faces: [pull]\n    pull: any\n", "must be one of password, certificate, sensitive"},
		"the same address twice":    {listener + "  - address: 127.0.0.1:1\n    faces: [now]\n", "another listener has it"},
		"TLS and proxies":           {listener + "    certificates: [{chain: a, key: b}]\n    trusted-proxies: [10.0.0.0/8]\n", "ends TLS itself, or"},
		"an authority for nobody":   {listener + "    client: {ca: a.crt}\n", "give both or neither"},
		"a password in a URL":       {"egress-proxy: http://u:secret@proxy:1", "holds a password"},
		"a password in a database":  {"store: postgres://u:secret@db:1/hub", "holds a password"},
		"a password of many hosts":  {"store: 'postgres://u:secret@one:1,other:2/hub'", "holds a password"},
		"a password in a query":     {"store: postgres://u@db/hub?password=secret@", "holds a password"},
		"a database of another":     {"store: mysql://db/hub", "must begin with postgres://"},
		"a database nowhere":        {"store: varsel", "is not an absolute URL"},
		"a port that is none":       {"store: 'postgres://one:5432,other:secret@/hub'", "holds a password"},
		"a port that is no number":  {"store: 'postgres://one:5432,other:port/hub'", "is not a database's URL"},
		"a host that is none":       {"store: 'postgres://one:5432,/hub'", "is not a database's URL"},
		"a proxy by https":          {"egress-proxy: https://proxy:1", "of the form http://host:port"},
		"spans by another way":      {"traces: grpc://collector:4317", "must begin with http"},
		"a password for nobody":     {"egress-proxy-password-file: " + os.DevNull, "needs a user"},
		"a user without a password": {"smtp: {host: m, from: a@b.example, user: u}", "give both or neither"},
		"a sender that is none":     {"smtp: {host: m}", "is not a mail address in ASCII"},
		"a password in the clear":   {"smtp: {host: m, from: a@b.example, user: u, tls: none, password-file: " + os.DevNull + "}", "must not be none"},
		"a secret that is not read": {"smtp: {password-file: /nowhere/secret}", "cannot be read: no such file"},
		"an empty secret":           {"smtp: {password-file: " + os.DevNull + "}", "its file is empty"},
		"a list of one":             {"listeners: 127.0.0.1:80", "must be a list"},
		"a mapping of none":         {"smtp: mail.example", "must be a mapping"},
		"a value of many":           {"data: [a, b]", "must be a plain value"},
		"an alias":                  {"data: &d x\nenvironment: *d", "anchors and aliases"},
		"two documents":             {"data: x\n---\ndata: y", "one YAML document"},
		"no YAML":                   {"data: [", "is not YAML"},
		"a size beyond reason":      {"max-event: 99999999999999999999", "is not a size"},
		"a size that overflows":     {"max-event: 9223372036854775807GiB", "is not a size"},
		"the machine's own zone":    {"zone: Local", "is not a time zone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(violations(t, config.Input{File: written(t, c.file)}), "\n")
			if !strings.Contains(got, c.want) {
				t.Errorf("does not say %q:\n%s", c.want, got)
			}
			if strings.Contains(got, "secret@") {
				t.Errorf("repeats a secret:\n%s", got)
			}
		})
	}
}

func TestAFileThatIsNotThereIsRefusedAndAnEmptyOneIsNot(t *testing.T) {
	t.Parallel()
	if got := violations(t, config.Input{File: "/nowhere/varsel.yaml"}); !strings.Contains(got[0], "no such file") {
		t.Error(got)
	}
	loaded(t, config.Input{File: written(t, "")})
	loaded(t, config.Input{File: written(t, "# nothing\nlisteners:\nsmtp:\n")})
}

// What is shown names where each value came from, and no secret.
func TestShowSaysWhereValuesCameFromAndNoSecret(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := written(t, "smtp:\n  host: mail.example\n  from: a@b.example\n  user: u\n  password-file: "+secret+"\nlisteners:\n  - address: 127.0.0.1:0\n    faces: [api]\n")
	l := loaded(t, config.Input{File: file, Env: []string{"VARSEL_ENVIRONMENT=PROD"}, Flags: &config.Config{AllowHTTP: true}, Given: []string{"allow-http"}})
	if l.SMTP.Password.Text() != "hunter2" {
		t.Errorf("the password was read as %q", l.SMTP.Password.Text())
	}
	var shown bytes.Buffer
	if err := l.Show(&shown); err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.Lines(shown.String()) {
		words := strings.Fields(line)
		lines[words[0]] = words[len(words)-1]
	}
	for path, want := range map[string]string{
		"environment": "VARSEL_ENVIRONMENT", "allow-http": "--allow-http", "smtp.host": file + ":2", "smtp.port": "default",
		"listeners[0].address": file + ":7", "listeners[0].max-header": "default",
	} {
		if lines[path] != want {
			t.Errorf("%s comes from %q, want %q", path, lines[path], want)
		}
	}
	if strings.Contains(shown.String(), "hunter2") || !strings.Contains(shown.String(), secret) {
		t.Errorf("want the file of the secret and not the secret:\n%s", shown.String())
	}
}

// docs/configuration.md is made of the struct, and its example can be used.
func TestThePageIsMadeOfTheCode(t *testing.T) {
	t.Parallel()
	const page = "../../docs/configuration.md"
	var text bytes.Buffer
	if err := config.Docs(&text); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(page, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil || !bytes.Equal(got, text.Bytes()) {
		t.Errorf("docs/configuration.md is not what the code says (%v); run make docs", err)
	}
	_, example, _ := strings.Cut(text.String(), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	secret := filepath.Join(t.TempDir(), "smtp-password")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := loaded(t, config.Input{File: written(t, strings.Replace(example, "/etc/varsel/smtp-password", secret, 1))})
	if len(l.Listeners) != 2 || len(l.Issuers) != 1 || len(l.Issuers[0].Algorithms) != 1 {
		t.Errorf("the example has %d listeners, issuers %+v", len(l.Listeners), l.Issuers)
	}
}

// FuzzLoad: no file makes the hub do anything but take it or refuse it, and none reaches beyond its own settings.
func FuzzLoad(f *testing.F) {
	f.Add("data: x\nlisteners:\n  - address: 127.0.0.1:0\n    faces: [api]\n")
	f.Add("smtp: {host: m, from: a@b.example}\n---\n")
	f.Add("? [a]\n: b\n<<: {data: x}\nzone: !!binary aGVq\n")
	file := filepath.Join(f.TempDir(), "varsel.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := config.Load(config.Input{File: file})
		if err != nil && !fault.Has(err, fault.Configuration) {
			t.Fatal(err)
		}
		if err == nil {
			if err := l.Show(&bytes.Buffer{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
