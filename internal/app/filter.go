package app

import (
	"os"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/filter"
)

// municipalities reads the outlines that filters may name by code; of no file, nil.
func municipalities(file string) (func(code string) (wkt string, found bool), error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Wrap(fault.Configuration, err, "municipalities: the file cannot be read")
	}
	all, err := filter.ReadMunicipalities(text)
	if err != nil {
		return nil, fault.Wrap(fault.Configuration, err, "municipalities: %s", fault.Of(err).Detail)
	}
	return all.Outline, nil
}
