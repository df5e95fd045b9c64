package host_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

func TestPrivileges_OfAPlainUserAreEnoughForAWholeLife(t *testing.T) {
	if why := testhost.NoPlainUser(); why != "" {
		t.Skip(why)
	}
	t.Parallel()
	l := newLab(t, testhost.Options{PlainUser: true})
	w := l.watch()
	l.wholeLife()
	w.wantGuestsOf(int(w.owner))
	if os.Geteuid() == 0 && w.owner == 0 {
		t.Error("the data directory is root's")
	}
	if l.RunsAsRoot() {
		t.Error("its guests are said to run as root")
	}
}

func TestPrivileges_DoNotDependOnTheUmaskOfTheLogin(t *testing.T) {
	t.Parallel()
	l := newLab(t, testhost.Options{SSHDConfig: []string{`ForceCommand umask 000; eval "$SSH_ORIGINAL_COMMAND"`}})
	w := l.watch()
	l.wholeLife()
	w.wantGuestsOf(os.Geteuid())
	if asRoot := l.RunsAsRoot(); asRoot != (os.Geteuid() == 0) {
		t.Errorf("its guests run as root: %t", asRoot)
	}
	if l.RunsAsRoot() {
		t.Error("it is said twice that guests run as root")
	}
}

func TestPrivileges_OfRootAreDroppedToTheUserOfQEMU(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	t.Parallel()
	l := newLabAs(t, testhost.Options{}, "nobody")
	w := l.watch()
	l.wholeLife(func(base *host.Instance) {
		l.QEMUUser = ""
		if _, err := l.TakeSnapshot(t.Context(), host.SnapshotSpec{Name: "refused", Instance: base.Name}); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "qemu_user is another one now") {
			t.Errorf("a snapshot of what runs as another user: %v", err)
		}
		l.QEMUUser = "nobody"
		l.in(base, "sync")
	})
	w.wantGuestsOf(nobody(t))
	if l.RunsAsRoot() {
		t.Error("its guests are said to run as root")
	}
}

func TestPrivileges_ThatCannotBeDroppedAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts testhost.Options
		user string
		says string
	}{
		"no such user": {testhost.Options{}, "kvm-nobody", "useradd --system"},
		"root":         {testhost.Options{}, "root", "that is root"},
		"a plain user": {testhost.Options{PlainUser: true}, "nobody", "only root can become another user"},
	} {
		t.Run(name, func(t *testing.T) {
			switch why := testhost.NoPlainUser(); {
			case c.opts.PlainUser && why != "":
				t.Skip(why)
			case !c.opts.PlainUser && os.Geteuid() != 0:
				t.Skip("only root can become another user")
			}
			t.Parallel()
			l := newLab(t, c.opts)
			l.putImages()
			inst, err := l.Create(t.Context(), baseSpec("refused"))
			must(t, err)
			l.QEMUUser = c.user
			if err := l.Start(t.Context(), inst); !errors.Is(err, host.ErrUnfit) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("start: %v", err)
			}
			again := host.New(l.Config, l.trips)
			if _, err := again.Create(t.Context(), baseSpec("never")); !errors.Is(err, host.ErrUnfit) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("create: %v", err)
			}
			must(t, l.clean())
		})
	}
}

func nobody(t *testing.T) int {
	t.Helper()
	account, err := user.Lookup("nobody")
	must(t, err)
	id, err := strconv.Atoi(account.Uid)
	must(t, err)
	return id
}

// wholeLife lives through all that can happen to an instance, and leaves nothing. What
// is then to be done is done with an instance that runs, after a snapshot of it.
func (l *lab) wholeLife(then ...func(base *host.Instance)) {
	l.t.Helper()
	ctx := context.Background()
	l.putImages()
	base := l.boot(baseSpec("base"))
	token := l.token(base)
	golden, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "golden", Instance: "base"})
	must(l.t, err)
	l.in(base, "echo later >/disk/note && sync") // to the new layer

	for _, do := range then {
		do(base)
	}
	for name, source := range map[string]host.Ref{"of-snapshot": {Kind: host.Snapshots, Name: "golden"}, "of-running": {Kind: host.Instances, Name: "base"}} {
		fork, err := l.Fork(ctx, host.ForkSpec{Name: name, Source: source})
		must(l.t, err)
		must(l.t, l.Restore(ctx, fork))
		l.await(fork)
		l.in(fork, "echo fork >/disk/note && sync")
		if got := l.token(fork); got != token {
			l.t.Errorf("%s has the token %s; want %s", name, got, token)
		}
		must(l.t, l.Standby(ctx, fork))
	}
	l.Forget()
	fork, err := l.Instance(ctx, "of-snapshot")
	must(l.t, err)
	must(l.t, l.Restore(ctx, fork))
	l.await(fork)
	if note := l.in(fork, "cat /disk/note"); note != "fork\n" {
		l.t.Errorf("the note says %q after standby", note)
	}
	l.bindsLoopbackOnly(fork)
	gib := 1
	must(l.t, l.Update(ctx, fork, host.Change{DiskGiB: &gib, Forwards: map[string]map[string]qemu.Forward{"lan": {
		"http": fork.Forwards["lan"]["http"], "ssh": {Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 22},
	}}}))
	if size := l.in(fork, "cat /sys/block/vda/size"); size != "2097152\n" { // sectors of 512 bytes
		l.t.Errorf("the disk has %s sectors after it has grown", size)
	}

	l.Forget()
	base, err = l.Instance(ctx, "base")
	must(l.t, err)
	must(l.t, l.Rollback(ctx, base, golden))
	must(l.t, l.Restore(ctx, base))
	l.await(base)
	if got := l.in(base, "cat /disk/note 2>/dev/null || echo none"); got != "none\n" {
		l.t.Errorf("the note says %q after a rollback", got)
	}
	must(l.t, l.Stop(ctx, base, 30*time.Second))
	must(l.t, l.Start(ctx, base))
	l.await(base)
	must(l.t, l.clean())
}

// bindsLoopbackOnly wants the host's forwards of an instance to be on 127.0.0.1.
func (l *lab) bindsLoopbackOnly(inst *host.Instance) {
	l.t.Helper()
	port := inst.Forwards["lan"]["http"].HostPort
	var found []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if errors.Is(err, fs.ErrNotExist) { // there is no IPv6
			continue
		}
		must(l.t, err)
		for line := range strings.Lines(string(text)) { // number, local address, remote address, state
			if fields := strings.Fields(line); len(fields) > 3 && fields[3] == "0A" && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) {
				found = append(found, fields[1])
			}
		}
	}
	if want := fmt.Sprintf("0100007F:%04X", port); len(found) != 1 || found[0] != want {
		l.t.Errorf("port %d is listened on at %q; want %s alone", port, found, want)
	}
}
