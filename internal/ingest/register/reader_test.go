package register_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	reading "github.com/varselhub/varsel/internal/ingest/register"
	"github.com/varselhub/varsel/internal/register"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is the register of the deliveries in testdata.
func sample() *register.Register {
	return &register.Register{
		Name: "dagi", Source: "dagi", Types: []register.EntityType{
			{
				Name: "Kommuneinddeling", Namespace: "http://data.gov.dk/schemas/dagi/1", Row: "objectid", Object: []string{"id_namespace", "id_lokalId"},
				Columns: []register.Column{
					{Name: "objectid", Type: register.Integer, Required: true}, {Name: "feltliste", EventOnly: true},
					{Name: "id_namespace", Required: true}, {Name: "id_lokalId", Required: true},
					{Name: "landekode"}, {Name: "skala"}, {Name: "geometri", Type: register.Geometry},
				},
			},
			{
				Name: "Stednavn", Namespace: "urn:example:stednavne", Row: "rowid", Object: []string{"id_lokalId"},
				Columns: []register.Column{
					{Name: "rowid", Required: true}, {Name: "id_lokalId", Required: true}, {Name: "feltliste", EventOnly: true}, {Name: "navn"},
					{Name: "areal", Type: register.Decimal}, {Name: "antal", Type: register.Integer}, {Name: "gælder", Type: register.Boolean},
					{Name: "dato", Type: register.Date}, {Name: "uuid", Type: register.UUID}, {Name: "tom", Type: register.Integer}, {Name: "note"},
					{Name: "sted", Type: register.Geometry},
				},
				Events: map[register.EventKind]string{register.UpdateEvent: "StednavnRettet"},
			},
		},
	}
}

// told is everything that is read of a delivery, and what is made of it, as text.
func told(from io.Reader, limits reading.Limits) string {
	var to strings.Builder
	of := sample()
	hasher, err := event.NewHasher(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		return err.Error()
	}
	maker, err := register.NewMaker(of, hasher)
	if err != nil {
		return err.Error()
	}
	r := reading.NewReader(from, of, limits)
	for number := 0; ; number++ {
		e, err := r.Next()
		if number == 0 && r.Header().Members != nil {
			fmt.Fprintf(&to, "header %+v\n", r.Header())
		}
		if err != nil {
			fmt.Fprintln(&to, ended(err))
			return to.String()
		}
		tellEntity(&to, maker, e)
	}
}

func ended(err error) string {
	if err == io.EOF {
		return "end"
	}
	var text strings.Builder
	f := fault.Of(err)
	text.WriteString(string(f.Code))
	for _, v := range f.Violations {
		fmt.Fprintf(&text, "\n%s %s: line %d: %s", v.Pointer, v.Rule, v.Line, v.Message)
	}
	if f.Violations == nil {
		text.WriteString("\n" + f.Detail)
	}
	return text.String()
}

func tellEntity(to io.Writer, maker *register.Maker, e *register.Entity) {
	fmt.Fprintf(to, "\n%d, line %d: ", e.Number, e.Line)
	if e.Type == nil {
		fmt.Fprintf(to, "message (bare: %v)\n%s\n", e.Bare, e.Message)
		return
	}
	fmt.Fprintf(to, "%s %s, event %q\n", e.Action, e.Type.Name, e.Type.EventType(e.Event))
	for _, f := range e.Fields {
		fmt.Fprintf(to, "  line %d %s = %q", f.Line, f.Name, f.Value)
		if f.Nil {
			fmt.Fprint(to, " nil")
		}
		fmt.Fprintln(to)
	}
	if e.Action == register.Create {
		row, err := maker.Row(e)
		fmt.Fprintf(to, "row known %s about %s %v\nkept %s\ntold %s\n", span(row.Registration), span(row.Effect), err, row.Data, e.Told())
		return
	}
	closing, err := maker.Closing(e)
	over, overErr := e.ToldOver([]byte(`{"navn":"before","registreringTil":null}`))
	fmt.Fprintf(to, "closing at %s %q %v\ntold %s %v\n", clock.FromMicros(closing.At), closing.Text, err, over, overErr)
}

func span(i register.Interval) string {
	end := "on"
	if i.To != register.Open {
		end = clock.FromMicros(i.To).Format("2006-01-02T15:04:05.999999")
	}
	return clock.FromMicros(i.From).Format("2006-01-02T15:04:05.999999") + " to " + end
}

// golden holds what is told of each delivery in a folder to the file beside it.
func golden(t *testing.T, folder string, each func(t *testing.T, name string, delivery []byte, told string)) {
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.xml"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".xml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			delivery, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := told(bytes.NewReader(delivery), reading.Limits{})
			kept := strings.TrimSuffix(file, ".xml") + ".txt"
			if *update {
				if err := os.WriteFile(kept, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(kept)
			if err != nil || got != string(want) {
				t.Errorf("%v, got\n%s\nwant\n%s", err, got, want)
			}
			if byByte := told(iotest.OneByteReader(bytes.NewReader(delivery)), reading.Limits{}); byByte != got {
				t.Errorf("byte by byte it is\n%s\nwant\n%s", byByte, got)
			}
			each(t, name, delivery, got)
		})
	}
}

// F9, F11, F12, F14b: what stands in a delivery, what is kept of it and what is told.
func TestF12Deliveries(t *testing.T) {
	t.Parallel()
	golden(t, "sound", func(t *testing.T, _ string, _ []byte, told string) {
		if !strings.HasSuffix(told, "end\n") {
			t.Error("it is refused")
		}
	})
}

// Each delivery is refused, with the rule and where it is broken, and without what stands there.
func TestF12WhatIsRefused(t *testing.T) {
	t.Parallel()
	golden(t, "unsound", func(t *testing.T, _ string, _ []byte, told string) {
		if strings.Contains(told, "end\n") || !strings.Contains(told, "invalid-document") {
			t.Error("it is taken")
		}
		for _, line := range strings.Split(told, "\n") {
			if _, message, _ := strings.Cut(line, ": "); strings.Contains(message, "Secret") {
				t.Errorf("a value is told: %s", line)
			}
		}
	})
}

func TestGeometryThatIsAnElement(t *testing.T) {
	t.Parallel()
	const delivery = `<DatafordelerDataDelivery xmlns:s="urn:example:stednavne" xmlns:gml="urn:outer" xmlns="">` +
		`<Data><DataEntity><Action>Create</Action><CreateEvent>NoEvent</CreateEvent><s:Stednavn xmlns:gml="http://www.opengis.net/gml/3.2"><s:rowid>1</s:rowid><s:id_lokalId>1</s:id_lokalId>` +
		`<s:status>1</s:status><s:registreringFra>2020-01-01T00:00:00</s:registreringFra><s:virkningFra>2020-01-01T00:00:00</s:virkningFra>` +
		`<s:sted> <gml:Point srsName="x"><gml:pos>1 2</gml:pos></gml:Point> </s:sted><s:navn>after</s:navn></s:Stednavn></DataEntity></Data></DatafordelerDataDelivery>`
	point := func(d *xml.Decoder, start xml.StartElement) (string, error) {
		var p struct {
			Pos string `xml:"http://www.opengis.net/gml/3.2 pos"`
		}
		if start.Name != (xml.Name{Space: "http://www.opengis.net/gml/3.2", Local: "Point"}) {
			return "", errors.New("it is no point: " + start.Name.Space)
		}
		err := d.DecodeElement(&p, &start)
		return "POINT (" + p.Pos + ")", err
	}
	got := told(strings.NewReader(delivery), reading.Limits{Geometry: point})
	if !strings.Contains(got, `"sted":"POINT (1 2)","navn":"after"`) {
		t.Error(got)
	}
	for name, c := range map[string]struct{ sted, want string }{
		"text before": {"<s:sted>POINT (1 2)<gml:Point/></s:sted>", "Stednavn/sted/Point text: "},
		"text after":  {"<s:sted><gml:Point/>.</s:sted>", "Stednavn/sted text: "},
		"another":     {"<s:sted><gml:Point/><gml:Point/></s:sted>", "Stednavn/sted/Point element: "},
		"not GML":     {"<s:sted><Point/></s:sted>", "Stednavn/sted geometry: "},
	} {
		at, after := strings.Index(delivery, "<s:sted>"), strings.Index(delivery, "<s:navn>")
		got := told(strings.NewReader(delivery[:at]+c.sted+delivery[after:]), reading.Limits{Geometry: point})
		if !strings.Contains(got, "/DatafordelerDataDelivery/Data/DataEntity[1]/"+c.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	refused := func(*xml.Decoder, xml.StartElement) (string, error) {
		return "", fault.New(fault.InvalidDocument, "a curve")
	}
	got = told(strings.NewReader(delivery), reading.Limits{Geometry: refused})
	if !strings.Contains(got, "/DatafordelerDataDelivery/Data/DataEntity[1]/Stednavn/sted geometry: line 1: is no geometry that is known here: a curve") {
		t.Error(got)
	}
}
