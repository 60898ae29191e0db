package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// field is one setting of a Config, with where its value lives.
type field struct {
	path  string // as in the file: smtp.host, listeners[0].address
	tag   reflect.StructTag
	value reflect.Value
}

// inList reports whether the setting is part of a list, and so has neither flag nor environment variable.
func (f *field) inList() bool { return strings.Contains(f.path, "[") || f.tag.Get("kong") == "-" }

func (f *field) flag() string { return strings.ReplaceAll(f.path, ".", "-") }

func (f *field) env() string {
	return "VARSEL_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(f.path))
}

// choices are the only values it may have; none: any.
func (f *field) choices() []string {
	if enum := f.tag.Get("enum"); enum != "" {
		return strings.Split(enum, ",")
	}
	return nil
}

// isGroup reports whether it is a struct of settings rather than a setting.
func (f *field) isGroup() bool { return isGroup(f.value.Type()) }

func isGroup(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(textual)
}

// isList reports whether it is a list of groups.
func (f *field) isList() bool {
	return f.value.Kind() == reflect.Slice && isGroup(f.value.Type().Elem())
}

var textual = reflect.TypeFor[encoding.TextUnmarshaler]()

// fields lists what a group holds, in the order it is written.
func fields(group reflect.Value, path string) []field {
	list := make([]field, 0, group.NumField())
	for i := range group.NumField() {
		tag := group.Type().Field(i).Tag
		list = append(list, field{joined(path, tag.Get("name")), tag, group.Field(i)})
	}
	return list
}

func joined(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// settings lists every setting below a group that has a value of its own, those of list elements too.
func settings(group reflect.Value, path string) []field {
	var list []field
	for _, f := range fields(group, path) {
		switch {
		case f.isGroup():
			list = append(list, settings(f.value, f.path)...)
		case f.isList():
			for i := range f.value.Len() {
				list = append(list, settings(f.value.Index(i), element(f.path, i))...)
			}
		default:
			list = append(list, f)
		}
	}
	return list
}

func element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// fill gives every setting of a group its default.
func fill(group reflect.Value) error {
	for _, f := range fields(group, "") {
		var err error
		if f.isGroup() {
			err = fill(f.value)
		} else if text, ok := f.tag.Lookup("default"); ok {
			err = f.set(text)
		}
		if err != nil {
			return fmt.Errorf("the default of %s %w", f.path, err)
		}
	}
	return nil
}

// set reads the setting from text; several values are divided by commas. Its error says what the value is not, without
// the value.
func (f *field) set(text string) error {
	if f.value.Kind() == reflect.Slice {
		var parts []string
		if text != "" {
			parts = strings.Split(text, ",")
		}
		return f.setAll(parts)
	}
	return f.parse(f.value, text)
}

func (f *field) setAll(parts []string) error {
	list := reflect.MakeSlice(f.value.Type(), len(parts), len(parts))
	for i, part := range parts {
		if err := f.parse(list.Index(i), strings.TrimSpace(part)); err != nil {
			return err
		}
	}
	f.value.Set(list)
	return nil
}

func (f *field) parse(into reflect.Value, text string) error {
	if choices := f.choices(); choices != nil && !slices.Contains(choices, text) {
		return fmt.Errorf("must be one of %s", strings.Join(choices, ", "))
	}
	if u, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return kindError(into, err)
		}
		return nil
	}
	if _, isTime := into.Interface().(time.Duration); isTime {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return errors.New("is not a time; write it as 500ms, 10s or 2m")
		}
		into.SetInt(int64(d))
		return nil
	}
	switch into.Kind() {
	case reflect.String:
		into.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("must be true or false")
		}
		into.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return errors.New("is not a whole number")
		}
		into.SetInt(int64(n))
	default:
		return fmt.Errorf("cannot be set: %s has no text form", into.Type())
	}
	return nil
}

// kindError replaces the errors of types that are not ours: theirs repeat the value.
func kindError(of reflect.Value, err error) error {
	if of.Type().PkgPath() == "net/netip" {
		return errors.New("is not a range of addresses; write it as 10.1.0.0/16 or 2001:db8::/32")
	}
	return err
}

// text writes the setting as it could be given, secrets as the names of their files.
func (f *field) text() string {
	if f.value.Kind() != reflect.Slice {
		return fmt.Sprint(f.value.Interface())
	}
	parts := make([]string, f.value.Len())
	for i := range parts {
		parts[i] = fmt.Sprint(f.value.Index(i).Interface())
	}
	return strings.Join(parts, ",")
}

// kind says in a word or two what the setting's values are.
func (f *field) kind() string {
	t, many := f.value.Type(), ""
	if t.Kind() == reflect.Slice {
		t, many = t.Elem(), "list of "
	}
	if choices := f.choices(); choices != nil {
		return many + "choice"
	}
	if name, ok := map[string]string{
		"time.Duration": "time", "netip.Prefix": "CIDR", "config.Size": "size", "config.Zone": "time zone",
		"config.URL": "URL", "config.StoreURL": "URL", "config.Secret": "file with a secret", "bool": "true or false", "int": "number", "string": "text",
	}[t.String()]; ok {
		return many + name
	}
	return many + t.String()
}
