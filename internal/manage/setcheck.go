package manage

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/subscription"
)

// checkSet tells everything that is wrong with the set that is to be. Where all of it is of one kind that has a code of
// its own, that is the fault's.
func (m *Manager) checkSet(s *setChange) error {
	if err := checkSize(s); err != nil {
		return err
	}
	asked := make([]*subscription.Subscription, 0, len(s.members))
	for i := range s.members {
		asked = append(asked, s.members[i].asked)
	}
	found := slices.Concat(s.found, subscription.CheckSet(s.system, asked, m.opts.Zone, m.typeExists))
	for i := range s.members {
		found = append(found, m.checkEnd(i, &s.members[i])...)
		found = append(found, m.checkSink(i, s.members[i].asked)...)
		found = append(found, checkWebhooked(s.system, i, s.members[i].asked)...)
		found = append(found, m.checkMapped(s.system, i, s.members[i].asked)...)
	}
	return fault.Invalid(codeOf(found), found)
}

func checkSize(s *setChange) error {
	names := 0
	for i := range s.members {
		names += len(s.members[i].asked.Types) + len(s.members[i].asked.Organisations)
	}
	if len(s.members) > maxSet || names > maxNames {
		return fault.Invalid(fault.InvalidDocument, []fault.Violation{{
			Pointer: "/items", Rule: "size", Message: "want at most 1000 subscriptions, with 10000 types and organisations in all",
		}})
	}
	return nil
}

// checkEnd refuses an end date that is past when it is set (CreateAbonnement, requirements 5b); one that has passed
// since stays.
func (m *Manager) checkEnd(i int, k *member) []fault.Violation {
	if k.old != nil && k.old.To == k.asked.To || !k.asked.Over(m.clock.Now()) {
		return nil
	}
	return []fault.Violation{{Pointer: "/items/" + strconv.Itoa(i) + "/to", Rule: "past", Message: "is past already; give a time to come"}}
}

// checkSink refuses sinks on a hub that has none: what a sink takes counts as delivered, and its receiver never gets it.
func (m *Manager) checkSink(i int, asked *subscription.Subscription) []fault.Violation {
	if asked.Sink == nil || m.opts.Sinks != nil {
		return nil
	}
	return []fault.Violation{{Pointer: "/items/" + strconv.Itoa(i) + "/sink", Rule: "allowed", Message: "this hub has no sinks; the operator may set allow-sinks where nobody waits for the messages"}}
}

// checkWebhooked refuses what a receiver of Statuspage's webhooks could not be sent: there are bodies for the events of
// status sites only, and a message that cannot be made holds its lane. What is fetched is fetched as it is.
func checkWebhooked(system *subscription.System, i int, asked *subscription.Subscription) (found []fault.Violation) {
	if system.Agreement.Profile != profile.Statuspage || asked.Pulled() {
		return nil
	}
	at, message := "/items/"+strconv.Itoa(i)+"/types", "the profile statuspage has webhooks for "+strings.Join(status.Webhooked, ", ")+" and for nothing else"
	if len(asked.Types) == 0 {
		return []fault.Violation{{Pointer: at, Rule: "required", Message: message + "; name those that are wanted"}}
	}
	for j, name := range asked.Types {
		if !slices.Contains(status.Webhooked, name) {
			found = append(found, fault.Violation{Pointer: at + "/" + strconv.Itoa(j), Rule: "profile", Message: message})
		}
	}
	return found
}

// checkMapped refuses what could not become a Hændelsesbesked, for want of a mapping that says how: such a message cannot
// be made, and the profile has one lane, which it would hold.
func (m *Manager) checkMapped(system *subscription.System, i int, asked *subscription.Subscription) (found []fault.Violation) {
	if system.Agreement.Profile != profile.Datafordeler {
		return nil
	}
	at := "/items/" + strconv.Itoa(i) + "/types"
	if len(asked.Types) == 0 {
		return []fault.Violation{{Pointer: at, Rule: "required", Message: "the profile datafordeler has messages of some types only; name those that are wanted"}}
	}
	for j, name := range asked.Types {
		if m.typeExists(name) && !m.mapsBesked(name) {
			found = append(found, fault.Violation{
				Pointer: at + "/" + strconv.Itoa(j), Rule: "profile", Message: "no version of the type maps the fields besked, so its events do not become messages",
			})
		}
	}
	return found
}

func (m *Manager) mapsBesked(name string) bool {
	return slices.ContainsFunc(m.book.Versions(name), func(v *event.Version) bool {
		compiled := m.book.Version(name, v.Version)
		return compiled != nil && compiled.MapsBesked()
	})
}

// codeOf chooses the fault of a list of violations.
func codeOf(found []fault.Violation) fault.Code {
	code := fault.InvalidDocument
	for i, v := range found {
		rule := fault.Code(v.Rule)
		if rule != fault.NotGranted && rule != fault.Overlap || i > 0 && rule != code {
			return fault.InvalidDocument
		}
		code = rule
	}
	return code
}

func compareOrganisations(a, b event.Organisation) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Code, b.Code))
}
