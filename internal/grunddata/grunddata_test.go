package grunddata_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/grunddata"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/oracle"
)

var update = flag.Bool("update", false, "write the golden files anew")

const conformance = "../../conformance/datafordeler"

func file(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(conformance, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// golden holds what was written to a file of the conformance folder.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(filepath.Join(conformance, name), got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := file(t, name); string(got) != string(want) {
		t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
	}
}

// compiled is a version of a type with a mapping.
func compiled(t testing.TB, name string, mapping []byte, change func(fields map[string]string)) *event.Compiled {
	t.Helper()
	v := &event.Version{Type: name, Version: "v1", State: event.StateDraft}
	if err := json.Unmarshal(mapping, &v.Mapping); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(v.Mapping.Fields)
	}
	order := event.OrderNone
	if v.Mapping.Fields["key"] != "" {
		order = event.OrderKey
	}
	c, violations := event.Compile(&event.Type{Name: name, Title: "T", Order: order, Retention: "P6M"}, v, time.UTC)
	if violations != nil {
		t.Fatal(violations)
	}
	return c
}

func of(t testing.TB, name, data string) *event.Event {
	t.Helper()
	id, err := ident.Parse("f90c19c0-39da-45f2-9093-fd6afe4335ca")
	if err != nil {
		t.Fatal(err)
	}
	recorded, ok := event.ParseTime("2016-08-07T05:01:24.527083Z")
	if !ok {
		t.Fatal("time")
	}
	return &event.Event{
		Position: 1878, Recorded: recorded, ID: id, Source: "urn:register:dagi", Type: name, Version: "v1",
		Time: recorded - 1, MediaType: "application/json", Data: []byte(data),
	}
}

func kommune(t testing.TB, change func(fields map[string]string)) (*event.Compiled, *event.Event) {
	t.Helper()
	return compiled(t, "KommuneinddelingUpdate", file(t, "kommuneinddeling-update.mapping.json"), change),
		of(t, "KommuneinddelingUpdate", string(file(t, "kommuneinddeling-update.event.json")))
}

func made(t testing.TB, version *event.Compiled, e *event.Event) *grunddata.Message {
	t.Helper()
	m, err := grunddata.FromEvent(version, e)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func written(t testing.TB, m *grunddata.Message) []byte {
	t.Helper()
	text, err := m.AppendXML(nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestF14bWorkedExample: the correction of a municipality's geometry becomes the message that the documentation prints,
// word for word, but for where geometry stands.
func TestF14bWorkedExample(t *testing.T) {
	t.Parallel()
	version, e := kommune(t, nil)
	m := made(t, version, e)
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	printed, err := grunddata.ReadXML(file(t, "as-printed/kommuneinddeling-update.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m, printed) {
		t.Errorf("got  %s\nwant %s", written(t, m), written(t, printed))
	}
	golden(t, "kommuneinddeling-update.json", m.AppendJSON(nil))
	golden(t, "kommuneinddeling-update.xml", written(t, m))
	golden(t, "kommuneinddeling-update.bare.json", m.AppendBare(nil))
}

// TestF29EveryMember: what the pushed sample and the service's schema have between them is read and written, in both
// formats, and stays what it was on the way.
func TestF29EveryMember(t *testing.T) {
	t.Parallel()
	text := file(t, "ejerskab-delete.json")
	m, err := grunddata.ReadJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(); err != nil {
		t.Error(err)
	}
	golden(t, "ejerskab-delete.json", m.AppendJSON(nil))
	golden(t, "ejerskab-delete.xml", written(t, m))
	if !m.NeedsReceipt() {
		t.Error("no receipt is asked for")
	}
	again, err := grunddata.ReadXML(written(t, m))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := written(t, again), written(t, m); string(got) != string(want) {
		t.Errorf("read again from XML:\n%s\n%s", got, want)
	}
	m.Beskeddata, again.Beskeddata = nil, nil // XML does not tell numbers and nothing from text
	if !reflect.DeepEqual(m, again) {
		t.Errorf("got  %+v\nwant %+v", again, m)
	}
}

// TestF29AsPrinted: what is pushed, in the documentation's literal shape, is written with every member and null.
func TestF29AsPrinted(t *testing.T) {
	t.Parallel()
	text := file(t, "as-printed/matrikulaersag-create.json")
	m, err := grunddata.ReadJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	for _, parse := range []error{json.Unmarshal(m.AppendBare(nil), &got), json.Unmarshal(text, &want)} {
		if parse != nil {
			t.Fatal(parse)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	const missing = "/Hændelsesbesked/beskedID required; /Hændelsesbesked/Beskedkuvert/Filtreringsdata/Objektregistrering/0/registreringstid required; " +
		"/Hændelsesbesked/Beskedkuvert/Leveranceinformation/dannelsestidspunkt required; /Hændelsesbesked/Beskedkuvert/Leveranceinformation/kildesystem required"
	if got := rules(m.Check()); got != missing {
		t.Errorf("got  %s\nwant %s", got, missing)
	}
}

func rules(err error) string {
	if err == nil {
		return ""
	}
	if !fault.Has(err, fault.InvalidMessage) {
		return err.Error()
	}
	var all []string
	for _, v := range fault.Of(err).Violations {
		all = append(all, v.Pointer+" "+v.Rule)
	}
	if all == nil {
		return fault.Of(err).Detail
	}
	return strings.Join(all, "; ")
}

// TestF4SchemasHold: the golden files are valid by the schemas of the conformance folder, which are read by other programs.
func TestF4SchemasHold(t *testing.T) {
	t.Parallel()
	schema, violations := event.CompileSchema(file(t, "haendelsesbesked.schema.json"))
	if violations != nil {
		t.Fatal(violations)
	}
	for name, valid := range map[string]bool{
		"kommuneinddeling-update.json": true, "ejerskab-delete.json": true,
		"kommuneinddeling-update.bare.json": false, "as-printed/matrikulaersag-create.json": false,
	} {
		tree, v := event.Tree(file(t, name))
		if v != nil {
			t.Fatal(v)
		}
		if found := schema.Check(tree, ""); (len(found) == 0) != valid {
			t.Errorf("%s: %v", name, found)
		}
	}
	xmllint := oracle.Program(t, "xmllint")
	for name, valid := range map[string]bool{
		"kommuneinddeling-update.xml": true, "ejerskab-delete.xml": true, "as-printed/kommuneinddeling-update.xml": false,
	} {
		out, err := exec.Command(xmllint, "--nonet", "--noout", "--schema", filepath.Join(conformance, "haendelsesbesked.xsd"), filepath.Join(conformance, name)).CombinedOutput()
		if (err == nil) != valid {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// TestF13MappedFields: what is not mapped, or finds nothing, is left out; what every message has is filled in.
func TestF13MappedFields(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fields map[string]string
		want   []string // what the JSON has
		not    []string
	}{
		"what is not mapped": {nil, []string{`"beskedansvarligAktør":""`}, []string{"transaktionsID", "tilladtModtager", "Modtagerhandling", "RelateretObjekt", "null"}},
		"nothing to say": {map[string]string{"besked.objekthandling": "Load(none)", "besked.status": "", "besked.stedbestemmelse": "Load(none)"},
			[]string{`"objektID":"20059189"`}, []string{"objekthandling", "status", "Stedbestemmelse"}},
		"a related object": {map[string]string{"besked.relateretObjektID": "Load(id_lokalId)", "besked.relateretObjekttype": "Constant(Kommune)"},
			[]string{`"RelateretObjekt":[{"objektID":"10389119","objekttype":"Kommune"}]`}, nil},
		"no related object": {map[string]string{"besked.relateretObjektID": "Load(none)", "besked.relateretObjekttype": "Constant(Kommune)"},
			nil, []string{"RelateretObjekt"}},
		"a place by reference": {map[string]string{"besked.stedbestemmelse": "Constant(http://data.gov.dk/dagi/kommune#) + Load(landekode)"},
			[]string{`"Stedbestemmelse":{"stedbestemmelseReference":"http://data.gov.dk/dagi/kommune#DK"}`}, nil},
		"F40: a receipt": {map[string]string{"besked.handling": "Constant(Kvittering)", "besked.responsmodtager": "Constant(DAGI)"},
			[]string{`"Modtagerhandling":{"handling":"Kvittering","responsmodtager":"DAGI"}`}, nil},
		"where it is from": {map[string]string{"besked.kildesystem": "", "besked.transaktionsID": "Constant(t1)", "besked.beskedansvarligAktør": "Constant(SDFI)"},
			[]string{`"kildesystem":"urn:register:dagi"`, `"transaktionsID":"t1"`, `"beskedansvarligAktør":"SDFI"`}, nil},
		"another reference": {map[string]string{"besked.objektreference": "Load(id_lokalId)"},
			[]string{`"Beskeddata":[{"Objektreference":{"objektreference":"10389119"}}]`}, nil},
	} {
		version, e := kommune(t, func(fields map[string]string) {
			for field, expression := range c.fields {
				if fields[field] = expression; expression == "" {
					delete(fields, field)
				}
			}
		})
		m := made(t, version, e)
		if err := m.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text := string(m.AppendJSON(nil))
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %s in %s", name, want, text)
			}
		}
		for _, not := range c.not {
			if strings.Contains(text, not) {
				t.Errorf("%s: there is %s in %s", name, not, text)
			}
		}
	}
}

// TestF3TheTypeSaysWhatHappened: the type of an event, object type and operation in one, is its message's.
func TestF3TheTypeSaysWhatHappened(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"Create", "Update", "Delete"} {
		name := "Kommuneinddeling" + operation
		version := compiled(t, name, file(t, "kommuneinddeling-update.mapping.json"), nil)
		m := made(t, version, of(t, name, string(file(t, "kommuneinddeling-update.event.json"))))
		filter := m.Beskedkuvert.Filtreringsdata
		if filter.Beskedtype != name || filter.Objektregistrering[0].Objekttype != "Kommuneinddeling" {
			t.Errorf("%s: %s", name, m.AppendJSON(nil))
		}
	}
}

// TestF5ObjekthandlingIsTheRegisters: a label, a list of fields, or whatever a register joins together.
func TestF5ObjekthandlingIsTheRegisters(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"Constant(Create)": "Create",
		"Load(feltliste)":  "geometri",
		"Load(none)":       "",
		`Load(status)+";KommuneTidligere:"+Load(id_lokalId)+"; KommuneNuvaerende:"+Load(objectid)`: "vedtaget;KommuneTidligere:10389119; KommuneNuvaerende:20059189",
	} {
		version, e := kommune(t, func(fields map[string]string) { fields["besked.objekthandling"] = expression })
		if got := made(t, version, e).Beskedkuvert.Filtreringsdata.Objektregistrering[0].Objekthandling; got != want {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
	}
}

// TestF38TimesAreDanish: an event is dated when it was recorded, with the offset of the day; the register's own times stay as
// they were written.
func TestF38TimesAreDanish(t *testing.T) {
	t.Parallel()
	version, e := kommune(t, nil)
	for recorded, want := range map[string]string{
		"2016-08-07T05:01:24.527083Z": "2016-08-07T07:01:24.5270830+02:00",
		"2017-01-04T23:30:00Z":        "2017-01-05T00:30:00.0000000+01:00",
	} {
		e.Recorded, _ = event.ParseTime(recorded)
		m := made(t, version, e)
		if got := m.Beskedkuvert.Leveranceinformation.Dannelsestidspunkt; got != want {
			t.Errorf("%s: %s, want %s", recorded, got, want)
		}
		if got := m.Beskedkuvert.Filtreringsdata.Objektregistrering[0].Registreringstid; got != "2016-08-07T02:10:00.000000" {
			t.Errorf("registreringstid %s", got)
		}
	}
}

// TestF2ReadyMessages: what a register has made ready goes out as it is, under the hub's message id.
func TestF2ReadyMessages(t *testing.T) {
	t.Parallel()
	asJSON, asXML := string(file(t, "ejerskab-delete.json")), string(file(t, "as-printed/kommuneinddeling-update.xml"))
	quoted := func(text string) string {
		out, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	for name, c := range map[string]struct{ pointer, data, beskedtype string }{
		"a part of the data":     {"/besked", `{"n":1,"besked":` + asJSON + `}`, "EjerskabDelete"},
		"all of the data":        {"Load()", asJSON, "EjerskabDelete"},
		"text of JSON":           {"Load(besked)", `{"besked":` + quoted(" \n"+asJSON) + `}`, "EjerskabDelete"},
		"text of XML":            {"Load(besked)", `{"besked":` + quoted("\n "+asXML) + `}`, "KommuneinddelingUpdate"},
		"without wrapper, nulls": {"Load()", string(file(t, "as-printed/matrikulaersag-create.json")), "MatrikulaerSagCreate"},
	} {
		version := compiled(t, "ready", []byte(`{"besked.message":"`+c.pointer+`"}`), nil)
		m, err := grunddata.FromEvent(version, of(t, "ready", c.data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		info := m.Beskedkuvert.Leveranceinformation
		if m.Beskedkuvert.Filtreringsdata.Beskedtype != c.beskedtype || m.BeskedID != "f90c19c0-39da-45f2-9093-fd6afe4335ca" || info.Dannelsestidspunkt == "" || info.Kildesystem == "" {
			t.Errorf("%s: %s", name, m.AppendJSON(nil))
		}
	}
}

// TestF2ReadyMessagesAreHeldToTheirMessage: what could not be sent is found before it is taken in.
func TestF2ReadyMessagesAreHeldToTheirMessage(t *testing.T) {
	t.Parallel()
	const short = `{"Hændelsesbesked":{"beskedversion":"1.0","Beskedkuvert":{"Filtreringsdata":{"beskedtype":"A","Objektregistrering":[{"objektID":"1","registreringstid":"t"}]},"Leveranceinformation":{"sikkerhedsklassificering":"s"}}}}`
	for name, c := range map[string]struct{ mapping, data, want string }{
		"fine":            {`{"besked.message":"/b"}`, `{"b":` + leastJSON + `}`, ""},
		"a member short":  {`{"besked.message":"/b"}`, `{"b":` + short + `}`, "/data/b/Hændelsesbesked/Beskedkuvert/Filtreringsdata/Objektregistrering/0/objekttype required"},
		"all of the data": {`{"besked.message":"Load()"}`, `{"x":1}`, "/data besked"},
		"not there":       {`{"besked.message":"/b"}`, `{"x":1}`, "/data/b besked"},
		"none is ready":   {`{}`, `{"x":1}`, ""},
	} {
		var got []string
		for _, v := range grunddata.Unfit(compiled(t, "x", []byte(c.mapping), nil), []byte(c.data)) {
			got = append(got, v.Pointer+" "+v.Rule)
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: got %s\nwant %s", name, got, c.want)
		}
	}
}

// TestS23EventsThatAreNoMessage: what is wrong is told, and no value of it.
func TestS23EventsThatAreNoMessage(t *testing.T) {
	t.Parallel()
	message := func(pointer string) *event.Compiled {
		return compiled(t, "x", []byte(`{"besked.message":"`+pointer+`"}`), nil)
	}
	full, _ := kommune(t, nil)
	for name, c := range map[string]struct {
		version *event.Compiled
		media   string
		data    string
		want    string
	}{
		"no mapping":       {compiled(t, "x", []byte(`{}`), nil), "application/json", `{}`, "the mapping of version v1 of type x says nothing of a Hændelsesbesked"},
		"no JSON":          {full, "text/plain", "0101801234", "the data is not JSON"},
		"broken JSON":      {full, "application/json", `{"a":0101801234}`, "/data json"},
		"no data":          {full, "application/json", ``, "the data is not JSON"},
		"no scalar":        {full, "application/json", `{"objectid":{"x":"0101801234"}}`, "/data/objectid scalar"},
		"nothing there":    {message("/none"), "application/json", `{"a":"0101801234"}`, "the data has nothing where"},
		"a number there":   {message("/a"), "application/json", `{"a":5}`, " besked"},
		"null there":       {message("/a"), "application/json", `{"a":null}`, " besked"},
		"text of nothing":  {message("/a"), "application/json", `{"a":"0101801234 xyz"}`, " json"},
		"text of bad XML":  {message("/a"), "application/json", `{"a":"<0101801234"}`, " xml"},
		"JSON without one": {message("/a"), "application/json", `{"a":{"0101801234":1}}`, " besked"},
	} {
		e := of(t, "x", c.data)
		e.MediaType = c.media
		m, err := grunddata.FromEvent(c.version, e)
		if m != nil || err == nil || !strings.HasPrefix(rules(err), c.want) || strings.Contains(err.Error(), "0101801234") {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
