package event

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"sync"
	"testing"
)

func TestLaneIsAKeyedHashOfSourceAndKey(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte{7}, 32)
	h, err := NewHasher(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("\x01urn:a\x000101801234"))
	if got, want := h.Lane("urn:a", "0101801234"), Lane(mac.Sum(nil)[:16]); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	other, err := NewHasher(bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[Lane]string{}
	for name, lane := range map[string]Lane{
		"a b": h.Lane("a", "b"), "ab": h.Lane("ab", ""), "b a": h.Lane("b", "a"), "a c": h.Lane("a", "c"), "other secret": other.Lane("a", "b"),
	} {
		if before, twice := seen[lane]; twice {
			t.Errorf("%s and %s share a lane", name, before)
		}
		seen[lane] = name
	}
	if _, err := NewHasher(make([]byte, 31)); err == nil {
		t.Error("a short secret is accepted")
	}
}

func TestLanesAreTheSameFromEveryGoroutine(t *testing.T) {
	t.Parallel()
	h, err := NewHasher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	want := h.Lane("a", "b")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				h.Lane("c", "d")
				if got := h.Lane("a", "b"); got != want {
					t.Errorf("%s, want %s", got, want)
					return
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkLane(b *testing.B) {
	h, err := NewHasher(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		h.Lane("urn:dfdg:kontaktforloeb", "0101801234")
	}
}
