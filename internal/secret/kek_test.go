package secret_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/secret"
)

func openVault(t *testing.T) (*secret.Vault, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "secrets")
	v, err := secret.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return v, dir
}

func made(t *testing.T, v *secret.Vault) string {
	t.Helper()
	id, err := v.MakeKEK()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// The newest key wraps, older ones unwrap, and each only what it wrapped, for what it was wrapped.
func TestKeyEncryptionKeys(t *testing.T) {
	t.Parallel()
	v, dir := openVault(t)
	if newest, err := v.NewestKEK(); newest != "" || err != nil {
		t.Fatalf("an empty vault has the key %q, %v", newest, err)
	}
	first, key, bound := made(t, v), bytes.Repeat([]byte{7}, 32), []byte("what it is for")
	wrapped, err := v.Wrap(first, key, bound)
	if err != nil || bytes.Contains(wrapped, key) {
		t.Fatalf("wrapped as %x, %v", wrapped, err)
	}
	second := made(t, v)
	if newest, err := v.NewestKEK(); newest != second || err != nil {
		t.Errorf("the newest is %s, %v; want %s", newest, err, second)
	}
	if got, err := v.Unwrap(first, wrapped, bound); err != nil || !bytes.Equal(got, key) {
		t.Errorf("unwrapped %x, %v", got, err)
	}
	for name, try := range map[string]func() ([]byte, error){
		"another key":     func() ([]byte, error) { return v.Unwrap(second, wrapped, bound) },
		"another purpose": func() ([]byte, error) { return v.Unwrap(first, wrapped, []byte("what it is not for")) },
		"cut short":       func() ([]byte, error) { return v.Unwrap(first, wrapped[:20], bound) },
		"a path":          func() ([]byte, error) { return v.Unwrap("../../etc/passwd", wrapped, bound) },
	} {
		if got, err := try(); !fault.Has(err, fault.SealBroken) || got != nil {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "kek-"+first))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file is %v, %v", info, err)
	}
	if err := os.Remove(filepath.Join(dir, "kek-"+first)); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Unwrap(first, wrapped, bound); !fault.Has(err, fault.KeyMissing) {
		t.Errorf("a lost key is %v", err)
	}
}

// What lies in the vault by accident is no key, and a clock that went back makes none: the newest must be the last made.
func TestNewestKey(t *testing.T) {
	t.Parallel()
	v, dir := openVault(t)
	only := made(t, v)
	for _, name := range []string{"kek-old", ".kek-ffffffff-0000-7000-8000-000000000000-123", "kek-" + only + "~"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if newest, err := v.NewestKEK(); newest != only || err != nil {
		t.Errorf("the newest is %s, %v; want %s", newest, err, only)
	}
	if err := os.WriteFile(filepath.Join(dir, "kek-ffffffff-0000-7000-8000-000000000000"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := v.MakeKEK(); !fault.Has(err, fault.Conflict) {
		t.Errorf("with a key of the future there: %v", err)
	}
}

// A key that is prepared opens, and wraps from when it is used: here, or first by another node that has it too.
func TestAPreparedKeyWrapsWhenItIsUsed(t *testing.T) {
	t.Parallel()
	here, home := openVault(t)
	there, dir := openVault(t)
	first := made(t, here)
	if err := os.WriteFile(filepath.Join(dir, "kek-"+first), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := here.PrepareKEK()
	if newest, _ := here.NewestKEK(); err != nil || newest != first {
		t.Fatalf("prepared %s, %v, and the newest is %s", file, err, newest)
	}
	text, err := os.ReadFile(filepath.Join(home, file))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, file), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	ids, err := here.UsePrepared()
	if newest, _ := here.NewestKEK(); err != nil || len(ids) != 1 || newest != ids[0] || file != "new-kek-"+newest {
		t.Fatalf("used %v, %v, and the newest is %s", ids, err, newest)
	}
	wrapped, err := here.Wrap(ids[0], []byte("key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if newest, _ := there.NewestKEK(); newest != first {
		t.Errorf("on the other node it wraps before it is used: %s", newest)
	}
	if key, err := there.Unwrap(ids[0], wrapped, nil); err != nil || string(key) != "key" {
		t.Errorf("the other node opens %q, %v", key, err)
	}
	if newest, _ := there.NewestKEK(); newest != ids[0] {
		t.Errorf("after it the other node wraps with %s", newest)
	}
	if missing, err := there.Missing(ids); err != nil || len(missing) != 1 { // lane.key
		t.Errorf("missing are %v, %v", missing, err)
	}
}
