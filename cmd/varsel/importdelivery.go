package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/varselhub/varsel/client"
)

type importDeliveryCommand struct {
	Paths    []string `arg:"" name:"path" help:"Files of XML, or folders whose files that end in .xml are taken in the order of their names; - for the standard input."`
	Register string   `help:"The register that they are of." required:"" placeholder:"NAME"`
	ID       string   `name:"id" help:"What the register calls the delivery, for a single file; otherwise each is called by its file's name without .xml." placeholder:"ID"`
	JSON     bool     `help:"Print one JSON object for each delivery, for programs."`
	hubFlags
}

// Run hands the deliveries over, one after the other. The first that is refused ends it: those behind it build on it.
func (c *importDeliveryCommand) Run(ctx context.Context, s *streams) error {
	files, err := deliveryFiles(c.Paths)
	if err != nil {
		return err
	}
	if c.ID != "" && len(files) != 1 {
		return fmt.Errorf("--id is for a single file, and there are %d", len(files))
	}
	hub, err := c.hub()
	if err != nil {
		return err
	}
	for i, file := range files {
		d, err := c.deliver(ctx, hub, s, file)
		if err != nil {
			return fmt.Errorf("%s (%d of %d): %w", file, i+1, len(files), err)
		}
		if c.JSON {
			if err := printJSON(s.out, d); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(s.out, "%s: %s made, %d ended, %s (%s).\n", d.ID, countOf(int(d.Rows), "row"), d.Closed, countOf(int(d.Events), "event"), d.State)
	}
	return nil
}

// deliver hands one file over, and tells how much of it has gone.
func (c *importDeliveryCommand) deliver(ctx context.Context, hub *client.Client, s *streams, path string) (client.Delivery, error) {
	id, size, body := c.ID, int64(0), io.Reader(s.in)
	if path != stdin {
		file, err := os.Open(path)
		if err != nil {
			return client.Delivery{}, err
		}
		defer file.Close()
		if info, err := file.Stat(); err == nil {
			size = info.Size()
		}
		if body = file; id == "" {
			id = strings.TrimSuffix(filepath.Base(path), xmlEnding)
		}
	}
	told := &progress{w: s.err, doing: "sending " + filepath.Base(path), repaint: isTerminal(s.err)}
	defer told.end()
	return hub.Deliver(ctx, c.Register, id, &sending{body: body, size: size, told: told})
}

// sending tells of what is read of a file.
type sending struct {
	body       io.Reader
	done, size int64
	told       *progress
}

// Read implements io.Reader.
func (r *sending) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	if r.done += int64(n); r.size > worthTelling {
		r.told.tell(r.done, r.size)
	}
	return n, err
}

const (
	stdin     = "-"
	xmlEnding = ".xml"

	worthTelling = 1 << 20 // bytes: less is gone before anybody has read of it
)

// deliveryFiles lists the files that the paths name, those of a folder in the order of their names.
func deliveryFiles(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		if path == stdin {
			files = append(files, path)
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		found, err := filepath.Glob(filepath.Join(path, "*"+xmlEnding))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s has no file that ends in %s", path, xmlEnding)
		}
		slices.Sort(found)
		files = append(files, found...)
	}
	return files, nil
}
