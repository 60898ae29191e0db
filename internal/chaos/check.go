package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/varselhub/varsel/client"
)

// settle lets everything come to its end, and holds what is left behind against the promises.
func (s *scene) settle(ctx context.Context) {
	s.progress("%5.1f s  waiting until everything that was accepted has arrived", time.Since(s.began).Seconds())
	if !s.press.stop(recoverWithin) {
		s.faults.add("publish: some events were not accepted within %s, with all nodes up", recoverWithin)
		s.finish(0)
		return
	}
	published, total := s.press.published()
	owed := s.ledger.owed(published)
	for end := time.Now().Add(settleWithin); owed > 0 && time.Now().Before(end) && ctx.Err() == nil; owed = s.ledger.owed(published) {
		rest(ctx, 50*time.Millisecond)
	}
	if owed > 0 && ctx.Err() == nil {
		s.faults.add("lost: %d deliveries of accepted events never came, %s after the last trouble", owed, settleWithin)
	}
	s.awaitSight(ctx)
	s.checkPositions(ctx)
	s.checkCursor(ctx)
	s.finish(total)
}

// awaitSight waits until every node sees everything that was accepted. A node that is slow answers by what it knows
// (docs/nodes.md), so what is held against it before says nothing; one that never comes to see it breaks a promise.
func (s *scene) awaitSight(ctx context.Context) {
	last := int64(0)
	for _, k := range s.press.all {
		for _, position := range k.positions {
			last = max(last, position)
		}
	}
	end := time.Now().Add(settleWithin)
	for _, node := range s.fleet.Nodes {
		hub, err := patient(node.URL)
		if err != nil {
			return
		}
		for seen := int64(0); seen < last; {
			page, err := hub.Find(ctx, client.FindQuery{Limit: 1})
			if err == nil && len(page.Items) > 0 {
				seen = page.Items[0].Position
			}
			if seen < last && (ctx.Err() != nil || time.Now().After(end)) {
				s.faults.add("sight: %s sees the log up to %d, and something was accepted at %d (%v)", node.Name, seen, last, err)
				break
			}
			if seen < last {
				rest(ctx, 50*time.Millisecond)
			}
		}
	}
}

// checkPositions holds the log itself against what publishers were answered: every event is there once, where they were
// told, and between the first and the last there is no position without one.
func (s *scene) checkPositions(ctx context.Context) {
	told := map[int64]string{}
	for _, k := range s.press.all {
		for i, position := range k.positions {
			id := fmt.Sprintf("%s-%d", k.key, i+1)
			if other, taken := told[position]; taken {
				s.faults.add("position: %s and %s were both accepted at %d", other, id, position)
			}
			told[position] = id
			if places := s.ledger.places[k.key]; i < len(places) && places[i] != position {
				s.faults.add("position: %s was accepted at %d and delivered with %d", id, position, places[i])
			}
		}
	}
	hub, err := patient(s.fleet.Nodes[0].URL)
	if err != nil {
		return
	}
	first, last, events := int64(0), int64(0), 0
	for q := (client.FindQuery{Limit: 500}); ; {
		page, err := hub.Find(ctx, q)
		if err != nil {
			s.faults.add("the log could not be read at the end: %v", err)
			return
		}
		for _, e := range page.Items {
			if first > 0 && e.Position != first-1 {
				s.faults.add("position: nothing stands between %d and %d", e.Position, first)
			}
			first, last, events = e.Position, max(last, e.Position), events+1
			if id := told[e.Position]; e.Source == sourceURI && id != e.ID {
				s.faults.add("position: %d has %s, and publishers were told %q", e.Position, e.ID, id)
			}
			delete(told, e.Position)
		}
		if q.After = page.Next; page.Next == "" {
			break
		}
	}
	for position, id := range told {
		s.faults.add("lost: %s was accepted at %d, and is not in the log", id, position)
	}
	s.report.FirstPosition, s.report.LastPosition, s.report.Logged = first, last, events
}

// checkCursor fetches everything by cursor, and holds it against what was accepted. The node that has the system answers.
func (s *scene) checkCursor(ctx context.Context) {
	var err error
	for _, node := range s.fleet.Nodes {
		next := map[string]int{}
		last := int64(0)
		hub, e := client.New(node.URL, client.Options{Attempts: 2})
		if e != nil {
			return
		}
		if err = s.fetch(ctx, hub, next, &last); err == nil {
			for _, k := range s.press.all {
				if next[k.key] != k.n {
					s.faults.add("cursor: %d of %d events of %s came", next[k.key], k.n, k.key)
				}
			}
			return
		}
	}
	s.faults.add("cursor: no node answers: %v", err)
}

func (s *scene) fetch(ctx context.Context, hub *client.Client, next map[string]int, last *int64) error {
	after := ""
	for {
		count := 0
		cursor, err := hub.Fetch(ctx, s.cursor, client.FetchOptions{After: after, Limit: 10_000}, func(f client.Fetched) error {
			count++
			var e struct {
				Sequence string `json:"sequence"`
				Data     thing  `json:"data"`
			}
			if err := json.Unmarshal(f.Event, &e); err != nil {
				return err
			}
			position, err := strconv.ParseInt(e.Sequence, 10, 64)
			if err != nil || position <= *last {
				s.faults.add("cursor: %s#%d came at position %q after one at %d", e.Data.Key, e.Data.N, e.Sequence, *last)
			}
			*last = position
			if e.Data.Key == "" {
				return nil // the hub's own
			}
			if e.Data.N != next[e.Data.Key]+1 {
				s.faults.add("cursor: %s#%d came after #%d", e.Data.Key, e.Data.N, next[e.Data.Key])
			}
			next[e.Data.Key] = e.Data.N
			return nil
		})
		if err != nil || count == 0 {
			return err
		}
		after = cursor
	}
}

// finish adds up.
func (s *scene) finish(accepted int) {
	sum, r := s.ledger.count(), s.report
	r.Seconds = time.Since(s.began).Seconds()
	r.Accepted, r.Delivered, r.Refused, r.InFlight = accepted, sum.firsts, sum.refused, sum.most
	r.Repeats, r.Stale, r.Unwritten, r.Leases, r.Bound = sum.repeats, sum.stale, sum.unwrit, sum.leases, sum.bound
	for _, d := range s.press.doors {
		r.Tried += d.failed
	}
	if sum.repeats-sum.unwrit > sum.bound {
		s.faults.add("repeat: %d messages came again, %d of them lost by PostgreSQL; the bound for the others is %d", sum.repeats, sum.unwrit, sum.bound)
	}
	r.attribute(sum)
	r.Broken, r.Violations = s.faults.told()
	var names []string
	for _, node := range s.fleet.Nodes {
		names = append(names, node.Name)
	}
	r.Picture = s.picture.lines(names)
}
