//go:build !linux

package bench

import "time"

func cpuOf(int) time.Duration { return 0 }

func cpuOfAll(int) time.Duration { return 0 }
