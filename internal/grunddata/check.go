package grunddata

import (
	"strconv"

	"github.com/varselhub/varsel/internal/fault"
)

// Check holds the message to what every Hændelsesbesked must say. The error is a fault InvalidMessage that names members
// and tells no value: a message that breaks it is not sent.
func (m *Message) Check() error {
	c := checker{at: "/" + root}
	m.walk(&c)
	filter := &m.Beskedkuvert.Filtreringsdata
	if len(filter.Objektregistrering) == 0 {
		c.refuse("/Beskedkuvert/Filtreringsdata/Objektregistrering", "required", "a message is about one registration or more")
	}
	for i, o := range filter.Objektregistrering {
		if s := o.Stedbestemmelse; s != nil && (s.Reference == "") == (s.Geometri == "") {
			c.refuse("/Beskedkuvert/Filtreringsdata/Objektregistrering/"+strconv.Itoa(i)+"/Stedbestemmelse", "one", "want either a reference or a geometry")
		}
	}
	for i, d := range m.Beskeddata {
		if (d.Objektreference == "") == (d.Objektdata == nil) {
			c.refuse("/Beskeddata/"+strconv.Itoa(i), "one", "want either Objektreference or Objektdata")
		}
	}
	return fault.Invalid(fault.InvalidMessage, c.found)
}

// checker is the walker that finds which members are missing.
type checker struct {
	at    string
	found []fault.Violation
}

func (c *checker) refuse(pointer, rule, message string) {
	c.found = append(c.found, fault.Violation{Pointer: c.at + pointer, Rule: rule, Message: message})
}

func (c *checker) text(name string, n need, value *string) {
	if n == filled && *value == "" {
		c.refuse("/"+name, "required", "every such message has it")
	}
}

func (c *checker) texts(name string, values *[]string) {
	seen := make(map[string]bool, len(*values))
	for i, value := range *values {
		if seen[value] {
			c.refuse("/"+name+"/"+strconv.Itoa(i), "unique", "stands there twice")
		}
		seen[value] = true
	}
}

func (c *checker) part(name string, there bool, walk func(walker)) {
	if there {
		c.below("/"+name, walk)
	}
}

func (c *checker) list(name string, length int, walk func(i int, w walker)) {
	for i := range length {
		c.below("/"+name+"/"+strconv.Itoa(i), func(w walker) { walk(i, w) })
	}
}

func (c *checker) below(step string, walk func(walker)) {
	outer := c.at
	c.at += step
	walk(c)
	c.at = outer
}

func (c *checker) reference(*string) {}

func (c *checker) data(string, **Data) {}
