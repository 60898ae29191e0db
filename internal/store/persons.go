package store

import (
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/register"
)

// Whom rows of registers and events to be name: the statements that both engines take. The type of an event to be is its
// register's number, negative.

// OutgoingKind is the type of a register's events to be.
func OutgoingKind(register int64) int64 { return -register }

const (
	// PersonsFound has what names a person.
	PersonsFound = `SELECT r.name, coalesce(t.name, ''), p.number, p.delivery, d.begun
		FROM register_persons p LEFT JOIN register_types t ON t.n = p.type
		JOIN registers r ON r.n = CASE WHEN p.type < 0 THEN -p.type ELSE t.register END
		JOIN register_deliveries d ON d.register = r.n AND d.number = p.delivery
		WHERE p.clue = $1 ORDER BY p.type, p.number`
	// DropPersons goes with DropRows and DropOutgoing.
	DropPersons = `DELETE FROM register_persons WHERE type = $1 AND number > $2 AND number <= (SELECT max(n.number) FROM
		(SELECT number FROM register_persons WHERE type = $1 AND number > $2 ORDER BY number LIMIT $3) n)`
	// SentPersons goes with OutgoingSent.
	SentPersons = "DELETE FROM register_persons WHERE type = $1 AND number <= $2"
	// ErasedKind is the number of a type that a delivery of this history made rows of, and its register's.
	ErasedKind = `SELECT coalesce(t.n, 0), r.n FROM registers r JOIN register_deliveries d ON d.register = r.n LEFT JOIN register_types t ON t.register = r.n AND t.name = $1
		WHERE r.name = $2 AND d.number = $3 AND d.begun = $4`
	// StreamTouched has whoever read a stream before now find that it has moved.
	StreamTouched = `INSERT INTO streams (source, changes, last) VALUES ($1, 1, 0)
		ON CONFLICT (source) DO UPDATE SET changes = streams.changes + 1`
	// PlaceReached is how far a register's events are in the log.
	PlaceReached = "SELECT next FROM stream_places WHERE source = $1 AND stream = $2 AND partition = 0"
)

// FoundPersons gathers what PersonsFound finds.
type FoundPersons struct{ List []eventlog.RowsOf }

// Add adds one of its rows.
func (f *FoundPersons) Add(registerName, typeName string, number, delivery, begun int64) {
	last := len(f.List) - 1
	if last < 0 || f.List[last].Register != registerName || f.List[last].Type != typeName || f.List[last].Delivery != delivery {
		f.List = append(f.List, eventlog.RowsOf{Register: registerName, Type: typeName, Delivery: delivery, Begun: begun})
		last++
	}
	if of := &f.List[last]; typeName == "" {
		of.Outgoing = append(of.Outgoing, number)
	} else {
		of.Rows = append(of.Rows, number)
	}
}

// RowPersons are the namings of a batch, flat: each with the type and the number of what names.
type RowPersons struct {
	Naming       register.Naming
	Kind, Number int64
}

// PersonsOf lists the namings of a batch whose numbers are drawn; kind is the type of a row.
func PersonsOf(b *register.Batch, registerN int64, kind func(row int) int64) (list []RowPersons) {
	for i := range b.Rows {
		for _, n := range b.Rows[i].Persons {
			list = append(list, RowPersons{n, kind(i), b.Rows[i].Number})
		}
	}
	for i := range b.Outgoing {
		for _, n := range b.Outgoing[i].Persons {
			list = append(list, RowPersons{n, OutgoingKind(registerN), b.Outgoing[i].Number})
		}
	}
	return list
}

// CluesOfRow has whom a row names, and EventsToBeOf the events to be that name somebody.
const (
	CluesOfRow   = "SELECT clue FROM register_persons WHERE type = $1 AND number = $2"
	EventsToBeOf = "SELECT -type, number FROM register_persons WHERE type < 0 AND clue = $1 ORDER BY type, number"
)

// Common gathers what several rows have in common: rows of one erasure all name the person who is erased, and seldom anybody else
// all of them.
type Common struct {
	rows  int
	times map[event.Clue]int
}

// Add adds whom one more row names; one that names nobody was erased before.
func (c *Common) Add(clues []event.Clue) {
	if len(clues) == 0 {
		return
	}
	if c.times == nil {
		c.times = map[event.Clue]int{}
	}
	c.rows++
	for _, clue := range clues {
		c.times[clue]++
	}
}

// Clues are those that every row has.
func (c *Common) Clues() (list []event.Clue) {
	for clue, times := range c.times {
		if times == c.rows {
			list = append(list, clue)
		}
	}
	return list
}
