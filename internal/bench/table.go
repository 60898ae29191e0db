package bench

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes a figure as one line.
func JSON(w io.Writer) func(Figure) {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return func(f Figure) { _ = encoder.Encode(f) } // a reader that has gone needs no more lines
}

// Table writes figures for people, a line for each as soon as it is known.
func Table(w io.Writer) func(Figure) {
	begun := false
	return func(f Figure) {
		if !begun {
			fmt.Fprintf(w, columns, "figure", "hub", "ceiling", "ratio", "aim", "")
			begun = true
		}
		if f.Error != "" {
			fmt.Fprintf(w, columns, f.Name, "-", "-", "-", f.Aim, "failed: "+f.Error)
		} else {
			fmt.Fprintf(w, columns, f.Name, number(f.Value), number(f.Ceiling), fmt.Sprintf("%.2f", f.Ratio), f.Aim, f.remarks())
		}
	}
}

// columns are fixed, so that a line need not wait for those after it.
const columns = "%-12s %10s %10s %6s %8s  %s\n"

func number(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// remarks are what the columns have no room for.
func (f *Figure) remarks() string {
	text := f.Unit
	if !f.Met {
		text += ", misses the aim"
	}
	if f.Ceiling2 > 0 {
		text += fmt.Sprintf(", %.2f of the channel's own client (%s)", f.Ratio2, number(f.Ceiling2))
	}
	switch {
	case f.CPU > 0 && f.CeilingCPU > 0:
		text += fmt.Sprintf(", %.1f µs of CPU against %.1f", f.CPU, f.CeilingCPU)
	case f.CPU > 0:
		text += fmt.Sprintf(", %.1f µs of CPU", f.CPU)
	}
	if f.StoreCPU > 0 {
		text += fmt.Sprintf(", PostgreSQL %.1f", f.StoreCPU)
	}
	if f.PublisherCPU > 0 {
		text += fmt.Sprintf(", publisher %.1f", f.PublisherCPU)
	}
	if f.ReceiverCPU > 0 {
		text += fmt.Sprintf(", receiver %.1f", f.ReceiverCPU)
	}
	if f.P99 > 0 {
		text += fmt.Sprintf(" (p50), p99 %s against %s: %.2f", number(f.P99), number(f.P99Ceiling), f.P99Ratio)
	}
	if f.Pending == 0 && f.PeakMiB > 0 {
		text += fmt.Sprintf(", at most %.0f MiB", f.PeakMiB)
	}
	if f.Pending > 0 {
		text += fmt.Sprintf(", %d pending, at most %.0f MiB", f.Pending, f.PeakMiB)
	}
	if f.Retried > 0 {
		text += fmt.Sprintf(", %d retried", f.Retried)
	}
	return text
}
