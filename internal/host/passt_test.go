package host_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// passtSpec is the tiny guest, whose network passt makes.
func passtSpec(name string) host.InstanceSpec {
	spec := baseSpec(name)
	lan := spec.Interfaces["lan"]
	lan.Type = "passt"
	spec.Interfaces["lan"] = lan
	return spec
}

func needsPasst(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("passt"); err != nil {
		t.Skip("this needs passt (package passt)")
	}
}

// passts are the pids of the processes of passt that carry an instance's uid.
func passts(t testing.TB, uid string) (pids []int) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	must(t, err)
	for _, file := range files {
		text, _ := os.ReadFile(file) // empty if it has just ended
		if bytes.HasPrefix(text, []byte("passt\x00")) && bytes.Contains(text, []byte("\x00"+uid+"\x00")) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			must(t, err)
			pids = append(pids, pid)
		}
	}
	return pids
}

// wantPassts fails unless an instance has so many in a moment.
func wantPassts(t testing.TB, inst *host.Instance, count int) {
	t.Helper()
	eventually(t, 5*time.Second, fmt.Sprintf("%d passt of %s", count, inst.Name), func() bool { return len(passts(t, inst.UID)) == count })
}

// uidOf is whose a process is.
func uidOf(t testing.TB, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); fields[0] == "Uid:" {
			uid, err := strconv.Atoi(fields[2])
			must(t, err)
			return uid
		}
	}
	t.Fatalf("process %d does not say whose it is", pid)
	return 0
}

func TestPasst_CarriesAGuestThroughItsLifeAndEndsWithIt(t *testing.T) {
	needsPasst(t)
	t.Parallel()
	ctx := t.Context()
	l := newLab(t, testhost.Options{})
	l.putImages()
	base := l.boot(passtSpec("base"))
	token := l.token(base)
	wantPassts(t, base, 1)
	owner, mode := os.Geteuid(), fs.FileMode(0o700)
	if owner == 0 {
		owner, mode = nobody(t), 0o770 // and of root's group
	}
	if is := uidOf(t, passts(t, base.UID)[0]); is != owner {
		t.Errorf("its passt is of user %d; want %d", is, owner)
	}
	if info, err := os.Stat(l.path("instances", "base", "run", "passt")); err != nil || info.Mode().Perm() != mode || int(info.Sys().(*syscall.Stat_t).Gid) != os.Getegid() {
		t.Errorf("the directory of its socket: %v, %v", info, err)
	}

	// Forks of a guest that runs, and of one of them, side by side with their source.
	var forks []*host.Instance
	for _, step := range []struct{ name, source string }{{"fork", "base"}, {"fork-of-fork", "fork"}} {
		fork, err := l.Fork(ctx, host.ForkSpec{Name: step.name, Source: host.Ref{Kind: host.Instances, Name: step.source}})
		must(t, err)
		must(t, l.Restore(ctx, fork))
		l.await(fork)
		forks = append(forks, fork)
	}
	for _, inst := range append(forks, base) {
		wantPassts(t, inst, 1)
		if is := l.token(inst); is != token {
			t.Errorf("%s has token %s; want the memory of base, %s", inst.Name, is, token)
		}
		if routes := l.in(inst, "busybox ip route; busybox ip neigh"); !strings.Contains(routes, "default via 10.0.2.2") {
			t.Errorf("the routes of %s are\n%s", inst.Name, routes)
		}
	}

	fork := l.find("fork") // a fork of it gave it a layer
	must(t, l.Standby(ctx, fork))
	wantPassts(t, fork, 0)
	forwards := map[string]map[string]qemu.Forward{"lan": {
		"http":  {Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 80},
		"again": {Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 80},
	}}
	must(t, l.Update(ctx, fork, host.Change{Forwards: forwards})) // there is no process that would have to hear of it
	must(t, l.Restore(ctx, fork))
	l.await(fork)
	for _, key := range []string{"http", "again"} {
		guest := testhost.GuestClient{URL: fmt.Sprintf("http://127.0.0.1:%d", fork.Forwards["lan"][key].HostPort)}
		if is, err := guest.Token(ctx); err != nil || is != token {
			t.Errorf("by its forward %s it has token %q, %v", key, is, err)
		}
	}
	delete(forwards["lan"], "again")
	if err := l.Update(ctx, fork, host.Change{Forwards: forwards}); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "only when it is started") {
		t.Errorf("other forwards of a guest that runs: %v", err)
	}

	// Whatever ends one ends the other, and is seen.
	must(t, syscall.Kill(passts(t, fork.UID)[0], syscall.SIGKILL))
	eventually(t, 5*time.Second, "lost", func() bool { return len(l.find("fork").Lost["lan"]) == 2 })
	fork = l.find("fork")
	must(t, l.Stop(ctx, fork, 20*time.Second))
	must(t, l.Start(ctx, fork))
	l.await(fork)
	must(t, syscall.Kill(l.pid("fork"), syscall.SIGKILL))
	wantPassts(t, fork, 0)
	must(t, l.Start(ctx, l.find("fork")))
	wantPassts(t, fork, 1)
	must(t, l.DeleteInstance(ctx, "fork", fork.UID))
	lost, qemu := forks[1], l.pid("fork-of-fork")
	must(t, os.RemoveAll(l.path("instances", lost.Name)))
	must(t, os.Remove(l.path("ports", fmt.Sprint(lost.Forwards["lan"]["http"].HostPort))))
	if pids, err := l.Orphans(ctx, lost.Name, lost.UID); err != nil || len(pids) != 2 {
		t.Errorf("orphans of what is removed: %v, %v; want QEMU %d and passt", pids, err, qemu)
	}
	must(t, syscall.Kill(qemu, syscall.SIGKILL))
	wantPassts(t, lost, 0)
	must(t, l.Stop(ctx, l.find("base"), 20*time.Second))
	if left := append(passts(t, fork.UID), passts(t, base.UID)...); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
	must(t, l.clean())
}

// pid is that of an instance's QEMU.
func (l *lab) pid(instance string) int {
	l.t.Helper()
	record, err := os.ReadFile(l.path("instances", instance, "run", "control.pid"))
	must(l.t, err)
	pid, err := strconv.Atoi(strings.Fields(string(record))[0])
	must(l.t, err)
	return pid
}

func TestPasst_IsNotLeftByAStartThatFailsOrIsKilled(t *testing.T) {
	needsPasst(t)
	t.Parallel()
	ctx := t.Context()
	l := newLab(t, testhost.Options{})
	l.putImages()
	spec := passtSpec("short")
	taken := l.boot(baseSpec("other")).Forwards["lan"]["http"].HostPort
	inst, err := l.Create(ctx, spec)
	must(t, err)

	program := l.QEMUBinary
	l.QEMUBinary = "false"
	if err := l.Start(ctx, inst); !errors.Is(err, host.ErrFailed) {
		t.Errorf("started with a QEMU that ends at once: %v", err)
	}
	if left := passts(t, inst.UID); len(left) > 0 {
		t.Errorf("%v are left of it", left)
	}
	l.QEMUBinary = program

	// Somebody else listens on the port, who has not claimed it.
	must(t, os.Remove(l.path("ports", fmt.Sprint(taken))))
	lan := spec.Interfaces["lan"]
	lan.Forwards = map[string]qemu.Forward{"http": {Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 80, HostPort: taken}}
	spec.Name, spec.Interfaces = "late", map[string]host.InterfaceSpec{"lan": lan}
	late, err := l.Create(ctx, spec)
	must(t, err)
	if err := l.Start(ctx, late); err == nil || !strings.Contains(err.Error(), "Failed to bind") || !strings.Contains(err.Error(), "host_port") {
		t.Errorf("started on a stranger's port: %v", err)
	}

	for _, next := range []func(){
		func() { must(t, l.Start(ctx, l.find("short"))); wantPassts(t, inst, 1); l.await(l.find("short")) },
		func() { must(t, l.DeleteInstance(ctx, "short", inst.UID)) },
	} {
		_ = l.Stop(ctx, l.find("short"), 0)
		ended := make(chan error, 1)
		go func() { ended <- l.Start(ctx, l.find("short")) }()
		eventually(t, 10*time.Second, "an open passt", func() bool { return len(passts(t, inst.UID)) == 1 })
		l.killScript("short", "passt")
		if err := <-ended; err == nil {
			t.Fatal("the script was not killed while it started the guest")
		}
		next()
	}
	if left := passts(t, inst.UID); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
	if is := l.state("other"); is != lifecycle.Running {
		t.Errorf("the other is %s", is)
	}
	must(t, l.clean())
}

func TestPasst_IsTheUserOfQEMU(t *testing.T) {
	needsPasst(t)
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	t.Parallel()
	ctx := t.Context()
	l := newLabAs(t, testhost.Options{}, "daemon")
	l.putImages()
	inst := l.boot(passtSpec("dropped"))
	for _, pid := range append(passts(t, inst.UID), l.pid("dropped")) {
		if is := uidOf(t, pid); is != 1 { // Debian's, of base-passwd
			t.Errorf("process %d is of user %d; want daemon", pid, is)
		}
	}
	must(t, l.Standby(ctx, inst))
	must(t, l.Restore(ctx, inst))
	l.await(inst)
	must(t, l.clean())
}

// TestPasst_DoesNotCarryAGuestToTheLoopbackOfItsHost asks as
// TestRestrict_CutsTheGuestOffFromTheHost does, on a host of a namespace of its
// own: what is asked for at 10.0.2.2 goes out to the network of the host.
func TestPasst_DoesNotCarryAGuestToTheLoopbackOfItsHost(t *testing.T) {
	needsPasst(t)
	t.Parallel()
	y := newYard(t, testhost.Options{})
	y.putImages()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "index.html"), []byte("the host"), 0o600))
	for _, address := range []string{"127.0.0.1:20900", y.link.HostAddress + ":20901"} {
		argv := y.link.Within("busybox", "httpd", "-f", "-p", address, "-h", dir)
		server := exec.Command(argv[0], argv[1:]...)
		must(t, server.Start())
		t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	}
	ask := func(inst *host.Instance, addresses ...string) (got string) {
		for _, address := range addresses {
			got += y.in(inst, "busybox timeout 5 busybox wget -qO- http://"+address+"/ 2>/dev/null || printf nothing; printf ';'")
		}
		return got
	}
	user, passt := y.boot(baseSpec("user")), y.boot(passtSpec("passt"))
	outside := y.link.HostAddress + ":20901"
	if got := ask(user, "10.0.2.2:20900", outside); got != "the host;the host;" {
		t.Errorf("with type user the guest reaches %q", got)
	}
	// Its own loopback is put out of the way for the last one.
	y.in(passt, "for route in 127.0.0.1 127.0.0.0/8; do busybox ip route del local $route dev lo table local; done; busybox ip route add 127.0.0.1 via 10.0.2.2 dev eth0 src 10.0.2.15; "+
		"busybox sysctl -w net.ipv4.conf.all.route_localnet=1 net.ipv4.conf.eth0.route_localnet=1")
	if got := ask(passt, "10.0.2.2:20900", "10.0.2.3:20900", "127.0.0.1:20900", outside); got != "nothing;nothing;nothing;the host;" {
		t.Errorf("with type passt the guest reaches %q", got)
	}
	must(t, y.clean())
}

func TestPasst_ThatIsMissingIsRefusedBeforeAnythingIsMade(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can take a command away from a host")
	}
	t.Parallel()
	hidden := filepath.Join(t.TempDir(), "passt")
	must(t, os.WriteFile(hidden, nil, 0o600))
	path, err := exec.LookPath("passt")
	if err != nil {
		path = ""
	}
	mounts := map[string]string{}
	if path != "" {
		mounts[path] = hidden
	}
	l := newLab(t, testhost.Options{Mounts: mounts})
	l.putImages()
	if _, err := l.Create(t.Context(), passtSpec("never")); !errors.Is(err, host.ErrUnfit) || !strings.Contains(err.Error(), "apt-get install passt") {
		t.Errorf("%v", err)
	}
	if left := l.files("instances/*"); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	must(t, l.clean())
}
