package account

import (
	"bytes"
	"crypto/rsa"
	"slices"

	"golang.org/x/crypto/ssh"
)

// The most that an account's SSH keys are.
const (
	maxSSHKeys    = 16
	maxSSHKeyText = 1000 // bytes
	leastRSA      = 3072 // bits
)

// sshKey reads a public key as it stands in a .pub file; nil where it is none that is taken.
func sshKey(text string) ssh.PublicKey {
	if len(text) > maxSSHKeyText {
		return nil
	}
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || len(options) > 0 || len(rest) > 0 {
		return nil
	}
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoSKECDSA256:
		return key
	case ssh.KeyAlgoRSA:
		if of, ok := key.(ssh.CryptoPublicKey); ok {
			if public, ok := of.CryptoPublicKey().(*rsa.PublicKey); ok && public.N.BitLen() >= leastRSA {
				return key
			}
		}
	}
	return nil
}

// ShowsKey reports whether a public SSH key, in the form of the wire (RFC 4253 section 6.6), is the account's.
func (a *Account) ShowsKey(wire []byte) bool {
	return slices.ContainsFunc(a.SSHKeys, func(text string) bool {
		own := sshKey(text)
		return own != nil && bytes.Equal(own.Marshal(), wire)
	})
}

func (a *Account) checkSSHKeys(refuse func(pointer, rule, message string)) {
	if len(a.SSHKeys) > maxSSHKeys {
		refuse("/sshKeys", "length", "want at most 16")
		return
	}
	for i, text := range a.SSHKeys {
		if sshKey(text) == nil {
			refuse(at("/sshKeys", i), "ssh-key", "want a public key as in a .pub file: ed25519, ECDSA, or RSA of 3072 bits or more, without options")
		}
	}
}
