package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A pid is a part of a path, too.
func TestInventory_ReadsNoProcessThatIsAPath(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("stranger/stat", "99 (x) S secret")
	write("instances/a/run/control.pid", "self/root"+dir+"/stranger 1 boot machine")
	write("instances/b/run/control.pid", "self 1 boot machine")
	sh := exec.Command("sh", "-c", Prelude+inventoryScript, "sh", dir)
	out, err := sh.CombinedOutput()
	if err != nil || strings.Contains(string(out), "secret") || !strings.HasSuffix(string(out), "[end]\n") {
		t.Errorf("%v, %s", err, out)
	}
	sh = exec.Command("sh", "-c", Prelude+`cd "$1/instances/a" || exit
read -r _ start _ <run/control.pid
printf '%s %s %s %s\n' "self/root$1/stranger" "$start" "$BOOT_ID" "$MACHINE_ID" >run/control.pid
alive control secret && echo alive || echo dead`, "sh", dir)
	write("stranger/stat", "99 (x) S"+strings.Repeat(" 1", 40))
	write("stranger/cmdline", "secret")
	if out, err = sh.CombinedOutput(); err != nil || string(out) != "dead\n" {
		t.Errorf("%v, a process that is a path is %s", err, out)
	}
}
