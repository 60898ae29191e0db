// Package grunddata is the model of a Hændelsesbesked, the message in which Datafordeleren tells that an object of a
// register has changed: built from an event and the mapping of its type, or read from a message that a register has made
// ready, as JSON or XML; and written as either.
//
// The names are the message's own. In Go and XML they are spelled without æ, ø and å.
package grunddata

// Version is the Beskedversion of the messages that the hub makes.
const Version = "1.0"

// Receipt is the Handling that asks for a receipt for every delivery (F40).
const Receipt = "Kvittering"

// Message is a Hændelsesbesked. All values are text as the register wrote it; one that is not known is empty.
type Message struct {
	Beskedversion string
	BeskedID      string // the message id: a UUID
	Beskedkuvert  Beskedkuvert
	Beskeddata    []Beskeddata
}

// Beskedkuvert is the message's envelope.
type Beskedkuvert struct {
	Filtreringsdata      Filtreringsdata
	Leveranceinformation Leveranceinformation
	Modtagerhandling     *Modtagerhandling
}

// Filtreringsdata is what subscriptions filter by.
type Filtreringsdata struct {
	Beskedtype            string
	BeskedansvarligAktoer string
	TilladtModtager       []string
	RelateretObjekt       []RelateretObjekt
	Objektregistrering    []Objektregistrering
	TvaergaaendeProces    string
}

// RelateretObjekt is an object that the registration has to do with.
type RelateretObjekt struct {
	ObjektID   string
	Objekttype string
}

// Objektregistrering is what was registered about one object.
type Objektregistrering struct {
	Registreringsaktoer   string
	Registreringstid      string
	Status                string
	ObjektansvarligAktoer string
	ObjektID              string
	Objekttype            string
	Objekthandling        string
	Opgaveemne            string
	RegistreringsID       string
	Stedbestemmelse       *Stedbestemmelse
}

// Stedbestemmelse says where the object is: by reference, or by geometry as WKT.
type Stedbestemmelse struct {
	Reference string
	Geometri  string
}

// Leveranceinformation is about the message itself.
type Leveranceinformation struct {
	Dannelsestidspunkt       string
	TransaktionsID           string
	Kildesystem              string
	KildesystemIPAdresse     string
	KildesystemAkkreditiver  string
	Sikkerhedsklassificering string
	Leverancerute            []Leverancerute
}

// Leverancerute is one system that the message has passed.
type Leverancerute struct {
	Fordelingssystem     string
	Modtagelsestidspunkt string
	Leverancetidspunkt   string
	ModtagetFraSystem    string
	ErLeveretIHenholdTil string
}

// Modtagerhandling is what the receiver is asked to do.
type Modtagerhandling struct {
	Handling        string
	Responsmodtager string
}

// Beskeddata refers to an object, or holds data of it.
type Beskeddata struct {
	Objektreference string
	Objektdata      *Data
}

// NeedsReceipt reports whether the receiver owes a receipt for the message (F40).
func (m *Message) NeedsReceipt() bool {
	h := m.Beskedkuvert.Modtagerhandling
	return h != nil && h.Handling == Receipt
}
