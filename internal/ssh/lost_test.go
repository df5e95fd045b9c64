package ssh

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// behindProxy returns a client whose connection can be broken.
func behindProxy(t *testing.T, directives ...string) (*Client, *proxy, *server) {
	t.Helper()
	server := startSSHD(t, directives...)
	proxy := startProxy(t, server.port)
	cfg := server.config(t)
	cfg.Port, cfg.HostKey = proxy.port, authorizedKey(server.hostKey.PublicKey())
	return newClient(t, cfg), proxy, server
}

func TestRun_IsLostWithItsConnection(t *testing.T) {
	for _, atomic := range []bool{false, true} {
		client, proxy, _ := behindProxy(t)
		mustRun(t, client, "true")
		time.AfterFunc(200*time.Millisecond, proxy.cut)
		_, err := client.Run(t.Context(), Script{Text: "sleep 1", Atomic: atomic})
		if !errors.Is(err, ErrLost) {
			t.Errorf("atomic %v: got %v, want ErrLost", atomic, err)
		}
		if got := mustRun(t, client, "echo again"); got.Stdout != "again\n" {
			t.Errorf("atomic %v: afterwards: %s", atomic, brief(got))
		}
	}
}

func TestRun_ReconnectsWhenTheIdleConnectionHasDied(t *testing.T) {
	client, proxy, _ := behindProxy(t)
	for range 5 {
		mustRun(t, client, "true")
		link := client.current.link
		proxy.cut()
		<-link.dead
	}
	if n := proxy.opened.Load(); n != 5 {
		t.Errorf("%d connections, want 5", n)
	}
}

func TestRun_ReplacesAnIdleShellThatWasKilled(t *testing.T) {
	client, proxy, _ := behindProxy(t)
	for range 20 {
		pid, err := strconv.Atoi(strings.TrimSpace(mustRun(t, client, "echo $$").Stdout))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if n := proxy.opened.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestRun_IsLostWithItsShell(t *testing.T) {
	client := newClient(t, startSSHD(t).config(t))
	if _, err := client.Run(t.Context(), Script{Text: "kill -9 $$"}); !errors.Is(err, ErrLost) {
		t.Errorf("got %v, want ErrLost", err)
	}
	mustRun(t, client, "true")
}

func TestRun_ReturnsAtOnceWhenItsContextEnds(t *testing.T) {
	client := newClient(t, startSSHD(t).config(t))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := client.Run(ctx, Script{Text: "sleep 1"})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 800*time.Millisecond {
		t.Errorf("after %v: %v, want the context's error at once", time.Since(start), err)
	}
	mustRun(t, client, "true")
}

func TestRun_AwaitsTheEndOfAnAtomicScript(t *testing.T) {
	client := newClient(t, startSSHD(t).config(t))
	mustRun(t, client, "true")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	got, err := client.Run(ctx, Script{Text: "sleep 0.5; echo done", Atomic: true})
	if err != nil || got.Stdout != "done\n" {
		t.Errorf("got %s, %v", brief(got), err)
	}
}

func TestRun_SendsNothingOnceItsContextHasEnded(t *testing.T) {
	client := newClient(t, startSSHD(t).config(t))
	file := filepath.Join(t.TempDir(), "ran")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, atomic := range []bool{false, true} {
		_, err := client.Run(ctx, Script{Text: `: >"$1"`, Args: []string{file}, Atomic: atomic})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's error", err)
		}
	}
	mustRun(t, client, "true")
	if _, err := os.Stat(file); err == nil {
		t.Error("the script ran")
	}
}

func TestKeepAlive_EndsAHalfOpenConnection(t *testing.T) {
	client, proxy, _ := behindProxy(t)
	mustRun(t, client, "true")
	link := client.current.link
	go keepAlive(link.chain.last(), 50*time.Millisecond, link.dead, link.chain.close)
	time.Sleep(200 * time.Millisecond)
	if link.isDead() {
		t.Fatal("a connection that answers was ended")
	}
	proxy.frozen.Store(true)
	_, err := client.Run(t.Context(), Script{Text: "true"})
	if !errors.Is(err, ErrLost) {
		t.Errorf("got %v, want ErrLost", err)
	}
	proxy.frozen.Store(false)
	mustRun(t, client, "true")
}

func TestClient_ChecksTheHostKeyAgainAfterSSHDWasRestarted(t *testing.T) {
	hurry(t)
	client, proxy, server := behindProxy(t)
	mustRun(t, client, "true")
	link := client.current.link
	server.stop()
	proxy.cut()
	<-link.dead
	if err := runError(t, client); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
	restartSSHD(t, server) // with another key
	if err := runError(t, client); !errors.Is(err, ErrHostKey) {
		t.Errorf("got %v, want ErrHostKey", err)
	}
}

// hurry makes the pauses between tries to connect short.
func hurry(t *testing.T) {
	delays := retryDelays
	retryDelays = []time.Duration{10 * time.Millisecond, 20 * time.Millisecond}
	t.Cleanup(func() { retryDelays = delays })
}

func TestClient_TriesAFewTimesToConnect(t *testing.T) {
	hurry(t)
	server := startSSHD(t)
	cfg := server.config(t)
	cfg.HostKey = authorizedKey(server.hostKey.PublicKey())
	proxy := startProxy(t, freePort(t)) // which drops what it cannot pass on
	cfg.Port = proxy.port
	client := newClient(t, cfg)
	err := runError(t, client)
	if n := proxy.opened.Load(); !errors.Is(err, ErrUnreachable) || n != 3 {
		t.Errorf("got %v after %d tries, want ErrUnreachable after 3", err, n)
	}
}

func TestClient_GivesUpConnectingWithItsContext(t *testing.T) {
	client := newClient(t, Config{Address: "127.0.0.1", Port: freePort(t), SSHConfigFile: os.DevNull})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := client.Run(ctx, Script{Text: "true"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}
