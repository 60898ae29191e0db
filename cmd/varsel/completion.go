package main

import (
	_ "embed" // the scripts
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/varselhub/varsel/internal/audit"
)

// completionCommand prints what a shell needs to complete command lines. The scripts ask the program itself, by
// completeCommand, so that they never grow old.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

var (
	//go:embed completion.bash
	bashCompletion string
	//go:embed completion.zsh
	zshCompletion string
	//go:embed completion.fish
	fishCompletion string
)

// Run prints the script.
func (c *completionCommand) Run(s *streams) error {
	script := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
	_, err := io.WriteString(s.out, script)
	return err
}

// completeCommand is what the scripts ask: the words of a command line so far, the last one unfinished.
type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints what the last word can become, one a line: the word, and behind a tab what it is; or filesComplete alone.
func (c *completeCommand) Run(s *streams, parsed *kong.Context) error {
	for _, candidate := range completed(parsed.Model.Node, c.Words) {
		line := candidate.word
		if candidate.help != "" {
			line += "\t" + candidate.help
		}
		if _, err := fmt.Fprintln(s.out, line); err != nil {
			return err
		}
	}
	return nil
}

// candidate is a word that may stand there.
type candidate struct{ word, help string }

// filesComplete says that the names of files may stand there, which the shell knows better.
const filesComplete = ":files"

// completed walks the words down the commands and returns what the last one can become.
func completed(at *kong.Node, words []string) []candidate {
	words = rejoined(words)
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	var waiting *kong.Flag // for its value
	arguments := 0
	for _, word := range words[:len(words)-1] {
		switch {
		case waiting != nil:
			waiting = nil
		case strings.HasPrefix(word, "-") && word != "-":
			name, _, hasValue := strings.Cut(strings.TrimLeft(word, "-"), "=")
			if flag := flagOf(at, name); flag != nil && !hasValue && takesValue(flag) {
				waiting = flag
			}
		default:
			if child := childOf(at, word); child != nil {
				at, arguments = child, 0
			} else {
				arguments++
			}
		}
	}
	switch name, value, hasValue := strings.Cut(strings.TrimLeft(last, "-"), "="); {
	case waiting != nil:
		return starting(last, values(waiting.Value), "")
	case strings.HasPrefix(last, "-") && hasValue:
		flag := flagOf(at, name)
		if flag == nil {
			return nil
		}
		return starting(value, values(flag.Value), "--"+name+"=")
	case strings.HasPrefix(last, "-"):
		return starting(last, flags(at), "")
	}
	return starting(last, append(children(at), argument(at, arguments)...), "")
}

// rejoined puts together what bash takes for three words: --flag, =, value.
func rejoined(words []string) []string {
	var whole []string
	for i, word := range words {
		switch {
		case len(whole) > 0 && strings.HasPrefix(whole[len(whole)-1], "--") && word == "=":
			whole[len(whole)-1] += "="
		case i > 0 && words[i-1] == "=" && len(whole) > 0 && strings.HasSuffix(whole[len(whole)-1], "="):
			whole[len(whole)-1] += word
		default:
			whole = append(whole, word)
		}
	}
	return whole
}

// starting are the candidates that begin as what is there. Files are the shell's to choose among, where they stand alone.
func starting(with string, all []candidate, before string) []candidate {
	var list []candidate
	for _, c := range all {
		if c.word == filesComplete && before == "" || strings.HasPrefix(c.word, with) && c.word != filesComplete {
			list = append(list, candidate{before + c.word, c.help})
		}
	}
	return list
}

func childOf(at *kong.Node, name string) *kong.Node {
	for _, child := range at.Children {
		if child.Name == name && !child.Hidden {
			return child
		}
	}
	return nil
}

func children(at *kong.Node) []candidate {
	var list []candidate
	for _, child := range at.Children {
		if !child.Hidden {
			list = append(list, candidate{child.Name, firstSentence(child.Help)})
		}
	}
	return list
}

func flags(at *kong.Node) []candidate {
	var list []candidate
	for _, group := range at.AllFlags(true) {
		for _, flag := range group {
			list = append(list, candidate{"--" + flag.Name, firstSentence(flag.Help)})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int { return strings.Compare(a.word, b.word) })
	return list
}

func flagOf(at *kong.Node, name string) *kong.Flag {
	for _, group := range at.AllFlags(true) {
		for _, flag := range group {
			if flag.Name == name || name != "" && string(flag.Short) == name {
				return flag
			}
		}
	}
	return nil
}

func takesValue(flag *kong.Flag) bool { return !flag.IsBool() && !flag.IsCounter() }

// argument is what the positional argument after so many others can be.
func argument(at *kong.Node, before int) []candidate {
	if before >= len(at.Positional) {
		return nil
	}
	return values(at.Positional[before])
}

// values are those that a flag or argument can have, where they are few or files.
func values(v *kong.Value) []candidate {
	var list []candidate
	switch {
	case v.Tag.Get("values") == "acts":
		for _, act := range audit.Acts() {
			list = append(list, candidate{string(act), ""})
		}
	case v.Enum != "":
		for _, word := range strings.Split(v.Enum, ",") {
			if word = strings.TrimSpace(word); word != "" {
				list = append(list, candidate{word, ""})
			}
		}
	case slices.Contains([]string{"path", "existingfile", "existingdir"}, v.Tag.Type), slices.Contains([]string{"FILE", "DIR"}, v.Tag.PlaceHolder):
		list = []candidate{{filesComplete, ""}}
	}
	return list
}

// firstSentence is enough beside a word.
func firstSentence(text string) string {
	sentence, _, _ := strings.Cut(text, ". ")
	return strings.TrimSuffix(sentence, ".")
}
