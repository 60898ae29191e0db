package audit_test

import (
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/varselhub/varsel/internal/audit"
)

var update = flag.Bool("update", false, "write the golden file anew")

func chain(t interface{ Fatal(...any) }, fill byte) *audit.Chain {
	key := make([]byte, audit.KeySize)
	for i := range key {
		key[i] = fill + byte(i)
	}
	c, err := audit.NewChain(key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// log is a whole log of n entries.
func log(c *audit.Chain, n int) []audit.Entry {
	var entries []audit.Entry
	previous := audit.MAC{}
	for i := range n {
		act := audit.Acts()[i%len(audit.Acts())]
		e := audit.Of("eva", act, "system/jobnet", audit.Detail{Created: i%2 == 0, Lanes: i})
		e.Number, e.At, e.Position = int64(i+1), int64(1_700_000_000_000_000+i/2), int64(i%3*10)
		c.Seal(previous, &e)
		previous = e.MAC
		entries = append(entries, e)
	}
	return entries
}

func walk(entries []audit.Entry) audit.Entries {
	return func(yield func(*audit.Entry, error) bool) {
		for i := range entries {
			if !yield(&entries[i], nil) {
				return
			}
		}
	}
}

func head(e audit.Entry) audit.Head {
	return audit.Head{Number: e.Number, MAC: e.MAC, At: 1_800_000_000_000_000}
}

func verify(t interface{ Fatal(...any) }, c *audit.Chain, entries []audit.Entry, heads ...audit.Head) audit.Verified {
	v, err := audit.Verify(walk(entries), c, heads, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The encoding that is sealed, and the MACs, byte for byte: a log written today is verified in ten years.
func TestTheCanonicalEncodingIsFixed(t *testing.T) {
	t.Parallel()
	c := chain(t, 0)
	full := audit.Entry{
		Number: 1, At: 1_772_366_400_000_001, Actor: "eva", Act: audit.Discard, Subject: "system/jobnet", Position: 0x0102030405060708,
		Detail: []byte(`{"selected":{"system":"jobnet"},"lanes":2,"positions":[7,9]}`),
	}
	bare := audit.Entry{Number: 2, At: 1_772_366_400_000_002, Actor: audit.Hub, Act: audit.Register, Subject: "hub"}
	var text strings.Builder
	previous := audit.MAC{}
	for _, e := range []audit.Entry{full, bare} {
		c.Seal(previous, &e)
		previous = e.MAC
		text.WriteString(hex.EncodeToString(audit.AppendCanonical(nil, &e)) + "\n" + e.MAC.String() + "\n")
	}
	const file = "testdata/canonical.golden"
	if *update {
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != text.String() {
		t.Errorf("%v, got\n%swant\n%s", err, text.String(), want)
	}
}

// A name of an act is part of what is sealed: none is ever changed.
func TestActsAreDistinctWords(t *testing.T) {
	t.Parallel()
	seen := map[audit.Act]bool{}
	for _, act := range audit.Acts() {
		if seen[act] || act == "" || strings.Trim(string(act), "abcdefghijklmnopqrstuvwxyz-") != "" || !act.Known() {
			t.Errorf("%q", act)
		}
		seen[act] = true
	}
	if audit.Act("drop-table").Known() {
		t.Error("an act that there is not is known")
	}
}

func TestAWholeLogIsWhole(t *testing.T) {
	t.Parallel()
	c := chain(t, 0)
	entries := log(c, 9)
	for n := range len(entries) + 1 {
		heads := []audit.Head{{}} // exported before there was anything
		for _, e := range entries[:n] {
			heads = append(heads, head(e), head(e)) // two exports may meet the same head
		}
		told := int64(0)
		v, err := audit.Verify(walk(entries[:n]), c, heads, func(number int64) { told = number })
		if err != nil || v.Break != nil || v.Entries != int64(n) || v.Heads != 2*n || told != int64(n) {
			t.Errorf("%d entries: %+v %v", n, v, err)
		}
	}
}

func TestWhatCannotBeReadIsNotJudged(t *testing.T) {
	t.Parallel()
	c, broken := chain(t, 0), errors.New("broken")
	for _, until := range []int{0, 2} {
		v, err := audit.Verify(func(yield func(*audit.Entry, error) bool) {
			for _, e := range log(c, until) {
				yield(&e, nil)
			}
			yield(nil, broken)
		}, c, nil, nil)
		if !errors.Is(err, broken) || v.Break != nil || v.Entries != int64(until) {
			t.Errorf("%+v %v", v, err)
		}
	}
}

// Every kind of tampering is told by its name and place, in a sentence.
func TestWhatWasDoneToALogIsTold(t *testing.T) {
	t.Parallel()
	c := chain(t, 0)
	type entries = []audit.Entry
	cut := func(e entries, from, to int) entries { return append(append(entries{}, e[:from]...), e[to:]...) }
	put := func(e entries, at int, x audit.Entry) entries {
		return append(append(append(entries{}, e[:at]...), x), e[at:]...)
	}
	for name, x := range map[string]struct {
		do   func(e entries) entries
		want string
	}{
		"another actor":         {func(e entries) entries { e[3].Actor = "ole"; return e }, "entry 4 is not what the hub wrote: it was changed, or put there by someone else"},
		"another MAC":           {func(e entries) entries { e[3].MAC[31] ^= 1; return e }, "entry 4 is not what the hub wrote: it was changed, or put there by someone else"},
		"the first one's time":  {func(e entries) entries { e[0].At--; return e }, "entry 1 is not what the hub wrote: it was changed, or put there by someone else"},
		"the last one's detail": {func(e entries) entries { e[8].Detail = nil; return e }, "entry 9 is not what the hub wrote: it was changed, or put there by someone else"},
		"a number":              {func(e entries) entries { e[3].Number = 40; return e }, "entry 4 is not what the hub wrote: it was changed, or put there by someone else"},
		"what stands in actor moved over to act": {func(e entries) entries { e[3].Actor, e[3].Act = "ev", "a"+e[3].Act; return e },
			"entry 4 is not what the hub wrote: it was changed, or put there by someone else"},
		"one removed":               {func(e entries) entries { return cut(e, 3, 4) }, "entry 4 was removed"},
		"the first three removed":   {func(e entries) entries { return cut(e, 0, 3) }, "entries 1 to 3 were removed"},
		"the end removed":           {func(e entries) entries { return e[:6] }, "the end was removed: the head exported at 2027-01-15T08:00:00Z says that there were 9 entries, and there are 6"},
		"everything removed":        {func(entries) entries { return nil }, "the end was removed: the head exported at 2027-01-15T08:00:00Z says that there were 9 entries, and there are 0"},
		"two change places":         {func(e entries) entries { e[2], e[6] = e[6], e[2]; return e }, "in the place of entry 3 stands the one that was written as entry 7"},
		"neighbours change places":  {func(e entries) entries { e[2], e[3] = e[3], e[2]; return e }, "in the place of entry 3 stands the one that was written as entry 4"},
		"and their numbers as well": {func(e entries) entries { e[2], e[3] = e[3], e[2]; e[2].Number, e[3].Number = 3, 4; return e }, "in the place of entry 3 stands the one that was written as entry 4"},
		"a copy behind it":          {func(e entries) entries { return put(e, 4, e[3]) }, "in the place of entry 5 stands a second copy of entry 4"},
		"a copy before others":      {func(e entries) entries { return put(e, 2, e[6]) }, "in the place of entry 3 stands a second copy of entry 7"},
		"a copy as a new entry":     {func(e entries) entries { x := e[3]; x.Number = 10; return append(e, x) }, "in the place of entry 10 stands a second copy of entry 4"},
		"a forgery before the real": {func(e entries) entries { x := e[3]; x.Actor = "ole"; return put(e, 3, x) }, "in the place of entry 4 stands one that the hub never wrote"},
		"a forgery behind the real": {func(e entries) entries { x := e[3]; x.Actor = "ole"; return put(e, 4, x) }, "in the place of entry 5 stands one that the hub never wrote"},
		"rewritten with the key": {func(e entries) entries {
			e[7].Actor = "ole"
			c.Seal(e[6].MAC, &e[7])
			c.Seal(e[7].MAC, &e[8])
			return e
		},
			"entry 9 is not the one whose head was exported at 2027-01-15T08:00:00Z: the log was rewritten there or before it, from a backup or by someone who has the key"},
		"another key": {func(entries) entries { return log(chain(t, 1), 9) }, "no entry fits the key: it is not the key that this log was written with, or every entry was replaced"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := log(c, 9)
			v := verify(t, c, x.do(log(c, 9)), head(whole[4]), head(whole[8]))
			if v.Break == nil || v.Break.String() != x.want {
				t.Errorf("got %v\nwant %s", v.Break, x.want)
			}
		})
	}
}

// Whatever is done to a log, it is found, no later than where it was done; what stands before it is not blamed.
func TestEveryTamperingIsFound(t *testing.T) {
	t.Parallel()
	c := chain(t, 0)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(2, 24).Draw(rt, "entries")
		entries := log(c, n)
		last := head(entries[n-1])
		at := rapid.IntRange(0, n-1).Draw(rt, "at")
		to := rapid.IntRange(0, n-1).Filter(func(i int) bool { return i != at }).Draw(rt, "to")
		first := at // the index of the first place that is wrong
		var kinds []audit.Kind
		switch rapid.SampledFrom([]string{"change", "remove", "truncate", "swap", "swap contents", "insert", "repeat"}).Draw(rt, "do") {
		case "change":
			change(rt, &entries[at])
			kinds = []audit.Kind{audit.Changed}
		case "remove":
			count := rapid.IntRange(1, n-at).Draw(rt, "count")
			entries = append(entries[:at:at], entries[at+count:]...)
			kinds = []audit.Kind{audit.Missing, audit.Truncated}
		case "truncate":
			entries = entries[:at]
			kinds = []audit.Kind{audit.Truncated}
		case "swap":
			entries[at], entries[to] = entries[to], entries[at]
			first, kinds = min(at, to), []audit.Kind{audit.Moved}
		case "swap contents":
			entries[at], entries[to] = entries[to], entries[at]
			entries[at].Number, entries[to].Number = int64(at+1), int64(to+1)
			first, kinds = min(at, to), []audit.Kind{audit.Moved}
		case "insert":
			forged := entries[to]
			change(rt, &forged)
			entries = append(entries[:at:at], append([]audit.Entry{forged}, entries[at:]...)...)
			kinds = []audit.Kind{audit.Inserted}
		case "repeat":
			entries = append(entries[:at:at], append([]audit.Entry{entries[to]}, entries[at:]...)...)
			kinds = []audit.Kind{audit.Repeated}
		}
		v := verify(rt, c, entries, last)
		if v.Break == nil || v.Break.Number != int64(first+1) || v.Entries != int64(first) {
			rt.Fatalf("at %d: %+v %v", first+1, v, v.Break)
		}
		found := false
		for _, kind := range kinds {
			found = found || v.Break.Kind == kind
		}
		if !found {
			rt.Fatalf("want %v: %v", kinds, v.Break)
		}
	})
}

// change changes one member of an entry.
func change(rt *rapid.T, e *audit.Entry) {
	switch rapid.SampledFrom([]string{"at", "actor", "act", "subject", "detail", "position", "mac"}).Draw(rt, "member") {
	case "at":
		e.At += rapid.Int64Range(1, 1000).Draw(rt, "by")
	case "actor":
		e.Actor += "x"
	case "act":
		e.Act = "login-" + e.Act
	case "subject":
		e.Subject = e.Subject[1:]
	case "detail":
		e.Detail = append([]byte(" "), e.Detail...)
	case "position":
		e.Position ^= 1 << rapid.IntRange(0, 62).Draw(rt, "bit")
	case "mac":
		e.MAC[rapid.IntRange(0, 31).Draw(rt, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
	}
}

func TestAMACIsReadBack(t *testing.T) {
	t.Parallel()
	m := log(chain(t, 0), 1)[0].MAC
	if back, ok := audit.ParseMAC(m.String()); !ok || back != m {
		t.Error("not the same")
	}
	for _, text := range []string{"", "00", m.String() + "00", "x" + m.String()[1:], m.String()[1:]} {
		if _, ok := audit.ParseMAC(text); ok {
			t.Errorf("%q was taken", text)
		}
	}
	if _, err := audit.NewChain([]byte("short")); err == nil {
		t.Error("a short key was taken")
	}
}
