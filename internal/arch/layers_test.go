package arch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// layer is one floor of the house (DESIGN section 4). Imports go downwards only.
type layer struct {
	name     string
	packages []string // each with everything below it, unless a longer entry of another layer says otherwise
	may      []string // the layers it imports from, besides itself where peers allows
	peers    bool     // packages of the layer may import each other
}

var layers = []layer{
	{
		name: "foundation", peers: true,
		packages: []string{"internal/fault", "internal/ident", "internal/clock", "internal/secret", "internal/netguard",
			"internal/config", "internal/telemetry", "internal/signature", "internal/brokerlink", "internal/exchange"},
	},
	{
		name: "noun", may: []string{"foundation"}, peers: true,
		packages: []string{"internal/event", "internal/geo", "internal/subscription", "internal/filter", "internal/revision", "internal/profile",
			"internal/register", "internal/grunddata", "internal/status", "internal/playbook", "internal/account", "internal/audit",
			"internal/channel", "internal/envelope"},
	},
	{
		name: "log", may: []string{"foundation", "noun"},
		packages: []string{"internal/eventlog"},
	},
	{
		// Verbs do not import each other: each declares the small interface it needs, and app joins them.
		name: "verb", may: []string{"foundation", "noun", "log"},
		packages: []string{"internal/publish", "internal/delivery", "internal/notify", "internal/monitor",
			"internal/retention", "internal/receipt", "internal/extract", "internal/manage", "internal/search", "internal/node", "internal/intake", "internal/deposit"},
	},
	{
		name: "public", may: []string{"foundation", "noun"},
		packages: []string{"client", "receive"},
	},
	{
		// What people outside would write.
		name: "example", may: []string{"public"},
		packages: []string{"examples"},
	},
	{
		// Adapters know nouns and verbs, never each other; a family may share its parent (web/api and web).
		name: "adapter", may: []string{"foundation", "noun", "log", "verb", "public"},
		packages: []string{"internal/web", "internal/ingest", "internal/envelope/", "internal/channel/", "internal/store"},
	},
	{
		name: "app", may: []string{"foundation", "noun", "log", "verb", "public", "adapter"},
		packages: []string{"internal/app"},
	},
	{
		// The other side of the wire, and the way there and from there: what the programs below are made with.
		name: "receiver", may: []string{"foundation", "noun", "public"},
		packages: []string{"internal/listen", "internal/probe", "internal/siteimport"},
	},
	{
		// Other people's programs, started as processes: what the programs below, and tests, measure and disturb hubs over.
		name: "process", may: []string{"foundation", "adapter"}, peers: true,
		packages: []string{"internal/pgserver", "internal/fleet"},
	},
	{
		// What a command does besides serving; each a program of its own.
		name: "program", may: []string{"foundation", "noun", "log", "verb", "public", "example", "adapter", "app", "receiver", "process"},
		packages: []string{"internal/demo", "internal/bench", "internal/chaos", "internal/export"},
	},
	{
		name: "command", may: []string{"foundation", "noun", "log", "verb", "public", "adapter", "app", "receiver", "process", "program"},
		packages: []string{"cmd", "scripts"},
	},
	{
		// Support of tests: imports what it likes and is imported by test files only.
		name: "test", may: []string{"foundation", "noun", "log", "verb", "public", "adapter", "app", "receiver", "process", "program"}, peers: true,
		packages: []string{"internal/arch", "internal/oracle", "internal/browsertest", "internal/store/storetest", "internal/store/movetest", "internal/store/pgtest", "internal/channel/channeltest", "internal/channel/odata/odatatest",
			"internal/manage/managetest", "internal/web/api/apitest", "internal/brokertest", "internal/status/statustest", "internal/web/site/sitetest"},
	},
}

// exception is an import that the layers forbid and that is allowed all the same.
type exception struct{ from, to, reason string }

var exceptions = []exception{
	{"internal/web/atlas", "examples/registers/municipalities", "the outlines that maps are drawn over are there once, as data: there is no code in that package"},
}

func TestImportsGoDownwards(t *testing.T) {
	t.Parallel()
	report(t, importRule(layers, exceptions, tree(t)))
}

// importRule finds imports that do not go downwards, packages in no layer and exceptions that nothing needs.
func importRule(layers []layer, exceptions []exception, packages []Package) []string {
	var broken []string
	used := map[exception]bool{}
	for _, p := range packages {
		from := layerOf(layers, p.Path)
		if from == nil {
			broken = append(broken, p.Path+" is in no layer: add it to the table in internal/arch")
			continue
		}
		for _, path := range p.Imports {
			to := layerOf(layers, path)
			if to == nil || allowed(from, to, p.Path, path) {
				continue // a package in no layer is reported once, by itself
			}
			if at := slices.IndexFunc(exceptions, func(e exception) bool { return e.from == p.Path && e.to == path }); at >= 0 {
				used[exceptions[at]] = true
				continue
			}
			broken = append(broken, fmt.Sprintf("%s (%s) imports %s (%s)", p.Path, from.name, path, to.name))
		}
	}
	for _, e := range exceptions {
		if !used[e] {
			broken = append(broken, fmt.Sprintf("the exception %s -> %s is not needed any more", e.from, e.to))
		}
	}
	return broken
}

func allowed(from, to *layer, fromPath, toPath string) bool {
	if from != to {
		return slices.Contains(from.may, to.name)
	}
	return from.peers || below(fromPath, toPath) || below(toPath, fromPath)
}

func below(path, parent string) bool { return strings.HasPrefix(path, parent+"/") }

// layerOf returns the layer with the longest entry that path is or lies below; an entry that ends in a slash holds
// only what lies below it.
func layerOf(layers []layer, path string) *layer {
	var found *layer
	longest := 0
	for i := range layers {
		for _, entry := range layers[i].packages {
			matches := path == entry || strings.HasPrefix(path, strings.TrimSuffix(entry, "/")+"/")
			if matches && len(entry) > longest {
				found, longest = &layers[i], len(entry)
			}
		}
	}
	return found
}

// report fails the test once for each broken rule.
func report(t *testing.T, broken []string) {
	t.Helper()
	for _, text := range broken {
		t.Error(text)
	}
}
