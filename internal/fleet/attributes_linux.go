package fleet

import "syscall"

// attributes are those of a process that ends when this one does, however that ends, and that hears nothing of what the
// terminal tells this one.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
