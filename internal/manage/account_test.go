package manage_test

import (
	"errors"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
)

// A rotated secret is taken for the overlap; a later rotation can only shorten that.
func TestSecretsRotateWithOverlap(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	_, err := w.Manager.PutAccount(ctx, account.Account{Name: "a", Roles: []account.Role{account.Auditor}}, creating())
	w.Must(err)
	rotate := func(overlap time.Duration) string {
		t.Helper()
		made, err := w.Manager.RotateSecret(ctx, "a", overlap, "test")
		w.Must(err)
		return made.Text
	}
	taken := func(secrets ...string) (list []bool) {
		a, _ := w.Book.Account("a")
		for _, text := range secrets {
			_, ok := account.Authenticate(a, text, w.Clock.Now())
			list = append(list, ok)
		}
		return list
	}
	expect := func(what string, got []bool, want ...bool) {
		t.Helper()
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: %v, want %v", what, got, want)
				return
			}
		}
	}
	one := rotate(time.Hour)
	two := rotate(time.Hour)
	expect("in the overlap", taken(one, two), true, true)
	three := rotate(2 * time.Hour)
	w.Clock.Advance(time.Hour)
	expect("the first is over, a later rotation did not put that off", taken(one, two, three), false, true, true)
	four := rotate(0)
	expect("all before end at once", taken(one, two, three, four), false, false, false, true)
	if a, _ := w.Book.Account("a"); len(a.Secrets) != 1 {
		t.Errorf("%d secrets are kept", len(a.Secrets))
	}
	for range 3 {
		rotate(time.Hour)
	}
	if _, err := w.Manager.RotateSecret(ctx, "a", time.Hour, "test"); tell(err) != "conflict" {
		t.Errorf("a fifth secret: %q", tell(err))
	}
	for overlap, want := range map[time.Duration]string{-1: "invalid-document /overlapSeconds range", 91 * 24 * time.Hour: "invalid-document /overlapSeconds range"} {
		if _, err := w.Manager.RotateSecret(ctx, "a", overlap, "test"); tell(err) != want {
			t.Errorf("%s: %q", overlap, tell(err))
		}
	}
	if _, err := w.Manager.RotateSecret(ctx, "none", 0, "test"); tell(err) != "not-found" {
		t.Errorf("nobody's: %q", tell(err))
	}
}

// There is a first account once; whoever disables it has made another, or wanted none.
func TestTheFirstAccountIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	told := 0
	made := false
	first := func(err error) error {
		did, failed := w.Manager.FirstAccount(ctx, func(name, secret string) error { told++; return err })
		made = did
		return failed
	}
	before := w.Book.Last()
	if err := first(errors.New("no terminal")); err == nil || w.Book.Last() != before {
		t.Error("an account is made whose secret nobody was told")
	}
	w.Must(first(nil))
	if !made {
		t.Error("it is not said that it was made")
	}
	w.Must(first(nil))
	if made {
		t.Error("it is said to be made again")
	}
	a, position := w.Book.Account("operator")
	if told != 2 || len(a.Roles) != 1 || a.Roles[0] != account.Operator {
		t.Errorf("told %d times: %+v", told, a)
	}
	off := *a
	off.Disabled = true
	_, err := w.Manager.PutAccount(ctx, off, seen(position))
	w.Must(err)
	w.Must(first(nil))
	if told != 2 || len(w.Book.Accounts()) != 1 {
		t.Errorf("told %d times, %d accounts", told, len(w.Book.Accounts()))
	}
}

// A password is the account's own: it goes with no document, and what is kept of it is its hash, once.
func TestPasswordsAreSetByThemselves(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	doc := account.Account{Name: "a", Roles: []account.Role{account.Auditor}, Password: "$chosen"}
	_, err := w.Manager.PutAccount(ctx, doc, creating())
	w.Must(err)
	fits := func(text string) bool {
		t.Helper()
		a, _ := w.Book.Account("a")
		fits, err := w.Passwords.Fit(ctx, a, text)
		w.Must(err)
		return fits
	}
	if a, _ := w.Book.Account("a"); a.Password != "" {
		t.Errorf("whoever writes an account chooses its hash: %q", a.Password)
	}
	for _, text := range []string{"correct horse battery", "another horse battery"} {
		_, err := w.Manager.SetPassword(ctx, "a", text, "test")
		w.Must(err)
		if !fits(text) {
			t.Errorf("%q is set, and does not fit", text)
		}
	}
	doc.Title = "A"
	_, err = w.Manager.PutAccount(ctx, doc, manage.By{Author: "test", Condition: manage.Condition{Present: true}})
	w.Must(err)
	_, err = w.Manager.RotateSecret(ctx, "a", 0, "test")
	w.Must(err)
	if fits("correct horse battery") || !fits("another horse battery") {
		t.Error("another change of the account touches its password")
	}
	before := w.Book.Last()
	for name, c := range map[string][3]string{
		"nobody's":  {"b", "correct horse battery", "not-found"},
		"too short": {"a", "correct hor", "invalid-document /password length"},
	} {
		if _, err := w.Manager.SetPassword(ctx, c[0], c[1], "test"); tell(err) != c[2] {
			t.Errorf("%s: %q", name, tell(err))
		}
	}
	if w.Book.Last() != before || !fits("another horse battery") {
		t.Error("what was refused has changed something")
	}
}

// Whoever writes an account cannot choose its secrets.
func TestSecretsAreTheHubs(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	mine, _ := account.NewSecret()
	doc := account.Account{Name: "a", Roles: []account.Role{account.Auditor}, Secrets: []account.Secret{mine}}
	_, err := w.Manager.PutAccount(ctx, doc, creating())
	w.Must(err)
	_, err = w.Manager.PutAccount(ctx, doc, manage.By{Author: "test", Condition: manage.Condition{Present: true}})
	w.Must(err)
	if a, _ := w.Book.Account("a"); len(a.Secrets) != 0 {
		t.Errorf("%+v", a)
	}
}

// What an account is the editor of must be there; all sites are those that are yet to be made too.
func TestEditorsAreOfSitesThatAreThere(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	_, err := w.Manager.PutAccount(ctx, account.Account{Name: "ida", Roles: []account.Role{account.Auditor}}, creating())
	w.Must(err)
	for name, c := range map[string]struct {
		sites []string
		want  string
	}{
		"one there is": {[]string{"prod"}, ""},
		"all":          {[]string{account.AllSites}, ""},
		"none":         {[]string{"prod", "none"}, "invalid-document /sites/1 exists"},
	} {
		a := account.Account{Name: "ida", Roles: []account.Role{account.SiteEditor}, Sites: c.sites}
		if _, err := w.Manager.PutAccount(ctx, a, anyState()); tell(err) != c.want {
			t.Errorf("%s: %q, want %q", name, tell(err), c.want)
		}
	}
}
