package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// A Check says how a guest shows that it is ready. An open port proves nothing:
// QEMU's user network accepts a connection before the guest does.
type Check struct {
	Kind    string // "http" (any answer below 500), "ssh" (a banner) or "console" (a pattern)
	Port    int    // guest port of http and ssh, to which there is a TCP forward
	Path    string // of http; "": "/"
	Pattern string // of console: a regular expression
	Timeout time.Duration
}

// ErrNotReady says that a guest did not get ready in time, or cannot any more.
var ErrNotReady = errors.New("the guest did not get ready")

// errGone ends the wait early: what was seen cannot change for the better.
var errGone = errors.New("it cannot get ready")

// Ready waits until the guest answers. It tries every quarter of a second over
// the open connection, and looks at the console every second: a guest that has
// panicked or ended fails at once.
func (h *Host) Ready(ctx context.Context, inst *Instance, check Check) error {
	c := h.call("await", Instances, inst.Name)
	ctx, cancel := context.WithTimeoutCause(ctx, check.Timeout, fmt.Errorf("%w within %s", ErrNotReady, check.Timeout))
	defer cancel()
	try, err := h.tryOf(c, inst, check)
	if err != nil {
		return err
	}
	var last error
	var looked time.Time
	for patience := firstTry; ; patience = min(patience*3/2, longestTry) {
		if last = try(ctx, patience); last == nil {
			return nil
		}
		if errors.Is(last, ssh.ErrForwarding) {
			return c.fail(last, "", "")
		}
		if time.Since(looked) > time.Second {
			looked = time.Now()
			if _, err := h.consoleEnd(ctx, c, inst, 4096); errors.Is(err, errGone) {
				return h.notReady(ctx, c, inst, fmt.Errorf("%w: %w", ErrNotReady, err), nil)
			}
		}
		select {
		case <-ctx.Done():
			return h.notReady(ctx, c, inst, context.Cause(ctx), last)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// notReady is the error of a guest that did not get ready, with its console.
func (h *Host) notReady(ctx context.Context, c call, inst *Instance, cause, last error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	console, _ := h.consoleEnd(ctx, c, inst, 4096)
	reason := ""
	if last != nil {
		reason = "the last try: " + last.Error()
	}
	e := c.fail(cause, reason, "").(*Error)
	e.Said = tellingPart(console)
	e.Left = "The instance is " + string(inst.State) + "."
	if !errors.Is(cause, context.Canceled) { // else it is not the guest that is at fault
		e.Remedy = "Look at its console, mend the image or the check, or raise the check's timeout."
	}
	return e
}

// panicked is what Linux says first when it panics; a long trace follows.
const panicked = "Kernel panic - not syncing"

// tellingPart is, in whole lines, about 1500 bytes of a console: from the panic
// on, if there was one, or the last.
func tellingPart(console string) string {
	const most = 1500
	start := max(0, len(console)-most)
	if at := strings.Index(console, panicked); at >= 0 {
		start = strings.LastIndex(console[:at], "\n") + 1
		console = console[:min(len(console), start+most)]
	} else if _, rest, cut := strings.Cut(console[start:], "\n"); cut && start > 0 {
		start = len(console) - len(rest)
	}
	return strings.TrimSpace(console[start:])
}

// A try asks a guest once, and gives it so much time to answer.
type try func(ctx context.Context, patience time.Duration) error

// tryOf returns what is tried.
func (h *Host) tryOf(c call, inst *Instance, check Check) (try, error) {
	if check.Kind == "console" {
		pattern, err := regexp.Compile(check.Pattern)
		if err != nil {
			return nil, c.invalid("the pattern of its check: %s", err)
		}
		return func(ctx context.Context, _ time.Duration) error {
			text, err := h.consoleEnd(ctx, c, inst, 1<<20)
			if err == nil && !pattern.MatchString(text) {
				err = fmt.Errorf("nothing on the console matches %q", check.Pattern)
			}
			return err
		}, nil
	}
	address, ok := forwardTo(inst, check.Port)
	if !ok {
		return nil, c.invalid("its check needs a TCP forward to guest port %d", check.Port)
	}
	if check.Kind == "ssh" {
		return h.asking(address, trySSH), nil
	}
	return h.asking(address, func(ctx context.Context, conn net.Conn) error { return tryHTTP(ctx, conn, check.Path) }), nil
}

// forwardTo is where on the host a guest's TCP port is reached.
func forwardTo(inst *Instance, port int) (string, bool) {
	for _, nic := range slices.Sorted(maps.Keys(inst.Forwards)) {
		for _, key := range slices.Sorted(maps.Keys(inst.Forwards[nic])) {
			if f := inst.Forwards[nic][key]; f.GuestPort == port && f.Protocol == "tcp" {
				address := f.HostAddress
				if address == "0.0.0.0" || address == "" {
					address = "127.0.0.1"
				}
				return net.JoinHostPort(address, fmt.Sprint(f.HostPort)), true
			}
		}
	}
	return "", false
}

// QEMU accepts a connection before the guest does, and one made too early may
// never be answered: the first tries are short, those of a slow guest longer.
const (
	firstTry   = 300 * time.Millisecond
	longestTry = 5 * time.Second
)

// asking is a try over a connection to an address as seen from the host. What
// the network took for the connection it takes for the answer, too: that is not
// for the guest to make up.
func (h *Host) asking(address string, ask func(context.Context, net.Conn) error) try {
	return func(ctx context.Context, patience time.Duration) error {
		begun := time.Now()
		conn, err := h.transport.DialTCP(ctx, address)
		if err != nil {
			return err
		}
		defer conn.Close()
		ctx, cancel := context.WithTimeout(ctx, patience+time.Since(begun))
		defer cancel()
		defer context.AfterFunc(ctx, func() { conn.Close() })() // it has no deadlines
		return ask(ctx, conn)
	}
}

func trySSH(_ context.Context, conn net.Conn) error {
	banner, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(banner, "SSH-") {
		err = fmt.Errorf("it said %q, which is no SSH banner", banner)
	}
	return err
}

func tryHTTP(ctx context.Context, conn net.Conn, path string) error {
	client := http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://guest/"+strings.TrimPrefix(path, "/"), nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 500 {
		return fmt.Errorf("it answered %s", answer.Status)
	}
	return nil
}
