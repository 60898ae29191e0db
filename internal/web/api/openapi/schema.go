package openapi

import (
	"bytes"
	"encoding/json"
)

// Schema is a JSON Schema (draft 2020-12), as far as the API needs it.
type Schema struct {
	Ref         string     `json:"$ref,omitempty"`
	Type        Types      `json:"type,omitempty"`
	Description string     `json:"description,omitempty"`
	Format      string     `json:"format,omitempty"`
	Encoding    string     `json:"contentEncoding,omitempty"`
	Pattern     string     `json:"pattern,omitempty"`
	Enum        []string   `json:"enum,omitempty"`
	Const       any        `json:"const,omitempty"`
	Minimum     *int64     `json:"minimum,omitempty"`
	Maximum     *int64     `json:"maximum,omitempty"`
	MaxLength   *int64     `json:"maxLength,omitempty"`
	MinItems    *int64     `json:"minItems,omitempty"`
	MaxItems    *int64     `json:"maxItems,omitempty"`
	Default     any        `json:"default,omitempty"`
	ReadOnly    bool       `json:"readOnly,omitempty"`
	Items       *Schema    `json:"items,omitempty"`
	Properties  Properties `json:"properties,omitempty"`
	Required    []string   `json:"required,omitempty"`
	AllOf       []*Schema  `json:"allOf,omitempty"`
	Additional  any        `json:"additionalProperties,omitempty"` // a *Schema, or false: there are no others
}

// Types are the JSON types a value may have; none: any.
type Types []string

// MarshalJSON writes one type as a word and several as a list.
func (t Types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// Property is a member of an object.
type Property struct {
	Name   string
	Schema *Schema
}

// Properties are the members of an object in the order they are told in.
type Properties []Property

// MarshalJSON writes them as an object, in their order.
func (p Properties) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	text.WriteByte('{')
	for i, property := range p {
		if i > 0 {
			text.WriteByte(',')
		}
		name, err := json.Marshal(property.Name)
		if err != nil {
			return nil, err
		}
		schema, err := json.Marshal(property.Schema)
		if err != nil {
			return nil, err
		}
		text.Write(name)
		text.WriteByte(':')
		text.Write(schema)
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

// Of returns the schema of a member, nil when there is none.
func (p Properties) Of(name string) *Schema {
	for _, property := range p {
		if property.Name == name {
			return property.Schema
		}
	}
	return nil
}
