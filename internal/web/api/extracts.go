package api

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/extract"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// Extracts are the files that were made of registers.
type Extracts interface {
	Kept(extract string) []*register.Run
	Open(extract, file string) (*extract.Opened, error)
}

// ExtractFileView is a file of an extract.
type ExtractFileView struct {
	File   string `json:"file"`
	Number int64  `json:"number"` // of the run that made it
	Begun  string `json:"begun"`  // a snapshot is of what was known then
	Made   string `json:"made"`
	Since  int64  `json:"since"` // it holds what deliveries after this number,
	UpTo   int64  `json:"upTo"`  // up to this one, brought
	Rows   int64  `json:"rows"`
	Size   int64  `json:"size"`             // bytes
	SHA256 string `json:"sha256"`           // of the file, in hexadecimal
	Erased string `json:"erased,omitempty"` // when it was deleted, for somebody was erased who may stand in it; the next run makes another
}

// ExtractOrderView is the order to make an extract.
type ExtractOrderView struct {
	Last int64 `json:"last"` // the number of the newest run there was before
}

func (a *api) extract() document[register.Extract] {
	return document[register.Extract]{
		api: a, put: a.Manager.PutExtract,
		now: func(r *http.Request) (*register.Extract, int64) { return a.Book.Extract(r.PathValue("extract")) },
		named: func(r *http.Request, sent *register.Extract) error {
			return named("/name", &sent.Name, r.PathValue("extract"))
		},
	}
}

func extractName(x *register.Extract) string { return x.Name }

func (a *api) listExtracts(w http.ResponseWriter, r *http.Request) error {
	return respondPage(w, queryOf(r, paging()...), a.Book.Extracts(), extractName)
}

func (a *api) listOwnExtracts(w http.ResponseWriter, r *http.Request) error {
	var own []*register.Extract
	for _, x := range a.Book.Extracts() {
		if a.getsExtract(principal(r), x) {
			own = append(own, x)
		}
	}
	return respondPage(w, queryOf(r, paging()...), own, extractName)
}

// getsExtract reports whether a principal acts for the system that gets an extract, and may still have it.
func (a *api) getsExtract(p *account.Principal, x *register.Extract) bool {
	return p.ActsFor(x.System) && a.Book.GrantsExtract(x)
}

func (a *api) removeExtract(w http.ResponseWriter, r *http.Request) error {
	by, err := a.by(r)
	if err == nil {
		err = a.Manager.RemoveExtract(r.Context(), r.PathValue("extract"), by)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// runExtract answers 202: the extract is made by whichever node makes extracts, and its file is listed then.
func (a *api) runExtract(w http.ResponseWriter, r *http.Request) error {
	last := a.Book.ExtractState(r.PathValue("extract")).Number
	if err := a.Manager.OrderExtract(r.Context(), a.Author(r), r.PathValue("extract")); err != nil {
		return err
	}
	w.Header().Set("Location", basePath+"/extracts/"+r.PathValue("extract")+"/files")
	return respond(w, http.StatusAccepted, ExtractOrderView{last})
}

func (a *api) listExtractFiles(w http.ResponseWriter, r *http.Request) error {
	if x, _ := a.Book.Extract(r.PathValue("extract")); x == nil {
		return noExtract()
	}
	files := []ExtractFileView{}
	for _, run := range a.Extracts.Kept(r.PathValue("extract")) {
		files = append(files, ExtractFileView{
			File: run.File, Number: run.Number, Begun: instant(run.Begun), Made: instant(run.Ended), Since: run.Since, UpTo: run.UpTo,
			Rows: run.Rows, Size: run.Size, SHA256: run.SHA256, Erased: instant(run.Erased),
		})
	}
	return respondList(w, files)
}

// getExtractFile serves a file, or parts of it: who was interrupted goes on where it stood (RFC 9110 section 14).
func (a *api) getExtractFile(w http.ResponseWriter, r *http.Request) error {
	if err := queryOf(r).err(); err != nil {
		return err
	}
	opened, err := a.Extracts.Open(r.PathValue("extract"), r.PathValue("file"))
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	kind, tag := "application/zip", `"`+opened.Run.SHA256+`"`
	if strings.HasSuffix(opened.Name, extract.ChecksumEnding) {
		kind, tag = "text/plain; charset=utf-8", `"`+opened.Run.SHA256+`-sum"`
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("ETag", tag)
	w.Header().Set("Content-Disposition", `attachment; filename="`+opened.Name+`"`)
	body := &patientFile{opened, http.NewResponseController(w)}
	http.ServeContent(w, r, "", clock.FromMicros(opened.Run.Ended), body)
	return nil
}

// patientFile is read by a client that may take as long as it likes, as long as it goes on taking.
type patientFile struct {
	io.ReadSeeker
	control *http.ResponseController
}

// Read implements io.Reader.
func (p *patientFile) Read(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(patience)) // what has no deadlines is a test's
	return p.ReadSeeker.Read(b)
}

// ofOwnExtract lets through requests of who acts for the system that gets the extract.
func (a *api) ofOwnExtract(handle handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		x, _ := a.Book.Extract(r.PathValue("extract"))
		if x == nil || !a.getsExtract(principal(r), x) {
			return noExtract()
		}
		return handle(w, r)
	}
}

func noExtract() error { return fault.New(fault.NotFound, "there is no extract of that name") }
