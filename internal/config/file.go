package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the configuration file and the files of secrets, in bytes.
const maxFile = 1 << 20

// file reads a configuration file into the settings it names.
type file struct {
	name    string
	loading *loading
}

func (l *loading) readFile(name string) {
	text, err := readFile(name)
	if err != nil {
		l.refuse(name, "file", "cannot be read: "+reason(err))
		return
	}
	f := file{name, l}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return // an empty file sets nothing
	case err != nil:
		l.refuse(name, "yaml", "is not YAML: "+strings.TrimPrefix(err.Error(), "yaml: "))
		return
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		l.refuse(name, "yaml", "must be one YAML document; take out the line ---")
	}
	f.group(document.Content[0], reflect.ValueOf(&l.config).Elem(), "")
}

func (f *file) at(n *yaml.Node) string { return fmt.Sprintf("%s:%d", f.name, n.Line) }

func (f *file) refuse(n *yaml.Node, path, rule, message string) {
	where := f.at(n)
	if path != "" {
		where += " " + path
	}
	f.loading.refuse(where, rule, message)
}

// group reads a mapping into a struct, and refuses keys that the struct does not have.
func (f *file) group(n *yaml.Node, into reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		f.refuse(n, path, "type", "must be a mapping: key: value, one a line")
		return
	}
	known := fields(into, path)
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := joined(path, key.Value)
		if seen[at] {
			f.refuse(key, at, "repeated", "stands there twice")
			continue
		}
		seen[at] = true
		found := false
		for j := range known {
			if known[j].path == at {
				found = true
				f.take(value, &known[j])
			}
		}
		if !found {
			f.refuse(key, at, "unknown", "there is no such setting"+f.suggest(key.Value, known))
		}
	}
}

func (f *file) suggest(name string, known []field) string {
	var names []string
	for i := range known {
		names = append(names, known[i].path[strings.LastIndexByte(known[i].path, '.')+1:])
	}
	if best := nearest(name, names); best != "" {
		return "; did you mean " + best + "?"
	}
	return "; here are " + strings.Join(names, ", ")
}

// take reads one value into its setting. A key without a value leaves the setting as it was.
func (f *file) take(n *yaml.Node, into *field) {
	switch {
	case n.Kind == yaml.AliasNode:
		f.refuse(n, into.path, "alias", "anchors and aliases are not read; write the value out")
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
	case into.isGroup():
		f.group(n, into.value, into.path)
	case into.isList():
		f.list(n, into)
	default:
		f.setting(n, into)
	}
}

func (f *file) list(n *yaml.Node, into *field) {
	if n.Kind != yaml.SequenceNode {
		f.refuse(n, into.path, "type", "must be a list: each of its entries begins with -")
		return
	}
	f.loading.came(into.path, f.at(n))
	list := reflect.MakeSlice(into.value.Type(), len(n.Content), len(n.Content))
	into.value.Set(list)
	for i, one := range n.Content {
		if err := fill(list.Index(i)); err != nil {
			f.refuse(one, into.path, "default", err.Error())
		}
		f.loading.came(element(into.path, i), f.at(one))
		f.group(one, list.Index(i), element(into.path, i))
	}
}

func (f *file) setting(n *yaml.Node, into *field) {
	err := f.scalar(n, into)
	if err != nil {
		f.refuse(n, into.path, "value", err.Error())
		return
	}
	f.loading.came(into.path, f.at(n))
}

func (f *file) scalar(n *yaml.Node, into *field) error {
	if into.value.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode {
		parts := make([]string, len(n.Content))
		for i, one := range n.Content {
			if one.Kind != yaml.ScalarNode {
				return errors.New("must be a list of plain values")
			}
			parts[i] = one.Value
		}
		return into.setAll(parts)
	}
	if n.Kind != yaml.ScalarNode {
		return errors.New("must be a plain value")
	}
	return into.set(n.Value)
}

func readFile(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errors.New("it is larger than 1 MiB")
	}
	return string(text), err
}

// reason is why a file cannot be used, without its name, which stands before it.
func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
