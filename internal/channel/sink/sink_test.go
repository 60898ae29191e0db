package sink_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/channel/sink"
	"github.com/varselhub/varsel/internal/channel/webhook"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/signature"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/receive"
)

const secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

// fixture is the sink of subscription "a", on a clock that stands at noon.
type fixture struct {
	*sink.Sinks
	*sink.Sender
	clock    *clock.Fake
	settings *subscription.Sink
}

func newFixture(t *testing.T, p profile.Name) *fixture {
	t.Helper()
	f := &fixture{clock: clock.NewFake(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), settings: &subscription.Sink{}}
	policy, _ := profile.Get(p)
	signer, err := signature.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := receive.NewVerifier(f.clock.Now, secret)
	if err != nil {
		t.Fatal(err)
	}
	f.Sinks = sink.New(f.clock)
	f.Sender = f.Sinks.Sender(sink.Config{
		Subscription: "a", Verifier: verifier, Profile: policy, Settings: func() *subscription.Sink { return f.settings },
		Request: func(m *channel.Message) ([]byte, error) {
			return webhook.Request("https://receiver.test/hook/a", "Varsel", signer, m)
		},
	})
	return f
}

func (f *fixture) message(id string, position int64) *channel.Message {
	return &channel.Message{
		ID: id, ContentType: "application/cloudevents+json", Attempt: 1, At: f.clock.Now(), Position: position,
		Body: []byte(`{"specversion":"1.0","id":"` + id + `","source":"urn:s","type":"cv","data":{"n":1}}`),
	}
}

func (f *fixture) all() []channel.Arrival {
	list, _ := f.Arrivals("a", 0, 10_000)
	return list
}

// S58: what is taken is shown as the receiver would have got it, checked as package receive checks it.
func TestS58AnArrivalIsWhatTheReceiverWouldSee(t *testing.T) {
	t.Parallel()
	f := newFixture(t, profile.Standard)
	m := f.message("m1", 7)
	m.Lane, m.Attempt, m.Replay = event.Alone(7), 3, 9
	if r := f.Send(context.Background(), m); r.Class != channel.Delivered || r.Status != 200 {
		t.Fatalf("%+v", r)
	}
	a := f.all()[0]
	if a.Request != "POST /hook/a" || a.Type != "cv" || a.Signature != "valid" || a.Fault != "" || a.Sighting != channel.First ||
		a.ID != "m1" || a.Position != 7 || a.Lane != m.Lane || a.Attempt != 3 || a.Pass != 9 || a.Size != len(m.Body) || a.Status != 200 {
		t.Errorf("%+v", a)
	}
	want := map[string]string{
		"Host": "receiver.test", "Content-Type": "application/cloudevents+json", "Content-Length": strconv.Itoa(len(m.Body)),
		"webhook-id": "m1", "webhook-timestamp": "1772366400", "Varsel-Attempt": "3", "Varsel-Replay": "9", "User-Agent": "Varsel",
	}
	got := map[string]string{}
	for _, h := range a.Headers {
		got[h.Name] = h.Value
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s: %q, want %q", name, got[name], value)
		}
	}
	if a.Body != nil {
		t.Error("a list shows a body")
	}
	if one, ok, _ := f.Arrival(t.Context(), "a", a.Number); !ok || string(one.Body) != string(m.Body) {
		t.Errorf("the body is %q", one.Body)
	}
	if _, ok, _ := f.Arrival(t.Context(), "b", a.Number); ok {
		t.Error("another sink shows it")
	}
}

// S58: the sink answers as configured, and an answer means what it means in the profile.
func TestS58TheAnswerIsConfigured(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		profile  profile.Name
		settings subscription.Sink
		attempt  int
		test     bool
		class    channel.Class
		status   int
	}{
		"200 by default":          {profile.Star, subscription.Sink{}, 1, false, channel.Delivered, 200},
		"another success":         {profile.Star, subscription.Sink{Status: 204}, 1, false, channel.Delivered, 204},
		"a failure":               {profile.Star, subscription.Sink{Status: 503}, 9, false, channel.Retry, 503},
		"a refusal, star":         {profile.Star, subscription.Sink{Status: 404}, 1, false, channel.Rejected, 404},
		"a refusal, standard":     {profile.Standard, subscription.Sink{Status: 404}, 1, false, channel.Retry, 404},
		"gone":                    {profile.Standard, subscription.Sink{Status: 410}, 1, false, channel.Gone, 410},
		"the first two fail":      {profile.Star, subscription.Sink{FailFirst: 2}, 2, false, channel.Retry, 500},
		"and the third does not":  {profile.Star, subscription.Sink{FailFirst: 2}, 3, false, channel.Delivered, 200},
		"a test is no first one":  {profile.Star, subscription.Sink{FailFirst: 2}, 1, true, channel.Delivered, 200},
		"a test may fail as well": {profile.Star, subscription.Sink{Status: 500}, 1, true, channel.Retry, 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, c.profile)
			f.settings = &c.settings
			m := f.message("m", 1)
			m.Attempt, m.Test = c.attempt, c.test
			if r := f.Send(context.Background(), m); r.Class != c.class || r.Status != c.status {
				t.Errorf("%+v", r)
			}
			if a := f.all()[0]; a.Class != c.class || a.Status != c.status {
				t.Errorf("%+v", a)
			}
		})
	}
}

// A delay passes before the answer; one that a receiver could not afford is no answer; the end of the hub cuts it short.
func TestS58TheAnswerIsDelayed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		delay  int
		pass   time.Duration // of the clock; 0: the sender leaves
		status int
		reason string
	}{
		"short":    {500, 500 * time.Millisecond, 200, ""},
		"too long": {60_000, 30 * time.Second, 0, "send-timeout"},
		"given up": {500, 0, 0, "send-timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, profile.Star)
			f.settings.DelayMS = c.delay
			ctx, leave := context.WithCancel(context.Background())
			defer leave()
			answered := make(chan channel.Result)
			go func() { answered <- f.Send(ctx, f.message("m", 1)) }()
			for waits := false; !waits; _, waits = f.clock.Next() {
				runtime.Gosched()
			}
			if c.pass == 0 {
				leave()
			}
			f.clock.Advance(c.pass)
			r := <-answered
			if r.Status != c.status || r.Reason != c.reason || c.reason != "" && r.Class != channel.Retry {
				t.Errorf("%+v", r)
			}
		})
	}
}

// What a receiver that knows the order would say of each message.
func TestS58OrderAndRepeatsAreSeen(t *testing.T) {
	t.Parallel()
	f := newFixture(t, profile.Standard)
	x, y := event.Alone(1), event.Alone(2)
	for i, step := range []struct {
		id       string
		position int64
		lane     event.Lane
		pass     int64
		status   int
		want     channel.Sighting
	}{
		{"1", 1, x, 0, 500, channel.First},
		{"1", 1, x, 0, 200, channel.Again},
		{"1", 1, x, 0, 200, channel.Duplicate},
		{"3", 3, x, 0, 200, channel.First},
		{"2", 2, x, 0, 200, channel.Late},
		{"2", 2, x, 0, 200, channel.Duplicate},
		{"0", 1, y, 0, 200, channel.First}, // another lane
		{"1", 1, x, 5, 200, channel.First}, // a replay
		{"1", 1, x, 5, 200, channel.Duplicate},
		{"4", 4, x, 0, 200, channel.First},
	} {
		f.settings.Status = step.status
		m := f.message(step.id, step.position)
		m.Lane, m.Replay = step.lane, step.pass
		f.Send(context.Background(), m)
		all := f.all()
		if a := all[len(all)-1]; a.Sighting != step.want {
			t.Errorf("step %d: %s, want %s", i, a.Sighting, step.want)
		}
	}
}

// What is forgotten is not judged: a repeat from long ago is no breach of the order.
func TestAnOldRepeatAccusesNobody(t *testing.T) {
	t.Parallel()
	f := newFixture(t, profile.Standard)
	for n := range int64(5000) {
		f.Send(context.Background(), f.message(strconv.FormatInt(n+1, 10), n+1))
	}
	f.Send(context.Background(), f.message("1", 1))
	f.Send(context.Background(), f.message("4999", 4999))
	all := f.all()
	if a, b := all[len(all)-2], all[len(all)-1]; a.Sighting != channel.First || b.Sighting != channel.Duplicate {
		t.Errorf("%s, %s", a.Sighting, b.Sighting)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	f := newFixture(t, profile.Standard)
	m := f.message("m", 1)
	m.At = m.At.Add(-time.Hour) // as a receiver with another clock sees it
	f.Send(context.Background(), m)
	m = f.message("n", 2)
	m.Body = []byte("{")
	f.Send(context.Background(), m)
	all := f.all()
	if all[0].Signature != "invalid" || all[0].Fault == "" || all[1].Signature != "valid" || all[1].Fault == "" || all[1].Type != "" {
		t.Errorf("%+v", all)
	}
	m = f.message("o", 3)
	m.ContentType = "a\r\nb: c"
	if r := f.Send(context.Background(), m); r.Class != channel.Rejected || r.Reason != "invalid-message" || len(f.all()) != 2 {
		t.Errorf("%+v", r)
	}
}

// What is kept is bounded by number, bytes and time, and goes when it is emptied.
func TestWhatIsKeptIsBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, profile.Standard)
	send := func(count, size int) {
		for n := range count {
			m := f.message(strconv.Itoa(n), int64(n+1))
			m.Body = make([]byte, size)
			f.Send(context.Background(), m)
		}
	}
	send(1500, 10)
	if all := f.all(); len(all) != 1000 || all[0].ID != "500" {
		t.Errorf("%d kept from %s on", len(all), all[0].ID)
	}
	send(100, 100_000)
	if all := f.all(); len(all) < 30 || len(all) > 42 || all[len(all)-1].ID != "99" {
		t.Errorf("%d of 100 kB kept", len(all))
	}
	send(1, 5<<20)
	all := f.all()
	last := all[len(all)-1]
	if a, _, _ := f.Arrival(t.Context(), "a", last.Number); a.Body != nil || a.Size != 5<<20 {
		t.Errorf("a body of %d bytes is kept", len(a.Body))
	}
	for i := range all[1:] {
		if all[i+1].Number <= all[i].Number {
			t.Errorf("%d after %d", all[i+1].Number, all[i].Number)
		}
	}
	if after, _ := f.Arrivals("a", last.Number-1, 10); len(after) != 1 || after[0].Number != last.Number {
		t.Errorf("%d after the last but one", len(after))
	}
	f.clock.Advance(25 * time.Hour)
	if all := f.all(); len(all) != 0 {
		t.Errorf("%d after a day", len(all))
	}
	send(3, 10)
	_ = f.Empty(t.Context(), "a")
	if n, _ := f.Holds(t.Context(), "a"); n != 0 {
		t.Error("not empty")
	}
}

// DESIGN promise 11: what is forgotten is let go of, and nothing else.
func TestWhatIsForgottenIsLetGo(t *testing.T) {
	t.Parallel()
	f := newFixture(t, profile.Standard)
	for n := range 4 {
		f.Send(context.Background(), f.message(strconv.Itoa(n), int64(n+1)))
	}
	f.Forget([]int64{2, 4, 9})
	if all := f.all(); len(all) != 2 || all[0].Position != 1 || all[1].Position != 3 {
		t.Errorf("%+v", all)
	}
}

// All sinks together are bounded too; the fullest gives way.
func TestAllSinksTogetherAreBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, profile.Standard)
	policy, _ := profile.Get(profile.Standard)
	kept := 0
	for box := range 20 {
		name := strconv.Itoa(box)
		s := f.Sinks.Sender(sink.Config{
			Subscription: name, Profile: policy, Settings: func() *subscription.Sink { return nil },
			Request: func(m *channel.Message) ([]byte, error) {
				return webhook.Request("https://receiver.test/", "Varsel", nil, m)
			},
		})
		for n := range 4 {
			m := f.message(strconv.Itoa(n), int64(n+1))
			m.Body = make([]byte, 1<<20-1024)
			s.Send(context.Background(), m)
		}
	}
	for box := range 20 {
		n, _ := f.Holds(t.Context(), strconv.Itoa(box))
		kept += n
	}
	if kept < 60 || kept > 64 {
		t.Errorf("%d MiB kept, want at most 64", kept)
	}
}

// Who follows is woken by the next arrival.
func TestFollowersAreWoken(t *testing.T) {
	t.Parallel()
	f := newFixture(t, profile.Standard)
	_, grown := f.Arrivals("a", 0, 1)
	go f.Send(context.Background(), f.message("m", 1))
	<-grown
	if len(f.all()) != 1 {
		t.Error("woken for nothing")
	}
}

// What is pushed to an OData service is shown as the request that it would get; how it reads is not this package's to tell.
func TestAFormThatReceiversOfOursDoNotRead(t *testing.T) {
	t.Parallel()
	for _, foreign := range []bool{false, true} {
		f := newFixture(t, profile.Datafordeler)
		policy, _ := profile.Get(profile.Datafordeler)
		s := f.Sinks.Sender(sink.Config{
			Subscription: "a", Profile: policy, Foreign: foreign, Settings: func() *subscription.Sink { return f.settings },
			Request: func(m *channel.Message) ([]byte, error) {
				return []byte("POST /odata/Events HTTP/1.1\r\nContent-Type: application/json;odata.metadata=minimal\r\n\r\n{\"Id\":7}"), nil
			},
		})
		s.Send(context.Background(), f.message("m", 7))
		if a := f.all()[0]; a.Request != "POST /odata/Events" || a.Size != len(`{"Id":7}`) || (a.Fault == "") != foreign {
			t.Errorf("foreign %v: %+v", foreign, a)
		}
	}
}
