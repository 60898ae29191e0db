// Package publish takes events in: it decides what is accepted, and in which form it goes into the log.
package publish

import (
	"net/url"
	"strings"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/grunddata"
	"github.com/varselhub/varsel/internal/ident"
)

// Directory knows who may publish what. Its answers are shared and never change; a new configuration is a new answer.
type Directory interface {
	// Source returns the source with that URI, or nil.
	Source(uri string) *event.Source
	// Version returns a version of a type in any state, or nil. The version "" is the active one.
	Version(typeName, version string) *event.Compiled
}

// Limits bounds what is accepted.
type Limits struct {
	MaxEvent int // bytes of head and data together; 0: DefaultMaxEvent
}

// DefaultMaxEvent is 1 MiB.
const DefaultMaxEvent = 1 << 20

// Accepter turns drafts into events. It is safe for concurrent use.
type Accepter struct {
	directory Directory
	hasher    *event.Hasher
	clock     clock.Clock
	maxEvent  int
}

// NewAccepter returns an accepter.
func NewAccepter(directory Directory, hasher *event.Hasher, clock clock.Clock, limits Limits) *Accepter {
	if limits.MaxEvent == 0 {
		limits.MaxEvent = DefaultMaxEvent
	}
	return &Accepter{directory: directory, hasher: hasher, clock: clock, maxEvent: limits.MaxEvent}
}

// Accept makes the event that goes into the log, or says everything that keeps it out. The event shares the draft's
// memory. Its position, Recorded, the Time of a source that gave none and the lane of an unordered event are the log's
// to set. The order of the checks is that of their cost; those of the data follow when the attributes are right.
func (a *Accepter) Accept(d event.Draft) (*event.Event, []fault.Violation) {
	x := acceptance{draft: &d, found: append(d.Violations[:len(d.Violations):len(d.Violations)], d.Check()...)}
	source := a.source(&x)
	version := a.version(&x)
	if len(x.found) > 0 {
		return nil, x.found
	}
	if !source.May(version.Type.Name) {
		x.refuse(d.Where("type"), "not-granted", "the source may not publish this type")
	}
	x.read(version)
	if len(x.found) > 0 {
		return nil, x.found
	}
	e := x.event(source, version)
	if version.Type.Order == event.OrderKey {
		e.Lane = a.hasher.Lane(e.Source, x.key(version))
	}
	if len(e.Head) > event.MaxHead {
		x.refuse("", "head-size", "the attributes are together larger than 8 KiB")
	}
	if len(e.Head)+len(e.Data) > a.maxEvent {
		x.refuse("/data", "size", "the event is larger than this hub takes")
	}
	if len(x.found) > 0 {
		return nil, x.found
	}
	return e, nil
}

func (a *Accepter) source(x *acceptance) *event.Source {
	source := a.directory.Source(x.draft.Source)
	if source == nil && x.draft.Source != "" {
		x.refuse(x.draft.Where("source"), "not-registered", "no source is registered with this URI")
	}
	return source
}

// version finds the version that the draft names, or the active one, and whether it takes events now.
func (a *Accepter) version(x *acceptance) *event.Compiled {
	d := x.draft
	if d.Type == "" {
		return nil
	}
	where, name := d.Where("type"), ""
	if d.DataSchema != "" {
		where, name = d.Where("dataschema"), VersionOf(d.DataSchema)
		if name == "" {
			x.refuse(where, "version", "does not end in a version of the type")
			return nil
		}
	}
	version := a.directory.Version(d.Type, name)
	if version == nil {
		x.refuse(where, "not-registered", "there is no such type, or no such version of it that can be used")
		return nil
	}
	if reason := version.Closed(a.clock.Now()); reason != "" {
		x.refuse(where, "closed", reason)
	}
	return version
}

// VersionOf returns the version that a dataschema names: the last segment of its path, or what follows the last colon
// where it has no path (urn:example:cv:v2). Query and fragment do not count. "" means that it names none.
func VersionOf(dataschema string) string {
	name, _, _ := strings.Cut(dataschema, "#")
	name, _, _ = strings.Cut(name, "?")
	if i := strings.LastIndexAny(name, "/:"); i >= 0 {
		name = name[i+1:]
	}
	if strings.IndexByte(name, '%') >= 0 {
		name, _ = url.PathUnescape(name) // "" when it is malformed
	}
	return name
}

// acceptance is one draft on its way.
type acceptance struct {
	draft   *event.Draft
	found   []fault.Violation
	extract event.Extract
}

func (x *acceptance) refuse(pointer, rule, message string) {
	x.found = append(x.found, fault.Violation{Entry: x.draft.Entry, Pointer: pointer, Rule: rule, Message: message})
}

func (x *acceptance) refuseAll(found ...fault.Violation) {
	for _, v := range found {
		v.Entry = x.draft.Entry
		x.found = append(x.found, v)
	}
}

// read holds the data against what its version says, and takes from it what the log needs. The JSON is parsed once, and
// only when the version looks into it; data that nobody looks into is still checked to be JSON where it says so.
func (x *acceptance) read(version *event.Compiled) {
	d := x.draft
	isJSON := event.IsJSON(d.MediaType)
	switch {
	case version.Reads() && (!isJSON || len(d.Data) == 0):
		x.refuse("/data", "media-type", "the type has a schema or a mapping: send its data, as JSON")
		return
	case isJSON && len(d.Data) > 0 && !d.Scanned:
		if v := event.Scan(d.Data); v != nil {
			x.refuseAll(*v)
			return
		}
	}
	var tree any
	if version.Reads() {
		var v *fault.Violation
		if tree, v = version.Tree(d.Data); v != nil {
			x.refuseAll(*v)
			return
		}
		x.refuseAll(version.Validate(tree)...)
	}
	var found []fault.Violation
	x.extract, found = version.Extract(tree)
	x.refuseAll(found...)
	if len(x.found) == 0 {
		x.refuseAll(grunddata.Unfit(version, d.Data)...)
	}
	x.checkKey(version)
	if version.Type.Personal {
		x.checkPersonal(version, tree)
	}
}

// key is what the event must stay in order with.
func (x *acceptance) key(version *event.Compiled) string {
	if version.KeyMapped() {
		return x.extract.Key
	}
	return x.draft.Extension(event.PartitionKey)
}

// checkKey asks for the partition key where the mapping names no key.
func (x *acceptance) checkKey(version *event.Compiled) {
	if version.Type.Order == event.OrderKey && !version.KeyMapped() && x.draft.Extension(event.PartitionKey) == "" {
		x.refuse(x.draft.Where(event.PartitionKey), "required", "the type is ordered by key, and its key is this attribute")
	}
}

// checkPersonal keeps personal values in the data and nowhere else: attributes are read on the way, logged and shown.
func (x *acceptance) checkPersonal(version *event.Compiled, tree any) {
	d := x.draft
	const why = "the type has personal values, and attributes are seen by others than the receiver; leave it out"
	if d.Subject != "" {
		x.refuse(d.Where("subject"), "personal", why)
	}
	if d.Extension(event.PartitionKey) != "" {
		x.refuse(d.Where(event.PartitionKey), "personal", why+", the mapping says where the key stands")
	}
	const found = "holds a personal value of the data; attributes are seen by others than the receiver"
	if version.Reveals(tree, d.ID) {
		x.refuse(d.Where("id"), "personal", found)
	}
	if version.Reveals(tree, d.DataSchema) {
		x.refuse(d.Where("dataschema"), "personal", found)
	}
	if version.Reveals(tree, d.MediaType) {
		x.refuse(d.Where("datacontenttype"), "personal", found)
	}
	for i := range d.Extensions {
		if name := d.Extensions[i].Name; name != event.PartitionKey && (version.Reveals(tree, d.Extensions[i].Value) || version.Reveals(tree, name)) {
			x.refuse(d.Where("*"), "personal", "an extension attribute "+found)
		}
	}
}

func (x *acceptance) event(source *event.Source, version *event.Compiled) *event.Event {
	d := x.draft
	subject := d.Subject
	if subject == "" {
		subject = x.extract.Subject
	}
	e := &event.Event{
		ID:           x.extract.MessageID,
		Source:       source.URI,
		SourceID:     d.ID,
		Type:         version.Type.Name,
		Version:      version.Version.Version,
		Organisation: x.extract.Organisation,
		Retention:    version.Type.Retention,
		Personal:     version.Type.Personal,
		Head:         d.Head(subject),
	}
	if e.ID == (ident.UUID{}) {
		e.ID = ident.Message(e.Source, e.SourceID)
	}
	if d.Time != "" {
		e.Time, _ = event.ParseTime(d.Time) // Check has read it before
	}
	if len(d.Data) > 0 {
		e.Data, e.MediaType = d.Data, d.MediaType
		if e.MediaType == "" {
			e.MediaType = "application/json"
		}
	}
	return e
}
