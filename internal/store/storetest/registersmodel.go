package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/varselhub/varsel/internal/register"
)

// rowsModel is what a register's rows are, told in the plainest way.
type rowsModel struct {
	rows     []register.Row // in the order in which they were staged
	of       []int64        // the delivery of each
	closings []modelClosing
	hidden   int64 // the delivery that is being staged
	last     int64 // the number of the last row that was staged
}

type modelClosing struct {
	number, at, delivery int64
}

// row is a row as it stands without what a delivery has staged.
func (m *rowsModel) row(i int, without int64) register.Row {
	r := m.rows[i]
	for _, c := range m.closings {
		if c.number == r.Number && c.delivery != without {
			r.Registration.To = min(r.Registration.To, c.at)
		}
	}
	return r
}

func (m *rowsModel) seen(without int64, ask func(r *register.Row) bool) (rows []register.Row) {
	for i := range m.rows {
		if r := m.row(i, without); m.of[i] != without && ask(&r) {
			rows = append(rows, r)
		}
	}
	return rows
}

func (m *rowsModel) clashes() (pairs [][2]int64) {
	for i := range m.rows {
		for k := range m.rows[:i] {
			a, b := m.row(i, -1), m.row(k, -1)
			if m.of[i] == m.hidden && a.Type == b.Type && a.Object == b.Object && a.Clashes(&b) {
				pairs = append(pairs, [2]int64{a.Number, b.Number})
			}
		}
	}
	return pairs
}

// takes adds a batch, or tells which of it is refused.
func (m *rowsModel) takes(b *register.Batch) (refused []string) {
	next := *m
	for i, r := range b.Rows {
		if slices.ContainsFunc(next.rows, func(o register.Row) bool { return o.Type == r.Type && o.ID == r.ID }) {
			refused = append(refused, fmt.Sprint("/rows/", i))
			continue
		}
		r.Number = m.last + int64(i) + 1
		next.rows, next.of = append(next.rows[:len(next.rows):len(next.rows)], r), append(next.of[:len(next.of):len(next.of)], m.hidden)
	}
	if refused != nil {
		return refused
	}
	for i, c := range b.Closings {
		at := slices.IndexFunc(next.rows, func(r register.Row) bool { return r.Type == c.Type && r.ID == c.Row })
		if at < 0 || c.At <= next.rows[at].Registration.From || next.rows[at].Registration.To <= c.At || slices.ContainsFunc(next.closings, func(o modelClosing) bool { return o.number == next.rows[at].Number }) {
			refused = append(refused, fmt.Sprint("/closings/", i))
			continue
		}
		next.closings = append(next.closings[:len(next.closings):len(next.closings)], modelClosing{next.rows[at].Number, c.At, m.hidden})
	}
	if refused == nil {
		next.last += int64(len(b.Rows))
		*m = next
	}
	return refused
}

// refuse takes back what is staged. Numbers are not given again.
func (m *rowsModel) refuse() {
	var rows []register.Row
	var of []int64
	for i := range m.rows {
		if m.of[i] != m.hidden {
			rows, of = append(rows, m.rows[i]), append(of, m.of[i])
		}
	}
	m.closings = slices.DeleteFunc(slices.Clone(m.closings), func(c modelClosing) bool { return c.delivery == m.hidden })
	m.rows, m.of = rows, of
}

// drawn are the parts that rows are made of: few, so that they meet.
func drawnInterval(t *rapid.T) register.Interval {
	i := register.Interval{From: rapid.Int64Range(0, 6).Draw(t, "from")}
	if i.To = rapid.Int64Range(i.From+1, 9).Draw(t, "to"); i.To == 9 {
		i.To = register.Open
	}
	return i
}

func drawnBatch(t *rapid.T, d *register.Delivery) *register.Batch {
	kinds := rapid.SampledFrom([]string{"Person", "Building"})
	var rows []register.Row
	for range rapid.IntRange(0, 4).Draw(t, "rows") {
		id := rapid.IntRange(1, 24).Draw(t, "id")
		r := register.Row{
			Type: kinds.Draw(t, "type"), ID: handle(fmt.Sprint("row ", id)), Object: handle(fmt.Sprint("object ", rapid.IntRange(1, 2).Draw(t, "object"))),
			Registration: drawnInterval(t), Effect: drawnInterval(t),
		}
		r.Data = fmt.Appendf(nil, `{"n":"%d of delivery %d"}`, id, d.Number)
		rows = append(rows, r)
	}
	var closings []register.Closing
	for range rapid.IntRange(0, 2).Draw(t, "closings") {
		closings = append(closings, register.Closing{
			Type: kinds.Draw(t, "type"), Row: handle(fmt.Sprint("row ", rapid.IntRange(1, 24).Draw(t, "id"))), At: rapid.Int64Range(0, 9).Draw(t, "at"),
		})
	}
	return batch(d, rows, closings, 0)
}

// F6: whatever is delivered, committed and refused, the rows read and the clashes found are those of the plainest model.
func rowsOfAModel(t *testing.T, w *world) {
	r := openRegisters(t, w)
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		m, name := rowsModel{hidden: -1}, fmt.Sprint("register ", run)
		for n := range rapid.IntRange(1, 4).Draw(rt, "deliveries") {
			d, err := r.rows.Begin(t.Context(), &register.Delivery{Register: name, ID: fmt.Sprint(n), Begun: day})
			if err != nil {
				rt.Fatal(err)
			}
			m.hidden = d.Number
			for range rapid.IntRange(1, 4).Draw(rt, "batches") {
				b := drawnBatch(rt, d)
				refused := m.takes(b)
				err := r.rows.Stage(t.Context(), b)
				wantViolations(rt, "the batch", err, refused...)
				if err == nil {
					d = b.Delivery
				}
			}
			m.compare(rt, t, r, name)
			m.compareClashes(rt, t, r, name)
			end := r.rows.Commit
			if rapid.Bool().Draw(rt, "refused") {
				end = r.rows.Refuse
				m.refuse()
			}
			if err := end(t.Context(), d); err != nil {
				rt.Fatal(err)
			}
			m.hidden = -1
			m.compare(rt, t, r, name)
		}
	})
}

func (m *rowsModel) compareClashes(rt *rapid.T, t *testing.T, r *registersWorld, name string) {
	clashes, err := r.rows.Clashes(t.Context(), name, m.hidden, 10_000)
	if err != nil {
		rt.Fatal(err)
	}
	var got [][2]int64
	for i := range clashes {
		got = append(got, [2]int64{clashes[i].Row.Number, clashes[i].Other.Number})
	}
	order := func(a, b [2]int64) int { return slices.Compare(a[:], b[:]) }
	want := m.clashes()
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if !slices.Equal(got, want) {
		rt.Errorf("the clashes %v, want %v", got, want)
	}
}

// compare reads rows in every way and holds them against the model's.
func (m *rowsModel) compare(rt *rapid.T, t *testing.T, r *registersWorld, name string) {
	for _, kind := range []string{"Person", "Building"} {
		for _, object := range []register.Handle{{}, handle("object 1")} {
			q := register.Query{
				Register: name, Type: kind, Object: object, Registered: rapid.Int64Range(0, 10).Draw(rt, "registered"), Effective: rapid.Int64Range(0, 10).Draw(rt, "effective"),
				History: rapid.Bool().Draw(rt, "history"), Limit: rapid.IntRange(1, 20).Draw(rt, "limit"),
			}
			want := m.seen(m.hidden, func(o *register.Row) bool {
				return o.Type == kind && (object == register.Handle{} || o.Object == object) && (q.History || o.Known(q.Registered, q.Effective))
			})
			asked := q
			var got []register.Row
			for more := true; more; {
				rows, next, err := r.rows.Rows(t.Context(), &q)
				if err != nil || len(rows) > q.Limit {
					rt.Fatal(len(rows), err)
				}
				got, q.After, more = append(got, rows...), next, next != 0
			}
			sameRows(rt, fmt.Sprintf("%+v", asked), got, want)
		}
		var handles []register.Handle
		for range 20 {
			handles = append(handles, handle(fmt.Sprint("row ", rapid.IntRange(1, 24).Draw(rt, "id"))))
		}
		for _, delivery := range []int64{0, m.hidden} {
			without := m.hidden
			if delivery == m.hidden {
				without = -1
			}
			got, err := r.rows.RowsAt(t.Context(), name, kind, handles, max(delivery, 0))
			if err != nil {
				rt.Fatal(err)
			}
			sameRows(rt, "by their handles", got, m.seen(without, func(o *register.Row) bool { return o.Type == kind && slices.Contains(handles, o.ID) }))
		}
	}
}

func sameRows(t *rapid.T, what string, got, want []register.Row) {
	if (len(got) > 0 || len(want) > 0) && !reflect.DeepEqual(got, want) {
		t.Errorf("%s: read were\n%+v, want\n%+v", what, got, want)
	}
}
