package signature_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/signature"
)

// The vector of the Standard Webhooks libraries.
const (
	vectorSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorUnix   = 1614265330
	vectorBody   = `{"test": 2432232314}`
	vectorHeader = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func signer(t testing.TB, keys ...string) *signature.Signer {
	t.Helper()
	s, err := signature.NewSigner(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verifier(t testing.TB, now time.Time, keys ...string) *signature.Verifier {
	t.Helper()
	v, err := signature.NewVerifier(clock.NewFake(now), keys...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestStandardWebhooksKnownVector(t *testing.T) {
	t.Parallel()
	got := signer(t, vectorSecret).AppendHeader(nil, vectorID, vectorUnix, []byte(vectorBody))
	if string(got) != vectorHeader {
		t.Errorf("signature %s, want %s", got, vectorHeader)
	}
	v := verifier(t, time.Unix(vectorUnix, 0), vectorSecret)
	if err := v.Verify(vectorID, strconv.Itoa(vectorUnix), vectorHeader, []byte(vectorBody)); err != nil {
		t.Error(err)
	}
}

// A key is changed without a moment in which a receiver with either key would refuse.
func TestRotationWithOverlap(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	older, newer := signature.NewSecret(), signature.NewSecret()
	private, public := signature.NewKeyPair()
	body := []byte(`<?xml version="1.0"?><a>æøå</a>`)
	header := string(signer(t, newer, older, private).AppendHeader(nil, "m1", now.Unix(), body))

	if fields := strings.Fields(header); len(fields) != 3 || !strings.HasPrefix(fields[0], "v1,") ||
		!strings.HasPrefix(fields[1], "v1,") || !strings.HasPrefix(fields[2], "v1a,") {
		t.Fatalf("want two v1 and one v1a divided by spaces, got %q", header)
	}
	for name, key := range map[string]string{"the old secret": older, "the new secret": newer, "the public key": public} {
		if err := verifier(t, now, key).Verify("m1", "1800000000", header, body); err != nil {
			t.Errorf("a receiver that knows %s refuses: %v", name, err)
		}
	}
	stranger := verifier(t, now, signature.NewSecret())
	if err := stranger.Verify("m1", "1800000000", header, body); !fault.Has(err, fault.SignatureMismatch) {
		t.Errorf("a stranger's key: %v, want %s", err, fault.SignatureMismatch)
	}
}

func TestAppendHeaderKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	got := signer(t, vectorSecret).AppendHeader([]byte("webhook-signature: "), vectorID, vectorUnix, []byte(vectorBody))
	if want := "webhook-signature: " + vectorHeader; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	private, public := signature.NewKeyPair()
	now := time.Unix(vectorUnix, 0)
	at := func(offset int) string { return strconv.Itoa(vectorUnix + offset) }
	sign := func(unix int64) string {
		return string(signer(t, vectorSecret, private).AppendHeader(nil, vectorID, unix, []byte(vectorBody)))
	}
	good := sign(vectorUnix)
	tests := []struct {
		name                     string
		id, timestamp, sig, body string
		want                     fault.Code // "": accepted
	}{
		{"as sent", vectorID, at(0), good, vectorBody, ""},
		{"299 s ago", vectorID, at(-299), sign(vectorUnix - 299), vectorBody, ""},
		{"299 s ahead", vectorID, at(299), sign(vectorUnix + 299), vectorBody, ""},
		{"301 s ago", vectorID, at(-301), sign(vectorUnix - 301), vectorBody, fault.SignatureStale},
		{"301 s ahead", vectorID, at(301), sign(vectorUnix + 301), vectorBody, fault.SignatureStale},
		{"the end of time", vectorID, "9223372036854775807", good, vectorBody, fault.SignatureStale},
		{"beyond the end of time", vectorID, "9223372036854775808", good, vectorBody, fault.SignatureStale},
		{"the beginning of time", vectorID, "-9223372036854775808", good, vectorBody, fault.SignatureStale},
		{"a plus sign", vectorID, "+" + at(0), good, vectorBody, fault.SignatureStale},
		{"milliseconds", vectorID, at(0) + ".5", good, vectorBody, fault.SignatureStale},
		{"no id", "", at(0), good, vectorBody, fault.SignatureMissing},
		{"no timestamp", vectorID, "", good, vectorBody, fault.SignatureMissing},
		{"no signature", vectorID, at(0), "", vectorBody, fault.SignatureMissing},
		{"another id", "msg_x", at(0), good, vectorBody, fault.SignatureMismatch},
		{"another second", vectorID, at(1), good, vectorBody, fault.SignatureMismatch},
		{"one byte more", vectorID, at(0), good, vectorBody + " ", fault.SignatureMismatch},
		{"v1 relabelled v1a", vectorID, at(0), strings.Replace(vectorHeader, "v1,", "v1a,", 1), vectorBody, fault.SignatureMismatch},
		{"an unknown version alone", vectorID, at(0), strings.Replace(vectorHeader, "v1,", "v2,", 1), vectorBody, fault.SignatureMismatch},
		{"an unknown version first", vectorID, at(0), "v9,x " + vectorHeader, vectorBody, ""},
		{"not base64", vectorID, at(0), "v1,***", vectorBody, fault.SignatureMismatch},
		{"empty signature", vectorID, at(0), "v1,", vectorBody, fault.SignatureMismatch},
		{"cut short", vectorID, at(0), vectorHeader[:len(vectorHeader)-4], vectorBody, fault.SignatureMismatch},
		{"the good one after too many others", vectorID, at(0), strings.Repeat("v1,AAAA ", 16) + vectorHeader, vectorBody, fault.SignatureMismatch},
	}
	v := verifier(t, now, vectorSecret, public)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := v.Verify(test.id, test.timestamp, test.sig, []byte(test.body))
			if test.want == "" && err != nil || test.want != "" && !fault.Has(err, test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestKeysAreReadStrictlyAndNeverQuoted(t *testing.T) {
	t.Parallel()
	encode := func(prefix string, n int) string {
		raw := make([]byte, n)
		rand.Read(raw)
		return prefix + base64.StdEncoding.EncodeToString(raw)
	}
	private, public := signature.NewKeyPair()
	raw, _ := base64.StdEncoding.DecodeString(private[len("whsk_"):])
	seed := "whsk_" + base64.StdEncoding.EncodeToString(raw[:32])
	mixed := "whsk_" + base64.StdEncoding.EncodeToString(append(raw[:32:32], bytes.Repeat([]byte{7}, 32)...))
	tests := []struct {
		name, key       string
		signs, verifies bool
	}{
		{"a new secret", signature.NewSecret(), true, true},
		{"24 bytes", encode("whsec_", 24), true, true},
		{"64 bytes", encode("whsec_", 64), true, true},
		{"23 bytes", encode("whsec_", 23), false, false},
		{"65 bytes", encode("whsec_", 65), false, false},
		{"no prefix", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false, false},
		{"private", private, true, false},
		{"private, seed alone", seed, true, false},
		{"private with a foreign public half", mixed, false, false},
		{"public", public, false, true},
		{"public, too long", encode("whpk_", 33), false, false},
		{"private, too short", encode("whsk_", 31), false, false},
		{"not base64", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaL-_w", false, false},
		{"empty", "", false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, signErr := signature.NewSigner(test.key)
			_, verifyErr := signature.NewVerifier(clock.System{}, test.key)
			check(t, "sign", test.key, signErr, test.signs)
			check(t, "verify", test.key, verifyErr, test.verifies)
		})
	}
}

func check(t *testing.T, verb, key string, err error, want bool) {
	t.Helper()
	if (err == nil) != want {
		t.Errorf("%s: %v, want success %v", verb, err, want)
	}
	if err != nil && !fault.Has(err, fault.SigningKey) {
		t.Errorf("%s: %v, want %s", verb, err, fault.SigningKey)
	}
	if err != nil && len(key) > 12 && strings.Contains(err.Error(), key[6:]) {
		t.Errorf("%s: the error quotes the key: %v", verb, err)
	}
}

func TestPublicOfBelongsToThePair(t *testing.T) {
	t.Parallel()
	private, public := signature.NewKeyPair()
	if got, err := signature.PublicOf(private); err != nil || got != public {
		t.Errorf("got %q, %v; want %q", got, err, public)
	}
	if _, err := signature.PublicOf(public); err == nil {
		t.Error("a public key was taken for a private one")
	}
}

func TestNoKeysSignNothing(t *testing.T) {
	t.Parallel()
	s, err := signature.NewSigner()
	if s != nil || err != nil || s.Clone() != nil {
		t.Errorf("got %v, %v; want a nil signer whose clone is nil", s, err)
	}
	if _, err := signature.NewVerifier(clock.System{}); !fault.Has(err, fault.SigningKey) {
		t.Errorf("a verifier without keys: %v, want %s", err, fault.SigningKey)
	}
}

func TestClonesSignAtTheSameTime(t *testing.T) {
	t.Parallel()
	original := signer(t, vectorSecret)
	done := make(chan string)
	for range 4 {
		go func(s *signature.Signer) {
			var header []byte
			for range 200 {
				header = s.AppendHeader(header[:0], vectorID, vectorUnix, []byte(vectorBody))
			}
			done <- string(header)
		}(original.Clone())
	}
	for range 4 {
		if got := <-done; got != vectorHeader {
			t.Errorf("a clone signed %q", got)
		}
	}
}

func TestSigningAllocatesNothing(t *testing.T) { // not parallel: it counts the process's allocations
	s, body := signer(t, vectorSecret, signature.NewSecret()), make([]byte, 1024)
	header := s.AppendHeader(nil, vectorID, vectorUnix, body)
	if n := testing.AllocsPerRun(100, func() { header = s.AppendHeader(header[:0], vectorID, vectorUnix, body) }); n != 0 {
		t.Errorf("%v allocations a signature, want none", n)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(vectorID, strconv.Itoa(vectorUnix), vectorHeader, []byte(vectorBody))
	f.Add("a", "0", "v1a,AAAA v1,", []byte{})
	f.Add("", "-1", "v1 v1a , ,", []byte("x"))
	_, public := signature.NewKeyPair()
	f.Fuzz(func(t *testing.T, id, timestamp, signatures string, body []byte) {
		v := verifier(t, time.Unix(vectorUnix, 0), vectorSecret, public)
		err := v.Verify(id, timestamp, signatures, body)
		if err != nil {
			return
		}
		// What is accepted must be what the key's holder would have signed.
		unix, _ := strconv.ParseInt(timestamp, 10, 64)
		want := signer(t, vectorSecret).AppendHeader(nil, id, unix, body)
		given := strings.NewReplacer("\r", "", "\n", "").Replace(signatures) // base64 passes over line ends
		if !strings.Contains(given, string(want[:len(want)-2])) {            // the last sextet has two free bits
			t.Errorf("accepted %q for id %q at %q", signatures, id, timestamp)
		}
	})
}

func BenchmarkAppendHeader(b *testing.B) {
	private, _ := signature.NewKeyPair()
	for name, s := range map[string]*signature.Signer{"v1": signer(b, vectorSecret), "v1a": signer(b, private)} {
		b.Run(name, func(b *testing.B) {
			body, header := make([]byte, 1024), make([]byte, 0, 256)
			b.ReportAllocs()
			for b.Loop() {
				header = s.AppendHeader(header[:0], vectorID, vectorUnix, body)
			}
		})
	}
}
