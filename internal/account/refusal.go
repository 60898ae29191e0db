package account

import (
	"math"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// RetryAfter is the member of a RateLimited fault that tells, in seconds, when to come again.
const RetryAfter = "retryAfterSeconds"

// TooMany refuses a request of one who has asked too often and may again after wait.
func TooMany(wait time.Duration) error {
	return fault.New(fault.RateLimited, "more requests than the hub takes from one caller").With(RetryAfter, max(1, int64(math.Ceil(wait.Seconds()))))
}

// realm names what credentials are for (RFC 9110 section 11.5).
const realm = `realm="varsel"`

// Challenge is the value of WWW-Authenticate for a refusal (RFC 6750 section 3), "" where asking for a token is no
// answer. Who has shown nothing is told nothing but the scheme (section 3.1).
func Challenge(code fault.Code, detail string) string {
	switch code {
	case fault.Unauthenticated:
		return "Bearer " + realm
	case fault.InvalidToken:
		return "Bearer " + realm + `, error="invalid_token", error_description="` + quotable(detail) + `"`
	case fault.Forbidden:
		return "Bearer " + realm + `, error="insufficient_scope"`
	default:
		return ""
	}
}

// quotable leaves of a text what may stand in error_description (RFC 6750 section 3).
func quotable(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return -1
		}
		return c
	}, text)
}
