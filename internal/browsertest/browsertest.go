// Package browsertest opens the hub's pages in a real browser, Chromium without a window, and tests there what no golden
// file can show: that the script of a page does its work, that the page's own policy lets it, and that people can use
// the page (accessible.go). Only tests import it.
//
// A page that complains fails its test: an error in the console, an exception that nobody caught, something that the
// content security policy refused or that could not be loaded.
//
// To look at the pages oneself, name a folder in VARSEL_PICTURES: every page whose accessibility is tested leaves its
// picture there.
package browsertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/varselhub/varsel/internal/oracle"
)

// limit bounds every single thing that is asked of the browser, so that a hanging page fails its own test.
const limit = time.Minute

// Browser is one Chromium with a profile of its own. Its pages share nothing with each other and may be used in parallel.
type Browser struct{ ctx context.Context }

// Start starts a browser that ends with the test.
func Start(t testing.TB) *Browser {
	t.Helper()
	allocator, _ := chromedp.NewExecAllocator(context.Background(), append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(oracle.Program(t, "chromium")),
		chromedp.NoSandbox, // it runs as root in CI, and sees nothing but our own pages
	)...)
	ctx, _ := chromedp.NewContext(allocator)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	return &Browser{ctx}
}

// View is how somebody looks at a page.
type View struct {
	Width    int  // in CSS pixels; below 600 it is a phone's
	Dark     bool // the dark theme is asked for
	NoScript bool // JavaScript is off
}

// Views are those that every page is tested in.
var Views = []View{{Width: 1280}, {Width: 1280, Dark: true}, {Width: 360}, {Width: 360, Dark: true}}

// String is the view in a test's name.
func (v View) String() string {
	theme := "light"
	if v.Dark {
		theme = "dark"
	}
	return fmt.Sprintf("%d %s", v.Width, theme)
}

const (
	phone  = 600 // CSS pixels
	height = 900 // of every view
)

// Page is one page that somebody has opened.
type Page struct {
	t    testing.TB
	ctx  context.Context
	view View

	mu         sync.Mutex
	complaints []string
	forgiven   []string
}

// Open opens an address and waits until it is loaded. When the test ends, what the page complained of fails it.
func (b *Browser) Open(t testing.TB, url string, view View) *Page {
	t.Helper()
	p := &Page{t: t, view: view}
	p.ctx, _ = chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.listen))
	t.Cleanup(func() {
		_ = chromedp.Cancel(p.ctx)
		if t.Skipped() {
			return // before it came to what it expects
		}
		for _, complaint := range p.unforgiven() {
			t.Errorf("the page complains: %s", complaint)
		}
	})
	if err := chromedp.Do(p.ctx); err != nil { // with no end of its own: the page would end with it
		t.Fatalf("a new page: %v", err)
	}
	p.do("open "+url, look(view), chromedp.Navigate(url))
	return p
}

// look makes the browser what the view says. Nothing moves on the page: a picture of a movement proves nothing.
func look(view View) chromedp.Action[chromedp.Void] {
	theme := "light"
	if view.Dark {
		theme = "dark"
	}
	size := []chromedp.EmulateViewportOption{}
	if view.Width < phone {
		size = append(size, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	return chromedp.Steps(
		chromedp.EmulateViewport(int64(view.Width), height, size...),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			if _, err := cdp.Call(ctx, t, log.Enable, cdp.Empty{}); err != nil {
				return err
			}
			if err := setScripts(ctx, t, !view.NoScript); err != nil {
				return err
			}
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
			}})
			return err
		}),
	)
}

// scripts turns JavaScript on and off.
func (p *Page) scripts(on bool) {
	p.t.Helper()
	p.do("scripts", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error { return setScripts(ctx, t, on) }))
}

func setScripts(ctx context.Context, t *chromedp.Target, on bool) error {
	_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
	return err
}

// listen keeps what the page complains of.
func (p *Page) listen(occurred any) {
	complaint := ""
	switch e := occurred.(type) {
	case *runtime.EventExceptionThrown:
		complaint = (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error()
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			complaint = fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			complaint = "console.error"
			for _, argument := range e.Args {
				complaint += " " + string(argument.Value)
			}
		}
	}
	if complaint == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complaints = append(p.complaints, complaint)
}

// Forgive says what the page may complain of without failing its test, from the beginning to the end: each text is a part
// of a complaint. A browser tells of a refused request when it comes to it, often long after the page has gone on.
func (p *Page) Forgive(texts ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgiven = append(p.forgiven, texts...)
}

func (p *Page) unforgiven() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.complaints), func(complaint string) bool {
		return slices.ContainsFunc(p.forgiven, func(text string) bool { return strings.Contains(complaint, text) })
	})
}

func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// Evaluate returns the value of a JavaScript expression, a promise's when it is kept. It works with JavaScript off too.
func Evaluate[T any](p *Page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%.200s: %v", expression, err)
	}
	return value
}

// Text returns what a person reads in the first element of a selector, white space folded; "" when it is not shown.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	return Evaluate[string](p, fmt.Sprintf(`((e) => e.checkVisibility() ? e.innerText.replace(/\s+/g, " ").trim() : "")(document.querySelector(%q))`, selector))
}

// Await waits until a JavaScript expression about the page is true.
func (p *Page) Await(what, expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	// Not chromedp.Poll: it makes a function of text, which the pages' policy forbids.
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf(`new Promise((resolve) => {
		const holds = () => Boolean(%s);
		if (holds()) return resolve(true);
		const watch = new MutationObserver(() => { if (holds()) { watch.disconnect(); resolve(true); } });
		watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
	})`, expression), chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("never came: %s (%v); the page reads\n%s", what, err, p.Text("body"))
	}
}

// Frames returns the addresses of the page's frames: of those that show what was asked for, and of those that were refused.
func (p *Page) Frames() (shown, refused []string) {
	p.t.Helper()
	p.do("the page's frames", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		tree, err := cdp.Call(ctx, t, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			return err
		}
		for _, child := range tree.FrameTree.ChildFrames {
			if child.Frame.UnreachableURL != "" {
				refused = append(refused, child.Frame.UnreachableURL)
			} else {
				shown = append(shown, child.Frame.URL)
			}
		}
		return nil
	}))
	return shown, refused
}

// Follow clicks the first element of a selector and waits until the page it leads to is loaded.
func (p *Page) Follow(selector string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		p.t.Fatalf("follow %s: %v", selector, err)
	}
}

// keys are those that have no letter, as a page's script calls them (KeyboardEvent.key).
var keys = map[string]string{
	"Tab": kb.Tab, "Enter": kb.Enter, "Escape": kb.Escape, "Home": kb.Home, "End": kb.End, "PageUp": kb.PageUp, "PageDown": kb.PageDown,
	"ArrowLeft": kb.ArrowLeft, "ArrowRight": kb.ArrowRight, "ArrowUp": kb.ArrowUp, "ArrowDown": kb.ArrowDown,
}

// Press presses keys, one after the other, on what has the focus: each by its name, or a text that is typed.
func (p *Page) Press(names ...string) {
	p.t.Helper()
	for _, name := range names {
		key, named := keys[name]
		if !named {
			key = name
		}
		p.do("press "+name, chromedp.KeyEvent(key))
	}
}
