package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/varselhub/varsel/client"
)

type nodesCommand struct {
	hubFlags
	Systems bool `help:"List the systems that each node delivers too."`
	JSON    bool `help:"Print JSON, one line for each, for programs."`
}

// Run lists the nodes of the hub.
func (c *nodesCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	nodes, err := hub.Nodes(ctx)
	switch {
	case err != nil:
		return err
	case c.JSON:
		for i := range nodes.Items {
			if err := printJSON(s.out, &nodes.Items[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return tellNodes(s.out, &nodes, c.Systems, time.Now())
}

// tellNodes writes who there is, the one that answered marked, and what each of them does.
func tellNodes(out io.Writer, nodes *client.Nodes, systems bool, now time.Time) error {
	if nodes.Alone {
		fmt.Fprintln(out, "A hub of one process.")
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tnode\tname\tversion\tstarted\tlast seen\tsystems\tduties\taddress")
	for i := range nodes.Items {
		n := &nodes.Items[i]
		mark, seen := "", "–"
		if n.Answers {
			mark = "*"
		}
		if !n.Seen.IsZero() {
			seen = when(n.Seen, now)
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", mark, n.Node, n.Name, n.Version, when(n.Started, now), seen, len(n.Systems), orNone(joined(n.Duties)), orNone(n.URL))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for i := range nodes.Items {
		if n := &nodes.Items[i]; systems && len(n.Systems) > 0 {
			fmt.Fprintf(out, "\n%s delivers %s\n", n.Name, joined(n.Systems))
		}
	}
	return nil
}

// orNone is a text, or a sign that there is none.
func orNone(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
