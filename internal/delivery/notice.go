package delivery

// NoticeKind is what there is to tell: the hub's own event types.
type NoticeKind string

// The kinds.
const (
	LaneParked        NoticeKind = "varsel.lane.parked"
	LaneExpired       NoticeKind = "varsel.lane.expired"
	MessageInvalid    NoticeKind = "varsel.message.invalid"
	EndpointDown      NoticeKind = "varsel.endpoint.down"
	EndpointRejecting NoticeKind = "varsel.endpoint.rejecting"
	SubscriptionGone  NoticeKind = "varsel.subscription.deactivated"
	NotFetched        NoticeKind = "varsel.subscription.not-fetched"

	// Where the profile says how long a subscription is tried for.
	SubscriptionFailing NoticeKind = "varsel.subscription.failing"
	SubscriptionOverdue NoticeKind = "varsel.subscription.overdue"
)

// Notice is something a contact or the operator should know. It names no person and carries no payload.
type Notice struct {
	Kind         NoticeKind `json:"-"`
	System       string     `json:"system"`
	Subscription string     `json:"subscription,omitempty"`
	URL          string     `json:"endpoint,omitempty"`
	Lane         string     `json:"lane,omitempty"`
	Position     int64      `json:"position,omitempty"`
	Status       int        `json:"status,omitempty"`
	Reason       string     `json:"reason,omitempty"`
	Attempts     int        `json:"attempts,omitempty"`
	Ends         string     `json:"ends,omitempty"` // RFC 3339: the subscription ends then, unless something is delivered before
	At           int64      `json:"-"`              // µs UTC: tells two spells of the same trouble apart
}

// tell queues a notice for the teller: consumers hold their locks when they find something to tell.
func (e *Engine) tell(n Notice) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.notices = append(e.notices, n)
	if e.telling || !e.begin() {
		return
	}
	e.telling = true
	go func() {
		defer e.end()
		e.tellAll()
	}()
}

func (e *Engine) tellAll() {
	for {
		e.mu.Lock()
		batch := e.notices
		e.notices = nil
		if len(batch) == 0 || e.ctx.Err() != nil {
			e.telling = false
			e.mu.Unlock()
			return
		}
		e.mu.Unlock()
		for _, n := range batch {
			if err := e.opts.Tell(n); err != nil {
				e.trouble("telling about "+string(n.Kind), err)
			}
		}
	}
}

func (c *consumer) parkedNotice(d *delivery) Notice {
	kind := LaneParked
	if d.reason == reasonInvalid {
		kind = MessageInvalid
	}
	return Notice{
		Kind: kind, System: c.book.System, Subscription: d.line.ID, Lane: d.lane.key.String(),
		Position: d.position, Status: d.status, Reason: d.reason, Attempts: d.attempts, At: d.since,
	}
}
