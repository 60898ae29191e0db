package event

import (
	"testing"
	"time"
)

// TestF13EventsAreHeldToTheirMessage: what is read of an event's data when it comes in is enough to tell whether it can
// become a message.
func TestF13EventsAreHeldToTheirMessage(t *testing.T) {
	t.Parallel()
	const fine = `{"objekt":{"id":"1","type":"Sag"},"registreringFra":"2016-08-07T02:10:00","klasse":"fri","ejer":"2","ejertype":"Person","andet":{"x":[1]}}`
	v := &Version{
		Type: "SagCreate", Version: "v1", State: StateActive, Sample: []byte(fine),
		Mapping: Mapping{Fields: map[string]string{
			"besked.objektID": "Load(objekt/id)", "besked.objekttype": "Load(objekt/type)", "besked.registreringstid": "Load(registreringFra)",
			"besked.sikkerhedsklassificering": "Load(klasse)", "besked.relateretObjektID": "Load(ejer)", "besked.relateretObjekttype": "Load(ejertype)",
			"besked.status": "Load(andet/x/0)", "besked.opgaveemne": "Load(emne)",
		}},
	}
	compiled, violations := Compile(&Type{Name: "SagCreate", Title: "T", Order: OrderNone, Retention: "P6M"}, v, time.UTC)
	if violations != nil {
		t.Fatal(violations)
	}
	for data, want := range map[string]string{
		fine: "",
		`{"objekt":{"id":"1","type":"Sag"},"registreringFra":"t","klasse":"fri"}`:                                            "",
		`{"objekt":{"id":"1","type":"Sag"},"registreringFra":"t","klasse":"fri","ejertype":"Person"}`:                        "",
		`{"objekt":{"id":"1","type":"Sag"},"registreringFra":"t","klasse":"fri","ejer":"2"}`:                                 "/data/ejertype required",
		`{"objekt":{"id":"1","type":""},"registreringFra":null}`:                                                             "/data/objekt/type required; /data/registreringFra required; /data/klasse required",
		`{"objekt":{"id":{},"type":"Sag"},"registreringFra":"t","klasse":"fri"}`:                                             "/data/objekt/id scalar",
		`{"objekt":{"id":"1","type":"Sag"},"registreringFra":"t","klasse":"fri","ejer":"2","ejertype":["Person"],"emne":{}}`: "/data/emne scalar; /data/ejertype scalar",
	} {
		tree, v := compiled.Tree([]byte(data))
		if v != nil {
			t.Fatal(v)
		}
		if _, found := compiled.Extract(tree); rules(found) != want {
			t.Errorf("%s: %s, want %s", data, rules(found), want)
		}
	}
}
