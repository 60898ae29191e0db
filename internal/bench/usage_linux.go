package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// ticks is how many of the clock ticks in /proc a second has: always, on Linux (proc(5), USER_HZ).
const ticks = 100

// cpuOf is what a process has used of the processors, with the children that it has waited for; 0 where that cannot be
// told.
func cpuOf(pid int) time.Duration {
	used, _ := stat(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return used
}

// cpuOfAll is what a process and all its children have used, those that have ended too.
func cpuOfAll(pid int) (sum time.Duration) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well-formed
	for _, file := range files {
		used, parent := stat(file)
		if parent == pid || file == filepath.Join("/proc", strconv.Itoa(pid), "stat") {
			sum += used
		}
	}
	return sum
}

// stat reads what a process has used, and whose child it is; the process may have ended (proc_pid_stat(5)).
func stat(file string) (used time.Duration, parent int) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, 0
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:]) // behind the name, which may hold anything
	if len(fields) < 15 {
		return 0, 0
	}
	parent, _ = strconv.Atoi(string(fields[1]))
	sum := 0
	for _, field := range fields[11:15] { // utime stime cutime cstime
		n := 0
		_, _ = fmt.Sscan(string(field), &n)
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks, parent
}
