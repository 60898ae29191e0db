package app

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web/sftp"
)

// serveSFTP serves the files of extracts by SFTP until the hub stops, where the settings name an address for it.
// Error: Configuration.
func (h *Hub) serveSFTP() error {
	if h.config.SFTP == "" {
		return nil
	}
	if h.config.NoAccess {
		return fault.Invalid(fault.Configuration, []fault.Violation{{Pointer: "sftp-listen", Rule: "access", Message: "goes against no-access: by SFTP everyone logs in"}})
	}
	key, err := hostKey(h.config.hostKey())
	if err != nil {
		return err
	}
	socket, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", h.config.SFTP)
	if err != nil {
		return fault.Wrap(fault.Configuration, err, "sftp-listen: cannot listen on %s", h.config.SFTP)
	}
	server := sftp.New(sftp.Options{
		Book: h.Log.Book(), Files: h.extracts, Clock: clock.System{}, Key: key, LoggedIn: h.Manager.SignedIn, Logger: h.logger,
	})
	h.sftpAt = socket.Addr()
	h.logger.Info("files of extracts are served by SFTP", "address", socket.Addr(), "hostKey", ssh.FingerprintSHA256(key.PublicKey()))
	go server.Serve(socket)
	h.onStop(server.Stop)
	return nil
}

// SFTP is where the files of extracts are served by SFTP; nil: nowhere.
func (h *Hub) SFTP() net.Addr { return h.sftpAt }

// hostKey reads the key that the hub shows to those who come by SSH, which the first start makes.
func hostKey(path string) (ssh.Signer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = makeHostKey(path)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Configuration, err, "the host key for SFTP cannot be read, or made")
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fault.Wrap(fault.Configuration, err, "%s holds no private key", path)
	}
	return key, nil
}

func makeHostKey(path string) ([]byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "varsel")
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(block)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(text)
	return text, errors.Join(err, file.Sync(), file.Close())
}

// hostKey is the file of the key that is shown to those who come by SSH.
func (c *Config) hostKey() string {
	if c.SFTPHostKey != "" {
		return c.SFTPHostKey
	}
	return filepath.Join(c.Data, "sftp-host-key")
}
