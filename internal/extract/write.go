package extract

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// Manifest says what a file is of. It is in the file, behind the rows.
type Manifest struct {
	Extract    string             `json:"extract"`
	Number     int64              `json:"number"`
	System     string             `json:"system"`
	Register   string             `json:"register"`
	Type       string             `json:"type"`
	Namespace  string             `json:"namespace,omitempty"`
	Selection  register.Selection `json:"selection"`
	Since      int64              `json:"since"`      // the rows are those that deliveries after this number,
	UpTo       int64              `json:"upTo"`       // up to this one, made or closed,
	Registered string             `json:"registered"` // and of a snapshot those that were known at this time
	Object     []string           `json:"object,omitempty"`
	Status     []string           `json:"status,omitempty"`
	Format     register.Format    `json:"format"`
	Columns    []string           `json:"columns"`
	Rows       int64              `json:"rows"`
}

// ManifestName is the manifest's name in a file.
const ManifestName = "manifest.json"

// form writes rows in one of the formats.
type form interface {
	begin() error
	row(*register.Row) error
	end() error
}

// writer writes a file of an extract: a zip of the rows and the manifest, as it comes, in constant memory.
type writer struct {
	out  *measured
	zip  *zip.Writer
	rows *bufio.Writer
	form form

	manifest Manifest
	run      *register.Run
}

// measured notes the size and the checksum of what is written.
type measured struct {
	w    io.Writer
	size int64
	sum  hash.Hash
}

// Write implements io.Writer.
func (m *measured) Write(b []byte) (int, error) {
	n, err := m.w.Write(b)
	m.size += int64(n)
	m.sum.Write(b[:n])
	return n, err
}

func newWriter(to io.Writer, x *register.Extract, reg *register.Register, run *register.Run) (*writer, error) {
	t := reg.Named(x.Type)
	w := &writer{out: &measured{w: to, sum: sha256.New()}, run: run}
	w.zip = zip.NewWriter(w.out)
	entry, err := w.create(strings.TrimSuffix(run.File, ".zip"))
	if err != nil {
		return nil, err
	}
	w.rows = bufio.NewWriterSize(entry, 64<<10)
	w.manifest = Manifest{
		Extract: x.Name, Number: run.Number, System: x.System, Register: x.Register, Type: x.Type, Namespace: t.Namespace, Selection: x.Selection,
		Since: run.Since, UpTo: run.UpTo, Registered: clock.FromMicros(run.Begun).Format(time.RFC3339Nano), Object: x.Object, Status: x.Status,
		Format: x.Format, Columns: columns(t),
	}
	switch x.Format {
	case register.CSV:
		w.form = newCSV(w.rows, w.manifest.Columns)
	case register.XML:
		w.form = &xmlForm{w: w.rows, t: t, manifest: &w.manifest}
	default:
		w.form = jsonLines{w.rows}
	}
	return w, w.form.begin()
}

// create begins a file in the zip, with the time of the run: what is in it says nothing of the machine it was made on.
func (w *writer) create(name string) (io.Writer, error) {
	entry, err := w.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: clock.FromMicros(w.run.Begun)})
	return entry, failed(err)
}

func (w *writer) row(r *register.Row) error {
	w.manifest.Rows++
	return failed(w.form.row(r))
}

// close ends the file, and notes in the run what it has become.
func (w *writer) close() error {
	if err := w.form.end(); err != nil {
		return failed(err)
	}
	if err := w.rows.Flush(); err != nil {
		return failed(err)
	}
	entry, err := w.create(ManifestName)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(entry)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(&w.manifest); err != nil {
		return failed(err)
	}
	if err := w.zip.Close(); err != nil {
		return failed(err)
	}
	w.run.Rows, w.run.Size, w.run.SHA256 = w.manifest.Rows, w.out.size, hex.EncodeToString(w.out.sum.Sum(nil))
	return nil
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(fault.StorageFull, err, "the file of an extract cannot be written")
}

// columns are those of an entity type that are kept: first its own, then those that every type has, and of one whose rows can
// name a person what says of a row that it was erased.
func columns(t *register.EntityType) []string {
	var names []string
	for _, c := range t.Columns {
		if !c.EventOnly {
			names = append(names, c.Name)
		}
	}
	for _, c := range register.Temporal {
		names = append(names, c.Name)
	}
	if t.Personal() {
		names = append(names, register.ErasedMark)
	}
	return names
}

// jsonLines has a row as a JSON object in a line of its own.
type jsonLines struct{ w *bufio.Writer }

func (jsonLines) begin() error { return nil }
func (jsonLines) end() error   { return nil }

func (f jsonLines) row(r *register.Row) error {
	text, err := r.JSON()
	if err != nil {
		return err
	}
	if bytes.ContainsAny(text, "\r\n") {
		value := jsontext.Value(bytes.Clone(text))
		if err := value.Compact(); err != nil {
			return err
		}
		text = value
	}
	_, _ = f.w.Write(text) // it remembers what went wrong
	return f.w.WriteByte('\n')
}

// csvForm has a heading, and a record for each row (RFC 4180). A column that a row does not have is empty.
type csvForm struct {
	w      *csv.Writer
	names  []string
	at     map[string]int
	record []string
}

func newCSV(w io.Writer, names []string) *csvForm {
	f := &csvForm{csv.NewWriter(w), names, map[string]int{}, make([]string, len(names))}
	f.w.UseCRLF = true
	for i, name := range names {
		f.at[name] = i
	}
	return f
}

func (f *csvForm) begin() error { return f.w.Write(f.names) }

func (f *csvForm) row(r *register.Row) error {
	cells, err := r.Cells()
	if err != nil {
		return err
	}
	clear(f.record)
	for _, cell := range cells {
		if i, known := f.at[cell.Name]; known {
			f.record[i] = cell.Text
		}
	}
	return f.w.Write(f.record)
}

func (f *csvForm) end() error {
	f.w.Flush()
	return f.w.Error()
}

// xmlForm has an element for each row, of the entity type's name and namespace, as it was delivered.
type xmlForm struct {
	w        *bufio.Writer
	t        *register.EntityType
	manifest *Manifest
}

func (f *xmlForm) begin() error {
	_, _ = f.w.WriteString(xml.Header + "<Extract")
	f.attribute("name", f.manifest.Extract)
	f.attribute("register", f.manifest.Register)
	f.attribute("type", f.manifest.Type)
	f.attribute("registered", f.manifest.Registered)
	_, err := f.w.WriteString(">\n")
	return err
}

func (f *xmlForm) attribute(name, value string) {
	_, _ = f.w.WriteString(" " + name + `="`)
	_ = xml.EscapeText(f.w, []byte(value))
	_ = f.w.WriteByte('"')
}

func (f *xmlForm) row(r *register.Row) error {
	cells, err := r.Cells()
	if err != nil {
		return err
	}
	_, _ = f.w.WriteString("<" + f.t.Name)
	if f.t.Namespace != "" {
		f.attribute("xmlns", f.t.Namespace)
	}
	_ = f.w.WriteByte('>')
	for _, cell := range cells {
		_, _ = f.w.WriteString("<" + cell.Name + ">")
		_ = xml.EscapeText(f.w, []byte(cell.Text))
		_, _ = f.w.WriteString("</" + cell.Name + ">")
	}
	_, err = f.w.WriteString("</" + f.t.Name + ">\n")
	return err
}

func (f *xmlForm) end() error {
	_, err := f.w.WriteString("</Extract>\n")
	return err
}
