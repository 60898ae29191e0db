package ident

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

// The message id is what RFC 9562 section 5.5 says: of whatever length, it is the library's version 5.
func TestMessageIsVersion5OfSourceAndID(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"", "urn:cv", "urn:" + strings.Repeat("x", 1020)} {
		for _, id := range []string{"", "1", "Ærø", strings.Repeat("y", 256)} {
			if got, want := Message(source, id), uuid.NewSHA1(messageSpace, []byte(source+"\x00"+id)); got != want {
				t.Errorf("of %d and %d bytes: %s, want %s", len(source), len(id), got, want)
			}
		}
	}
	if Message("a", "b") == Message("a\x00b", "") || Message("a", "b") == Message("b", "a") {
		t.Error("two names have one id")
	}
}

func TestAppendWritesTheTextForm(t *testing.T) {
	t.Parallel()
	for _, id := range []UUID{{}, New(), Message("a", "b")} {
		if got := string(Append([]byte("x"), id)); got != "x"+id.String() {
			t.Errorf("%s, want x%s", got, id)
		}
	}
}
