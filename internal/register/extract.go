package register

import (
	"net/mail"
	"slices"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/fault"
)

// Selection says which rows an extract takes.
type Selection string

// The selections.
const (
	Snapshot Selection = "snapshot" // what is known when it is made, about whatever time
	Total    Selection = "total"    // every row, those that are de-registered too
	Delta    Selection = "delta"    // the rows that were made or de-registered since the extract before
)

// Format is what a file of an extract is written in.
type Format string

// The formats.
const (
	JSONLines Format = "jsonl"
	CSV       Format = "csv"
	XML       Format = "xml"
)

// Extract is a subset of a register that one system gets as a file, at an interval (F43).
type Extract struct {
	Name      string    `json:"name"` // slug
	Title     string    `json:"title,omitempty"`
	System    string    `json:"system"` // that gets it
	Register  string    `json:"register"`
	Type      string    `json:"type"` // entity type
	Selection Selection `json:"selection"`
	Object    []string  `json:"object,omitempty"`   // only rows of the object with these values, in the order of its columns
	Status    []string  `json:"status,omitempty"`   // only rows with one of these
	Schedule  string    `json:"schedule,omitempty"` // cron, in the hub's zone; empty: when an operator says so
	Format    Format    `json:"format"`
	Keep      int       `json:"keep,omitempty"`     // newest files that are kept; 0: 10
	KeepDays  int       `json:"keepDays,omitempty"` // and for how long; 0: for as long as they are among the newest
	Email     string    `json:"email,omitempty"`    // who is told that a file is ready; empty: the system's technical contact
}

// Files are the newest files that are kept.
func (x *Extract) Files() int {
	if x.Keep == 0 {
		return usualKeep
	}
	return x.Keep
}

// Takes reports whether a row is one that the extract takes, besides what its selection says; object is the handle of its
// Object, zero where it has none.
func (x *Extract) Takes(row *Row, object Handle) bool {
	if object != (Handle{}) && row.Object != object {
		return false
	}
	return len(x.Status) == 0 || slices.Contains(x.Status, row.Text(Status))
}

// SameSubset reports whether two extracts take the same rows for the same system. The files of one extract all do: what is
// another subset is another extract.
func (x *Extract) SameSubset(o *Extract) bool {
	return x.System == o.System && x.Register == o.Register && x.Type == o.Type && x.Selection == o.Selection &&
		slices.Equal(x.Object, o.Object) && slices.Equal(x.Status, o.Status)
}

// The bounds of an extract.
const (
	usualKeep   = 10
	maxKeep     = 1000
	maxKeepDays = 3650
	maxStatus   = 50
	maxTitle    = 200
	maxAddress  = 254 // bytes (RFC 5321 section 4.5.3.1.3, less the brackets)
)

// Check reports what is wrong with the document by itself.
func (x *Extract) Check() []fault.Violation {
	var found []fault.Violation
	refuse := func(pointer, rule, message string) {
		found = append(found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
	if len(x.Title) > maxTitle || !utf8.ValidString(x.Title) {
		refuse("/title", "length", "want at most 200 bytes of text")
	}
	if !slices.Contains([]Selection{Snapshot, Total, Delta}, x.Selection) {
		refuse("/selection", "enum", `want "snapshot", "total" or "delta"`)
	}
	if !slices.Contains([]Format{JSONLines, CSV, XML}, x.Format) {
		refuse("/format", "enum", `want "jsonl", "csv" or "xml"`)
	}
	if x.Schedule != "" {
		if _, err := ParseSchedule(x.Schedule); err != nil {
			refuse("/schedule", "cron", `want five fields of cron: minute, hour, day of month, month, day of week, such as "30 2 * * *"`)
		}
	}
	if len(x.Status) > maxStatus {
		refuse("/status", "count", "want at most 50")
	}
	if x.Keep < 0 || x.Keep > maxKeep {
		refuse("/keep", "range", "want 1 to 1000, or leave it out")
	}
	if x.KeepDays < 0 || x.KeepDays > maxKeepDays {
		refuse("/keepDays", "range", "want 1 to 3650, or leave it out")
	}
	if x.Email != "" && !isAddress(x.Email) {
		refuse("/email", "mail", "want a bare mail address of at most 254 bytes")
	}
	return found
}

func isAddress(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text && len(text) <= maxAddress
}

// Run is one making of an extract. It is in the log once it is over, together with the event that tells of it, so that no
// time that is due is skipped or served twice, whichever node does it.
type Run struct {
	Extract string `json:"extract"`
	Number  int64  `json:"number"`          // in its extract, from 1
	Asked   int64  `json:"asked,omitempty"` // the position of the newest order given before; 0: none
	Begun   int64  `json:"begun"`           // µs UTC: a snapshot is of what was known then, and what was due by then is done
	Ended   int64  `json:"ended"`
	Since   int64  `json:"since"` // the file holds what deliveries after this number,
	UpTo    int64  `json:"upTo"`  // up to this one, brought
	File    string `json:"file,omitempty"`
	Size    int64  `json:"size,omitempty"`
	SHA256  string `json:"sha256,omitempty"` // of the file, in hexadecimal
	Rows    int64  `json:"rows,omitempty"`
	Erased  int64  `json:"-"` // µs UTC when its file was deleted, for a person who was erased; 0: it was not
}

// FilesErased says that the files of an extract that were made by then are deleted, for a person who was erased.
type FilesErased struct {
	Erasure int64 `json:"erasure"` // its number
	UpTo    int64 `json:"upTo"`    // the newest run
	Files   int   `json:"files"`   // how many there were
}

// Made reports whether the run has made a file: a delta of nothing is none.
func (r *Run) Made() bool { return r.File != "" }

// Span selects the rows that deliveries after one number, up to another, made or closed; as they stood after the last of
// them.
type Span struct {
	Register, Type string
	Since, UpTo    int64 // numbers of deliveries; UpTo is committed, and so is or never will be every one before it
	After          int64 // rows after this number
	Limit          int
}
