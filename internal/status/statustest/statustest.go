// Package statustest has sites to look at: the stories that pages, feeds, the read API and webhooks are tested and drawn
// from. They are the same on every machine and every day: ids and times are given.
package statustest

import (
	"fmt"
	"time"

	"github.com/varselhub/varsel/internal/status"
)

// Now is when every story is looked at: a Wednesday, 14:30 in Copenhagen.
var Now = status.At(time.Date(2026, 3, 4, 13, 30, 0, 0, time.UTC))

// Ago is so long before Now.
func Ago(d time.Duration) status.Time { return Now.Add(-d) }

// In is so long after Now.
func In(d time.Duration) status.Time { return Now.Add(d) }

const day = 24 * time.Hour

// ID makes a readable id of the right form: ID("notice", 3) is "notice000003".
func ID(word string, n int) string {
	digits := fmt.Sprintf("%012d", n)
	return word + digits[len(word):]
}

// World is a site on its way to a board.
type World struct {
	Site    status.Site
	Changes map[string][]*status.Change
	Notices []*status.Notice
	updates int
}

// New is a site with two sections, CRM and ERP: groups, eight components, everything operational for a hundred days.
func New() *World {
	w := &World{Changes: map[string][]*status.Change{}}
	n := 0
	component := func(symbol string, title, description, impact status.Text) status.Component {
		n++
		return status.Component{ID: ID("comp", n), Title: title, Description: description, Impact: impact, Symbol: symbol, Created: Ago(200 * day), Updated: Ago(100 * day)}
	}
	text := func(en, da, fr, pl string) status.Text { return status.Text{"en": en, "da": da, "fr": fr, "pl": pl} }
	w.Site = status.Site{
		Name: "prod", ID: ID("page", 1), Title: text("Example services", "Eksempeltjenester", "Services d’exemple", "Usługi przykładowe"),
		Description: text("The state of our services, what is planned and what you need to do.", "Tjenesternes tilstand, hvad der er planlagt, og hvad du skal gøre.",
			"L’état de nos services, ce qui est planifié et ce que vous devez faire.", "Stan naszych usług, plany i to, co należy zrobić."),
		Zone: "Europe/Copenhagen", Languages: []string{"en", "da", "fr", "pl"}, Environment: "PROD", SupportURL: "https://support.example/",
		Sections: []status.Section{
			{
				Name: "crm", Title: text("CRM", "CRM", "CRM", "CRM"), Description: text("Customers and contracts", "Kunder og aftaler", "Clients et contrats", "Klienci i umowy"),
				Components: []status.Component{
					component("web", text("Back Office", "Back Office", "Back Office", "Back Office"),
						text("The user interface of the CRM.", "CRM-systemets brugerflade.", "Représente l’interface utilisateur CRM.", "Interfejs użytkownika CRM."),
						text("Users cannot work in the CRM.", "Brugerne kan ikke arbejde i CRM.", "Les utilisateurs ne peuvent plus interagir avec la CRM directement.", "Użytkownicy nie mogą pracować w CRM.")),
				},
				Groups: []status.Group{{
					ID: ID("group", 1), Title: text("Data", "Data", "Données", "Dane"),
					Components: []status.Component{
						component("database", text("Production databases", "Produktionsdatabaser", "Bases de données de production", "Bazy produkcyjne"), nil, nil),
						component("api", text("OData service", "OData-tjeneste", "Service OData", "Usługa OData"), nil,
							text("Programs that read by OData get no data.", "Programmer, der læser med OData, får ingen data.", "Problèmes d’accès aux données pour les applications utilisant OData.", "Programy korzystające z OData nie otrzymują danych.")),
						component("search", text("Global search", "Global søgning", "Recherche globale", "Wyszukiwanie globalne"), nil, nil),
					},
				}},
			},
			{
				Name: "erp", Title: text("ERP", "ERP", "ERP", "ERP"),
				Components: []status.Component{
					component("people", text("Sign-in", "Login", "Authentification", "Logowanie"), nil, nil),
					component("clock", text("Scheduled jobs", "Planlagte job", "Traitements planifiés", "Zadania planowane"), nil, nil),
				},
				Groups: []status.Group{{
					ID: ID("group", 2), Title: text("Integrations", "Integrationer", "Intégrations", "Integracje"),
					Components: []status.Component{
						component("api", text("SOAP services", "SOAP-tjenester", "Web services SOAP", "Usługi SOAP"), nil, nil),
						component("file", text("File transfer", "Filoverførsel", "Transfert de fichiers", "Transfer plików"), nil, nil),
					},
				}},
			},
		},
	}
	w.Site.Sections[1].Components[1].StartDate = "2026-02-01"
	w.Site.Sections[1].Groups[0].Components[1].OnlyIfDegraded = true
	w.Site.Each(func(_ *status.Section, _ *status.Group, c *status.Component) {
		w.Set(c.ID, status.Operational, Ago(100*day), nil, status.ByHand, "")
	})
	return w
}

// Set changes a component's state.
func (w *World) Set(component string, s status.State, at status.Time, reason status.Text, cause status.Cause, notice string) {
	w.Changes[component] = append(w.Changes[component], &status.Change{Component: component, State: s, At: at, Reason: reason, Cause: cause, Notice: notice})
}

// Board is the site as it stands at Now.
func (w *World) Board() *status.Board {
	w.Site.Prepare()
	updated := Ago(100 * day)
	for _, list := range w.Changes {
		for _, ch := range list {
			updated = max(updated, ch.At)
		}
	}
	for _, n := range w.Notices {
		updated = max(updated, n.Updated)
	}
	return status.NewBoard(&w.Site, Ago(200*day), updated, 42, w.Changes, w.Notices)
}

// Add puts a notice on the site. Its updates are given ids, and what they say of components is set.
func (w *World) Add(n *status.Notice) *status.Notice {
	n.Site, n.ID = w.Site.Name, ID("notice", len(w.Notices)+1)
	before := w.Board()
	for i := range n.Updates {
		u := &n.Updates[i]
		w.updates++
		u.ID, u.Updated, u.Shown = ID("update", w.updates), u.Created, u.Created
		for j := range u.Affected {
			a := &u.Affected[j]
			standing := w.Board().Component(a.Component)
			a.Name, a.From = before.FullName(standing), standing.State
			w.Set(a.Component, a.To, u.Created, nil, status.ByNotice, n.ID)
		}
		n.Updated = u.Created
	}
	n.Created = n.Updates[0].Created
	if n.Started == 0 {
		n.Started = n.Created
	}
	n.Settle()
	w.Notices = append(w.Notices, n)
	return n
}

func update(stage status.Stage, at status.Time, en, da, fr, pl string, affected ...status.Affected) status.Update {
	body := status.Text{}
	for language, text := range map[string]string{"en": en, "da": da, "fr": fr, "pl": pl} {
		if text != "" {
			body[language] = text
		}
	}
	return status.Update{Stage: stage, Body: body, Created: at, Affected: affected}
}

func sets(component string, to status.State) status.Affected {
	return status.Affected{Component: component, To: to}
}

// Story is one state of a site that a person should look at.
type Story struct {
	Name  string
	What  string
	World *World
}

// Stories are the states a page is drawn in.
func Stories() []Story {
	return []Story{
		{"well", "Everything is operational and nothing is planned", New()},
		{"busy", "All at once: an incident, a maintenance in progress and one planned, an action, an announcement, a bulletin, a past", Busy()},
		{"out", "Everything is out", Out()},
		{"degraded", "One data centre of two: a reason without an incident", Degraded()},
		{"unknown", "Of one component nothing is known", Unknown()},
		{"empty", "A site without components, in one language", Empty()},
		{"large", "Five hundred components", Large(500)},
		{"hostile", "Texts that would be code, and words without a space", Hostile()},
	}
}

// Busy is a site on which everything happens.
func Busy() *World {
	w := New()
	w.Site.Weights = &status.Weights{Degraded: 0.1, Partial: 0.3, Major: 1}
	// The past.
	w.Add(&status.Notice{
		Kind: status.Incident, Title: status.Text{"en": "Sign-in was refused", "da": "Login blev afvist", "fr": "Connexions refusées", "pl": "Odmowa logowania"}, Components: []string{ID("comp", 5)},
		Updates: []status.Update{
			update(status.Investigating, Ago(20*day), "Users are refused.", "Brugere bliver afvist.", "Les utilisateurs sont refusés.", "Użytkownicy są odrzucani.", sets(ID("comp", 5), status.MajorOutage)),
			update(status.Identified, Ago(20*day-30*time.Minute), "A certificate has run out.", "Et certifikat er udløbet.", "Un certificat a expiré.", "Wygasł certyfikat."),
			update(status.Monitoring, Ago(20*day-time.Hour), "It is renewed.", "Det er fornyet.", "Il est renouvelé.", "Został odnowiony.", sets(ID("comp", 5), status.Operational)),
			update(status.Resolved, Ago(20*day-2*time.Hour), "Everyone can sign in.", "Alle kan logge ind.", "Tout le monde peut se connecter.", "Wszyscy mogą się zalogować."),
		},
	})
	n := w.Notices[0]
	n.Postmortem = &status.Account{Body: status.Text{"en": "The certificate was not in the list of those that are watched. It is now."}, Published: Ago(18 * day), Updated: Ago(18 * day)}
	n.Updates = append(n.Updates, update(status.Postmortem, Ago(18*day), "The certificate was not in the list of those that are watched. It is now.", "", "", ""))
	n.Updates[4].ID, n.Updates[4].Updated, n.Updates[4].Shown, n.Updated = ID("update", 900), Ago(18*day), Ago(18*day), Ago(18*day)
	n.Settle()
	w.Add(&status.Notice{
		Kind: status.Planned, Title: status.Text{"en": "Monthly update", "da": "Månedlig opdatering"}, Components: []string{ID("comp", 7)}, Starts: Ago(10 * day), Ends: Ago(10*day - 2*time.Hour),
		Updates: []status.Update{
			update(status.Scheduled, Ago(15*day), "We update.", "Vi opdaterer.", "", ""),
			update(status.InProgress, Ago(10*day), "It has begun.", "Den er begyndt.", "", "", sets(ID("comp", 7), status.Maintenance)),
			update(status.Completed, Ago(10*day-2*time.Hour), "It is done.", "Den er færdig.", "", "", sets(ID("comp", 7), status.Operational)),
		},
	})
	// Now.
	open := w.Add(&status.Notice{
		Kind: status.Incident, Title: status.Text{"en": "Search is slow", "da": "Søgning er langsom", "fr": "La recherche est lente", "pl": "Wyszukiwanie działa wolno"},
		Components: []string{ID("comp", 3), ID("comp", 4)}, Started: Ago(70 * time.Minute), Expected: In(90 * time.Minute), NextUpdate: In(20 * time.Minute),
		Updates: []status.Update{
			update(status.Investigating, Ago(time.Hour), "Searches take up to a minute. We are looking into it.", "Søgninger tager op til et minut. Vi undersøger det.",
				"Les recherches prennent jusqu’à une minute. Nous enquêtons.", "Wyszukiwanie trwa do minuty. Badamy sprawę.", sets(ID("comp", 4), status.Degraded)),
			update(status.Identified, Ago(25*time.Minute), "An index is being built anew.\nUntil then, search by number.", "Et indeks bliver bygget op på ny.", "", "",
				sets(ID("comp", 3), status.PartialOutage)),
		},
	})
	open.Updates[0].Earlier = []status.Wording{{Text: status.Text{"en": "Searches are slow."}, Until: Ago(50 * time.Minute)}}
	w.Add(&status.Notice{
		Kind: status.Planned, Title: status.Text{"en": "Moving files to new storage", "da": "Flytning af filer", "fr": "Migration du stockage", "pl": "Przenoszenie plików"}, Components: []string{ID("comp", 8)},
		Starts: Ago(30 * time.Minute), Ends: In(2 * time.Hour),
		Updates: []status.Update{
			update(status.Scheduled, Ago(5*day), "Files are moved.", "Filer bliver flyttet.", "Les fichiers sont déplacés.", "Pliki są przenoszone."),
			update(status.InProgress, Ago(30*time.Minute), "It has begun.", "Den er begyndt.", "Elle a commencé.", "Rozpoczęto.", sets(ID("comp", 8), status.Maintenance)),
		},
	})
	w.Add(&status.Notice{
		Kind: status.Planned, Title: status.Text{"en": "Database upgrade", "da": "Opgradering af database", "fr": "Mise à niveau de la base", "pl": "Aktualizacja bazy danych"}, Components: []string{ID("comp", 2)},
		Starts: In(3 * day), Ends: In(3*day + 3*time.Hour), Repeat: &status.Repeat{Every: "month"},
		Updates: []status.Update{update(status.Scheduled, Ago(2*day), "The CRM is read-only meanwhile.", "CRM kan kun læses imens.", "La CRM est en lecture seule.", "CRM będzie tylko do odczytu.")},
	})
	w.Add(&status.Notice{
		Kind: status.Action, Title: status.Text{"en": "Change the address of the OData service", "da": "Skift adressen på OData-tjenesten", "fr": "Changez l’adresse du service OData", "pl": "Zmień adres usługi OData"},
		Components: []string{ID("comp", 3)}, Deadline: In(12 * day), Audience: status.Text{"en": "Integrators", "da": "Integratorer", "fr": "Intégrateurs", "pl": "Integratorzy"},
		Acknowledged: []status.Acknowledgement{{By: "jobnet", At: Ago(day)}},
		Updates:      []status.Update{update(status.Published, Ago(3*day), "The old address ends. Use the new one.", "Den gamle adresse lukker. Brug den nye.", "L’ancienne adresse s’arrête.", "Stary adres przestanie działać.")},
	})
	w.Add(&status.Notice{
		Kind: status.Announcement, Title: status.Text{"en": "Version 9 comes in April", "da": "Version 9 kommer i april", "fr": "La version 9 arrive en avril", "pl": "Wersja 9 w kwietniu"}, Sections: []string{"crm"},
		Updates: []status.Update{update(status.Published, Ago(4*day), "What is new.", "Hvad der er nyt.", "Les nouveautés.", "Nowości.")},
	})
	w.Add(&status.Notice{
		Kind: status.Bulletin, Title: status.Text{"en": "Support is closed on Friday", "da": "Support holder lukket fredag", "fr": "Le support est fermé vendredi", "pl": "W piątek wsparcie nieczynne"},
		Updates: []status.Update{update(status.Published, Ago(6*time.Hour), "Write to us on Monday.", "Skriv til os mandag.", "Écrivez-nous lundi.", "Napisz do nas w poniedziałek.")},
	})
	return w
}

// Out is a site that is out.
func Out() *World {
	w := New()
	all := []status.Affected{}
	ids := []string{}
	w.Site.Each(func(_ *status.Section, _ *status.Group, c *status.Component) {
		all, ids = append(all, sets(c.ID, status.MajorOutage)), append(ids, c.ID)
	})
	w.Add(&status.Notice{
		Kind: status.Incident, Title: status.Text{"en": "Nothing can be reached", "da": "Intet kan nås", "fr": "Rien n’est accessible", "pl": "Nic nie działa"}, Components: ids, NextUpdate: Ago(5 * time.Minute),
		Updates: []status.Update{update(status.Investigating, Ago(35*time.Minute), "The data centre has no power.", "Datacentret har ingen strøm.", "Le centre de données n’a plus d’électricité.", "Centrum danych nie ma zasilania.", all...)},
	})
	return w
}

// Degraded is C17: one data centre of two, with nothing lost to users.
func Degraded() *World {
	w := New()
	w.Set(ID("comp", 1), status.Degraded, Ago(40*time.Minute), status.Text{"en": "1 of 2 data centres", "da": "1 af 2 datacentre", "fr": "1 centre de données sur 2", "pl": "1 z 2 centrów danych"}, status.ByMonitor, "")
	return w
}

// Unknown is a site one component of which nobody knows about.
func Unknown() *World {
	w := New()
	w.Set(ID("comp", 6), status.NoData, Ago(2*time.Hour), nil, status.ByMonitor, "")
	delete(w.Changes, ID("comp", 7))
	return w
}

// Empty has a section and nothing in it.
func Empty() *World {
	return &World{Changes: map[string][]*status.Change{}, Site: status.Site{
		Name: "empty", ID: ID("page", 2), Title: status.Text{"en": "Empty"}, Zone: "Etc/UTC", Languages: []string{"en"},
		Sections: []status.Section{{Name: "all", Title: status.Text{"en": "All"}}},
	}}
}

// Large has so many components, in groups of twenty-five.
func Large(n int) *World {
	w := New()
	section := status.Section{Name: "all", Title: status.Text{"en": "Regions"}}
	for i := range n {
		if i%25 == 0 {
			section.Groups = append(section.Groups, status.Group{ID: ID("group", 100+i), Title: status.Text{"en": fmt.Sprintf("Region %d", i/25+1)}})
		}
		g := &section.Groups[len(section.Groups)-1]
		c := status.Component{ID: ID("many", i), Title: status.Text{"en": fmt.Sprintf("Server %d", i+1)}, Created: Ago(200 * day), Updated: Ago(100 * day)}
		g.Components = append(g.Components, c)
		w.Set(c.ID, status.Operational, Ago(100*day), nil, status.ByHand, "")
	}
	w.Site.Sections = []status.Section{section}
	w.Set(ID("many", 7), status.PartialOutage, Ago(time.Hour), nil, status.ByMonitor, "")
	return w
}

// Hostile is a site whose texts try to be more than text.
func Hostile() *World {
	w := New()
	const evil = `<script>alert(1)</script>"'&<b>]]> {{.}} https://evil.example/`
	long := "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
	c := &w.Site.Sections[0].Components[0]
	c.Title, c.Description, c.Impact = status.Text{"en": evil}, status.Text{"en": evil + long}, status.Text{"en": evil}
	w.Site.Sections[0].Groups[0].Title = status.Text{"en": long}
	w.Add(&status.Notice{
		Kind: status.Incident, Title: status.Text{"en": evil}, Components: []string{c.ID},
		Updates: []status.Update{update(status.Investigating, Ago(time.Hour), evil+"\n\n"+long, "", "", "", sets(c.ID, status.Degraded))},
	})
	return w
}
