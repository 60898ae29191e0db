package filter

import (
	"strings"
	"sync"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/geo"
	"github.com/varselhub/varsel/internal/grunddata"
)

// Facts are what filters look at of one event: made once, kept with it, and asked by every subscription.
type Facts struct {
	message  grunddata.Filtreringsdata
	places   []place                      // of the registrations, by number
	related  []*grunddata.RelateretObjekt // at least one, so that a message without any is looked at too
	crowded  bool                         // more pairs of registration and related object than are looked at one by one
	elements []*element                   // the registrations
}

type element struct {
	*grunddata.Objektregistrering
	place *place
}

// place is where a registration's object is. Its geometry is read when the first filter asks for it.
type place struct {
	text     string // WKT
	code     string // of the municipality that is referred to
	once     sync.Once
	geometry geo.Geometry
	known    bool
}

// mostPairs bounds what one filter costs. A message with more of them is told nobody too few: a condition on related
// objects then holds when any of them fulfils it.
const mostPairs = 10_000

// Of makes the facts of an event under its version. An event that is no Hændelsesbesked, cannot be read as one or is
// forgotten has none: it fulfils no filter.
func Of(version *event.Compiled, e *event.Event) *Facts {
	if version == nil || e.Forgotten || len(e.Data) == 0 || !version.MapsBesked() {
		return &Facts{}
	}
	m, err := grunddata.FromEvent(version, e)
	if err != nil {
		return &Facts{}
	}
	return From(&m.Beskedkuvert.Filtreringsdata)
}

// From makes the facts of what a message is filtered by.
func From(message *grunddata.Filtreringsdata) *Facts {
	f := &Facts{message: *message}
	registrations := f.message.Objektregistrering
	f.places = make([]place, len(registrations))
	for i := range registrations {
		if s := registrations[i].Stedbestemmelse; s != nil {
			f.places[i].text, f.places[i].code = s.Geometri, municipalityIn(s.Reference)
		}
		f.elements = append(f.elements, &element{&registrations[i], &f.places[i]})
	}
	for i := range f.message.RelateretObjekt {
		f.related = append(f.related, &f.message.RelateretObjekt[i])
	}
	if len(f.related) == 0 {
		f.related = []*grunddata.RelateretObjekt{{}}
	}
	f.crowded = len(f.elements)*len(f.related) > mostPairs
	return f
}

// shape is the geometry of a place; known is false where there is none that can be read.
func (p *place) shape() (shape geo.Geometry, known bool) {
	p.once.Do(func() {
		if p.text == "" {
			return
		}
		var err error
		p.geometry, err = read(p.text)
		p.known = err == nil
	})
	return p.geometry, p.known
}

// municipalityIn is the code of the municipality that a reference names, as in http://data.gov.dk/dagi/kommune#0706, or
// the bare code 0706 (BBR; requirements 4b); "" where it names none.
func municipalityIn(reference string) string {
	at := strings.LastIndexAny(reference, "#/") + 1
	code, before := reference[at:], strings.TrimRight(reference[:at], "#/")
	if !IsMunicipality(code) || at > 0 && !strings.HasSuffix(strings.ToLower(before), "kommune") {
		return ""
	}
	return code
}

// IsMunicipality reports whether a text has the form of a municipality's code.
func IsMunicipality(code string) bool {
	return len(code) == 4 && strings.Trim(code, "0123456789") == ""
}
