package secret_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/secret"
)

// The keys of lanes and of tokens are made once, each its own, in files that only the hub's user can read.
func TestKeysAreMadeOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "secrets")
	open := func() (lane, token []byte) {
		t.Helper()
		vault, err := secret.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		lane, errLane := vault.LaneKey()
		token, errToken := vault.TokenKey()
		if errLane != nil || errToken != nil {
			t.Fatal(errLane, errToken)
		}
		return lane, token
	}
	lane, token := open()
	again, tokenAgain := open()
	if len(token) != 32 || !bytes.Equal(lane, again) || !bytes.Equal(token, tokenAgain) || bytes.Equal(lane, token) {
		t.Error("a key is another after a restart, or two are one")
	}
	for _, name := range []string{"lane.key", "token.key"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "token.key"), []byte("00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	vault, err := secret.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vault.TokenKey(); err == nil {
		t.Error("a key of one byte is used")
	}
}

// The key of sessions is the same wherever the token key is, and ends with it.
func TestTheSessionKeyGoesWithTheTokenKey(t *testing.T) {
	t.Parallel()
	keys := func(token string) (session, own []byte) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "secrets")
		vault, err := secret.Open(dir)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "token.key"), []byte(strings.Repeat(token, 32)), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		session, errSession := vault.SessionKey()
		own, errOwn := vault.TokenKey()
		if err := errors.Join(errSession, errOwn); err != nil {
			t.Fatal(err)
		}
		return session, own
	}
	one, token := keys("01")
	here, _ := keys("01")
	other, _ := keys("02")
	if len(one) != 32 || !bytes.Equal(one, here) || bytes.Equal(one, other) || bytes.Equal(one, token) {
		t.Errorf("%x %x %x", one, here, other)
	}
}

// The audit key is made once, for an empty log only, and is a file that nobody else can read.
func TestTheAuditKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "secrets")
	if _, err := secret.Existing(dir); err == nil {
		t.Error("a directory that is not there was opened by one who only reads")
	}
	vault, err := secret.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vault.AuditKey(3); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a log with entries lost its key: %v", err)
	}
	made, err := vault.AuditKey(0)
	if err != nil || len(made) != 32 {
		t.Fatalf("%d bytes, %v", len(made), err)
	}
	info, err := os.Stat(filepath.Join(dir, "audit.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	reader, err := secret.Existing(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entries := range []int64{0, 3} {
		if key, err := reader.AuditKey(entries); err != nil || !bytes.Equal(key, made) {
			t.Errorf("%x %v, made %x", key, err, made)
		}
	}
	if lane, err := vault.LaneKey(); err != nil || bytes.Equal(lane, made) {
		t.Errorf("the lane key is the same, or %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "audit.key"), []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.AuditKey(0); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a key: %v", err)
	}
}
