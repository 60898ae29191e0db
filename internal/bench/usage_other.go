//go:build !unix

package bench

import "time"

// cpuTime is what this process has used of the processors; 0 where that cannot be told.
func cpuTime() time.Duration { return 0 }
