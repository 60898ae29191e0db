package config

import (
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"
)

// check holds the settings against the rules that take more than one value to see, and reports all they break.
func (l *loading) check() {
	c := &l.config
	l.require(c.Data != "", "data", "required", "name a directory")
	l.require(c.Environment != "", "environment", "required", "say what this installation is, such as PROD")
	l.require(c.InFlight >= 1, "in-flight", "range", "must be 1 or more")
	l.require(c.MaxEvent >= 1<<10 && c.MaxEvent <= 64<<20, "max-event", "range", "must be between 1KiB and 64MiB")
	l.require(c.ReceiptHours >= 1 && c.ReceiptHours <= 30*24, "receipt-hours", "range", "must be between 1 and 720, for which receipts are kept")
	l.require(c.Operator == "" || isAddress(c.Operator), "operator", "mail", "is not a bare mail address")
	traces := c.Traces.URL
	l.require(traces == nil || traces.Scheme == "http" || traces.Scheme == "https", "traces", "url", "must begin with http:// or https://")
	l.checkStore()
	l.checkProxy()
	l.checkSMTP()
	l.checkAccess()
	l.checkListeners()
}

func (l *loading) require(holds bool, path, rule, message string) {
	if !holds {
		l.violate(path, rule, message)
	}
}

func isAddress(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text
}

func (l *loading) checkStore() {
	l.require(l.config.StorePassword.File == "" || l.config.Store != StoreURL{}, "store-password-file", "alone", "needs a store")
	if node := l.config.Node.URL; node.URL != nil {
		l.require(node.Scheme == "https" || node.Scheme == "http", "node.url", "url", "must begin with https:// or http://")
	}
}

func (l *loading) checkProxy() {
	proxy, password := l.config.EgressProxy, l.config.EgressProxyPassword
	named := proxy.URL != nil && proxy.User != nil
	if proxy.URL != nil {
		l.require(proxy.Scheme == "http" && (proxy.Path == "" || proxy.Path == "/") && proxy.RawQuery == "" && proxy.Hostname() != "",
			"egress-proxy", "url", "must be of the form http://host:port or http://user@host:port")
	}
	l.require(password.File == "" || named, "egress-proxy-password-file", "alone", "needs a user in egress-proxy: http://user@host:port")
}

func (l *loading) checkSMTP() {
	s := &l.config.SMTP
	if s.Host == "" {
		return
	}
	from, err := mail.ParseAddress(s.From)
	ascii := err == nil && strings.IndexFunc(from.Address, func(r rune) bool { return r > '~' }) < 0
	l.require(ascii, "smtp.from", "mail", "is not a mail address in ASCII; without a sender no mail can be sent")
	l.require(!strings.ContainsAny(s.Host, "\r\n /"), "smtp.host", "host", "is not a host name")
	l.require(s.Port >= 1 && s.Port <= 65535, "smtp.port", "range", "must be between 1 and 65535")
	l.require(s.User == "" || s.TLS != "none", "smtp.tls", "secure", "must not be none where there is a user: a password is not sent without encryption")
	l.require((s.User == "") == (s.Password.File == ""), "smtp.password-file", "user", "goes with smtp.user: give both or neither")
}

func (l *loading) checkListeners() {
	c := &l.config
	if c.SFTP.Listen != "" {
		_, _, err := net.SplitHostPort(c.SFTP.Listen)
		l.require(err == nil, "sftp.listen", "address", "want a host and a port, such as :2222")
		l.require(!c.NoAccess, "sftp.listen", "access", "goes against no-access: by SFTP everyone logs in")
	}
	if len(c.Listeners) == 0 {
		l.checkAddress("listen", &Listener{Address: c.Listen})
	} else if origin(l.origins, "listen") != "" {
		l.violate("listen", "either", "goes against listeners: give one of the two")
	}
	if c.OperateListen != "" {
		l.checkAddress("operate-listen", &Listener{Address: c.OperateListen})
	}
	for i := range c.Listeners {
		l.checkListener(element("listeners", i), &c.Listeners[i])
		for j := range i {
			if c.Listeners[j].Address == c.Listeners[i].Address && !strings.HasSuffix(c.Listeners[i].Address, ":0") {
				l.violate(element("listeners", i)+".address", "repeated", "another listener has it already")
			}
		}
	}
}

func (l *loading) checkListener(path string, n *Listener) {
	l.checkAddress(path+".address", n)
	l.require(len(n.Faces) > 0, path+".faces", "required", "say what is answered: "+strings.Join(Faces(), ", "))
	for _, name := range n.Names {
		l.require(isHost(name), path+".names", "host", "must be host names or addresses without a port")
	}
	for i, certificate := range n.Certificates {
		l.require(certificate.Chain != "" && certificate.Key != "", element(path+".certificates", i), "required", "name both chain and key")
	}
	l.require(len(n.Certificates) == 0 || len(n.TrustedProxies) == 0, path+".trusted-proxies", "either",
		"goes against certificates: a listener ends TLS itself, or stands behind proxies that do")
	l.checkClient(path, n)
	l.require(n.MaxConnections >= 1, path+".max-connections", "range", "must be 1 or more")
	l.require(n.MaxHeader >= 4<<10 && n.MaxHeader <= 1<<20, path+".max-header", "range", "must be between 4KiB and 1MiB")
}

func (l *loading) checkClient(path string, n *Listener) {
	asks := n.Client.Certificate != "none"
	l.require(asks == (n.Client.CA != ""), path+".client.ca", "client", "goes with client.certificate optional or required: give both or neither")
	l.require(!asks || len(n.Certificates)+len(n.TrustedProxies) > 0, path+".client.certificate", "client",
		"needs certificates of its own, or trusted-proxies that pass the client's on")
	l.require(asks || n.Pull == "" || n.Pull == "password" || !slices.Contains(n.Faces, "pull"), path+".pull", "client",
		"needs client.certificate optional or required, or password")
	l.require(n.Client.Certificate != "required" || !slices.Contains(n.Faces, "node"), path+".client.certificate", "node",
		"must not be required where node is answered: nodes know each other by the hub's secrets. Give node a listener of its own")
}

func (l *loading) checkAccess() {
	c := &l.config
	if public := c.PublicURL.URL; public != nil {
		web := public.Scheme == "https" || public.Scheme == "http"
		l.require(web && public.User == nil && public.RawQuery == "" && public.Fragment == "", "public-url", "url",
			"must be of the form https://hub.example, without user, query or fragment")
	}
	l.require(c.RateLimit >= 1, "rate-limit", "range", "must be 1 or more")
	for i := range c.Issuers {
		l.checkGrants(element("issuers", i), c.Issuers[i].Roles)
	}
	for i := range c.SignIn.Providers {
		p := &c.SignIn.Providers[i]
		path := element("sign-in.providers", i)
		l.checkGrants(path, p.Roles)
		// Principals are called by the name: it must mean one authority.
		l.require(!slices.ContainsFunc(c.Issuers, func(other Issuer) bool { return other.Name == p.Name && other.URL != p.URL }),
			path+".name", "unique", "is the name of another in issuers")
	}
}

func (l *loading) checkGrants(path string, grants []Grant) {
	for k, grant := range grants {
		l.require(grant.Value != "", element(path+".roles", k)+".value", "required", "name a value of the claim")
		l.require(!slices.ContainsFunc(grants[:k], func(g Grant) bool { return g.Value == grant.Value }),
			element(path+".roles", k)+".value", "repeated", "stands there twice")
	}
}

// checkAddress refuses what cannot be listened on, or not so.
func (l *loading) checkAddress(path string, n *Listener) {
	_, port, err := net.SplitHostPort(n.Address)
	number, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || number > 65535 {
		l.violate(path, "address", "must be host and port, such as 127.0.0.1:8080")
		return
	}
	rule, message := n.Exposed(l.config.NoAccess)
	l.require(rule == "", path, rule, message)
}

// Exposed says which rule a listener breaks that other machines can reach, and how to mend it; rule is empty when it
// breaks none. Tokens are never shown to everyone on the way: beyond this machine a listener has TLS, its own or a
// proxy's. And nobody from elsewhere goes unasked, be it through a proxy or because a web page in a browser of this machine
// calls it by a name of its own.
func (n *Listener) Exposed(noAccess bool) (rule, message string) {
	host, _, _ := net.SplitHostPort(n.Address)
	beyond := !IsLoopback(host)
	named := slices.ContainsFunc(n.Names, func(name string) bool { return !IsLoopback(name) })
	switch {
	case noAccess && (beyond || named || len(n.TrustedProxies) > 0):
		return "no-access", "can be reached from other machines, and no-access is for this machine alone: " +
			"whoever reaches the hub could read and change everything. Leave out no-access, or listen on 127.0.0.1"
	case beyond && len(n.Certificates)+len(n.TrustedProxies) == 0:
		return "plain", "can be reached from other machines by plain HTTP, and so can everyone on the way read the tokens. " +
			"List a listener with certificates, or with the trusted-proxies that speak TLS for it; or listen on 127.0.0.1"
	}
	return "", ""
}

// IsLoopback reports whether a host, as one listens on or asks for it, is this machine alone.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func isHost(name string) bool {
	if net.ParseIP(name) != nil {
		return true
	}
	letter := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-'
	}
	return len(name) <= 253 && !slices.ContainsFunc(strings.Split(name, "."), func(label string) bool {
		return label == "" || len(label) > 63 || strings.ContainsFunc(label, func(r rune) bool { return !letter(r) })
	})
}
