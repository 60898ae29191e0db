package config

import (
	"reflect"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
)

// Input is where settings come from.
type Input struct {
	File  string   // "": none
	Env   []string // "NAME=value", as os.Environ gives it
	Flags *Config  // as they were parsed; nil: none
	Given []string // names of the flags that were really given, without dashes
}

// Loaded is a configuration that holds, and where each of its values came from.
type Loaded struct {
	Config
	origins map[string]string
}

// Chosen reports whether somebody gave the setting, wherever.
func (l *Loaded) Chosen(path string) bool { return l.origins[path] != "" }

// loading gathers values, origins and violations on the way.
type loading struct {
	config     Config
	origins    map[string]string
	violations []fault.Violation
}

// Load reads the settings: the defaults, then the file, then the environment, then the flags, each over the one before.
// Error: fault.Configuration with every violation there is, each naming where the value stands.
func Load(in Input) (*Loaded, error) {
	l := &loading{origins: map[string]string{}}
	if err := fill(reflect.ValueOf(&l.config).Elem()); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "a default cannot be read")
	}
	if in.File != "" {
		l.readFile(in.File)
	}
	l.readEnv(in.Env)
	if in.Flags != nil {
		l.readFlags(in.Flags, in.Given)
	}
	l.readSecrets()
	l.check()
	if len(l.violations) > 0 {
		return nil, fault.Invalid(fault.Configuration, l.violations)
	}
	return &Loaded{l.config, l.origins}, nil
}

// fields are the settings that can be given one by one: those of lists stand in the file alone.
func single(config *Config) []field {
	return slices.DeleteFunc(settings(reflect.ValueOf(config).Elem(), ""), func(f field) bool { return f.inList() })
}

// readEnv takes the variables that name settings. Others that begin alike are left alone: an orchestrator sets
// VARSEL_PORT and the like for a service of that name.
func (l *loading) readEnv(env []string) {
	values := map[string]string{}
	for _, one := range env {
		if name, value, ok := strings.Cut(one, "="); ok && strings.HasPrefix(name, "VARSEL_") {
			values[name] = value
		}
	}
	for _, f := range single(&l.config) {
		text, ok := values[f.env()]
		if !ok {
			continue
		}
		if err := f.set(text); err != nil {
			l.refuse(f.env(), "value", err.Error())
			continue
		}
		l.came(f.path, f.env())
	}
}

// readFlags takes those that were given; the rest of the struct is the parser's defaults.
func (l *loading) readFlags(flags *Config, given []string) {
	from := single(flags)
	for i, f := range single(&l.config) {
		if slices.Contains(given, f.flag()) {
			f.value.Set(from[i].value)
			l.came(f.path, "--"+f.flag())
		}
	}
}

func (l *loading) readSecrets() {
	for _, f := range settings(reflect.ValueOf(&l.config).Elem(), "") {
		secret, ok := f.value.Addr().Interface().(*Secret)
		if !ok || secret.File == "" {
			continue
		}
		text, err := readFile(secret.File)
		text = strings.TrimRight(text, "\r\n")
		switch {
		case err != nil:
			l.violate(f.path, "secret", "its file cannot be read: "+reason(err))
		case text == "":
			l.violate(f.path, "secret", "its file is empty")
		}
		secret.text = text
	}
}

func (l *loading) came(path, from string) { l.origins[path] = from }

func (l *loading) refuse(where, rule, message string) {
	l.violations = append(l.violations, fault.Violation{Pointer: where, Rule: rule, Message: message})
}

// violate refuses a setting for what it says, and names where that stands.
func (l *loading) violate(path, rule, message string) {
	where := origin(l.origins, path)
	switch {
	case where == "":
		where = path
	case !strings.HasPrefix(where, "--") && !strings.HasPrefix(where, "VARSEL_"):
		where += " " + path
	}
	l.refuse(where, rule, message)
}

// origin is where a setting came from, or else the entry of a list that it is missing in; "" is the default.
func origin(origins map[string]string, path string) string {
	for {
		if where := origins[path]; where != "" {
			return where
		}
		cut := strings.LastIndexAny(path, ".")
		if cut < 0 {
			return ""
		}
		path = path[:cut]
	}
}
