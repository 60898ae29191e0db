//go:build unix

package fleet

import "syscall"

// freeze and thaw are the signals that a process cannot refuse.
const (
	freeze = syscall.SIGSTOP
	thaw   = syscall.SIGCONT
)
