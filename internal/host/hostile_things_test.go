package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

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

// plant puts a thing at a place, and what was there aside.
func plant(t *testing.T, path, outside, thing string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	if err := os.Rename(path, outside+"/was"); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	must(t, things[thing](path, outside))
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
