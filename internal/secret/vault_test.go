package secret_test

import (
	"bytes"
	"os"
	"path/filepath"
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
