package demo

import (
	"context"
	"encoding/json"
	"time"

	"github.com/varselhub/varsel/examples/sites"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// putSites puts two status sites up, /prod and /demo: the same services, each with a past of a hundred days, a degraded
// component with its reason, an open incident and a planned maintenance. On /demo a maintenance begins a minute from now,
// and ends two minutes later, by itself.
func putSites(ctx context.Context, manager *manage.Manager, now time.Time) error {
	prod, err := newPast("prod", now)
	if err != nil {
		return err
	}
	prod.production()
	demo, err := newPast("demo", now)
	if err != nil {
		return err
	}
	demo.trial()
	for _, p := range []*past{prod, demo} {
		if _, err := manager.ImportSite(ctx, p.Site.Name, p.Imported, manage.By{Author: "demo"}); err != nil {
			return err
		}
	}
	return nil
}

// past is a site with what has happened on it.
type past struct {
	manage.Imported
	now status.Time
}

const day = 24 * time.Hour

// newPast is the example site under a name, every component operational for a hundred days.
func newPast(name string, now time.Time) (*past, error) {
	p := &past{now: status.At(now)}
	if err := json.Unmarshal(sites.CRMAndERP, &p.Site); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the example site cannot be read")
	}
	p.Site.Name, p.Site.Languages = name, []string{"en", "da", "fr", "pl"}
	p.Site.Each(func(_ *status.Section, _ *status.Group, c *status.Component) {
		c.ID = status.NewID()
		p.Changes = append(p.Changes, status.Change{Component: c.ID, State: status.Operational, At: p.ago(100 * day), Cause: status.ByImport})
	})
	return p, nil
}

func (p *past) ago(d time.Duration) status.Time { return p.now.Add(-d) }

// component finds a component by its section and English title.
func (p *past) component(section, title string) (id string) {
	p.Site.Each(func(s *status.Section, _ *status.Group, c *status.Component) {
		if s.Name == section && c.Title["en"] == title {
			id = c.ID
		}
	})
	return id
}

// was says that a component was in a state for a time.
func (p *past) was(id string, s status.State, since, lasted time.Duration) {
	p.Changes = append(p.Changes,
		status.Change{Component: id, State: s, At: p.ago(since), Cause: status.ByImport},
		status.Change{Component: id, State: status.Operational, At: p.ago(since).Add(lasted), Cause: status.ByImport})
}

// said is one update: when, at which stage, in four languages, and what it says of one component; "" of none.
type said struct {
	at        status.Time
	stage     status.Stage
	body      status.Text
	component string
	from, to  status.State
	earlier   status.Text
}

// notice puts a notice on the site with what was said in it.
func (p *past) notice(n status.Notice, updates ...said) {
	n.ID, n.Site = status.NewID(), p.Site.Name
	for _, u := range updates {
		update := status.Update{ID: status.NewID(), Stage: u.stage, Body: u.body, Created: u.at, Updated: u.at, Shown: u.at}
		if u.component != "" {
			update.Affected = []status.Affected{{Component: u.component, Name: p.Site.Component(u.component).Title["en"], From: u.from, To: u.to}}
			p.Changes = append(p.Changes, status.Change{Component: u.component, State: u.to, At: u.at, Cause: status.ByNotice, Notice: n.ID})
		}
		if u.earlier != nil {
			update.Earlier = []status.Wording{{Text: u.earlier, Until: u.at.Add(4 * time.Minute)}}
			update.Updated = u.at.Add(4 * time.Minute)
		}
		n.Updates = append(n.Updates, update)
		n.Updated = max(n.Updated, update.Updated)
	}
	n.Created = n.Updates[0].Created
	if n.Started == 0 {
		n.Started = n.Created
	}
	n.Settle()
	p.Notices = append(p.Notices, n)
}

func words(en, da, fr, pl string) status.Text {
	return status.Text{"en": en, "da": da, "fr": fr, "pl": pl}
}

// production is what has happened, and happens, on /prod.
func (p *past) production() {
	odata, search, login := p.component("crm", "OData service"), p.component("crm", "Global search"), p.component("erp", "User authentication")
	soap, files, database := p.component("erp", "SOAP web services"), p.component("erp", "File transfer"), p.component("crm", "Production databases")
	p.was(odata, status.PartialOutage, 61*day, 47*time.Minute)
	p.was(soap, status.Degraded, 33*day, 5*time.Hour)
	p.was(files, status.MajorOutage, 75*day, 18*time.Minute)
	p.was(p.component("crm", "Mobile synchronisation"), status.Degraded, 9*day, 90*time.Minute)
	p.Changes = append(p.Changes, status.Change{
		Component: odata, State: status.Degraded, At: p.ago(3 * time.Hour), Cause: status.ByMonitor,
		Reason: words("1 of 2 data centres", "1 af 2 datacentre", "1 centre de données sur 2", "1 z 2 centrów danych"),
	})
	p.notice(status.Notice{
		Kind: status.Incident, Title: words("Users were refused when signing in", "Brugere blev afvist ved login", "Connexions refusées", "Odmowa logowania"), Components: []string{login},
		Postmortem: &status.Account{Body: words("A certificate had run out. It was not in the list of those that are watched; it is now.",
			"Et certifikat var udløbet. Det var ikke på listen over dem, der overvåges; det er det nu.",
			"Un certificat avait expiré. Il n’était pas dans la liste des certificats surveillés ; il l’est désormais.",
			"Wygasł certyfikat. Nie było go na liście monitorowanych; teraz już jest."), Published: p.ago(18 * day), Updated: p.ago(18 * day)},
	},
		said{at: p.ago(20 * day), stage: status.Investigating, component: login, from: status.Operational, to: status.MajorOutage,
			body: words("Users are refused when they sign in. We are looking into it.", "Brugere bliver afvist, når de logger ind. Vi undersøger det.", "Les utilisateurs sont refusés à la connexion. Nous enquêtons.", "Użytkownicy nie mogą się zalogować. Badamy sprawę.")},
		said{at: p.ago(20*day - 35*time.Minute), stage: status.Monitoring, component: login, from: status.MajorOutage, to: status.Operational,
			body: words("A certificate had run out. It is renewed.", "Et certifikat var udløbet. Det er fornyet.", "Un certificat avait expiré. Il est renouvelé.", "Wygasł certyfikat. Został odnowiony.")},
		said{at: p.ago(20*day - 2*time.Hour), stage: status.Resolved, body: words("Everyone can sign in.", "Alle kan logge ind.", "Tout le monde peut se connecter.", "Wszyscy mogą się zalogować.")})
	p.notice(status.Notice{
		Kind: status.Planned, Title: words("Monthly update", "Månedlig opdatering", "Mise à jour mensuelle", "Miesięczna aktualizacja"), Components: []string{files}, Starts: p.ago(10 * day), Ends: p.ago(10*day - 2*time.Hour),
	},
		said{at: p.ago(15 * day), stage: status.Scheduled, body: words("Servers are updated. File transfers wait meanwhile.", "Servere opdateres. Filoverførsler venter imens.", "Les serveurs sont mis à jour. Les transferts attendent.", "Aktualizacja serwerów. Transfer plików czeka.")},
		said{at: p.ago(10 * day), stage: status.InProgress, component: files, from: status.Operational, to: status.Maintenance, body: status.Standard(status.InProgress)},
		said{at: p.ago(10*day - 2*time.Hour), stage: status.Completed, component: files, from: status.Maintenance, to: status.Operational, body: status.Standard(status.Completed)})
	p.notice(status.Notice{
		Kind: status.Incident, Title: words("Search is slow", "Søgning er langsom", "La recherche est lente", "Wyszukiwanie działa wolno"), Components: []string{search},
		Started: p.ago(65 * time.Minute), Expected: p.now.Add(90 * time.Minute), NextUpdate: p.now.Add(25 * time.Minute),
	},
		said{at: p.ago(55 * time.Minute), stage: status.Investigating, component: search, from: status.Operational, to: status.Degraded,
			body:    words("Searches take up to a minute. We are looking into it.", "Søgninger tager op til et minut. Vi undersøger det.", "Les recherches prennent jusqu’à une minute. Nous enquêtons.", "Wyszukiwanie trwa do minuty. Badamy sprawę."),
			earlier: words("Searches are slow.", "Søgninger er langsomme.", "Les recherches sont lentes.", "Wyszukiwanie jest wolne.")},
		said{at: p.ago(20 * time.Minute), stage: status.Identified, component: search, from: status.Degraded, to: status.PartialOutage,
			body: words("An index is being built anew. Until then, search by number.", "Et indeks bygges op på ny. Søg på nummer indtil da.", "Un index est en cours de reconstruction. En attendant, cherchez par numéro.", "Trwa odbudowa indeksu. Do tego czasu szukaj według numeru.")})
	p.plan(3*day+8*time.Hour, 3*time.Hour, database, &status.Repeat{Every: "month"},
		words("Upgrade of the production database", "Opgradering af produktionsdatabasen", "Mise à niveau de la base de production", "Aktualizacja produkcyjnej bazy danych"),
		words("The CRM is read-only meanwhile.", "CRM kan kun læses imens.", "La CRM est en lecture seule pendant ce temps.", "W tym czasie CRM jest tylko do odczytu."))
	p.notice(status.Notice{
		Kind: status.Action, Title: words("Change the address of the OData service", "Skift adressen på OData-tjenesten", "Changez l’adresse du service OData", "Zmień adres usługi OData"), Components: []string{odata},
		Deadline: p.now.Add(12 * day), Audience: words("Integrators", "Integratorer", "Intégrateurs", "Integratorzy"),
	}, said{at: p.ago(3 * day), stage: status.Published, body: words("The old address ends. Use https://odata.example/v2 from now on.", "Den gamle adresse lukker. Brug https://odata.example/v2 fra nu af.", "L’ancienne adresse s’arrête. Utilisez https://odata.example/v2.", "Stary adres przestanie działać. Używaj https://odata.example/v2.")})
	p.notice(status.Notice{
		Kind: status.Announcement, Title: words("Version 9 comes in spring", "Version 9 kommer til foråret", "La version 9 arrive au printemps", "Wersja 9 wiosną"), Sections: []string{"crm"},
	}, said{at: p.ago(4 * day), stage: status.Published, body: words("Lists open faster, and searches find parts of words.", "Lister åbner hurtigere, og søgninger finder dele af ord.", "Les listes s’ouvrent plus vite et la recherche trouve des parties de mots.", "Listy otwierają się szybciej, a wyszukiwanie znajduje części słów.")})
	p.notice(status.Notice{
		Kind: status.Bulletin, Title: words("Support is closed on Friday", "Support holder lukket fredag", "Le support est fermé vendredi", "W piątek wsparcie nieczynne"),
	}, said{at: p.ago(6 * time.Hour), stage: status.Published, body: words("Write to us again on Monday.", "Skriv til os igen mandag.", "Écrivez-nous à nouveau lundi.", "Napisz do nas w poniedziałek.")})
}

// trial is what has happened, and happens, on /demo.
func (p *past) trial() {
	p.Site.Environment, p.Site.Subscribe = "DEMO", false
	p.Site.Title = words("Status of the demonstration environment", "Driftsstatus for demomiljøet", "État de l’environnement de démonstration", "Stan środowiska demonstracyjnego")
	backend, database, web := p.component("crm", "Backend service"), p.component("crm", "Other databases"), p.component("erp", "Client access (web)")
	p.was(web, status.MajorOutage, 22*day, 6*time.Hour)
	p.Changes = append(p.Changes, status.Change{
		Component: backend, State: status.Degraded, At: p.ago(26 * time.Hour), Cause: status.ByMonitor,
		Reason: words("Runs with half of its memory", "Kører med halv hukommelse", "Fonctionne avec la moitié de sa mémoire", "Działa z połową pamięci"),
	})
	p.notice(status.Notice{
		Kind: status.Incident, Title: words("Demonstration data is of yesterday", "Demodata er fra i går", "Les données de démonstration datent d’hier", "Dane demonstracyjne są z wczoraj"), Components: []string{database},
	}, said{at: p.ago(5 * time.Hour), stage: status.Identified, component: database, from: status.Operational, to: status.Degraded,
		body: words("Tonight’s copy failed. It is made again.", "Nattens kopi mislykkedes. Den laves igen.", "La copie de cette nuit a échoué. Elle est refaite.", "Nocna kopia się nie powiodła. Jest wykonywana ponownie.")})
	p.plan(time.Minute, 2*time.Minute, web, nil,
		words("A short restart, to watch", "En kort genstart at se på", "Un court redémarrage, à observer", "Krótki restart na pokaz"),
		words("It begins and ends by itself.", "Den begynder og slutter af sig selv.", "Elle commence et finit d’elle-même.", "Zaczyna się i kończy sama."))
	p.plan(2*day, time.Hour, backend, &status.Repeat{Every: "week"},
		words("Weekly restart", "Ugentlig genstart", "Redémarrage hebdomadaire", "Cotygodniowy restart"),
		words("The demonstration is away for a moment.", "Demoen er væk et øjeblik.", "La démonstration s’absente un moment.", "Środowisko będzie chwilę niedostępne."))
}

// plan puts a maintenance on the site that begins so long from now.
func (p *past) plan(from, lasts time.Duration, component string, repeat *status.Repeat, title, body status.Text) {
	starts := p.now.Add(from)
	p.notice(status.Notice{
		Kind: status.Planned, Title: title, Components: []string{component}, Starts: starts, Ends: starts.Add(lasts), Repeat: repeat,
	}, said{at: p.ago(2 * day), stage: status.Scheduled, body: body})
}
