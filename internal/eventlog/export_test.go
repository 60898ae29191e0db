package eventlog

// Waiting reports whether so many requests wait for the next commit.
func (l *Log) Waiting(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) == n
}
