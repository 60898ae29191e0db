package grunddata

import (
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
)

// MaxSize is the most bytes that a ready message may have.
const MaxSize = 4 << 20

// refused is the fault of a text that is no Hændelsesbesked. It tells nothing of the text.
func refused(pointer, rule, message string) error {
	return fault.Invalid(fault.InvalidMessage, []fault.Violation{{Pointer: pointer, Rule: rule, Message: message}})
}

func checkSize(size int) error {
	if size > MaxSize {
		return refused("", "size", "is larger than "+strconv.Itoa(MaxSize>>20)+" MiB")
	}
	return nil
}

// message reads what a text was parsed into. Whether it says enough is told by Check.
func message(d *Data, pointer string, spelled func(name string) string) (*Message, error) {
	var m Message
	r := reader{at: pointer, from: d, spelled: spelled, found: new([]fault.Violation)}
	m.walk(&r)
	if err := fault.Invalid(fault.InvalidMessage, *r.found); err != nil {
		return nil, err
	}
	for i := range m.Beskedkuvert.Filtreringsdata.Objektregistrering {
		if s := m.Beskedkuvert.Filtreringsdata.Objektregistrering[i].Stedbestemmelse; s != nil {
			s.settle()
		}
	}
	return &m, nil
}

// reader is the walker that fills a message.
type reader struct {
	at      string
	from    *Data                    // an object
	spelled func(name string) string // how the format spells a member
	found   *[]fault.Violation
}

func (r *reader) refuse(pointer, rule, message string) {
	*r.found = append(*r.found, fault.Violation{Pointer: r.at + pointer, Rule: rule, Message: message})
}

// all are the values of a member. An identifier may be spelled with Id or ID.
func (r *reader) all(name string) []*Data {
	name = r.spelled(name)
	short := name
	if rest, ok := strings.CutSuffix(name, "ID"); ok {
		short = rest + "Id"
	} else if rest, ok := strings.CutSuffix(name, "Id"); ok {
		short = rest + "ID"
	}
	return r.from.named(func(found string) bool { return found == name || found == short })
}

// one is the value of a member that there is at most one of, or nil.
func (r *reader) one(name string) *Data {
	values := r.all(name)
	if len(values) > 1 {
		r.refuse("/"+name, "one", "stands there more than once")
	}
	if len(values) == 0 {
		return nil
	}
	return values[0]
}

func (r *reader) scalar(pointer string, d *Data) string {
	value, ok := d.scalar()
	if !ok {
		r.refuse(pointer, "text", "want text here")
	}
	return value
}

func (r *reader) text(name string, _ need, value *string) {
	*value = r.scalar("/"+name, r.one(name))
}

func (r *reader) texts(name string, values *[]string) {
	for _, d := range r.all(name) {
		*values = append(*values, r.scalar("/"+name, d))
	}
}

func (r *reader) part(name string, _ bool, walk func(walker)) {
	if d := r.one(name); d != nil {
		r.below("/"+name, d, walk)
	}
}

func (r *reader) list(name string, _ int, walk func(i int, w walker)) {
	for i, d := range r.all(name) {
		r.below("/"+name+"/"+strconv.Itoa(i), d, func(w walker) { walk(i, w) })
	}
}

func (r *reader) below(step string, d *Data, walk func(walker)) {
	if d.kind != object {
		r.refuse(step, "object", "want members here")
		return
	}
	walk(&reader{at: r.at + step, from: d, spelled: r.spelled, found: r.found})
}

// reference reads {"Objektreference": {"objektreference": "…"}}, as the documentation prints it, {"objektreference": "…"},
// as the service's schema has it, and <Objektreference>…</Objektreference>.
func (r *reader) reference(value *string) {
	const outer, inner = "Objektreference", "objektreference"
	d := r.one(outer)
	if d != nil && d.kind == object {
		r.below("/"+outer, d, func(w walker) { w.text(inner, optional, value) })
		return
	}
	if *value = r.scalar("/"+outer, d); *value == "" {
		r.text(inner, optional, value)
	}
}

func (r *reader) data(name string, value **Data) { *value = r.one(name) }
