package config

import (
	_ "embed"
	"fmt"
	"io"
	"reflect"
	"strings"
)

//go:embed example.yaml
var example string

// Docs writes docs/configuration.md.
func Docs(w io.Writer) error {
	var page strings.Builder
	page.WriteString(preface)
	page.WriteString("\n```yaml\n" + example + "```\n")
	defaults := Config{Listeners: []Listener{{Certificates: make([]Certificate, 1)}}, Issuers: []Issuer{{Roles: make([]Grant, 1)}},
		SignIn: SignIn{Providers: []Provider{{Roles: make([]Grant, 1)}}}}
	for _, group := range []any{&defaults, &defaults.Listeners[0], &defaults.Issuers[0], &defaults.SignIn.Providers[0]} {
		if err := fill(reflect.ValueOf(group).Elem()); err != nil {
			return err
		}
	}
	page.WriteString("\n## Settings\n\n| In the file | As a flag · in the environment | Kind, default | Meaning |\n|---|---|---|---|\n")
	for _, f := range single(&defaults) {
		fmt.Fprintf(&page, "| `%s` | `--%s` · `%s` | %s | %s |\n", f.path, f.flag(), f.env(), f.kindAndDefault(), f.tag.Get("help"))
	}
	for _, list := range []struct{ title, about, path string }{
		{"Listeners", aboutListeners, "listeners"}, {"Issuers", aboutIssuers, "issuers"}, {"Providers", aboutProviders, "sign-in.providers"},
	} {
		page.WriteString("\n## " + list.title + "\n\n" + list.about + "\n| In the file | Kind, default | Meaning |\n|---|---|---|\n")
		for _, f := range settings(reflect.ValueOf(&defaults).Elem(), "") {
			if strings.HasPrefix(f.path, list.path+"[") {
				fmt.Fprintf(&page, "| `%s` | %s | %s |\n", strings.ReplaceAll(f.path, "[0]", "[]"), f.kindAndDefault(), f.tag.Get("help"))
			}
		}
	}
	_, err := io.WriteString(w, page.String())
	return err
}

func (f *field) kindAndDefault() string {
	if text := f.tag.Get("default"); text != "" {
		return f.kind() + ", `" + text + "`"
	}
	return f.kind()
}

const preface = `# Configuration

Made by ` + "`varsel config docs`" + ` from the code; ` + "`make docs`" + ` writes it anew.

A setting has one name. ` + "`smtp.host`" + ` in the file is ` + "`--smtp-host`" + ` as a flag and ` + "`VARSEL_SMTP_HOST`" + ` in the environment. A flag wins
over the environment, the environment over the file, the file over the default; a list replaces a list as a whole.

The file is YAML, named by ` + "`--config FILE`" + ` or ` + "`VARSEL_CONFIG`" + `; without one, none is read. Values are read by the setting's
own kind: a time is written 500ms, 10s or 2m, a size 512, 64KiB or 1MiB, a range of addresses 10.1.0.0/16. A key the hub does
not know is refused, with its line and the nearest name; so are anchors. Everything that is wrong is said at once.

Secrets are never given themselves: their settings name files, and what these hold is not shown by anything.

- ` + "`varsel config check --config FILE`" + ` says everything that would keep the hub from starting, its certificates included.
- ` + "`varsel config show --config FILE`" + ` lists every setting with its value and where that came from.

Both take the flags of ` + "`varsel serve`" + ` too. An example:
`

const aboutListeners = `Each entry of ` + "`listeners`" + ` is one address. It ends TLS itself, or stands behind proxies that do. The headers by which a
proxy says who the client is (Client-Cert, Client-Cert-Chain, Forwarded, X-Forwarded-*, X-Real-IP) are believed only from
` + "`trusted-proxies`" + `, and in every case taken off before anything else sees the request.

An address that other machines can reach is refused without certificates or trusted proxies: everyone on the way could read the
tokens. With ` + "`no-access`" + ` every listener stays on this machine's own addresses and names, and behind no proxy.
`

const aboutIssuers = `Each entry of ` + "`issuers`" + ` is someone else whose access tokens are taken; [access.md](access.md) shows one.
`

const aboutProviders = `Each entry of ` + "`sign-in.providers`" + ` is an OpenID Connect provider where people may sign in; [access.md](access.md#people) shows one.
`
