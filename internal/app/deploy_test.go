package app_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/config"
	"github.com/varselhub/varsel/internal/oracle"
)

const deploy = "../../deploy"

func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deploy, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func put(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func accept(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), oracle.Program(t, program), args...).CombinedOutput(); err != nil {
		t.Errorf("%s %v: %v\n%s", program, args, err, out)
	}
}

// exposure is the most that systemd-analyze may find, in tenths: the unit says the figure too.
const exposure = "11"

func TestSystemdFindsNoFaultInTheUnit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unit := put(t, filepath.Join(dir, "varsel.service"), strings.ReplaceAll(deployed(t, "systemd/varsel.service"), "/usr/local/bin/varsel", "/bin/true"))
	accept(t, "systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit)
	accept(t, "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold="+exposure, unit)
	for _, more := range []string{"postgresql.conf", "ports.conf"} {
		put(t, filepath.Join(unit+".d", more), deployed(t, "systemd/"+more))
	}
	accept(t, "systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit)
}

var (
	variable = regexp.MustCompile(`\bVARSEL_[A-Z_]+`)
	ofNode   = regexp.MustCompile(`(VARSEL_NODE_(?:NAME|URL)): (\S+)`)
)

func TestWhatIsDeployedNamesSettings(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"systemd/varsel.service", "systemd/postgresql.conf", "container/Containerfile", "compose.yaml"} {
		for _, name := range variable.FindAllString(deployed(t, file), -1) {
			if !strings.Contains(string(page), "`"+name+"`") {
				t.Errorf("%s sets %s, which is no setting", file, name)
			}
		}
	}
}

// prepared is deploy/compose with what `prepare` makes.
func prepared(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script := put(t, filepath.Join(dir, "prepare"), deployed(t, "compose/prepare"))
	oracle.Program(t, "openssl")
	accept(t, "sh", script, "hub.example")
	return filepath.Join(dir, "own")
}

func TestTheNodesOfTheComposeFileAreConfigured(t *testing.T) {
	t.Parallel()
	own := prepared(t)
	environment := ofNode.FindAllStringSubmatch(deployed(t, "compose.yaml"), -1)
	for node := range slices.Chunk(environment, 2) {
		name := node[0][2]
		text := strings.NewReplacer(
			"/etc/varsel/nodes-ca.crt", own+"/nodes-ca.crt", "/etc/varsel/node.crt", own+"/"+name+".crt",
			"/run/secrets/node.key", own+"/"+name+".key", "/run/secrets/store-password", own+"/store-password",
		).Replace(deployed(t, "compose/varsel.yaml"))
		settings, err := config.Load(config.Input{
			File: put(t, filepath.Join(t.TempDir(), "varsel.yaml"), text),
			Env:  []string{node[0][1] + "=" + node[0][2], node[1][1] + "=" + node[1][2]},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := app.Check(&settings.Config); err != nil {
			t.Error(err)
		}
		if settings.Node.Name != name || settings.Node.URL.Hostname() != name || settings.StorePassword.Text() == "" {
			t.Errorf("%s is %+v", name, settings.Node)
		}
	}
	if len(environment) != 4 {
		t.Errorf("%d settings of two nodes", len(environment))
	}
}

func TestHAProxyFindsNoFaultInItsFile(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(deployed(t, "compose/haproxy.cfg"), "/usr/local/etc/haproxy", prepared(t))
	accept(t, "haproxy", "-c", "-f", put(t, filepath.Join(t.TempDir(), "haproxy.cfg"), text))
}
