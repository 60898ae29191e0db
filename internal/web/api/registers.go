package api

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// Registers take deliveries in and are asked for what they keep.
type Registers interface {
	Take(ctx context.Context, registerName, id string, body io.Reader, tell func(deposit.Progress)) (*register.Delivery, error)
	Delivery(ctx context.Context, registerName, id string) (*register.Delivery, error)
	Deliveries(ctx context.Context, registerName string, below int64, limit int) ([]register.Delivery, error)
	Drop(ctx context.Context, actor, registerName, id string) (*register.Delivery, error)
	Find(ctx context.Context, q *deposit.Question) (rows []register.Row, next int64, err error)
	Seen() int64
	Recent(ctx context.Context, q *deposit.Recently) (found []*register.Happening, next int64, err error)
}

// patience is how long a delivery may bring nothing before it is given up; it may take as long as it likes.
const patience = time.Minute

// Pages of rows and of deliveries.
const (
	rowsShown = 200
	rowsMost  = 10000
)

// DeliveryView is how a register's delivery stands.
type DeliveryView struct {
	ID     string `json:"id"`     // as the register calls it
	Number int64  `json:"number"` // in the register
	State  string `json:"state"`  // staging, committed, published or refused
	Staged int64  `json:"staged"` // entities of it that are here
	Rows   int64  `json:"rows"`   // made
	Closed int64  `json:"closed"` // rows that are not known any more
	Events int64  `json:"events"` // derived from it
	Begun  string `json:"begun"`
	Ended  string `json:"ended,omitempty"`
	Reason string `json:"reason,omitempty"` // why it was refused
}

func viewDelivery(d *register.Delivery) DeliveryView {
	return DeliveryView{
		ID: d.ID, Number: d.Number, State: string(d.State), Staged: d.Staged, Rows: d.Rows, Closed: d.Closed, Events: d.Events,
		Begun: instant(d.Begun), Ended: instant(d.Ended), Reason: d.Reason,
	}
}

func (a *api) register() document[register.Register] {
	return document[register.Register]{
		api: a, put: a.Manager.PutRegister,
		now: func(r *http.Request) (*register.Register, int64) { return a.Book.Register(r.PathValue("register")) },
		named: func(r *http.Request, sent *register.Register) error {
			return named("/name", &sent.Name, r.PathValue("register"))
		},
	}
}

func (a *api) listRegisters(w http.ResponseWriter, r *http.Request) error {
	return respondPage(w, queryOf(r, paging()...), a.Book.Registers(), func(reg *register.Register) string { return reg.Name })
}

// takeDelivery answers 201 when the delivery is there as a whole: from then on its rows are seen, and its events follow. One that
// was there before is answered with 200.
func (a *api) takeDelivery(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "id")
	if err := q.err(); err != nil {
		return err
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/xml" && kind != "text/xml" {
		return fault.New(fault.MediaType, "want application/xml")
	}
	before := a.Now()
	body := &patient{body: r.Body, control: http.NewResponseController(w)}
	_ = body.control.SetWriteDeadline(time.Time{}) // nothing is written before all of it is there
	d, err := a.Registers.Take(r.Context(), r.PathValue("register"), q.text("id"), body, nil)
	body.answers()
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if d.Ended < before.UnixMicro() {
		status = http.StatusOK
	}
	w.Header().Set("Location", "/api/v1/registers/"+r.PathValue("register")+"/deliveries/"+url.PathEscape(d.ID))
	return respond(w, status, viewDelivery(d))
}

// patient reads a body that may take as long as it likes, as long as it comes.
type patient struct {
	body    io.Reader
	control *http.ResponseController
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(time.Now().Add(patience)) // what has no deadlines is a test's
	n, err := p.body.Read(b)
	if err == io.EOF {
		// What has come is held against what there was before, which takes as long as that is large.
		_ = p.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// answers begins the time that the answer has.
func (p *patient) answers() { _ = p.control.SetWriteDeadline(time.Now().Add(patience)) }

func (a *api) listDeliveries(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, paging()...)
	at := q.place(pageShown, pageMost)
	below := q.numbered(at.after)
	if err := q.err(); err != nil {
		return err
	}
	if reg, _ := a.Book.Register(r.PathValue("register")); reg == nil {
		return noRegister()
	}
	list, err := a.Registers.Deliveries(r.Context(), r.PathValue("register"), below, at.limit+1)
	if err != nil {
		return err
	}
	p := page[DeliveryView]{Items: []DeliveryView{}}
	for i := range list {
		if i == at.limit {
			p.Next = cursorOf(strconv.FormatInt(list[i-1].Number, 10))
			break
		}
		p.Items = append(p.Items, viewDelivery(&list[i]))
	}
	return respond(w, http.StatusOK, p)
}

// numbered reads the number that a cursor holds; 0 where there is none.
func (q *query) numbered(key string) int64 {
	if key == "" {
		return 0
	}
	n, err := strconv.ParseInt(key, 10, 64)
	if err != nil || n < 0 {
		q.refuse("query:after", "cursor", "want the next of the page before, as it stands there")
	}
	return n
}

func (a *api) getDelivery(w http.ResponseWriter, r *http.Request) error {
	d, err := a.Registers.Delivery(r.Context(), r.PathValue("register"), r.PathValue("delivery"))
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, viewDelivery(d))
}

// dropDelivery gives up a delivery that is being staged.
func (a *api) dropDelivery(w http.ResponseWriter, r *http.Request) error {
	_, err := a.Registers.Drop(r.Context(), principal(r).Name, r.PathValue("register"), r.PathValue("delivery"))
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// listRows answers with rows of an entity type as they were known at one time about another.
func (a *api) listRows(w http.ResponseWriter, r *http.Request) error {
	q, object := queryOf(withoutObjects(r), lookUpMembers...), r.URL.Query()["object"]
	if reg, _ := a.Book.Register(r.PathValue("register")); reg != nil && object != nil {
		if of := reg.Named(r.PathValue("type")); of != nil && of.PersonalObject() {
			q.refuse("query:object", "personal", "tells a person: ask by POST /registers/{register}/search, for addresses are kept by proxies, browsers and logs")
		}
	}
	return a.lookUp(w, r, r.PathValue("type"), q, object)
}

// rowSearch is what listRows asks, as a document: what tells an object may be a person's number, and addresses are kept by
// proxies, browsers and logs.
type rowSearch struct {
	Type             string   `json:"type"`             // of entities
	Object           []string `json:"object"`           // the values of the columns that tell it, in the type's order; none: of all
	Registreringstid string   `json:"registreringstid"` // as it was known then; none: now
	Virkningstid     string   `json:"virkningstid"`     // about then; none: now
	History          bool     `json:"history"`          // every row of the object, whenever it was known
	Format           string   `json:"format"`           // geojson: features
	SRS              string   `json:"srs"`              // the reference system of places in WKT
	After            string   `json:"after"`            // the next of the page before
	Limit            int64    `json:"limit"`
}

var lookUpMembers = paging("registreringstid", "virkningstid", "history", "format", "srs")

func (a *api) searchRows(w http.ResponseWriter, r *http.Request) error {
	var asked rowSearch
	if err := a.readDocument(w, r, &asked); err != nil {
		return err
	}
	q := &query{values: map[string][]string{}}
	for member, text := range map[string]string{
		"registreringstid": asked.Registreringstid, "virkningstid": asked.Virkningstid, "format": asked.Format, "srs": asked.SRS, "after": asked.After,
		"history": strconv.FormatBool(asked.History),
	} {
		q.values[member] = []string{text}
	}
	if asked.Limit != 0 {
		q.values["limit"] = []string{strconv.FormatInt(asked.Limit, 10)}
	}
	return asMembers(a.lookUp(w, r, asked.Type, q, asked.Object))
}

// asMembers names what cannot be asked for as members of a document, not of an address.
func asMembers(err error) error {
	if !fault.Has(err, fault.BadRequest) {
		return err
	}
	found := slices.Clone(fault.Of(err).Violations)
	for i := range found {
		found[i].Pointer = "/" + strings.TrimPrefix(found[i].Pointer, "query:")
	}
	return fault.Invalid(fault.BadRequest, found)
}

func (a *api) lookUp(w http.ResponseWriter, r *http.Request, entityType string, q *query, object []string) error {
	at := q.place(rowsShown, rowsMost)
	question := deposit.Question{
		Register: r.PathValue("register"), Type: entityType, Registered: q.instant(a, "registreringstid"), Effective: q.instant(a, "virkningstid"),
		Object: object, History: q.flag("history"), After: q.numbered(at.after), Limit: at.limit,
	}
	reg, _ := a.Book.Register(question.Register)
	if reg == nil {
		return noRegister()
	}
	of := reg.Named(question.Type)
	if of == nil {
		return fault.New(fault.NotFound, "the register has no entity type of that name")
	}
	told := q.placing(of)
	if err := q.err(); err != nil {
		return err
	}
	found, next, err := a.Registers.Find(r.Context(), &question)
	if err != nil {
		return err
	}
	rows := make([]json.RawMessage, len(found))
	for i := range found {
		if rows[i], err = found[i].JSON(); err != nil {
			return err
		}
	}
	return told.respond(w, rows, next)
}

// withoutObjects is the request without the parameter that may be there more than once.
func withoutObjects(r *http.Request) *http.Request {
	plain := *r
	address := *r.URL
	values := address.Query()
	values.Del("object")
	address.RawQuery = values.Encode()
	plain.URL = &address
	return &plain
}

// instant reads a time; nil where there is none. One without an offset is in the hub's zone.
func (q *query) instant(a *api, name string) *int64 {
	text := q.text(name)
	if text == "" {
		return nil
	}
	us, ok := event.ParseTime(text)
	if !ok {
		for _, form := range []string{"2006-01-02T15:04:05.999999", time.DateOnly} {
			if at, err := time.ParseInLocation(form, text, a.Book.Zone()); err == nil {
				us, ok = at.UnixMicro(), true
				break
			}
		}
	}
	if !ok {
		q.refuse("query:"+name, "time", "want a time such as 2026-01-31T12:00:00Z, or a day")
	}
	return &us
}

// ofOwnRegister lets through requests of who publishes as the register's source.
func (a *api) ofOwnRegister(handle handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		reg, _ := a.Book.Register(r.PathValue("register"))
		if reg == nil || !principal(r).PublishesAs(reg.Source) {
			return noRegister()
		}
		return handle(w, r)
	}
}

// ofGrantedRegister lets through requests of who reads what the register keeps.
func (a *api) ofGrantedRegister(handle handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		reg, _ := a.Book.Register(r.PathValue("register"))
		if reg == nil || !a.Book.ReadsRegister(principal(r), reg) {
			return noRegister()
		}
		return handle(w, r)
	}
}

func noRegister() error { return fault.New(fault.NotFound, "there is no register of that name") }
