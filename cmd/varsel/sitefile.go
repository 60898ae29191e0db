package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/varselhub/varsel/client"
)

// mostNodes bounds what a file may unfold to: a list that names itself ten times, ten times over, is no site.
const mostNodes = 200_000

// readSite reads a site from JSON or YAML, of which JSON is a part. What it does not know is refused: a name that is
// misspelt would take away what it stands for.
func readSite(text []byte, site *client.Site) error {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return err
	}
	if len(document.Content) == 0 {
		return errors.New("it is empty")
	}
	left := mostNodes
	value, err := plain(document.Content[0], &left)
	if err != nil {
		return err
	}
	if text, err = json.Marshal(value); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(site)
}

// plain is a part of a YAML document as JSON has it: names and dates are text, as they are written.
func plain(n *yaml.Node, left *int) (any, error) {
	if *left--; *left < 0 {
		return nil, errors.New("it unfolds to more than a site can be")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return plain(n.Alias, left)
	case yaml.MappingNode:
		members := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			if _, twice := members[name]; twice {
				return nil, fmt.Errorf("line %d: %s is there twice", n.Content[i].Line, name)
			}
			value, err := plain(n.Content[i+1], left)
			if err != nil {
				return nil, err
			}
			members[name] = value
		}
		return members, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, one := range n.Content {
			value, err := plain(one, left)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	}
	switch n.ShortTag() {
	case "!!bool", "!!int", "!!float", "!!null":
		var value any
		err := n.Decode(&value)
		return value, err
	}
	return n.Value, nil
}

// siteText writes a site so that a person can change it.
func siteText(site *client.Site, asYAML bool) ([]byte, error) {
	text, err := json.MarshalIndent(site, "", "  ")
	if err != nil || !asYAML {
		return append(text, '\n'), err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	unfold(&document)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

// unfold writes everything in lines of its own, and quotes only what must be.
func unfold(n *yaml.Node) {
	n.Style = 0
	for _, one := range n.Content {
		unfold(one)
	}
}
