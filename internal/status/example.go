package status

import "time"

// Example is a small site with an incident and an announcement: the sample of the events' types, which test messages
// carry.
func Example() *Board {
	at := At(time.Date(2026, 3, 2, 8, 15, 0, 0, time.UTC))
	site := &Site{
		Name: "example", ID: "exmp1e000000", Title: Text{"en": "Example"}, Zone: "Europe/Copenhagen", Languages: []string{"en", "da"},
		Sections: []Section{{Name: "services", Title: Text{"en": "Services"}, Components: []Component{{
			ID: "exmp1e000001", Title: Text{"en": "Search", "da": "Søgning"}, Description: Text{"en": "Finds cases."},
			Impact: Text{"en": "Cases are not found by their text."}, Created: at, Updated: at,
		}}}},
	}
	incident := &Notice{
		ID: "exmp1e000002", Site: "example", Kind: Incident, Title: Text{"en": "Search is slow", "da": "Søgning er langsom"},
		Created: at, Updated: at, Started: at, Components: []string{"exmp1e000001"}, Expected: at.Add(2 * time.Hour), NextUpdate: at.Add(time.Hour),
		Updates: []Update{{
			ID: "exmp1e000003", Stage: Investigating, Body: Text{"en": "We are looking into it.", "da": "Vi undersøger det."}, Created: at, Updated: at, Shown: at,
			Affected: []Affected{{Component: "exmp1e000001", Name: "Search", From: Operational, To: Degraded}},
		}},
	}
	incident.Settle()
	message := &Notice{
		ID: "exmp1e000004", Site: "example", Kind: Announcement, Title: Text{"en": "A new version of search"},
		Created: at.Add(-time.Hour), Updated: at.Add(-time.Hour), Started: at.Add(-time.Hour),
		Updates: []Update{{ID: "exmp1e000005", Stage: Published, Body: Text{"en": "It comes in May."}, Created: at.Add(-time.Hour), Updated: at.Add(-time.Hour), Shown: at.Add(-time.Hour)}},
	}
	message.Settle()
	changes := map[string][]*Change{"exmp1e000001": {{Component: "exmp1e000001", State: Degraded, At: at, Cause: ByNotice, Notice: incident.ID}}}
	return NewBoard(site, at, at, 1, changes, []*Notice{incident, message})
}
