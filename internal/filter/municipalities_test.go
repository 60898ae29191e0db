package filter_test

import (
	"os"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/filter"
)

func TestMunicipalitiesAreReadFromGeoJSON(t *testing.T) {
	t.Parallel()
	const square = `{"type":"Polygon","coordinates":[[[9,55],[10,55],[10,56],[9,55]]]}`
	all, err := filter.ReadMunicipalities([]byte(`{"type":"FeatureCollection","features":[
		{"type":"Feature","properties":{"kode":"0706","navn":"Syddjurs"},"geometry":` + square + `},
		{"type":"Feature","properties":{"kommunekode":"101"},"geometry":` + square + `}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]string{"0706": "SRID=4326;POLYGON ((9 55, 10 55, 10 56, 9 55))", "0101": "SRID=4326;POLYGON ((9 55, 10 55, 10 56, 9 55))", "0999": ""} {
		if got, found := all.Outline(code); got != want || found != (want != "") {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
	for name, text := range map[string]string{
		"no JSON": `{`, "no features": `{"features":[]}`,
		"no code":     `{"features":[{"properties":{"navn":"x"},"geometry":` + square + `}]}`,
		"a code long": `{"features":[{"properties":{"kode":"07061"},"geometry":` + square + `}]}`,
		"twice":       `{"features":[{"properties":{"kode":"1"},"geometry":` + square + `},{"properties":{"kode":"0001"},"geometry":` + square + `}]}`,
		"no outline":  `{"features":[{"properties":{"kode":"0706"},"geometry":{"type":"Point","coordinates":[9,55]}}]}`,
		"no geometry": `{"features":[{"properties":{"kode":"0706"},"geometry":null}]}`,
	} {
		if _, err := filter.ReadMunicipalities([]byte(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// The example's municipalities are what a hub can be given.
func TestTheExamplesMunicipalitiesAreRead(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../examples/registers/municipalities/municipalities.json")
	if err != nil {
		t.Fatal(err)
	}
	all, err := filter.ReadMunicipalities(text)
	if err != nil || len(all) != 98 {
		t.Fatalf("%d municipalities, %v", len(all), err)
	}
	if wkt, found := all.Outline("0706"); !found || !strings.HasPrefix(wkt, "SRID=25832;") {
		t.Errorf("0706: %.40s", wkt)
	}
}
