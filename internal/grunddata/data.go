package grunddata

// Data is what a register says of an object beside what a message has members for (Objektdata): a tree of names and
// texts, in the order in which they came. It is also what any message is read through.
type Data struct {
	kind    kind
	text    string   // of text and literal
	members []member // of object; elements that repeat are one member, an array
	items   []*Data  // of array
}

type kind uint8

const (
	null    kind = iota
	text         // a string; of XML, an element without elements
	literal      // a number, true or false, as it was written
	object
	array
)

type member struct {
	name  string
	value *Data
}

// empty reports whether there is nothing: null, or an element with nothing in it.
func (d *Data) empty() bool { return d == nil || d.kind == null || d.kind == text && d.text == "" }

// scalar is the text of a value that is none but text.
func (d *Data) scalar() (value string, ok bool) {
	switch {
	case d.empty():
		return "", true
	case d.kind == text || d.kind == literal:
		return d.text, true
	}
	return "", false
}

// named are the values of an object's members of a name; those of an array one by one, and of nothing none.
func (d *Data) named(is func(name string) bool) []*Data {
	var found []*Data
	for _, m := range d.members {
		switch {
		case !is(m.name) || m.value.empty():
		case m.value.kind == array:
			for _, item := range m.value.items {
				if !item.empty() {
					found = append(found, item)
				}
			}
		default:
			found = append(found, m.value)
		}
	}
	return found
}

// within is the one object that is a member of that name, or nil.
func (d *Data) within(name string) *Data {
	inner := d.named(func(found string) bool { return found == name })
	if len(inner) != 1 || inner[0].kind != object {
		return nil
	}
	return inner[0]
}
