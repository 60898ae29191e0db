package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/probe"
	"github.com/varselhub/varsel/internal/subscription"
)

type checkCommand struct {
	hubFlags
	Subscription string         `arg:"" help:"Id of the subscription; GET /api/v1/subscriptions lists them."`
	AllowEgress  []netip.Prefix `help:"The ranges that the hub was started with." env:"VARSEL_ALLOW_EGRESS" placeholder:"CIDR"`
	AllowHTTP    bool           `help:"The same for http." env:"VARSEL_ALLOW_HTTP"`
	EgressProxy  string         `help:"The same for the proxy." env:"VARSEL_EGRESS_PROXY" placeholder:"URL"`
	NoTest       bool           `help:"Send no test message."`
}

// stepTimeout is how long one step of the way may take.
const stepTimeout = 10 * time.Second

// checking prints findings as they come and remembers whether one failed.
type checking struct {
	streams *streams
	failed  bool
}

func (c *checking) tell(f probe.Finding) {
	symbol := map[probe.Grade]string{probe.Fine: "✓", probe.Warning: "!", probe.Failed: "✗"}[f.Grade]
	c.failed = c.failed || f.Grade == probe.Failed
	fmt.Fprintf(c.streams.out, "%s %-23s %s\n", symbol, f.Step, f.Text)
	if f.Next != "" {
		fmt.Fprintf(c.streams.out, "  %-23s → %s\n", "", f.Next)
	}
}

// Run walks the way of the subscription's messages. What the hub knows comes from its API; the network is tried from
// this machine, which should be the hub's.
func (c *checkCommand) Run(ctx context.Context, s *streams) error {
	report := &checking{streams: s}
	hub, err := c.hub()
	if err != nil {
		return err
	}
	standing, err := hub.Subscription(ctx, c.Subscription)
	if err != nil {
		return err
	}
	system, _, err := hub.System(ctx, standing.System)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Subscription %s of %s to %s\n\n", standing.Name, standing.System, standing.Endpoint)
	report.tell(stateFinding(&standing))
	if standing.Sink != nil {
		report.tell(probe.Finding{Grade: probe.Warning, Step: "sink", Text: "its messages stay in the hub; what follows is the way they would go",
			Next: "varsel sink " + standing.ID + " shows them; with --off they leave."})
	}
	target := targetOf(&standing, &system)
	if subscription.IsBroker(target.URL) {
		report.tell(brokerFinding(target.URL))
	} else {
		for _, f := range probe.Run(ctx, target, c.options()) {
			report.tell(f)
		}
	}
	if system.Agreement.Profile == registered && !fetched(standing.Channel) {
		push, err := pushOf(ctx, hub, &standing, &system)
		if err != nil {
			return err
		}
		for _, f := range push.findings() {
			report.tell(f)
		}
	}
	if !c.NoTest {
		report.tell(c.test(ctx, hub))
	}
	if report.failed {
		return errSaid
	}
	return nil
}

func (c *checkCommand) options() probe.Options {
	return probe.Options{
		Rules: netguard.Rules{Allow: c.AllowEgress, AllowHTTP: c.AllowHTTP, Proxy: c.EgressProxy},
		Clock: clock.System{}, Timeout: stepTimeout,
	}
}

// targetOf is where messages go once they are to leave the hub: the pending path when there is one.
func targetOf(standing *client.Standing, system *client.System) probe.Target {
	target := probe.Target{URL: standing.Endpoint, CA: system.Agreement.CABundle}
	path := standing.Path
	if standing.PendingPath != nil {
		path = *standing.PendingPath
	}
	if address, err := subscription.Endpoint(system.Agreement.BaseURL, path); err == nil {
		target.URL = address
	}
	if certificate := system.Agreement.Certificate; certificate != nil {
		target.Certificate, target.Key = certificate.CertFile, certificate.KeyFile
	}
	return target
}

// brokerFinding says where messages go; the hub itself knows best whether it gets there.
func brokerFinding(endpoint string) probe.Finding {
	at, err := subscription.BrokerAt(endpoint)
	if err != nil {
		return probe.Finding{Grade: probe.Failed, Step: "broker", Text: err.Error(), Next: "Mend the subscription's path, or the agreement's base URL."}
	}
	return probe.Finding{Grade: probe.Fine, Step: "broker", Text: fmt.Sprintf("%s at %s, %s; the test message below goes there", at.Kind, at.Server, at.Name)}
}

// stateFinding says what the subscription's state means for its messages.
func stateFinding(s *client.Standing) probe.Finding {
	f := probe.Finding{Grade: probe.Failed, Step: "state", Text: string(s.Standing)}
	id := url.PathEscape(s.ID)
	switch s.Standing {
	case client.Active:
		f.Grade = probe.Fine
	case client.Draft:
		f.Text, f.Next = "draft: nothing is matched", "POST /api/v1/subscriptions/"+id+"/activate takes it into use."
	case client.Untested:
		f.Grade, f.Text, f.Next = probe.Warning, "untested: nothing is matched before a test has passed", "The test below does it, when it passes."
	case client.Paused:
		f.Text, f.Next = "paused: messages are kept, not sent", "Resume "+scopes(s)+"."
	case client.Rejecting:
		f.Grade, f.Text, f.Next = probe.Warning, "rejecting: the endpoint refused five messages in a row", "The test below releases them, when it passes."
	case client.Deactivated:
		f.Text, f.Next = "deactivated: "+s.Reason, "POST /api/v1/subscriptions/"+id+"/activate when the receiver is there again."
	case client.Ended:
		f.Text, f.Next = "ended on "+s.To, "Give it a later end, or none."
	}
	return f
}

func scopes(s *client.Standing) string {
	var names []string
	for _, scope := range s.PausedBy {
		names = append(names, string(scope))
	}
	return strings.Join(names, ", ")
}

// test lets the hub send its test message.
func (c *checkCommand) test(ctx context.Context, hub *client.Client) probe.Finding {
	const step = "test message"
	report, err := hub.TestSubscription(ctx, c.Subscription)
	var refused *client.Problem
	switch {
	case errors.As(err, &refused):
		return probe.Finding{Grade: probe.Failed, Step: step, Text: refused.Detail, Next: refused.Mend}
	case err != nil:
		return probe.Finding{Grade: probe.Failed, Step: step, Text: err.Error(), Next: "Try again."}
	}
	text := fmt.Sprintf("%s %s was answered %d in %.0f ms", report.Type, report.Version, report.Status, report.Millis)
	if report.Status == 0 { // brokers have no statuses
		text = fmt.Sprintf("%s %s was confirmed in %.0f ms", report.Type, report.Version, report.Millis)
	}
	if report.Activated {
		text += "; the subscription is active now"
	}
	if report.PathInForce {
		text += "; the new path is in force now"
	}
	return probe.Finding{Grade: probe.Fine, Step: step, Text: text}
}
