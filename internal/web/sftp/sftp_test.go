package sftp_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	client "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/extract"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/oracle"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/web/sftp"
)

const file = "kommuner-000001-total-1.csv.zip"

// world is a server with two accounts, each with an extract of its own.
type world struct {
	t       *testing.T
	server  *sftp.Server
	address string
	host    ssh.Signer
	secret  string
	key     ssh.Signer
	private []byte // the key, as OpenSSH keeps it
	content []byte

	mu       sync.Mutex
	accounts map[string]*account.Account
	granted  bool
	logins   []string
	refuse   error
}

func (w *world) Account(name string) (*account.Account, int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.accounts[name], 1
}

func (w *world) Extracts() []*register.Extract {
	return []*register.Extract{{Name: "kommuner", System: "map"}, {Name: "rivals", System: "rival"}}
}

func (w *world) Extract(name string) (*register.Extract, int64) {
	for _, x := range w.Extracts() {
		if x.Name == name {
			return x, 1
		}
	}
	return nil, 0
}

func (w *world) GrantsExtract(*register.Extract) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.granted
}

func (w *world) Kept(name string) []*register.Run {
	return []*register.Run{{Extract: name, Number: 1, File: file, Size: int64(len(w.content)), SHA256: strings.Repeat("ab", 32), Ended: 1_772_366_400_000_000},
		{Extract: name, Number: 2, File: "erased.zip", Ended: 1_772_366_400_000_000, Erased: 1}} // which is not shown
}

type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

func (w *world) Open(name, asked string) (*extract.Opened, error) {
	run := w.Kept(name)[0]
	switch asked {
	case file:
		return &extract.Opened{File: memory{bytes.NewReader(w.content)}, Run: run, Name: asked, Size: run.Size}, nil
	case file + extract.ChecksumEnding:
		return &extract.Opened{File: memory{bytes.NewReader([]byte(extract.Checksum(run)))}, Run: run, Name: asked}, nil
	}
	return nil, fault.New(fault.NotFound, "no such file")
}

func newKey(t *testing.T) (ssh.Signer, []byte) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "test")
	must(t, err)
	return signer, pem.EncodeToMemory(block)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T, limits sftp.Limits) *world {
	t.Helper()
	w := &world{t: t, granted: true, content: bytes.Repeat([]byte("0123456789"), 50_000), accounts: map[string]*account.Account{}}
	w.host, _ = newKey(t)
	w.key, w.private = newKey(t)
	s, text := account.NewSecret()
	w.secret = text
	w.accounts["mapper"] = &account.Account{
		Name: "mapper", Roles: []account.Role{account.Subscriber}, Systems: []string{"map"}, Secrets: []account.Secret{s},
		SSHKeys: []string{string(ssh.MarshalAuthorizedKey(w.key.PublicKey()))},
	}
	w.server = sftp.New(sftp.Options{
		Book: w, Files: w, Clock: clock.System{}, Key: w.host, Logger: slog.New(slog.DiscardHandler), Limits: limits,
		LoggedIn: func(_ context.Context, p *account.Principal) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.logins = append(w.logins, p.Name+" "+string(p.Method))
			return w.refuse
		},
	})
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w.address = socket.Addr().String()
	go w.server.Serve(socket)
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		w.server.Stop(ended)
	})
	return w
}

func (w *world) dial(user string, auth ...ssh.AuthMethod) (*ssh.Client, error) {
	return ssh.Dial("tcp", w.address, &ssh.ClientConfig{User: user, Auth: auth, HostKeyCallback: ssh.FixedHostKey(w.host.PublicKey())})
}

// enter logs in by key.
func (w *world) enter() (*ssh.Client, *client.Client) {
	w.t.Helper()
	c, err := w.dial("mapper", ssh.PublicKeys(w.key))
	must(w.t, err)
	files, err := client.NewClient(c)
	must(w.t, err)
	w.t.Cleanup(func() { _ = files.Close(); _ = c.Close() })
	return c, files
}

func names(list []os.FileInfo) (names []string) {
	for _, one := range list {
		names = append(names, one.Name())
	}
	slices.Sort(names)
	return names
}

// F43: an account sees what its systems get, and reads it.
func TestF43WhatIsGrantedIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sftp.Limits{})
	_, files := w.enter()
	top, err := files.ReadDir("/")
	if err != nil || !slices.Equal(names(top), []string{"kommuner"}) {
		t.Errorf("%v %v", names(top), err)
	}
	inside, err := files.ReadDir("/kommuner")
	if err != nil || !slices.Equal(names(inside), []string{file, file + ".sha256"}) {
		t.Errorf("%v %v", names(inside), err)
	}
	read, err := files.Open("/kommuner/" + file)
	must(t, err)
	got, err := io.ReadAll(read)
	if err != nil || !bytes.Equal(got, w.content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	_, err = read.Seek(499_990, io.SeekStart)
	must(t, err)
	if rest, err := io.ReadAll(read); err != nil || string(rest) != "0123456789" {
		t.Errorf("the rest: %q %v", rest, err)
	}
	if stat, err := files.Stat("/kommuner/" + file); err != nil || stat.Size() != int64(len(w.content)) || stat.Mode() != 0o444 || stat.ModTime().Unix() != 1_772_366_400 {
		t.Errorf("%v %v", stat, err)
	}
	for _, path := range []string{"/rivals", "/rivals/" + file, "/none", "/kommuner/none", "/kommuner/" + file + "/x", "/../etc/passwd", "/kommuner/../../etc/passwd"} {
		if _, err := files.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("stat %s: %v", path, err)
		}
		if opened, err := files.Open(path); err == nil {
			if _, err = opened.Read(make([]byte, 1)); err == nil {
				t.Errorf("%s is read", path)
			}
		}
	}
	w.mu.Lock()
	w.granted = false
	w.mu.Unlock()
	if _, err := files.Open("/kommuner/" + file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is not granted any more: %v", err)
	}
}

// F43: nothing is written, and there is nothing but SFTP.
func TestF43NothingElseIsDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sftp.Limits{})
	c, files := w.enter()
	for what, err := range map[string]error{
		"create": second(files.Create("/kommuner/x")), "overwrite": second(files.OpenFile("/kommuner/"+file, os.O_WRONLY)), "remove": files.Remove("/kommuner/" + file),
		"rename": files.Rename("/kommuner/"+file, "/x"), "mkdir": files.Mkdir("/x"), "rmdir": files.RemoveDirectory("/kommuner"), "chmod": files.Chmod("/kommuner/"+file, 0o777),
		"symlink": files.Symlink("/etc/passwd", "/kommuner/x"), "link": files.Link("/etc/passwd", "/kommuner/x"), "truncate": files.Truncate("/kommuner/"+file, 0),
	} {
		if err == nil {
			t.Errorf("%s is done", what)
		}
	}
	for what, try := range map[string]func(*ssh.Session) error{
		"exec": func(s *ssh.Session) error { return s.Run("id") }, "shell": (*ssh.Session).Shell, "pty": func(s *ssh.Session) error { return s.RequestPty("xterm", 1, 1, nil) },
		"env": func(s *ssh.Session) error { return s.Setenv("A", "b") }, "another subsystem": func(s *ssh.Session) error { return s.RequestSubsystem("netconf") },
	} {
		session, err := c.NewSession()
		must(t, err)
		if err := try(session); err == nil {
			t.Errorf("%s is done", what)
		}
		_ = session.Close()
	}
	if conn, err := c.Dial("tcp", w.address); err == nil {
		_ = conn.Close()
		t.Error("a connection is forwarded")
	}
	if l, err := c.Listen("tcp", "127.0.0.1:0"); err == nil {
		_ = l.Close()
		t.Error("a port is forwarded")
	}
}

func second[T any](_ T, err error) error { return err }

// F43: who is let in, and that it is on record.
func TestF43WhoIsLetIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sftp.Limits{Logins: 1000})
	other, _ := newKey(t)
	for name, c := range map[string]struct {
		user string
		auth ssh.AuthMethod
		in   bool
	}{
		"by secret":        {"mapper", ssh.Password(w.secret), true},
		"by key":           {"mapper", ssh.PublicKeys(w.key), true},
		"another secret":   {"mapper", ssh.Password("varsel_x"), false},
		"another key":      {"mapper", ssh.PublicKeys(other), false},
		"nobody's secret":  {"nobody", ssh.Password(w.secret), false},
		"nobody's key":     {"nobody", ssh.PublicKeys(w.key), false},
		"no secret at all": {"mapper", ssh.Password(""), false},
	} {
		conn, err := w.dial(c.user, c.auth)
		if (err == nil) != c.in {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			_, err = client.NewClient(conn)
			must(t, err)
			_ = conn.Close()
		}
	}
	w.mu.Lock()
	slices.Sort(w.logins)
	if !slices.Equal(w.logins, []string{"mapper password", "mapper ssh-key"}) {
		t.Errorf("on record: %q", w.logins)
	}
	disabled := *w.accounts["mapper"]
	disabled.Disabled = true
	w.mu.Unlock()
	_, files := w.enter()
	w.mu.Lock()
	w.accounts["mapper"] = &disabled
	w.mu.Unlock()
	if _, err := files.Open("/kommuner/" + file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an account that was disabled meanwhile: %v", err)
	}
	for _, auth := range []ssh.AuthMethod{ssh.Password(w.secret), ssh.PublicKeys(w.key)} {
		if conn, err := w.dial("mapper", auth); err == nil {
			_ = conn.Close()
			t.Error("an account that is disabled is let in")
		}
	}
}

// A login that cannot be put on record does not happen.
func TestNoLoginWithoutARecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sftp.Limits{})
	w.refuse = errors.New("the disk is full")
	conn, err := w.dial("mapper", ssh.PublicKeys(w.key))
	if err == nil {
		_, err = client.NewClient(conn)
	}
	if err == nil {
		t.Error("it happens")
	}
}

// F43: tries are counted, by account and by address.
func TestF43GuessingIsSlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sftp.Limits{})
	for range 12 {
		if conn, err := w.dial("mapper", ssh.Password("varsel_guess")); err == nil {
			_ = conn.Close()
			t.Fatal("a guess is let in")
		}
	}
	if conn, err := w.dial("mapper", ssh.Password(w.secret)); err == nil {
		_ = conn.Close()
		t.Error("the secret is taken in the middle of guesses")
	}
}

// What is old is not spoken.
func TestF43ModernAlgorithmsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sftp.Limits{})
	for name, c := range map[string]ssh.Config{
		"key exchange": {KeyExchanges: []string{ssh.InsecureKeyExchangeDH14SHA1}}, "NIST's curves": {KeyExchanges: []string{ssh.KeyExchangeECDHP256}},
		"CBC": {Ciphers: []string{ssh.InsecureCipherAES128CBC}}, "CTR": {Ciphers: []string{ssh.CipherAES128CTR}},
	} {
		conn, err := ssh.Dial("tcp", w.address, &ssh.ClientConfig{Config: c, User: "mapper", Auth: []ssh.AuthMethod{ssh.PublicKeys(w.key)}, HostKeyCallback: ssh.FixedHostKey(w.host.PublicKey())})
		if err == nil {
			_ = conn.Close()
			t.Errorf("%s is spoken", name)
		}
	}
}

// One address has only so many connections, and they are given back.
func TestF43ConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sftp.Limits{Address: 1, Logins: 1000})
	first, err := w.dial("mapper", ssh.PublicKeys(w.key))
	must(t, err)
	if another, err := w.dial("mapper", ssh.PublicKeys(w.key)); err == nil {
		_ = another.Close()
		t.Error("there are two")
	}
	must(t, first.Close())
	for {
		again, err := w.dial("mapper", ssh.PublicKeys(w.key))
		if err == nil {
			_ = again.Close()
			return
		}
		if t.Context().Err() != nil {
			t.Fatal("it is not given back")
		}
	}
}

// A connection that nobody logs in on ends by itself.
func TestF43NobodyStaysAtTheDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sftp.Limits{Login: time.Millisecond})
	conn, err := net.Dial("tcp", w.address)
	must(t, err)
	defer conn.Close()
	_, _ = io.Copy(io.Discard, conn) // until the server ends it
}

// F43: OpenSSH's own client lists, fetches, and goes on with what broke off.
func TestF43OpenSSH(t *testing.T) {
	t.Parallel()
	program := oracle.Program(t, "sftp")
	w := newWorld(t, sftp.Limits{})
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "key"), w.private, 0o600))
	host, port, err := net.SplitHostPort(w.address)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "known"), append([]byte("["+host+"]:"+port+" "), ssh.MarshalAuthorizedKey(w.host.PublicKey())...), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, file), w.content[:1234], 0o600))
	run := func(batch string) (string, error) {
		command := exec.CommandContext(t.Context(), program, "-F", "none", "-P", port, "-i", filepath.Join(dir, "key"), "-o", "IdentitiesOnly=yes",
			"-o", "UserKnownHostsFile="+filepath.Join(dir, "known"), "-o", "StrictHostKeyChecking=yes", "-b", "-", "mapper@"+host)
		command.Dir, command.Stdin = dir, strings.NewReader(batch)
		out, err := command.CombinedOutput()
		return string(out), err
	}
	out, err := run("ls -1 /\nls -l /kommuner\nreget /kommuner/" + file + "\nget /kommuner/" + file + ".sha256\n")
	got, _ := os.ReadFile(filepath.Join(dir, file))
	sum, _ := os.ReadFile(filepath.Join(dir, file+".sha256"))
	if err != nil || !bytes.Equal(got, w.content) || string(sum) != strings.Repeat("ab", 32)+"  "+file+"\n" || !strings.Contains(out, "kommuner") || strings.Contains(out, "rivals") {
		t.Errorf("%v: %d bytes, %q\n%s", err, len(got), sum, out)
	}
	for _, batch := range []string{"put key /kommuner/x\n", "rm /kommuner/" + file + "\n", "get /rivals/" + file + "\n", "mkdir /x\n"} {
		if out, err := run(batch); err == nil {
			t.Errorf("%s is done: %s", batch, out)
		}
	}
}
