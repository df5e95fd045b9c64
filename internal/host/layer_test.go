package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// Shells differ in what their printf makes of bytes that are no text.
func TestLayer_IsSoundWhicheverShellMakesIt(t *testing.T) {
	below := qemu.Layer{File: "below.qcow2", Format: "qcow2"}
	for _, shell := range []string{"dash", "busybox sh", "bash"} {
		dir := t.TempDir()
		run := func(argv ...string) {
			t.Helper()
			cmd := exec.Command(argv[0], argv[1:]...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %q: %v: %s", shell, argv, err, out)
			}
		}
		run("mkdir", "disk")
		run("qemu-img", "create", "-q", "-f", "qcow2", "disk/below.qcow2", "3G")
		stack := qemu.Machine{Disk: &qemu.Disk{SizeBytes: 3 << 30, Layers: []qemu.Layer{below}}}.Stacks()[0]
		script := Prelude + "\neach_layer 6 make_layer $1"
		run(append(strings.Fields(shell), "-c", script, "sh", layerWords(stack.Above(qemu.Layer{File: "top.qcow2", Format: "qcow2"}).Disk))...)
		run("qemu-img", "check", "-q", "disk/top.qcow2")
		run("qemu-img", "compare", "-q", "disk/top.qcow2", "disk/below.qcow2")
		if info, err := os.Stat(filepath.Join(dir, "disk/top.qcow2")); err != nil || info.Size() >= emptyLayer {
			t.Errorf("%s: the layer is %v, %v; want it to have less than %d bytes", shell, info, err, emptyLayer)
		}
	}
}
