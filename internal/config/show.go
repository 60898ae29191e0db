package config

import (
	"fmt"
	"io"
	"reflect"
	"text/tabwriter"
)

// Show writes every setting with its value and where that came from. Of secrets it names the file.
func (l *Loaded) Show(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range settings(reflect.ValueOf(&l.Config).Elem(), "") {
		text := f.text()
		if text == "" {
			text = "-"
		} else if _, secret := f.value.Interface().(Secret); secret {
			text = "(what " + text + " holds)"
		}
		from := l.origins[f.path]
		if from == "" {
			from = "default"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.path, text, from)
	}
	return table.Flush()
}
