package app_test

import (
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/channel/mail"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/notify"
	"github.com/varselhub/varsel/internal/profile"
	noun "github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/subscription"
)

const aThing = `<DatafordelerDataDelivery><Data><DataEntity><Action>Create</Action><CreateEvent>NoEvent</CreateEvent><Thing><id>1</id><status>s</status>` +
	`<registreringFra>2026-01-01T00:00:00Z</registreringFra><virkningFra>2026-01-01T00:00:00Z</virkningFra></Thing></DataEntity></Data></DatafordelerDataDelivery>`

// F43: the whole way, with who asks asked for: delivered, made by order, told of by an event, and fetched by SFTP with a secret
// of the system's account. The host key is made once, and its file is the hub's alone.
func TestF43FromDeliveryToSFTP(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	box := &letterbox{mails: make(chan string, 10)}
	post := &mail.Config{Host: "127.0.0.1", Port: box.listen(t), TLS: mail.Plain, From: "varsel@example.org", Timeout: 10 * time.Second}
	var host ssh.PublicKey
	for start := range 2 {
		config := app.Config{Data: data, SFTP: "127.0.0.1:0", SMTP: post, Egress: netguard.Rules{Allow: app.Loopback}, Welcome: func(string, string) error { return nil }}
		s := serve(t, config)
		ctx, by := t.Context(), manage.By{Author: "test"}
		must := func(_ any, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		if start == 0 {
			must(s.hub.Manager.PutSource(ctx, event.Source{Name: "things", URI: "urn:things", Title: "Things", Types: []string{"*"}}, by))
			must(s.hub.Manager.PutRegister(ctx, noun.Register{Name: "things", Source: "things", Types: []noun.EntityType{{
				Name: "Thing", Row: "id", Object: []string{"id"}, Columns: []noun.Column{{Name: "id", Required: true}},
			}}}, by))
			must(s.hub.Manager.PutSystem(ctx, subscription.System{Name: "map", Agreement: subscription.Agreement{
				Profile: profile.Standard, BaseURL: "https://map.example", Sources: []string{"things"}, Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "a@b.test"}},
			}}, by))
			must(s.hub.Manager.PutExtract(ctx, noun.Extract{Name: "things", System: "map", Register: "things", Type: "Thing", Selection: noun.Total, Format: noun.JSONLines, Email: "owner@example.org"}, by))
		}
		name := []string{"robot", "robot-2"}[start]
		must(s.hub.Manager.PutAccount(ctx, account.Account{Name: name, Roles: []account.Role{account.Source, account.Subscriber}, Sources: []string{"things"}, Systems: []string{"map"}}, by))
		secret, err := s.hub.Manager.RotateSecret(ctx, name, 0, by.Author)
		must(nil, err)
		if start == 0 {
			c, err := client.New(s.url, client.Options{Token: client.Login(s.url, name, secret.Text, nil)})
			must(nil, err)
			must(c.Deliver(ctx, "things", "d1", strings.NewReader(aThing)))
			must(nil, s.hub.Manager.OrderExtract(ctx, "test", "things"))
			for s.hub.Log.Book().ExtractState("things").Number == 0 {
				runtime.Gosched()
			}
			// F43: who is to know gets a mail with the address of the file.
			if told := strings.ReplaceAll(<-box.mails, "=\r\n", ""); !strings.HasPrefix(told, "owner@example.org\n") || !strings.Contains(told, "/api/v1/extracts/things/files/things-000001-total-1.jsonl.zip") {
				t.Errorf("%s", told)
			}
		}
		conn, err := ssh.Dial("tcp", s.hub.SFTP().String(), &ssh.ClientConfig{User: name, Auth: []ssh.AuthMethod{ssh.Password(secret.Text)}, HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if host != nil && string(host.Marshal()) != string(key.Marshal()) {
				t.Error("the host key is another after a start")
			}
			host = key
			return nil
		}})
		must(nil, err)
		files, err := sftp.NewClient(conn)
		must(nil, err)
		file, err := files.Open("/things/things-000001-total-1.jsonl.zip")
		must(nil, err)
		text, err := io.ReadAll(file)
		if err != nil || !strings.HasPrefix(string(text), "PK") || int64(len(text)) != s.hub.Log.Book().ExtractState("things").Last.Size {
			t.Errorf("%d bytes, %v", len(text), err)
		}
		must(nil, conn.Close())
		events, _, err := s.hub.Log.Read(ctx, 0, 1000)
		must(nil, err)
		told := 0
		for _, e := range events {
			if e.Type == notify.ExtractReady {
				told++
			}
		}
		if told != 1 {
			t.Errorf("told of %d files", told)
		}
		s.hub.Stop(ctx)
	}
	if info, err := os.Stat(filepath.Join(data, "sftp-host-key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
}

// SFTP is not for hubs that ask nobody.
func TestNoSFTPWithoutAccess(t *testing.T) {
	t.Parallel()
	hub, err := app.New(t.Context(), app.Config{Data: t.TempDir(), SFTP: "127.0.0.1:0", NoAccess: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hub.Stop(t.Context()) })
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = hub.Start(t.Context())
	}
	if err == nil {
		err = hub.Serve(socket)
	}
	if !fault.Has(err, fault.Configuration) {
		t.Errorf("want it refused, got %v", err)
	}
}
