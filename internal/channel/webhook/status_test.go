package webhook_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/profile"
)

// S29–S34 and the vectors of requirements section 7, "Status handling, STAR", beside the standard profile's reading.
func TestStatusHandling(t *testing.T) {
	t.Parallel()
	const (
		delivered = channel.Delivered
		retry     = channel.Retry
		rejected  = channel.Rejected
		gone      = channel.Gone
	)
	tests := []struct {
		status         int
		star, standard channel.Class
	}{
		{200, delivered, delivered}, {201, delivered, delivered}, {202, delivered, delivered}, {204, delivered, delivered},
		{299, delivered, delivered},
		{400, rejected, retry}, {401, rejected, retry}, {403, rejected, retry}, {404, rejected, retry}, {408, rejected, retry},
		{410, rejected, gone}, {422, rejected, retry}, {429, rejected, retry}, {499, rejected, retry},
		{500, retry, retry}, {502, retry, retry}, {503, retry, retry}, {504, retry, retry}, {599, retry, retry},
		{300, rejected, retry}, {301, rejected, retry}, {302, rejected, retry}, {304, rejected, retry}, {307, rejected, retry},
		{308, rejected, retry}, {399, rejected, retry},
		{101, rejected, retry},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.status), func(t *testing.T) {
			t.Parallel()
			const body = "Borgeren kendes ikke."
			answer := fmt.Sprintf("HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n\r\n%s", test.status, len(body), body)
			r := receive(t, answering(answer, always))
			for name, want := range map[profile.Name]channel.Class{profile.Star: test.star, profile.Standard: test.standard} {
				got := to(t, "http://"+r.addr+"/hook", under(name)).Send(t.Context(), message())
				if got.Class != want || got.Status != test.status || got.Reason != "" {
					t.Errorf("%s: got %s, status %d, reason %q; want %s", name, got.Class, got.Status, got.Reason, want)
				}
				hasBody := test.status >= 200 && test.status != 204 && test.status != 304
				if kept := string(got.Body); want == delivered && kept != "" || want != delivered && hasBody && kept != body {
					t.Errorf("%s: kept %q of the body", name, kept)
				}
			}
		})
	}
}

// 1xx-only: interim answers are no answer while a final one follows, and the answer when the receiver then hangs up.
func TestInterimAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, answer string
		status       int
		star         channel.Class
	}{
		{"100 and hang up", "HTTP/1.1 100 Continue\r\n\r\n", 100, channel.Rejected},
		{"103 and hang up", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 103, channel.Rejected},
		{"several and hang up", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n", 102, channel.Rejected},
		{"then the real one", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\nContent-Length: 9\r\n\r\n" + ok, 200, channel.Delivered},
		{"then a failure", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 500, channel.Retry},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, answering(test.answer, 1))
			got := to(t, "http://"+r.addr, under(profile.Star)).Send(t.Context(), message())
			if got.Class != test.star || got.Status != test.status {
				t.Errorf("got %s, status %d, %s; want %s, status %d", got.Class, got.Status, got.Detail, test.star, test.status)
			}
		})
	}
}

// A redirect is an answer. The address it names is not called, be it the cloud's metadata or a neighbour.
func TestRedirectsAreNeverFollowed(t *testing.T) {
	t.Parallel()
	neighbour := receive(t, answering(ok, always))
	for _, location := range []string{"http://169.254.169.254/latest/meta-data/", "http://" + neighbour.addr + "/", "/elsewhere"} {
		answer := "HTTP/1.1 302 Found\r\nLocation: " + location + "\r\nContent-Length: 0\r\n\r\n"
		r := receive(t, answering(answer, always))
		got := to(t, "http://"+r.addr+"/hook").Send(t.Context(), message())
		if got.Class != channel.Retry || got.Status != 302 || !strings.Contains(got.Detail, "never followed") {
			t.Errorf("%s: got %s, status %d, %q", location, got.Class, got.Status, got.Detail)
		}
		if r.connections() != 1 {
			t.Errorf("%s: %d connections, want 1", location, r.connections())
		}
	}
	if neighbour.connections() != 0 {
		t.Error("the redirect's target was called")
	}
}

// Retry-After: a request to wait is not a failure, where the profile would retry at all.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	inTwoMinutes := noon.Add(2 * time.Minute)
	tests := []struct {
		name, value string
		status      int
		profile     profile.Name
		class       channel.Class
		after       time.Duration
	}{
		{"seconds", "120", 503, profile.Standard, channel.Deferred, 2 * time.Minute},
		{"429", "120", 429, profile.Standard, channel.Deferred, 2 * time.Minute},
		{"a date", inTwoMinutes.Format("Mon, 02 Jan 2006 15:04:05 GMT"), 503, profile.Standard, channel.Deferred, 2 * time.Minute},
		{"an RFC 850 date", inTwoMinutes.Format("Monday, 02-Jan-06 15:04:05 GMT"), 503, profile.Standard, channel.Deferred, 2 * time.Minute},
		{"an asctime date", inTwoMinutes.Format(time.ANSIC), 503, profile.Standard, channel.Deferred, 2 * time.Minute},
		{"clamped seconds", "86400", 503, profile.Standard, channel.Deferred, time.Hour},
		{"clamped date", noon.AddDate(1, 0, 0).Format("Mon, 02 Jan 2006 15:04:05 GMT"), 503, profile.Standard, channel.Deferred, time.Hour},
		{"more digits than a number holds", strings.Repeat("9", 40), 503, profile.Standard, channel.Deferred, time.Hour},
		{"zero would spin", "0", 503, profile.Standard, channel.Retry, 0},
		{"a date in the past", noon.Add(-time.Hour).Format("Mon, 02 Jan 2006 15:04:05 GMT"), 503, profile.Standard, channel.Retry, 0},
		{"negative", "-5", 503, profile.Standard, channel.Retry, 0},
		{"a fraction", "1.5", 503, profile.Standard, channel.Retry, 0},
		{"words", "soon", 503, profile.Standard, channel.Retry, 0},
		{"on 500 it means nothing", "120", 500, profile.Standard, channel.Retry, 0},
		{"on 404 it means nothing", "120", 404, profile.Standard, channel.Retry, 0},
		{"STAR, 503", "120", 503, profile.Star, channel.Deferred, 2 * time.Minute},
		{"STAR parks a 429 (S32)", "120", 429, profile.Star, channel.Rejected, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answer := fmt.Sprintf("HTTP/1.1 %d No\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", test.status, test.value)
			r := receive(t, answering(answer, 1))
			got := to(t, "http://"+r.addr, under(test.profile)).Send(t.Context(), message())
			if got.Class != test.class || got.After != test.after || got.Status != test.status {
				t.Errorf("got %s after %s, status %d, %s; want %s after %s", got.Class, got.After, got.Status, got.Detail, test.class, test.after)
			}
		})
	}
}

// S27: the start of an error's body is kept, and no more of it.
func TestErrorBodyIsKeptUpToItsLimit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("æ", 50_000)
	tests := []struct{ name, answer, want string }{
		{"none", "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", ""},
		{"short", "HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nnope", "nope"},
		{"chunked", "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n2;x=y\r\npe\r\n0\r\nA: b\r\n\r\n", "nope"},
		{"until it closes", "HTTP/1.1 500 No\r\n\r\nnope", "nope"},
		{"HTTP/1.0", "HTTP/1.0 500 No\r\n\r\nnope", "nope"},
		{"long", fmt.Sprintf("HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%s", len(long), long), long[:4096]},
		{"long, until it closes", "HTTP/1.1 500 No\r\n\r\n" + long, long[:4096]},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, answering(test.answer, 1))
			got := to(t, "http://"+r.addr).Send(t.Context(), message())
			if got.Class != channel.Retry || got.Status != 500 || string(got.Body) != test.want {
				t.Errorf("got %s, status %d, %s, %d bytes kept; want %d", got.Class, got.Status, got.Detail, len(got.Body), len(test.want))
			}
		})
	}
}

// An answer that comes before the request was read counts, for a message too large for the buffers between.
func TestAnswerBeforeTheMessageWasRead(t *testing.T) {
	t.Parallel()
	big := message()
	big.Body = make([]byte, 16<<20)
	for name, reads := range map[string]bool{"and reads the rest": true, "and reads no more": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stop := make(chan struct{})
			r := receive(t, func(conn net.Conn) {
				bufio.NewReaderSize(conn, 16).ReadByte()
				io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
				if reads {
					io.Copy(io.Discard, conn)
				}
				<-stop
			})
			got := to(t, "http://"+r.addr, limit(4*brief)).Send(t.Context(), big)
			close(stop)
			if got.Status != 413 {
				t.Errorf("got %s, status %d, %s: %s; want status 413", got.Class, got.Status, got.Reason, got.Detail)
			}
		})
	}
}
