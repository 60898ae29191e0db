package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/varselhub/varsel/client"
)

type findCommand struct {
	ID           string    `help:"The id its source gave it, or a message id (webhook-id)." placeholder:"ID"`
	Person       bool      `help:"By a personal value, as it stands in the data; it is asked for or read from standard input, and the search is recorded."`
	Key          bool      `help:"By the key that keeps events in order; it is asked for or read from standard input, after --person's, and recorded too."`
	Type         string    `help:"Of this type only." placeholder:"TYPE"`
	Source       string    `help:"Of this source only, by name or URI." placeholder:"SOURCE"`
	From         time.Time `help:"Recorded at or after, RFC 3339." placeholder:"TIME"`
	To           time.Time `help:"And before." placeholder:"TIME"`
	System       string    `help:"That were for this system." placeholder:"NAME"`
	Subscription string    `help:"That were for this subscription." placeholder:"ID"`
	State        string    `help:"That stand so with --system or --subscription, such as parked; docs/search.md lists the states." placeholder:"STATE"`
	Limit        int       `help:"At most so many, newest first." default:"20"`
	JSON         bool      `help:"Print JSON, one line for each event, for programs."`
	hubFlags
}

// Validate implements kong's hook.
func (c *findCommand) Validate() error {
	switch {
	case c.Limit < 1:
		return fmt.Errorf("--limit is %d; give 1 or more", c.Limit)
	case c.ID != "" && (c.Person || c.Key):
		return errors.New("--id names one event; leave out --person and --key")
	case c.State != "" && c.System == "" && c.Subscription == "":
		return errors.New("--state is one receiver's; give --system or --subscription with it")
	}
	return nil
}

// foundAtOnce is how many events the hub gives at a time at most.
const foundAtOnce = 500

// Run asks page by page until there is enough, or no more.
func (c *findCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	query, err := c.query(s)
	if err != nil {
		return err
	}
	var found []client.FoundEvent
	for {
		query.Limit = min(c.Limit-len(found), foundAtOnce)
		page, err := hub.Find(ctx, query)
		if err != nil {
			return err
		}
		found, query.After = append(found, page.Items...), page.Next
		if page.Next == "" || len(found) == c.Limit {
			return c.tell(s, found, page)
		}
		if isTerminal(s.err) {
			fmt.Fprintf(s.err, "%d found so far, looking further back\n", len(found))
		}
	}
}

// query takes the flags, and from the person what must not stand among them: others can see a command line.
func (c *findCommand) query(s *streams) (q client.FindQuery, err error) {
	q = client.FindQuery{ID: c.ID, Type: c.Type, Source: c.Source, From: c.From, To: c.To, System: c.System, Subscription: c.Subscription, State: c.State}
	in := bufio.NewReader(s.in)
	if c.Person {
		q.Person, err = askFor(s, in, "Person")
	}
	if c.Key && err == nil {
		q.Key, err = askFor(s, in, "Key")
	}
	return q, err
}

// askFor reads one line.
func askFor(s *streams, in *bufio.Reader, what string) (string, error) {
	if isTerminal(s.err) {
		fmt.Fprintf(s.err, "%s: ", what)
	}
	line, err := in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("there is no %s on standard input; give it as one line", strings.ToLower(what))
	}
	return line, nil
}

func (c *findCommand) tell(s *streams, found []client.FoundEvent, page client.FoundEvents) error {
	if c.JSON {
		for i := range found {
			if err := printJSON(s.out, found[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if len(found) > 0 {
		if err := tableOf(s.out, found); err != nil {
			return err
		}
	}
	switch {
	case len(found) == 0:
		fmt.Fprintf(s.err, "Nothing was found. Message ids, keys and persons are found up to position %d.\n", page.UpTo)
	case page.Next != "":
		fmt.Fprintf(s.err, "The newest %d; there may be more: --limit %d\n", len(found), 5*c.Limit)
	default:
		fmt.Fprintf(s.err, "%d found. Where one is: varsel where POSITION\n", len(found))
	}
	return nil
}

// tableOf prints events for a person, in columns as wide as they need.
func tableOf(out io.Writer, found []client.FoundEvent) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "POSITION\tRECORDED\tTYPE\tSOURCE\tID\tWHERE")
	for i := range found {
		f := &found[i]
		id := f.ID
		if f.Forgotten {
			id = f.MessageID + " (forgotten)"
		}
		var where []string
		for _, p := range f.Where {
			where = append(where, p.System+" "+p.State)
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", f.Position, f.Recorded.UTC().Format("2006-01-02 15:04:05Z"), f.Type, f.Source, id, strings.Join(where, ", "))
	}
	return table.Flush()
}
