package ssh

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestClient_RunsScripts(t *testing.T) {
	cfg := startSSHD(t).config(t)
	cfg.Prelude = "greet() { echo \"hello $1\"; }"
	client := newClient(t, cfg)
	for _, tc := range frameCases {
		if got := mustRun(t, client, tc.text, tc.args...); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, brief(got), brief(tc.want))
		}
	}
}

func TestClient_ReturnsLargeOutputWhole(t *testing.T) {
	client := newClient(t, startSSHD(t).config(t))
	got := mustRun(t, client, `dd if=/dev/zero bs=1024 count=5000 2>/dev/null | tr '\0' x; echo warn >&2`)
	if len(got.Stdout) != 5000*1024 || strings.Trim(got.Stdout, "x") != "" || got.Stderr != "warn\n" {
		t.Errorf("got %d bytes, %s", len(got.Stdout), brief(got))
	}
}

func TestClient_RefusesNULBytesBeforeItConnects(t *testing.T) {
	client := newClient(t, Config{Address: "host.invalid"})
	for _, script := range []Script{{Text: "echo $1", Args: []string{"a\x00b"}}, {Text: "echo \x00"}} {
		_, err := client.Run(t.Context(), script)
		if err == nil || !strings.Contains(err.Error(), "NUL") {
			t.Errorf("got %v", err)
		}
	}
}

func TestClient_SharesOneConnectionAndEightSessions(t *testing.T) {
	server := startSSHD(t)
	proxy := startProxy(t, server.port)
	cfg := server.config(t)
	cfg.Port, cfg.HostKey = proxy.port, authorizedKey(server.hostKey.PublicKey())
	client := newClient(t, cfg)

	runMany(t, client, 50)

	if n := proxy.opened.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	if n := server.logged("Starting session"); n < 2 || n > maxSessions {
		t.Errorf("%d sessions, want at most %d", n, maxSessions)
	}
}

func TestClient_MakesDoWithFewerSessions(t *testing.T) {
	for _, limit := range []string{"MaxSessions 1", "MaxSessions 2"} {
		t.Run(limit, func(t *testing.T) {
			client := newClient(t, startSSHD(t, limit).config(t))
			runMany(t, client, 10)
			// A stream needs the session that a shell sits in, and gives it back.
			for range 3 {
				if got := mustStream(t, client, "cat", "data"); got.Stdout != "data" {
					t.Errorf("stream: %s", brief(got))
				}
				mustRun(t, client, "true")
			}
			runMany(t, client, 10)
		})
	}
}

func TestClient_MixesRunsAndStreamsWithinEightSessions(t *testing.T) {
	client := newClient(t, startSSHD(t, "MaxSessions 8").config(t))
	runMany(t, client, 20) // leaves idle shells, which count
	var group sync.WaitGroup
	for range 30 {
		group.Go(func() { mustStream(t, client, "cat >/dev/null", "data") })
		group.Go(func() { mustRun(t, client, "true") })
	}
	group.Wait()
	slots := client.current.link.sessions.slots
	eventually(t, "every slot is free again", func() bool { return slots.TryAcquire(maxSessions) })
}

func TestClient_NeedsASession(t *testing.T) {
	client := newClient(t, startSSHD(t, "MaxSessions 0").config(t))
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if _, err := client.Run(t.Context(), Script{Text: "true"}); !errors.Is(err, ErrNoShell) {
				t.Errorf("got %v, want ErrNoShell", err)
			}
		})
	}
	group.Wait()
}

func TestClient_QueuesWithinTheContext(t *testing.T) {
	client := newClient(t, startSSHD(t, "MaxSessions 1").config(t))
	mustRun(t, client, "true")
	started := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() { close(started); mustRun(t, client, "sleep 1") })
	<-started
	time.Sleep(200 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := client.Run(ctx, Script{Text: "true"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	group.Wait()
	mustRun(t, client, "true")
}

func TestClient_IsOfNoUseWhenClosed(t *testing.T) {
	server := startSSHD(t)
	client := newClient(t, server.config(t))
	mustRun(t, client, "true")
	client.Close()
	if _, err := client.Run(t.Context(), Script{Text: "true"}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want net.ErrClosed", err)
	}
}

func TestClient_SurvivesACallerThatGivesUpConnecting(t *testing.T) {
	client := newClient(t, startSSHD(t).config(t))
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := client.Run(ctx, Script{Text: "true"}); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	group.Go(func() { mustRun(t, client, "true") })
	time.Sleep(5 * time.Millisecond)
	cancel()
	group.Wait()
}

func runMany(t *testing.T, client *Client, n int) {
	t.Helper()
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			arg := strings.Repeat("x", i)
			got, err := client.Run(t.Context(), Script{Name: "many", Text: `printf %s "$1"; sleep 0.02`, Args: []string{arg}})
			if err != nil || got != (Result{Stdout: arg}) {
				t.Errorf("run %d: %s, %v", i, brief(got), err)
			}
		})
	}
	group.Wait()
}
