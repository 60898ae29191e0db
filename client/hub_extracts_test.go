package client_test

import (
	"bytes"
	"context"
	"runtime"

	"github.com/varselhub/varsel/client"
)

// extracts goes through what is done with an extract: it is set up, made, fetched as a whole and in parts, and ended.
func (w *world) extracts(ctx context.Context) {
	w.t.Helper()
	_, _, err := w.PutSystem(ctx, client.System{Name: "atlas", Agreement: client.Agreement{
		Profile: "standard", BaseURL: w.receiver.URL, Sources: []string{"dagi"}, Contacts: client.Contacts{Technical: client.Contact{Email: "ops@map.test"}},
	}}, "")
	w.must(err)
	made, tag, err := w.PutExtract(ctx, client.Extract{Name: "things", Title: "Things", System: "atlas", Register: "dagi", Type: "Thing", Selection: "total", Format: "csv", Keep: 3}, "")
	w.must(err)
	w.whole(made)
	read, same, err := w.Extract(ctx, "things")
	w.must(err)
	if same != tag || read.Title != "Things" {
		w.t.Errorf("%+v %s", read, same)
	}
	list, err := w.Extracts(ctx)
	w.must(err)
	w.whole(map[string]any{"items": list})
	if last, err := w.RunExtract(ctx, "things"); err != nil || last != 0 {
		w.t.Errorf("%d %v", last, err)
	}
	var files []client.ExtractFile
	for len(files) == 0 {
		runtime.Gosched()
		files, err = w.ExtractFiles(ctx, "things")
		w.must(err)
	}
	w.whole(map[string]any{"items": files})
	var whole, rest bytes.Buffer
	w.must(w.DownloadExtract(ctx, "things", files[0], 0, &whole))
	w.must(w.DownloadExtract(ctx, "things", files[0], 50, &rest))
	w.must(w.DownloadExtract(ctx, "things", files[0], files[0].Size, &rest)) // there is nothing left to fetch
	if int64(whole.Len()) != files[0].Size || !bytes.Equal(whole.Bytes()[50:], rest.Bytes()) {
		w.t.Errorf("%d and %d bytes of %+v", whole.Len(), rest.Len(), files[0])
	}
	another := files[0]
	another.SHA256 = "another"
	if err := w.DownloadExtract(ctx, "things", another, 50, &rest); err == nil {
		w.t.Error("the rest of another file is taken")
	}
	w.must(w.RemoveExtract(ctx, "things", tag))
	if err := w.DownloadExtract(ctx, "things", files[0], 0, &whole); !client.Has(err, client.CodeNotFound) {
		w.t.Errorf("%v", err)
	}
}
