package account

import "strings"

// Claims says what the claims of somebody else's tokens mean here. Pointers are JSON Pointers to a text or a list of
// texts, such as /roles or /realm_access/roles; "": there is no such claim.
type Claims struct {
	Roles   string          // pointer to what says the roles
	Meaning map[string]Role // of its values; others mean nothing
	Systems string          // pointer to the names of a subscriber's systems
	Sources string          // pointer to the names of a source's sources
	Sites   string          // pointer to the slugs of a site-editor's sites
}

// Principal is who comes with the claims.
func (c *Claims) Principal(name string, by Method, claims map[string]any) *Principal {
	p := &Principal{Name: name, Method: by, Systems: texts(claims, c.Systems), Sources: texts(claims, c.Sources), Sites: texts(claims, c.Sites)}
	for _, value := range texts(claims, c.Roles) {
		if role, known := c.Meaning[value]; known && !p.Has(role) {
			p.Roles = append(p.Roles, role)
		}
	}
	return p
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~") // RFC 6901 section 4

// texts reads the claim at a pointer: a list of texts, or one text whose words they are, as in scope. What is neither
// means nothing.
func texts(claims map[string]any, pointer string) (list []string) {
	if pointer == "" {
		return nil
	}
	var value any = claims
	for _, step := range strings.Split(pointer[1:], "/") {
		members, _ := value.(map[string]any)
		value = members[unescape.Replace(step)]
	}
	switch value := value.(type) {
	case string:
		return strings.Fields(value)
	case []any:
		for _, member := range value {
			if text, ok := member.(string); ok {
				list = append(list, text)
			}
		}
	}
	return list
}
