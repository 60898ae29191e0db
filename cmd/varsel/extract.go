package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/varselhub/varsel/client"
)

// extractCommand is for those who fetch files of extracts, and for operators who have them made.
type extractCommand struct {
	List extractListCommand `cmd:"" help:"List the extracts, or the files of one, newest first."`
	Run  extractRunCommand  `cmd:"" help:"Have an extract made now."`
	Get  extractGetCommand  `cmd:"" help:"Fetch a file of an extract, go on with one that broke off, and hold it to its checksum."`
}

type extractListCommand struct {
	Extract string `arg:"" optional:"" help:"List the files of this extract."`
	JSON    bool   `help:"Print JSON, one line for each, for programs."`
	hubFlags
}

// Run lists.
func (c *extractListCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	if c.Extract == "" {
		extracts, err := hub.Extracts(ctx)
		if err != nil {
			return err
		}
		err = printed(s.out, c.JSON, extracts, func(x *client.Extract) {
			fmt.Fprintf(table, "%s\t%s of %s/%s\tfor %s\t%s\t%s\n", x.Name, x.Selection, x.Register, x.Type, x.System, x.Format, x.Schedule)
		})
		return errors.Join(err, table.Flush())
	}
	files, err := hub.ExtractFiles(ctx, c.Extract)
	if err != nil {
		return err
	}
	err = printed(s.out, c.JSON, files, func(f *client.ExtractFile) {
		size := fmt.Sprintf("%d bytes", f.Size)
		if !f.Erased.IsZero() {
			size = "erased"
		}
		fmt.Fprintf(table, "%s\t%s\t%d rows\t%s\n", f.File, f.Made.Local().Format("2006-01-02 15:04:05"), f.Rows, size)
	})
	return errors.Join(err, table.Flush())
}

// printed prints a list as JSON, or row by row.
func printed[T any](to io.Writer, asJSON bool, list []T, row func(*T)) error {
	for i := range list {
		if !asJSON {
			row(&list[i])
		} else if err := printJSON(to, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

type extractRunCommand struct {
	Extract string `arg:"" help:"Name of the extract."`
	hubFlags
}

// Run orders it.
func (c *extractRunCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	if _, err := hub.RunExtract(ctx, c.Extract); err != nil {
		return err
	}
	fmt.Fprintf(s.err, "It is being made; `varsel extract list %s` shows its file when it is ready.\n", c.Extract)
	return nil
}

type extractGetCommand struct {
	Extract string `arg:"" help:"Name of the extract."`
	File    string `arg:"" optional:"" help:"Name of the file; none: the newest."`
	To      string `help:"Directory that it is put in." default:"." type:"existingdir" placeholder:"DIR"`
	hubFlags
}

// Run fetches the file. What is there of it goes by another name until all of it is there and is what the hub made.
func (c *extractGetCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	file, err := c.find(ctx, hub)
	if err != nil {
		return err
	}
	path := filepath.Join(c.To, filepath.Base(file.File))
	part, err := os.OpenFile(path+".part", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	err = c.fetch(ctx, s, hub, file, part)
	if err = errors.Join(err, part.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".part", path); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, path)
	return err
}

func (c *extractGetCommand) find(ctx context.Context, hub *client.Client) (*client.ExtractFile, error) {
	files, err := hub.ExtractFiles(ctx, c.Extract)
	if err != nil {
		return nil, err
	}
	for i := range files {
		if c.File == "" && files[i].Erased.IsZero() || files[i].File == c.File {
			return &files[i], nil
		}
	}
	if c.File == "" {
		return nil, fmt.Errorf("%s has no file yet, or none any more since somebody was erased: `varsel extract run %[1]s` makes one", c.Extract)
	}
	return nil, fmt.Errorf("%s has no file %s; `varsel extract list %s` lists what is kept", c.Extract, c.File, c.Extract)
}

// fetch fetches what is missing of a file, as often as that gets on, and checks the whole.
func (c *extractGetCommand) fetch(ctx context.Context, s *streams, hub *client.Client, file *client.ExtractFile, part *os.File) error {
	shown := &progress{w: s.err, doing: "fetching", repaint: isTerminal(s.err)}
	defer shown.end()
	for {
		have, err := part.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		got := &counted{w: part, have: have, tell: func(n int64) { shown.tell(n, file.Size) }}
		err = hub.DownloadExtract(ctx, c.Extract, *file, have, got)
		if err == nil {
			break
		}
		if !errors.Is(err, client.ErrNoAnswer) || got.have == have || ctx.Err() != nil {
			return fmt.Errorf("%w; what is there is kept in %s, and the same command goes on with it", err, part.Name())
		}
	}
	if err := part.Sync(); err != nil {
		return err
	}
	if _, err := part.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, part); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != file.SHA256 {
		return errors.Join(fmt.Errorf("%s is not what the hub made: its checksum is another; it is emptied, so fetch it again", part.Name()), part.Truncate(0))
	}
	return nil
}

// counted tells how much is written.
type counted struct {
	w    io.Writer
	have int64
	tell func(int64)
}

// Write implements io.Writer.
func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.have += int64(n)
	c.tell(c.have)
	return n, err
}
