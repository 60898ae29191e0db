package status_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
)

// TestDerivedIDsNeverChange: receivers know things by them, so what they are made of and how is for ever.
func TestDerivedIDsNeverChange(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		status.SectionID("page00000001", "crm"):     "37siur62l8pj",
		status.SectionID("page00000001", "erp"):     "odcy00i3731c",
		status.SiteID("page00000001"):               "uqj57bkfu0qm",
		status.HubID("https://status.example"):      "jey4zsru6r40",
		status.HubID("https://status.example:8443"): "",
	} {
		if !status.IsID(got) || want != "" && got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		word := rapid.StringMatching(`[a-z-]{0,12}`)
		a, b, c, d := word.Draw(r, "site"), word.Draw(r, "section"), word.Draw(r, "other site"), word.Draw(r, "other section")
		if same := status.SectionID(a, b) == status.SectionID(c, d); same != (a == c && b == d) {
			r.Fatalf("%q/%q and %q/%q", a, b, c, d)
		}
		if status.SectionID(a, b) == status.SiteID(a) {
			r.Fatal("a section is its site")
		}
	})
}

// TestComponentsAreToldInTheirGroup is what events say of the two levels (reference 2.8), also where the group is a section.
func TestComponentsAreToldInTheirGroup(t *testing.T) {
	t.Parallel()
	several := statustest.New()
	delete(several.Changes, statustest.ID("comp", 2))
	one := statustest.New()
	one.Site.Sections = one.Site.Sections[1:]
	for _, c := range []struct {
		world           *statustest.World
		component       int
		id, name, whole string
		position        int
	}{
		{several, 1, status.SectionID(statustest.ID("page", 1), "crm"), "CRM", "CRM - Back Office", 1},
		{several, 2, statustest.ID("group", 1), "CRM – Data", "CRM – Data - Production databases", 0},
		{several, 3, statustest.ID("group", 1), "CRM – Data", "CRM – Data - OData service", 1},
		{one, 6, "", "", "Scheduled jobs", 2},
		{one, 8, statustest.ID("group", 2), "Integrations", "Integrations - File transfer", 2},
	} {
		board := c.world.Board()
		s := board.Component(statustest.ID("comp", c.component))
		as := board.As(s)
		if as.Group != c.id || as.GroupName != c.name || board.FullName(s) != c.whole || as.Position != c.position {
			t.Errorf("%q %q %q at %d; want %q %q %q at %d", as.Group, as.GroupName, board.FullName(s), as.Position, c.id, c.name, c.whole, c.position)
		}
	}
}

// TestMillis: Z is UTC's alone (reference 2.1).
func TestMillis(t *testing.T) {
	t.Parallel()
	at := status.At(time.Date(2026, 1, 2, 3, 4, 5, 678_999_000, time.UTC))
	for zone, want := range map[string]string{
		"Etc/UTC": "2026-01-02T03:04:05.678Z", "UTC": "2026-01-02T03:04:05.678Z", "Europe/London": "2026-01-02T03:04:05.678+00:00",
		"Africa/Abidjan": "2026-01-02T03:04:05.678+00:00", "America/St_Johns": "2026-01-01T23:34:05.678-03:30",
	} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := status.Millis(at, loc); got != want {
			t.Errorf("%s: %s, want %s", zone, got, want)
		}
	}
}
