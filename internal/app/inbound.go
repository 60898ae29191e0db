package app

import (
	"context"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/envelope/cloudevents"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/ingest/broker"
	"github.com/varselhub/varsel/internal/intake"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/revision"
)

// newIntake reads the streams of sources as if they had been published.
func (h *Hub) newIntake(book *revision.Book, accepter *publish.Accepter, hasher *event.Hasher, guard *netguard.Guard, clk clock.Clock) *intake.Intake {
	opener := broker.Opener{Dial: guard.DialContext, Client: userAgent}
	return intake.New(h.Log, h.Store, book, intake.Options{
		Accepter: accepter, Hasher: hasher, Decode: cloudevents.Decode, Clock: clk, Trouble: h.report, Counted: h.telemetry.Streamed, Duty: h.duties.during,
		Open: func(ctx context.Context, s *event.Stream) (intake.Stream, error) {
			for _, server := range s.Broker.Servers { // what was allowed when it was written may not be any more
				if _, err := guard.CheckURL(event.BrokerURL(s.Kind, server, s.Broker.PlainText).String()); err != nil {
					return nil, err
				}
			}
			return opener.Open(ctx, s)
		},
	})
}
