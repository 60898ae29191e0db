package admin_test

import (
	"net/http"
	"testing"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.slow()
	b := w.as("ida")
	for _, path := range []string{
		"/admin/", "/admin/prod", "/admin/prod/notices", "/admin/prod/notices/new", "/admin/prod/notices/new?kind=incident", "/admin/prod/notices/new?kind=maintenance",
		"/admin/prod/notices/new?kind=action", "/admin/prod/notices/new?kind=announcement", "/admin/prod/notices/new?kind=bulletin",
		"/admin/prod/notices/" + n.ID, "/admin/prod/notices/" + n.ID + "/facts", "/admin/prod/notices/" + n.ID + "/remove", "/admin/prod/notices/" + n.ID + "/history",
		"/admin/prod/notices/" + n.ID + "/updates/" + n.Last().ID, "/admin/prod/states/" + search, "/admin/prod/components", "/admin/prod/components/section/crm",
		"/admin/prod/components/group/" + dataGroup, "/admin/prod/components/component/" + search, "/admin/prod/components/component/" + search + "/remove",
		"/admin/prod/components/component/new?in=crm", "/admin/prod/looks", "/admin/prod/history",
	} {
		p := b.get(path)
		if p.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, p.status, p.words())
		}
	}
	w.as("eva").get("/admin/new").must(200)
	t.Log(b.get("/admin/prod/notices/" + n.ID).words())
}
