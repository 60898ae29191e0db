package client

import (
	"context"
	"net/http"
	"time"
)

// Account is a program that calls the hub, or a person who signs in to it.
type Account struct {
	Name         string               `json:"name"` // slug, also the client id; stays
	Title        string               `json:"title,omitempty"`
	Email        string               `json:"email,omitempty"`
	Roles        []Role               `json:"roles"`
	Systems      []string             `json:"systems,omitempty"` // a subscriber's: those it acts for
	Sources      []string             `json:"sources,omitempty"` // a source's: those it publishes as, by name
	Sites        []string             `json:"sites,omitempty"`   // a site editor's: those it writes on, by slug; "*": all
	Certificates []AccountCertificate `json:"certificates,omitempty"`
	SSHKeys      []string             `json:"sshKeys,omitempty"`     // public keys that it fetches extracts with by SFTP, each as in a .pub file
	Disabled     bool                 `json:"disabled,omitempty"`    // refused from the next request on
	Secrets      []AccountSecret      `json:"secrets,omitempty"`     // the hub's, newest first; put back or left out alike
	HasPassword  bool                 `json:"hasPassword,omitempty"` // the hub's: a person can sign in to it with a browser
}

// Role is what an account may do.
type Role string

// The roles.
const (
	RoleOperator   Role = "operator"    // does everything
	RoleAuditor    Role = "auditor"     // sees everything but payloads, changes nothing
	RoleSource     Role = "source"      // publishes as its own sources
	RoleSubscriber Role = "subscriber"  // sees and configures its own systems
	RoleSiteEditor Role = "site-editor" // writes on its own status sites
)

// AccountCertificate is a client certificate by its fingerprint or by its subject, one of the two.
type AccountCertificate struct {
	SHA256  string `json:"sha256,omitempty"`  // 64 lower-case hexadecimal digits
	Subject string `json:"subject,omitempty"` // as RFC 4514 writes it
}

// AccountSecret refers to a secret of an account.
type AccountSecret struct {
	ID    string    `json:"id"`
	Until time.Time `json:"until,omitzero"` // it is taken until then; zero: until it is rotated
}

// NewSecret is a secret of an account as it is told, once.
type NewSecret struct {
	ID           string          `json:"id"`
	ClientID     string          `json:"clientId"`
	ClientSecret string          `json:"clientSecret"`
	Secrets      []AccountSecret `json:"secrets"` // all that are taken now, newest first
}

// Accounts lists the accounts.
func (c *Client) Accounts(ctx context.Context) ([]Account, error) {
	return list[Account](ctx, c, nil, "accounts")
}

// Account reads one. Error: CodeNotFound.
func (c *Client) Account(ctx context.Context, name string) (Account, ETag, error) {
	return fetch[Account](ctx, c, nil, "accounts", name)
}

// PutAccount makes an account or changes it.
func (c *Client) PutAccount(ctx context.Context, a Account, match ETag) (Account, ETag, error) {
	return put(ctx, c, a, match, "accounts", a.Name)
}

// NewSecret gives an account a new secret. Those before it are taken for the overlap, in whole seconds, at most 90
// days; 0 ends them, and every token given for them, at once.
func (c *Client) NewSecret(ctx context.Context, account string, overlap time.Duration) (NewSecret, error) {
	var secret NewSecret
	_, err := send(ctx, c, request{method: http.MethodPost, path: []string{"accounts", account, "secrets"}}, map[string]any{
		"overlapSeconds": int64(overlap / time.Second),
	}, &secret)
	return secret, err
}

// SetPassword gives an account the password that its person signs in with, of at least 12 characters. Every session that
// was begun with the one before ends. Error: CodeNotFound.
func (c *Client) SetPassword(ctx context.Context, account, password string) (Account, error) {
	var a Account
	_, err := send(ctx, c, request{method: http.MethodPut, path: []string{"accounts", account, "password"}}, map[string]string{"password": password}, &a)
	return a, err
}

// Contacts reads the contacts of a system; the ETag is the system's. Error: CodeNotFound.
func (c *Client) Contacts(ctx context.Context, system string) (Contacts, ETag, error) {
	return fetch[Contacts](ctx, c, nil, "systems", system, "contacts")
}

// PutContacts changes the contacts of a system and nothing else of its agreement, as a subscriber may.
func (c *Client) PutContacts(ctx context.Context, system string, contacts Contacts, match ETag) (Contacts, ETag, error) {
	return put(ctx, c, contacts, match, "systems", system, "contacts")
}
