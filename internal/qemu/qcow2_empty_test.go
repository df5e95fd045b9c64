package qemu

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// imageTool runs qemu-img or qemu-io in dir.
func imageTool(t *testing.T, dir string, argv ...string) string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v: %s", argv, err, out)
	}
	return string(out)
}

// writeEmpty writes an empty image as scripts do.
func writeEmpty(t *testing.T, path string, e EmptyImage) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for at, piece := range map[int64][]byte{0: e.Header, e.TableAt: e.Table, e.TableAt + ClusterSize: e.Block} {
		if _, err := file.WriteAt(piece, at); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewEmptyImage_IsWhatQemuImgMakes(t *testing.T) {
	for _, size := range []int64{512, 1000, 64 << 20, 512<<20 + 512, 20 << 30, 5 << 40, MaxVirtualSize} {
		for _, format := range []string{"qcow2", "raw", ""} {
			t.Run(fmt.Sprintf("%d bytes above %q", size, format), func(t *testing.T) {
				dir := t.TempDir()
				base, backing := "", []string(nil)
				if format != "" {
					base, backing = "base", []string{"-b", "base", "-F", format}
					imageTool(t, dir, "qemu-img", "create", "-q", "-f", format, base, "1M")
				}
				imageTool(t, dir, slices.Concat([]string{"qemu-img", "create", "-q", "-u", "-f", "qcow2"}, backing, []string{"theirs", fmt.Sprint(size)})...)
				writeEmpty(t, filepath.Join(dir, "ours"), NewEmptyImage(size, base, format))

				info := func(name string) map[string]any {
					var of map[string]any
					if err := json.Unmarshal([]byte(imageTool(t, dir, "qemu-img", "info", "--output=json", name)), &of); err != nil {
						t.Fatal(err)
					}
					delete(of, "filename")
					delete(of, "actual-size")
					delete(of, "children")
					return of
				}
				if ours, theirs := fmt.Sprint(info("ours")), fmt.Sprint(info("theirs")); ours != theirs {
					t.Errorf("it is %s; want %s", ours, theirs)
				}
				imageTool(t, dir, "qemu-img", "check", "ours") // fails for a leak, too
				if size <= 20<<30 {                            // of a larger one it takes minutes
					imageTool(t, dir, "qemu-img", "compare", "-q", "ours", "theirs")
				}
				imageTool(t, dir, "qemu-io", "-f", "qcow2", "-c", "write -P 7 0 512", "ours")
				imageTool(t, dir, "qemu-img", "check", "ours")
				if stat, err := os.Stat(filepath.Join(dir, "ours")); err != nil || stat.Size() < 4*ClusterSize {
					t.Errorf("with something written to it the image has %d bytes, %v", stat.Size(), err)
				}
			})
		}
	}
}
