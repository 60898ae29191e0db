package fault

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestAnUnknownErrorIsInternalAndKeepsItsTextFromClients(t *testing.T) {
	t.Parallel()
	f := Of(errors.New("pragma secret_path"))
	if f.Code != Internal {
		t.Errorf("code %s", f.Code)
	}
	if strings.Contains(f.Detail, "secret_path") {
		t.Errorf("the detail, which clients see, shows the cause: %s", f.Detail)
	}
	if !strings.Contains(f.Error(), "secret_path") {
		t.Errorf("the operator's text lacks the cause: %s", f.Error())
	}
}

func TestAFaultIsFoundThroughWrapping(t *testing.T) {
	t.Parallel()
	f := Wrap(StorageFull, io.ErrShortWrite, "disk %s", "d1").With("free", 0)
	err := fmt.Errorf("append: %w", f)
	if Of(err) != f {
		t.Error("Of did not return the fault itself")
	}
	if !Has(err, StorageFull) || Has(err, Conflict) {
		t.Error("Has answers for the wrong code")
	}
	if !errors.Is(err, io.ErrShortWrite) {
		t.Error("the cause is lost")
	}
	if f.Extra["free"] != 0 {
		t.Error("the extra member is lost")
	}
}

func TestInvalidNamesTheFirstViolationAndCountsTheRest(t *testing.T) {
	t.Parallel()
	violation := Violation{Pointer: "/id", Rule: "required", Message: "give an id"}
	for name, c := range map[string]struct {
		violations []Violation
		want       string
	}{
		"one":   {[]Violation{violation}, "/id: give an id"},
		"three": {[]Violation{violation, {}, {}}, "/id: give an id (and 2 more)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Invalid(InvalidEvent, c.violations)
			f := Of(err)
			if f.Code != InvalidEvent || f.Detail != c.want || len(f.Violations) != len(c.violations) {
				t.Errorf("got %s %q with %d violations", f.Code, f.Detail, len(f.Violations))
			}
		})
	}
	if err := Invalid(InvalidEvent, nil); err != nil {
		t.Errorf("no violation is no error, got %v", err)
	}
}

func TestACodeOutsideTheCatalogueIsAnsweredAsInternal(t *testing.T) {
	t.Parallel()
	if got := Lookup("no-such-code"); got.Code != Internal || got.Status != 500 {
		t.Errorf("got %+v", got)
	}
}
