package grunddata

// root is the name of the message's outermost part.
const root = "Hændelsesbesked"

// walker goes through a message, member by member in the order in which they are written. What a message is made of
// stands once, in the walk methods below; reading, writing and checking are walkers.
type walker interface {
	text(name string, n need, value *string)
	texts(name string, values *[]string)
	part(name string, there bool, walk func(walker))
	list(name string, length int, walk func(i int, w walker))
	reference(value *string)
	data(name string, value **Data)
}

// need says what a message must have.
type need uint8

const (
	optional need = iota
	named         // the member is always there; the real service writes it empty where there is nothing to say
	filled
)

// part is a pointer to a part of the message.
type part[T any] interface {
	*T
	walk(walker)
}

// maybe walks a part that need not be there.
func maybe[T any, P part[T]](w walker, name string, value **T) {
	w.part(name, *value != nil, func(w walker) {
		if *value == nil {
			*value = new(T)
		}
		P(*value).walk(w)
	})
}

// list walks a part of which there may be several.
func list[T any, P part[T]](w walker, name string, items *[]T) {
	w.list(name, len(*items), func(i int, w walker) {
		for len(*items) <= i {
			*items = append(*items, *new(T))
		}
		P(&(*items)[i]).walk(w)
	})
}

func (m *Message) walk(w walker) {
	w.text("beskedversion", filled, &m.Beskedversion)
	w.text("beskedID", filled, &m.BeskedID)
	w.part("Beskedkuvert", true, m.Beskedkuvert.walk)
	list(w, "Beskeddata", &m.Beskeddata)
}

func (k *Beskedkuvert) walk(w walker) {
	w.part("Filtreringsdata", true, k.Filtreringsdata.walk)
	w.part("Leveranceinformation", true, k.Leveranceinformation.walk)
	maybe(w, "Modtagerhandling", &k.Modtagerhandling)
}

func (f *Filtreringsdata) walk(w walker) {
	w.text("beskedtype", filled, &f.Beskedtype)
	w.text("beskedansvarligAktør", named, &f.BeskedansvarligAktoer)
	w.texts("tilladtModtager", &f.TilladtModtager)
	list(w, "RelateretObjekt", &f.RelateretObjekt)
	list(w, "Objektregistrering", &f.Objektregistrering)
	w.text("tværgåendeProces", optional, &f.TvaergaaendeProces)
}

func (o *RelateretObjekt) walk(w walker) {
	w.text("objektID", filled, &o.ObjektID)
	w.text("objekttype", filled, &o.Objekttype)
}

func (o *Objektregistrering) walk(w walker) {
	w.text("registreringsaktør", optional, &o.Registreringsaktoer)
	w.text("registreringstid", filled, &o.Registreringstid)
	w.text("status", optional, &o.Status)
	w.text("objektansvarligAktør", optional, &o.ObjektansvarligAktoer)
	w.text("objektID", filled, &o.ObjektID)
	w.text("objekttype", filled, &o.Objekttype)
	w.text("objekthandling", optional, &o.Objekthandling)
	w.text("opgaveemne", optional, &o.Opgaveemne)
	w.text("registreringsID", optional, &o.RegistreringsID)
	maybe(w, "Stedbestemmelse", &o.Stedbestemmelse)
}

func (s *Stedbestemmelse) walk(w walker) {
	w.text("stedbestemmelseReference", optional, &s.Reference)
	w.text("stedbestemmelseGeometri", optional, &s.Geometri)
}

func (l *Leveranceinformation) walk(w walker) {
	w.text("dannelsestidspunkt", filled, &l.Dannelsestidspunkt)
	w.text("transaktionsID", optional, &l.TransaktionsID)
	w.text("kildesystem", filled, &l.Kildesystem)
	w.text("kildesystemIPAdresse", optional, &l.KildesystemIPAdresse)
	w.text("kildesystemAkkreditiver", optional, &l.KildesystemAkkreditiver)
	w.text("sikkerhedsklassificering", filled, &l.Sikkerhedsklassificering)
	list(w, "Leverancerute", &l.Leverancerute)
}

func (l *Leverancerute) walk(w walker) {
	w.text("fordelingssystem", filled, &l.Fordelingssystem)
	w.text("modtagelsestidspunkt", filled, &l.Modtagelsestidspunkt)
	w.text("leverancetidspunkt", filled, &l.Leverancetidspunkt)
	w.text("modtagetFraSystem", filled, &l.ModtagetFraSystem)
	w.text("erLeveretIHenholdTil", filled, &l.ErLeveretIHenholdTil)
}

func (h *Modtagerhandling) walk(w walker) {
	w.text("handling", optional, &h.Handling)
	w.text("responsmodtager", optional, &h.Responsmodtager)
}

func (d *Beskeddata) walk(w walker) {
	w.reference(&d.Objektreference)
	w.data("Objektdata", &d.Objektdata)
}
