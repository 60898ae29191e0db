package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// Extract is a subset of a register that one system gets as a file, at an interval.
type Extract struct {
	Name      string   `json:"name"`
	Title     string   `json:"title,omitempty"`
	System    string   `json:"system"` // that gets it
	Register  string   `json:"register"`
	Type      string   `json:"type"`               // entity type
	Selection string   `json:"selection"`          // snapshot, total or delta
	Object    []string `json:"object,omitempty"`   // only rows of the object with these values, in the order of its columns
	Status    []string `json:"status,omitempty"`   // only rows with one of these
	Schedule  string   `json:"schedule,omitempty"` // cron, in the hub's zone; empty: when an operator says so
	Format    string   `json:"format"`             // jsonl, csv or xml
	Keep      int      `json:"keep,omitempty"`     // newest files that are kept; 0: 10
	KeepDays  int      `json:"keepDays,omitempty"` // and for how long; 0: for as long as they are among the newest
	Email     string   `json:"email,omitempty"`    // who is told that a file is ready; empty: the system's technical contact
}

// ExtractFile is a file of an extract.
type ExtractFile struct {
	File   string    `json:"file"`
	Number int64     `json:"number"` // of the run that made it
	Begun  time.Time `json:"begun"`  // a snapshot is of what was known then
	Made   time.Time `json:"made"`
	Since  int64     `json:"since"` // it holds what deliveries after this number,
	UpTo   int64     `json:"upTo"`  // up to this one, brought
	Rows   int64     `json:"rows"`
	Size   int64     `json:"size"`            // bytes
	SHA256 string    `json:"sha256"`          // of the file, in hexadecimal
	Erased time.Time `json:"erased,omitzero"` // when it was deleted, for somebody was erased who may stand in it; the next run makes another
}

// Extracts lists the extracts.
func (c *Client) Extracts(ctx context.Context) ([]Extract, error) {
	return list[Extract](ctx, c, nil, "extracts")
}

// Extract reads one. Error: CodeNotFound.
func (c *Client) Extract(ctx context.Context, name string) (Extract, ETag, error) {
	return fetch[Extract](ctx, c, nil, "extracts", name)
}

// PutExtract sets an extract up or changes it, and returns it as it stands now.
func (c *Client) PutExtract(ctx context.Context, x Extract, match ETag) (Extract, ETag, error) {
	return put(ctx, c, x, match, "extracts", x.Name)
}

// RemoveExtract ends an extract; its files go with it.
// Errors: CodeNotFound, CodePrecondition, CodeNeedsIfMatch.
func (c *Client) RemoveExtract(ctx context.Context, name string, match ETag) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"extracts", name}, match: match}, nil)
	return err
}

// RunExtract has an extract made now; its file is listed when it is ready. last is the number of the newest run there was
// before. Error: CodeNotFound.
func (c *Client) RunExtract(ctx context.Context, name string) (last int64, err error) {
	var answer struct {
		Last int64 `json:"last"`
	}
	_, err = c.call(ctx, request{method: http.MethodPost, path: []string{"extracts", name, "run"}, repeatable: true}, &answer)
	return answer.Last, err
}

// ExtractFiles lists the files of an extract that are kept, newest first. Error: CodeNotFound.
func (c *Client) ExtractFiles(ctx context.Context, name string) ([]ExtractFile, error) {
	files, _, err := fetch[pageOf[ExtractFile]](ctx, c, nil, "extracts", name, "files")
	return files.Items, err
}

// DownloadExtract writes a file of an extract behind what is there of it already: the first bytes that an earlier download
// has left. It is not repeated by itself: when it broke off, download what is missing. The caller holds the whole to the
// file's SHA256.
// Errors: CodeNotFound; ErrNoAnswer when it broke off.
func (c *Client) DownloadExtract(ctx context.Context, name string, f ExtractFile, have int64, to io.Writer) error {
	if have >= f.Size {
		return nil
	}
	request, err := c.request(ctx, &request{method: http.MethodGet, path: []string{"extracts", name, "files", f.File}, accept: "application/zip"})
	if err != nil {
		return err
	}
	if have > 0 {
		request.Header.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
		request.Header.Set("If-Range", `"`+f.SHA256+`"`)
	}
	response, err := c.streams.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	defer response.Body.Close()
	want := http.StatusOK
	if have > 0 {
		want = http.StatusPartialContent
	}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); response.StatusCode != want || kind != "application/zip" {
		text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoAnswer, err)
		}
		if err := read(response, text, new(struct{})); err != nil {
			return err
		}
		return errors.New("client: the file is another than it was")
	}
	if _, err := io.Copy(to, response.Body); err != nil {
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	return nil
}
