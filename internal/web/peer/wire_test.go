package peer

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// travels are what a deed sends and gets.
func (d deed[Q, A]) travels() []any { return []any{new(asked[Q]), new(answered[A])} }

func (s stream) travels() []any {
	return []any{new(asked[fetching]), new(frame), new(answered[fetched])}
}

// keptBack are the fields that stay where they are, and why that is right.
var keptBack = map[string]string{
	"event.Event.facts":      "what one node's filters have looked at serves its own subscriptions",
	"event.Event.renderings": "what one node rendered serves its own deliveries",
	"event.Rendering.Err":    "what breaks its contract is never lent or fetched",
}

// Every type that goes between nodes comes out as it went in. This fails when one of them gets a field that does not: one
// that is not exported, or of a kind that gob leaves out.
func TestEverythingThatTravelsSurvives(t *testing.T) {
	t.Parallel()
	for _, one := range deeds() {
		for _, value := range one.(interface{ travels() []any }).travels() {
			sent := reflect.ValueOf(value)
			fill(t, sent.Elem(), reflect.TypeOf(value).String())
			text, err := write(value)
			if err != nil {
				t.Fatalf("%s: %T: %v", one.path(), value, err)
			}
			got := reflect.New(sent.Elem().Type())
			if err := read(text, got.Interface()); err != nil {
				t.Fatalf("%s: %T: %v", one.path(), value, err)
			}
			if !reflect.DeepEqual(value, got.Interface()) {
				t.Errorf("%s: %T: got\n%+v\nwant\n%+v", one.path(), value, got.Interface(), value)
			}
		}
	}
}

// fill gives every field a value that is not its zero.
func fill(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 3, 1, 12, 0, 0, 42, time.UTC)))
			return
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			name := v.Type().String() + "." + field.Name
			switch {
			case keptBack[name] != "":
			case !field.IsExported():
				t.Errorf("%s does not travel: it is not exported", name)
			default:
				fill(t, v.Field(i), name)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), path)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i), path)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i), path)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, path)
		fill(t, value, path)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(7)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(0.5)
	case reflect.String:
		v.SetString("æ")
	default:
		t.Errorf("%s does not travel: it is a %s", path, v.Kind())
	}
}

func TestFaultsComeOutAsTheyWentIn(t *testing.T) {
	t.Parallel()
	sent := fault.Invalid(fault.InvalidDocument, []fault.Violation{{Entry: 2, Pointer: "/a", Rule: "required", Message: "is not there"}})
	fault.Of(sent).With("count", int64(1<<60)).With("drop", 3).With("who", "eva").With("list", []string{"a", "b"})
	w := wireOf(sent)
	text, err := write(w)
	if err != nil {
		t.Fatal(err)
	}
	var back wireFault
	if err := read(text, &back); err != nil {
		t.Fatal(err)
	}
	got := fault.Of(back.err())
	want := fault.Of(sent)
	if got.Code != want.Code || got.Detail != want.Detail || !reflect.DeepEqual(got.Violations, want.Violations) {
		t.Errorf("got %+v", got)
	}
	for name, value := range map[string]any{"count": int64(1 << 60), "drop": 3, "who": "eva", "list": json.RawMessage(`["a","b"]`)} {
		if !reflect.DeepEqual(got.Extra[name], value) {
			t.Errorf("%s: got %v (%T)", name, got.Extra[name], got.Extra[name])
		}
	}
	if w := wireOf(errors.New("of the operator alone")); w.Code != fault.Internal || strings.Contains(w.Detail, "alone") {
		t.Errorf("the text of an error that is no fault travels: %+v", w)
	}
}

func TestAQuestionHasAnEnd(t *testing.T) {
	t.Parallel()
	text, err := write(asked[string]{Ask: "x"})
	if err != nil {
		t.Fatal(err)
	}
	var q asked[string]
	if err := read(append(text, 0), &q); !fault.Has(err, fault.BadRequest) {
		t.Errorf("something that follows: %v", err)
	}
	if err := read(text[:len(text)-1], &q); !fault.Has(err, fault.BadRequest) {
		t.Errorf("the end is missing: %v", err)
	}
	if _, err := write(asked[[]byte]{Ask: make([]byte, mostAsked)}); !fault.Has(err, fault.BodyTooLarge) {
		t.Errorf("a question that is too large: %v", err)
	}
}

// What is read is a question, or is refused; whatever it is, nothing breaks.
func FuzzQuestion(f *testing.F) {
	for _, one := range deeds() {
		text, err := write(one.(interface{ travels() []any }).travels()[0])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, one := range deeds() {
			q := one.(interface{ travels() []any }).travels()[0]
			if err := read(body, q); err != nil && !fault.Has(err, fault.BadRequest) {
				t.Errorf("%s: %v", one.path(), err)
			}
		}
	})
}

// A ticket is read as it was written, or not at all.
func FuzzTicket(f *testing.F) {
	t := newTicket(theKey, root+"lanes", 3, time.Unix(1_800_000_000, 0), []byte("body"))
	f.Add(t.String())
	f.Add(scheme + " 1.2.3.4.5")
	f.Fuzz(func(t *testing.T, header string) {
		if got, ok := parseTicket(header); ok && got.String() != header {
			t.Errorf("%q is read as %q", header, got)
		}
	})
}
