package notify_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/notify"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

var update = flag.Bool("update", false, "write the golden files anew")

// directory is a book with one system and what the hub registers of itself.
func directory(t *testing.T) *revision.Book {
	t.Helper()
	book := revision.NewBook(time.UTC)
	revisions := append(notify.Register(true, true), revision.Of("test", revision.System, "jobnet", subscription.System{
		Name: "jobnet", Agreement: subscription.Agreement{Profile: profile.Star, Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "drift@jobnet.test"}}},
	}), revision.Of("test", revision.Extract, "kommuner", register.Extract{Name: "kommuner", System: "jobnet", Email: "data@jobnet.test"}))
	for i := range revisions {
		revisions[i].Position = int64(i + 1)
	}
	if err := book.Apply(revisions); err != nil {
		t.Fatal(err)
	}
	return book
}

func told(kind, data string) *event.Event {
	return &event.Event{Type: kind, Source: notify.SourceURI, Recorded: 1_772_366_400_000_000, Data: []byte(data)}
}

const ready = `{"system":"jobnet","extract":"kommuner","register":"dagi","type":"Kommuneinddeling","file":"kommuner-000012-total-17.csv.zip","url":"https://hub.test/api/v1/extracts/kommuner/files/kommuner-000012-total-17.csv.zip","size":4711,"rows":98,"sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","since":0,"upTo":17}`

const failed = `{"system":"jobnet","extract":"kommuner","reason":"storage-full","failingSince":"2026-03-01T02:30:00Z"}`

const parked = `{"system":"jobnet","subscription":"01","endpoint":"https://jobnet.test/hook","lane":"abcd","position":41,"status":422,"attempts":3}`

// What the hub registers of itself is a configuration like any other.
func TestWhatTheHubRegistersIsInForce(t *testing.T) {
	t.Parallel()
	book := directory(t)
	source := book.SourceAt(notify.SourceURI)
	if source == nil {
		t.Fatal("the hub is no source")
	}
	for _, kind := range []string{
		notify.LaneParked, notify.LaneExpired, notify.MessageInvalid, notify.EndpointDown, notify.EndpointRejecting, notify.SubscriptionGone, notify.NotFetched,
		notify.SubscriptionFailing, notify.SubscriptionOverdue, notify.ExtractReady, notify.ExtractFailed,
	} {
		if version := book.Version(kind, ""); version == nil || !source.May(kind) {
			t.Errorf("%s has no active version, or the hub may not publish it", kind)
		}
		e := told(kind, parked)
		e.Position = 1000
		reached := false
		book.Route(e, func(l *revision.Line) { reached = l.Consumer.Name == notify.MailConsumer })
		if !reached {
			t.Errorf("%s is mailed to nobody", kind)
		}
	}
}

// S40: each notice goes to the contact that can mend it.
func TestS40WhoIsTold(t *testing.T) {
	t.Parallel()
	book := directory(t)
	for name, c := range map[string]struct {
		event    *event.Event
		operator string
		to       string // empty: the mail cannot be made
	}{
		"a parked delivery":             {told(notify.LaneParked, parked), "operator@hub.test", "drift@jobnet.test"},
		"a message that is wrong":       {told(notify.MessageInvalid, parked), "operator@hub.test", "operator@hub.test"},
		"a system that is gone":         {told(notify.EndpointDown, `{"system":"gone"}`), "operator@hub.test", "operator@hub.test"},
		"nobody to tell":                {told(notify.MessageInvalid, parked), "", ""},
		"a notice that cannot be read":  {told(notify.LaneParked, `[]`), "operator@hub.test", ""},
		"an extract":                    {told(notify.ExtractReady, ready), "operator@hub.test", "data@jobnet.test"}, // F43
		"an extract that is gone":       {told(notify.ExtractReady, `{"system":"jobnet","extract":"gone"}`), "operator@hub.test", "drift@jobnet.test"},
		"an extract that fails":         {told(notify.ExtractFailed, failed), "operator@hub.test", "operator@hub.test"},
		"a kind that is not known here": {told("varsel.future", parked), "", "drift@jobnet.test"},
	} {
		mail := notify.Mail(c.event, book, c.operator)
		if c.to == "" {
			if !fault.Has(mail.Err, fault.InvalidMessage) {
				t.Errorf("%s: want it refused, got %+v", name, mail)
			}
			continue
		}
		if mail.Err != nil || mail.Headers[0] != (event.Header{Name: "To", Value: c.to}) {
			t.Errorf("%s: %+v", name, mail)
		}
	}
}

// What a tired person reads.
func TestTheMailAsItStands(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	const failing = `{"system":"jobnet","subscription":"01","endpoint":"https://jobnet.test/odata","position":41,"reason":"connect-refused","attempts":24,"ends":"2026-05-01T12:00:00Z"}`
	for _, notice := range [][2]string{
		{notify.LaneParked, parked}, {notify.EndpointDown, parked}, {notify.SubscriptionFailing, failing}, {notify.SubscriptionOverdue, parked}, {"varsel.future", parked},
	} {
		mail := notify.Mail(told(notice[0], notice[1]), directory(t), "")
		for _, header := range mail.Headers {
			text.WriteString(header.Name + ": " + header.Value + "\n")
		}
		text.WriteString("\n" + string(mail.Body) + "\n----\n")
	}
	for _, notice := range [][2]string{{notify.ExtractReady, ready}, {notify.ExtractFailed, failed}} {
		mail := notify.Mail(told(notice[0], notice[1]), directory(t), "operator@hub.test")
		text.WriteString("\n" + string(mail.Body) + "\n----\n")
	}
	const name = "testdata/mails.golden.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
}

// The mail to contacts never tells of itself: a mail server that fails would be told about by mail, and again.
func TestWhatConcernsTheMailIsNotTold(t *testing.T) {
	t.Parallel()
	var published []event.Draft
	publish := func(_ context.Context, d event.Draft) error {
		published = append(published, d)
		return nil
	}
	for _, system := range []string{notify.System, "jobnet"} {
		if err := notify.Tell(t.Context(), publish, notify.LaneParked, "id-of-"+system, system, json.RawMessage(parked)); err != nil {
			t.Fatal(err)
		}
	}
	if len(published) != 1 || published[0].ID != "id-of-jobnet" || published[0].Source != notify.SourceURI || string(published[0].Data) != parked {
		t.Errorf("published %+v", published)
	}
}
