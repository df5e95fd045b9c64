package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// Names that others have given neither pass for ours nor spoil what is listed.
func TestHostile_NamesOfOthersMeanNothing(t *testing.T) {
	l := newLab(t, testhost.Options{})
	t.Cleanup(func() { empty(t, l) })
	v := newVictim(t, l)
	before := l.find("web")
	for _, name := range []string{
		"x\ninstances/web", "x\n[end]\ny", "x\n[files]\ny", "a b", "*", "-rf", "$(touch owned)", "`touch owned`", `a\c`, "'", `"`, ";touch owned", "~", "Ünïcode", "\xff", "..web", ".tmp-999999999-* *", ".tmp-1-\n",
		"x\n[processes]\n1 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20\ny",
	} {
		for _, kind := range []string{"instances", "snapshots", "images", "volumes", "ports"} {
			for _, part := range []string{"checkpoint", "run", "disk"} {
				must(t, os.MkdirAll(l.path(kind, name, part), 0o700))
			}
			for _, file := range []string{"instance.json", "snapshot.json", "image.json", "data", "checkpoint/memory", "checkpoint/machine.json", "disk/0000000000000000.qcow2"} {
				must(t, os.WriteFile(l.path(kind, name, file), []byte("x\n"), 0o600))
			}
			must(t, os.WriteFile(l.path(kind, name, "run/control.pid"), []byte("1 2 3 4\n"), 0o600))
		}
	}
	if found := l.find("web"); !reflect.DeepEqual(found, before) {
		t.Errorf("web was %+v and is %+v", before, found)
	}
	for kind, names := range map[string]string{"instances": "bystander web", "snapshots": "snap", "images": "image"} {
		if found := strings.Join(l.names(kind), " "); found != names {
			t.Errorf("%s are %q; want %q", kind, found, names)
		}
	}
	for _, err := range v.all() {
		t.Error(err)
	}
	if _, err := os.Stat(l.path("owned")); err == nil {
		t.Error("a name was run")
	}
}

// names are those of the objects of a kind.
func (l *lab) names(kind string) (names []string) {
	l.t.Helper()
	l.Forget()
	instances, err1 := l.Instances(context.Background())
	snapshots, err2 := l.Snapshots(context.Background())
	images, err3 := l.Images(context.Background())
	must(l.t, errors.Join(err1, err2, err3))
	switch kind {
	case "instances":
		for _, object := range instances {
			names = append(names, object.Name)
		}
	case "snapshots":
		for _, object := range snapshots {
			names = append(names, object.Name)
		}
	case "images":
		for _, object := range images {
			names = append(names, object.Name)
		}
	}
	return names
}

// A pid that names a file is none.
func TestHostile_APidIsANumber(t *testing.T) {
	l := newLab(t, testhost.Options{})
	outside := newOutside(t)
	must(t, syscall.Mkfifo(outside+"/dir/stat", 0o600))
	v := &victim{lab: l, t: t}
	web, err := l.Create(t.Context(), host.InstanceSpec{Name: "web", VCPUs: 1, MemoryMiB: 16})
	must(t, err)
	must(t, os.Mkdir(l.path("instances/web/run"), 0o700))
	record := fmt.Sprintf("../%s/dir 2 %s %s\n", outside, line(t, "/proc/sys/kernel/random/boot_id"), line(t, "/etc/machine-id"))
	must(t, os.WriteFile(l.path("instances/web/run/control.pid"), []byte(record), 0o600))
	must(t, v.do("list", func(ctx context.Context) error { _, err := l.Instances(ctx); return err }))
	must(t, v.do("stop", func(ctx context.Context) error { return l.Stop(ctx, web, 0) }))
	must(t, v.do("delete", func(ctx context.Context) error { return l.DeleteInstance(ctx, "web", web.UID) }))
}

// line is the first line of a file; unknown, if there is none.
func line(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "unknown"
	}
	must(t, err)
	first, _, _ := strings.Cut(string(text), "\n")
	return first
}

// However much others have put among the objects, a host is listed, and things
// are made and removed, within seconds.
func TestHostile_ManyEntriesOfOthersAreListedWithinSeconds(t *testing.T) {
	if os.Getenv("KVM_TEST_HOSTILE") != "all" {
		t.Skip("makes 100,000 files: KVM_TEST_HOSTILE=all")
	}
	const many = 100_000
	for name, put := range map[string]func(path string) error{
		"files":       func(path string) error { return syscall.Mknod(path, syscall.S_IFREG|0o600, 0) },
		"links":       func(path string) error { return os.Symlink("nothing", path) },
		"directories": func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, testhost.Options{})
			t.Cleanup(func() { empty(t, l) })
			v := newVictim(t, l)
			for i := range many {
				for _, kind := range []string{"instances", "ports", "images", "snapshots"}[:1+i%4/3*3] {
					must(t, put(l.path(kind, fmt.Sprintf("%d", 100_000+i))))
				}
			}
			begun := time.Now()
			must(t, v.do("list", func(ctx context.Context) error { _, err := v.Instances(ctx); return err }))
			t.Logf("listed in %s", time.Since(begun).Round(time.Millisecond))
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
			begun = time.Now()
			must(t, v.do("create", func(ctx context.Context) error {
				inst, err := v.Create(ctx, host.InstanceSpec{Name: "other", VCPUs: 1, MemoryMiB: 16})
				if err != nil {
					return err
				}
				return errors.Join(v.Update(ctx, inst, host.Change{Labels: &map[string]string{"a": "b"}}), v.DeleteInstance(ctx, "other", inst.UID))
			}))
			t.Logf("made, updated and deleted in %s", time.Since(begun).Round(time.Millisecond))
		})
	}
}

// empty removes all that is in the data directory, by hand.
func empty(t *testing.T, l *lab) {
	entries, err := os.ReadDir(l.path())
	must(t, err)
	for _, entry := range entries {
		must(t, os.RemoveAll(l.path(entry.Name())))
	}
}
