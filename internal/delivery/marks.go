package delivery

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/clock"
)

// Marks know where pages of windows ended that were served.
type Marks interface {
	// Nearest finds the last page before the one that is asked for of which it is known where it ended; 0: there is none.
	Nearest(ctx context.Context, w WindowPage) (page int, end int64, err error)
	// Served notes where a page ended that was full.
	Served(ctx context.Context, w WindowPage, end int64) error
}

// The most that is noted. What is not noted any more is counted.
const (
	mostWindows = 1024
	mostMarks   = 4096 // of one window
)

// marks are those of this process. Of a page that was served twice the earlier end counts: whoever had that one goes on
// there, and the other has some again. They are kept for a day after the window was last asked for.
type marks struct {
	clock   clock.Clock
	mu      sync.Mutex
	windows map[WindowPage]*list.Element // of *marked; their page is 0
	recent  list.List                    // the last that was asked for first
}

// marked is a window with the ends of its pages.
type marked struct {
	window WindowPage
	used   time.Time
	ends   map[int]int64
}

// Nearest implements Marks.
func (m *marks) Nearest(_ context.Context, w WindowPage) (page int, end int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	one := m.find(w)
	if one == nil {
		return 0, 0, nil
	}
	if end, known := one.ends[w.Page-1]; known {
		return w.Page - 1, end, nil
	}
	for n := range one.ends {
		if n < w.Page && n > page {
			page, end = n, one.ends[n]
		}
	}
	return page, end, nil
}

// Served implements Marks.
func (m *marks) Served(_ context.Context, w WindowPage, end int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	one := m.find(w)
	if one == nil {
		one = m.add(w)
	}
	if known, again := one.ends[w.Page]; again && known <= end {
		return nil
	}
	if len(one.ends) >= mostMarks {
		clear(one.ends)
	}
	one.ends[w.Page] = end
	return nil
}

// find returns a window that was asked for within a day. The caller holds the lock.
func (m *marks) find(w WindowPage) *marked {
	w.Page = 0
	element := m.windows[w]
	if element == nil {
		return nil
	}
	one := element.Value.(*marked)
	now := m.clock.Now()
	if now.Sub(one.used) > sweepTime {
		m.drop(element)
		return nil
	}
	one.used = now
	m.recent.MoveToFront(element)
	return one
}

func (m *marks) add(w WindowPage) *marked {
	w.Page = 0
	if m.windows == nil {
		m.windows = map[WindowPage]*list.Element{}
	}
	if len(m.windows) >= mostWindows {
		m.drop(m.recent.Back())
	}
	one := &marked{window: w, used: m.clock.Now(), ends: map[int]int64{}}
	m.windows[w] = m.recent.PushFront(one)
	return one
}

func (m *marks) drop(element *list.Element) {
	delete(m.windows, m.recent.Remove(element).(*marked).window)
}

// forget drops what is noted of a system's windows.
func (m *marks) forget(system string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for w, element := range m.windows {
		if w.System == system {
			m.drop(element)
		}
	}
}
