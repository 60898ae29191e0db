package oracle

import "testing"

func TestNodeRunsTheScriptOnItsInput(t *testing.T) {
	t.Parallel()
	got := Node(t, `process.stdin.pipe(process.stdout)`, []byte("varsel"))
	if string(got) != "varsel" {
		t.Fatalf("got %q", got)
	}
}

func TestThePackagesAreThere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"standardwebhooks", "cloudevents", "oidc-provider"} {
		got := Node(t, `process.stdout.write(typeof require("`+name+`"))`, nil)
		if string(got) != "object" {
			t.Errorf("require(%q) gave a %s", name, got)
		}
	}
}

func TestServeReturnsTheFirstLineAndEndsWithTheTest(t *testing.T) {
	t.Parallel()
	got := Serve(t, `console.log("ready"); console.log("more"); process.stdin.on("end", () => process.exit()).resume()`)
	if got != "ready" {
		t.Fatalf("got %q", got)
	}
}
