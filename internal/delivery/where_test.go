package delivery_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// DESIGN promise 10: every state that an event can be in for a subscription, told with its reasons, and told the same
// after a restart unless that changes it. $n is the position of the n-th event.
func TestWhereIsIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		profile profile.Name
		channel subscription.Channel
		come    func(s *stands)
		of      int // which event; the first is 0
		want    string
		after   string // a restart; "": want; "-": it cannot be told, as sends go at once
	}{
		"in flight": {
			come: func(s *stands) { s.publish("A#1"); s.w.next() }, want: "sending", after: "-",
		},
		"delivered": {
			come: func(s *stands) { s.publish("A#1"); s.w.clock.Advance(time.Second); s.w.next().reply(204) },
			want: "delivered, at +1s, tried 1, status 204",
		},
		"delivered at the second attempt": {
			come: func(s *stands) { s.fail("A#1", 500); s.w.clock.Advance(time.Minute); s.w.next().reply(200) },
			want: "delivered, at +1m0s, tried 2, status 200",
		},
		"retrying": {
			come: func(s *stands) { s.fail("A#1", 503) }, want: "retrying, at +0s, since +0s, due +1s, tried 1, status 503",
		},
		"retrying, no answer": {
			come: func(s *stands) {
				s.publish("A#1")
				s.w.next().give(channel.Result{Class: channel.Retry, Reason: "send-timeout"})
			},
			want: "retrying, at +0s, since +0s, due +1s, tried 1, reason send-timeout",
		},
		"retrying, paused": {
			come: func(s *stands) { s.fail("A#1", 503); s.pause(revision.OfSystem("s")) },
			want: "retrying, why paused, by system, at +0s, since +0s, due +1s, tried 1, status 503",
		},
		"waiting behind one that retries": {
			come: func(s *stands) { s.fail("A#1", 503); s.publish("A#2") }, of: 1, want: "waiting, behind $1 retrying tried 1 status 503, since +0s",
		},
		"waiting behind one that waits": {
			come: func(s *stands) { s.fail("A#1", 503); s.publish("A#2", "A#3") }, of: 2, want: "waiting, behind $1 retrying tried 1 status 503, since +0s",
		},
		"waiting in memory": {
			come: func(s *stands) { s.publish("A#1", "A#2"); s.w.next() }, of: 1, want: "waiting, behind $1 sending tried 0 status 0", after: "-",
		},
		"parked": {
			profile: profile.Star, come: func(s *stands) { s.park("A#1") }, want: "parked, at +0s, since +0s, due +4320h0m0s, tried 1, status 422",
		},
		"parked after three days": {
			come: func(s *stands) { s.fail("A#1", 500); s.w.clock.Advance(73 * time.Hour); s.w.next().reply(500) },
			want: "parked, at +73h0m0s, since +0s, due +4320h0m0s, tried 2, status 500",
		},
		"waiting behind one that is parked": {
			profile: profile.Star, come: func(s *stands) { s.park("A#1"); s.publish("A#2") }, of: 1, want: "waiting, behind $1 parked tried 1 status 422, since +0s",
		},
		"released": {
			profile: profile.Star,
			come: func(s *stands) {
				s.park("A#1")
				s.pause(revision.Hub)
				_, err := s.w.hub.Release(context.Background(), "eva", delivery.Selection{All: true}, false)
				s.w.must(err)
			},
			want: "pending, why paused, by hub, at +0s, tried 1, status 422",
		},
		"paused": {
			come: func(s *stands) { s.pause(revision.OfSubscription(s.id)); s.publish("A#1") }, want: "pending, why paused, by subscription",
		},
		"paused, and a thousand behind it": {
			come: func(s *stands) { s.pause(revision.Hub); s.publish(many(1000)...) }, of: 999, want: "pending, why paused, by hub",
		},
		"its endpoint is paused": {
			come: func(s *stands) { s.pause(revision.OfEndpoint("s", "https://s.test/a")); s.publish("A#1") }, want: "pending, why paused, by endpoint",
		},
		"deactivated": {
			come: func(s *stands) {
				s.w.reviseSubscription(s.id, func(doc *subscription.Subscription) { doc.State = subscription.Deactivated })
				s.publish("A#1")
			},
			want: "pending, why not-active",
		},
		"the endpoint is down": {
			come: func(s *stands) { s.down(); s.publish("Y#1", "Z#1") }, of: 6, want: "pending, why endpoint-down", after: "-",
		},
		"the endpoint rejects": {
			profile: profile.Star,
			come: func(s *stands) {
				for i := range 5 {
					s.park(fmt.Sprintf("%c#1", 'A'+i))
				}
				s.publish("Z#1")
			},
			of: 5, want: "pending, why endpoint-rejecting",
		},
		"the endpoint is busy": {
			come: func(s *stands) {
				s.publish(many(9)...)
				for range 8 {
					s.w.next()
				}
			},
			of: 8, want: "pending, why endpoint-busy", after: "-",
		},
		"not granted any more": {
			come: func(s *stands) { s.pauseAndRevoke("A#1"); s.publish() }, want: "pending, why paused, by hub",
		},
		"withheld": {
			come: func(s *stands) { s.pauseAndRevoke("A#1"); s.resume(revision.Hub) }, want: "withheld, at +0s",
		},
		"discarded": {
			profile: profile.Star,
			come: func(s *stands) {
				s.park("A#1")
				_, err := s.w.hub.Discard(context.Background(), "eva", delivery.Selection{All: true}, false)
				s.w.must(err)
			},
			want: "discarded, at +0s, tried 1, status 422",
		},
		"expired": {
			profile: profile.Star, come: func(s *stands) { s.park("A#1"); s.w.clock.Advance(181 * 24 * time.Hour) },
			want: "expired, at +4320h0m0s, tried 1, status 422",
		},
		"dropped": {
			come: func(s *stands) { s.fail("A#1", 500); s.publish("A#2"); s.remove() }, of: 1, want: "dropped, at +0s",
		},
		"dropped after an attempt": {
			come: func(s *stands) { s.fail("A#1", 500); s.w.clock.Advance(time.Second); s.w.next(); s.remove() },
			want: "dropped, at +1s, tried 1, status 500",
		},
		"dropped from a system's consumer": {
			profile: profile.Star, come: func(s *stands) { s.pause(revision.Hub); s.publish("A#1"); s.remove() }, want: "dropped, at +0s",
		},
		"delivered before its subscription was removed": {
			come: func(s *stands) { s.publish("A#1"); s.w.next().reply(200); s.w.flush(); s.remove() }, want: "delivered, at +0s, tried 1, status 200",
		},
		"before it subscribed": {
			come: func(s *stands) { s.publish("A#1"); s.w.next().reply(200); s.id = s.w.subscribe("s", "/late") }, want: "not for it",
		},
		"replayed": {
			come: func(s *stands) {
				s.publish("A#1")
				s.w.next().reply(200)
				s.w.flush()
				s.w.replay(s.id, eventlog.Filter{})
				s.w.next()
			},
			want: "delivered, at +0s, tried 1, status 200, replay 1 sending", after: "-",
		},
		"replayed and delivered again": {
			come: func(s *stands) {
				s.publish("A#1")
				s.w.next().reply(200)
				s.w.flush()
				s.w.again("A#1", s.w.replay(s.id, eventlog.Filter{}).N)
			},
			want: "delivered, at +0s, tried 1, status 200, replay 1 delivered",
		},
		"a replay that will bring it": {
			come: func(s *stands) { s.deliverAll(8); s.w.replay(s.id, eventlog.Filter{}) }, of: 7, want: "delivered, at +0s, tried 1, status 200, replay 1 pending",
		},
		"new, while its lane is replayed": {
			come: func(s *stands) {
				s.publish("A#1", "B#1")
				s.w.next().reply(200)
				s.w.next().reply(200)
				s.w.flush()
				s.w.replay(s.id, eventlog.Filter{})
				s.w.expect("A#1", "B#1")
				s.publish("A#2")
			},
			of: 2, want: "waiting, behind $1 sending tried 1 status 0", after: "-",
		},

		"in a queue": {
			channel: subscription.Queue, come: func(s *stands) { s.publish("A#1") }, want: "pending, why not-fetched",
		},
		"leased": {
			channel: subscription.Queue, come: func(s *stands) { s.publish("A#1"); s.w.clock.Advance(time.Second); s.w.lease(s.id, 1) },
			want: "leased, at +1s, due +1m1s", after: "pending, why not-fetched",
		},
		"behind a leased one": {
			channel: subscription.Queue, come: func(s *stands) { s.publish("A#1", "A#2"); s.w.lease(s.id, 2) }, of: 1,
			want: "waiting, behind $1 leased tried 0 status 0", after: "waiting, behind $1 pending tried 0 status 0",
		},
		"not acknowledged in time": {
			channel: subscription.Queue, come: func(s *stands) { s.publish("A#1"); s.w.lease(s.id, 1); s.w.clock.Advance(time.Minute) },
			want: "pending, why not-fetched, at +1m0s, tried 1, reason lease-over",
		},
		"acknowledged": {
			channel: subscription.Queue,
			come: func(s *stands) {
				s.publish("A#1")
				_, leases := s.w.lease(s.id, 1)
				s.w.acknowledge(s.id, leases["A#1"])
			},
			want: "delivered, at +0s, tried 1",
		},

		"before a cursor": {
			channel: subscription.Cursor, come: func(s *stands) { s.publish("A#1") }, want: "pending, why not-fetched",
		},
		"served": {
			channel: subscription.Cursor, come: func(s *stands) { s.publish("A#1", "A#2"); s.w.clock.Advance(time.Second); s.w.fetch(s.id, nil, 1) },
			want: "served, at +1s",
		},
		"not served yet": {
			channel: subscription.Cursor, come: func(s *stands) { s.publish("A#1", "A#2"); s.w.fetch(s.id, nil, 1) }, of: 1, want: "pending, why not-fetched",
		},
		"confirmed": {
			channel: subscription.Cursor,
			come: func(s *stands) {
				s.publish("A#1", "A#2")
				_, at := s.w.fetch(s.id, nil, 2)
				s.w.clock.Advance(time.Second)
				s.w.fetch(s.id, &at, 2)
			},
			want: "confirmed, at +1s",
		},
		"confirmed from within an answer": {
			channel: subscription.Cursor, come: func(s *stands) { s.confirmFirstOfTwo() }, want: "confirmed, at +1s",
		},
		"and the rest of that answer": {
			channel: subscription.Cursor, come: func(s *stands) { s.confirmFirstOfTwo() }, of: 1, want: "served, at +1s",
		},
		"left over, before a cursor": {
			come: func(s *stands) { s.fail("A#1", 500); s.publish("A#2"); s.toCursor() }, want: "pending, why not-fetched, tried 1, status 500",
		},
		"left over, served": {
			come: func(s *stands) {
				s.fail("A#1", 500)
				s.publish("A#2")
				s.toCursor()
				s.w.clock.Advance(time.Hour)
				s.w.fetch(s.id, nil, 1)
			},
			want: "served, at +1h0m0s, tried 1, status 500",
		},
		"left over, confirmed": {
			come: func(s *stands) {
				s.fail("A#1", 500)
				s.publish("A#2")
				s.toCursor()
				_, at := s.w.fetch(s.id, nil, 1)
				s.w.clock.Advance(time.Hour)
				s.w.fetch(s.id, &at, 1)
			},
			want: "confirmed, at +1h0m0s, tried 1, status 500",
		},
		"a cursor moved over it, withheld": {
			channel: subscription.Cursor,
			come: func(s *stands) {
				s.pauseAndRevoke("A#1")
				s.resume(revision.Hub)
				_, at := s.w.fetch(s.id, nil, 1)
				s.w.fetch(s.id, &at, 1)
				s.regrant("*")
			},
			want: "withheld, at +0s",
		},
		"confirmed, and pushed since": {
			channel: subscription.Cursor,
			come: func(s *stands) {
				s.publish("A#1")
				_, at := s.w.fetch(s.id, nil, 1)
				s.w.clock.Advance(time.Second)
				s.w.fetch(s.id, &at, 1)
				s.w.reviseSubscription(s.id, func(doc *subscription.Subscription) { doc.Channel, doc.Path = "", "/a" })
			},
			want: "confirmed, at +1s",
		},
		"confirmed, and removed since": {
			channel: subscription.Cursor,
			come: func(s *stands) {
				s.publish("A#1")
				_, at := s.w.fetch(s.id, nil, 1)
				s.w.clock.Advance(time.Second)
				s.w.fetch(s.id, &at, 1)
				s.remove()
			},
			want: "confirmed, at +1s",
		},
		"never fetched, and removed": {
			channel: subscription.Cursor, come: func(s *stands) { s.publish("A#1"); s.w.clock.Advance(time.Second); s.remove() }, want: "dropped, at +1s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &stands{w: newWorld(t)}
			if c.profile == "" {
				c.profile = profile.Standard
			}
			s.w.system("s", c.profile)
			if s.id = ""; c.channel == "" {
				s.id = s.w.subscribe("s", "/a")
			} else {
				s.id = s.w.subscribe("s", "fetched", pulledBy(c.channel))
			}
			c.come(s)
			if got, want := s.where(c.of), s.filled(c.want); got != want {
				t.Fatalf("it is\n%s, want\n%s", got, want)
			}
			if c.after == "-" {
				return
			}
			if c.after == "" {
				c.after = c.want
			}
			s.w.restart()
			if got, want := s.where(c.of), s.filled(c.after); got != want {
				t.Errorf("after a restart it is\n%s, want\n%s", got, want)
			}
		})
	}
}
