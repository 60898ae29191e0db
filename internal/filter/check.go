package filter

import (
	"strconv"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/fault"
)

// What a filter may be.
const (
	maxDepth  = 8         // filters within one another
	maxParts  = 200       // filters in one, itself included
	maxValues = 1000      // in all of one
	maxText   = 1000      // bytes of a value
	maxShapes = 512 << 10 // bytes of all its outlines
)

// Check lists what is wrong with the filter; pointers start with at. Filters that are checked with the same shapes have
// each of their areas looked at once.
func (f *Filter) Check(at string, shapes *Shapes) []fault.Violation {
	c := checker{shapes: shapes}
	c.filter(at, f, 1)
	if c.parts > maxParts {
		c.refuse(at, "size", "has more than 200 conditions")
	}
	if c.values > maxValues {
		c.refuse(at, "size", "has more than 1000 values")
	}
	if c.outlines > maxShapes {
		c.refuse(at, "size", "has outlines of more than 512 KiB in all; simplify them")
	}
	return c.found
}

type checker struct {
	found                   []fault.Violation
	parts, values, outlines int
	shapes                  *Shapes
}

func (c *checker) refuse(at, rule, message string) {
	c.found = append(c.found, fault.Violation{Pointer: at, Rule: rule, Message: message})
}

func (c *checker) filter(at string, f *Filter, depth int) {
	if c.parts++; c.parts > maxParts {
		return
	}
	if depth > maxDepth {
		c.refuse(at, "depth", "is the ninth filter within another; eight is the most")
		return
	}
	switch {
	case f == nil:
		c.refuse(at, "required", "want a filter here")
	case f.kinds() != 1:
		c.refuse(at, "one", "want exactly one of all, any, field and place")
	case f.Field == "" && (f.Equals != "" || len(f.AnyOf) > 0 || f.Contains != ""):
		c.refuse(at, "one", "equals, anyOf and contains go with a field")
	case len(f.All) > 0:
		c.each(at+"/all", f.All, depth)
	case len(f.Any) > 0:
		c.each(at+"/any", f.Any, depth)
	case f.Place != nil:
		c.place(at+"/place", f.Place)
	default:
		c.condition(at, f)
	}
}

// kinds counts which of the four a filter is.
func (f *Filter) kinds() (kinds int) {
	for _, is := range []bool{len(f.All) > 0, len(f.Any) > 0, f.Field != "", f.Place != nil} {
		if is {
			kinds++
		}
	}
	return kinds
}

func (c *checker) each(at string, parts []*Filter, depth int) {
	for i, part := range parts {
		c.filter(at+"/"+strconv.Itoa(i), part, depth+1)
	}
}

func (c *checker) condition(at string, f *Filter) {
	if !f.Field.known() {
		c.refuse(at+"/field", "enum", "use "+names())
	}
	ways := 0
	for _, is := range []bool{f.Equals != "", len(f.AnyOf) > 0, f.Contains != ""} {
		if is {
			ways++
		}
	}
	if ways != 1 {
		c.refuse(at, "one", "want exactly one of equals, anyOf and contains, and not empty")
	}
	c.values += len(f.AnyOf)
	for i, value := range f.AnyOf {
		if i < maxValues {
			c.value(at+"/anyOf/"+strconv.Itoa(i), value)
		}
	}
	if f.Equals != "" {
		c.value(at+"/equals", f.Equals)
	}
	if f.Contains != "" {
		c.value(at+"/contains", f.Contains)
	}
}

// value never tells what it is: it may be a person's number.
func (c *checker) value(at, value string) {
	switch {
	case value == "":
		c.refuse(at, "required", "want a value here")
	case len(value) > maxText:
		c.refuse(at, "length", "at most 1000 bytes")
	case !utf8.ValidString(value):
		c.refuse(at, "text", "is not UTF-8")
	}
}

func (c *checker) place(at string, p *Place) {
	area, within := p.area()
	if area == nil {
		c.refuse(at, "one", "want exactly one of within and intersects")
		return
	}
	relation := "/intersects"
	if within {
		relation = "/within"
	}
	at += relation
	if area.Municipality != "" && !IsMunicipality(area.Municipality) {
		c.refuse(at+"/municipality", "form", "a municipality's code has four digits, such as 0706")
	}
	c.outlines += len(area.WKT)
	switch {
	case c.outlines > maxShapes:
	case area.WKT == "" && area.Municipality == "":
		c.refuse(at, "required", "want a municipality, or an area as wkt")
	case area.WKT != "":
		if _, err := c.shapes.of(area.WKT); err != nil {
			c.refuse(at+"/wkt", "geometry", fault.Of(err).Detail)
		}
	}
}

// Resolve fills in the outlines of municipalities that stand without, from a register's; pointers start with at. One
// that is not found is refused: nobody could say which events lie in it.
func (f *Filter) Resolve(at string, shapeOf func(code string) (wkt string, found bool)) (missing []fault.Violation) {
	if f == nil {
		return nil
	}
	for i, part := range f.All {
		missing = append(missing, part.Resolve(at+"/all/"+strconv.Itoa(i), shapeOf)...)
	}
	for i, part := range f.Any {
		missing = append(missing, part.Resolve(at+"/any/"+strconv.Itoa(i), shapeOf)...)
	}
	if f.Place == nil {
		return missing
	}
	for name, area := range map[string]*Area{"within": f.Place.Within, "intersects": f.Place.Intersects} {
		if area == nil || area.WKT != "" || !IsMunicipality(area.Municipality) {
			continue
		}
		wkt, found := shapeOf(area.Municipality)
		if !found {
			missing = append(missing, fault.Violation{
				Pointer: at + "/place/" + name + "/municipality", Rule: "exists", Message: "this hub knows no such municipality; give its outline as wkt",
			})
			continue
		}
		area.WKT = wkt
	}
	return missing
}
