package chaos

import (
	"fmt"
	"sync"
)

// faults are the promises that were broken.
type faults struct {
	mu    sync.Mutex
	count int
	texts []string // the first ones
}

// mostTexts of faults are told; the others are counted.
const mostTexts = 20

func (f *faults) add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count++; len(f.texts) < mostTexts {
		f.texts = append(f.texts, fmt.Sprintf(format, args...))
	}
}

func (f *faults) told() (count int, texts []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count, f.texts
}
