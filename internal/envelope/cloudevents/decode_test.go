package cloudevents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// rules writes violations as "pointer rule", one after another.
func rules(violations []fault.Violation) string {
	var texts []string
	for _, v := range violations {
		texts = append(texts, v.Pointer+" "+v.Rule)
	}
	return strings.Join(texts, "; ")
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

const required = `"specversion":"1.0","id":"1","source":"urn:a","type":"t"`

func TestDecodeStructured(t *testing.T) {
	t.Parallel()
	const body = ` {"specversion":"1.0","id":"1","source":"urn:a","type":"t","subject":"s","time":"2026-01-31T12:00:00Z",
		"datacontenttype":"application/json","dataschema":"urn:t:v1","b":"x","a":true,"n":-7,"gone":null,"\u0063":"\u00e6",
		"data": {"a" : 1.10, "b":[ ]} } `
	drafts, err := Decode(headers("Content-Type", "application/cloudevents+json; charset=utf-8"), []byte(body), 1)
	if err != nil {
		t.Fatal(err)
	}
	want := event.Draft{
		SpecVersion: "1.0", ID: "1", Source: "urn:a", Type: "t", Subject: "s", Time: "2026-01-31T12:00:00Z",
		MediaType: "application/json", DataSchema: "urn:t:v1",
		Extensions: []event.Extension{{Name: "b", Value: "x"}, {Name: "a", Value: "true", Bare: true}, {Name: "n", Value: "-7", Bare: true}, {Name: "c", Value: "æ"}},
		Data:       []byte(`{"a" : 1.10, "b":[ ]}`), Scanned: true,
	}
	if !reflect.DeepEqual(drafts, []event.Draft{want}) {
		t.Errorf("got  %+v\nwant %+v", drafts, want)
	}
}

func TestDecodeTakesDataAsTheMediaTypeSays(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ members, data, want string }{
		"JSON, not said":             {`"data":{"a":1}`, `{"a":1}`, ""},
		"JSON string":                {`"data":"a\u00e6"`, `"a\u00e6"`, ""},
		"JSON null":                  {`"data":null`, `null`, ""},
		"no data":                    {`"subject":"s"`, ``, ""},
		"data before its media type": {`"data":"<a>\n</a>","datacontenttype":"text/xml"`, "<a>\n</a>", ""},
		"text":                       {`"datacontenttype":"text/plain","data":"\u00e6\"\/"`, `æ"/`, ""},
		"object as text":             {`"datacontenttype":"text/plain","data":{}`, ``, "/data type"},
		"bytes":                      {`"datacontenttype":"image/png","data_base64":"AP8Q"`, "\x00\xff\x10", ""},
		"JSON as bytes":              {`"data_base64":"eyJhIjoxfQ=="`, `{"a":1}`, ""},
		"not JSON as bytes":          {`"data_base64":"eyJhIjo="`, `{"a":`, "/data json"},
		"without padding":            {`"datacontenttype":"image/png","data_base64":"AA"`, "", "/data_base64 base64"},
		"with line ends":             {`"datacontenttype":"image/png","data_base64":"AP8Q\n"`, "", "/data_base64 base64"},
		"bits after the end":         {`"datacontenttype":"image/png","data_base64":"AB=="`, "", "/data_base64 base64"},
		"bytes that are no string":   {`"data_base64":1`, "", "/data_base64 type"},
		"both":                       {`"data":1,"data_base64":"AA=="`, "", "/data_base64 exclusive"},
		"deep":                       {`"data":` + strings.Repeat("[", 65) + strings.Repeat("]", 65), strings.Repeat("[", 65) + strings.Repeat("]", 65), "/data depth"},
	} {
		drafts, err := Decode(headers("Content-Type", structuredType), []byte("{"+required+","+tc.members+"}"), 1)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := string(drafts[0].Data); got != tc.data || rules(drafts[0].Violations) != tc.want {
			t.Errorf("%s: %q %q, want %q %q", name, got, rules(drafts[0].Violations), tc.data, tc.want)
		}
		if drafts[0].Scanned && !json.Valid(drafts[0].Data) {
			t.Errorf("%s: is called JSON", name)
		}
	}
}

func TestDecodeRefusesWrongTypes(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]string{
		`"id":1,"source":true,"type":[],"time":{},"subject":1,"datacontenttype":1,"dataschema":1,"specversion":1.0`: "/id type; /source type; /type type; /time type; /subject type; /datacontenttype type; /dataschema type; /specversion type",
		`"subject":"","time":""`:               "/subject empty; /time empty",
		`"a":1.5`:                              "/* integer",
		`"a":1e3`:                              "/* integer",
		`"a":-0`:                               "/* integer",
		`"a":2147483648`:                       "/* integer",
		`"a":2147483647,"b":-2147483648`:       "",
		`"a":{},"b":[]`:                        "/* type; /* type",
		`"id":null,"subject":null,"a":null`:    "",
		`"a":"","A":"x","data_base64x":"kept"`: "", // for Draft.Check
	} {
		drafts, err := Decode(headers("Content-Type", structuredType), []byte("{"+members+"}"), 1)
		if err != nil {
			t.Errorf("%s: %v", members, err)
			continue
		}
		if got := rules(drafts[0].Violations); got != want {
			t.Errorf("%s: %q, want %q", members, got, want)
		}
	}
}

func TestDecodeBatchTellsEveryBadEntry(t *testing.T) {
	t.Parallel()
	entries := []string{
		"{" + required + `,"data":1}`,
		`7`,
		`{"id":1}`,
		"{" + required + `,"data":{"a":1,"a":2}}`,
		"{" + required + `,"id":"2"}`,
		"{" + required + ",\"a\":\"\xff\"}",
		"{" + required + `,"data":2}`,
	}
	want := []string{"", " type", "/id type", " duplicate-name", " duplicate-name", " json", ""}
	drafts, err := Decode(headers("Content-Type", batchType), []byte("["+strings.Join(entries, ",\n")+"]"), len(entries))
	if err != nil {
		t.Fatal(err)
	}
	if len(drafts) != len(entries) {
		t.Fatalf("%d drafts, want %d", len(drafts), len(entries))
	}
	for i, d := range drafts {
		if d.Entry != i || rules(d.Violations) != want[i] {
			t.Errorf("entry %d is %d: %q, want %q", i, d.Entry, rules(d.Violations), want[i])
		}
		for _, v := range d.Violations {
			if v.Entry != i {
				t.Errorf("entry %d: a violation is of entry %d", i, v.Entry)
			}
		}
	}
	if string(drafts[0].Data) != "1" || string(drafts[6].Data) != "2" {
		t.Errorf("the good entries have the data %s and %s", drafts[0].Data, drafts[6].Data)
	}
}

func TestDecodeRefusesWholeRequests(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		header http.Header
		body   string
		code   fault.Code
		rule   string
	}{
		"nothing said":         {headers(), "{}", fault.MediaType, ""},
		"plain JSON":           {headers("Content-Type", "application/json"), "{}", fault.MediaType, ""},
		"another format":       {headers("Content-Type", "application/cloudevents+avro", "ce-id", "1"), "{}", fault.MediaType, ""},
		"another charset":      {headers("Content-Type", structuredType+"; charset=utf-16"), "{}", fault.MediaType, ""},
		"broken":               {headers("Content-Type", structuredType), `{"id":`, fault.InvalidEvent, " json"},
		"empty":                {headers("Content-Type", structuredType), ``, fault.InvalidEvent, " json"},
		"twice":                {headers("Content-Type", structuredType), `{"id":"1","id":"2"}`, fault.InvalidEvent, " duplicate-name"},
		"more after":           {headers("Content-Type", structuredType), `{} {}`, fault.InvalidEvent, " json"},
		"batch that is none":   {headers("Content-Type", batchType), `{}`, fault.InvalidEvent, " type"},
		"broken batch":         {headers("Content-Type", batchType), `[{},`, fault.InvalidEvent, " json"},
		"broken entry":         {headers("Content-Type", batchType), `[{},{"a"}]`, fault.InvalidEvent, " json"},
		"more after the batch": {headers("Content-Type", batchType), `[] 1`, fault.InvalidEvent, " json"},
		"too many":             {headers("Content-Type", batchType), `[{},{},{},{}]`, fault.TooManyEntries, ""},
		"too many, one bad":    {headers("Content-Type", batchType), `[{"a":1,"a":2},{},{},{}]`, fault.TooManyEntries, ""},
	} {
		_, err := Decode(tc.header, []byte(tc.body), 3)
		var f *fault.Fault
		if !errors.As(err, &f) || f.Code != tc.code || rules(f.Violations) != tc.rule {
			t.Errorf("%s: %v, want %s %s", name, err, tc.code, tc.rule)
		}
	}
	for _, body := range []string{`[]`, ` [ ] `, `[{},{},{}]`} {
		if _, err := Decode(headers("Content-Type", batchType), []byte(body), 3); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestDecodeBinary(t *testing.T) {
	t.Parallel()
	h := headers("Content-Type", "application/json", "CE-SpecVersion", "1.0", "ce-id", "1", "ce-source", "urn:a", "ce-type", "t",
		"ce-subject", "%C3%86r%C3%B8 %22x%22 100%25", "ce-time", "2026-01-31T12:00:00Z", "ce-dataschema", "urn:t:v1", "ce-b", "x", "ce-a", "2",
		"Authorization", "Bearer x")
	drafts, err := Decode(h, []byte(`{"a" : 1}`), 1)
	if err != nil {
		t.Fatal(err)
	}
	want := event.Draft{
		Header: true, SpecVersion: "1.0", ID: "1", Source: "urn:a", Type: "t", Subject: `Ærø "x" 100%`, Time: "2026-01-31T12:00:00Z",
		MediaType: "application/json", DataSchema: "urn:t:v1",
		Extensions: []event.Extension{{Name: "a", Value: "2"}, {Name: "b", Value: "x"}},
		Data:       []byte(`{"a" : 1}`), Scanned: true,
	}
	if !reflect.DeepEqual(drafts, []event.Draft{want}) {
		t.Errorf("got  %+v\nwant %+v", drafts, want)
	}
}

func TestDecodeBinaryRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		header http.Header
		body   string
		want   string
	}{
		"fine":              {headers("Content-Type", "text/plain", "ce-id", "1"), "\xff", ""},
		"no data":           {headers("ce-id", "1"), "", ""},
		"no content type":   {headers("ce-id", "1"), "x", "header:content-type required"},
		"twice":             {headers("ce-id", "1", "ce-id", "2"), "", "header:ce-* repeated"},
		"percent":           {headers("ce-id", "100%"), "", "header:ce-* percent-encoding"},
		"percent, no hex":   {headers("ce-id", "%0g"), "", "header:ce-* percent-encoding"},
		"invalid UTF-8":     {headers("ce-id", "%FF"), "", "header:ce-* percent-encoding"},
		"open quote":        {headers("ce-id", `"a`), "", "header:ce-* percent-encoding"},
		"after the quote":   {headers("ce-id", `"a"b`), "", "header:ce-* percent-encoding"},
		"data content type": {headers("ce-datacontenttype", "text/plain"), "", "header:ce-datacontenttype reserved"},
		"not JSON":          {headers("Content-Type", "application/json", "ce-id", "1"), "{", "/data json"},
	} {
		drafts, err := Decode(tc.header, []byte(tc.body), 1)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := rules(drafts[0].Violations); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// The examples of the HTTP protocol binding, section 3.1.3.2.
func TestHeaderValuesAreDecodedExactlyOnce(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"Euro%20%E2%82%AC%20%F0%9F%98%80": "Euro € 😀", "%2541": "%41", `"a \"b\" \\ %20c"`: `a "b" \  c`, "a+b": "a+b", "%c3%a6": "æ", "": "", "æ": "æ",
	} {
		if got, ok := decodeHeader(value); !ok || got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
	for text, want := range map[string]string{"Euro € 😀": "Euro%20%E2%82%AC%20%F0%9F%98%80", "plain~!": "plain~!", `a"%` + "\x7f": "a%22%25%7F"} {
		if got := escape(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// What the cursor takes, the decoder reads as the same drafts, violations and all.
func agree(t *testing.T, body []byte) {
	t.Helper()
	const limit = 10
	var one [1]event.Draft
	if c := event.NewCursor(body); walkEntry(&c, &one[0]) && c.AtEnd() {
		if drafts, err := decodeAlone(body); err != nil || !reflect.DeepEqual(drafts, one[:]) {
			t.Errorf("%s: %+v, the decoder has %+v, %v", body, one, drafts, err)
		}
	}
	if walked, ok := walkBatch(body, limit); ok {
		if drafts, err := decodeApart(body, limit); err != nil || !reflect.DeepEqual(drafts, walked) {
			t.Errorf("%s: %+v, the decoder has %+v, %v", body, walked, drafts, err)
		}
	}
}

// Usual events come through without the decoder, unusual ones are read by it.
func TestOnlyTheUnusualIsForTheDecoder(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body    string
		unusual bool
	}{
		"all attributes":          {"{" + required + `,"subject":"s","time":"2026-01-31T12:00:00Z","datacontenttype":"application/json","dataschema":"urn:x:1","partitionkey":"k","data":{"a":[1,-2.5e+3,true,null]}}`, false},
		"white space":             {" {\n" + required + " ,\t\"data\" : [ ] , \"x\" : 1\r\n} ", false},
		"letters":                 {"{" + required + `,"subject":"Ærø \u00c6r\u00f8 \"\\\/\b\f\n\r\t 😀"}`, false},
		"text":                    {"{" + required + `,"datacontenttype":"text/plain","data":"a\nb"}`, false},
		"base64":                  {"{" + required + `,"datacontenttype":"a/b","data_base64":"AAAA"}`, false},
		"violations":              {`{"id":1,"source":"","data":1,"data_base64":2,"x":{},"y":1.5}`, false},
		"an escape in a name":     {"{" + required + `,"\u0064ata":1}`, true},
		"a surrogate pair":        {"{" + required + `,"subject":"\ud83d\ude00"}`, true},
		"many names":              {"{" + required + manyMembers(61) + "}", true},
		"not too many names":      {"{" + required + manyMembers(60) + "}", false},
		"a name twice":            {"{" + required + `,"id":"2"}`, true},
		"a name twice in it":      {"{" + required + `,"data":{"a":{"b":1,"c":2,"b":3}}}`, true},
		"names of several levels": {"{" + required + `,"data":{"id":{"id":[{"id":1},{"id":2}]},"data":3}}`, false},
		"more than the event":     {"{" + required + "} {}", true},
	} {
		agree(t, []byte(tc.body))
		agree(t, []byte("["+tc.body+","+tc.body+"]"))
		_, usual := walkBatch([]byte("["+tc.body+"]"), 1)
		if usual == tc.unusual {
			t.Errorf("%s: unusual is %v", name, !usual)
		}
	}
}

func manyMembers(n int) string {
	var members strings.Builder
	for i := range n {
		fmt.Fprintf(&members, `,"x%d":1`, i)
	}
	return members.String()
}

func FuzzHeaderValue(f *testing.F) {
	for _, seed := range []string{"", "a", "%41", "%", `"a\"b"`, "Ærø 😀", "%2541"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, ok := decodeHeader(text); ok && !utf8.ValidString(got) {
			t.Fatalf("%q: invalid UTF-8", text)
		}
		escaped := escape(text)
		if strings.ContainsFunc(escaped, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' }) {
			t.Fatalf("%q becomes %q", text, escaped)
		}
		if got, ok := decodeHeader(escaped); ok != utf8.ValidString(text) || ok && got != text {
			t.Fatalf("%q becomes %q, which reads as %q", text, escaped, got)
		}
	})
}

// FuzzDecode: whatever comes in, a draft without violations makes an event that is valid JSON and reads back the same.
func FuzzDecode(f *testing.F) {
	f.Add(0, "", []byte("{"+required+`,"data":{"a":1},"x":1}`))
	f.Add(0, "", []byte("{"+required+`,"datacontenttype":"text/plain","data":"a"}`))
	f.Add(1, "", []byte("[{"+required+`,"data_base64":"AAAA","datacontenttype":"a/b"},{"a":1,"a":2}]`))
	f.Add(2, "text/plain", []byte("data"))
	f.Add(2, "application/json", []byte(`{"a":1}`))
	f.Fuzz(func(t *testing.T, mode int, text string, body []byte) {
		h := headers("Content-Type", structuredType)
		switch mode {
		case 1:
			h = headers("Content-Type", batchType)
		case 2:
			h = headers("Content-Type", text, "ce-specversion", "1.0", "ce-id", "1", "ce-source", "urn:a", "ce-type", "t", "ce-subject", text)
		}
		agree(t, body)
		drafts, err := Decode(h, body, 10)
		if err != nil {
			return
		}
		for _, d := range drafts {
			if len(d.Violations)+len(d.Check()) == 0 {
				readsBack(t, d)
			}
		}
	})
}

func readsBack(t *testing.T, d event.Draft) {
	t.Helper()
	e := &event.Event{Position: 1, Head: d.Head(d.Subject), MediaType: d.MediaType, Data: d.Data}
	body := AppendStructured(nil, e)
	if !json.Valid(body) {
		t.Fatalf("not JSON: %s", body)
	}
	again, err := Decode(headers("Content-Type", StructuredType), body, 1)
	if err != nil || len(again[0].Violations) > 0 {
		t.Fatalf("%s: %v %v", body, err, again)
	}
	got := again[0]
	if !bytes.Equal(got.Data, d.Data) {
		t.Fatalf("data %q became %q", d.Data, got.Data)
	}
	got.Extensions = got.Extensions[:len(got.Extensions)-2] // sequence and recordedtime
	if got.ID != d.ID || got.Subject != d.Subject || got.MediaType != d.MediaType || len(got.Extensions) != len(d.Extensions) {
		t.Fatalf("%+v became %+v", d, got)
	}
}
