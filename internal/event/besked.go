package event

import "github.com/varselhub/varsel/internal/fault"

// What becomes a Hændelsesbesked is held to what every such message must say when its type is made and when an event comes
// in, and not only when the message leaves: one that cannot be made would hold everything behind it, and neither a version
// in use nor an event can be mended.

// beskedRequired are the fields without which there is no message.
var beskedRequired = []Field{FieldBeskedObjektID, FieldBeskedObjekttype, FieldBeskedRegistreringstid, FieldBeskedSikkerhedsklassificering}

const (
	needsBesked  = "every Hændelsesbesked has it"
	needsRelated = "a related object has both id and type"
)

// MapsBesked reports whether the events become Hændelsesbeskeder: some field of one is mapped.
func (c *Compiled) MapsBesked() bool { return c.mapping.besked() }

func (p *program) besked() bool {
	for field := FieldBeskedMessage; field <= FieldBeskedResponsmodtager; field++ {
		if p.fields[field] != nil {
			return true
		}
	}
	return false
}

// fillsBesked reports whether the mapping fills a message field by field, rather than finding a ready one.
func (p *program) fillsBesked() bool { return p.fields[FieldBeskedMessage] == nil && p.besked() }

// checkBesked holds a mapping to what a message must say.
func (c *Compiled) checkBesked(found *checks) {
	if !c.mapping.fillsBesked() {
		return
	}
	require := func(field Field, message string) {
		if !c.Maps(field) {
			found.refuse("/mapping/"+field.String(), "required", message)
		}
	}
	for _, field := range beskedRequired {
		require(field, needsBesked+": say what fills it")
	}
	if c.Maps(FieldBeskedRelateretObjektID) || c.Maps(FieldBeskedRelateretObjekttype) {
		require(FieldBeskedRelateretObjektID, needsRelated)
		require(FieldBeskedRelateretObjekttype, needsRelated)
	}
}

// unfit finds what keeps data from becoming a message: what must be there and is not, and what is no scalar.
func (c *Compiled) unfit(tree any) (found []fault.Violation) {
	if !c.mapping.fillsBesked() {
		return nil
	}
	var said [fieldCount]bool
	for field := FieldBeskedMessage; field <= FieldBeskedResponsmodtager; field++ {
		value, v := c.Text(tree, field)
		if v != nil {
			found = append(found, *v)
		}
		said[field] = value != "" || v != nil
	}
	require := func(field Field, message string) {
		if !said[field] {
			found = append(found, fault.Violation{Pointer: c.Place(field), Rule: "required", Message: message})
		}
	}
	for _, field := range beskedRequired {
		require(field, needsBesked)
	}
	if said[FieldBeskedRelateretObjektID] {
		require(FieldBeskedRelateretObjekttype, needsRelated)
	}
	return found
}
