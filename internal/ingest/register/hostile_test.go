package register_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	reading "github.com/varselhub/varsel/internal/ingest/register"
)

// around puts a document around what stands in Data.
func around(data string) string {
	return `<DatafordelerDataDelivery xmlns="urn:example:envelope" xmlns:s="urn:example:stednavne"><Data>` + data + `</Data></DatafordelerDataDelivery>`
}

// created is a DataEntity with columns besides those that there must be.
func created(columns string) string {
	return `<DataEntity><Action>Create</Action><CreateEvent>NoEvent</CreateEvent><s:Stednavn><s:rowid>1</s:rowid><s:id_lokalId>1</s:id_lokalId>` +
		`<s:status>1</s:status><s:registreringFra>2020-01-01T00:00:00</s:registreringFra><s:virkningFra>2020-01-01T00:00:00</s:virkningFra>` + columns + `</s:Stednavn></DataEntity>`
}

// Everything has its measure: what is just within it is taken, and what is beyond it is refused.
func TestMeasures(t *testing.T) {
	t.Parallel()
	const limit, whole = 1000, 5000
	limits := reading.Limits{Text: limit, Entity: whole, Depth: 20, Attributes: 10}
	long := func(count int) string { return strings.Repeat("x", count) }
	nested := func(depth int) string { // below the root, Data, DataEntity, the entity and the column
		return created("<s:sted>" + strings.Repeat("<a>", depth) + strings.Repeat("</a>", depth) + "</s:sted>")
	}
	attributes := func(count int, prefix string) string {
		var text strings.Builder
		for i := range count {
			fmt.Fprintf(&text, ` %sa%d="urn:a"`, prefix, i)
		}
		return "<DataEntity" + text.String() + "><Haendelsesbesked/></DataEntity>"
	}
	header := func(text string) string {
		return strings.Replace(around(""), "<Data>", "<Header>"+text+"</Header><Data>", 1)
	}
	for name, c := range map[string]struct{ delivery, rule string }{
		"text within":             {around(created("<s:navn>" + long(limit) + "</s:navn>")), ""},
		"text beyond":             {around(created("<s:navn>" + long(limit+1) + "</s:navn>")), "size"},
		"text in pieces within":   {around(created("<s:navn>" + long(limit/2) + "<!-- -->" + long(limit/2) + "</s:navn>")), ""},
		"text in pieces beyond":   {around(created("<s:navn>" + long(limit/2) + "<![CDATA[" + long(limit/2+1) + "]]></s:navn>")), "size"},
		"text that never ends":    {around(created("<s:navn>" + long(1<<20))), "size"},
		"comment":                 {around("<!--" + long(limit) + "-->"), "size"},
		"instruction":             {around("<?a " + long(limit) + "?>"), "size"},
		"attribute":               {around(`<DataEntity a="` + long(limit) + `"/>`), "size"},
		"tag that never ends":     {around("<" + long(1<<20)), "size"},
		"name":                    {around("<s:" + long(300) + "/>"), "name"},
		"attribute's name":        {around("<DataEntity " + long(300) + `=""/>`), "name"},
		"document type":           {"<!DOCTYPE a [" + long(1<<20), "size"},
		"blank":                   {strings.Repeat(" ", 1<<20), "size"},
		"header's text":           {header("<a>" + long(limit/2) + "<!-- -->" + long(limit/2+1) + "</a>"), "size"},
		"header's members within": {header(strings.Repeat("<a/>", 100)), ""},
		"header's members beyond": {header(strings.Repeat("<a/>", 101)), "count"},
		"geometry within":         {around(created("<s:sted>POINT (" + strings.Repeat(" ", 4000) + "1 2)</s:sted>")), ""},
		"geometry beyond":         {around(created("<s:sted>POINT (" + strings.Repeat(" ", whole) + "1 2)</s:sted>")), "size"},
		"text after a geometry":   {around(created("<s:sted>POINT (1 2)</s:sted><s:navn>" + long(limit+1) + "</s:navn>")), "size"},
		"text after a message":    {around("<Haendelsesbesked/><!--" + long(limit) + "-->"), "size"},
		"many entities":           {around(strings.Repeat(created("<s:navn>"+long(limit)+"</s:navn>"), 10)), ""},
		"much between entities":   {around(created("") + strings.Repeat("<!-- -->\n", whole) + created("")), ""},
		"message within":          {around("<Haendelsesbesked>" + long(4000) + "</Haendelsesbesked>"), ""},
		"message beyond":          {around("<Haendelsesbesked>" + long(whole) + "</Haendelsesbesked>"), "size"},
		"entity":                  {around(created(strings.Repeat("<s:andet>"+long(100)+"</s:andet>", whole/100))), "size"},
		"entity of nothing":       {around("<DataEntity>" + strings.Repeat("<!-- -->\n", whole/8)), "size"},
		"depth within":            {around(nested(15)), "geometry"},
		"depth beyond":            {around(nested(16)), "depth"},
		"depth far beyond":        {around(strings.Repeat("<a>", 10_000)), "depth"},
		"attributes within":       {around(attributes(10, "")), ""},
		"attributes beyond":       {around(attributes(11, "")), "attributes"},
		"attributes far beyond":   {around(attributes(10_000, "")), "size"},
		"namespaces within":       {around(attributes(10, "xmlns:")), ""},
		"namespaces beyond":       {around(attributes(11, "xmlns:")), "attributes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := all(strings.NewReader(c.delivery), limits)
			var rules []string
			if err != nil {
				for _, v := range fault.Of(err).Violations {
					rules = append(rules, v.Rule)
				}
			}
			if got := rules; (c.rule == "") != (err == nil) || c.rule != "" && (len(got) == 0 || got[len(got)-1] != c.rule) {
				t.Errorf("got %v (%v), want %q", got, err, c.rule)
			}
		})
	}
}

// all reads to the end, and returns how many entities there were.
func all(from io.Reader, limits reading.Limits) (entities int, err error) {
	r := reading.NewReader(from, sample(), limits)
	for {
		_, err := r.Next()
		if err == io.EOF {
			return entities, nil
		}
		if err != nil {
			return entities, err
		}
		entities++
	}
}

// What is wrong is counted to a bound, and reading ends there.
func TestViolationsAreBounded(t *testing.T) {
	t.Parallel()
	const count = 1000
	delivery := &counted{from: strings.NewReader(around(strings.Repeat(created("<s:antal>x</s:antal>"), count)+"<a></b>") + strings.Repeat(" ", 1<<20))}
	_, err := all(delivery, reading.Limits{})
	if found := fault.Of(err).Violations; len(found) != event.MaxViolations || delivery.bytes > 200_000 {
		t.Errorf("%d violations after %d bytes", len(found), delivery.bytes)
	}
	many := created(strings.Repeat("<s:andet/>", count))
	if _, err = all(strings.NewReader(around(many)), reading.Limits{}); len(fault.Of(err).Violations) != event.MaxViolations {
		t.Errorf("%d violations of one entity", len(fault.Of(err).Violations))
	}
}

type counted struct {
	from  io.Reader
	bytes int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.bytes += n
	return n, err
}

// A reader that fails is no fault of the delivery, and what it says is kept.
func TestTheReaderFails(t *testing.T) {
	t.Parallel()
	delivery := around(created(""))
	broken := errors.New("the line is gone")
	for name, c := range map[string]struct {
		err  error
		code fault.Code
	}{
		"unknown":   {broken, fault.BadRequest},
		"cut off":   {io.ErrUnexpectedEOF, fault.BadRequest},
		"too large": {fault.New(fault.BodyTooLarge, "more than is taken"), fault.BodyTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := range len(delivery) {
				_, err := all(io.MultiReader(strings.NewReader(delivery[:at]), iotest.ErrReader(c.err)), reading.Limits{})
				if !fault.Has(err, c.code) || !errors.Is(err, c.err) {
					t.Fatalf("after %d bytes: %v", at, err)
				}
			}
		})
	}
}

// A delivery is read in the same memory however long it is. This test is not parallel: it looks at the heap of all.
func TestConstantMemory(t *testing.T) {
	const most = 3 << 20
	before := heap()
	r := reading.NewReader(newGenerated(12<<20), sample(), reading.Limits{})
	for entities := 0; ; entities++ {
		if _, err := r.Next(); err == io.EOF {
			t.Logf("%d entities", entities)
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if entities%4000 == 0 {
			if held := heap() - before; held > most {
				t.Fatalf("after %d entities %d bytes are held", entities, held)
			}
		}
	}
	runtime.KeepAlive(r)
}

// heap is how much is held.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// FuzzReader reads whatever comes: how it comes in pieces changes nothing, what is kept is JSON, and a message is XML by itself.
func FuzzReader(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.xml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		delivery, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(delivery)
	}
	f.Fuzz(func(t *testing.T, delivery []byte) {
		whole := told(bytes.NewReader(delivery), reading.Limits{})
		if pieces := told(iotest.HalfReader(bytes.NewReader(delivery)), reading.Limits{}); pieces != whole {
			t.Errorf("in pieces it is\n%s\nas a whole\n%s", pieces, whole)
		}
		r := reading.NewReader(bytes.NewReader(delivery), sample(), reading.Limits{})
		for {
			e, err := r.Next()
			if err != nil {
				break
			}
			if !json.Valid(e.Kept()) || !json.Valid(e.Told()) {
				t.Errorf("it is no JSON: %s", e.Told())
			}
			if e.Type == nil {
				if err := xml.Unmarshal(e.Message, new(struct{})); err != nil {
					t.Errorf("%v: %s", err, e.Message)
				}
			}
		}
	})
}
