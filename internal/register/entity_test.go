package register

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// names is a register of one type.
func names() *Register {
	return &Register{Name: "names", Source: "names", Types: []EntityType{{
		Name: "Stednavn", Row: "rowid", Object: []string{"space", "id"}, Columns: []Column{
			{Name: "rowid", Required: true}, {Name: "space", Required: true}, {Name: "id", Required: true}, {Name: "navn"}, {Name: "antal", Type: Integer},
			{Name: "feltliste", EventOnly: true}, {Name: "årsag", EventOnly: true, Required: true},
		},
	}}}
}

func maker(t testing.TB, r *Register) *Maker {
	t.Helper()
	hasher, err := event.NewHasher(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMaker(r, hasher)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// entity has fields written as "name=value name=value"; a value of "-" is xsi:nil.
func entity(t *EntityType, action Action, fields string) *Entity {
	e := &Entity{Number: 7, Line: 70, Type: t, Action: action, Event: NoEvent}
	for i, field := range strings.Fields(fields) {
		name, value, _ := strings.Cut(field, "=")
		f := Field{Column: t.Find(name), Value: value, Line: int64(71 + i)}
		if value == "-" {
			f.Value, f.Nil = "", true
		}
		e.Fields = append(e.Fields, f)
	}
	return e
}

const (
	sound  = "rowid=1 space=s id=2 årsag=ny status=gældende registreringFra=2020-01-01T00:00:00 virkningFra=2020-01-01T00:00:00"
	closed = "rowid=1 registreringTil=2020-02-01T00:00:00"
)

func TestF10WhatAnOperationMaySay(t *testing.T) {
	t.Parallel()
	of, zone := &names().Types[0], copenhagen(t)
	without := func(name string) string {
		var rest []string
		for _, field := range strings.Fields(sound) {
			if !strings.HasPrefix(field, name+"=") {
				rest = append(rest, field)
			}
		}
		return strings.Join(rest, " ")
	}
	for name, c := range map[string]struct {
		action Action
		fields string
		want   string // the violations, as "column rule"
	}{
		"create":                          {Create, sound, ""},
		"with everything":                 {Create, sound + " navn=x antal=-1 feltliste=x registreringTil=2020-01-01T00:00:00.000001 virkningTil=2021-01-01T00:00:00Z registreringsaktør=a virkningsaktør=b", ""},
		"ends that say nothing":           {Create, sound + " registreringTil= virkningTil=- antal=", ""},
		"without a row":                   {Create, without("rowid"), "rowid required"},
		"without an object":               {Create, without("id"), "id required"},
		"without registreringFra":         {Create, without("registreringFra"), "registreringFra required"},
		"without virkningFra":             {Create, without("virkningFra"), "virkningFra required"},
		"without status":                  {Create, without("status"), "status required"},
		"with a status that says nothing": {Create, without("status") + " status=-", "status required"},
		"without what only events have":   {Create, without("årsag"), "årsag required"},
		"of another type":                 {Create, sound + " antal=1.5", "antal type"},
		"registered for no time":          {Create, sound + " registreringTil=2020-01-01T00:00:00", "registreringTil interval"},
		"in effect before it is":          {Create, sound + " virkningTil=2019-12-31T23:59:59", "virkningTil interval"},
		"several":                         {Create, without("status") + " antal=x virkningTil=x", "antal type, virkningTil type, status required"},

		"update":                     {Update, closed, ""},
		"update with event-only":     {Update, closed + " feltliste=navn årsag=død", ""},
		"update of another column":   {Update, closed + " navn=y", "navn update"},
		"update of the effect":       {Update, closed + " virkningTil=2020-01-01T00:00:00", "virkningTil update"},
		"update of the object":       {Update, closed + " id=2", "id update"},
		"update of nothing":          {Update, "rowid=1", "registreringTil required"},
		"update of no row":           {Update, "registreringTil=2020-02-01T00:00:00", "rowid required"},
		"update that takes the end":  {Update, "rowid=1 registreringTil=-", "registreringTil required"},
		"update to another than one": {Update, "rowid=1 registreringTil=x", "registreringTil type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := entity(of, c.action, c.fields)
			var got []string
			for _, v := range e.Check(zone) {
				column := strings.TrimPrefix(v.Pointer, "/DatafordelerDataDelivery/Data/DataEntity[7]/Stednavn/")
				got = append(got, column+" "+v.Rule)
				if f := e.Field(column); f != nil && v.Line != f.Line || f == nil && v.Line != e.Line {
					t.Errorf("%s is at line %d", column, v.Line)
				}
			}
			if got := strings.Join(got, ", "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// What a reader has not looked at makes no row.
func TestWhatIsNotSoundMakesNothing(t *testing.T) {
	t.Parallel()
	r := names()
	m, of := maker(t, r), &r.Types[0]
	if _, err := m.Row(entity(of, Create, "rowid=1")); !fault.Has(err, fault.InvalidDocument) {
		t.Error(err)
	}
	if _, err := m.Row(entity(of, Update, closed)); !fault.Has(err, fault.InvalidDocument) {
		t.Error(err)
	}
	if _, err := m.Row(&Entity{Message: []byte("<Haendelsesbesked/>")}); !fault.Has(err, fault.InvalidDocument) {
		t.Error(err)
	}
	if _, err := m.Closing(entity(of, Create, sound)); !fault.Has(err, fault.InvalidDocument) {
		t.Error(err)
	}
	if _, err := m.Closing(entity(of, Update, "rowid=1")); !fault.Has(err, fault.InvalidDocument) {
		t.Error(err)
	}
}

func TestF12WhereAnEntityStands(t *testing.T) {
	t.Parallel()
	of := &names().Types[0]
	for _, c := range []struct {
		e      *Entity
		column string
		want   string
		line   int64
	}{
		{entity(of, Create, sound), "space", "/DataEntity[7]/Stednavn/space", 72},
		{entity(of, Create, sound), "antal", "/DataEntity[7]/Stednavn/antal", 70},
		{entity(of, Create, sound), "", "/DataEntity[7]/Stednavn", 70},
		{&Entity{Number: 8, Line: 80}, "", "/DataEntity[8]", 80},
		{&Entity{Number: 9, Line: 90, Bare: true}, "", "/Haendelsesbesked[9]", 90},
	} {
		v := c.e.Violation(c.column, "rule", "message")
		if v.Pointer != "/DatafordelerDataDelivery/Data"+c.want || v.Line != c.line || v.Rule != "rule" || v.Message != "message" {
			t.Errorf("%s: %+v", c.want, v)
		}
	}
}

// The vectors of F9: what was known when, about when.
func TestF9WorkedTables(t *testing.T) {
	t.Parallel()
	r := names()
	m, of, zone := maker(t, r), &r.Types[0], copenhagen(t)
	var rows []Row
	for _, operation := range []struct {
		action Action
		fields string
	}{
		{Create, "rowid=1 space=s id=xxxx årsag=ny status=g navn=Grøndahl registreringFra=2016-09-01T00:00:00 virkningFra=2016-10-01T00:00:00"},
		{Update, "rowid=1 registreringTil=2016-09-07T00:00:00"},
		{Create, "rowid=2 space=s id=xxxx årsag=ny status=g navn=Grøndal registreringFra=2016-09-07T00:00:00 virkningFra=2016-10-01T00:00:00"},
		{Create, "rowid=3 space=s id=yyyy årsag=ny status=g navn=Aabakke registreringFra=2016-11-01T00:00:00 virkningFra=2016-12-01T00:00:00"},
		{Update, "rowid=3 registreringTil=2017-01-04T00:00:00"},
		{Create, "rowid=4 space=s id=yyyy årsag=ny status=g navn=Aabakke registreringFra=2017-01-04T00:00:00 virkningFra=2016-12-01T00:00:00 virkningTil=2017-02-01T00:00:00"},
		{Create, "rowid=5 space=s id=yyyy årsag=ny status=g navn=Åbakke registreringFra=2017-01-04T00:00:00 virkningFra=2017-02-01T00:00:00"},
	} {
		e := entity(of, operation.action, operation.fields)
		if operation.action == Create {
			row, err := m.Row(e)
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
			continue
		}
		closing, err := m.Closing(e)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			if rows[i].ID == closing.Row {
				rows[i].Registration.To = closing.At
			}
		}
	}
	for i := range rows {
		for j := range rows[:i] {
			if rows[i].Object == rows[j].Object && rows[i].Clashes(&rows[j]) {
				t.Errorf("rows %d and %d say two things at once", j, i)
			}
		}
	}
	for _, c := range []struct{ object, registered, effective, want string }{
		{"xxxx", "2016-08-31", "2016-10-01", ""},
		{"xxxx", "2016-09-01", "2016-10-01", "Grøndahl"},
		{"xxxx", "2016-09-06", "2020-01-01", "Grøndahl"},
		{"xxxx", "2016-09-07", "2020-01-01", "Grøndal"},
		{"xxxx", "2016-09-07", "2016-09-30", ""},
		{"yyyy", "2016-12-15", "2017-03-01", "Aabakke"},
		{"yyyy", "2017-01-05", "2017-03-01", "Åbakke"},
		{"yyyy", "2017-01-05", "2017-01-20", "Aabakke"},
		{"yyyy", "2017-01-04", "2017-02-01", "Åbakke"},
		{"yyyy", "2017-01-04", "2017-01-31", "Aabakke"},
	} {
		registered, _ := ParseInstant(c.registered+"T00:00:00", zone)
		effective, _ := ParseInstant(c.effective+"T00:00:00", zone)
		var got []string
		for i := range rows {
			if rows[i].Object == r.ObjectHandle(m.handler, of, "s", c.object) && rows[i].Known(registered, effective) {
				var data map[string]string
				if err := json.Unmarshal(rows[i].Data, &data); err != nil {
					t.Fatal(err)
				}
				got = append(got, data["navn"])
			}
		}
		if strings.Join(got, "+") != c.want {
			t.Errorf("%s as known %s about %s is %q, want %q", c.object, c.registered, c.effective, got, c.want)
		}
	}
}

// F12: what only events have is told and not kept.
func TestF12WhatIsKeptAndTold(t *testing.T) {
	t.Parallel()
	of := &names().Types[0]
	e := entity(of, Create, "navn=\"Å\\\u200b<>& rowid=1 feltliste=navn antal=- space=")
	if got, want := string(e.Kept()), `{"navn":"\"Å\\`+"\u200b"+`<>&","rowid":"1","antal":null,"space":""}`; got != want {
		t.Errorf("kept %s, want %s", got, want)
	}
	if got, want := string(e.Told()), `{"navn":"\"Å\\`+"\u200b"+`<>&","rowid":"1","feltliste":"navn","antal":null,"space":""}`; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	if got := string(entity(of, Create, "feltliste=x").Kept()); got != "{}" {
		t.Errorf("kept %s", got)
	}
}

// F11: the event of an update tells of the row that it ends.
func TestF11WhatAnUpdateTells(t *testing.T) {
	t.Parallel()
	of := &names().Types[0]
	e := entity(of, Update, closed+" feltliste=-")
	for kept, want := range map[string]string{
		`{"rowid":"1","navn":"Å \"","antal":null,"registreringTil":""}`: `{"navn":"Å \"","antal":null,"rowid":"1","registreringTil":"2020-02-01T00:00:00","feltliste":null}`,
		`{}`: `{"rowid":"1","registreringTil":"2020-02-01T00:00:00","feltliste":null}`,
		``:   "", `[]`: "", `{"navn":`: "", `{"navn":1`: "", `null`: "",
	} {
		got, err := e.ToldOver([]byte(kept))
		if (err == nil) != (want != "") || string(got) != want {
			t.Errorf("%s: got %s %v, want %s", kept, got, err, want)
		}
	}
}

func TestColumnTypes(t *testing.T) {
	t.Parallel()
	zone := copenhagen(t)
	for of, texts := range map[ColumnType]struct{ sound, unsound []string }{
		Text:     {[]string{"x", " "}, nil},
		"":       {[]string{"x"}, nil},
		Integer:  {[]string{"0", "-1", "+1", "007", strings.Repeat("9", 50)}, []string{"1.0", "--1", "+-1", "-", "+", "1 ", "x", "1e3", "٣"}},
		Decimal:  {[]string{"0", "-1.5", "+1.", ".5", "1"}, []string{".", "-", "1,5", "1.5.2", "1e3", "NaN", "+-1", "1.-5", "0x1"}},
		Boolean:  {[]string{"true", "false", "1", "0"}, []string{"TRUE", "yes", "2"}},
		Instant:  {[]string{"2020-01-01T00:00:00"}, []string{"2020-01-01"}},
		Date:     {[]string{"2020-02-29"}, []string{"2021-02-29", "2020-1-1", "20200101", "2020-01-01Z", "2020-13-01", "0000-01-01"}},
		UUID:     {[]string{"f90c19c0-39da-45f2-9093-fd6afe4335ca", "F90C19C0-39DA-45F2-9093-FD6AFE4335CA"}, []string{"f90c19c039da45f29093fd6afe4335ca", "g90c19c0-39da-45f2-9093-fd6afe4335ca", "f90c19c0-39da-45f2-9093-fd6afe4335ca0", "f90c19c0-39da-45f2-9093_fd6afe4335ca", "-90c19c0-39da-45f2-9093-fd6afe4335ca"}},
		Geometry: {[]string{"POINT (1 2)", "multipolygon(((1 2,3 4,5 6,1 2)))", "POINT Z (1 2 3)", "SRID=4326;POINT (10 55)", "POINT EMPTY"}, []string{"POINT", "CIRCLE (1 2)", "1 2", "<a/>", `{"type":"Point","coordinates":[1,2]}`, "POINT (1)", "POLYGON ((1 2,3 4))"}},
	} {
		for _, text := range texts.sound {
			if message := of.refusal(text, zone); message != "" {
				t.Errorf("%s %q is refused: %s", of, text, message)
			}
		}
		for _, text := range texts.unsound {
			if of.refusal(text, zone) == "" {
				t.Errorf("%s %q is taken", of, text)
			}
		}
	}
}
