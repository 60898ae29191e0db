package monitor

import (
	"fmt"
	"strings"

	"github.com/varselhub/varsel/internal/status"
)

// Parts is how the hub's parts do at one moment.
type Parts struct {
	Unknown bool  // nothing else here is true
	Takes   bool  // the hub takes events and delivers them
	Behind  int64 // positions of the log that were not offered to consumers yet
	Systems map[string]System
	Sources map[string]Source
}

// System is how the endpoints of a receiving system do.
type System struct {
	Endpoints int // that were sent to
	Down      int // of them: those that do not answer, or reject everything
	Parked    int // lanes that wait for a person
	Retrying  int // lanes whose head is tried again
	Paused    bool
}

// Source is how a source of events does.
type Source struct {
	Stream  bool // it is read from a stream
	Reading bool // and that is being read
	Stopped bool // by its document
	Aside   int  // messages that could not be taken
}

// How far behind the hub may be, in events.
const (
	behind    = 10_000
	farBehind = 1_000_000
)

// Judge is the state of a part, as status.HubParts calls it, and why it is so.
func (p *Parts) Judge(part string) (status.State, status.Text) {
	kind, name, _ := strings.Cut(part, "/")
	switch {
	case p.Unknown:
		return status.NoData, nil
	case kind == "hub":
		if !p.Takes {
			return status.MajorOutage, notTaking
		}
		return status.Operational, nil
	case kind == "lag":
		return p.lag()
	case kind == "endpoint":
		system, known := p.Systems[name]
		if !known {
			return status.NoData, nil
		}
		return system.judge()
	case kind == "source":
		source, known := p.Sources[name]
		if !known {
			return status.NoData, nil
		}
		return source.judge(p.Takes)
	}
	return status.NoData, nil
}

func (p *Parts) lag() (status.State, status.Text) {
	reason := count(p.Behind, "%d events behind", "%d hændelser bagud", "%d événements de retard", "opóźnienie: %d zdarzeń")
	switch {
	case p.Behind > farBehind:
		return status.PartialOutage, reason
	case p.Behind > behind:
		return status.Degraded, reason
	}
	return status.Operational, nil
}

func (s System) judge() (status.State, status.Text) {
	switch {
	case s.Paused:
		return status.Maintenance, status.Text{"en": "Paused", "da": "Sat på pause", "fr": "En pause", "pl": "Wstrzymane"}
	case s.Down > 0 && s.Down == s.Endpoints:
		return status.MajorOutage, status.Text{"en": "It does not answer", "da": "Det svarer ikke", "fr": "Ne répond pas", "pl": "Nie odpowiada"}
	case s.Down > 0:
		reason := status.Text{}
		for language, form := range map[string]string{
			"en": "%d of %d endpoints do not answer", "da": "%d af %d endepunkter svarer ikke",
			"fr": "%d points d’accès sur %d ne répondent pas", "pl": "nie odpowiada %d z %d punktów",
		} {
			reason[language] = fmt.Sprintf(form, s.Down, s.Endpoints)
		}
		return status.PartialOutage, reason
	case s.Parked > 0:
		return status.Degraded, count(int64(s.Parked), "%d keys are parked", "%d nøgler er parkeret", "%d clés en attente", "wstrzymane klucze: %d")
	case s.Retrying > 0:
		return status.Degraded, status.Text{"en": "Some messages are tried again", "da": "Nogle beskeder prøves igen", "fr": "Certains messages sont renvoyés", "pl": "Część komunikatów jest ponawiana"}
	}
	return status.Operational, nil
}

func (s Source) judge(takes bool) (status.State, status.Text) {
	switch {
	case !takes:
		return status.MajorOutage, notTaking
	case s.Stopped:
		return status.Maintenance, status.Text{"en": "It is not read for now", "da": "Den læses ikke lige nu", "fr": "N’est pas lu pour le moment", "pl": "Chwilowo nie jest odczytywane"}
	case s.Stream && !s.Reading:
		return status.MajorOutage, status.Text{"en": "It cannot be read", "da": "Den kan ikke læses", "fr": "Ne peut pas être lu", "pl": "Nie można odczytać"}
	case s.Aside > 0:
		return status.Degraded, count(int64(s.Aside), "%d messages are set aside", "%d beskeder er lagt til side", "%d messages mis de côté", "odłożone komunikaty: %d")
	}
	return status.Operational, nil
}

var notTaking = status.Text{
	"en": "Events are not taken in at the moment", "da": "Hændelser modtages ikke lige nu",
	"fr": "Les événements ne sont pas acceptés pour le moment", "pl": "Zdarzenia nie są obecnie przyjmowane",
}

func count(n int64, en, da, fr, pl string) status.Text {
	text := status.Text{}
	for language, form := range map[string]string{"en": en, "da": da, "fr": fr, "pl": pl} {
		text[language] = fmt.Sprintf(form, n)
	}
	return text
}
