package manage_test

import (
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
)

// A paused or failing star system shares one consumer: what one of its subscriptions is owed is counted by itself, on
// disk, in memory and not read yet.
func TestOwedToOneOfASystemsSubscriptions(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Star)
	ids := w.Subscribe("jobnet", sub{Name: "cv", Types: []string{"cv"}, Path: "/cv"}, sub{Name: "plan", Types: []string{"plan"}, Path: "/plan"})
	for _, id := range ids {
		w.Pass(id)
	}
	owed := func(name string, want int64) {
		t.Helper()
		got, err := w.Engine.Owed(ctx, ids[name])
		if err != nil || got != want {
			t.Errorf("%s: owed %d (%v), want %d", name, got, err, want)
		}
	}
	w.Publish("cv", kommune, 4)
	w.Delivered(4)
	w.Answer(500)
	w.Publish("plan", kommune, 3)
	w.Until("failures are on disk", func() bool { return w.Engine.Totals().Retried >= 3 })
	w.Must(w.Manager.Pause(ctx, revision.Hub, "eva", ""))
	w.Publish("cv", kommune, 2000) // far more than is held in memory
	w.Publish("plan", kommune, 10)
	owed("cv", 2000)
	owed("plan", 13)
	if _, err := w.Engine.Owed(ctx, "none"); tell(err) != "not-found" {
		t.Errorf("got %v", err)
	}
	w.Answer(204)
	w.Must(w.Manager.Resume(ctx, revision.Hub, "eva"))
	w.Clock.Advance(time.Hour)
	w.Until("everything is there and recorded", func() bool { return w.Engine.Totals().Pending == 0 && w.Log.Idle() })
	owed("cv", 0)
	owed("plan", 0)
}

// What is over, in flight and on disk side by side, above a watermark that one hanging receiver holds.
func TestOwedAboveAWatermarkThatStands(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Star)
	id := w.Subscribe("jobnet", sub{Name: "a"})["a"]
	w.Pass(id)
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	arrived := make(chan struct{}, 100)
	first := true
	status := 200
	var mu sync.Mutex
	w.AnswerBy(func(managetest.Sent) int {
		mu.Lock()
		hangs, answer := first, status
		first = false
		mu.Unlock()
		arrived <- struct{}{}
		if hangs {
			<-hang
		}
		return answer
	})
	w.Publish("cv", kommune, 1)
	<-arrived
	w.Publish("cv", kommune, 3)
	w.Delivered(3)
	mu.Lock()
	status = 400
	mu.Unlock()
	w.Publish("cv", kommune, 2)
	w.Until("two are parked", func() bool { return w.Engine.Totals().Parked == 2 })
	w.Until("and it is recorded", func() bool { n, _ := w.Engine.Owed(ctx, id); return n == 3 })
}
