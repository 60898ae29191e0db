package event

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func draft() Draft {
	return Draft{
		SpecVersion: "1.0", ID: "1", Source: "urn:a", Type: "person", Time: "2026-01-31T12:34:56.789Z",
		MediaType: "application/json", DataSchema: "https://example.test/person/v1",
		Extensions: []Extension{{Name: "correlationid", Value: `a"b`}, {Name: "priority", Value: "7", Bare: true}},
	}
}

func TestDraftCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*Draft)
		want   string
	}{
		"fine":               {func(*Draft) {}, ""},
		"nothing":            {func(d *Draft) { *d = Draft{} }, "/specversion specversion; /id required; /type required; /source uri-reference"},
		"as headers":         {func(d *Draft) { *d = Draft{Header: true, SpecVersion: "1.0", ID: "1", Type: "a"} }, "header:ce-source uri-reference"},
		"older version":      {func(d *Draft) { d.SpecVersion = "0.3" }, "/specversion specversion"},
		"long id":            {func(d *Draft) { d.ID = strings.Repeat("a", 257) }, "/id length"},
		"id of 256":          {func(d *Draft) { d.ID = strings.Repeat("a", 256) }, ""},
		"control character":  {func(d *Draft) { d.ID = "a\nb" }, "/id characters"},
		"C1 control":         {func(d *Draft) { d.ID = "a\u0085b" }, "/id characters"},
		"no character":       {func(d *Draft) { d.Subject = "a\ufffeb" }, "/subject characters"},
		"no character, high": {func(d *Draft) { d.Subject = "a\U0001ffffb" }, "/subject characters"},
		"Danish":             {func(d *Draft) { d.Subject = "Ærø 😀" }, ""},
		"source characters":  {func(d *Draft) { d.Source = "urn:æ" }, "/source uri-reference"},
		"long source":        {func(d *Draft) { d.Source = strings.Repeat("a", 1025) }, "/source uri-reference"},
		"long type":          {func(d *Draft) { d.Type = strings.Repeat("a", 256) }, "/type length"},
		"time":               {func(d *Draft) { d.Time = "2026-01-31" }, "/time date-time"},
		"schema":             {func(d *Draft) { d.DataSchema = "person/v1" }, "/dataschema uri"},
		"schema characters":  {func(d *Draft) { d.DataSchema = "urn:a b" }, "/dataschema uri"},
		"media type":         {func(d *Draft) { d.MediaType = "json" }, "/datacontenttype media-type"},
		"media type, header": {func(d *Draft) { d.MediaType, d.Header = "a/b/c", true }, "header:content-type media-type"},
		"media parameters":   {func(d *Draft) { d.MediaType = `text/plain; charset="utf-8"` }, ""},
		"name":               {func(d *Draft) { d.Extensions[0].Name = "correlation-id" }, "/* name"},
		"upper case":         {func(d *Draft) { d.Extensions[0].Name = "A" }, "/* name"},
		"long name":          {func(d *Draft) { d.Extensions[0].Name = strings.Repeat("a", 21) }, "/* name"},
		"sequence":           {func(d *Draft) { d.Extensions[0].Name = "sequence" }, "/sequence reserved"},
		"recordedtime":       {func(d *Draft) { d.Extensions[0].Name = "recordedtime" }, "/recordedtime reserved"},
		"data":               {func(d *Draft) { d.Extensions[0].Name = "data" }, "/data reserved"},
		"twice":              {func(d *Draft) { d.Extensions[1].Name = "correlationid" }, "/* duplicate-name"},
		"empty":              {func(d *Draft) { d.Extensions[0].Value = "" }, "/correlationid required"},
		"long":               {func(d *Draft) { d.Extensions[0].Value = strings.Repeat("a", 1025) }, "/correlationid length"},
		"too many":           {func(d *Draft) { d.Extensions = make([]Extension, 33) }, " extensions"},
	} {
		d := draft()
		d.Entry = 3
		tc.change(&d)
		found := d.Check()
		if got := rules(found); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
		for _, v := range found {
			if v.Entry != d.Entry {
				t.Errorf("%s: entry %d, want %d", name, v.Entry, d.Entry)
			}
		}
	}
}

func TestHeadIsTheContextAsOneObject(t *testing.T) {
	t.Parallel()
	d := draft()
	head := d.Head("Ærø")
	const want = `{"specversion":"1.0","id":"1","source":"urn:a","type":"person","subject":"Ærø","time":"2026-01-31T12:34:56.789Z",` +
		`"datacontenttype":"application/json","dataschema":"https://example.test/person/v1","correlationid":"a\"b","priority":7}`
	if string(head) != want {
		t.Errorf("got  %s\nwant %s", head, want)
	}
	if !json.Valid(head) {
		t.Error("not JSON")
	}
	e := &Event{Head: head}
	if got := e.Attribute("correlationid"); got != `a"b` {
		t.Errorf("correlationid %q", got)
	}
	if got := e.Attributes()[9:]; !reflect.DeepEqual(got, []Attribute{{"priority", "7"}}) {
		t.Errorf("the last attributes are %v", got)
	}
	if got := e.Attribute("none"); got != "" {
		t.Errorf("none is %q", got)
	}
}

func TestTimeIsRFC3339(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-01-31T12:34:56Z":           "2026-01-31T12:34:56.000000Z",
		"2026-01-31T12:34:56.789+02:00":  "2026-01-31T10:34:56.789000Z",
		"2026-01-31T12:34:56.1234567Z":   "2026-01-31T12:34:56.123456Z",
		"0001-01-01T00:00:00Z":           "0001-01-01T00:00:00.000000Z",
		"1969-12-31T23:59:59.999999999Z": "1969-12-31T23:59:59.999999Z",
		"9999-12-31T23:59:59Z":           "9999-12-31T23:59:59.000000Z",
	} {
		us, ok := ParseTime(text)
		if got := string(AppendTime(nil, us)); !ok || got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{
		"", "2026-01-31", "2026-01-31 12:34:56Z", "2026-01-31T12:34:56", "2026-01-31T12:34:56,5Z", "2026-01-31T1:34:56Z+00",
		"2026-02-30T12:34:56Z", "2026-01-31T24:00:00Z", "2026-01-31T12:34:56+25:00", "2026-01-31T12:34:56+0200", "12026-01-31T12:34:56Z", "2026-01-31T12:34:56Zx",
	} {
		if _, ok := ParseTime(text); ok {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestMediaTypesThatAreJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": true, "application/json": true, "text/json": true, "Application/JSON; charset=utf-8": true, "application/vnd.x+json": true,
		"application/vnd.x+JSON;v=1": true, "application/+json": false, "text/plain": false, "application/xml": false, "application/jsonx": false, "json": false,
	} {
		if got := IsJSON(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
