package config

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The errors of these types never repeat what was given: it may hold a secret in the wrong place.

// Size is a number of bytes, written as 512, 64KiB, 1MiB or 2GiB.
type Size int64

var sizeUnits = []struct {
	suffix string
	bytes  Size
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

// maxSize is far beyond any that makes sense, and far from overflow.
const maxSize = 1 << 40

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) error {
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(string(text), unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > maxSize/int64(unit.bytes) {
			break
		}
		*s = Size(n) * unit.bytes
		return nil
	}
	return errors.New("is not a size; write it as 512, 64KiB, 1MiB or 2GiB")
}

// String writes it in the largest unit that leaves a whole number.
func (s Size) String() string {
	for _, unit := range sizeUnits {
		if unit.suffix != "B" && s >= unit.bytes && s%unit.bytes == 0 {
			return strconv.FormatInt(int64(s/unit.bytes), 10) + unit.suffix
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// Zone is a time zone of the IANA database.
type Zone struct{ *time.Location }

// UnmarshalText implements encoding.TextUnmarshaler.
func (z *Zone) UnmarshalText(text []byte) error {
	location, err := time.LoadLocation(string(text))
	if err != nil || len(text) == 0 || string(text) == "Local" { // Local is whatever the machine happens to have
		return errors.New("is not a time zone; write it as Europe/Copenhagen or UTC")
	}
	z.Location = location
	return nil
}

// String is its name, "" for none.
func (z Zone) String() string {
	if z.Location == nil {
		return ""
	}
	return z.Location.String()
}

// URL is an absolute URL; the zero value is none.
type URL struct{ *url.URL }

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *URL) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		u.URL = nil
		return nil
	}
	parsed, err := url.Parse(string(text))
	if err != nil || parsed.Host == "" {
		return errors.New("is not an absolute URL")
	}
	if _, has := parsed.User.Password(); has {
		return errors.New("holds a password; put it in a file, and name that in the setting beside this one")
	}
	u.URL = parsed
	return nil
}

// UnmarshalBinary is UnmarshalText: the command line's parser asks for it first, and would find the embedded URL's.
func (u *URL) UnmarshalBinary(text []byte) error { return u.UnmarshalText(text) }

// String shows no password.
func (u URL) String() string {
	if u.URL == nil {
		return ""
	}
	return u.Redacted()
}

// StoreURL is the URL of a PostgreSQL database, in the form that its own programs take: with several hosts where standbys
// may take over. The zero value is none. What stands in its query is the driver's to judge.
type StoreURL struct{ text string }

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *StoreURL) UnmarshalText(text []byte) error {
	u.text = ""
	if len(text) == 0 {
		return nil
	}
	scheme, rest, found := strings.Cut(string(text), "://")
	if !found || rest == "" {
		return errors.New("is not an absolute URL")
	}
	if scheme != "postgres" && scheme != "postgresql" {
		return errors.New("must begin with postgres://")
	}
	authority, after := rest, ""
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		authority, after = rest[:at], rest[at:]
	}
	user := ""
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, authority = authority[:at+1], authority[at+1:]
	}
	for host := range strings.SplitSeq(authority, ",") {
		// net/url knows one host at a time.
		parsed, err := url.Parse("postgres://" + user + host + after)
		if err != nil || parsed.Host == "" && authority != "" {
			return errors.New("is not a database's URL; write it as postgres://user@host/database, or with several hosts as postgres://user@one:5432,other:5432/database")
		}
		if _, has := parsed.User.Password(); has || parsed.Query().Has("password") || parsed.Query().Has("sslpassword") {
			return errors.New("holds a password; put it in a file, and name that in the setting beside this one")
		}
	}
	u.text = string(text)
	return nil
}

// String is as it was given: there is no password in it.
func (u StoreURL) String() string { return u.text }

// Secret is what a file holds. It is given as the file's name, is read once, and never shown.
type Secret struct {
	File string
	text string
}

// UnmarshalText takes the file's name.
func (s *Secret) UnmarshalText(text []byte) error {
	s.File, s.text = string(text), ""
	return nil
}

// String is the file's name: safe to show.
func (s Secret) String() string { return s.File }

// Text is the secret itself, "" when there is none.
func (s Secret) Text() string { return s.text }
