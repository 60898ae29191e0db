package main_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// markedRegister is a register that keeps rows of the person whom nobody is, and an extract of it.
type markedRegister struct {
	seen *trail
	p    *process
}

// deliver sets all of it up, with a filter and an extract of the person alone: two rows name the person, one of them closed, and one names somebody else. One event follows, and a
// file is made.
func (r *markedRegister) deliver() {
	p := r.p
	p.t.Helper()
	p.must("PUT", "/api/v1/event-types/OwnerUpdate", object{"title": "O", "order": "none", "personal": true, "retention": "P6M"})
	p.must("PUT", "/api/v1/event-types/OwnerUpdate/versions/v1", object{"state": "active", "sample": object{"cpr": "0", "registreringFra": "2020-01-01T00:00:00Z"}, "mapping": object{
		"personal": []string{"/cpr"}, "besked.objektID": "Load(cpr)", "besked.objekttype": "Constant(Owner)", "besked.objekthandling": "Constant(Update)",
		"besked.registreringstid": "Load(registreringFra)", "besked.beskedansvarligAktør": "Constant(X)", "besked.kildesystem": "Constant(owners)",
		"besked.sikkerhedsklassificering": "Constant(NonConfidential)",
	}})
	p.must("PUT", "/api/v1/sources/owners", object{"uri": "urn:owners", "title": "Owners", "types": []string{"OwnerUpdate"}})
	p.must("PUT", "/api/v1/registers/owners", object{"source": "owners", "types": []object{{
		"name": "Owner", "row": "objectid", "object": []string{"cpr"}, "columns": []object{
			{"name": "objectid", "required": true}, {"name": "cpr", "required": true, "personal": true}, {"name": "street"},
		},
	}}})
	p.must("PUT", "/api/v1/systems/archive", object{"agreement": object{
		"profile": "standard", "baseUrl": "http://127.0.0.1:1", "sources": []string{"owners"}, "contacts": object{"technical": object{"email": "technical@example.org"}},
	}})
	p.must("PUT", "/api/v1/systems/watcher", object{"agreement": object{
		"profile": "datafordeler", "baseUrl": "http://127.0.0.1:1", "sources": []string{"owners"}, "contacts": object{"technical": object{"email": "technical@example.org"}},
	}})
	p.must("PUT", "/api/v1/systems/watcher/subscriptions", object{"items": []object{{
		"name": "of one", "channel": "window", "types": []string{"OwnerUpdate"}, "filter": object{"field": "objektID", "equals": marked},
	}}})
	p.must("PUT", "/api/v1/extracts/of-one", object{"system": "archive", "register": "owners", "type": "Owner", "object": []string{marked}, "selection": "delta", "format": "csv"})
	p.must("PUT", "/api/v1/extracts/owners", object{"system": "archive", "register": "owners", "type": "Owner", "selection": "total", "format": "csv"})
	owner := func(id, cpr, event string) string {
		return "<c:DataEntity><c:Action>Create</c:Action><c:CreateEvent>" + event + "</c:CreateEvent><Owner><objectid>" + id + "</objectid><cpr>" + cpr + "</cpr><street>S</street>" +
			"<status>x</status><registreringFra>2020-01-0" + id + "T00:00:00Z</registreringFra><virkningFra>2020-01-01T00:00:00Z</virkningFra></Owner></c:DataEntity>"
	}
	r.take("first", owner("1", marked, "NoEvent")+owner("3", "4114704321", "NoEvent"))
	r.take("second", "<c:DataEntity><c:Action>Update</c:Action><c:CreateEvent>NoEvent</c:CreateEvent><Owner><objectid>1</objectid><registreringTil>2020-01-02T00:00:00Z</registreringTil></Owner></c:DataEntity>"+
		owner("2", marked, "UpdateEvent"))
	r.until("the event is in the log", func() bool {
		return bytes.Contains(p.must("GET", "/api/v1/registers/owners/deliveries/second", nil), []byte(`"published"`))
	})
	p.must("POST", "/api/v1/extracts/owners/run", nil)
	r.until("the extract is made", func() bool { return len(r.files()) == 1 })
	if rows := r.rows(); strings.Count(rows, marked) != 2 {
		p.t.Fatalf("the rows are %s", rows)
	}
	if text := r.content(r.files()[0]); strings.Count(text, marked) != 2 {
		p.t.Fatalf("the extract has %s", text)
	}
}

func (r *markedRegister) take(id, entities string) {
	r.p.t.Helper()
	body := `<c:DatafordelerDataDelivery xmlns:c="urn:c"><c:Data>` + entities + `</c:Data></c:DatafordelerDataDelivery>`
	if status, text := r.seen.ask(r.p, false, "POST", "/api/v1/registers/owners/deliveries?id="+id, "application/xml", body); status != http.StatusCreated {
		r.p.t.Fatalf("the delivery %s: %d %s", id, status, text)
	}
}

// rows are those that were known when the first was alone, and those that are now.
func (r *markedRegister) rows() string {
	_, text := r.seen.ask(r.p, true, "GET", "/api/v1/registers/owners/Owner?registreringstid=2020-01-01T12:00:00Z&limit=100", "", "")
	_, later := r.seen.ask(r.p, true, "GET", "/api/v1/registers/owners/Owner?limit=100", "", "")
	return string(text) + string(later)
}

type markedFile struct{ File, Erased string }

func (r *markedRegister) files() []markedFile {
	r.p.t.Helper()
	var page struct{ Items []markedFile }
	if err := json.Unmarshal(r.p.must("GET", "/api/v1/extracts/owners/files", nil), &page); err != nil {
		r.p.t.Fatal(err)
	}
	return page.Items
}

func (r *markedRegister) content(f markedFile) (all string) {
	r.p.t.Helper()
	_, text := r.seen.ask(r.p, true, "GET", "/api/v1/extracts/owners/files/"+f.File, "", "")
	archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		r.p.t.Fatalf("%v: %s", err, text)
	}
	for _, file := range archive.File {
		inside, err := file.Open()
		if err != nil {
			r.p.t.Fatal(err)
		}
		text, err := io.ReadAll(inside)
		if err != nil {
			r.p.t.Fatal(err)
		}
		all += string(text)
	}
	return all
}

// gone looks whether nothing can be had of the person, and all of the other.
func (r *markedRegister) gone(when string) {
	r.p.t.Helper()
	rows := r.rows()
	if strings.Contains(rows, marked) || strings.Count(rows, `"erased":true`) != 2 || strings.Count(rows, "4114704321") != 1 {
		r.p.t.Errorf("%s, the rows: %s", when, rows)
	}
	for _, f := range r.files() {
		status, text := r.seen.ask(r.p, false, "GET", "/api/v1/extracts/owners/files/"+f.File, "", "")
		if status != http.StatusGone && status != http.StatusNotFound || when != "restored" && (f.Erased == "" || status != http.StatusGone) {
			r.p.t.Errorf("%s, the file %+v: %d %s", when, f, status, text)
		}
	}
}

// again makes another file, in which nothing is of the person.
func (r *markedRegister) again() {
	r.p.t.Helper()
	r.p.must("POST", "/api/v1/extracts/owners/run", nil)
	r.until("another file is made", func() bool { return len(r.files()) == 2 })
	if text := r.content(r.files()[0]); strings.Contains(text, marked) || !strings.Contains(text, "4114704321") {
		r.p.t.Errorf("the file that was made after has %s", text)
	}
}

// until asks the hub again and again.
func (r *markedRegister) until(what string, holds func() bool) {
	r.p.t.Helper()
	for end := time.After(time.Minute); !holds(); {
		select {
		case <-end:
			r.p.t.Fatalf("never: %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
