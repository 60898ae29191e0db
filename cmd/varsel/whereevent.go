package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/varselhub/varsel/client"
)

// tellWhere writes for a person at night: what, since when, why, and what to do next.
func tellWhere(out io.Writer, where *client.Where, now time.Time) {
	fmt.Fprintf(out, "Event %d, %s, accepted %s\n", where.Position, where.Type, when(where.Recorded, now))
	if len(where.Items) == 0 {
		fmt.Fprintln(out, "\nIt was for nobody: no subscription and agreement in force at its position wanted and granted it.")
		return
	}
	for i := range where.Items {
		w := &where.Items[i]
		fmt.Fprintf(out, "\n%s / %s  %s\n", w.System, w.Name, destination(w))
		fmt.Fprintf(out, "  %s\n", standing(w, now))
		if next := nextStep(w, where.Position); next != "" {
			fmt.Fprintf(out, "  → %s\n", next)
		}
		for _, r := range w.Replays {
			at := ""
			if !r.At.IsZero() {
				at = " " + when(r.At, now)
			}
			fmt.Fprintf(out, "  replay %d: %s%s\n", r.Pass, r.State, at)
		}
		tellAttempts(out, w, now)
	}
}

func destination(w *client.Whereabouts) string {
	if w.Channel == "webhook" && w.Endpoint != "" {
		return "to " + w.Endpoint
	}
	return "by " + w.Channel
}

// standing says in a sentence where it is, since when and why.
func standing(w *client.Whereabouts, now time.Time) string {
	switch w.State {
	case client.StatePending:
		return "pending: " + whyNot(w.Why, w.PausedBy)
	case client.StateWaiting:
		return waiting(w.Behind, now)
	case client.StateSending:
		return fmt.Sprintf("sending: attempt %d is in flight", w.Tried+1)
	case client.StateRetrying:
		text := fmt.Sprintf("retrying since %s: %s; next attempt %s", when(w.Since, now), answered(w.Status, w.Reason, w.Tried), when(w.Due, now))
		if w.Why != "" {
			text += ", but " + whyNot(w.Why, w.PausedBy)
		}
		return text
	case client.StateParked:
		return fmt.Sprintf("parked since %s: %s", when(w.At, now), answered(w.Status, w.Reason, w.Tried))
	case client.StateLeased:
		return fmt.Sprintf("leased since %s, until %s: the system has it and has not acknowledged it", when(w.At, now), when(w.Due, now))
	case client.StateServed:
		return fmt.Sprintf("served %s: its reader was handed it, and has not come back with a later cursor", when(w.At, now))
	case client.StateDelivered:
		return fmt.Sprintf("delivered %s: %s", when(w.At, now), answered(w.Status, "", w.Tried))
	}
	return fmt.Sprintf("%s %s: %s", w.State, when(w.At, now), ended[w.State])
}

// ended says what an end means.
var ended = map[string]string{
	client.StateConfirmed: "its reader came back with a later cursor",
	client.StateWithheld:  "the agreement did not grant it when it was its turn",
	client.StateDropped:   "its subscription was removed first",
	client.StateExpired:   "it was forgotten first: its retention ended, or a person it named was erased",
	client.StateDiscarded: "a person gave it up; the audit log says who",
}

func waiting(b *client.Ahead, now time.Time) string {
	if b == nil {
		return "waiting for its turn"
	}
	text := fmt.Sprintf("waiting behind event %d, which is %s", b.Position, b.State)
	if !b.Since.IsZero() {
		text += " since " + when(b.Since, now)
	}
	if b.Status != 0 || b.Reason != "" {
		text += ": " + answered(b.Status, b.Reason, b.Tried)
	}
	if b.Replay != 0 {
		text += fmt.Sprintf(" (replay %d brings it)", b.Replay)
	}
	return text
}

// answered says what the last attempt came to.
func answered(status int, reason string, tried int) string {
	what := "no answer"
	switch {
	case status != 0 && reason != "":
		what = fmt.Sprintf("answered %d (%s)", status, reason)
	case status != 0:
		what = fmt.Sprintf("answered %d", status)
	case reason != "":
		what = reason
	case tried > 0:
		what = "acknowledged"
	}
	if tried == 1 {
		return what + ", 1 attempt"
	}
	return fmt.Sprintf("%s, %d attempts", what, tried)
}

// whyNot says why something that could go has not gone.
func whyNot(why string, by []client.Scope) string {
	switch why {
	case "paused":
		if len(by) > 0 {
			return fmt.Sprintf("paused: %s", by[0])
		}
		return "paused"
	case "not-active":
		return "its subscription is not active"
	case "endpoint-down":
		return "its endpoint is down; one delivery tries, and all go when it answers"
	case "endpoint-rejecting":
		return "its endpoint refused five in a row; nothing is sent until a test message passes"
	case "endpoint-busy":
		return "as much is in flight to its endpoint as may be"
	case "replay":
		return "a replay has more for its lane, which comes first"
	case "not-fetched":
		return "the system has not fetched it"
	case "not-granted":
		return "the agreement does not grant it now; it will end as withheld"
	case "cannot-store":
		return "the hub cannot write to its disk"
	case "catching-up":
		return "the hub has not come so far for this system"
	}
	return "it goes at any moment"
}

// nextStep says what a person can do about it; "" when nothing is to be done.
func nextStep(w *client.Whereabouts, position int64) string {
	state, why := w.State, w.Why
	if w.State == client.StateWaiting && w.Behind != nil {
		state, why = w.Behind.State, w.Behind.Why
		if state == client.StateParked || state == client.StateRetrying {
			return fmt.Sprintf("varsel where %d", w.Behind.Position)
		}
	}
	switch {
	case state == client.StateParked:
		return fmt.Sprintf("mend the receiver (varsel check %s), then release: POST /api/v1/lanes/release {\"subscription\":%q,\"lane\":%q}; or give it up: the same to /lanes/discard",
			w.Subscription, w.Subscription, w.Lane)
	case why == "paused":
		return "resume it: " + resumption(w.PausedBy)
	case why == "not-active":
		return fmt.Sprintf("POST /api/v1/subscriptions/%s/activate", w.Subscription)
	case why == "cannot-store":
		return "make room on the hub's disk; it goes on by itself"
	case why == "endpoint-down" || why == "endpoint-rejecting" || state == client.StateRetrying:
		return "find out why: varsel check " + w.Subscription
	case why == "not-fetched" || state == client.StateServed || state == client.StateLeased:
		return "ask the system's technical contact whether its reader runs"
	case state == client.StateDiscarded || state == client.StateWithheld:
		return fmt.Sprintf("to send it after all: varsel replay %s --position %d --dry-run", w.Subscription, position)
	}
	return ""
}

// resumption is how the widest of the pauses is ended.
func resumption(by []client.Scope) string {
	if len(by) == 0 {
		return "GET /api/v1/pauses lists what is paused"
	}
	kind, name, _ := strings.Cut(string(by[0]), "/")
	switch kind {
	case "hub":
		return "POST /api/v1/hub/resume"
	case "endpoint":
		return "POST /api/v1/endpoints/resume"
	}
	return "POST /api/v1/" + kind + "s/" + name + "/resume"
}

// attemptsShown is how many attempts are listed: the newest.
const attemptsShown = 10

func tellAttempts(out io.Writer, w *client.Whereabouts, now time.Time) {
	list := w.Attempts
	if len(list) > attemptsShown {
		fmt.Fprintf(out, "  … %d earlier attempts\n", len(list)-attemptsShown)
		list = list[len(list)-attemptsShown:]
	}
	for _, a := range list {
		fmt.Fprintf(out, "  %3d  %s  %-9s", a.Number, a.At.UTC().Format(time.DateTime), a.Outcome)
		if a.Status != 0 {
			fmt.Fprintf(out, "  %d", a.Status)
		}
		if a.Millis > 0 {
			fmt.Fprintf(out, "  %.0f ms", a.Millis)
		}
		for _, text := range []string{a.Reason, a.Detail} {
			if text != "" {
				fmt.Fprintf(out, "  %s", text)
			}
		}
		if a.Replay != 0 {
			fmt.Fprintf(out, "  replay %d", a.Replay)
		}
		fmt.Fprintln(out)
	}
}

// when is an instant and how far it is from now.
func when(at, now time.Time) string {
	if at.IsZero() {
		return "at a time that is not known"
	}
	text := at.UTC().Format(time.DateTime) + " UTC"
	if d := now.Sub(at); d >= 0 {
		return text + " (" + span(d) + " ago)"
	}
	return text + " (in " + span(at.Sub(now)) + ")"
}

// span is a duration in its two largest units at most.
func span(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	}
	return fmt.Sprintf("%d d %d h", s/86400, s/3600%24)
}
