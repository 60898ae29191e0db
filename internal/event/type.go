package event

import (
	"maps"
	"slices"

	"github.com/varselhub/varsel/internal/fault"
)

// The orders of a type's events.
const (
	OrderKey  = "key"  // events that share a key stay in order
	OrderNone = "none" // each event is on its own
)

// Type is what kind of event: beskedtype. What its data looks like is said by its versions.
type Type struct {
	Name        string     `json:"name"` // the CloudEvents type
	Title       string     `json:"title"`
	Description string     `json:"description,omitempty"`
	Order       string     `json:"order"`    // "key" or "none"
	Personal    bool       `json:"personal"` // its data holds personal values; the mapping of every version names them
	Retention   Retention  `json:"retention,omitempty"`
	Catalogue   *Catalogue `json:"catalogue,omitempty"`
}

// Catalogue is what subscribers are told of a type: the rows of STAR's message type pages. Free text unless said.
type Catalogue struct {
	EntityName         string            `json:"entityName,omitempty"`
	EntityID           string            `json:"entityId,omitempty"` // the same in all environments
	ExternalIdentifier string            `json:"externalIdentifier,omitempty"`
	VersionIdentifier  string            `json:"versionIdentifier,omitempty"`
	IdentificationType string            `json:"identificationType,omitempty"`
	ChangeTypes        []string          `json:"changeTypes,omitempty"` // the allowed ones
	Body               string            `json:"body,omitempty"`
	Replaces           string            `json:"replaces,omitempty"` // the old message it stands for
	SendingRules       string            `json:"sendingRules,omitempty"`
	SendingStrategies  map[string]string `json:"sendingStrategies,omitempty"` // receiver type to strategy
	FetchFrom          string            `json:"fetchFrom,omitempty"`         // where to get the current data
}

// Check reports what is wrong with the document.
func (t *Type) Check() []fault.Violation {
	var c checks
	c.typeName("/name", t.Name)
	c.title(t.Title)
	c.text("/description", t.Description)
	if t.Order != OrderKey && t.Order != OrderNone {
		c.refuse("/order", "enum", `want "key" or "none"`)
	}
	if err := t.Retention.Check(); err != nil {
		c.refuse("/retention", "duration", err.Error())
	} else if t.Personal && t.Retention == "" {
		c.refuse("/retention", "required", "a type with personal values says how long they are kept")
	}
	if t.Catalogue != nil {
		t.Catalogue.check(&c)
	}
	return c.found
}

func (k *Catalogue) check(c *checks) {
	texts := map[string]string{
		"entityName": k.EntityName, "entityId": k.EntityID, "externalIdentifier": k.ExternalIdentifier,
		"versionIdentifier": k.VersionIdentifier, "identificationType": k.IdentificationType, "body": k.Body,
		"replaces": k.Replaces, "sendingRules": k.SendingRules, "fetchFrom": k.FetchFrom,
	}
	for i, text := range k.ChangeTypes {
		texts[at("changeTypes", i)] = text
	}
	for receiver, text := range k.SendingStrategies {
		texts["sendingStrategies/"+escapeToken(receiver)] = text
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		c.text("/catalogue/"+name, texts[name])
	}
}
