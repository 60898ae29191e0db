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
	for _, name := range []string{"standardwebhooks", "cloudevents"} {
		got := Node(t, `process.stdout.write(typeof require("`+name+`"))`, nil)
		if string(got) != "object" {
			t.Errorf("require(%q) gave a %s", name, got)
		}
	}
}
