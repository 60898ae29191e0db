package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/config"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web/listener"
)

// served is a hub on a loopback port.
type served struct {
	t   *testing.T
	url string
	log *safeBuffer
	hub *app.Hub
}

type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func serve(t *testing.T, config app.Config) *served {
	t.Helper()
	s := &served{t: t, log: &safeBuffer{}}
	var err error
	s.hub, err = app.New(t.Context(), config, slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.hub.Stop(context.Background()) })
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.hub.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.hub.Serve(socket); err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + socket.Addr().String()
	return s
}

// get asks with a header "Name: value", or with none.
func (s *served) get(path, header string) (status int, challenge string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if name, value, found := strings.Cut(header, ": "); found {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, strings.Join(answer.Header.Values("WWW-Authenticate"), ", ")
}

// token asks for one as a client does; "" when it is refused.
func (s *served) token(name, secret string) string {
	s.t.Helper()
	answer, err := http.PostForm(s.url+"/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {name}, "client_secret": {secret}})
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	var document struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&document); err != nil {
		s.t.Fatal(err)
	}
	return document.Token
}

// The first start makes one account and leaves its secret where only the hub's user can read it, never in a log or in
// the database. The next start makes none.
func TestTheFirstStartMakesAnOperator(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	first := serve(t, app.Config{Data: data})
	file := filepath.Join(data, "operator-secret")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	secret := strings.TrimSpace(string(text))
	if first.token("operator", secret) == "" {
		t.Error("the secret is not taken")
	}
	first.hub.Stop(context.Background())
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	again := serve(t, app.Config{Data: data})
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("a second start leaves a secret: %v", err)
	}
	if again.token("operator", secret) == "" {
		t.Error("the secret is not taken after a restart")
	}
	err = filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			content, err := os.ReadFile(path)
			if err == nil && strings.Contains(string(content), secret) {
				t.Errorf("%s holds the secret", path)
			}
			return err
		}
		return err
	})
	if err != nil || strings.Contains(first.log.String()+again.log.String(), secret) {
		t.Errorf("the log holds the secret, or %v", err)
	}
}

// When the secret cannot be told, no account is made: the next start tries again.
func TestASecretThatCannotBeToldIsNone(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	config := app.Config{Data: data, Welcome: func(string, string) error { return io.ErrClosedPipe }}
	if _, err := app.New(t.Context(), config, slog.New(slog.DiscardHandler)); err == nil {
		t.Fatal("the hub starts with an account that nobody can use")
	}
	told := ""
	config.Welcome = func(name, secret string) error { told = secret; return nil }
	if s := serve(t, config); s.token("operator", told) == "" {
		t.Error("the second secret is not taken")
	}
	if _, err := os.Stat(filepath.Join(data, "operator-secret")); !os.IsNotExist(err) {
		t.Errorf("it was told, and written all the same: %v", err)
	}
}

// Every face of a hub asks who it is, but those that tell nothing.
func TestEveryFaceAsks(t *testing.T) {
	t.Parallel()
	secret := ""
	s := serve(t, app.Config{Data: t.TempDir(), Welcome: func(_, text string) error { secret = text; return nil }})
	bearer := "Authorization: Bearer " + s.token("operator", secret)
	for path, want := range map[string]int{
		"/healthz": 200, "/readyz": 200, "/metrics": 200, "/oauth/jwks.json": 200, "/.well-known/oauth-authorization-server": 200,
		"/": 200, "/none": 404, "/now/": 401, "/now/now.json": 401, "/now/now.css": 401, "/now/none": 401, "/api/v1/totals": 401, "/api/v1/accounts": 401,
	} {
		status, challenge := s.get(path, "")
		if status != want || (want == 401) != strings.Contains(challenge, `Bearer realm="varsel"`) {
			t.Errorf("%s: %d %s, want %d", path, status, challenge, want)
		}
		if status, _ := s.get(path, bearer); status != 200 && path != "/none" && path != "/now/none" {
			t.Errorf("%s as the operator: %d", path, status)
		}
	}
	// RFC 6750 section 3.1.
	if status, challenge := s.get("/api/v1/totals", bearer+"x"); status != 401 || !strings.HasPrefix(challenge, `Bearer realm="varsel", error="invalid_token", error_description="`) {
		t.Errorf("%d %s", status, challenge)
	}
	// The bound of a request's head.
	if status, _ := s.get("/api/v1/totals", "X-Long: "+strings.Repeat("a", 80<<10)); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a head of 80 KiB: %d", status)
	}
}

// Without access control the hub is this machine's alone, whatever its owner asks for.
func TestNoAccessControlMeansLoopback(t *testing.T) {
	t.Parallel()
	open := serve(t, app.Config{Data: t.TempDir(), NoAccess: true})
	if status, _ := open.get("/api/v1/accounts", ""); status != 200 {
		t.Errorf("status %d", status)
	}
	if len(open.hub.Log.Book().Accounts()) != 0 {
		t.Error("an account was made that nobody needs")
	}
	socket, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := open.hub.Serve(socket); !fault.Has(err, fault.Configuration) {
		t.Errorf("whoever reaches this machine may do everything: %v", err)
	}
}

// With access control a socket that other machines can reach needs TLS: tokens are not shown to everyone on the way.
func TestPlainHTTPMeansLoopback(t *testing.T) {
	t.Parallel()
	asking := serve(t, app.Config{Data: t.TempDir()})
	socket, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := asking.hub.Serve(socket); !fault.Has(err, fault.Configuration) {
		t.Errorf("tokens go in the clear: %v", err)
	}
}

// What a listener answers is what its faces say: tokens are given where the API is, and figures only to operate.
func TestAListenerAnswersItsFaces(t *testing.T) {
	t.Parallel()
	s := serve(t, app.Config{Data: t.TempDir()})
	for face, want := range map[string]map[string]int{
		"api":     {"/api/v1/totals": 401, "/oauth/jwks.json": 200, "/.well-known/oauth-authorization-server": 200, "/metrics": 404, "/readyz": 404, "/": 404, "/admin/sign-in": 404},
		"now":     {"/api/v1/totals": 404, "/oauth/jwks.json": 404, "/now/": 401, "/now/now.json": 401, "/metrics": 404},
		"sites":   {"/": 200, "/none/": 404, "/api/v1/totals": 404, "/now/": 404, "/metrics": 404},
		"admin":   {"/admin/sign-in": 200, "/admin/sign-in.css": 200, "/api/v1/totals": 404, "/": 404, "/metrics": 404},
		"operate": {"/api/v1/totals": 404, "/oauth/jwks.json": 404, "/metrics": 200, "/readyz": 200, "/healthz": 200, "/": 404, "/admin/sign-in": 404},
	} {
		c, err := config.NewListener("127.0.0.1:0", face)
		if err != nil {
			t.Fatal(err)
		}
		l, err := listener.Open(t.Context(), &c, clock.System{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.hub.Answer(l); err != nil {
			t.Fatal(err)
		}
		at := &served{t: t, url: l.URL()}
		for path, status := range want {
			if got, _ := at.get(path, ""); got != status {
				t.Errorf("%s at %s: %d, want %d", path, face, got, status)
			}
		}
	}
}

// The wide line of a publish request says who made it and how they showed it, and nothing of what they showed.
func TestTheLineNamesWhoPublishes(t *testing.T) {
	t.Parallel()
	secret := ""
	s := serve(t, app.Config{Data: t.TempDir(), Welcome: func(_, text string) error { secret = text; return nil }})
	token := s.token("operator", secret)
	for _, bearer := range []string{token, "bad"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/v1/events", strings.NewReader("{"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/cloudevents+json")
		r.Header.Set("Authorization", "Bearer "+bearer)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	s.hub.Stop(context.Background()) // which answers what was asked, and says so
	text := s.log.String()
	for _, want := range []string{`status=422 code="" principal=operator method=token `, `status=401 code="" principal="" method="" `} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not say %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, token) || strings.Contains(text, secret) {
		t.Error("the log holds a secret")
	}
}
