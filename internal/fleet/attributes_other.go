//go:build !linux

package fleet

import "syscall"

// attributes are those of any process: here nothing ends it when this one is killed.
func attributes() *syscall.SysProcAttr { return nil }
