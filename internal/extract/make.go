package extract

import (
	"context"
	"fmt"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
)

// page is how many rows are read at a time. A row may hold the outline of a country.
const page = 100

// make makes one extract, as it stands now: of what is committed now, and known now, whatever comes while it is written.
func (m *Maker) make(ctx context.Context, state *revision.ExtractState) error {
	x := state.Extract
	reg, _ := m.Book.Register(x.Register)
	if reg == nil || reg.Named(x.Type) == nil {
		return fault.New(fault.NotFound, "the register or its entity type is not there any more")
	}
	run := register.Run{Extract: x.Name, Number: state.Number + 1, Asked: state.Ordered, Begun: clock.Micros(m.Clock.Now())}
	var err error
	if run.UpTo, err = m.settled(ctx, x.Register); err != nil {
		return err
	}
	if x.Selection == register.Delta {
		run.Since = state.GoesOnFrom()
	}
	if x.Selection == register.Delta && run.Since == run.UpTo {
		run.Ended = run.Begun // nothing has come since
		return m.commit(ctx, state, &run)
	}
	run.File = fileName(x, &run)
	if err := m.write(ctx, x, reg, &run); err != nil {
		return err
	}
	run.Ended = clock.Micros(m.Clock.Now())
	return m.commit(ctx, state, &run)
}

// settled is the number of a register's last delivery that is committed; 0: none is. All before it are over too.
func (m *Maker) settled(ctx context.Context, registerName string) (int64, error) {
	for below := int64(0); ; {
		list, err := m.Rows.Deliveries(ctx, registerName, below, page)
		if err != nil || len(list) == 0 {
			return 0, err
		}
		for i := range list {
			if list[i].State == register.Committed || list[i].State == register.Published {
				return list[i].Number, nil
			}
		}
		below = list[len(list)-1].Number
	}
}

// fileName says what a file is of: the deliveries that it covers, after the first number up to the second.
func fileName(x *register.Extract, r *register.Run) string {
	covers := fmt.Sprint(r.UpTo)
	if x.Selection == register.Delta {
		covers = fmt.Sprintf("%d-%d", r.Since, r.UpTo)
	}
	return fmt.Sprintf("%s%s-%s.%s.zip", prefix(x.Name, r.Number), x.Selection, covers, x.Format)
}

// prefix begins the name of a run's file, and of no other's.
func prefix(extract string, number int64) string { return fmt.Sprintf("%s-%06d-", extract, number) }

// write writes the file of a run, page by page, and says in the run what it has become.
func (m *Maker) write(ctx context.Context, x *register.Extract, reg *register.Register, run *register.Run) error {
	part, err := m.Files.Create(x.Name, run.File)
	if err != nil {
		return err
	}
	w, err := newWriter(part, x, reg, run)
	if err == nil {
		err = m.each(ctx, x, reg, run, w.row)
	}
	if err == nil {
		err = w.close()
	}
	if err != nil {
		part.Drop()
		return err
	}
	return part.Keep()
}

// each calls visit for every row that a run takes.
func (m *Maker) each(ctx context.Context, x *register.Extract, reg *register.Register, run *register.Run, visit func(*register.Row) error) error {
	var object register.Handle
	if len(x.Object) > 0 {
		object = reg.ObjectHandle(m.Handles, reg.Named(x.Type), x.Object...)
	}
	span := register.Span{Register: x.Register, Type: x.Type, Since: run.Since, UpTo: run.UpTo, Limit: page}
	for {
		rows, err := m.Rows.Changes(ctx, &span)
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			row := &rows[i]
			span.After = row.Number
			if !x.Takes(row, object) || x.Selection == register.Snapshot && !row.Registration.Holds(run.Begun) {
				continue
			}
			if err := visit(row); err != nil {
				return err
			}
		}
	}
}

// tries bounds how often a run is appended anew because the configuration moved.
const tries = 32

// commit has a run in the log, with the event that tells of it: both, or neither. What has changed under it meanwhile, or was
// made by another node, leaves it undone; whoever looks next sees how it stands.
func (m *Maker) commit(ctx context.Context, state *revision.ExtractState, run *register.Run) error {
	for range tries {
		seen := m.Book.Last()
		now := m.Book.ExtractState(run.Extract)
		if now.Extract == nil || !now.Extract.SameSubset(state.Extract) || now.Number != state.Number || now.Erased != state.Erased {
			return nil // what it took of a person who is erased by now goes with the file
		}
		request := &eventlog.Request{Revisions: []revision.Revision{revision.Of(hub, revision.ExtractRun, run.Extract, run)}, Expect: seen}
		if run.Made() {
			told, err := m.tell(now.Extract, run)
			if err != nil {
				return err
			}
			request.Entries = []eventlog.Entry{{Event: told}}
		}
		if err := m.Log.Append(ctx, request); !fault.Has(err, fault.Precondition) {
			return err
		}
	}
	return fault.New(fault.Conflict, "the configuration keeps changing")
}

// hub is the author of runs.
const hub = "varsel"

// tell is the event that a file is ready.
func (m *Maker) tell(x *register.Extract, run *register.Run) (*event.Event, error) {
	return m.Ready(fmt.Sprintf("extract/%s/%d", x.Name, run.Number), &Notice{
		System: x.System, Extract: x.Name, Register: x.Register, Type: x.Type, File: run.File, URL: m.URL + Address(x.Name, run.File),
		Size: run.Size, Rows: run.Rows, SHA256: run.SHA256, Since: run.Since, UpTo: run.UpTo,
	})
}

// Notice is what the event that a file is ready says. Nothing in it is of the register's data.
type Notice struct {
	System   string `json:"system"`
	Extract  string `json:"extract"`
	Register string `json:"register"`
	Type     string `json:"type"`
	File     string `json:"file"`
	URL      string `json:"url"` // where it is fetched
	Size     int64  `json:"size"`
	Rows     int64  `json:"rows"`
	SHA256   string `json:"sha256"`
	Since    int64  `json:"since"`
	UpTo     int64  `json:"upTo"`
}

// Address is where a file is fetched, below the hub's own.
func Address(extract, file string) string { return "/api/v1/extracts/" + extract + "/files/" + file }
