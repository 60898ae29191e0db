package main_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/oracle"
)

// What the scripts ask for: the words of a line, the last one unfinished, and what it may become.
func TestWhatALineCanBecome(t *testing.T) {
	t.Parallel()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"acc":                              "account",
		"account se":                       "set secret",
		"account set --ro":                 "--role",
		"account set x --role au":          "auditor",
		"account set --role=sub":           "--role=subscriber",
		"account set --role = sub":         "--role=subscriber", // as bash has it
		"account set --role =":             "--role=operator --role=auditor --role=source --role=subscriber --role=site-editor",
		"account --url http://x set --rol": "--role",
		"account show --json --n":          "",
		"account set --url --rol":          "", // the value of --url
		"audit list --act rot":             "rotate-secret rotate-key",
		"serve --log-level ":               "debug info warn error",
		"serve --log-format=":              "--log-format=text --log-format=json",
		"publish ":                         ":files",
		"publish x ":                       "",
		"token --secret-file ":             ":files",
		"completion ":                      "bash zsh fish",
		"completion z":                     "zsh",
		"no such command --he":             "--help",
		"--vers":                           "--version",
		"__comp":                           "",
		"audit verify --heads ":            ":files",
	} {
		out, err := exec.Command(file, append([]string{"__complete"}, strings.Split(line, " ")...)...).Output()
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		var got []string
		for answer := range strings.Lines(string(out)) {
			word, _, _ := strings.Cut(strings.TrimSuffix(answer, "\n"), "\t")
			got = append(got, word)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q becomes %q, want %q", line, got, want)
		}
	}
	if out, err := exec.Command(file, "completion", "csh").CombinedOutput(); err == nil || !strings.Contains(string(out), "bash") {
		t.Errorf("csh: %s", out)
	}
}

// terminal is a shell that somebody types at.
type terminal struct {
	t     *testing.T
	stdin io.Writer

	mu   sync.Mutex
	said strings.Builder
	more chan struct{}
}

// interactive starts a shell in a terminal of its own, in a directory of its own, with varsel where commands are looked for.
func interactive(t *testing.T, command string) *terminal {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // a shell that hangs fails its own test
	term := &terminal{t: t, more: make(chan struct{}, 1)}
	cmd := exec.CommandContext(ctx, oracle.Program(t, "script"), "-q", "-f", "-e", "-c", command, "/dev/null")
	cmd.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(cmd.Dir, "permits.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Env = []string{"PATH=" + filepath.Dir(file) + ":" + os.Getenv("PATH"), "TERM=dumb", "HOME=" + cmd.Dir, "PS1=> ", "HISTFILE=", "LC_ALL=C.UTF-8"}
	cmd.Stdout, cmd.Stderr = term, term
	stdin, err := cmd.StdinPipe()
	if err = errors.Join(err, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	term.stdin = stdin
	t.Cleanup(func() {
		_, _ = io.WriteString(stdin, clearLine+"exit\n")
		_ = cmd.Wait() // how it ended is no matter: the test is over
		cancel()
	})
	return term
}

// Write keeps what the shell says.
func (term *terminal) Write(text []byte) (int, error) {
	term.mu.Lock()
	defer term.mu.Unlock()
	term.said.Write(text)
	select {
	case term.more <- struct{}{}:
	default:
	}
	return len(text), nil
}

// types types, and waits until the shell has said all of wants since.
func (term *terminal) types(text string, wants ...string) {
	term.t.Helper()
	term.mu.Lock()
	from := term.said.Len()
	term.mu.Unlock()
	if _, err := io.WriteString(term.stdin, text); err != nil {
		term.t.Fatal(err)
	}
	limit := time.After(time.Minute)
	for {
		term.mu.Lock()
		said := term.said.String()[from:]
		term.mu.Unlock()
		missing := ""
		for _, want := range wants {
			if !strings.Contains(said, want) {
				missing = want
			}
		}
		if missing == "" {
			return
		}
		select {
		case <-term.more:
		case <-limit:
			term.t.Fatalf("after %q it never said %q:\n%q", text, missing, said)
		}
	}
}

const clearLine = "\x15" // Ctrl-U

// The scripts in the shells themselves: a command, a flag, a value, a value behind =, a file.
func TestCompletionInRealShells(t *testing.T) {
	t.Parallel()
	for shell, start := range map[string]struct{ command, ready string }{
		"bash": {"bash --noprofile --norc -i", "source <(varsel completion bash)\n"},
		"zsh":  {"zsh -f -i", "autoload -U compinit && compinit -u -D && source <(varsel completion zsh)\n"},
	} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			oracle.Program(t, shell)
			term := interactive(t, start.command)
			term.types(start.ready+"echo re''ady\n", "ready")
			term.types("varsel acc\t", "varsel account ")
			term.types("sh\t", "show ")
			term.types(clearLine+"varsel account se\t\t", "secret", "set")
			term.types(clearLine+"varsel account set x --rol\t", "--role ")
			term.types("audi\t", "auditor")
			term.types(clearLine+"varsel serve --log-format=js\t", "=json")
			term.types(clearLine+"varsel publish per\t", "permits.json")
			term.types(clearLine+"varsel audit list --act rotate-\t\t", "rotate-secret", "rotate-key")
		})
	}
	t.Run("fish", func(t *testing.T) {
		t.Parallel()
		fish := oracle.Program(t, "fish")
		file, err := binary()
		if err != nil {
			t.Fatal(err)
		}
		for line, want := range map[string]string{
			"varsel acc":                       "account\tLook at, make and change who may call the hub",
			"varsel account se":                "secret\tGive an account a new secret, told once\nset\tMake an account, or change what is given of one",
			"varsel account set x --rol":       "--role\tWhat it may do, all of it: operator, auditor, source, subscriber, site-editor",
			"varsel account set x --role audi": "auditor",
			"varsel serve --log-format=js":     "--log-format=json",
			"varsel publish per":               "permits.json",
			"varsel audit list --act rotate-":  "rotate-key\nrotate-secret",
			"varsel completion ":               "bash\nfish\nzsh",
		} {
			cmd := exec.Command(fish, "--no-config", "-c", "varsel completion fish | source; complete -C "+"'"+line+"'")
			cmd.Dir = t.TempDir()
			if err := os.WriteFile(filepath.Join(cmd.Dir, "permits.json"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd.Env = []string{"PATH=" + filepath.Dir(file) + ":" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "LC_ALL=C.UTF-8"}
			out, err := cmd.CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != want {
				t.Errorf("%s: %q, want %q (%v)", line, got, want, err)
			}
		}
	})
}
