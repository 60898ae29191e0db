package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/probe"
)

// registered is the profile whose receivers are pushed to as Datafordeler does.
const registered = "datafordeler"

// pushing goes through what a subscriber to a register's events is to look at when none come (F27), as far as the hub knows
// it: what is subscribed, who is told, which certificate, which addresses, what lies beside it.
type pushing struct {
	standing *client.Standing
	system   *client.System
	set      []client.Subscription // of the system
	types    []client.EventType    // that there are
	egress   client.Egress
}

// pushOf reads what the hub knows.
func pushOf(ctx context.Context, hub *client.Client, standing *client.Standing, system *client.System) (p pushing, err error) {
	p.standing, p.system = standing, system
	if p.set, _, err = hub.SubscriptionSet(ctx, system.Name); err != nil {
		return p, err
	}
	if p.types, err = hub.EventTypes(ctx); err != nil {
		return p, err
	}
	p.egress, err = hub.Egress(ctx)
	return p, err
}

func (p *pushing) findings() []probe.Finding {
	return []probe.Finding{p.events(), p.contact(), p.address(), p.certificate(), p.source(), p.parallel()}
}

func (p *pushing) events() probe.Finding {
	const step = "message types"
	if len(p.standing.Types) == 0 {
		return probe.Finding{Grade: probe.Warning, Step: step, Text: "every type is subscribed to", Next: "Name the types that the service is made for, one subscription for each."}
	}
	var known []string
	for _, t := range p.types {
		known = append(known, t.Name)
	}
	for _, t := range p.standing.Types {
		if !slices.Contains(known, t) {
			return probe.Finding{Grade: probe.Failed, Step: step, Text: "there is no type " + t, Next: "GET /api/v1/event-types lists them."}
		}
	}
	return probe.Finding{Grade: probe.Fine, Step: step, Text: strings.Join(p.standing.Types, ", ")}
}

func (p *pushing) contact() probe.Finding {
	const step = "contact"
	mail := p.system.Agreement.Contacts.Technical.Email
	if mail == "" {
		return probe.Finding{Grade: probe.Failed, Step: step, Text: "the agreement names nobody to tell when deliveries fail", Next: "PUT /api/v1/systems/" + p.system.Name + "/contacts with a technical contact's mail address."}
	}
	return probe.Finding{Grade: probe.Fine, Step: step, Text: mail + " is told when deliveries fail, a day after, a week before the subscription ends, and then"}
}

// address says what is posted to: a path that names the entity set or the batch already is the usual mistake (F25).
func (p *pushing) address() probe.Finding {
	const step = "service root"
	root := strings.TrimSuffix(p.standing.Endpoint, "/")
	for _, segment := range []string{"/Events", "/$batch", "/$metadata"} {
		if strings.HasSuffix(root, segment) {
			return probe.Finding{Grade: probe.Failed, Step: step, Text: root + " ends with " + segment + ", which the hub appends by itself", Next: "Give the service's root as path: without " + segment + "."}
		}
	}
	return probe.Finding{Grade: probe.Fine, Step: step, Text: "one message goes to " + root + "/Events, several to " + root + "/$batch"}
}

func (p *pushing) certificate() probe.Finding {
	const step = "our thumbprint"
	for _, c := range p.egress.Certificates {
		switch {
		case !slices.Contains(c.Systems, p.system.Name):
		case c.Fault != "":
			return probe.Finding{Grade: probe.Failed, Step: step, Text: c.Fault, Next: "Mend the files that the agreement names."}
		default:
			return probe.Finding{Grade: probe.Fine, Step: step, Text: fmt.Sprintf("%s, SHA-1 %s, SHA-256 %s: the receiver must let it in", c.Subject, c.SHA1, c.SHA256)}
		}
	}
	return probe.Finding{Grade: probe.Warning, Step: step, Text: "no client certificate is shown", Next: "Name one in the agreement: receivers of a register's events know the hub by it."}
}

func (p *pushing) source() probe.Finding {
	const step = "our addresses"
	if len(p.egress.Addresses) == 0 {
		return probe.Finding{Grade: probe.Warning, Step: step, Text: "which addresses calls come from is not configured", Next: "Tell the hub with egress-address, so that receivers can open their firewalls for it."}
	}
	var list []string
	for _, address := range p.egress.Addresses {
		list = append(list, address.String())
	}
	return probe.Finding{Grade: probe.Fine, Step: step, Text: strings.Join(list, ", ") + ": the receiver's firewall must let them in, to the port above"}
}

// parallel looks for a subscription to the same that is fetched: by it one sees whether there was anything to send.
func (p *pushing) parallel() probe.Finding {
	const step = "beside it"
	for i := range p.set {
		other := &p.set[i]
		if fetched(other.Channel) && other.State == client.Active && covers(other.Types, p.standing.Types) {
			return probe.Finding{Grade: probe.Fine, Step: step, Text: other.Name + " fetches the same: compare what it gets"}
		}
	}
	return probe.Finding{Grade: probe.Warning, Step: step, Text: "nothing fetches the same messages", Next: "A second subscription with \"channel\": \"window\" shows whether there was anything to send."}
}

func fetched(c client.Channel) bool { return c != "" && c != client.Webhook }

// covers reports whether whoever asks for some types, or for all with none, gets others too.
func covers(types, others []string) bool {
	if len(types) == 0 {
		return true
	}
	return len(others) > 0 && !slices.ContainsFunc(others, func(t string) bool { return !slices.Contains(types, t) })
}
