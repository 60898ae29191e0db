package demo

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

// The sample world's sources and types.
const (
	registerURI = "https://properties.demo"
	casesURI    = "https://cases.demo"

	propertyType = "demo.property.changed"
	cvType       = "demo.cv.changed"
)

// author is who the sample world's revisions say they are by.
const author = "demo"

// sampleSources are a register of properties and a case system for job seekers.
var sampleSources = []event.Source{
	{Name: "property-register", URI: registerURI, Title: "Property register", Types: []string{propertyType}},
	{Name: "case-system", URI: casesURI, Title: "Case system for job seekers", Types: []string{cvType}},
}

var sampleTypes = []event.Type{
	{Name: propertyType, Title: "A property has changed", Order: event.OrderKey, Retention: "P30D"},
	{Name: cvType, Title: "A CV has changed", Order: event.OrderKey, Personal: true, Retention: "P30D"},
}

// sampleVersions: number counts the changes of one property or CV. The receivers check the order by it.
var sampleVersions = []event.Version{
	{
		Type: propertyType, Version: "v1", State: event.StateActive,
		Schema: json.RawMessage(`{"type":"object","required":["property","number","change"],"properties":{` +
			`"property":{"type":"string"},"number":{"type":"integer"},"change":{"type":"string"}}}`),
		Sample:  json.RawMessage(`{"property":"sample","number":1,"change":"owner"}`),
		Mapping: event.Mapping{Fields: map[string]string{"key": "/property", "subject": "/property"}},
	},
	{
		Type: cvType, Version: "v1", State: event.StateActive,
		Schema: json.RawMessage(`{"type":"object","required":["person","cv","content"],"properties":{"person":{"type":"string"},` +
			`"cv":{"type":"string"},"content":{"type":"object","required":["cv","number"]}}}`),
		Sample:  json.RawMessage(`{"person":"0000000000","cv":"sample","user":"Sample Case Worker","content":{"cv":"sample","number":1}}`),
		Mapping: event.Mapping{Fields: cvMapping, Personal: []string{"/person", "/user"}},
	},
}

// cvMapping makes a webservicebesked of a CV's change: what the message type page of EntitetId 30000 says (S9 to S22).
var cvMapping = map[string]string{
	"key":                          "/person",
	"organisation.type":            "Constant(5)",
	"organisation.code":            "Constant(101)",
	"star.body":                    "/content",
	"star.authority.type":          "Constant(5)",
	"star.authority.code":          "Constant(101)",
	"star.user.name":               "/user",
	"star.user.typeId":             "Constant(2)",
	"star.user.typeName":           "Constant(Sagsbehandler)",
	"star.user.identification":     "Constant(demo)",
	"star.user.email":              "Constant(sagsbehandler@cases.demo)",
	"star.user.authority.type":     "Constant(5)",
	"star.user.authority.code":     "Constant(101)",
	"star.system.id":               "Constant(4)",
	"star.system.name":             "Constant(DFDG)",
	"star.entity.id":               "Constant(30000)",
	"star.entity.name":             "Constant(Cv)",
	"star.external":                "/cv",
	"star.version":                 "/content/number",
	"star.identification":          "/person",
	"star.identification.typeId":   "Constant(1)",
	"star.identification.typeName": "Constant(CPR-nummer)",
	"star.change.typeId":           "Constant(2)",
	"star.change.typeName":         "Constant(Opdatering)",
}

// contacts are who would be told.
var contacts = subscription.Contacts{Technical: subscription.Contact{Email: "operations@receiver.demo"}}

// putSample puts sources, types and versions in place.
func putSample(ctx context.Context, m *manage.Manager) error {
	by := manage.By{Author: author}
	for _, t := range sampleTypes {
		if _, err := m.PutType(ctx, t, by); err != nil {
			return fmt.Errorf("event type %s: %w", t.Name, err)
		}
	}
	for _, v := range sampleVersions {
		if _, err := m.PutVersion(ctx, v, by); err != nil {
			return fmt.Errorf("version of %s: %w", v.Type, err)
		}
	}
	for _, s := range sampleSources {
		if _, err := m.PutSource(ctx, s, by); err != nil {
			return fmt.Errorf("source %s: %w", s.Name, err)
		}
	}
	return nil
}

// subscribe makes the receiver's system with its agreement and its one subscription, and gives the receiver the secret
// that its messages are signed with. The receiver must answer from then on.
func subscribe(ctx context.Context, m *manage.Manager, r *receiver) error {
	by := manage.By{Author: author}
	if _, err := m.PutSystem(ctx, r.system, by); err != nil {
		return fmt.Errorf("system %s: %w", r.system.Name, err)
	}
	if policy := r.system.Agreement.Policy(); policy.Sign {
		key, err := m.RotateKey(ctx, r.system.Name, manage.HMAC, 0, author)
		if err != nil {
			return fmt.Errorf("signing key of %s: %w", r.system.Name, err)
		}
		r.secret = key.Shown
	}
	if err := r.serve(); err != nil {
		return err
	}
	set := []subscription.Subscription{{Name: "changes", Types: r.types, Path: "/changes"}}
	if _, err := m.PutSubscriptions(ctx, r.system.Name, set, manage.SetOptions{By: by}); err != nil {
		return fmt.Errorf("subscription of %s: %w", r.system.Name, err)
	}
	return test(ctx, m, r)
}

// test sends the test message that a profile demands before anything is delivered.
func test(ctx context.Context, m *manage.Manager, r *receiver) error {
	if policy := r.system.Agreement.Policy(); !policy.RequireTest {
		return nil
	}
	list, err := m.Subscriptions(ctx, r.system.Name)
	if err != nil {
		return err
	}
	for _, s := range list {
		if _, err := m.Test(ctx, s.ID, author); err != nil {
			return fmt.Errorf("the test of %s: %w", r.system.Name, err)
		}
	}
	return nil
}

// agreement is what the sample systems have in common.
func agreement(p profile.Name, baseURL string, sources ...string) subscription.Agreement {
	return subscription.Agreement{Profile: p, BaseURL: baseURL, Sources: sources, Contacts: contacts}
}
