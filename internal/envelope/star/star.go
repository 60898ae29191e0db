// Package star renders events as STAR/DFDG webservicebeskeder: a JSON object of MetaData and Body, in the spelling of
// the sample in the solution description.
package star

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"
	_ "time/tzdata" // the offset of HaendelsesTid must not depend on the machine

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/envelope"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// ContentType is that of every message.
const ContentType = "application/json; charset=utf-8"

// VersionHeader carries the version of the message type beside BeskedtypeVersion.
const VersionHeader = "Varsel-Type-Version"

// noExternal stands in EksternIdentifier, which must be there, when the entity has none.
const noExternal = "00000000-0000-0000-0000-000000000000"

// timeLayout is that of the sample: milliseconds and an offset.
const timeLayout = "2006-01-02T15:04:05.000-07:00"

//go:embed metadata.schema.json
var metadataSchema []byte

// Envelope renders messages. It is safe for concurrent use.
type Envelope struct {
	environment string
	versions    func(typeName, version string) *event.Compiled
	schema      *event.Schema
	zone        *time.Location
}

// New returns the envelope of an installation. environment is what Miljoe says (PROD, PREPROD, T3 …); versions finds the
// version of a type that an event was accepted under, in any state, or nil.
func New(environment string, versions func(typeName, version string) *event.Compiled) (*Envelope, error) {
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		return nil, fmt.Errorf("star: %w", err)
	}
	schema, violations := event.CompileSchema(metadataSchema)
	if violations != nil {
		return nil, fault.Invalid(fault.Internal, violations)
	}
	return &Envelope{environment: environment, versions: versions, schema: schema, zone: zone}, nil
}

// Slot implements envelope.Envelope.
func (*Envelope) Slot() int { return envelope.SlotStar }

// Render implements envelope.Envelope. The message is checked against the envelope's schema and its data against that
// of its version, so that nothing leaves that breaks the agreement (S23).
func (n *Envelope) Render(e *event.Event) *event.Rendering {
	r, err := n.render(e)
	if err != nil {
		return &event.Rendering{Err: err}
	}
	return r
}

func (n *Envelope) render(e *event.Event) (*event.Rendering, error) {
	version := n.versions(e.Type, e.Version)
	if version == nil {
		return nil, fault.New(fault.InvalidMessage, "version %s of type %s is not known", e.Version, e.Type)
	}
	tree, err := read(version, e)
	if err != nil {
		return nil, err
	}
	metadata, violations := n.metadata(version, e, tree)
	if len(violations) > 0 {
		return nil, fault.Invalid(fault.InvalidMessage, violations)
	}
	body, ok := version.Part(e.Data, event.FieldStarBody)
	if !ok {
		return nil, fault.New(fault.InvalidMessage, "the data has nothing where the mapping says that Body stands")
	}
	head, err := marshal(metadata)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidMessage, err, "the metadata cannot be written")
	}
	if err := n.check(head); err != nil {
		return nil, err
	}
	return &event.Rendering{
		ContentType: ContentType,
		Headers:     []event.Header{{Name: VersionHeader, Value: e.Version}},
		Body:        message(head, body),
	}, nil
}

// read takes the data apart and holds it against the version's schema.
func read(version *event.Compiled, e *event.Event) (any, error) {
	if !event.IsJSON(e.MediaType) || len(e.Data) == 0 {
		return nil, fault.New(fault.InvalidMessage, "the data is not JSON, so it cannot be a webservicebesked")
	}
	v := event.Scan(e.Data)
	if v != nil {
		return nil, fault.Invalid(fault.InvalidMessage, []fault.Violation{*v})
	}
	tree, v := event.Tree(e.Data)
	if v != nil {
		return nil, fault.Invalid(fault.InvalidMessage, []fault.Violation{*v})
	}
	return tree, fault.Invalid(fault.InvalidMessage, version.Validate(tree))
}

func (n *Envelope) metadata(version *event.Compiled, e *event.Event, tree any) (MetaData, []fault.Violation) {
	var violations []fault.Violation
	text := func(field event.Field) string {
		value, v := version.Text(tree, field)
		if v != nil {
			violations = append(violations, *v)
		}
		return value
	}
	m := MetaData{
		Oprindelse: Oprindelse{
			RegistrerendeMyndighed: RegistrerendeMyndighed{
				Type: text(event.FieldStarAuthorityType),
				Kode: text(event.FieldStarAuthorityCode),
			},
			RegistrerendeBruger: RegistrerendeBruger{
				Brugernavn:           text(event.FieldStarUserName),
				BrugertypeID:         text(event.FieldStarUserTypeID),
				BrugertypeNavn:       text(event.FieldStarUserTypeName),
				Brugeridentifikation: text(event.FieldStarUserIdentification),
				Brugeremail:          text(event.FieldStarUserEmail),
				KaldendeMyndighed: KaldendeMyndighed{
					Type: text(event.FieldStarUserAuthorityType),
					Kode: text(event.FieldStarUserAuthorityCode),
				},
			},
			SystemID:   text(event.FieldStarSystemID),
			Systemnavn: text(event.FieldStarSystemName),
		},
		BeskedIdentifier:        e.ID.String(),
		HaendelsesTid:           n.time(e),
		Miljoe:                  n.environment,
		KorrelationsIdentifier:  text(event.FieldStarCorrelation),
		EntitetID:               text(event.FieldStarEntityID),
		EntitetNavn:             text(event.FieldStarEntityName),
		EksternIdentifier:       text(event.FieldStarExternal),
		VersionIdentifier:       text(event.FieldStarVersion),
		Identifikation:          text(event.FieldStarIdentification),
		IdentifikationstypeID:   text(event.FieldStarIdentificationTypeID),
		IdentifikationstypeNavn: text(event.FieldStarIdentificationTypeName),
		AendringstypeID:         text(event.FieldStarChangeTypeID),
		AendringstypeNavn:       text(event.FieldStarChangeTypeName),
		BeskedtypeVersion:       e.Version,
	}
	if m.EksternIdentifier == "" {
		m.EksternIdentifier = noExternal
	}
	if m.KorrelationsIdentifier == "" {
		m.KorrelationsIdentifier = e.Attribute(event.CorrelationID)
	}
	return m, violations
}

// time writes when it happened as Danish wall-clock time; milliseconds are cut, not rounded, so that it never lies ahead.
func (n *Envelope) time(e *event.Event) string {
	at := e.Time
	if at == 0 {
		at = e.Recorded
	}
	return clock.FromMicros(at).In(n.zone).Format(timeLayout)
}

// check holds the metadata, as it will be read, against the envelope's schema. What Body holds is its version's matter.
func (n *Envelope) check(metadata []byte) error {
	tree, v := event.Tree(metadata)
	if v != nil {
		return fault.Invalid(fault.InvalidMessage, []fault.Violation{*v})
	}
	return fault.Invalid(fault.InvalidMessage, n.schema.Check(map[string]any{"MetaData": tree, "Body": nil}, ""))
}

// marshal writes JSON without the escapes that are for HTML.
func marshal(metadata MetaData) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(metadata); err != nil {
		return nil, err
	}
	return bytes.TrimRight(text.Bytes(), "\n"), nil
}

// message joins the parts; Body stands byte for byte as it came in.
func message(metadata, body []byte) []byte {
	const before, between, after = `{"MetaData":`, `,"Body":`, `}`
	joined := make([]byte, 0, len(before)+len(metadata)+len(between)+len(body)+len(after))
	joined = append(append(joined, before...), metadata...)
	joined = append(append(joined, between...), body...)
	return append(joined, after...)
}
