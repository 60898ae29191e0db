package sftp

import (
	"errors"

	"golang.org/x/crypto/ssh"

	"github.com/varselhub/varsel/internal/account"
)

// serverConfig lets in who shows an account's secret, or one of its keys; by what is current alone (RFC 9142, RFC 8332).
func (s *Server) serverConfig() *ssh.ServerConfig {
	c := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-Varsel",
		MaxAuthTries:  3,
		Config: ssh.Config{
			KeyExchanges: []string{ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519},
			Ciphers:      []string{ssh.CipherChaCha20Poly1305, ssh.CipherAES256GCM, ssh.CipherAES128GCM},
			MACs:         []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM},
		},
		PublicKeyAuthAlgorithms: []string{
			ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoSKECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
			ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
		},
		PasswordCallback:  s.bySecret,
		PublicKeyCallback: s.byKey,
	}
	c.AddHostKey(s.Key)
	return c
}

// errRefused is all that is said to who is not let in.
var errRefused = errors.New("not let in")

// method is where the permissions say how somebody has shown who they are.
const method = "method"

func (s *Server) bySecret(c ssh.ConnMetadata, secret []byte) (*ssh.Permissions, error) {
	if s.tooOften(c) {
		return nil, errRefused
	}
	a, _ := s.Book.Account(c.User())
	if _, ok := account.Authenticate(a, string(secret), s.Clock.Now()); !ok {
		return nil, errRefused
	}
	return &ssh.Permissions{Extensions: map[string]string{method: string(account.ByPassword)}}, nil
}

// byKey says whether a key would do; that the caller has it is found out by the handshake.
func (s *Server) byKey(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	if s.tooOften(c) {
		return nil, errRefused
	}
	a, _ := s.Book.Account(c.User())
	if a == nil || a.Disabled || !a.ShowsKey(key.Marshal()) {
		return nil, errRefused
	}
	return &ssh.Permissions{Extensions: map[string]string{method: string(account.ByKey)}}, nil
}

// tooOften counts a try against the account and the address that it comes from.
func (s *Server) tooOften(c ssh.ConnMetadata) bool {
	now := s.Clock.Now()
	return s.logins.Take("address "+neighbourhood(c.RemoteAddr()), now) > 0 || s.logins.Take("account "+c.User(), now) > 0
}

// principal is who has logged in; nil when the account is not in use any more.
func (s *Server) principal(c *ssh.ServerConn) *account.Principal {
	a, _ := s.Book.Account(c.User())
	if a == nil || a.Disabled {
		return nil
	}
	return a.Principal(account.Method(c.Permissions.Extensions[method]))
}
