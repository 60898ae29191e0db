package account

import (
	"context"
	"errors"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
)

// Whoever floods the hub with passwords makes it hash four at a time; some wait, the others are told to come later.
func TestHashesAtOnceAreBounded(t *testing.T) {
	t.Parallel()
	p := NewPasswords(Cost{Memory: 8, Time: 1, Lanes: 1})
	a := &Account{}
	fits := func(ctx context.Context) error {
		_, err := p.Fit(ctx, a, "correct horse battery")
		return err
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	for range hashesAtOnce {
		p.seats <- struct{}{}
		p.places <- struct{}{}
	}
	if err := fits(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("who waits and leaves: %v", err)
	}
	for range hashesWaiting {
		p.places <- struct{}{}
	}
	if err := fits(t.Context()); !fault.Has(err, fault.RateLimited) {
		t.Errorf("with %d waiting: %v", hashesWaiting, err)
	}
	if _, err := p.Hash(t.Context(), "correct horse battery"); !fault.Has(err, fault.RateLimited) {
		t.Errorf("a new one, with %d waiting: %v", hashesWaiting, err)
	}
	<-p.places
	<-p.seats
	if err := fits(t.Context()); err != nil {
		t.Errorf("when one is done: %v", err)
	}
	if len(p.seats) != hashesAtOnce-1 || len(p.places) != hashesAtOnce+hashesWaiting-1 {
		t.Errorf("%d hash and %d wait or hash, after one is done", len(p.seats), len(p.places))
	}
}

// An account that is not there, has no password or cannot be used costs the same hash as one whose password is wrong.
func TestNobodyCostsTheSameWork(t *testing.T) {
	t.Parallel()
	p := NewPasswords(DefaultCost)
	cost, salt, hash, ok := parsed(p.nobody)
	if !ok || cost != DefaultCost || len(salt) != saltSize || len(hash) != hashSize {
		t.Errorf("nobody's is %s", p.nobody)
	}
}
