package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/publish"
)

// How many things change in the sample world: few enough that each has a history within seconds.
const (
	properties = 24
	people     = 24
)

var propertyChanges = []string{"owner", "value", "address", "building", "use"}

// traffic publishes changes of properties and CVs in turn and counts what each receiver is owed.
type traffic struct {
	publisher *publish.Publisher
	receivers []*receiver
	published atomic.Int64
	owed      []atomic.Int64 // by receiver

	made    int
	numbers map[string]int64 // the last change of each property and CV
}

func newTraffic(p *publish.Publisher, receivers []*receiver) *traffic {
	return &traffic{publisher: p, receivers: receivers, owed: make([]atomic.Int64, len(receivers)), numbers: map[string]int64{}}
}

// tick is how often events are published: often enough to look steady, seldom enough for high rates.
const tick = 50 * time.Millisecond

// run publishes rate events a second until ctx ends.
func (t *traffic) run(ctx context.Context, rate int) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	began := time.Now()
	for sent := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		due := int(time.Since(began) * time.Duration(rate) / time.Second)
		if due > sent {
			if err := t.publish(context.WithoutCancel(ctx), min(due-sent, maxBatch)); err != nil {
				return err
			}
			sent = due
		}
	}
}

const maxBatch = 500

// publish brings n new changes into the log. What was accepted is owed.
func (t *traffic) publish(ctx context.Context, n int) error {
	drafts := make([]event.Draft, n)
	for i := range drafts {
		drafts[i] = t.next(i)
	}
	results, err := t.publisher.Publish(ctx, drafts, false)
	if err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	for i := range results {
		t.published.Add(1)
		for k, r := range t.receivers {
			if r.wants(drafts[i].Type) {
				t.owed[k].Add(1)
			}
		}
	}
	return nil
}

func (t *traffic) next(entry int) event.Draft {
	t.made++
	d := event.Draft{
		Entry: entry, SpecVersion: event.SpecVersion, ID: ident.New().String(), Time: time.Now().UTC().Format(time.RFC3339Nano),
		MediaType: "application/json",
	}
	if turn := t.made / 2; t.made%2 == 0 {
		d.Source, d.Type, d.Data = registerURI, propertyType, t.property(turn)
	} else {
		d.Source, d.Type, d.Data = casesURI, cvType, t.cv(turn)
	}
	return d
}

func (t *traffic) count(key string) int64 {
	t.numbers[key]++
	return t.numbers[key]
}

func (t *traffic) property(turn int) json.RawMessage {
	name := fmt.Sprintf("property-%02d", turn*7%properties)
	return fmt.Appendf(nil, `{"property":%q,"number":%d,"change":%q}`, name, t.count(name), propertyChanges[turn%len(propertyChanges)])
}

// cv is a change of a fictive person's CV: 00000000nn is no person's number.
func (t *traffic) cv(turn int) json.RawMessage {
	person := turn * 5 % people
	name := fmt.Sprintf("cv-%02d", person)
	return fmt.Appendf(nil, `{"person":"%010d","cv":%q,"user":"Case worker %d","content":{"cv":%q,"number":%d}}`,
		person, name, person%4, name, t.count(name))
}
