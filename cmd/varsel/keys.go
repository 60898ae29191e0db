package main

import (
	"context"
	"fmt"
	"time"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/ident"
)

type keysCommand struct {
	List   keysListCommand   `cmd:"" help:"List the keys that wrap the database's keys, and whether they are needed."`
	Make   keysMakeCommand   `cmd:"" help:"Make the key of the next rotation, to be copied to every node of a hub on PostgreSQL."`
	Rotate keysRotateCommand `cmd:"" help:"Wrap everything with a new key, while the hub runs."`
}

type keysListCommand struct {
	storeFlags
	JSON bool `help:"Print one JSON object a line."`
}

// Run prints the keys, oldest first.
func (c *keysListCommand) Run(ctx context.Context, s *streams) error {
	place, err := c.place()
	if err != nil {
		return err
	}
	keys, err := app.ListKeys(ctx, place)
	if err != nil {
		return err
	}
	missing := false
	for _, k := range keys {
		missing = missing || k.Missing
		if c.JSON {
			if err := printJSON(s.out, k); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(s.out, "kek-%s  made %s  wraps %d keys  %s\n", k.ID, madeAt(k.ID), k.DataKeys, meaning(k))
	}
	if missing {
		fmt.Fprintf(s.err, "A key is missing: the hub does not start without it. Put it back into %s/secrets from the backup of the secrets.\n", c.Data)
		return errSaid
	}
	return nil
}

func meaning(k app.Key) string {
	switch {
	case k.Missing:
		return "MISSING: it is not in the directory of secrets"
	case k.Prepared && k.DataKeys == 0:
		return "prepared: copy it to every node, then run varsel keys rotate"
	case k.Newest, k.Prepared:
		return "in use"
	case k.DataKeys > 0:
		return "needed: it was not rotated out; run varsel keys rotate"
	}
	return "needed by backups from before the key after it was made, and by nothing else"
}

// madeAt reads the time out of a UUIDv7.
func madeAt(id string) string {
	u, err := ident.Parse(id)
	if err != nil {
		return "?"
	}
	seconds, nanos := u.Time().UnixTime()
	return time.Unix(seconds, nanos).Format(time.DateTime)
}

type keysMakeCommand struct {
	storeFlags
	JSON bool `help:"Print one JSON object on stdout."`
}

// Run makes a key that wraps nothing yet.
func (c *keysMakeCommand) Run(s *streams) error {
	place, err := c.shared()
	if err != nil {
		return err
	}
	file, err := app.MakeKey(place)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, map[string]string{"file": file})
	}
	fmt.Fprintf(s.out, "%s/secrets/%s is made, and wraps nothing yet.\n", c.Data, file)
	fmt.Fprintln(s.out, "Copy it, under the same name, to the directory of secrets of every node, owned by the hub's user, mode 0600. When all have it: varsel keys rotate on one of them.")
	return nil
}

type keysRotateCommand struct {
	storeFlags
	JSON bool `help:"Print one JSON object on stdout."`
}

// Run rotates.
func (c *keysRotateCommand) Run(ctx context.Context, s *streams) error {
	place, err := c.place()
	if err != nil {
		return err
	}
	r, err := app.RotateKeys(ctx, place)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, r)
	}
	fmt.Fprintf(s.out, "kek-%s wraps from now on, and all %d keys that there are. Back up %s/secrets now.\n", r.KEK, r.Wrapped, c.Data)
	for _, id := range r.Retired {
		fmt.Fprintf(s.out, "kek-%s is not needed by the database any more. Backups made until now cannot be read without it: delete it when the last of them is deleted.\n", id)
	}
	return nil
}
