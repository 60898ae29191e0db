package listen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
)

// Summary is what a receiver has seen so far.
type Summary struct {
	Received   int64 `json:"received"`   // requests
	Accepted   int64 `json:"accepted"`   // messages answered with success, each once where order or ids are watched
	Failed     int64 `json:"failed"`     // requests answered without success or broken off, refusals below not among them
	Invalid    int64 `json:"invalid"`    // requests whose signature was refused
	Strangers  int64 `json:"strangers"`  // requests without the client certificate demanded
	Retries    int64 `json:"retries"`    // repeats of a message that had not been accepted
	Duplicates int64 `json:"duplicates"` // repeats of a message that had been accepted
	Violations int64 `json:"violations"` // first sightings after a later one of their key
	Overtakes  int64 `json:"overtakes"`  // first sightings while an earlier one of their key was not accepted
	Missing    int64 `json:"missing"`    // numbers below their key's highest that were never seen; with Dense
	Open       int64 `json:"open"`       // messages seen and not accepted
	Keys       int   `json:"keys"`
}

// Summary returns the counts. While requests are arriving they may differ by those in flight.
func (r *Receiver) Summary() Summary {
	keys, missing, open := r.order.missing()
	return Summary{
		Received: r.received.Load(), Failed: r.failed.Load(), Invalid: r.invalid.Load(), Strangers: r.strange.Load(),
		Accepted: r.order.accepted.Load(), Retries: r.order.retries.Load(), Duplicates: r.order.duplicates.Load(),
		Violations: r.order.late.Load(), Overtakes: r.order.overtakes.Load(), Missing: missing, Open: open, Keys: keys,
	}
}

// String is the summary in one line; what is zero and bad is left out.
func (s Summary) String() string {
	text := fmt.Sprintf("%d received, %d accepted", s.Received, s.Accepted)
	for _, part := range []struct {
		count int64
		what  string
	}{
		{s.Failed, "failed"}, {s.Invalid, "with a bad signature"}, {s.Strangers, "without a client certificate"},
		{s.Retries, "retries"}, {s.Duplicates, "duplicates"}, {s.Violations, "out of order"},
		{s.Overtakes, "overtook an unfinished one"}, {s.Missing, "missing"}, {s.Open, "unfinished"},
	} {
		if part.count > 0 {
			text += fmt.Sprintf(", %d %s", part.count, part.what)
		}
	}
	return text
}

// maxPrinted is how much of a body is printed, in bytes.
const maxPrinted = 16 << 10

// Printer returns a function for Options.OnMessage that prints each message for a person: a line about it, then its
// body, JSON indented. What a terminal would obey is not passed on.
func Printer(w io.Writer) func(*Message) {
	var mu sync.Mutex
	return func(m *Message) {
		var out bytes.Buffer
		printHead(&out, m)
		printBody(&out, m.Body)
		mu.Lock()
		defer mu.Unlock()
		_, _ = w.Write(harmless(out.Bytes())) // nobody is told that nobody reads
	}
}

func printHead(out *bytes.Buffer, m *Message) {
	answered := "broke the connection"
	if m.Status != 0 {
		answered = fmt.Sprintf("answered %d", m.Status)
	}
	parts := []string{m.At.Format("15:04:05.000"), m.ID, m.Sighting.String(), answered}
	if m.Attempt > 1 {
		parts = append(parts, fmt.Sprintf("attempt %d", m.Attempt))
	}
	if m.Test {
		parts = append(parts, "test message")
	}
	if m.Client != "" {
		parts = append(parts, "from "+m.Client)
	}
	if m.Invalid != nil {
		parts = append(parts, m.Invalid.Error())
	}
	parts = append(parts, fmt.Sprintf("%s, %d bytes", m.Header.Get("Content-Type"), len(m.Body)))
	out.WriteString(strings.ReplaceAll(strings.Join(parts, "  "), "\n", " "))
	out.WriteByte('\n')
}

func printBody(out *bytes.Buffer, body []byte) {
	start := out.Len()
	if len(body) > maxPrinted || json.Indent(out, body, "", "  ") != nil {
		out.Truncate(start)
		out.Write(body[:min(len(body), maxPrinted)])
	}
	if len(body) > maxPrinted {
		fmt.Fprintf(out, "\n… %d bytes more", len(body)-maxPrinted)
	}
	if len(body) > 0 {
		out.WriteByte('\n')
	}
}

// harmless replaces what a terminal would obey: a message is foreign text.
func harmless(text []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\n' || r == '\t' {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
