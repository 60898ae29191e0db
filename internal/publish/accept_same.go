package publish

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gowebpki/jcs"

	"github.com/varselhub/varsel/internal/event"
)

// Same reports whether two events with one source and id have the same content, so that the second is a repeat of the
// first and not a conflict (promise 1): type, key, organisation and data. Data that is JSON is compared in its canonical
// form (RFC 8785), other data byte for byte.
func Same(a, b *event.Event) bool {
	return a.Type == b.Type && key(a) == key(b) && a.Organisation == b.Organisation && sameData(a, b)
}

// key is the lane that comes of a key. An unordered event has none, although the log gives it a lane of its own.
func key(e *event.Event) event.Lane {
	if e.Lane == event.Alone(e.Position) {
		return event.Lane{}
	}
	return e.Lane
}

func sameData(a, b *event.Event) bool {
	if bytes.Equal(a.Data, b.Data) {
		return true
	}
	if len(a.Data) == 0 || len(b.Data) == 0 || !event.IsJSON(a.MediaType) || !event.IsJSON(b.MediaType) || !exact(a.Data) || !exact(b.Data) {
		return false
	}
	one, err := jcs.Transform(a.Data)
	if err != nil {
		return false
	}
	other, err := jcs.Transform(b.Data)
	return err == nil && bytes.Equal(one, other)
}

// exact reports whether every number of the data survives as the double that RFC 8785 makes of it. Where one does not,
// two different numbers could look the same, so such data is compared byte for byte.
func exact(data []byte) bool {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))
	for {
		token, err := decoder.ReadToken()
		if err != nil {
			return true // the end; Accept has refused what is not JSON
		}
		if token.Kind() == '0' && !exactNumber(token.String()) {
			return false
		}
	}
}

func exactNumber(text string) bool {
	double, err := strconv.ParseFloat(text, 64)
	return err == nil && digits(strconv.FormatFloat(double, 'e', -1, 64)) == digits(text)
}

// digits returns the digits of a number that say what it is, whatever its magnitude.
func digits(number string) string {
	mantissa, _, _ := strings.Cut(strings.ToLower(number), "e")
	mantissa = strings.ReplaceAll(strings.TrimPrefix(mantissa, "-"), ".", "")
	return strings.Trim(mantissa, "0")
}
