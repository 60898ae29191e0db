package filter

import (
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/grunddata"
)

// Field is what a condition looks at, spelled as in the message.
type Field string

// The fields (requirements 4b). Where the object is, the twelfth "Inputfilter" beside them, is Place.
const (
	BeskedansvarligAktoer Field = "beskedansvarligAktør"
	TvaergaaendeProces    Field = "tværgåendeProces"
	ObjektID              Field = "objektID"
	Objekttype            Field = "objekttype"
	Registreringsaktoer   Field = "registreringsaktør"
	Registreringstid      Field = "registreringstid"
	Status                Field = "status"
	RegistreringsID       Field = "registreringsID"
	Objekthandling        Field = "objekthandling"
	Opgaveemne            Field = "opgaveemne"
	RelateretObjektID     Field = "relateretObjektID"
	RelateretObjekttype   Field = "relateretObjekttype"
)

// Fields are all of them.
var Fields = []Field{
	BeskedansvarligAktoer, TvaergaaendeProces, ObjektID, Objekttype, Registreringsaktoer, Registreringstid, Status,
	RegistreringsID, Objekthandling, Opgaveemne, RelateretObjektID, RelateretObjekttype,
}

// known reports whether there is a field of that name.
func (f Field) known() bool { return slices.Contains(Fields, f) }

// related reports whether the field is one of a related object.
func (f Field) related() bool { return f == RelateretObjektID || f == RelateretObjekttype }

// reach says how much a value of the field tells apart: the less it is shared, the better an index by it.
func (f Field) reach() int {
	switch f {
	case ObjektID, RegistreringsID, RelateretObjektID:
		return reachOne
	case Registreringstid:
		return reachFew
	}
	return reachMany
}

// The reaches.
const (
	reachOne  = iota // an object's own
	reachFew         // shared by what was registered at a time, or stands in one place
	reachMany        // shared by a good part of all
)

// names lists the fields for people.
func names() string {
	var list []string
	for _, f := range Fields {
		list = append(list, string(f))
	}
	return strings.Join(list, ", ")
}

// of is the field's value in one registration of a message, together with one related object. What is not there is empty.
func (f Field) of(message *grunddata.Filtreringsdata, registration *grunddata.Objektregistrering, related *grunddata.RelateretObjekt) string {
	switch f {
	case BeskedansvarligAktoer:
		return message.BeskedansvarligAktoer
	case TvaergaaendeProces:
		return message.TvaergaaendeProces
	case ObjektID:
		return registration.ObjektID
	case Objekttype:
		return registration.Objekttype
	case Registreringsaktoer:
		return registration.Registreringsaktoer
	case Registreringstid:
		return registration.Registreringstid
	case Status:
		return registration.Status
	case RegistreringsID:
		return registration.RegistreringsID
	case Objekthandling:
		return registration.Objekthandling
	case Opgaveemne:
		return registration.Opgaveemne
	case RelateretObjektID:
		return related.ObjektID
	case RelateretObjekttype:
		return related.Objekttype
	}
	return ""
}
