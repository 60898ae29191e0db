package grunddata

import "github.com/varselhub/varsel/internal/event"

// ByTemplate writes a message by its version's template alone.
func ByTemplate(dst []byte, form Form, version *event.Compiled, e *event.Event) ([]byte, bool) {
	return templateOf(version).append(dst, form, e)
}
