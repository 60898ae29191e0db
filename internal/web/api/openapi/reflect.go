package openapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Direction is which way a document goes. What is answered has all its members but those that may be left out, and may gain
// others in a later version; what is asked needs few, and the hub refuses any it does not know.
type Direction bool

// The directions.
const (
	Asked    Direction = false
	Answered Direction = true
)

// Rules say of Go types what reflection cannot see. Types that the rules name are looked for first.
type Rules struct {
	// Name is a struct's name among the components; "": it is written where it is used. Two types never share one.
	Name func(t reflect.Type, d Direction) string
	// Whole are the schemas of types that write themselves.
	Whole map[reflect.Type]Schema
	// Words are the values of a type of text.
	Words map[reflect.Type][]string
	// Needed are the members that a struct needs when it is asked, by their JSON names.
	Needed map[reflect.Type][]string
	// About is what there is to say of a field.
	About func(t reflect.Type, field string) string
	// Bound narrows the schema of a struct's member, by its JSON name.
	Bound func(t reflect.Type, member string, d Direction, s *Schema)
}

// Reflector makes schemas of Go types as encoding/json reads and writes them.
type Reflector struct {
	Rules   Rules
	Schemas map[string]*Schema // the components made so far
	made    map[string]reflect.Type
}

// Of returns the schema of a type, a reference where it is a component.
//
// Error: two types of one name, or a type that is not JSON.
func (r *Reflector) Of(t reflect.Type, d Direction) (*Schema, error) {
	if t.Kind() == reflect.Pointer {
		return r.Of(t.Elem(), d)
	}
	if whole, known := r.Rules.Whole[t]; known {
		return &whole, nil
	}
	if words, known := r.Rules.Words[t]; known {
		return &Schema{Type: Types{"string"}, Enum: words}, nil
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return &Schema{Type: Types{"string"}, Format: "date-time"}, nil
	case reflect.TypeFor[json.RawMessage]():
		return &Schema{}, nil
	}
	switch t.Kind() {
	case reflect.String:
		return &Schema{Type: Types{"string"}}, nil
	case reflect.Bool:
		return &Schema{Type: Types{"boolean"}}, nil
	case reflect.Int, reflect.Int64:
		return &Schema{Type: Types{"integer"}, Format: "int64"}, nil
	case reflect.Float64:
		return &Schema{Type: Types{"number"}}, nil
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 { // as encoding/json writes it; JSON Schema 2020-12, validation, 8.3
			return &Schema{Type: Types{"string"}, Encoding: "base64"}, nil
		}
		items, err := r.Of(t.Elem(), d)
		return &Schema{Type: Types{"array"}, Items: items}, err
	case reflect.Map:
		values, err := r.Of(t.Elem(), d)
		return &Schema{Type: Types{"object"}, Additional: values}, err
	case reflect.Struct:
		return r.component(t, d)
	case reflect.Interface:
		return &Schema{}, nil
	}
	return nil, fmt.Errorf("openapi: %s is not JSON that can be described", t)
}

// component makes a struct's schema once, under its name.
func (r *Reflector) component(t reflect.Type, d Direction) (*Schema, error) {
	name := r.Rules.Name(t, d)
	if name == "" {
		return r.object(t, d)
	}
	if r.made == nil {
		r.made, r.Schemas = map[string]reflect.Type{}, map[string]*Schema{}
	}
	reference := &Schema{Ref: SchemasAt + name}
	if other, known := r.made[name]; known {
		if other != t {
			return nil, fmt.Errorf("openapi: %s and %s are both called %s", other, t, name)
		}
		return reference, nil
	}
	r.made[name] = t
	schema, err := r.object(t, d)
	r.Schemas[name] = schema
	return reference, err
}

func (r *Reflector) object(t reflect.Type, d Direction) (*Schema, error) {
	s := &Schema{Type: Types{"object"}}
	if err := r.members(t, d, s); err != nil {
		return nil, err
	}
	if d == Asked {
		s.Required, s.Additional = r.Rules.Needed[t], false
	}
	return s, nil
}

// members adds those of a struct, and of what it embeds those it does not have itself.
func (r *Reflector) members(t reflect.Type, d Direction, s *Schema) error {
	var embedded []reflect.Type
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			inner := field.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			embedded = append(embedded, inner)
			continue
		case !field.IsExported() || name == "-":
			continue
		case name == "":
			return fmt.Errorf("openapi: %s.%s has no name in JSON", t, field.Name)
		}
		if s.Properties.Of(name) != nil {
			continue // an outer one of that name
		}
		member, err := r.member(t, field, name, d)
		if err != nil {
			return err
		}
		s.Properties = append(s.Properties, Property{name, member})
		if optional := strings.Split(options, ","); d == Answered && !slices.Contains(optional, "omitempty") && !slices.Contains(optional, "omitzero") {
			s.Required = append(s.Required, name)
		}
	}
	for _, inner := range embedded {
		if err := r.members(inner, d, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reflector) member(t reflect.Type, field reflect.StructField, name string, d Direction) (*Schema, error) {
	member, err := r.Of(field.Type, d)
	if err != nil {
		return nil, err
	}
	if d == Asked && member.Ref == "" && len(member.Type) > 0 && !slices.Contains(member.Type, "null") {
		switch field.Type.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			member.Type = append(member.Type, "null") // it says as much as leaving it out
		}
	}
	if about := r.Rules.About(t, field.Name); about != "" {
		member.Description = about
	}
	r.Rules.Bound(t, name, d, member)
	return member, nil
}
