package pull_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/oracle"
	"github.com/varselhub/varsel/internal/web/pull"
)

var update = flag.Bool("update", false, "write the golden files anew")

var idAt = regexp.MustCompile(`"Id":(\d+)`)

// items are which of the matching events, counted from 1, an answer holds, as "first–last"; "–" for none.
func items(t *testing.T, body []byte) string {
	t.Helper()
	if !json.Valid(body) {
		t.Fatalf("not JSON: %.200s", body)
	}
	found := idAt.FindAllSubmatch(body, -1)
	if len(found) == 0 {
		return "–"
	}
	first, _ := strconv.Atoi(string(found[0][1]))
	last, _ := strconv.Atoi(string(found[len(found)-1][1]))
	if last-first+1 != len(found) {
		t.Errorf("%d to %d are %d", first, last, len(found))
	}
	return fmt.Sprintf("%d–%d", first, last)
}

// F35, F36 and requirements 7, Paging: N = 450,000 matching events, in both ways to count pages.
func TestF36Paging(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ request, oneBased, zeroBased string }{
		{"", "1–100000", "1–100000"},
		{"page=1", "1–100000", "100001–200000"},
		{"pagesize=10", "1–10", "1–10"},
		{"pagesize=200000", "1–100000", "1–100000"},
		{"page=10&pagesize=20", "181–200", "201–220"},
		{"page=5&pagesize=100000", "400001–450000", "–"},
		{"page=0", "400", "1–100000"},
		{"page=6", "–", "–"},
		{"page=99999999999999999", "–", "–"},
		{"pagesize=99999999999999999", "1–100000", "1–100000"},
		{"page=", "1–100000", "1–100000"},
	} {
		for zeroBased, want := range map[bool]string{false: c.oneBased, true: c.zeroBased} {
			w := newWorld(t, 450_000)
			w.options.ZeroBased = zeroBased
			a := w.ask(pull.Path + "?" + asking + "&" + c.request)
			got := strconv.Itoa(a.Code)
			if a.Code == http.StatusOK {
				got = items(t, a.Body.Bytes())
			}
			if got != want {
				t.Errorf("%q, zero-based %v: %s, want %s", c.request, zeroBased, got, want)
			}
		}
	}
}

// F34 and requirements 7: what is missing or wrong is a 400 that names it, and repeats nothing of it.
func TestF34WhatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		shown + "&" + to:                "query:datefrom required",
		shown + "&" + from:              "query:dateto required",
		shown + "&" + from + "&dateto=": "query:dateto required",
		shown:                           "query:datefrom required; query:dateto required",
		shown + "&" + from + "&dateto=2020-09-28":        "query:dateto order",
		asking + "&format=csv":                           "query:format enum",
		asking + "&page=-1":                              "query:page range",
		asking + "&page=one":                             "query:page type",
		asking + "&pagesize=0":                           "query:pagesize range",
		asking + "&pagesize=1e3":                         "query:pagesize type",
		asking + "&dateto=2020-10-01":                    "query:dateto unique",
		shown + "&" + from + "&dateto=0101701234":        "query:dateto time",
		shown + "&" + from + "&dateto=2020-09-29T25:00":  "query:dateto time",
		shown + "&" + from + "&dateto=2020-02-30":        "query:dateto time",
		shown + "&" + from + "&dateto=2020-09-29X00:00":  "query:dateto time",
		shown + "&" + from + "&dateto=2020-09-29T00:00:": "query:dateto time",
		asking + "&x=%zz":                                "query:* form",
	} {
		w := newWorld(t, 10)
		a := w.ask(pull.Path + "?" + query)
		var problem struct {
			Code       string
			Violations []fault.Violation
		}
		if err := json.Unmarshal(a.Body.Bytes(), &problem); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		var got []string
		for _, v := range problem.Violations {
			got = append(got, v.Pointer+" "+v.Rule)
		}
		if a.Code != http.StatusBadRequest || problem.Code != "bad-request" || strings.Join(got, "; ") != want {
			t.Errorf("%s: %d %s %q, want %q", query, a.Code, problem.Code, got, want)
		}
		if kind := a.Header().Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("%s: %s", query, kind)
		}
	}
}

// Requirements 4b and 4c 3: the ways in which real clients write the address.
func TestF31RealClientsAreUnderstood(t *testing.T) {
	t.Parallel()
	day := func(hour int) int64 { return time.Date(2020, 9, 28, hour, 0, 0, 0, time.UTC).UnixMicro() } // in summer Copenhagen is two hours ahead
	whole := delivery.WindowPage{System: "esdh", From: day(22), Before: day(46), Size: 100_000, Page: 1}
	sized := whole
	sized.Page, sized.Size = 2, 1000
	for address, want := range map[string]delivery.WindowPage{
		// A leading & behind the slash, and Json.
		pull.Path + "/?&" + asking + "&format=Json&page=1&pagesize=100000": whole,
		// No format, no page.
		pull.Path + "?" + asking: whole,
		// A space in place of the T, encoded in one way and in the other.
		pull.Path + "?" + shown + "&datefrom=2020-09-29%2000:00:00&dateto=2020-09-30+00:00:00": whole,
		// Dates alone.
		pull.Path + "?" + shown + "&datefrom=2020-09-29&dateto=2020-09-30": whole,
		// Colons encoded, and names in another case.
		pull.Path + "?Username=kommune&Password=" + encoded + "&DateFrom=2020-09-29T00%3A00%3A00&DateTo=2020-09-30T00%3A00%3A00&Page=2&PageSize=1000&Format=JSON": sized,
		// Offsets, encoded and not; and UTC, with fractions as .NET writes them.
		pull.Path + "?" + shown + "&datefrom=2020-09-29T00:00:00%2B02:00&dateto=2020-09-30T00:00:00+02:00":        whole,
		pull.Path + "?" + shown + "&datefrom=2020-09-28T22:00:00.0000000Z&dateto=2020-09-29T22:00:00.000Z&format": whole,
		// What means nothing here.
		pull.Path + "?" + asking + "&callback=x&_=1601337600&page=1&page=1": whole,
	} {
		w := newWorld(t, 3)
		if a := w.ask(address); a.Code != http.StatusOK || a.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", address, a.Code, a.Body)
			continue
		}
		if got := w.windows.last(); got != want {
			t.Errorf("%s:\n%+v, want\n%+v", address, got, want)
		}
	}
}

// F32, F33: each kind of endpoint takes what it takes, and shows what it shows.
func TestF33KindsOfEndpoints(t *testing.T) {
	t.Parallel()
	const window = from + "&" + to
	wrong := "username=kommune&password=0101701234&" + window
	for name, c := range map[string]struct {
		kind      pull.Kind
		query     string
		header    []string
		want      int
		system    string
		sensitive bool
	}{
		"a password":                     {kind: pull.Password, query: asking, want: 200, system: "esdh"},
		"a wrong password":               {kind: pull.Password, query: wrong, want: 401},
		"no password":                    {kind: pull.Password, query: window, want: 401},
		"a password by HTTP Basic":       {kind: pull.Password, query: window, header: []string{"Authorization", basic("kommune", password)}, want: 200, system: "esdh"},
		"a certificate at passwords":     {kind: pull.Password, query: window, header: []string{"Test-Certificate", "kommune"}, want: 401},
		"a certificate":                  {kind: pull.Certificate, query: window, header: []string{"Test-Certificate", "kommune"}, want: 200, system: "esdh"},
		"a password at certificates":     {kind: pull.Certificate, query: asking, want: 401},
		"a certificate, sensitive":       {kind: pull.Sensitive, query: window, header: []string{"Test-Certificate", "kommune"}, want: 200, system: "esdh", sensitive: true},
		"a password, sensitive":          {kind: pull.Sensitive, query: asking, want: 401},
		"of two systems":                 {kind: pull.Certificate, query: window, header: []string{"Test-Certificate", "both"}, want: 403},
		"of two systems, one named":      {kind: pull.Certificate, query: window + "&system=other", header: []string{"Test-Certificate", "both"}, want: 200, system: "other"},
		"another's system":               {kind: pull.Password, query: asking + "&system=other", want: 403},
		"a system without windows":       {kind: pull.Certificate, query: window, header: []string{"Test-Certificate", "none"}, want: 403},
		"an operator":                    {kind: pull.Certificate, query: window + "&system=other", header: []string{"Test-Certificate", "eva"}, want: 200, system: "other"},
		"an operator, naming none":       {kind: pull.Certificate, query: window, header: []string{"Test-Certificate", "eva"}, want: 403},
		"an auditor":                     {kind: pull.Certificate, query: window + "&system=other", header: []string{"Test-Certificate", "anna"}, want: 403},
		"who may not ask, wrongly":       {kind: pull.Password, query: wrong + "&format=csv", want: 401},
		"a name that may be a person's":  {kind: pull.Password, query: "username=0101701234&password=x&" + window, want: 401},
		"a certificate that is nobody's": {kind: pull.Sensitive, query: window, header: []string{"Test-Certificate", "0101701234"}, want: 401},
	} {
		w := newWorld(t, 3)
		w.kind = c.kind
		a := w.ask(pull.Path+"?"+c.query, c.header...)
		if got := w.windows.last(); a.Code != c.want || got.System != c.system || got.Sensitive != c.sensitive {
			t.Errorf("%s: %d %s %+v", name, a.Code, a.Body, got)
		}
		if challenge := a.Header().Get("WWW-Authenticate"); c.want == 401 && (challenge == "") { // RFC 9110 section 15.5.2
			t.Errorf("%s: no challenge", name)
		}
	}
}

func basic(name, password string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, password)
	return r.Header.Get("Authorization")
}

// A hub without access control takes the user's name for the system's.
func TestWithoutAccessControlTheNameIsTheSystems(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.options.Callers = nil
	if a := w.ask(pull.Path + "?username=esdh&" + from + "&" + to); a.Code != 200 || w.windows.last().System != "esdh" {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	if a := w.ask(pull.Path + "?" + from + "&" + to); a.Code != 401 {
		t.Errorf("%d %s", a.Code, a.Body)
	}
}

// F38, F38b and requirements 4b: what goes out, byte for byte.
func TestF38GoldenAnswers(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{"three.json": "format=json", "three.xml": "format=XML", "none.json": "page=2", "none.xml": "format=xml&page=2"} {
		w := newWorld(t, 3)
		w.windows.data = []string{"æøå", "&lt;b&gt; ]]&gt;", "Grøndal"}
		a := w.ask(pull.Path + "?" + asking + "&" + query)
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, a.Body.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Body.Bytes(), want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, a.Body, want)
		}
	}
}

// Every message of an XML answer is a document of its own when it is taken out (requirements 4c, 4).
func TestF38AMessageIsADocumentOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.windows.data = []string{"a &amp;amp; b", "c&#xD;d"}
	plain := w.options.Append
	declared := false
	w.options.Append = func(dst []byte, e *event.Event, f pull.Format) ([]byte, error) {
		if e.Position == 2 {
			declared = true
			dst = append(dst, `<?xml version="1.0" encoding="utf-16"?>`+"\r\n"...)
		}
		return plain(dst, e, f)
	}
	a := w.ask(pull.Path + "?" + asking + "&format=xml")
	var answer struct {
		XMLName  xml.Name `xml:"ArrayOfEnvelope"`
		Envelope []struct {
			ID        int64 `xml:"Id"`
			Message   string
			Format    string
			Timestamp string
		}
	}
	if err := xml.Unmarshal(a.Body.Bytes(), &answer); err != nil || len(answer.Envelope) != 2 || !declared {
		t.Fatalf("%v: %s", err, a.Body)
	}
	for i, want := range []string{"a &amp; b", "c\rd"} {
		e := answer.Envelope[i]
		var message struct {
			XMLName xml.Name `xml:"urn:dk:grunddata:1.0.0 Haendelsesbesked"`
			Text    string
		}
		if err := xml.Unmarshal([]byte(e.Message), &message); err != nil || message.Text != want || e.Format != "Xml" || strings.Contains(e.Message, "<?xml") {
			t.Errorf("%d: %v %q in %s", i, err, message.Text, e.Message)
		}
		at, err := time.Parse(time.RFC3339Nano, e.Timestamp)
		if err != nil || !at.Equal(first.Add(time.Duration(i)*time.Second)) || !strings.HasSuffix(e.Timestamp, "+02:00") {
			t.Errorf("%d: %s %v", i, e.Timestamp, err)
		}
	}
}

// Another reader of XML finds nothing wrong with an answer, nor with a message that is taken out of it.
func TestF38AnotherReaderOfXML(t *testing.T) {
	t.Parallel()
	xmllint := oracle.Program(t, "xmllint")
	for _, name := range []string{"three.xml", "none.xml"} {
		if out, err := exec.Command(xmllint, "--noout", filepath.Join("testdata", name)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	text, err := exec.Command(xmllint, "--xpath", "string(/ArrayOfEnvelope/Envelope[2]/Message)", filepath.Join("testdata", "three.xml")).Output()
	if err != nil {
		t.Fatal(err)
	}
	inner := exec.Command(xmllint, "--xpath", "string(//*[local-name()='Text'])", "-")
	inner.Stdin = bytes.NewReader(text)
	if out, err := inner.Output(); err != nil || strings.TrimSpace(string(out)) != "<b> ]]>" {
		t.Errorf("%q %v", out, err)
	}
}

// What cannot be written is left out, and the operator hears of it once an answer.
func TestWhatCannotBeWrittenIsLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	w.windows.data = []string{"a", "unwritable", "unwritable"}
	a := w.ask(pull.Path + "?" + asking)
	if got := idAt.FindAllString(a.Body.String(), -1); fmt.Sprint(got) != `["Id":1 "Id":4]` {
		t.Errorf("%v", got)
	}
	if log := w.log.String(); strings.Count(log, "left out") != 1 || !strings.Contains(log, "position=2") {
		t.Error(log)
	}
}

// Errors are problems while nothing was sent; an answer that is under way is broken off, so that nobody takes half for all.
func TestAnAnswerIsWholeOrBrokenOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.windows.err = fault.New(fault.FetchPaused, "an operator has paused it")
	w.windows.n = 0
	if a := w.ask(pull.Path + "?" + asking); a.Code != 503 || a.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	w.windows.err, w.windows.n, w.windows.after = errors.New("disk: 0101701234"), 100_000, 50_000
	server := httptest.NewServer(pull.New(pull.Password, w.options))
	t.Cleanup(server.Close)
	for _, coding := range []string{"identity", "gzip"} {
		request, _ := http.NewRequest(http.MethodGet, server.URL+pull.Path+"?"+asking, nil)
		request.Header.Set("Accept-Encoding", coding)
		answer, err := server.Client().Do(request)
		if err != nil {
			continue // broken off before the head was sent
		}
		if _, err := io.Copy(io.Discard, answer.Body); err == nil {
			t.Errorf("%s: half an answer ended as if it were whole", coding)
		}
		answer.Body.Close()
	}
	server.Close()
	if log := w.log.String(); strings.Count(log, "broken off") != 2 {
		t.Errorf("the operator is told %q", log)
	}
}

// The same bytes, packed where the client takes it.
func TestAnswersArePacked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1000)
	plain := w.ask(pull.Path + "?" + asking)
	for accept, packed := range map[string]bool{"": false, "gzip": true, "deflate, gzip;q=0.5": true, "gzip;q=0": false, "*": true, "br": false, "GZIP": true} {
		a := w.ask(pull.Path+"?"+asking, "Accept-Encoding", accept)
		body := a.Body.Bytes()
		if (a.Header().Get("Content-Encoding") == "gzip") != packed {
			t.Errorf("%q: %s", accept, a.Header().Get("Content-Encoding"))
		}
		if packed {
			z, err := gzip.NewReader(a.Body)
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(body, plain.Body.Bytes()) {
			t.Errorf("%q: %d bytes, want %d", accept, len(body), plain.Body.Len())
		}
	}
}

// A client that is gone is read for no more.
func TestAClientThatIsGoneIsReadForNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1<<30)
	recorder := &gone{header: http.Header{}}
	r := httptest.NewRequest(http.MethodGet, pull.Path+"?"+asking, nil)
	func() {
		defer func() { _ = recover() }() // the answer is under way
		pull.New(pull.Password, w.options).ServeHTTP(recorder, r)
	}()
	if recorder.writes != 1 {
		t.Errorf("%d writes", recorder.writes)
	}
}

type gone struct {
	header http.Header
	writes int
}

func (g *gone) Header() http.Header { return g.header }
func (g *gone) WriteHeader(int)     {}
func (g *gone) Write([]byte) (int, error) {
	g.writes++
	return 0, errors.New("connection reset by peer")
}

func TestOtherAddressesAndMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	for call, want := range map[string]int{
		"GET " + pull.Path + "/more": 404, "GET /system/EventMessages/2.0.0/custom": 404, "POST " + pull.Path: 405, "DELETE " + pull.Path + "/": 405, "HEAD " + pull.Path: 200,
	} {
		method, path, _ := strings.Cut(call, " ")
		a := w.call(method, path+"?"+asking)
		if a.Code != want || want == 405 && a.Header().Get("Allow") != "GET, HEAD" || method == "HEAD" && a.Body.Len() > 0 {
			t.Errorf("%s: %d %s", call, a.Code, a.Body)
		}
		if id := a.Header().Get("X-Request-Id"); id == "" || a.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", call, a.Header())
		}
	}
}

// A panic is the operator's, and says nothing outside.
func TestAPanicIsAProblem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.options.Windowed = func(string) bool { panic("odd") }
	if a := w.ask(pull.Path + "?" + asking); a.Code != 500 || strings.Contains(a.Body.String(), "odd") {
		t.Errorf("%d %s", a.Code, a.Body)
	}
}

// FuzzQuery: whatever is asked, the answer is a whole one or a whole problem, never a 5xx, and never repeats the password.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{asking, "&" + asking + "&format=Xml&page=2&pagesize=3", "datefrom=2020-09-29 00:00:00&dateto=2020-09-30T00:00:00+02:00", "%", "a=b;c", "page=-0&pagesize=+1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		w := newWorld(t, 5)
		w.options.Callers = nil
		r := httptest.NewRequest(http.MethodGet, pull.Path, nil)
		r.URL.RawQuery = query
		recorder := httptest.NewRecorder()
		pull.New(pull.Password, w.options).ServeHTTP(recorder, r)
		if recorder.Code >= 500 || recorder.Header().Get("Content-Type") == "application/problem+json" && !json.Valid(recorder.Body.Bytes()) {
			t.Errorf("%d %s", recorder.Code, recorder.Body)
		}
		if page := w.windows.last(); recorder.Code == 200 && (page.Size < 1 || page.Size > 100_000 || page.Page < 1 || page.Before < page.From) {
			t.Errorf("%+v", page)
		}
	})
}
