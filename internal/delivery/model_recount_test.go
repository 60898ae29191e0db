package delivery_test

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
)

// What the model knows of the figures: counted over again, they must come out as they were kept (DESIGN promise 10).

// ended is one kind of end, as tallies count it.
type ended struct {
	line     string
	day      int64
	outcome  eventlog.Outcome
	replayed bool
}

// recount counts the attempts log and holds the tallies against it.
func (m *model) recount() {
	m.balance()
	consumers := map[string]*revision.Consumer{}
	for _, c := range m.w.log.Book().Consumers() {
		consumers[c.Name] = c
	}
	counted := map[ended]int64{}
	for _, position := range m.positions {
		e, err := m.w.log.At(context.Background(), position)
		m.w.must(err)
		rows, err := m.w.store.AttemptsAt(context.Background(), position)
		m.w.must(err)
		for _, row := range rows {
			if row.Outcome.Ends() {
				line := consumers[row.Consumer].Match(e)
				counted[ended{line.ID, eventlog.DayOf(row.At), row.Outcome, row.Pass != 0}]++
			}
		}
	}
	kept := map[ended]int64{}
	for name := range consumers {
		tallies, err := m.w.store.Tallies(context.Background(), name, 0)
		m.w.must(err)
		for _, t := range tallies {
			kept[ended{t.Line, t.Day, t.Outcome, t.Replayed}] += t.Count
		}
	}
	m.lookUp(kept)
	for _, key := range slices.Concat(slices.Collect(maps.Keys(counted)), slices.Collect(maps.Keys(kept))) {
		switch key.outcome {
		case eventlog.Confirmed, eventlog.Served, eventlog.Matched: // no attempt tells of them: see balance
		case eventlog.Dropped: // nor of what went with its consumer
			if kept[key] < counted[key] {
				m.rt.Fatalf("%+v: %d were kept and %d are counted", key, kept[key], counted[key])
			}
		default:
			if kept[key] != counted[key] {
				m.rt.Fatalf("%+v: %d were kept and %d are counted", key, kept[key], counted[key])
			}
		}
	}
}

// lookUp asks of every event where it is, and holds what is answered against the figures. It takes as long as the run did,
// so a third of the runs do it.
func (m *model) lookUp(kept map[ended]int64) {
	if m.seq%3 != 0 {
		return
	}
	type end struct{ line, state string }
	figures, found := map[end]int64{}, map[end]int64{}
	for key, count := range kept {
		if key.outcome.Ends() && !key.replayed {
			figures[end{key.line, key.outcome.String()}] += count
		}
	}
	for _, position := range m.positions {
		stops, err := m.w.hub.Where(context.Background(), position)
		m.w.must(err)
		for i := range stops {
			found[end{stops[i].Subscription, stops[i].State}]++
		}
	}
	if !maps.Equal(figures, found) {
		m.rt.Fatalf("by the figures\n%v\nand by looking\n%v", figures, found)
	}
}

// look asks where the last events are, and holds it against what the model knows of them.
func (m *model) look() {
	for _, position := range m.positions[max(0, len(m.positions)-2):] {
		stops, err := m.w.hub.Where(context.Background(), position)
		m.w.must(err)
		for i := range stops {
			w := &stops[i]
			isEnd := slices.Index(delivery.States(), w.State) >= slices.Index(delivery.States(), delivery.StateDelivered)
			d := m.debt(w.Subscription, position)
			if d == nil || !d.loose && isEnd != d.over {
				m.rt.Fatalf("position %d is told to be %+v, and %+v", position, w, d)
			}
		}
	}
}

// debt is what the model knows of an event that is for a subscription.
func (m *model) debt(id string, position int64) *debt {
	at := slices.IndexFunc(m.subs, func(s *owed) bool { return s.id == id })
	for _, lane := range m.subs[at].lanes {
		for _, d := range lane {
			if m.position(number(d.body)) == position {
				return d
			}
		}
	}
	return nil
}

// agree checks that what the store has pending and what its tallies say is the same, at any moment.
func (m *model) agree() {
	consumers, err := m.w.store.Consumers(context.Background())
	m.w.must(err)
	for _, k := range consumers {
		var sum int64
		for _, pending := range k.ByLine {
			sum += pending
		}
		if !k.Ended && sum != k.Pending {
			m.rt.Fatalf("%s has %d pending, by its tallies %v", k.Name, k.Pending, k.ByLine)
		}
	}
}

// balance checks for every subscription that what was for it has ended or is pending, each once.
func (m *model) balance() {
	m.look()
	m.agree()
	passes, err := m.w.hub.Replays(context.Background(), true, 1000)
	m.w.must(err)
	for _, c := range m.w.log.Book().Consumers() {
		tallies, err := m.w.store.Tallies(context.Background(), c.Name, 1<<40)
		m.w.must(err)
		var owed, over, served, confirmed int64
		for _, s := range m.subs {
			if m.w.log.Book().Line(s.id).Consumer != c {
				continue
			}
			for _, lane := range s.lanes {
				owed += int64(len(lane))
			}
			for _, p := range passes {
				if p.Line == s.id {
					owed += p.Done
				}
			}
		}
		for _, t := range tallies {
			switch t.Outcome {
			case eventlog.Served:
				served += t.Count
				continue
			case eventlog.Matched:
				continue
			case eventlog.Confirmed:
				confirmed += t.Count
			}
			over += t.Count
		}
		pending := m.w.hub.Pending(c.Name)
		if owed != over+pending || served < confirmed {
			m.rt.Fatalf("%s: %d were for it, %d ended and %d are pending, %d confirmed of %d served: %s", c.Name, owed, over, pending, confirmed, served,
				fmt.Sprint(tallies, m.w.hub.Dump()))
		}
	}
}
