package host_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// saysLast wants the last line of a console, and one round trip for it.
func (l *lab) saysLast(name, want string) {
	l.t.Helper()
	var said string
	trips := l.trips.during(func() {
		var err error
		said, err = l.Console(l.t.Context(), name, 1)
		must(l.t, err)
	})
	if strings.TrimSpace(said) != want || len(trips) != 1 {
		l.t.Errorf("its console ends with %q, by %v; want %q", said, trips, want)
	}
}

// says has a guest say something on its console, and waits until it is there.
func (l *lab) says(inst *host.Instance, text string) {
	l.t.Helper()
	l.in(inst, "echo "+text+" >/dev/ttyS0")
	eventually(l.t, 10*time.Second, "said "+text, func() bool {
		said, err := l.Console(l.t.Context(), inst.Name, 1)
		must(l.t, err)
		return strings.TrimSpace(said) == text
	})
}

func TestConsole_IsReadWhateverTheInstanceIs(t *testing.T) {
	l := shared(t)
	ctx := t.Context()
	inst := l.fork("speaks")
	l.says(inst, "one")
	l.says(inst, "two")
	if said, err := l.Console(ctx, "speaks", 2); err != nil || strings.ReplaceAll(said, "\r", "") != "one\ntwo\n" {
		t.Errorf("its last two lines are %q, %v", said, err)
	}
	l.qmp("speaks", `{"execute":"stop"}`)
	l.saysLast("speaks", "two")
	must(t, l.Resume(ctx, l.find("speaks")))
	must(t, l.Standby(ctx, l.find("speaks")))
	l.saysLast("speaks", "two")
	must(t, l.Restore(ctx, l.find("speaks")))
	l.await(l.find("speaks"))
	l.says(inst, "three")
	must(t, l.Stop(ctx, l.find("speaks"), 0))
	l.saysLast("speaks", "three")

	must(t, os.RemoveAll(l.path("instances/speaks/run/console.log")))
	if said, err := l.Console(ctx, "speaks", 1); err != nil || said != "" {
		t.Errorf("of one that has never run: %q, %v", said, err)
	}
	secret := l.path("secret")
	must(t, os.WriteFile(secret, []byte("secret\n"), 0o600))
	defer os.Remove(secret)
	must(t, os.Symlink(secret, l.path("instances/speaks/run/console.log")))
	if said, err := l.Console(ctx, "speaks", 1); !errors.Is(err, host.ErrInvalid) || strings.Contains(said, "secret") {
		t.Errorf("of a link: %q, %v", said, err)
	}
	must(t, os.Remove(l.path("instances/speaks/run/console.log")))
	if _, err := l.Console(ctx, "nobody", 1); !errors.Is(err, host.ErrNotFound) {
		t.Errorf("of none: %v", err)
	}
}

// TestConsole_ThatGrowsIsCutByWhoeverLooks has a guest that has said 3 MiB, as far
// as its console's file tells, and goes on.
func TestConsole_ThatGrowsIsCutByWhoeverLooks(t *testing.T) {
	l := shared(t)
	inst := l.fork("chatty")
	log := l.path("instances/chatty/run/console.log")
	var flood bytes.Buffer
	for i := 0; flood.Len() < 3<<20; i++ {
		fmt.Fprintf(&flood, "line %d\r\n", i)
	}
	for look, by := range map[string]func(){
		"a listing": func() { l.find("chatty") },
		"a reader":  func() { _, err := l.Console(t.Context(), "chatty", 1); must(t, err) },
		"a check": func() {
			l.await(inst)
			must(t, l.Ready(t.Context(), inst, host.Check{Kind: "console", Pattern: "later", Timeout: time.Minute}))
		},
	} {
		file, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		_, err = file.Write(flood.Bytes())
		must(t, errors.Join(err, file.Close()))
		l.in(inst, "echo later >/dev/ttyS0")
		before, err := os.ReadFile(log)
		must(t, err)
		by()
		after, err := os.ReadFile(log)
		must(t, err)
		const kept = 1 << 20
		if len(after) < kept || len(after) > kept+1000 || !bytes.HasPrefix(after, before[len(before)-kept:][:kept-1000]) {
			t.Errorf("%s leaves %d bytes of %d", look, len(after), len(before))
		}
		l.says(inst, "still-there")
		if after, err = os.ReadFile(log); err != nil || bytes.ContainsRune(after, 0) || !bytes.Contains(after[kept-1000:], []byte("later")) {
			t.Errorf("after %s the guest does not write to the end: %v", look, err)
		}
	}
	if left, err := os.ReadDir(l.path()); err != nil || strings.Contains(fmt.Sprint(left), ".tmp-") {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
