package postgres_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/signature"
	"github.com/varselhub/varsel/internal/store/pgtest"
	"github.com/varselhub/varsel/internal/store/postgres"
)

// Keys are rotated while hubs run: what was sealed and made before, meanwhile and after is read without the old key.
func TestRotation(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s, vault := d.node(t), d.vault(t)
	first, err := vault.NewestKEK()
	if err != nil {
		t.Fatal(err)
	}
	of := consumer(t, s)
	commit(t, s, personal("0", "P30D"))
	answered(t, s, of, 1, 2)
	ref, shown, err := s.Signing().Create(t.Context(), "s", "v1")
	if err != nil {
		t.Fatal(err)
	}
	stop, stopped, committed, last := make(chan struct{}), make(chan struct{}), make(chan struct{}, 1), 0
	go func() { // each commit makes a data key: the day is another
		defer close(stopped)
		for {
			last++
			one := personal(fmt.Sprint(last), "P30D")
			if err := s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{one}, Now: int64(last) * event.MicrosPerDay}); err != nil || one.Err != nil {
				t.Error(err, one.Err)
			}
			select {
			case committed <- struct{}{}:
			case <-stop:
				return
			}
		}
	}()
	for range 3 {
		<-committed
	}
	if _, err := vault.MakeKEK(); err != nil {
		t.Fatal(err)
	}
	rotation, err := postgres.Rotate(t.Context(), d.url, vault)
	if err != nil || rotation.KEK == first || rotation.Wrapped < 5 || len(rotation.Retired) != 1 || rotation.Retired[0] != first {
		t.Fatalf("rotation %+v, %v", rotation, err)
	}
	for range 3 {
		<-committed
	}
	close(stop)
	<-stopped
	// One that was being made at that moment may still be under the old key: who rotates looks, and rotates again.
	if uses, err := postgres.KEKsInUse(t.Context(), d.url); err != nil || uses[first] > 1 || uses[rotation.KEK] < last {
		t.Errorf("in use are %v, %v", uses, err)
	} else if uses[first] > 0 {
		if rotation, err = postgres.Rotate(t.Context(), d.url, vault); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	if err := os.Remove(filepath.Join(d.secrets, "kek-"+first)); err != nil {
		t.Fatal(err)
	}
	s = d.node(t)
	if events, err := s.Range(t.Context(), 0, 1000, 1000); err != nil || len(events) != last+1 {
		t.Errorf("without the old key %d of %d events are read, %v", len(events), last+1, err)
	}
	if rows, err := s.AttemptsAt(t.Context(), 2); err != nil || len(rows) != 1 || string(rows[0].Result.Body) != "not "+person {
		t.Errorf("without the old key the answer is %+v, %v", rows, err)
	}
	if key, err := s.Signing().SigningKey(ref); err != nil || key != shown {
		t.Errorf("without the old key the signing key is read with %v", err)
	}
}

func TestRotationWantsAHubsDatabase(t *testing.T) {
	t.Parallel()
	vault := newDatabase(t).vault(t)
	if _, err := postgres.Rotate(t.Context(), pgtest.Database(t), vault); !fault.Has(err, fault.NoDatabase) {
		t.Error(err)
	}
	if _, err := postgres.KEKsInUse(t.Context(), "postgres://127.0.0.1:1/none"); !fault.Has(err, fault.StoreUnreachable) {
		t.Error(err)
	}
	if ids, err := vault.KEKs(); err != nil || len(ids) != 0 {
		t.Errorf("it made keys: %v, %v", ids, err)
	}
}

// Every node signs with the same keys, whichever made them; a key that was put in another's place is refused.
func TestSigningKeysAreShared(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	a, b := d.node(t).Signing(), d.node(t).Signing()
	var refs []string
	for _, kind := range []string{"v1", "v1a"} {
		ref, shown, err := a.Create(t.Context(), "s", kind)
		if err != nil {
			t.Fatal(err)
		}
		key, err := b.SigningKey(ref)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := signature.NewSigner(key); err != nil || (kind == "v1") != (key == shown) {
			t.Errorf("%s: the key does not sign, %v", kind, err)
		}
		if public, err := signature.PublicOf(key); kind == "v1a" && (err != nil || public != shown) {
			t.Errorf("what was shown is not its public key, %v", err)
		}
		refs = append(refs, ref)
	}
	if _, _, err := a.Create(t.Context(), "s", "v7"); !fault.Has(err, fault.InvalidDocument) {
		t.Error(err)
	}
	execute(t, d.connect(t), fmt.Sprintf("UPDATE signing_keys SET wrapped = (SELECT wrapped FROM signing_keys WHERE ref = '%s') WHERE ref = '%s'", refs[1], refs[0]))
	if _, err := b.SigningKey(refs[0]); !fault.Has(err, fault.SealBroken) {
		t.Errorf("another's key: %v", err)
	}
	for range 2 {
		if err := b.Delete(t.Context(), refs[1]); err != nil {
			t.Error(err)
		}
	}
	for _, ref := range []string{refs[1], "../x"} {
		if _, err := a.SigningKey(ref); !fault.Has(err, fault.SenderConfig) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if err := a.Delete(t.Context(), "../x"); !fault.Has(err, fault.Internal) {
		t.Error(err)
	}
}
