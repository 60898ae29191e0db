package feed

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/status/statustest"
)

var hostile = []string{
	"", "x", strings.Repeat("æ", 200), strings.Repeat("x", 74) + "é", "a;b,c\\n\\;\r\nnext\rlast\n", "]]> <b>&amp;</b> \x00\x01\x7f\x1b", "\xff\xfe\xed\xa0\x80", "\ufffe\uffff",
	strings.Repeat("👩‍🔧", 30), "BEGIN:VEVENT\r\nEND:VCALENDAR\r\n", " leading", "\ttab", "\u2028\u2029\u0085",
}

// FuzzCalendarText holds TEXT to RFC 5545: whatever somebody writes, its lines are lines that may be, no line of it is
// another property, and who unfolds and unescapes it reads what was written.
func FuzzCalendarText(f *testing.F) {
	for _, text := range hostile {
		f.Add("SUMMARY;LANGUAGE=en", text)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		if name = strings.Trim(name, "\r\n"); !utf8.ValidString(name) || strings.ContainsAny(name, "\r\n:") || len(name) > 200 {
			return // names are our own
		}
		var w ical
		w.text(name, text)
		written := w.String()
		for line := range strings.SplitSeq(strings.TrimSuffix(written, "\r\n"), "\r\n") {
			if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") {
				t.Fatalf("a line of %d octets: %q", len(line), line)
			}
		}
		whole := strings.ReplaceAll(strings.TrimSuffix(written, "\r\n"), "\r\n ", "")
		if strings.Contains(whole, "\r\n") {
			t.Fatalf("it became more than one property: %q", whole)
		}
		_, value, _ := strings.Cut(whole, ":")
		want := strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' && r != '\n' || r == 0x7f {
				return -1
			}
			return r
		}, unix(strings.ToValidUTF8(text, "\uFFFD")))
		if got := unescape(value); got != want {
			t.Fatalf("%q is read as %q, want %q", text, got, want)
		}
	})
}

// unescape reads TEXT as RFC 5545 section 3.3.11 has it.
func unescape(value string) string {
	var b strings.Builder
	for at := 0; at < len(value); at++ {
		if value[at] == '\\' && at+1 < len(value) {
			at++
			if value[at] == 'n' || value[at] == 'N' {
				b.WriteByte('\n')
				continue
			}
		}
		b.WriteByte(value[at])
	}
	return b.String()
}

// FuzzFeedText holds the three forms to what they say of any text: they can be read, and say it back. What XML 1.0 has no
// way to say becomes U+FFFD.
func FuzzFeedText(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, "<p>"+text+"</p>")
	}
	f.Fuzz(func(t *testing.T, title, html string) {
		one := &feed{
			id: "urn:x", title: title, home: "https://x.example/?a=1&b=2", self: "https://x.example/", language: "en", zone: time.UTC, begun: statustest.Now,
			entries: []entry{{id: "urn:y", title: title, html: html, link: "https://x.example/y", published: statustest.Now, updated: statustest.Now}},
		}
		var asRSS struct {
			Items []struct {
				Title       string `xml:"title"`
				Description string `xml:"description"`
			} `xml:"channel>item"`
		}
		var asAtom struct {
			Entries []struct {
				Title   string `xml:"title"`
				Content string `xml:"content"`
			} `xml:"entry"`
		}
		var asJSON jsonFeed
		decode(t, one, writeRSS, xml.Unmarshal, &asRSS)
		decode(t, one, writeAtom, xml.Unmarshal, &asAtom)
		decode(t, one, writeJSON, json.Unmarshal, &asJSON)
		if i := asRSS.Items[0]; i.Title != sayable(title) || i.Description != sayable(html) {
			t.Errorf("RSS has %q and %q, want %q and %q", i.Title, i.Description, sayable(title), sayable(html))
		}
		if e := asAtom.Entries[0]; e.Title != sayable(title) || e.Content != sayable(html) {
			t.Errorf("Atom has %q and %q, want %q and %q", e.Title, e.Content, sayable(title), sayable(html))
		}
		if i := asJSON.Items[0]; i.Title != repaired(title) || i.ContentHTML != repaired(html) {
			t.Errorf("JSON has %q and %q", i.Title, i.ContentHTML)
		}
	})
}

func decode(t *testing.T, f *feed, write func(*feed) ([]byte, error), read func([]byte, any) error, into any) {
	t.Helper()
	body, err := write(f)
	if err == nil {
		err = read(body, into)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
}

// sayable is a text as XML 1.0 can say it (section 2.2, Char).
func sayable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000 {
			return r
		}
		return utf8.RuneError
	}, repaired(text))
}

// repaired is a text in UTF-8, with U+FFFD for every octet that is none.
func repaired(text string) string { return string([]rune(text)) }
