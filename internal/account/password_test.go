package account_test

import (
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/account"
)

// cheap is as little work as a hash can be.
var cheap = account.Cost{Memory: 8, Time: 1, Lanes: 1}

func TestPasswordsFitWhatIsKeptOfThem(t *testing.T) {
	t.Parallel()
	p := account.NewPasswords(cheap)
	hash := func(text string) string {
		kept, err := p.Hash(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	kept := hash("blåbærgrød på tirsdag")
	if !strings.HasPrefix(kept, "$argon2id$v=19$m=8,t=1,p=1$") || kept == hash("blåbærgrød på tirsdag") {
		t.Errorf("what is kept: %s", kept)
	}
	// Of phc-winner-argon2, test.c: hashtest(version, 2, 16, 1, "password", "somesalt", …).
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for name, c := range map[string]struct {
		kept, text string
		disabled   bool
		want       bool
	}{
		"the password":              {kept, "blåbærgrød på tirsdag", false, true},
		"composed otherwise":        {kept, "bla\u030abærgrød pa\u030a tirsdag", false, true},
		"another":                   {kept, "blåbærgrød på onsdag", false, false},
		"none":                      {kept, "", false, false},
		"of a disabled account":     {kept, "blåbærgrød på tirsdag", true, false},
		"its hash":                  {kept, kept, false, false},
		"too long":                  {hash(""), strings.Repeat("a", 1025), false, false},
		"by the reference":          {reference, "password", false, true},
		"another, by the reference": {reference, "Password", false, false},
		"nothing kept":              {"", "", false, false},
		"kept by another scheme":    {strings.Replace(reference, "argon2id", "argon2i", 1), "password", false, false},
		"of another version":        {strings.Replace(reference, "v=19", "v=16", 1), "password", false, false},
		"with too much memory":      {strings.Replace(reference, "m=65536", "m=4294967295", 1), "password", false, false},
		"with too many passes":      {strings.Replace(reference, "t=2", "t=1000000", 1), "password", false, false},
		"with no lanes":             {strings.Replace(reference, "p=1", "p=0", 1), "password", false, false},
		"with more behind":          {strings.Replace(reference, "p=1", "p=1,x=1", 1), "password", false, false},
		"with a short hash":         {"$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTE", "password", false, false},
		"with no hash":              {"$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$", "", false, false},
		"damaged":                   {"$argon2id$", "password", false, false},
		"in the clear":              {"password", "password", false, false},
	} {
		a := &account.Account{Name: "a", Password: c.kept, Disabled: c.disabled}
		if got, err := p.Fit(t.Context(), a, c.text); got != c.want || err != nil {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
	if got, err := p.Fit(t.Context(), nil, ""); got || err != nil {
		t.Errorf("nobody's: %v %v", got, err)
	}
}

func TestPasswordsAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"twelve characters":        {"aaaaaaaaaaaa", ""},
		"twelve of two bytes":      {strings.Repeat("å", 12), ""},
		"eleven":                   {"aaaaaaaaaaa", "length"},
		"eleven, in more runes":    {strings.Repeat("a\u030a", 11), "length"},
		"1024 bytes":               {strings.Repeat("a", 1024), ""},
		"1025":                     {strings.Repeat("a", 1025), "length"},
		"two lines":                {"correct horse\nbattery", "text"},
		"no text":                  {"correct horse \xff\xfe", "text"},
		"none":                     {"", "length"},
		"words and other signs":    {"zażółć gęślą jaźń 7 🐎", ""},
		"with a tab, from a paste": {"correct horse\t", "text"},
	} {
		var rules []string
		for _, v := range account.CheckPassword(c.text) {
			rules = append(rules, v.Rule)
			if c.text != "" && strings.Contains(v.Message, c.text) || v.Pointer != "/password" {
				t.Errorf("%s: %+v", name, v)
			}
		}
		if got := strings.Join(rules, " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestAPasswordsMarkTellsItFromTheNext(t *testing.T) {
	t.Parallel()
	one, other := account.Account{Password: "$a"}, account.Account{Password: "$b"}
	if one.PasswordMark() == other.PasswordMark() || strings.Contains(one.PasswordMark(), "$a") {
		t.Errorf("%q %q", one.PasswordMark(), other.PasswordMark())
	}
}
