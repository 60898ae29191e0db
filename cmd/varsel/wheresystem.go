package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/varselhub/varsel/client"
)

// tellSystem writes how a system stands: what it has coming, what stands in the way, what came.
func tellSystem(out io.Writer, s *client.SystemWhereabouts, now time.Time) {
	fmt.Fprintf(out, "%s: %s\n", s.System, coming(&s.Now))
	if s.Oldest != nil {
		fmt.Fprintf(out, "  the oldest is event %d, accepted %s\n  → varsel where %d\n", s.Oldest.Position, when(s.Oldest.Recorded, now), s.Oldest.Position)
	}
	if len(s.Lanes.Items) > 0 {
		fmt.Fprintf(out, "\nLanes that stand: %d\n", s.Lanes.Total)
		for i := range s.Lanes.Items {
			tellLane(out, &s.Lanes.Items[i], now)
		}
		if more := s.Lanes.Total - int64(len(s.Lanes.Items)); more > 0 {
			fmt.Fprintf(out, "  … and %d more\n", more)
		}
	}
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "subscription\tpending\twaiting\tretrying\tparked\tin hand\t")
	for i := range s.Subscriptions {
		f := &s.Subscriptions[i]
		n := &f.Now
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t\n", title(f), n.Pending, n.Waiting, n.Retrying, n.Parked, n.Sending+n.Leased)
	}
	_ = table.Flush() // an out that fails has failed before
	fmt.Fprintln(out)
	table = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "first deliveries\tmatched\tdelivered\tserved\tconfirmed\twithheld\tdropped\texpired\tdiscarded\treplayed\t")
	row := func(name string, c *client.Counts) {
		e := &c.First
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", name, e.Matched, e.Delivered, e.Served, e.Confirmed, e.Withheld, e.Dropped, e.Expired, e.Discarded,
			c.Replays.Delivered+c.Replays.Confirmed)
	}
	for i := range s.Days {
		row(s.Days[i].Day, &s.Days[i].Counts)
	}
	row("all time", &s.Total)
	for i := range s.Subscriptions {
		row("  "+title(&s.Subscriptions[i]), &s.Subscriptions[i].Total)
	}
	_ = table.Flush()
}

func title(f *client.SubscriptionFigures) string {
	if f.Removed {
		return f.Name + " (removed)"
	}
	return f.Name
}

// coming says what is on its way in a line.
func coming(n *client.Coming) string {
	if n.Pending == 0 {
		return "nothing is pending"
	}
	var parts []string
	for _, part := range []struct {
		count int64
		what  string
	}{
		{n.Parked, "parked"}, {n.Retrying, "retrying"}, {n.Waiting, "waiting behind others"}, {n.Sending, "in flight"}, {n.Leased, "leased"},
	} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.what))
		}
	}
	text := fmt.Sprintf("%d pending", n.Pending)
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

// tellLane says since when a lane stands, why, and what is behind it.
func tellLane(out io.Writer, l *client.Lane, now time.Time) {
	text := fmt.Sprintf("  %s at event %d", l.State, l.Position)
	if !l.Since.IsZero() {
		text += ", failing since " + when(l.Since, now)
	}
	if l.Attempts > 0 {
		text += ": " + answered(l.Status, l.Reason, l.Attempts)
	}
	if l.Behind > 0 {
		text += fmt.Sprintf("; %d behind it", l.Behind)
	}
	if l.State == client.StateRetrying && !l.Due.IsZero() {
		text += "; next attempt " + when(l.Due, now)
	}
	fmt.Fprintln(out, text)
	if l.State == client.StateParked {
		fmt.Fprintf(out, "  → varsel where %d\n", l.Position)
	}
}
