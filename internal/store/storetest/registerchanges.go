package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/register"
)

// spansAreRead: what deliveries made or closed, in pages of every size, as it stood after the last of them (F43).
func spansAreRead(t *testing.T, w *world) {
	r := openRegisters(t, w)
	from, ever := span(t, "2020-01-01", ""), span(t, "2020-01-01", "")
	person := func(name string) register.Row { return named(name, "object of "+name, from, ever, name) }
	r.deliver(t, "1", []register.Row{person("a"), person("b"), person("c")}, nil, 0)
	r.deliver(t, "2", []register.Row{person("d")}, []register.Closing{closing("b", us(t, "2021-01-01"))}, 0)
	refused := r.stage(t, r.begin(t, "3"), []register.Row{person("x")}, []register.Closing{closing("a", us(t, "2021-01-01"))}, 0)
	refused.Reason, refused.Ended = "dropped", day+1
	if err := r.rows.Refuse(t.Context(), refused); err != nil {
		t.Fatal(err)
	}
	other := person("other")
	other.Type = "Other"
	r.deliver(t, "4", []register.Row{other, person("e")}, []register.Closing{closing("d", us(t, "2022-01-01")), closing("a", us(t, "2022-01-01"))}, 0)
	r.stage(t, r.begin(t, "5"), []register.Row{person("y")}, []register.Closing{closing("c", us(t, "2023-01-01"))}, 0)

	for _, c := range []struct {
		since, upTo int64
		want        []string // with "-" where the registration has ended
	}{
		{0, 1, []string{"a", "b", "c"}},
		{0, 2, []string{"a", "b-", "c", "d"}},
		{0, 4, []string{"a-", "b-", "c", "d-", "e"}},
		{1, 2, []string{"b-", "d"}},
		{1, 4, []string{"a-", "b-", "d-", "e"}},
		{2, 4, []string{"a-", "d-", "e"}},
		{2, 3, nil},
		{4, 4, nil},
	} {
		for limit := 1; limit <= 6; limit++ {
			s := register.Span{Register: "r", Type: "Person", Since: c.since, UpTo: c.upTo, Limit: limit}
			var got []string
			for {
				rows, err := r.rows.Changes(t.Context(), &s)
				if err != nil {
					t.Fatal(err)
				}
				if len(rows) == 0 {
					break
				}
				for i := range rows {
					name := string(rows[i].Data[len(`{"navn":"`) : len(rows[i].Data)-len(`"}`)])
					if rows[i].Registration.To != register.Open {
						name += "-"
					}
					if rows[i].Number <= s.After {
						t.Fatalf("row %d comes after %d", rows[i].Number, s.After)
					}
					got, s.After = append(got, name), rows[i].Number
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%d to %d, %d at a time: %q, want %q", c.since, c.upTo, limit, got, c.want)
			}
		}
	}
	for _, s := range []register.Span{{Register: "none", Type: "Person", UpTo: 9, Limit: 9}, {Register: "r", Type: "None", UpTo: 9, Limit: 9}} {
		if rows, err := r.rows.Changes(t.Context(), &s); err != nil || len(rows) > 0 {
			t.Error(fmt.Sprint(s), rows, err)
		}
	}
}
