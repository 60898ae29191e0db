package receive

import (
	"cmp"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MetaData is the technical part of a STAR webservicebesked, spelled as there. All values are text; one that the
// sender does not know is empty.
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
	BeskedtypeVersion       string     `json:"BeskedtypeVersion"`
}

// Oprindelse is where a STAR message comes from.
type Oprindelse struct {
	RegistrerendeMyndighed Myndighed           `json:"RegistrerendeMyndighed"`
	RegistrerendeBruger    RegistrerendeBruger `json:"RegistrerendeBruger"`
	SystemID               string              `json:"SystemId"`
	Systemnavn             string              `json:"Systemnavn"`
}

// RegistrerendeBruger is the case worker, citizen or system that caused a STAR message.
type RegistrerendeBruger struct {
	Brugernavn           string    `json:"Brugernavn"`
	BrugertypeID         string    `json:"BrugertypeId"`
	BrugertypeNavn       string    `json:"BrugertypeNavn"`
	Brugeridentifikation string    `json:"Brugeridentifikation"`
	Brugeremail          string    `json:"Brugeremail"`
	KaldendeMyndighed    Myndighed `json:"KaldendeMyndighed"`
}

// Myndighed is an authority. It is read from either of the two spellings its members have in STAR's samples,
// OrganisationsType and OrganisationType.
type Myndighed struct {
	Type string
	Kode string
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *Myndighed) UnmarshalJSON(raw []byte) error {
	var both struct {
		Type  string `json:"OrganisationType"`
		Kode  string `json:"OrganisationKode"`
		TypeS string `json:"OrganisationsType"`
		KodeS string `json:"OrganisationsKode"`
	}
	if err := json.Unmarshal(raw, &both); err != nil {
		return err
	}
	*m = Myndighed{Type: cmp.Or(both.Type, both.TypeS), Kode: cmp.Or(both.Kode, both.KodeS)}
	return nil
}

// decodeStar reads a webservicebesked. Members that are not known are passed over: MetaData grows.
func decodeStar(body []byte) (*Message, error) {
	var besked struct {
		MetaData *MetaData      `json:"MetaData"`
		Body     jsontext.Value `json:"Body"`
	}
	if err := json.Unmarshal(body, &besked); err != nil || besked.MetaData == nil || besked.Body == nil {
		return nil, unreadable("want a webservicebesked: an object of MetaData, whose values are all text, and Body")
	}
	meta := besked.MetaData
	if meta.BeskedIdentifier == "" {
		return nil, unreadable("MetaData has no BeskedIdentifier")
	}
	m := &Message{
		ID: meta.BeskedIdentifier, Source: meta.Oprindelse.SystemID, Type: meta.EntitetID, Version: meta.BeskedtypeVersion,
		Subject: meta.EksternIdentifier, Organisation: authorityOf(meta),
		Data: besked.Body, MediaType: mediaJSON, MetaData: meta,
	}
	var err error
	if meta.HaendelsesTid != "" {
		if m.Time, err = time.Parse(time.RFC3339, meta.HaendelsesTid); err != nil {
			return nil, unreadable("HaendelsesTid is not a time with its offset (RFC 3339)")
		}
	}
	return m, nil
}

func authorityOf(meta *MetaData) Organisation {
	authority := meta.Oprindelse.RegistrerendeMyndighed
	return Organisation{Type: authority.Type, Code: authority.Kode}
}
