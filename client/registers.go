package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Register is what one authority keeps and delivers.
type Register struct {
	Name   string       `json:"name"`
	Title  string       `json:"title,omitempty"`
	Source string       `json:"source"`           // name of the source whose events are derived from its data
	Zone   string       `json:"zone,omitempty"`   // IANA zone of times that say no offset; empty: Europe/Copenhagen
	Public bool         `json:"public,omitempty"` // the feed of what it publishes is everyone's to read, not its rows
	Types  []EntityType `json:"types"`
}

// EntityType is one kind of object that a register keeps.
type EntityType struct {
	Name      string            `json:"name"`                // the XML element's local name
	Namespace string            `json:"namespace,omitempty"` // and its namespace
	Row       string            `json:"row"`                 // the column that tells its rows apart
	Object    []string          `json:"object"`              // the columns that together tell its objects apart
	Columns   []RegisterColumn  `json:"columns"`             // besides those of time, status and actors, which every type has
	Events    map[string]string `json:"events,omitempty"`    // event type by CreateEvent, UpdateEvent and DeleteEvent; none: NameCreate …
}

// RegisterColumn is one field of an entity type.
type RegisterColumn struct {
	Name      string `json:"name"`
	Type      string `json:"type,omitempty"` // text (the default), integer, decimal, boolean, time, date, uuid or geometry
	Required  bool   `json:"required,omitempty"`
	EventOnly bool   `json:"eventOnly,omitempty"` // is not kept, and only fills events
	Personal  bool   `json:"personal,omitempty"`  // holds what tells a person: rows are erased by it
}

// Delivery is how a register's delivery stands.
type Delivery struct {
	ID     string    `json:"id"`     // as the register calls it
	Number int64     `json:"number"` // in the register
	State  string    `json:"state"`  // staging, committed, published or refused
	Staged int64     `json:"staged"` // entities of it that are here
	Rows   int64     `json:"rows"`   // made
	Closed int64     `json:"closed"` // rows that are not known any more
	Events int64     `json:"events"` // derived from it
	Begun  time.Time `json:"begun"`
	Ended  time.Time `json:"ended,omitzero"`
	Reason string    `json:"reason,omitempty"` // why it was refused
}

// Registers lists the registers.
func (c *Client) Registers(ctx context.Context) ([]Register, error) {
	return list[Register](ctx, c, nil, "registers")
}

// Register reads one. Error: CodeNotFound.
func (c *Client) Register(ctx context.Context, name string) (Register, ETag, error) {
	return fetch[Register](ctx, c, nil, "registers", name)
}

// PutRegister sets a register up or changes it, and returns it as it stands now.
func (c *Client) PutRegister(ctx context.Context, r Register, match ETag) (Register, ETag, error) {
	return put(ctx, c, r, match, "registers", r.Name)
}

// Deliver hands over a delivery, a DatafordelerDataDelivery of any size, under the id that the register gave it; "" for the one
// that it calls itself by. When it returns without an error all of it is there. It is not repeated by itself: when it broke off,
// hand it over again from its beginning, and it goes on where it stopped.
// Errors: CodeNotFound, CodeBadRequest, CodeInvalidDocument, CodeConflict.
func (c *Client) Deliver(ctx context.Context, register, id string, body io.Reader) (d Delivery, err error) {
	r := request{method: http.MethodPost, path: []string{"registers", register, "deliveries"}, mediaType: "application/xml"}
	if id != "" {
		r.query = url.Values{"id": {id}}
	}
	request, err := c.request(ctx, &r)
	if err != nil {
		return d, err
	}
	request.Body, request.GetBody, request.ContentLength = io.NopCloser(body), nil, -1
	response, err := c.streams.Do(request)
	if err != nil {
		return d, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return d, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	return d, read(response, text, &d)
}

// Delivery tells how a delivery stands. Error: CodeNotFound.
func (c *Client) Delivery(ctx context.Context, register, id string) (Delivery, error) {
	d, _, err := fetch[Delivery](ctx, c, nil, "registers", register, "deliveries", id)
	return d, err
}

// Deliveries lists the deliveries of a register, newest first.
func (c *Client) Deliveries(ctx context.Context, register string) ([]Delivery, error) {
	return list[Delivery](ctx, c, nil, "registers", register, "deliveries")
}

// DropDelivery gives up a delivery that stopped half way. Errors: CodeNotFound; CodeConflict when it is not being staged.
func (c *Client) DropDelivery(ctx context.Context, register, id string) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"registers", register, "deliveries", id}}, nil)
	return err
}

// AsOf says at which times rows are looked up. A zero time is now.
type AsOf struct {
	Registered time.Time // as it was known then
	Effective  time.Time // about then
	Object     []string  // of the object with these values of its columns; nil: of all
	History    bool      // every row of Object instead, whenever it was known
}

// Rows looks up what a register knew at one time about another, row by row as they were delivered, by as many requests as it
// takes. What tells the object stands in no address. A row that was erased with a person has the member "erased", which is true, and its times.
// Errors: CodeNotFound, CodeBadRequest.
func (c *Client) Rows(ctx context.Context, register, entityType string, at AsOf) iter.Seq2[json.RawMessage, error] {
	if at.Object == nil {
		return all[json.RawMessage](ctx, c, at.query(), "registers", register, entityType)
	}
	asked := rowSearch{Type: entityType, Object: at.Object, History: at.History, Limit: rowsOfPage}
	asked.Registered, asked.Effective = at.texts()
	return pages(func(after string) (page pageOf[json.RawMessage], err error) {
		asked.After = after
		_, err = send(ctx, c, request{method: http.MethodPost, path: []string{"registers", register, "search"}, repeatable: true}, asked, &page)
		return page, err
	})
}

// texts are both times; none: now.
func (at *AsOf) texts() (registered, effective string) {
	if !at.Registered.IsZero() {
		registered = at.Registered.Format(time.RFC3339Nano)
	}
	if !at.Effective.IsZero() {
		effective = at.Effective.Format(time.RFC3339Nano)
	}
	return registered, effective
}

func (at *AsOf) query() url.Values {
	query := url.Values{"limit": {strconv.Itoa(rowsOfPage)}}
	registered, effective := at.texts()
	if registered != "" {
		query.Set("registreringstid", registered)
	}
	if effective != "" {
		query.Set("virkningstid", effective)
	}
	if at.History {
		query.Set("history", "true")
	}
	return query
}

// rowSearch is what is asked for.
type rowSearch struct {
	Type       string   `json:"type"`
	Object     []string `json:"object,omitempty"`
	Registered string   `json:"registreringstid,omitempty"`
	Effective  string   `json:"virkningstid,omitempty"`
	History    bool     `json:"history,omitempty"`
	After      string   `json:"after,omitempty"`
	Limit      int      `json:"limit"`
}

const rowsOfPage = 1000

// RegisterEvent is an event of a register: what has happened to an object, and where the object is.
type RegisterEvent struct {
	Position int64             `json:"position"`
	ID       string            `json:"id"` // the message id
	Type     string            `json:"type"`
	Recorded time.Time         `json:"recorded"`
	Time     time.Time         `json:"time"` // when it was registered
	Entity   string            `json:"entityType"`
	Action   string            `json:"action"`   // create, update or delete
	Withheld bool              `json:"withheld"` // its type names personal values: what follows is not told here
	Object   map[string]string `json:"object"`   // the columns that tell the object apart
	Name     string            `json:"name"`     // the object's navn, where its type has one
	Fields   []string          `json:"fields"`   // that it is about
	Geometry string            `json:"geometry"` // where the object is, as WKT
}

// RegisterEventQuery says which events of a register are listed. What is zero asks for all.
type RegisterEventQuery struct {
	Type   string     // an entity type or an event type
	Within [4]float64 // west, south, east and north, in degrees: about objects whose box meets this one
	Since  int64      // above this position
	SRS    int        // EPSG code of the reference system of Geometry: 25832 or 4326; 0: as they were delivered
}

// RegisterEvents lists the recent events of a register, newest first, by as many requests as it takes: break off when there is
// enough. Errors: CodeNotFound, CodeBadRequest.
func (c *Client) RegisterEvents(ctx context.Context, register string, q RegisterEventQuery) iter.Seq2[RegisterEvent, error] {
	query := url.Values{}
	if q.Type != "" {
		query.Set("type", q.Type)
	}
	if q.Within != [4]float64{} {
		sides := make([]string, len(q.Within))
		for i, side := range q.Within {
			sides[i] = strconv.FormatFloat(side, 'f', -1, 64)
		}
		query.Set("bbox", strings.Join(sides, ","))
	}
	if q.Since != 0 {
		query.Set("since", strconv.FormatInt(q.Since, 10))
	}
	if q.SRS != 0 {
		query.Set("srs", strconv.Itoa(q.SRS))
	}
	return all[RegisterEvent](ctx, c, query, "registers", register, "events")
}
