package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// tooLong is when an operation counts as hanging: all take less than a second.
const tooLong = 20 * time.Second

// things are what somebody may have put where a file or a directory of ours
// belongs. Each is given the path, at which nothing is, and a directory outside
// of the data directory in which "was" is what was at the path, if anything.
var things = map[string]func(path, outside string) error{
	"fifo": func(path, _ string) error { return syscall.Mkfifo(path, 0o600) },
	"link to a file": func(path, outside string) error {
		if info, err := os.Stat(outside + "/was"); err == nil && info.Mode().IsRegular() {
			return os.Symlink(outside+"/was", path)
		}
		return os.Symlink(outside+"/canary", path)
	},
	"link to a directory": func(path, outside string) error {
		if info, err := os.Stat(outside + "/was"); err == nil && info.IsDir() {
			if err := bait(outside + "/was"); err != nil {
				return err
			}
			return os.Symlink(outside+"/was", path)
		}
		return os.Symlink(outside+"/dir", path)
	},
	"dangling link": func(path, outside string) error { return os.Symlink(outside+"/nothing", path) },
	"directory":     func(path, _ string) error { return os.Mkdir(path, 0o700) },
	"empty file":    func(path, _ string) error { return os.WriteFile(path, nil, 0o600) },
	"garbage":       func(path, _ string) error { return os.WriteFile(path, []byte("\x00\xff\n\x01\x80"), 0o600) },
	"huge JSON": func(path, outside string) error {
		var text []byte
		info, err := os.Stat(outside + "/was")
		if err == nil && info.Mode().IsRegular() {
			text, err = os.ReadFile(outside + "/was")
		}
		if err != nil || !bytes.HasPrefix(text, []byte("{")) {
			text = []byte("{}\n")
		}
		size := 10 << 20
		if !strings.HasSuffix(path, ".json") { // what the shell reads itself it reads byte by byte, 3 MB in a second
			size = 1 << 20
		}
		huge := append([]byte(`{"x":["`), bytes.Repeat([]byte(`","`), size/3)...)
		if text[1] == '}' {
			return os.WriteFile(path, append(huge, `"]}`...), 0o600)
		}
		return os.WriteFile(path, append(append(huge, `"],`...), text[1:]...), 0o600)
	},
}

// bait puts into a directory what the scripts remove, truncate or read in theirs.
func bait(dir string) error {
	var errs []error
	for _, name := range []string{
		".tmp-999999999-bait", "lock", "instance.json", "snapshot.json", "image.json", "data", "uid", "control.pid", "control.out", "control.in", "control.log",
		"console.log", "receiver.pid", "device-state", "memory", "machine.json", "kernel", "kernel.tmp", "kernel.was", "20077",
	} {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		errs = append(errs, os.WriteFile(path, []byte("canary\n"), 0o640))
	}
	return errors.Join(errs...)
}

// newOutside makes a directory that the scripts must leave as it is.
func newOutside(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Mkdir(dir+"/dir", 0o750))
	must(t, bait(dir+"/dir"))
	must(t, os.WriteFile(dir+"/canary", []byte("canary\n"), 0o640))
	return dir
}

// contents are what is below a directory, with permissions, times and texts.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		text := ""
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(content)
		}
		found[path] = fmt.Sprintf("%s %s %.60q", info.Mode(), info.ModTime(), text)
		return nil
	}))
	return found
}

// A victim is a host with an object of each kind, at one of which somebody has
// put something.
type victim struct {
	*lab
	t        *testing.T
	instance *host.Instance
	snapshot *host.Snapshot
	image    *host.Image
	port     int // a host port of the instance; the next is free
}

// ports are host ports of victims, two for each: tests run at the same time.
var ports atomic.Int32

const imageText = "not a disk, but an image of a kernel nevertheless"

// newVictim makes the objects, and one that stands by.
func newVictim(t *testing.T, l *lab) *victim {
	t.Helper()
	v := &victim{lab: l, t: t, port: 21000 + 2*int(ports.Add(1))}
	var err error
	path := t.TempDir() + "/image"
	must(t, os.WriteFile(path, []byte(imageText), 0o600))
	v.image, err = l.PutImage(t.Context(), host.ImageSpec{Name: "image", Source: path}, opener(path))
	must(t, err)
	v.instance, err = l.Create(t.Context(), host.InstanceSpec{
		Name: "web", VCPUs: 1, MemoryMiB: 16, DiskGiB: 1,
		Interfaces: map[string]host.InterfaceSpec{"lan": {Type: "user", Forwards: map[string]qemu.Forward{"x": {Protocol: "tcp", HostAddress: "127.0.0.1", HostPort: v.port, GuestPort: 1}}}},
	})
	must(t, err)
	v.snapshot, err = l.TakeSnapshot(t.Context(), host.SnapshotSpec{Name: "snap", Instance: "web"})
	must(t, err)
	_, err = l.Create(t.Context(), host.InstanceSpec{Name: "bystander", VCPUs: 1, MemoryMiB: 16})
	must(t, err)
	return v
}

// do has the driver do something, which may fail, if it says clearly of what.
func (v *victim) do(what string, op func(ctx context.Context) error) error {
	v.t.Helper()
	v.Forget()
	ctx, cancel := context.WithTimeout(context.Background(), tooLong)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- op(ctx) }()
	select {
	case err := <-done:
		if errors.Is(err, context.DeadlineExceeded) || err != nil && strings.Contains(err.Error(), "script ended with status") {
			v.t.Errorf("%s: %v", what, err)
		}
		return err
	case <-time.After(tooLong + time.Second):
		v.t.Fatalf("%s: it hangs", what)
		return nil
	}
}

// all does whatever there is to be done with the objects. It returns what of it
// failed that does not fail where all is well.
func (v *victim) all() (failed []error) {
	v.t.Helper()
	web, snap, image := *v.instance, *v.snapshot, *v.image // as they were read before
	for what, op := range map[string]func(context.Context) error{
		"list instances": func(ctx context.Context) error { _, err := v.Instances(ctx); return err },
		"list snapshots": func(ctx context.Context) error { _, err := v.Snapshots(ctx); return err },
		"list images":    func(ctx context.Context) error { _, err := v.Images(ctx); return err },
	} {
		_ = v.do(what, op)
	}
	kernel := host.KernelSpec{Image: "image"}
	imageFile := v.t.TempDir() + "/image"
	must(v.t, os.WriteFile(imageFile, []byte(imageText), 0o600))
	for _, step := range []struct {
		what string
		op   func(context.Context) error
	}{
		{"update", func(ctx context.Context) error {
			return v.Update(ctx, &web, host.Change{Labels: &map[string]string{"a": fmt.Sprint(time.Now())}, Kernel: &kernel})
		}},
		{"update back", func(ctx context.Context) error { return v.Update(ctx, &web, host.Change{Kernel: &host.KernelSpec{}}) }},
		{"take", func(ctx context.Context) error {
			_, err := v.TakeSnapshot(ctx, host.SnapshotSpec{Name: "taken", Instance: "web"})
			return err
		}},
		{"fork", func(ctx context.Context) error {
			_, err := v.Fork(ctx, host.ForkSpec{Name: "fork", Source: host.Ref{Kind: host.Snapshots, Name: "snap"}})
			return err
		}},
		{"create", func(ctx context.Context) error {
			_, err := v.Create(ctx, host.InstanceSpec{Name: "other", VCPUs: 1, MemoryMiB: 16, Kernel: &kernel})
			return err
		}},
		{"claim", func(ctx context.Context) error {
			forwards := map[string]map[string]qemu.Forward{"lan": {"y": {Protocol: "tcp", HostAddress: "127.0.0.1", HostPort: v.port + 1, GuestPort: 1}}}
			return v.Update(ctx, &web, host.Change{Forwards: forwards})
		}},
		{"start", func(ctx context.Context) error { return v.Start(ctx, &web) }},
		{"resume", func(ctx context.Context) error { return v.Resume(ctx, &web) }},
		{"stop", func(ctx context.Context) error { return v.Stop(ctx, &web, 0) }},
		{"restore", func(ctx context.Context) error { return v.Restore(ctx, &web) }},
		{"stop again", func(ctx context.Context) error { return v.Stop(ctx, &web, 0) }},
		{"roll back", func(ctx context.Context) error { return v.Rollback(ctx, &web, &snap) }},
		{"label", func(ctx context.Context) error {
			return v.LabelSnapshot(ctx, &snap, map[string]string{"a": "b"}, nil)
		}},
		{"note", func(ctx context.Context) error { return v.NoteImage(ctx, &image, []byte(`{"a":1}`)) }},
		{"link an image", func(ctx context.Context) error {
			_, err := v.PutImage(ctx, host.ImageSpec{Name: "linked", Source: imageFile, SHA256: image.SHA256}, opener(imageFile))
			return err
		}},
		{"put an image", func(ctx context.Context) error {
			_, err := v.PutImage(ctx, host.ImageSpec{Name: "put", Source: imageFile}, opener(imageFile))
			return err
		}},
		{"delete the image", func(ctx context.Context) error { return v.DeleteImage(ctx, "image", image.UID) }},
		{"delete the snapshot", func(ctx context.Context) error { return v.DeleteSnapshot(ctx, "snap", snap.UID) }},
		{"delete the instance", func(ctx context.Context) error { return v.DeleteInstance(ctx, "web", web.UID) }},
	} {
		if err := v.do(step.what, step.op); err != nil && step.what != "resume" && step.what != "restore" {
			failed = append(failed, fmt.Errorf("%s: %w", step.what, err))
		}
	}
	return failed
}

// plant puts a thing at a place, and what was there aside.
func plant(t *testing.T, path, outside, thing string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	if err := os.Rename(path, outside+"/was"); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	must(t, things[thing](path, outside))
}

// Whatever somebody has put anywhere, nothing hangs, nothing outside of the data
// directory is written or removed, and objects at which nothing was put work.
// With KVM_TEST_HOSTILE=all everything is put everywhere, which takes minutes;
// else one of the things, in turn.
func TestHostile_ThingsInPlaceOfFilesNeitherHangNorLeadOutside(t *testing.T) {
	for i, place := range []string{
		"images", "instances", "snapshots", "volumes", "ports",
		"instances/web", "instances/web/instance.json", "instances/web/instance.json.tmp", "instances/web/lock",
		"instances/web/run", "instances/web/run/control.pid", "instances/web/run/control.out", "instances/web/run/control.in",
		"instances/web/run/control.log", "instances/web/run/console.log", "instances/web/run/receiver.pid", "instances/web/run/device-state", "instances/web/run/qmp.sock",
		"instances/web/disk", "instances/web/disk/LAYER", "instances/web/boot", "instances/web/boot/kernel", "instances/web/boot/kernel.tmp",
		"instances/web/checkpoint", "instances/web/checkpoint/device-state", "instances/web/checkpoint/memory", "instances/web/checkpoint.tmp",
		"instances/web/rollback", "instances/web/rollback/instance.json", "instances/web/rollback/uid", "instances/web/rollback/disk",
		"snapshots/snap", "snapshots/snap/snapshot.json", "snapshots/snap/lock", "snapshots/snap/disk", "snapshots/snap/disk/LAYER",
		"images/image", "images/image/image.json", "images/image/data", "images/image/lock",
		"ports/PORT", "instances/other", "images/put", "instances/.tmp-999999999-x", "snapshots/taken",
	} {
		t.Run(strings.ReplaceAll(place, "/", " "), func(t *testing.T) {
			t.Parallel()
			chosen := slices.DeleteFunc(slices.Sorted(maps.Keys(things)), func(thing string) bool { return isText(thing) && !hasText(place) })
			if os.Getenv("KVM_TEST_HOSTILE") != "all" {
				chosen = chosen[i%len(chosen):][:1]
			}
			for _, thing := range chosen {
				t.Run(thing, func(t *testing.T) { tamper(t, place, thing) })
			}
		})
	}
}

// isText reports whether a thing is a file, of another text than it had, and
// hasText whether a script reads the text of what is at a place.
func isText(thing string) bool {
	return thing == "empty file" || thing == "garbage" || thing == "huge JSON"
}

func hasText(place string) bool {
	return strings.HasSuffix(place, ".json") || strings.HasSuffix(place, ".pid") || strings.HasSuffix(place, "/uid") || strings.HasSuffix(place, "/control.out")
}

func tamper(t *testing.T, place, thing string) {
	l := newLab(t, testhost.Options{})
	t.Cleanup(func() { empty(t, l) })
	v := newVictim(t, l)
	outside := newOutside(t)
	place = strings.Replace(place, "LAYER", v.instance.Machine.Disk.Layers[0].File, 1)
	place = strings.Replace(place, "PORT", fmt.Sprint(v.port+1), 1)
	if strings.HasPrefix(place, "instances/web/rollback/") { // one that somebody has begun
		must(t, os.Mkdir(l.path("instances/web/rollback"), 0o700))
		must(t, os.WriteFile(l.path("instances/web/rollback/uid"), []byte(v.instance.UID+"\n"), 0o600))
		text, err := os.ReadFile(l.path("instances/web/instance.json"))
		must(t, err)
		must(t, os.WriteFile(l.path("instances/web/rollback/instance.json"), text, 0o600))
	}
	plant(t, l.path(place), outside, thing)
	before := contents(t, outside)
	for _, err := range v.all() {
		t.Log(err)
	}
	if after := contents(t, outside); !reflect.DeepEqual(before, after) {
		for path := range after {
			if before[path] != after[path] {
				t.Errorf("outside, %s was %s and is %s", path, before[path], after[path])
			}
		}
		for path := range before {
			if after[path] == "" {
				t.Errorf("outside, %s was removed", path)
			}
		}
	}
	if !strings.Contains(place, "/") {
		return
	}
	err := v.do("start the bystander", func(ctx context.Context) error {
		bystander, err := l.Instance(ctx, "bystander")
		if err != nil {
			return err
		}
		return errors.Join(l.Update(ctx, bystander, host.Change{Labels: &map[string]string{"a": "b"}}), l.DeleteInstance(ctx, "bystander", bystander.UID))
	})
	if err != nil {
		t.Errorf("the bystander: %v", err)
	}
}

// A running guest's files, too: nothing hangs, nothing is written outside, and
// the guest ends once what was there is back.
func TestHostile_ThingsInPlaceOfARunningGuestsFiles(t *testing.T) {
	l := newLab(t, testhost.Options{})
	outside := newOutside(t)
	ctx := context.Background()
	v := &victim{lab: l, t: t}
	web, err := l.Create(ctx, host.InstanceSpec{Name: "web", VCPUs: 1, MemoryMiB: 16})
	must(t, err)
	must(t, l.Start(ctx, web))
	for _, place := range []string{"instance.json", "lock", "run", "run/control.pid", "run/control.out", "run/control.in", "run/console.log", "run/receiver.pid", "run/receiver.log", "run/receiver.in", "checkpoint.tmp"} {
		for thing := range things {
			if place == "run/control.out" && thing == "huge JSON" || place == "run/control.in" && thing == "fifo" {
				continue // QEMU has another, and does not answer: that is waited for, for 20 s and more
			}
			path := l.path("instances/web", place)
			plant(t, path, outside, thing)
			before := contents(t, outside)
			what := thing + " at " + place + ": "
			found := *web
			_ = v.do(what+"list", func(ctx context.Context) error { _, err := l.Instances(ctx); return err })
			_ = v.do(what+"take", func(ctx context.Context) error {
				snap, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "snap", Instance: "web"})
				if err == nil {
					err = l.DeleteSnapshot(ctx, "snap", snap.UID)
				}
				return err
			})
			err := v.do(what+"update", func(ctx context.Context) error {
				return l.Update(ctx, &found, host.Change{Labels: &map[string]string{"a": fmt.Sprint(time.Now())}})
			})
			if err == nil {
				web = &found
			}
			if strings.HasPrefix(thing, "link") || thing == "fifo" && place != "run/control.in" && place != "run/receiver.in" {
				for verb, op := range map[string]func(ctx context.Context) error{
					"resume": func(ctx context.Context) error { return l.Resume(ctx, &found) },
					"stop":   func(ctx context.Context) error { return l.Stop(ctx, &found, 0) },
					"delete": func(ctx context.Context) error { return l.DeleteInstance(ctx, "web", web.UID) },
				} {
					if place == "checkpoint.tmp" {
						continue // what is there is removed
					}
					if err := v.do(what+verb, op); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "instances/web/"+place+" is not what belongs there") {
						t.Errorf("%s%s: %v; want it refused", what, verb, err)
					}
				}
			}
			if after := contents(t, outside); !reflect.DeepEqual(before, after) {
				t.Errorf("%soutside is %v and was %v", what, after, before)
			}
			must(t, os.RemoveAll(path))
			if err := os.Rename(outside+"/was", path); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
	must(t, l.DeleteInstance(ctx, "web", web.UID))
}

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
