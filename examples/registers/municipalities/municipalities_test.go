package municipalities_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/varselhub/varsel/examples/registers/municipalities"
	"github.com/varselhub/varsel/internal/geo"
)

type municipality struct {
	Code       string `json:"kommunekode"`
	Name       string `json:"navn"`
	Region     string `json:"regionskode"`
	RegionName string `json:"regionsnavn"`
	Geometry   string `json:"geometri"`
	limit      *geo.Limit
	outline    geo.Geometry
}

func read(t *testing.T) []municipality {
	t.Helper()
	var all []municipality
	if err := json.Unmarshal(municipalities.JSON, &all); err != nil {
		t.Fatal(err)
	}
	for i := range all {
		m := &all[i]
		var err error
		if m.outline, err = geo.Parse("SRID=25832;" + m.Geometry); err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		if m.limit, err = geo.NewLimit(m.outline); err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
	}
	return all
}

func TestAllMunicipalitiesAreThere(t *testing.T) {
	t.Parallel()
	all := read(t)
	if len(all) != 98 {
		t.Errorf("%d municipalities; Denmark has 98", len(all))
	}
	if !slices.IsSortedFunc(all, func(a, b municipality) int { return compare(a.Code, b.Code) }) {
		t.Error("they are not in the order of their codes, or one is there twice")
	}
	names, regions := map[string]string{}, map[string]int{}
	for _, m := range all {
		names[m.Code] = m.Name
		regions[m.Region+" "+m.RegionName]++
	}
	for code, name := range map[string]string{
		"0101": "København", "0147": "Frederiksberg", "0400": "Bornholm", "0411": "", // Christiansø is in no municipality
		"0461": "Odense", "0492": "Ærø", "0751": "Aarhus", "0851": "Aalborg", "0860": "Hjørring",
	} {
		if names[code] != name {
			t.Errorf("%s is called %q, want %q", code, names[code], name)
		}
	}
	for region, count := range map[string]int{
		"1081 Region Nordjylland": 11, "1082 Region Midtjylland": 19, "1083 Region Syddanmark": 22, "1084 Region Hovedstaden": 29, "1085 Region Sjælland": 17,
	} {
		if regions[region] != count {
			t.Errorf("%s has %d municipalities, want %d", region, regions[region], count)
		}
	}
}

// compare makes equal codes count as out of order.
func compare(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// TestPlacesLieInTheirMunicipality has town halls and the like, as longitude and latitude to the nearest 100 m.
func TestPlacesLieInTheirMunicipality(t *testing.T) {
	t.Parallel()
	all := read(t)
	for code, place := range map[string]geo.Point{
		"0101": {X: 12.570, Y: 55.676}, // Copenhagen's town hall
		"0147": {X: 12.532, Y: 55.678}, // Frederiksberg's
		"0217": {X: 12.614, Y: 56.036}, // Helsingør
		"0360": {X: 11.137, Y: 54.830}, // Nakskov
		"0400": {X: 14.706, Y: 55.101}, // Rønne
		"0461": {X: 10.388, Y: 55.396}, // Odense
		"0563": {X: 8.402, Y: 55.447},  // Nordby, on Fanø
		"0751": {X: 10.204, Y: 56.153}, // Aarhus
		"0813": {X: 10.584, Y: 57.721}, // Skagen
		"0825": {X: 11.002, Y: 57.260}, // Byrum, on Læsø
		"0851": {X: 9.921, Y: 57.048},  // Aalborg
		"0492": {X: 10.407, Y: 54.890}, // Ærøskøbing
	} {
		g := geo.Geometry{Kind: geo.PointKind, System: geo.WGS84, Points: []geo.Point{place}}
		for _, m := range all {
			if got := m.limit.Admits(geo.Within, g); got != (m.Code == code) {
				t.Errorf("%v within %s: %v; it is in %s", place, m.Name, got, code)
			}
		}
	}
}

// Together they are Denmark, 42,900 square kilometres.
func TestMunicipalitiesCoverDenmark(t *testing.T) {
	t.Parallel()
	var all float64
	for _, m := range read(t) {
		area := squareKilometres(m.outline)
		if area < 6 || area > 1600 {
			t.Errorf("%s has %.1f square kilometres", m.Name, area)
		}
		all += area
	}
	if all < 42_000 || all > 44_000 {
		t.Errorf("all have %.0f square kilometres", all)
	}
}

// TestNoPlaceIsInTwo looks every four kilometres.
func TestNoPlaceIsInTwo(t *testing.T) {
	t.Parallel()
	all := read(t)
	land := 0
	for x := 440_000.5; x < 900_000; x += 4000 {
		for y := 6_040_000.5; y < 6_410_000; y += 4000 {
			g := geo.Geometry{Kind: geo.PointKind, System: geo.UTM32, Points: []geo.Point{{X: x, Y: y}}}
			var in []string
			for _, m := range all {
				if m.limit.Admits(geo.Within, g) {
					in = append(in, m.Name)
				}
			}
			if len(in) > 1 {
				t.Errorf("%.0f %.0f is in %v", x, y, in)
			}
			land += len(in)
		}
	}
	if land*16 < 42_000 || land*16 > 44_000 {
		t.Errorf("%d places of 16 square kilometres are in a municipality", land)
	}
}

func squareKilometres(g geo.Geometry) float64 {
	var sum float64
	for _, polygon := range g.Polygons {
		for i, ring := range polygon {
			var twice float64
			for k := 1; k < len(ring); k++ {
				twice += ring[k-1].X*ring[k].Y - ring[k].X*ring[k-1].Y
			}
			if i == 0 {
				sum += math.Abs(twice) / 2
			} else {
				sum -= math.Abs(twice) / 2
			}
		}
	}
	return sum / 1e6
}
