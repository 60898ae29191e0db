package star

import (
	"encoding/json"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Message is a webservicebesked. All values of its MetaData are text; one that is not known is empty.
type Message struct {
	MetaData MetaData        `json:"MetaData"`
	Body     json.RawMessage `json:"Body"`
}

// MetaData is the technical part, in the order and spelling of the sample (S9 to S22).
type MetaData struct {
	Oprindelse              Oprindelse `json:"Oprindelse"`
	BeskedIdentifier        string     `json:"BeskedIdentifier"`
	HaendelsesTid           string     `json:"HaendelsesTid"`
	Miljoe                  string     `json:"Miljoe"`
	KorrelationsIdentifier  string     `json:"KorrelationsIdentifier"`
	EntitetID               string     `json:"EntitetId"`
	EntitetNavn             string     `json:"EntitetNavn"`
	EksternIdentifier       string     `json:"EksternIdentifier"`
	VersionIdentifier       string     `json:"VersionIdentifier"`
	Identifikation          string     `json:"Identifikation"`
	IdentifikationstypeID   string     `json:"IdentifikationstypeId"`
	IdentifikationstypeNavn string     `json:"IdentifikationstypeNavn"`
	AendringstypeID         string     `json:"AendringstypeId"`
	AendringstypeNavn       string     `json:"AendringstypeNavn"`
	// BeskedtypeVersion is the hub's addition: the sample has no field for the version of S25 and S56.
	BeskedtypeVersion string `json:"BeskedtypeVersion"`
}

// Oprindelse is where the message comes from.
type Oprindelse struct {
	RegistrerendeMyndighed RegistrerendeMyndighed `json:"RegistrerendeMyndighed"`
	RegistrerendeBruger    RegistrerendeBruger    `json:"RegistrerendeBruger"`
	SystemID               string                 `json:"SystemId"`
	Systemnavn             string                 `json:"Systemnavn"`
}

// RegistrerendeMyndighed is the authority that caused the message.
type RegistrerendeMyndighed struct {
	Type string `json:"OrganisationsType"`
	Kode string `json:"OrganisationsKode"`
}

// RegistrerendeBruger is the case worker, citizen or system that caused the message.
type RegistrerendeBruger struct {
	Brugernavn           string            `json:"Brugernavn"`
	BrugertypeID         string            `json:"BrugertypeId"`
	BrugertypeNavn       string            `json:"BrugertypeNavn"`
	Brugeridentifikation string            `json:"Brugeridentifikation"`
	Brugeremail          string            `json:"Brugeremail"`
	KaldendeMyndighed    KaldendeMyndighed `json:"KaldendeMyndighed"`
}

// KaldendeMyndighed is the authority that the user acts for. The sample spells its members without the s that those
// of RegistrerendeMyndighed have.
type KaldendeMyndighed struct {
	Type string `json:"OrganisationType"`
	Kode string `json:"OrganisationKode"`
}

// organisation reads either spelling, at either place.
type organisation struct {
	TypeS string `json:"OrganisationsType"`
	KodeS string `json:"OrganisationsKode"`
	Type  string `json:"OrganisationType"`
	Kode  string `json:"OrganisationKode"`
}

func (o *organisation) read(raw []byte, kind, code *string) error {
	*o = organisation{}
	if err := json.Unmarshal(raw, o); err != nil {
		return err
	}
	*kind, *code = o.TypeS, o.KodeS
	if o.Type != "" {
		*kind = o.Type
	}
	if o.Kode != "" {
		*code = o.Kode
	}
	return nil
}

// UnmarshalJSON accepts both spellings.
func (m *RegistrerendeMyndighed) UnmarshalJSON(raw []byte) error {
	return new(organisation).read(raw, &m.Type, &m.Kode)
}

// UnmarshalJSON accepts both spellings.
func (m *KaldendeMyndighed) UnmarshalJSON(raw []byte) error {
	return new(organisation).read(raw, &m.Type, &m.Kode)
}

// Read reads a message as it is sent, with either spelling of the organisations' members. Body keeps its bytes. The
// error is a fault InvalidEvent and holds nothing of the message.
func Read(message []byte) (*Message, error) {
	if v := event.Scan(message); v != nil {
		v.Pointer = ""
		return nil, fault.Invalid(fault.InvalidEvent, []fault.Violation{*v})
	}
	var m Message
	if err := json.Unmarshal(message, &m); err != nil || m.Body == nil {
		return nil, fault.Invalid(fault.InvalidEvent, []fault.Violation{{
			Rule: "webservicebesked", Message: "want an object of MetaData, whose values are all text, and Body",
		}})
	}
	return &m, nil
}
