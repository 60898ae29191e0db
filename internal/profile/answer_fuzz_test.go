package profile

import (
	"strconv"
	"testing"
	"time"
)

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "1", "120", "-1", "1.5", "99999999999999999999", "Sun, 22 Nov 2026 12:02:00 GMT",
		"Sunday, 22-Nov-26 12:02:00 GMT", "Sun Nov 22 12:02:00 2026", "Sun, 99 Nov 2026 12:02:00 GMT", " 5", "5 "} {
		f.Add(seed)
	}
	now, most := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), time.Hour
	f.Fuzz(func(t *testing.T, value string) {
		after := retryAfter(value, now, most)
		if after < 0 || after > most {
			t.Fatalf("%q gave %s, outside 0 to %s", value, after, most)
		}
		if n, err := strconv.ParseUint(value, 10, 31); err == nil && after != min(time.Duration(n)*time.Second, most) {
			t.Errorf("%q seconds gave %s", value, after)
		}
	})
}
