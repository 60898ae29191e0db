package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/varselhub/varsel/internal/fault"
)

// Field is something that a mapping can fill from the data.
type Field uint8

// The fields. All are text; an expression that finds nothing gives "".
const (
	FieldKey       Field = iota // what the event must stay in order with; required when the type is ordered by key
	FieldMessageID              // the message id, a UUID; without it one is made of source and id
	FieldSubject                // fills the CloudEvents subject when the source gave none; not on personal types
	FieldOrganisationType
	FieldOrganisationCode
	FieldEntity // the entity the event is about

	FieldStarBody // the part of the data that becomes Body: a single pointer; without it the whole data
	FieldStarAuthorityType
	FieldStarAuthorityCode
	FieldStarUserName
	FieldStarUserTypeID
	FieldStarUserTypeName
	FieldStarUserIdentification
	FieldStarUserEmail
	FieldStarUserAuthorityType
	FieldStarUserAuthorityCode
	FieldStarSystemID
	FieldStarSystemName
	FieldStarEntityID
	FieldStarEntityName
	FieldStarExternal
	FieldStarVersion
	FieldStarIdentification
	FieldStarIdentificationTypeID
	FieldStarIdentificationTypeName
	FieldStarChangeTypeID
	FieldStarChangeTypeName
	FieldStarCorrelation // without it the CloudEvents extension correlationid

	FieldBeskedMessage // a ready Hændelsesbesked in the data (F2): a single pointer; the rest is read from it
	FieldBeskedBeskedansvarligAktoer
	FieldBeskedTvaergaaendeProces
	FieldBeskedObjektID
	FieldBeskedObjekttype
	FieldBeskedObjektansvarligAktoer
	FieldBeskedRegistreringsaktoer
	FieldBeskedRegistreringstid
	FieldBeskedStatus
	FieldBeskedRegistreringsID
	FieldBeskedObjekthandling
	FieldBeskedOpgaveemne
	FieldBeskedRelateretObjektID
	FieldBeskedRelateretObjekttype
	FieldBeskedStedbestemmelse // geometry as WKT, or a reference
	FieldBeskedObjektreference // without it the object's id
	FieldBeskedTransaktionsID
	FieldBeskedKildesystem // without it the event's source
	FieldBeskedSikkerhedsklassificering
	FieldBeskedHandling // "Kvittering": its receiver owes a receipt (F40)
	FieldBeskedResponsmodtager

	fieldCount
)

var fieldNames = [fieldCount]string{
	FieldKey:                            "key",
	FieldMessageID:                      "messageId",
	FieldSubject:                        "subject",
	FieldOrganisationType:               "organisation.type",
	FieldOrganisationCode:               "organisation.code",
	FieldEntity:                         "entity",
	FieldStarBody:                       "star.body",
	FieldStarAuthorityType:              "star.authority.type",
	FieldStarAuthorityCode:              "star.authority.code",
	FieldStarUserName:                   "star.user.name",
	FieldStarUserTypeID:                 "star.user.typeId",
	FieldStarUserTypeName:               "star.user.typeName",
	FieldStarUserIdentification:         "star.user.identification",
	FieldStarUserEmail:                  "star.user.email",
	FieldStarUserAuthorityType:          "star.user.authority.type",
	FieldStarUserAuthorityCode:          "star.user.authority.code",
	FieldStarSystemID:                   "star.system.id",
	FieldStarSystemName:                 "star.system.name",
	FieldStarEntityID:                   "star.entity.id",
	FieldStarEntityName:                 "star.entity.name",
	FieldStarExternal:                   "star.external",
	FieldStarVersion:                    "star.version",
	FieldStarIdentification:             "star.identification",
	FieldStarIdentificationTypeID:       "star.identification.typeId",
	FieldStarIdentificationTypeName:     "star.identification.typeName",
	FieldStarChangeTypeID:               "star.change.typeId",
	FieldStarChangeTypeName:             "star.change.typeName",
	FieldStarCorrelation:                "star.correlation",
	FieldBeskedMessage:                  "besked.message",
	FieldBeskedBeskedansvarligAktoer:    "besked.beskedansvarligAktør",
	FieldBeskedTvaergaaendeProces:       "besked.tværgåendeProces",
	FieldBeskedObjektID:                 "besked.objektID",
	FieldBeskedObjekttype:               "besked.objekttype",
	FieldBeskedObjektansvarligAktoer:    "besked.objektansvarligAktør",
	FieldBeskedRegistreringsaktoer:      "besked.registreringsaktør",
	FieldBeskedRegistreringstid:         "besked.registreringstid",
	FieldBeskedStatus:                   "besked.status",
	FieldBeskedRegistreringsID:          "besked.registreringsID",
	FieldBeskedObjekthandling:           "besked.objekthandling",
	FieldBeskedOpgaveemne:               "besked.opgaveemne",
	FieldBeskedRelateretObjektID:        "besked.relateretObjektID",
	FieldBeskedRelateretObjekttype:      "besked.relateretObjekttype",
	FieldBeskedStedbestemmelse:          "besked.stedbestemmelse",
	FieldBeskedObjektreference:          "besked.objektreference",
	FieldBeskedTransaktionsID:           "besked.transaktionsID",
	FieldBeskedKildesystem:              "besked.kildesystem",
	FieldBeskedSikkerhedsklassificering: "besked.sikkerhedsklassificering",
	FieldBeskedHandling:                 "besked.handling",
	FieldBeskedResponsmodtager:          "besked.responsmodtager",
}

// String returns the field's name in a mapping.
func (f Field) String() string { return fieldNames[f] }

// Mapping says where in the data the fields stand: name to expression. Its JSON form is one object of expressions
// with, beside them, "personal": the list of JSON Pointers that name every personal value (a pointer to an object or
// array names everything in it).
type Mapping struct {
	Fields   map[string]string
	Personal []string
}

const personalMember = "personal"

// IsZero reports whether nothing is mapped.
func (m Mapping) IsZero() bool { return len(m.Fields) == 0 && len(m.Personal) == 0 }

// MarshalJSON writes the one flat object, names in order.
func (m Mapping) MarshalJSON() ([]byte, error) {
	flat := make(map[string]any, len(m.Fields)+1)
	for name, expression := range m.Fields {
		flat[name] = expression
	}
	if len(m.Personal) > 0 {
		flat[personalMember] = m.Personal
	}
	return json.Marshal(flat)
}

// UnmarshalJSON reads the flat object. Whether names and expressions are right is told by Check.
func (m *Mapping) UnmarshalJSON(raw []byte) error {
	*m = Mapping{}
	var flat map[string]json.RawMessage
	if err := json.Unmarshal(raw, &flat); err != nil {
		return err
	}
	for name, value := range flat {
		if name == personalMember {
			if err := json.Unmarshal(value, &m.Personal); err != nil {
				return fmt.Errorf("mapping: personal: want a list of JSON Pointers: %w", err)
			}
			continue
		}
		var expression string
		if err := json.Unmarshal(value, &expression); err != nil {
			return fmt.Errorf("mapping: want a text for every field: %w", err)
		}
		if m.Fields == nil {
			m.Fields = make(map[string]string, len(flat))
		}
		m.Fields[name] = expression
	}
	return nil
}

// Check reports unknown fields and expressions that cannot be read; pointers start at the mapping.
func (m Mapping) Check() []fault.Violation {
	_, violations := m.compile()
	return violations
}

// program is a mapping ready for use.
type program struct {
	fields   [fieldCount]*Expression
	personal []Pointer
	loads    bool // some field looks into the data
}

func (m Mapping) compile() (*program, []fault.Violation) {
	var p program
	var violations []fault.Violation
	refuse := func(pointer, rule, message string) {
		violations = append(violations, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Fields)) {
		at := "/" + escapeToken(name)
		field := slices.Index(fieldNames[:], name)
		if field < 0 {
			refuse(at, "unknown", "there is no such field")
			continue
		}
		expression, err := ParseExpression(m.Fields[name])
		if err != nil {
			refuse(at, "expression", err.Error())
			continue
		}
		if f := Field(field); (f == FieldStarBody || f == FieldBeskedMessage) && !expression.single() {
			refuse(at, "expression", "want one pointer: it names a part of the data as it stands")
			continue
		}
		p.fields[field] = expression
		p.loads = p.loads || len(expression.Pointers()) > 0
	}
	for i, text := range m.Personal {
		pointer, err := ParsePointer(text)
		if err != nil {
			refuse(fmt.Sprintf("/%s/%d", personalMember, i), "pointer", err.Error())
			continue
		}
		p.personal = append(p.personal, pointer)
	}
	return &p, violations
}

// placing lists what Extract looks at, and what is personal.
func (p *program) placing() []Pointer {
	pointers := slices.Clone(p.personal)
	fields := []Field{FieldKey, FieldMessageID, FieldSubject, FieldOrganisationType, FieldOrganisationCode}
	if p.fillsBesked() {
		for field := FieldBeskedMessage; field <= FieldBeskedResponsmodtager; field++ {
			fields = append(fields, field)
		}
	}
	for _, field := range fields {
		if expression := p.fields[field]; expression != nil {
			pointers = append(pointers, expression.Pointers()...)
		}
	}
	return pointers
}

// single reports whether the expression is one pointer and nothing else.
func (e *Expression) single() bool { return len(e.terms) == 1 && e.terms[0].load }

// text evaluates the expression over a tree. "" means that something it loads is not there; a violation, that
// something is no scalar.
func (e *Expression) text(tree any) (string, *fault.Violation) {
	if len(e.terms) == 1 {
		return e.terms[0].text(tree)
	}
	var whole bytes.Buffer
	for _, t := range e.terms {
		part, v := t.text(tree)
		if v != nil {
			return "", v
		}
		if part == "" && t.load {
			return "", nil
		}
		whole.WriteString(part)
	}
	return whole.String(), nil
}

func (t *term) text(tree any) (string, *fault.Violation) {
	if !t.load {
		return t.constant, nil
	}
	value, _ := t.pointer.In(tree)
	switch value := value.(type) {
	case nil: // not there, or null
		return "", nil
	case string:
		return value, nil
	case json.Number:
		return value.String(), nil // as written: 1.10 stays 1.10
	case bool:
		if value {
			return "true", nil
		}
		return "false", nil
	}
	return "", &fault.Violation{Pointer: "/data" + t.pointer.String(), Rule: "scalar", Message: "want text, a number, true or false here, because the mapping reads it"}
}
