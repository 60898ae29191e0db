package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"github.com/varselhub/varsel/client"
)

// accountCommand is for operators: who may call the hub. Auditors may list and show.
type accountCommand struct {
	List    accountListCommand    `cmd:"" help:"List the accounts with their roles."`
	Show    accountShowCommand    `cmd:"" help:"Show one account."`
	Set     accountSetCommand     `cmd:"" help:"Make an account, or change what is given of one."`
	Disable accountDisableCommand `cmd:"" help:"Refuse an account from its next request on; nothing of it is lost."`
	Enable  accountEnableCommand  `cmd:"" help:"Let a disabled account in again."`
	Secret  accountSecretCommand  `cmd:"" help:"Give an account a new secret, told once."`

	Password accountPasswordCommand `cmd:"" help:"Give an account the password that a person signs in with; it is asked for or read from standard input."`
}

type accountListCommand struct {
	hubFlags
	JSON bool `help:"Print JSON, one line for each, for programs."`
}

// Run lists the accounts.
func (c *accountListCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for a, err := range hub.AllAccounts(ctx) {
		switch {
		case err != nil:
			return err
		case c.JSON:
			err = printJSON(s.out, a)
		default:
			_, err = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", a.Name, joined(a.Roles), state(&a), a.Title)
		}
		if err != nil {
			return err
		}
	}
	return table.Flush()
}

func state(a *client.Account) string {
	if a.Disabled {
		return "disabled"
	}
	return "in use"
}

func joined[T ~string](words []T) string {
	var list []string
	for _, word := range words {
		list = append(list, string(word))
	}
	return strings.Join(list, ", ")
}

type accountShowCommand struct {
	hubFlags
	Name string `arg:"" help:"Name of the account."`
	JSON bool   `help:"Print JSON, for programs."`
}

// Run shows an account.
func (c *accountShowCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	a, _, err := hub.Account(ctx, c.Name)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, a)
	}
	return tellAccount(s.out, &a)
}

func tellAccount(out io.Writer, a *client.Account) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(what, is string) {
		if is != "" {
			fmt.Fprintf(table, "%s\t%s\n", what, is)
		}
	}
	line("account", a.Name)
	line("title", a.Title)
	line("mail", a.Email)
	line("state", state(a))
	line("roles", joined(a.Roles))
	line("systems", joined(a.Systems))
	line("sources", joined(a.Sources))
	line("sites", joined(a.Sites))
	for _, certificate := range a.Certificates {
		line("certificate", certificate.Subject+certificate.SHA256)
	}
	for _, key := range a.SSHKeys {
		line("SSH key", key)
	}
	if a.HasPassword {
		line("password", "set; a person can sign in with a browser")
	}
	for _, secret := range a.Secrets {
		until := "until it is rotated"
		if !secret.Until.IsZero() {
			until = "until " + secret.Until.UTC().Format(time.RFC3339)
		}
		line("secret", secret.ID+", taken "+until)
	}
	return table.Flush()
}

type accountSetCommand struct {
	hubFlags
	Name        string   `arg:"" help:"Name of the account; it is made when it is not there."`
	Title       string   `help:"What it is."`
	Email       string   `help:"Mail address of its person; \"\": none." placeholder:"MAIL"`
	Role        []string `help:"What it may do, all of it: operator, auditor, source, subscriber, site-editor." enum:"operator,auditor,source,subscriber,site-editor" placeholder:"ROLE"`
	System      []string `help:"The systems it acts for as a subscriber, all of them; \"\": none." placeholder:"NAME"`
	Source      []string `help:"The sources it publishes as, all of them; \"\": none." placeholder:"NAME"`
	Site        []string `help:"The status sites it writes on as a site-editor, by slug, all of them; *: every site; \"\": none." placeholder:"SLUG"`
	Certificate []string `help:"Its client certificates, all of them: the SHA-256 fingerprint, or the subject such as CN=permits,O=Example; \"\": none." sep:"none" placeholder:"CERTIFICATE"`
	SSHKey      []string `name:"ssh-key" help:"The public SSH keys that it fetches extracts with by SFTP, all of them, each as it stands in its .pub file; \"\": none." sep:"none" placeholder:"KEY"`
	JSON        bool     `help:"Print JSON, for programs."`
}

// Run makes or changes the account, and says how it is now.
func (c *accountSetCommand) Run(ctx context.Context, s *streams, parsed *kong.Context) error {
	given := flagsGiven(parsed)
	return changeAccount(ctx, s, &c.hubFlags, c.Name, c.JSON, true, func(a *client.Account) {
		if given["title"] {
			a.Title = c.Title
		}
		if given["email"] {
			a.Email = c.Email
		}
		if given["role"] {
			a.Roles = nil
			for _, role := range c.Role {
				a.Roles = append(a.Roles, client.Role(role))
			}
		}
		if given["system"] {
			a.Systems = some(c.System)
		}
		if given["source"] {
			a.Sources = some(c.Source)
		}
		if given["site"] {
			a.Sites = some(c.Site)
		}
		if given["ssh-key"] {
			a.SSHKeys = some(c.SSHKey)
		}
		if given["certificate"] {
			a.Certificates = certificates(some(c.Certificate))
		}
	})
}

// flagsGiven are those that stand on the command line.
func flagsGiven(parsed *kong.Context) map[string]bool {
	given := map[string]bool{}
	for _, element := range parsed.Path {
		if element.Flag != nil {
			given[element.Flag.Name] = true
		}
	}
	return given
}

// some leaves out what is empty: an empty flag means none.
func some(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(value string) bool { return value == "" })
}

// certificates tells fingerprints, with or without colons, from subjects.
func certificates(values []string) []client.AccountCertificate {
	var list []client.AccountCertificate
	for _, value := range values {
		digits := strings.ToLower(strings.ReplaceAll(value, ":", ""))
		if sum, err := hex.DecodeString(digits); err == nil && len(sum) == 32 {
			list = append(list, client.AccountCertificate{SHA256: digits})
			continue
		}
		list = append(list, client.AccountCertificate{Subject: value})
	}
	return list
}

type accountDisableCommand struct {
	hubFlags
	Name string `arg:"" help:"Name of the account."`
	JSON bool   `help:"Print JSON, for programs."`
}

// Run disables an account.
func (c *accountDisableCommand) Run(ctx context.Context, s *streams) error {
	return changeAccount(ctx, s, &c.hubFlags, c.Name, c.JSON, false, func(a *client.Account) { a.Disabled = true })
}

type accountEnableCommand struct{ accountDisableCommand }

// Run lets an account in again.
func (c *accountEnableCommand) Run(ctx context.Context, s *streams) error {
	return changeAccount(ctx, s, &c.hubFlags, c.Name, c.JSON, false, func(a *client.Account) { a.Disabled = false })
}

// changeAccount reads an account, changes it and puts it back, unless somebody else has changed it meanwhile.
func changeAccount(ctx context.Context, s *streams, flags *hubFlags, name string, asJSON, make bool, change func(*client.Account)) error {
	hub, err := flags.hub()
	if err != nil {
		return err
	}
	a, tag, err := hub.Account(ctx, name)
	if make && client.Has(err, client.CodeNotFound) {
		a, tag, err = client.Account{Name: name}, "", nil
	}
	if err != nil {
		return err
	}
	change(&a)
	if a, _, err = hub.PutAccount(ctx, a, tag); err != nil {
		return err
	}
	if asJSON {
		return printJSON(s.out, a)
	}
	return tellAccount(s.out, &a)
}

type accountSecretCommand struct {
	hubFlags
	Name    string        `arg:"" help:"Name of the account."`
	Overlap time.Duration `help:"How long the secrets before it are still taken; 0 ends them, and every token given for them, at once." default:"24h"`
	Out     string        `help:"File to make for the secret, readable by its owner alone, instead of printing it. Nothing is overwritten." type:"path" placeholder:"FILE"`
	JSON    bool          `help:"Print JSON, for programs."`
}

// Validate implements kong's hook.
func (c *accountSecretCommand) Validate() error {
	if c.Overlap < 0 || c.Overlap%time.Second != 0 {
		return fmt.Errorf("--overlap is %s; give whole seconds, 0 or more", c.Overlap)
	}
	return nil
}

// Run makes the secret. The file is made before it, so that there is a place for what is told only once.
func (c *accountSecretCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	if c.Out == "" {
		made, err := hub.NewSecret(ctx, c.Name, c.Overlap)
		if err != nil {
			return err
		}
		return c.tell(s, &made)
	}
	file, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("--out cannot be made: %w\n  No secret was made", err)
	}
	made, err := hub.NewSecret(ctx, c.Name, c.Overlap)
	if err != nil {
		_ = file.Close()
		return errors.Join(err, os.Remove(c.Out))
	}
	_, err = fmt.Fprintln(file, made.ClientSecret)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("the secret %s is made, and could not be written: %w\n  Make another one", made.ID, err)
	}
	made.ClientSecret = ""
	return c.tell(s, &made)
}

// tell prints the secret alone, for a program to take, and the rest for the person.
func (c *accountSecretCommand) tell(s *streams, made *client.NewSecret) error {
	if c.JSON {
		return printJSON(s.out, made)
	}
	if c.Out != "" {
		fmt.Fprintf(s.err, "The secret of %s is in %s.\n", c.Name, c.Out)
		return nil
	}
	fmt.Fprintf(s.err, "The new secret of %s, told this once:\n", c.Name)
	_, err := fmt.Fprintln(s.out, made.ClientSecret)
	return err
}
