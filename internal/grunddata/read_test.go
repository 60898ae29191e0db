package grunddata_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/grunddata"
)

// least is a message that says just enough, in the spelling that the hub writes.
const (
	leastJSON = `{"Grunddatabesked":{"Hændelsesbesked":{"beskedversion":"1.0","beskedID":"f90c19c0-39da-45f2-9093-fd6afe4335ca","Beskedkuvert":{` +
		`"Filtreringsdata":{"beskedtype":"SagCreate","beskedansvarligAktør":"","Objektregistrering":[{"registreringstid":"2016-08-07T02:10:00","objektID":"1","objekttype":"Sag"}]},` +
		`"Leveranceinformation":{"dannelsestidspunkt":"2016-08-07T07:01:24+02:00","kildesystem":"k","sikkerhedsklassificering":"s"}},` +
		`"Beskeddata":[{"Objektreference":{"objektreference":"1"}}]}}}`
	leastXML = `<Haendelsesbesked xmlns="urn:dk:grunddata:1.0.0"><Beskedversion>1.0</Beskedversion><BeskedId>f90c19c0-39da-45f2-9093-fd6afe4335ca</BeskedId><Beskedkuvert>` +
		`<Filtreringsdata><Beskedtype>SagCreate</Beskedtype><BeskedansvarligAktoer/><Objektregistrering><Registreringstid>2016-08-07T02:10:00</Registreringstid><ObjektId>1</ObjektId><Objekttype>Sag</Objekttype></Objektregistrering></Filtreringsdata>` +
		`<Leveranceinformation><Dannelsestidspunkt>2016-08-07T07:01:24+02:00</Dannelsestidspunkt><Kildesystem>k</Kildesystem><Sikkerhedsklassificering>s</Sikkerhedsklassificering></Leveranceinformation></Beskedkuvert>` +
		`<Beskeddata><Objektreference>1</Objektreference></Beskeddata></Haendelsesbesked>`
)

func least(t testing.TB) *grunddata.Message {
	t.Helper()
	m, err := grunddata.ReadJSON([]byte(leastJSON))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(m.AppendJSON(nil)); got != leastJSON {
		t.Fatalf("got  %s\nwant %s", got, leastJSON)
	}
	if got := string(written(t, m)); got != leastXML {
		t.Fatalf("got  %s\nwant %s", got, leastXML)
	}
	return m
}

// changed is a message in which one text stands for another.
func changed(t testing.TB, text, old, new string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("no %s in %s", old, text)
	}
	return strings.Replace(text, old, new, 1)
}

// Test4c4EverySpellingIsRead: the same message in every shape that the sources print.
func Test4c4EverySpellingIsRead(t *testing.T) {
	t.Parallel()
	want := least(t)
	bare := strings.TrimSuffix(strings.TrimPrefix(leastJSON, `{"Grunddatabesked":`), "}")
	for name, text := range map[string]string{
		"as fetched":                leastJSON,
		"as pushed, bare":           bare,
		"only what stands in it":    strings.TrimSuffix(strings.TrimPrefix(bare, `{"Hændelsesbesked":`), "}"),
		"beskedId":                  changed(t, bare, `"beskedID"`, `"beskedId"`),
		"with nulls":                changed(t, leastJSON, `"beskedtype"`, `"tilladtModtager":null,"RelateretObjekt":null,"tværgåendeProces":null,"beskedtype"`),
		"a reference by the schema": changed(t, leastJSON, `{"Objektreference":{"objektreference":"1"}}`, `{"objektreference":"1"}`),
		"a reference as text":       changed(t, leastJSON, `{"Objektreference":{"objektreference":"1"}}`, `{"Objektreference":"1","Objektdata":null}`),
		"one registration":          changed(t, changed(t, leastJSON, `"Objektregistrering":[`, `"Objektregistrering":`), `"Sag"}]`, `"Sag"}`),
		"a number":                  changed(t, leastJSON, `"objektID":"1"`, `"objektID":1`),
		"a member of others":        changed(t, leastJSON, `"beskedversion"`, `"other":[{"a":{}}],"beskedversion"`),
	} {
		got, err := grunddata.ReadJSON([]byte(text))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
	const namespace = `xmlns="urn:dk:grunddata:1.0.0"`
	for name, text := range map[string]string{
		"as written":          leastXML,
		"as printed":          changed(t, leastXML, namespace, `xmlns:urn="urn:dk:grunddata:1.0.0" xmlns="urn"`),
		"no namespace":        changed(t, leastXML, " "+namespace, ""),
		"a prefix":            strings.ReplaceAll(strings.ReplaceAll(changed(t, leastXML, namespace, `xmlns:urn="urn:dk:grunddata:1.0.0"`), "</", "</urn:"), "<", "<urn:"),
		"a declaration":       `<?xml version="1.0" encoding="utf-8"?>` + leastXML,
		"a wrong declaration": "\ufeff" + ` <?xml version="1.0" encoding="utf-16"?>` + leastXML,
		"empty elements":      changed(t, leastXML, "<Objektregistrering>", "<TilladtModtager/><RelateretObjekt />\n<!-- none --><Objektregistrering>"),
		"spaces":              changed(t, leastXML, ">SagCreate<", ">\n  SagCreate\n<"),
		"BeskedID":            strings.ReplaceAll(leastXML, "BeskedId", "BeskedID"),
		"a wrapper":           "<Grunddatabesked>" + leastXML + "</Grunddatabesked>",
		"CDATA":               changed(t, leastXML, ">SagCreate<", "><![CDATA[SagCreate]]><"),
	} {
		if name == "a prefix" {
			text = strings.ReplaceAll(text, "<urn:/urn:", "</urn:")
		}
		got, err := grunddata.ReadXML([]byte(text))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
}

// Test4c4GeometryIsSettled: what stands as a reference and is geometry becomes geometry; nothing else does.
func Test4c4GeometryIsSettled(t *testing.T) {
	t.Parallel()
	for place, wkt := range map[string]bool{
		"MULTIPOLYGON (((1 2, 3 4)))": true, "point(1 2)": true, "POINT Z (1 2 3)": true, "SRID=25832;POINT (1 2)": true, "POLYGON EMPTY": true,
		"http://data.gov.dk/dagi/kommune#0706": false, "0706": false, "POINT": false, "POINTS (1)": false, "Polygonvej (3)": false, "SRID=": false, "": false,
	} {
		if got := grunddata.IsWKT(place); got != wkt {
			t.Errorf("%q: %v", place, got)
		}
		s := grunddata.At(place)
		switch {
		case place == "" && s != nil, place != "" && s == nil:
			t.Errorf("%q: %+v", place, s)
		case s != nil && (s.Geometri == place) != wkt, s != nil && (s.Reference == place) == wkt:
			t.Errorf("%q: %+v", place, s)
		}
	}
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	t.Parallel()
	deep := func(open, shut string, n int) string { return strings.Repeat(open, n) + strings.Repeat(shut, n) }
	for name, c := range map[string]struct{ text, want string }{
		"nothing":             {"", " json"},
		"half":                {leastJSON[:100], " json"},
		"a list":              {"[]", " besked"},
		"something else":      {`{"secret":1}`, " besked"},
		"a wrapper of text":   {`{"Grunddatabesked":"secret"}`, " besked"},
		"an empty wrapper":    {`{"Grunddatabesked":{}}`, "/Grunddatabesked besked"},
		"a name twice":        {`{"Hændelsesbesked":{"beskedID":"a","beskedID":"b"}}`, " duplicate-name"},
		"two spellings":       {`{"Hændelsesbesked":{"beskedID":"a","beskedId":"b"}}`, "/Hændelsesbesked/beskedID one"},
		"text for members":    {`{"Hændelsesbesked":{"Beskedkuvert":"secret"}}`, "/Hændelsesbesked/Beskedkuvert object"},
		"members for text":    {`{"Hændelsesbesked":{"beskedID":{"secret":1}}}`, "/Hændelsesbesked/beskedID text"},
		"a list for text":     {`{"Hændelsesbesked":{"beskedID":["a","b"]}}`, "/Hændelsesbesked/beskedID one"},
		"text for a register": {`{"Hændelsesbesked":{"Beskedkuvert":{"Filtreringsdata":{"Objektregistrering":["secret"]}}}}`, "/Hændelsesbesked/Beskedkuvert/Filtreringsdata/Objektregistrering/0 object"},
		"too deep":            {deep("[", "]", 65), " depth"},
		"too large":           {`{"a":"` + strings.Repeat("x", grunddata.MaxSize) + `"}`, " size"},
		"no UTF-8":            {"{\"a\":\"\xff\"}", " json"},
	} {
		if m, err := grunddata.ReadJSON([]byte(c.text)); m != nil || rules(err) != c.want || strings.Contains(err.Error(), "secret") {
			t.Errorf("JSON, %s: %v, %v, want %s", name, m, rules(err), c.want)
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"nothing":             {"", " xml"},
		"half":                {leastXML[:100], " xml"},
		"another root":        {"<secret/>", " besked"},
		"an empty one":        {"<Haendelsesbesked/>", " besked"},
		"an empty wrapper":    {"<Grunddatabesked/>", "/Grunddatabesked besked"},
		"another family":      {`<Haendelsesbesked xmlns="urn:oio:besked:kuvert:1.0"><BeskedId>secret</BeskedId></Haendelsesbesked>`, " namespace"},
		"another one within":  {`<Haendelsesbesked><BeskedId xmlns="urn:secret">1</BeskedId></Haendelsesbesked>`, " namespace"},
		"a document type":     {`<!DOCTYPE secret [<!ENTITY a "b">]>` + leastXML, " doctype"},
		"a file":              {`<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><Haendelsesbesked><BeskedId>&e;</BeskedId></Haendelsesbesked>`, " doctype"},
		"an entity":           {`<Haendelsesbesked><BeskedId>&secret;</BeskedId></Haendelsesbesked>`, " xml"},
		"an instruction":      {`<?secret?>` + leastXML, " xml"},
		"two at the top":      {leastXML + leastXML, " xml"},
		"text at the top":     {leastXML + "secret", " xml"},
		"text among elements": {`<Haendelsesbesked>secret<BeskedId>1</BeskedId></Haendelsesbesked>`, " mixed"},
		"an element twice":    {`<Haendelsesbesked><BeskedId>1</BeskedId><BeskedId>secret</BeskedId></Haendelsesbesked>`, "/Hændelsesbesked/beskedID one"},
		"elements for text":   {`<Haendelsesbesked><BeskedId><a>secret</a></BeskedId></Haendelsesbesked>`, "/Hændelsesbesked/beskedID text"},
		"text for elements":   {`<Haendelsesbesked><Beskedkuvert>secret</Beskedkuvert></Haendelsesbesked>`, "/Hændelsesbesked/Beskedkuvert object"},
		"too deep":            {deep("<a>", "</a>", 65), " depth"},
		"too large":           {"<a>" + strings.Repeat("x", grunddata.MaxSize) + "</a>", " size"},
		"no UTF-8":            {"<a>\xff</a>", " utf-8"},
		"UTF-16":              {"\xff\xfe<\x00a\x00/\x00>\x00", " utf-8"},
	} {
		if m, err := grunddata.ReadXML([]byte(c.text)); m != nil || rules(err) != c.want || strings.Contains(err.Error(), "secret") {
			t.Errorf("XML, %s: %v, %v, want %s", name, m, rules(err), c.want)
		}
	}
}

// TestS23WhatMustBeSaid: each member that the service's schema requires is missed.
func TestS23WhatMustBeSaid(t *testing.T) {
	t.Parallel()
	const envelope = "/Hændelsesbesked/Beskedkuvert/"
	for name, c := range map[string]struct {
		change func(*grunddata.Message)
		want   string
	}{
		"all of it":       {func(*grunddata.Message) {}, ""},
		"no id":           {func(m *grunddata.Message) { m.BeskedID = "" }, "/Hændelsesbesked/beskedID required"},
		"no version":      {func(m *grunddata.Message) { m.Beskedversion = "" }, "/Hændelsesbesked/beskedversion required"},
		"no type":         {func(m *grunddata.Message) { m.Beskedkuvert.Filtreringsdata.Beskedtype = "" }, envelope + "Filtreringsdata/beskedtype required"},
		"no registration": {func(m *grunddata.Message) { m.Beskedkuvert.Filtreringsdata.Objektregistrering = nil }, envelope + "Filtreringsdata/Objektregistrering required"},
		"an empty one": {func(m *grunddata.Message) {
			m.Beskedkuvert.Filtreringsdata.Objektregistrering[0] = grunddata.Objektregistrering{}
		}, envelope + "Filtreringsdata/Objektregistrering/0/registreringstid required; " + envelope + "Filtreringsdata/Objektregistrering/0/objektID required; " +
			envelope + "Filtreringsdata/Objektregistrering/0/objekttype required"},
		"an empty related one": {func(m *grunddata.Message) {
			m.Beskedkuvert.Filtreringsdata.RelateretObjekt = make([]grunddata.RelateretObjekt, 1)
		}, envelope + "Filtreringsdata/RelateretObjekt/0/objektID required; " + envelope + "Filtreringsdata/RelateretObjekt/0/objekttype required"},
		"a receiver twice": {func(m *grunddata.Message) { m.Beskedkuvert.Filtreringsdata.TilladtModtager = []string{"a", "b", "a"} }, envelope + "Filtreringsdata/tilladtModtager/2 unique"},
		"nothing of the delivery": {func(m *grunddata.Message) { m.Beskedkuvert.Leveranceinformation = grunddata.Leveranceinformation{} },
			envelope + "Leveranceinformation/dannelsestidspunkt required; " + envelope + "Leveranceinformation/kildesystem required; " + envelope + "Leveranceinformation/sikkerhedsklassificering required"},
		"an empty route": {func(m *grunddata.Message) {
			m.Beskedkuvert.Leveranceinformation.Leverancerute = []grunddata.Leverancerute{{Fordelingssystem: "a", Modtagelsestidspunkt: "b", Leverancetidspunkt: "c", ModtagetFraSystem: "d"}}
		}, envelope + "Leveranceinformation/Leverancerute/0/erLeveretIHenholdTil required"},
		"no place": {func(m *grunddata.Message) {
			m.Beskedkuvert.Filtreringsdata.Objektregistrering[0].Stedbestemmelse = new(grunddata.Stedbestemmelse)
		}, envelope + "Filtreringsdata/Objektregistrering/0/Stedbestemmelse one"},
		"two places": {func(m *grunddata.Message) {
			m.Beskedkuvert.Filtreringsdata.Objektregistrering[0].Stedbestemmelse = &grunddata.Stedbestemmelse{Reference: "a", Geometri: "b"}
		}, envelope + "Filtreringsdata/Objektregistrering/0/Stedbestemmelse one"},
		"no data":      {func(m *grunddata.Message) { m.Beskeddata = nil }, ""},
		"empty data":   {func(m *grunddata.Message) { m.Beskeddata[0].Objektreference = "" }, "/Hændelsesbesked/Beskeddata/0 one"},
		"data twofold": {func(m *grunddata.Message) { m.Beskeddata[0].Objektdata = new(grunddata.Data) }, "/Hændelsesbesked/Beskeddata/0 one"},
	} {
		m := least(t)
		c.change(m)
		if got := rules(m.Check()); got != c.want {
			t.Errorf("%s: got %s\nwant %s", name, got, c.want)
		}
	}
}

// TestXMLHoldsWhatItCan: signs of XML are escaped, and what XML has no way to say is refused rather than changed.
func TestXMLHoldsWhatItCan(t *testing.T) {
	t.Parallel()
	for said, fine := range map[string]bool{
		`<a> & "b" ]]> 'c'`: true, "line\nfeed\ttab": true, "return\rkept": true, "æøå€😀": true, "bell\a": false, "\ufffe": false, "\x00": false,
	} {
		m := least(t)
		m.Beskedkuvert.Filtreringsdata.TvaergaaendeProces = said
		text, err := m.AppendXML(nil)
		if (err == nil) != fine {
			t.Errorf("%q: %v", said, err)
		}
		if !fine {
			if rules(err) != "/Hændelsesbesked//TvaergaaendeProces xml" {
				t.Errorf("%q: %v", said, rules(err))
			}
			continue
		}
		if again, err := grunddata.ReadXML(text); err != nil || again.Beskedkuvert.Filtreringsdata.TvaergaaendeProces != said {
			t.Errorf("%q: %v, %s", said, err, text)
		}
	}
	for name, fine := range map[string]bool{"navn": true, "bemærkning": true, "_a-1.b": true, "1a": false, "a b": false, "a:b": false, "": false, "<": false, "a>": false, "-a": false} {
		m, err := grunddata.ReadJSON([]byte(changed(t, leastJSON, `{"Objektreference":{"objektreference":"1"}}`, `{"Objektdata":{"in":{"`+name+`":[1,{"x":true}]}}}`)))
		if err != nil {
			t.Fatal(err)
		}
		text, err := m.AppendXML(nil)
		if want := "<" + name + ">1</" + name + "><" + name + "><x>true</x></" + name + ">"; (err == nil) != fine || fine && !strings.Contains(string(text), want) {
			t.Errorf("%q: %v %s", name, err, text)
		}
	}
}

func FuzzReadJSON(f *testing.F) {
	f.Add(leastJSON)
	f.Add(string(file(f, "ejerskab-delete.json")))
	f.Add(string(file(f, "as-printed/matrikulaersag-create.json")))
	f.Add(string(file(f, "kommuneinddeling-update.bare.json")))
	f.Fuzz(func(t *testing.T, text string) { stays(t, text, grunddata.ReadJSON) })
}

func FuzzReadXML(f *testing.F) {
	f.Add(leastXML)
	f.Add(string(file(f, "ejerskab-delete.xml")))
	f.Add(string(file(f, "as-printed/kommuneinddeling-update.xml")))
	f.Add(`<!DOCTYPE a><Haendelsesbesked/>`)
	f.Fuzz(func(t *testing.T, text string) { stays(t, text, grunddata.ReadXML) })
}

// stays: what was read and is written is read as the same, in JSON either way and in XML where XML can hold it.
func stays(t *testing.T, text string, read func([]byte) (*grunddata.Message, error)) {
	m, err := read([]byte(text))
	if err != nil {
		if m != nil || rules(err) == "" {
			t.Fatalf("%v, %v", m, err)
		}
		return
	}
	_ = m.Check()
	if len(text) > 1<<20 {
		return
	}
	wrapped := m.AppendJSON(nil)
	again, err := grunddata.ReadJSON(wrapped)
	if err != nil {
		t.Fatalf("%s cannot be read: %v", wrapped, err)
	}
	if got := again.AppendJSON(nil); string(got) != string(wrapped) {
		t.Fatalf("got  %s\nwant %s", got, wrapped)
	}
	bare, err := grunddata.ReadJSON(m.AppendBare(nil))
	if err != nil || string(bare.AppendBare(nil)) != string(m.AppendBare(nil)) {
		t.Fatalf("bare: %v, %s", err, m.AppendBare(nil))
	}
	inXML, err := m.AppendXML(nil)
	if err != nil {
		return
	}
	back, err := grunddata.ReadXML(inXML)
	if err != nil {
		t.Fatalf("%s cannot be read: %v", inXML, err)
	}
	if got, want := back.Beskedkuvert.Filtreringsdata.Beskedtype, strings.TrimSpace(m.Beskedkuvert.Filtreringsdata.Beskedtype); got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func BenchmarkMessage(b *testing.B) {
	version, e := kommune(b, nil)
	buffer := make([]byte, 0, 8192)
	for name, write := range map[string]func(*grunddata.Message){
		"json": func(m *grunddata.Message) { m.AppendJSON(buffer) },
		"xml":  func(m *grunddata.Message) { _, _ = m.AppendXML(buffer) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := grunddata.FromEvent(version, e)
				if err != nil || m.Check() != nil {
					b.Fatal(err)
				}
				write(m)
			}
		})
	}
}
