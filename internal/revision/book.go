package revision

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/filter"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/subscription"
)

// Book is the configuration of the hub, folded from its revisions. It is safe for concurrent use; the documents it
// hands out are shared and must not be changed.
type Book struct {
	zone *time.Location // where dates begin and end

	mu        sync.RWMutex
	last      int64 // position of the newest revision
	sources   map[string]*history[event.Source]
	byURI     map[string]string // source URI → name
	types     map[string]*history[event.Type]
	versions  map[string]*history[event.Version]
	compiled  map[string]*event.Compiled // by type/version; newest document
	active    map[string]string          // type → its active version
	systems   map[string]*history[subscription.System]
	lines     map[string]*Line
	windows   map[string]*windows // by system
	consumers map[string]*Consumer
	pauses    map[Scope]*history[PauseDocument]
	accounts  map[string]*history[account.Account]
	registers map[string]*history[register.Register]
	extracts  map[string]*extract

	erasedFiles map[int64]int        // of extracts, by the erasure that deleted them
	editions    map[string][]Edition // of what registers publish
	sites       map[string]*site
	siteList    []*status.Site // that there are, by name
	index       index          // every line
	shapes      filter.Shapes  // what their filters limit places by
	filtered    bool           // some line has, or had, a filter
	changes     []change
	changed     chan struct{} // closed by the next Apply
}

// change says whose delivery a revision may alter.
type change struct {
	position int64
	system   string // "": everyone's
	none     bool   // nobody's: it only matters for what is published from now on
}

// NewBook returns an empty book. zone is where the days in its documents begin and end.
func NewBook(zone *time.Location) *Book {
	return &Book{
		zone:    zone,
		sources: map[string]*history[event.Source]{}, byURI: map[string]string{},
		types: map[string]*history[event.Type]{}, versions: map[string]*history[event.Version]{},
		compiled: map[string]*event.Compiled{}, active: map[string]string{},
		systems: map[string]*history[subscription.System]{}, lines: map[string]*Line{}, windows: map[string]*windows{},
		consumers: map[string]*Consumer{}, pauses: map[Scope]*history[PauseDocument]{},
		accounts: map[string]*history[account.Account]{}, registers: map[string]*history[register.Register]{}, extracts: map[string]*extract{}, erasedFiles: map[int64]int{}, editions: map[string][]Edition{}, sites: map[string]*site{}, changed: make(chan struct{}),
	}
}

// Zone is where dates in documents begin and end, and where a time without an offset is.
func (b *Book) Zone() *time.Location { return b.zone }

// Changed returns a channel that is closed when revisions are next applied.
func (b *Book) Changed() <-chan struct{} {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.changed
}

// Apply folds committed revisions, in order of position.
func (b *Book) Apply(revisions []Revision) error {
	if len(revisions) == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() {
		close(b.changed)
		b.changed = make(chan struct{})
	}()
	for i := range revisions {
		if err := b.apply(&revisions[i]); err != nil {
			return fault.Wrap(fault.Internal, err, "revision %d (%s %s) cannot be read", revisions[i].Position, revisions[i].Kind, revisions[i].Subject)
		}
		b.last = revisions[i].Position
		b.changes = append(b.changes, b.changeOf(&revisions[i]))
	}
	return nil
}

func (b *Book) apply(r *Revision) error {
	switch r.Kind {
	case Source:
		s, err := note(b.sources, r)
		if s != nil {
			b.byURI[s.URI] = s.Name
		}
		return err
	case Type:
		_, err := note(b.types, r)
		return err
	case Version:
		return b.applyVersion(r)
	case System:
		_, err := note(b.systems, r)
		return err
	case Subscription:
		return b.applySubscription(r)
	case Pause:
		_, err := note(b.pauses, r)
		return err
	case Account:
		_, err := note(b.accounts, r)
		return err
	case Register:
		_, err := note(b.registers, r)
		b.edit(r, r.Subject)
		return err
	case Extract, ExtractOrder, ExtractRun, ExtractErased:
		return b.applyExtract(r)
	case Site, State, Notice:
		return b.applySite(r)
	}
	return fault.New(fault.Internal, "unknown kind; was this database written by a newer varsel?")
}

func (b *Book) changeOf(r *Revision) change {
	ch := change{position: r.Position}
	switch r.Kind {
	case System:
		ch.system = r.Subject
	case Subscription:
		if l := b.lines[r.Subject]; l != nil {
			ch.system = l.Consumer.System
		}
	case Pause:
		ch.system = Scope(r.Subject).system(b)
	default:
		ch.none = true
	}
	return ch
}

// ChangedSince lists the systems whose delivery was configured after a position, and the newest revision's position.
func (b *Book) ChangedSince(position int64) (systems []string, everyone bool, last int64) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for i := len(b.changes) - 1; i >= 0 && b.changes[i].position > position; i-- {
		ch := b.changes[i]
		switch {
		case ch.none:
		case ch.system == "":
			everyone = true
		case !slices.Contains(systems, ch.system):
			systems = append(systems, ch.system)
		}
	}
	return systems, everyone, b.last
}

// note adds the revision's document to its subject's history.
func note[K ~string, T any](all map[K]*history[T], r *Revision) (*T, error) {
	doc, err := decode[T](r.Document)
	if err != nil {
		return nil, err
	}
	h := all[K(r.Subject)]
	if h == nil {
		h = &history[T]{}
		all[K(r.Subject)] = h
	}
	h.add(r.Position, doc)
	return doc, nil
}

func decode[T any](text json.RawMessage) (*T, error) {
	if text == nil {
		return nil, nil
	}
	doc := new(T)
	return doc, json.Unmarshal(text, doc)
}

func (b *Book) applyVersion(r *Revision) error {
	v, err := note(b.versions, r)
	if err != nil || v == nil {
		delete(b.compiled, r.Subject)
		return err
	}
	t := b.types[v.Type].now()
	compiled, violations := event.Compile(t, v, b.zone)
	if len(violations) > 0 {
		return fault.Invalid(fault.InvalidDocument, violations)
	}
	b.compiled[r.Subject] = compiled
	switch {
	case v.State == event.StateActive:
		b.active[v.Type] = v.Version
	case b.active[v.Type] == v.Version:
		delete(b.active, v.Type)
	}
	return nil
}

func (b *Book) applySubscription(r *Revision) error {
	s, err := decode[subscription.Subscription](r.Document)
	if err != nil {
		return err
	}
	l := b.lines[r.Subject]
	if l == nil {
		if s == nil {
			return nil
		}
		l = &Line{ID: r.Subject, book: b, Consumer: b.consumerOf(s, r.Position), windowed: s.Channel == subscription.Window}
		l.Consumer.only = l
		b.lines[r.Subject] = l
	}
	if s != nil {
		if err := s.Prepare(b.zone); err != nil {
			return err
		}
		if s.Filter != nil {
			if err := s.Filter.Compile(&b.shapes); err != nil {
				return err
			}
			b.filtered = true
		}
		b.index.add(l, s)
		l.Consumer.index.add(l, s)
		if l.windowed {
			b.addWindow(l, s)
		}
	}
	l.history.add(r.Position, s)
	return nil
}

func (b *Book) consumerOf(s *subscription.Subscription, position int64) *Consumer {
	system := b.systems[s.System].now()
	scope, name := ScopeOf(system, s), ConsumerName(system, s)
	c := b.consumers[name]
	if c == nil {
		c = &Consumer{Name: name, System: s.System, Policy: scope, From: position, book: b}
		if system.Agreement.Policy().OneLane {
			c.lane = event.Lane(ident.Message("lane", name))
		}
		b.consumers[name] = c
	}
	return c
}

// Route calls visit for every line the event goes to, by the revisions in force at its position: once per consumer,
// with the consumer's most specific line (S5, S6).
func (b *Book) Route(e *event.Event, visit func(*Line)) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var routed [16]*Consumer // consumers per system that have their line already; rarely more than a few
	seen := routed[:0]
	b.index.each(b, e, func(l *Line) bool {
		shared := l.Consumer.Policy == profile.PerSystem
		if !l.wants(e) || shared && slices.Contains(seen, l.Consumer) {
			return true
		}
		if shared {
			seen = append(seen, l.Consumer)
		}
		visit(l)
		return true
	})
}

// grants reports whether the agreement in force at a position lets the system have the event.
func (b *Book) grants(system string, e *event.Event, position int64) bool {
	s := b.systems[system]
	if s == nil {
		return false
	}
	doc := s.at(position)
	return doc != nil && doc.Agreement.GrantsSource(b.byURI[e.Source]) && doc.Agreement.GrantsOrganisation(e.Organisation)
}

// Filters reports whether who gets an event may depend on what it says: then Route must be asked with the whole event,
// since a skeleton fulfils no filter.
func (b *Book) Filters() bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.filtered
}

// GrantsNow reports whether the agreement as it is now lets the system have the event (DESIGN promise 8).
func (b *Book) GrantsNow(system string, e *event.Event) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.grantsNow(system, e)
}

func (b *Book) grantsNow(system string, e *event.Event) bool {
	s := b.systems[system]
	if s == nil || s.now() == nil {
		return false
	}
	agreement := &s.now().Agreement
	return agreement.GrantsSource(b.byURI[e.Source]) && agreement.GrantsOrganisation(e.Organisation)
}

// Last is the position of the newest revision: the state of the whole configuration.
func (b *Book) Last() int64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.last
}

// Consumers lists the consumers in order of name.
func (b *Book) Consumers() []*Consumer {
	b.mu.RLock()
	defer b.mu.RUnlock()
	list := slices.Collect(maps.Values(b.consumers))
	slices.SortFunc(list, func(x, y *Consumer) int { return cmp.Compare(x.Name, y.Name) })
	return list
}

// SystemOf is whose a consumer is, by its name; "" for one that no revision made.
func (b *Book) SystemOf(consumer string) string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if c := b.consumers[consumer]; c != nil {
		return c.System
	}
	return ""
}

// Line returns a subscription through time, or nil.
func (b *Book) Line(id string) *Line {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.lines[id]
}

// SourceAt returns the source registered for a URI, or nil.
func (b *Book) SourceAt(uri string) *event.Source {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if h := b.sources[b.byURI[uri]]; h != nil {
		return h.now()
	}
	return nil
}

// Version returns a compiled version of a type; version "" is the active one. It is nil when there is none.
func (b *Book) Version(name, version string) *event.Compiled {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if version == "" {
		version = b.active[name]
	}
	return b.compiled[name+"/"+version]
}

// Source, Type, VersionDocument, System and PauseOf return the newest document and the position it was written at; nil
// when there is none or it was removed.
func (b *Book) Source(name string) (*event.Source, int64) { return newest(b, b.sources, name) }

// Type returns an event type.
func (b *Book) Type(name string) (*event.Type, int64) { return newest(b, b.types, name) }

// VersionDocument returns a version of a type as it was written.
func (b *Book) VersionDocument(name, version string) (*event.Version, int64) {
	return newest(b, b.versions, name+"/"+version)
}

// System returns a receiving system.
func (b *Book) System(name string) (*subscription.System, int64) { return newest(b, b.systems, name) }

// Register returns a register.
func (b *Book) Register(name string) (*register.Register, int64) { return newest(b, b.registers, name) }

// PauseOf returns the pause of a scope.
func (b *Book) PauseOf(s Scope) (*PauseDocument, int64) { return newest(b, b.pauses, s) }

func newest[K ~string, T any](b *Book, all map[K]*history[T], subject K) (*T, int64) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	h := all[subject]
	if h == nil {
		return nil, 0
	}
	return h.now(), h.position()
}

// Registers lists the registers by name.
func (b *Book) Registers() []*register.Register { return list(b, b.registers) }

// Sources lists the sources by name.
func (b *Book) Sources() []*event.Source { return list(b, b.sources) }

// Types lists the event types by name.
func (b *Book) Types() []*event.Type { return list(b, b.types) }

// Systems lists the systems by name.
func (b *Book) Systems() []*subscription.System { return list(b, b.systems) }

// Versions lists the versions of a type by name.
func (b *Book) Versions(name string) []*event.Version {
	return slices.DeleteFunc(list(b, b.versions), func(v *event.Version) bool { return v.Type != name })
}

// Pauses lists the scopes that are paused now.
func (b *Book) Pauses() []Scope {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var scopes []Scope
	for scope, h := range b.pauses {
		if h.now() != nil {
			scopes = append(scopes, scope)
		}
	}
	slices.Sort(scopes)
	return scopes
}

func list[T any](b *Book, all map[string]*history[T]) []*T {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var docs []*T
	for _, subject := range slices.Sorted(maps.Keys(all)) {
		if doc := all[subject].now(); doc != nil {
			docs = append(docs, doc)
		}
	}
	return docs
}

// Subscriptions lists a system's subscriptions by name, and the position of the newest change to any of them: the ETag
// of the set. System "" lists everyone's.
func (b *Book) Subscriptions(system string) (set []*subscription.Subscription, position int64) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, l := range b.lines {
		if system != "" && l.history.doc[0].System != system {
			continue
		}
		position = max(position, l.history.position())
		if doc := l.history.now(); doc != nil {
			set = append(set, doc)
		}
	}
	slices.SortFunc(set, func(x, y *subscription.Subscription) int {
		return cmp.Or(strings.Compare(x.System, y.System), strings.Compare(x.Name, y.Name))
	})
	return set, position
}

// Paused reports whether a pause of any scope stops what goes to an endpoint for a subscription.
func (b *Book) Paused(system, subscriptionID, url string) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, scope := range [...]Scope{Hub, OfSystem(system), OfSubscription(subscriptionID), OfEndpoint(system, url)} {
		if h := b.pauses[scope]; h != nil && h.now() != nil {
			return true
		}
	}
	return false
}
