package host_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// A mutant runs scripts in which a text is another one.
type mutant struct {
	host.Transport
	old, new string
	struck   bool // some script had the text
}

func (m *mutant) Run(ctx context.Context, script ssh.Script) (ssh.Result, error) {
	if script.Atomic {
		script.Text = m.mutated(script)
	}
	return m.Transport.Run(ctx, script)
}

func (m *mutant) Stream(ctx context.Context, script ssh.Script, stdin io.Reader) (ssh.Result, error) {
	script.Text = m.mutated(script)
	return m.Transport.Stream(ctx, script, stdin)
}

// mutated has the prelude in it, which the shell has read already.
func (m *mutant) mutated(script ssh.Script) string {
	text := host.Prelude + "\n" + script.Text
	m.struck = m.struck || strings.Contains(text, m.old)
	return strings.ReplaceAll(text, m.old, m.new)
}

// mutate does something with scripts in which a text is another one, and wants it
// found out, with words that have want in them.
func (l *tracedLab) mutate(what, old, new, want string, do func(ctx context.Context) error) {
	l.t.Helper()
	m, real := &mutant{Transport: l.trips, old: old, new: new}, l.Host
	l.Host = host.New(l.Config, m)
	found := l.verb(do)
	l.Host = real
	if !m.struck {
		l.t.Errorf("%s: there is no %s in any script", what, old)
	}
	if !strings.Contains(strings.Join(found, "\n"), want) {
		l.t.Errorf("%s without %s: %q; want it to say that %s", what, old, found, want)
	}
}

// TestDurability_IsMissedWhereASyncIsLeftOut shows that the test of it can fail.
func TestDurability_IsMissedWhereASyncIsLeftOut(t *testing.T) {
	l := newTracedLab(t, testhost.Options{})
	guest, err := testhost.BuildGuest(t.Context())
	must(t, err)
	l.mutate("upload", "volumes ports && sync .;", "volumes ports;", "the name images is not", func(ctx context.Context) error {
		_, err := l.PutImage(ctx, host.ImageSpec{Name: "vmlinuz", Source: guest.Kernel}, opener(guest.Kernel))
		return err
	})
	l.putImage("initrd", guest.Initrd)
	l.putImage("disk", guest.Disk)
	base := l.boot(baseSpec("base"))
	snapshot := func(ctx context.Context) error {
		_, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "golden", Instance: "base"})
		return err
	}
	label := func(ctx context.Context) error {
		return l.LabelSnapshot(ctx, l.snapshot("golden"), map[string]string{"a": "b"}, nil)
	}
	fork := func(ctx context.Context) error {
		_, err := l.Fork(ctx, host.ForkSpec{Name: "fork", Source: host.Ref{Kind: host.Snapshots, Name: "golden"}})
		return err
	}
	unfork := func(ctx context.Context) error { return l.remove(ctx, "instances/fork") }
	update := func(change host.Change) func(context.Context) error {
		return func(ctx context.Context) error { return l.Update(ctx, l.find("base"), change) }
	}
	standby := func(ctx context.Context) error { return l.Standby(ctx, l.find("base")) }
	rollback := func(ctx context.Context) error { return l.Rollback(ctx, l.find("base"), l.snapshot("golden")) }

	l.mutate("snapshot", `sync checkpoint.tmp/* checkpoint.tmp ||`, `:||`, "checkpoint/memory is on the disk", snapshot)
	must(t, l.remove(t.Context(), "snapshots/golden"))
	l.mutate("snapshot", `put instance.json "$becomes" $fresh ||`, `put instance.json "$becomes" ||`, "metadata of instances/base is there before the name disk/", snapshot)
	l.mutate("label", `&& sync "$@" "$putting.tmp" && mv`, `&& mv`, "what was written to snapshots/golden/snapshot.json.tmp", label)
	l.mutate("label", `*) sync . ;; esac`, `esac`, "the name snapshots/golden/snapshot.json is not", label)
	l.mutate("fork", `sync "$staged"/* "$staged" ||`, `: ||`, "becomes instances/fork before what was written", fork)
	l.mutate("delete", `&& sync "$1" && shift && rm`, `&& shift && rm`, "instances/fork went", unfork)
	l.mutate("fork", `sync "${committed%/*}" ${1:+ports} || {`, `sync ports || {`, "the name instances/fork is not", fork)
	l.mutate("delete", `sync ports || fail $FAILED "cannot release its ports"`, `:`, "went", unfork)
	l.mutate("fork", `sync "${committed%/*}" ${1:+ports} || {`, `sync "${committed%/*}" || {`, "the name ports/", fork)
	l.mutate("standby", `mv -T checkpoint.tmp checkpoint && sync . ||`, `mv -T checkpoint.tmp checkpoint ||`, "the name instances/base/checkpoint is not", standby)
	l.mutate("restore", `put instance.json "$becomes" $fresh ||`, `put instance.json "$becomes" ||`, "metadata of instances/base is there before", func(ctx context.Context) error { return l.Restore(ctx, l.find("base")) })
	l.mutate("rollback", `&& sync "$part.tmp" &&`, `&&`, "becomes instances/base/disk before the name", rollback)
	l.mutate("rollback", `rm rollback/instance.json && sync rollback ||`, `rm rollback/instance.json ||`, "rollback goes before", rollback)
	must(t, l.Restore(t.Context(), l.find("base")))
	must(t, l.Stop(t.Context(), l.find("base"), 0))
	l.mutate("update", `"boot/$2" && sync boot; }`, `"boot/$2"; }`, "before the name boot/kernel is", update(host.Change{Kernel: &host.KernelSpec{Image: "initrd"}}))
	l.mutate("create", `&& sync "$2"`, ``, "boot/variables is on the disk", func(ctx context.Context) error {
		_, err := l.Create(ctx, bareUEFI("uefi"))
		return err
	})
	must(t, l.Update(t.Context(), l.find("base"), host.Change{Seed: seedOf(t, "before")}))
	l.mutate("update", `truncate -s "$3" "$1" && sync "$1"`, `truncate -s "$3" "$1"`, "what was written to instances/base/boot/seed.iso.tmp", update(host.Change{Seed: seedOf(t, "after")}))
	if state := l.state("base"); state != lifecycle.Stopped {
		t.Errorf("%s is %s", base.Name, state)
	}
	must(t, l.clean())
}
