package manage

import (
	"context"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// The kinds of signing key (Standard Webhooks 1.0.0).
const (
	HMAC    = "v1"  // a secret both sides hold
	Ed25519 = "v1a" // a key pair; the receiver gets the public half
)

const (
	maxKeys    = 8 // in use at once: each adds a signature to every message
	maxOverlap = 90 * 24 * time.Hour
)

// NewKey is a signing key as it is told, once.
type NewKey struct {
	subscription.SigningKey
	Shown   string                    `json:"key"`     // v1: the secret, never told again; v1a: the public key
	Signing []subscription.SigningKey `json:"signing"` // all keys that sign now, newest first
}

// RotateKey gives a system a new signing key. The keys of that kind before it go on signing beside it for the overlap,
// so that the receiver can take over in its own time; with overlap 0 they end at once, which is for a key that leaked.
// Errors: NotFound, InvalidDocument, ReadOnly, Conflict when the profile does not sign or there are too many keys, StorageFull,
// ShuttingDown, and what Keys fails with.
func (m *Manager) RotateKey(ctx context.Context, system, kind string, overlap time.Duration, author string) (*NewKey, error) {
	if err := checkRotation(kind, overlap); err != nil {
		return nil, err
	}
	if err := checkOurs(system); err != nil {
		return nil, err
	}
	if err := m.checkSigns(system); err != nil {
		return nil, err
	}
	ref, shown, err := m.opts.Keys.Create(ctx, system, kind)
	if err != nil {
		return nil, err
	}
	fresh := subscription.SigningKey{Ref: ref, Kind: kind}
	if kind == Ed25519 {
		fresh.Public = shown
	}
	var signing, gone []subscription.SigningKey
	err = m.reviseKeys(ctx, system, func(keys []subscription.SigningKey) ([]subscription.SigningKey, audit.Entry) {
		signing, gone = divide(append([]subscription.SigningKey{fresh}, m.retire(keys, kind, overlap)...), m.clock.Now())
		return signing, audit.Of(author, audit.RotateKey, systemSubject(system), audit.Detail{
			Kind: kind, Key: ref, Overlap: int64(overlap / time.Second), Retired: len(gone),
		})
	})
	if err != nil {
		m.forget(ctx, []subscription.SigningKey{fresh})
		return nil, err
	}
	m.forget(ctx, gone)
	m.follow()
	return &NewKey{SigningKey: fresh, Shown: shown, Signing: signing}, nil
}

func checkRotation(kind string, overlap time.Duration) error {
	var found []fault.Violation
	if kind != HMAC && kind != Ed25519 {
		found = append(found, fault.Violation{Pointer: "/kind", Rule: "enum", Message: "use v1 (HMAC) or v1a (ed25519)"})
	}
	if overlap < 0 || overlap > maxOverlap {
		found = append(found, fault.Violation{Pointer: "/overlapSeconds", Rule: "range", Message: "use 0 to 7776000, which is 90 days"})
	}
	return fault.Invalid(fault.InvalidDocument, found)
}

func (m *Manager) checkSigns(system string) error {
	doc, _ := m.book.System(system)
	switch {
	case doc == nil:
		return noSystem(system)
	case !doc.Agreement.Policy().Sign:
		return fault.New(fault.Conflict, "the profile %s does not sign messages", doc.Agreement.Profile)
	case len(doc.Signing) >= maxKeys:
		return fault.New(fault.Conflict, "the system has %d signing keys already; wait until some are retired", len(doc.Signing))
	}
	return nil
}

// reviseKeys changes a system's list of keys. change returns what it is to be, and the change's entry in the audit log.
func (m *Manager) reviseKeys(ctx context.Context, system string, change func([]subscription.SigningKey) ([]subscription.SigningKey, audit.Entry)) error {
	_, err := m.change(ctx, func() (plan, error) {
		old, _ := m.book.System(system)
		if old == nil {
			return plan{}, noSystem(system)
		}
		next := *old
		var entry audit.Entry
		if next.Signing, entry = change(slices.Clone(old.Signing)); same(old, &next) {
			return plan{}, nil
		}
		return plan{revisions: []revision.Revision{revision.Of(entry.Actor, revision.System, system, next)}, entry: entry}, nil
	})
	return err
}

// retire says of every key of a kind when it ends, unless that was said before.
func (m *Manager) retire(keys []subscription.SigningKey, kind string, overlap time.Duration) []subscription.SigningKey {
	until := m.clock.Now().Add(overlap)
	for i := range keys {
		if before, retiring := keys[i].Retired(); keys[i].Kind == kind && (!retiring || until.Before(before)) {
			keys[i].Until = until.UTC().Format(time.RFC3339Nano)
		}
	}
	return keys
}

// divide parts the keys that sign from those whose time is over.
func divide(keys []subscription.SigningKey, now time.Time) (signing, gone []subscription.SigningKey) {
	for _, key := range keys {
		if until, retiring := key.Retired(); retiring && !now.Before(until) {
			gone = append(gone, key)
		} else {
			signing = append(signing, key)
		}
	}
	return signing, gone
}

// forget deletes keys that nothing refers to any more. One that stays behind harms nobody: it signs nothing.
func (m *Manager) forget(ctx context.Context, keys []subscription.SigningKey) {
	for _, key := range keys {
		if err := m.opts.Keys.Delete(context.WithoutCancel(ctx), key.Ref); err != nil {
			m.opts.Trouble("deleting the retired signing key "+key.Ref, err)
		}
	}
}

// Start retires the signing keys whose time is over, and from then on each when its time comes, until Stop.
func (m *Manager) Start() {
	m.life.Lock()
	m.following = true
	m.life.Unlock()
	m.retireDue()
}

// Stop ends what Start began.
func (m *Manager) Stop() {
	m.life.Lock()
	defer m.life.Unlock()
	m.following = false
	if m.retiring != nil {
		m.retiring.Stop()
	}
}

// retireRetry is how long the hub waits when it could not write that keys are retired.
const retireRetry = time.Minute

// retireDue takes every key whose time is over out of its system's list.
func (m *Manager) retireDue() {
	ctx := context.Background()
	for _, system := range m.book.Systems() {
		var gone []subscription.SigningKey
		err := m.reviseKeys(ctx, system.Name, func(keys []subscription.SigningKey) (signing []subscription.SigningKey, entry audit.Entry) {
			signing, gone = divide(keys, m.clock.Now())
			return signing, audit.Of(hub, audit.RetireKeys, systemSubject(system.Name), audit.Detail{Retired: len(gone)})
		})
		if err == nil {
			m.forget(ctx, gone)
		} else if !fault.Has(err, fault.NotFound) {
			m.opts.Trouble("retiring the signing keys of "+system.Name, err)
		}
	}
	m.follow()
}

// follow sets the timer for the next key that is to retire.
func (m *Manager) follow() {
	now := m.clock.Now()
	next := time.Time{}
	for _, system := range m.book.Systems() {
		for _, key := range system.Signing {
			if until, retiring := key.Retired(); retiring && (next.IsZero() || until.Before(next)) {
				next = until
			}
		}
	}
	m.life.Lock()
	defer m.life.Unlock()
	if m.retiring != nil {
		m.retiring.Stop()
	}
	if !m.following || next.IsZero() {
		return
	}
	wait := next.Sub(now)
	if wait <= 0 {
		wait = retireRetry // it is over and still here: writing that failed
	}
	m.retiring = m.clock.AfterFunc(wait, m.retireDue)
}
