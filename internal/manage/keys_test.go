package manage_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/profile"
)

// Rotation with overlap: both keys sign until the old one's time is over.
func TestSigningKeysRotate(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Standard)
	rotate := func(kind string, overlap time.Duration) *manage.NewKey {
		t.Helper()
		key, err := w.Manager.RotateKey(ctx, "jobnet", kind, overlap, "eva")
		w.Must(err)
		return key
	}
	refs := func() (list []string) {
		system, _ := w.Book.System("jobnet")
		for _, key := range system.Signing {
			list = append(list, key.Ref)
		}
		return list
	}
	want := func(list ...string) {
		t.Helper()
		if !slices.Equal(refs(), list) || w.Keys.Kept() != len(list) {
			t.Errorf("signing with %v of %d keys, want %v", refs(), w.Keys.Kept(), list)
		}
	}
	first := rotate(manage.HMAC, time.Hour)
	pair := rotate(manage.Ed25519, time.Hour)
	if first.Shown != "shown-jobnet/1" || first.Public != "" || pair.Public != pair.Shown {
		t.Errorf("%+v %+v", first, pair)
	}
	want("jobnet/2", "jobnet/1")
	second := rotate(manage.HMAC, time.Hour)
	if second.Signing[2].Until != "2026-03-01T13:00:00Z" || second.Signing[1].Until != "" {
		t.Errorf("%+v", second.Signing)
	}
	w.Clock.Advance(30 * time.Minute)
	rotate(manage.HMAC, 24*time.Hour)
	want("jobnet/4", "jobnet/3", "jobnet/2", "jobnet/1")
	w.Clock.Advance(30 * time.Minute)
	want("jobnet/4", "jobnet/3", "jobnet/2")
	rotate(manage.HMAC, 0) // it leaked
	want("jobnet/5", "jobnet/2")
	doc, _ := w.Book.System("jobnet")
	next := *doc
	next.Signing, next.Title = nil, "Jobnet"
	if _, err := w.Manager.PutSystem(ctx, next, anyState()); err != nil {
		t.Error(err)
	}
	want("jobnet/5", "jobnet/2") // a document that says nothing of keys leaves them
	_, err := w.Manager.RemoveSystem(ctx, "jobnet", anyState(), nil)
	w.Must(err)
	if w.Keys.Kept() != 0 {
		t.Errorf("%d keys outlive their system", w.Keys.Kept())
	}
}

func TestARotationThatIsRefusedLeavesNoKey(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Standard)
	w.System("star", profile.Star)
	for name, c := range map[string]struct {
		system, kind string
		overlap      time.Duration
		want         string
	}{
		"no such kind":    {"jobnet", "v2", 0, "invalid-document /kind enum"},
		"no such time":    {"jobnet", "v1", -1, "invalid-document /overlapSeconds range"},
		"no such system":  {"none", "v1", 0, "not-found"},
		"does not sign":   {"star", "v1", 0, "conflict"},
		"the eighth goes": {"jobnet", "v1", time.Hour, ""},
	} {
		if _, err := w.Manager.RotateKey(ctx, c.system, c.kind, c.overlap, "eva"); tell(err) != c.want {
			t.Errorf("%s: got %q, want %q", name, tell(err), c.want)
		}
	}
	for range 7 {
		_, err := w.Manager.RotateKey(ctx, "jobnet", "v1", time.Hour, "eva")
		w.Must(err)
	}
	if _, err := w.Manager.RotateKey(ctx, "jobnet", "v1", time.Hour, "eva"); tell(err) != "conflict" {
		t.Errorf("a ninth: %v", err)
	}
	w.Keys.Err = errors.New("disk")
	w.Clock.Advance(time.Hour)
	if _, err := w.Manager.RotateKey(ctx, "jobnet", "v1", time.Hour, "eva"); tell(err) != "internal" {
		t.Errorf("no key: %v", err)
	}
	if w.Keys.Kept() != 1 {
		t.Errorf("%d keys", w.Keys.Kept())
	}
	if err := w.Log.Close(); err != nil {
		t.Fatal(err)
	}
	w.Keys.Err = nil
	if _, err := w.Manager.RotateKey(ctx, "jobnet", "v1", time.Hour, "eva"); tell(err) != "shutting-down" || w.Keys.Kept() != 1 {
		t.Errorf("not written, but kept: %v, %d keys", err, w.Keys.Kept())
	}
}
