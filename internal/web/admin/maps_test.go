package admin_test

import (
	"testing"

	"golang.org/x/net/html"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/register"
)

// F39: the first page leads those to the maps of registers who may see some, where there are registers.
func TestF39TheWayToTheMaps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	leads := func(name string) bool {
		for _, n := range w.as(name).get("/admin/").must(200).all(func(n *html.Node) bool { return n.Data == "a" }) {
			if attribute(n, "href") == "/registers" {
				return true
			}
		}
		return false
	}
	if leads("eva") {
		t.Error("it leads to maps of nothing")
	}
	_, err := w.Manager.PutSource(ctx, event.Source{Name: "land", URI: "urn:land", Title: "Land"}, manage.By{Author: "eva"})
	w.Must(err)
	_, err = w.Manager.PutRegister(ctx, register.Register{Name: "land", Source: "land", Types: []register.EntityType{{
		Name: "Thing", Row: "id", Object: []string{"id"}, Columns: []register.Column{{Name: "id", Required: true}},
	}}}, manage.By{Author: "eva"})
	w.Must(err)
	for name, want := range map[string]bool{"eva": true, "pia": true, "uwe": false, "ida": false} {
		if leads(name) != want {
			t.Errorf("%s: %v, want %v", name, !want, want)
		}
	}
}
