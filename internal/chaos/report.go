package chaos

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Report is what a run came to.
type Report struct {
	Seed          uint64  `json:"seed"`
	Seconds       float64 `json:"seconds"`
	Nodes         int     `json:"nodes"`
	Systems       int     `json:"systems"`
	Subscriptions int     `json:"subscriptions"`
	Lanes         int     `json:"lanes"` // keys of each subscription

	Accepted      int   `json:"accepted"` // events
	Tried         int   `json:"tried"`    // requests to publish that were not accepted, and made again
	Logged        int   `json:"logged"`   // events in the log, the hub's own too
	FirstPosition int64 `json:"firstPosition"`
	LastPosition  int64 `json:"lastPosition"`

	Delivered int `json:"delivered"` // first arrivals
	Refused   int `json:"refused"`   // of these, answered 500
	InFlight  int `json:"inFlight"`  // to one subscription at once, at most

	Leases    int `json:"leases"`    // of subscriptions, that went to another holder
	Repeats   int `json:"repeats"`   // accepted before, and sent again
	Bound     int `json:"bound"`     // of repeats: one for each lane of each of these leases; those of Unwritten come on top
	Stale     int `json:"stale"`     // of repeats: sent by who had lost the lease, which a receiver can tell
	Unwritten int `json:"unwritten"` // of repeats: PostgreSQL lost their outcome when it crashed

	Troubles   []Trouble `json:"troubles"`
	Broken     int       `json:"broken"` // promises
	Violations []string  `json:"violations,omitempty"`
	Picture    []string  `json:"-"`
	Kept       string    `json:"kept,omitempty"` // where the logs and the database are, when something went wrong
}

// Trouble is one that came. Times are in seconds.
type Trouble struct {
	Kind     string  `json:"kind"`
	Node     string  `json:"node,omitempty"` // "": it came over PostgreSQL
	At       float64 `json:"at"`
	Seconds  float64 `json:"seconds"`  // how long it lasted
	Recovery float64 `json:"recovery"` // until every system had got something that was published since it took hold; -1: never
	Gap      float64 `json:"gap"`      // the longest in which one of the other nodes accepted nothing
	Leases   int     `json:"leases"`   // this and what follows: until the next trouble came
	Repeats  int     `json:"repeats"`
	Bound    int     `json:"bound"`

	before sums
}

// until attributes to a trouble what has been counted since it came.
func (t *Trouble) until(now sums) {
	t.Leases, t.Repeats, t.Bound = now.leases-t.before.leases, now.repeats-t.before.repeats, now.bound-t.before.bound
}

// attribute gives each trouble what was counted until the next one came, and the last one the rest.
func (r *Report) attribute(end sums) {
	for i := range r.Troubles {
		until := end
		if i+1 < len(r.Troubles) {
			until = r.Troubles[i+1].before
		}
		r.Troubles[i].until(until)
	}
}

func (t *Trouble) String() string {
	recovery := fmt.Sprintf("all systems go on after %.1f s", t.Recovery)
	if t.Recovery < 0 {
		recovery = "NOT RECOVERED"
	}
	return fmt.Sprintf("%-11s %-7s %s, longest publish gap elsewhere %.1f s, %d repeats of at most %d", t.Kind, t.Node, recovery, t.Gap, t.Repeats, t.Bound)
}

// JSON writes a report as one object.
func (r *Report) JSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// Text writes a report for people.
func (r *Report) Text(w io.Writer) {
	fmt.Fprintf(w, "seed %d: %d nodes, %d subscriptions of %d systems, %d lanes each, %.0f s\n\n", r.Seed, r.Nodes, r.Subscriptions, r.Systems, r.Lanes, r.Seconds)
	const columns = "%8s  %-11s %-8s %8s %10s %8s %8s %9s %8s\n"
	fmt.Fprintf(w, columns, "at", "trouble", "node", "lasted", "recovered", "gap", "leases", "repeats", "bound")
	for i := range r.Troubles {
		t := &r.Troubles[i]
		node, recovery := t.Node, fmt.Sprintf("%.1f s", t.Recovery)
		if node == "" {
			node = "-"
		}
		if t.Recovery < 0 {
			recovery = "NEVER"
		}
		fmt.Fprintf(w, columns, fmt.Sprintf("%.0f s", t.At), t.Kind, node, fmt.Sprintf("%.1f s", t.Seconds), recovery, fmt.Sprintf("%.1f s", t.Gap),
			fmt.Sprint(t.Leases), fmt.Sprint(t.Repeats), fmt.Sprint(t.Bound))
	}
	fmt.Fprintln(w, "\nrecovered: every system got something published since the trouble took hold; gap: the longest in which another node accepted nothing;")
	fmt.Fprintln(w, "bound: one repeat for each lane of each subscription whose lease went to another holder")
	fmt.Fprintln(w)
	for _, line := range r.Picture {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "\naccepted   %d events, %d tries besides, at positions %d to %d\n", r.Accepted, r.Tried, r.FirstPosition, r.LastPosition)
	fmt.Fprintf(w, "delivered  %d of %d, %d after a 500; at most %d in flight to a subscription\n", r.Delivered, r.Accepted*r.Subscriptions, r.Refused, r.InFlight)
	fmt.Fprintf(w, "repeats    %d, bound %d (%d leases); %d by who had lost the lease; %d beside the bound, whose outcome PostgreSQL lost\n",
		r.Repeats, r.Bound, r.Leases, r.Stale, r.Unwritten)
	r.verdict(w)
}

func (r *Report) verdict(w io.Writer) {
	if r.Broken == 0 {
		fmt.Fprintln(w, "promises   all kept: nothing lost, first sends in order, repeats within the bound")
		return
	}
	fmt.Fprintf(w, "promises   BROKEN, %d times:\n", r.Broken)
	for _, text := range r.Violations {
		fmt.Fprintln(w, "  "+text)
	}
	if more := r.Broken - len(r.Violations); more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
	if r.Kept != "" {
		fmt.Fprintln(w, "what the nodes said is in "+strings.TrimSuffix(r.Kept, "/"))
	}
}
