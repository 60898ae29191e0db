//go:build unix

package exchange

import (
	"syscall"
	"time"
)

// quiet reports that the receiver has neither closed the unused connection nor said anything on it. What it said, such
// as the 408 some load balancers send before they hang up, would be taken for the answer to the next message.
func (c *conn) quiet() bool {
	c.raw.SetReadDeadline(time.Time{}) // the last send's has passed and would stop the look
	socket, ok := c.raw.(syscall.Conn)
	if !ok {
		return true
	}
	control, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	nothing := false
	err = control.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		nothing = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
		return true
	})
	return err == nil && nothing
}
