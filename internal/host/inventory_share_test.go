package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// A shelf is a transport to a host on which nothing changes and everything works.
type shelf struct {
	listing string
	mu      sync.Mutex
	ran     map[string]int // scripts by verb; of reads the listings are "list"
}

func (s *shelf) Run(_ context.Context, script ssh.Script) (ssh.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch script.Text {
	case inventoryScript:
		s.ran["list"]++
		return ssh.Result{Stdout: s.listing}, nil
	case absentScript:
		s.ran["look"]++
		return ssh.Result{Stdout: "absent\n"}, nil
	}
	s.ran[script.Name]++
	return ssh.Result{}, nil
}

func (s *shelf) Stream(context.Context, ssh.Script, io.Reader) (ssh.Result, error) {
	return ssh.Result{}, errors.New("nothing is streamed")
}

func (s *shelf) DialTCP(context.Context, string) (net.Conn, error) {
	return nil, errors.New("nothing is dialled")
}

func (s *shelf) Close() error { return nil }

// shelved is a host with a stopped snapshot s, which has a forward, and instances
// a and b.
func shelved() (*Host, *shelf) {
	machine := goodMetadata[strings.Index(goodMetadata, `"machine"`) : len(goodMetadata)-1]
	snapshot := `{"name":"s","uid":"u","instance":"instances/a","kind":"stopped","forwards":{"lan":{"http":{"protocol":"tcp","host_port":20001,"guest_port":80}}},` +
		strings.Replace(machine, `"vcpus":1`, `"vcpus":1,"nics":[{"key":"lan","type":"user","mac":"52:54:00:00:00:01"}]`, 1) + "}"
	s := &shelf{ran: map[string]int{}, listing: "[metadata]\nsnapshots/s/snapshot.json:" + snapshot + "\ninstances/a/instance.json:" + goodMetadata +
		"\ninstances/b/instance.json:" + goodMetadata + "\n[files]\n" + goodLayer + strings.Replace(goodLayer, "/a/", "/b/", 1) + strings.Replace(goodLayer, "instances/a", "snapshots/s", 1) +
		"[processes]\nboot machine\n[events]\n[checkpoints]\n[ports]\n* 20001\n[end]\n"}
	return New(Config{Name: "lab", DataDir: "/data", Accelerator: "tcg"}, s), s
}

// lists counts the listings that do takes.
func (s *shelf) lists(do func()) int {
	before := s.ran["list"]
	do()
	return s.ran["list"] - before
}

func read(t *testing.T, h *Host, ctx context.Context, name string) {
	t.Helper()
	if _, err := h.Instance(ctx, name); err != nil {
		t.Fatal(err)
	}
}

func TestForks_ShareListings(t *testing.T) {
	h, s := shelved()
	const forks = 500
	begun, ports := time.Now(), map[int]bool{}
	for i := range forks {
		fork, err := h.Fork(t.Context(), ForkSpec{Name: fmt.Sprint("fork-", i), Source: Ref{Snapshots, "s"}})
		if err != nil {
			t.Fatal(err)
		}
		ports[fork.Forwards["lan"]["http"].HostPort] = true
		if err := h.Keep(t.Context(), Ref{Instances, fork.Name}, fork.UID); err != nil {
			t.Fatal(err)
		}
	}
	if most := 1 + int(time.Since(begun)/listingAge); s.ran["list"] > most || s.ran["fork"] != forks || s.ran["keep"] != forks {
		t.Errorf("%d forks took %v; want at most %d listings", forks, s.ran, most)
	}
	if len(ports) != forks {
		t.Errorf("%d forks have %d host ports", forks, len(ports))
	}
}

func TestInventory_TellsWhatWasDone(t *testing.T) {
	h, s := shelved()
	ctx := t.Context()
	all := func() {
		if _, err := h.Instances(ctx); err != nil {
			t.Fatal(err)
		}
	}
	volumes := func() { _, _ = h.Volume(ctx, "none") }
	read(t, h, ctx, "a")
	for _, c := range []struct {
		name       string
		done, read func()
		want       int
	}{
		{"a, after a was changed", func() { h.forget(Ref{Instances, "a"}) }, func() { read(t, h, ctx, "a") }, 1},
		{"b, after a was changed", func() { h.forget(Ref{Instances, "a"}) }, func() { read(t, h, ctx, "b") }, 0},
		{"all, after a was changed", func() { h.forget(Ref{Instances, "a"}) }, all, 1},
		{"a volume, after a was changed", func() { h.forget(Ref{Instances, "a"}) }, volumes, 1},
		{"b, after a was stopped", func() { _ = h.Stop(ctx, &Instance{Record: Record{Name: "a"}}, 0) }, func() { read(t, h, ctx, "b") }, 0},
		{"a, after a was stopped", func() { _ = h.Stop(ctx, &Instance{Record: Record{Name: "a"}}, 0) }, func() { read(t, h, ctx, "a") }, 1},
		{"a, after a snapshot was deleted", func() { _ = h.DeleteSnapshot(ctx, "s", "u") }, func() { read(t, h, ctx, "a") }, 1},
	} {
		c.done()
		if got := s.lists(c.read); got != c.want {
			t.Errorf("to read %s took %d listings; want %d", c.name, got, c.want)
		}
	}
}

// age makes the last listing one that was begun so long ago.
func (h *Host) age(by time.Duration) { h.inventory.last.at = h.inventory.last.at.Add(-by) }

func TestInventory_ServesAWholeRefreshOnce(t *testing.T) {
	h, s := shelved()
	ctx := Refreshing(t.Context())
	read(t, h, ctx, "a")
	h.age(time.Minute)
	if got := s.lists(func() { read(t, h, ctx, "b") }); got != 0 {
		t.Errorf("a refresh that takes long listed the host %d times more", got)
	}
	if got := s.lists(func() { read(t, h, ctx, "a") }); got != 1 {
		t.Errorf("to refresh what was refreshed before took %d listings; want one", got)
	}
	h.age(time.Minute)
	if got := s.lists(func() { read(t, h, t.Context(), "b") }); got != 1 {
		t.Errorf("to read what is to be changed took %d listings; want one", got)
	}
	h.age(time.Minute)
	if got := s.lists(func() {
		for i := range 100 {
			if _, err := h.Instance(ctx, fmt.Sprint("gone-", i)); !errors.Is(err, ErrNotFound) {
				t.Fatal(err)
			}
		}
	}); got != 0 || s.ran["look"] != 100 {
		t.Errorf("to find that 100 are gone took %d listings and %d looks", got, s.ran["look"])
	}
}

func TestAbsent_IsSaidOfNothingElse(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"bare", "data/ports", "data/instances/there"} {
		if err := os.MkdirAll(filepath.Join(dir, path), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "data/instances/link")); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[[2]string]string{
		{"data", "instances/gone"}: "absent\n", {"data", "instances/there"}: "", {"data", "instances/link"}: "", {"bare", "instances/gone"}: "",
	} {
		out, err := exec.Command("sh", "-c", Prelude+absentScript, "sh", filepath.Join(dir, at[0]), at[1]).Output()
		if err != nil || string(out) != want {
			t.Errorf("of %v it said %q, %v; want %q", at, out, err, want)
		}
	}
}

// processesOf counts the processes that a listing of so many instances starts.
func processesOf(t *testing.T, instances int) int {
	dir, tools := t.TempDir(), t.TempDir()
	for i := range instances {
		at := filepath.Join(dir, "data/instances", fmt.Sprint("a", i))
		for _, part := range []string{"disk", "run", "boot"} {
			if err := os.MkdirAll(filepath.Join(at, part), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range map[string]string{"instance.json": "{}", "disk/00000000000000aa.qcow2": "", "run/control.out": "", "run/control.pid": fmt.Sprint(os.Getpid(), " 1 boot machine"), "run/console.log": ""} {
			if err := os.WriteFile(filepath.Join(at, name), []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "data/ports"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"find", "grep", "stat", "cat", "sed", "id", "ip", "nft", "tail", "rm"} {
		real, err := exec.LookPath(tool)
		if err != nil {
			continue // the script can do without it
		}
		text := "#!/bin/sh\necho " + tool + " >>'" + dir + "/started'\nexec '" + real + "' \"$@\"\n"
		if err := os.WriteFile(filepath.Join(tools, tool), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	sh := exec.Command("sh", "-c", Prelude+inventoryScript, "sh", filepath.Join(dir, "data"))
	sh.Env = append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"))
	out, err := sh.Output()
	if err != nil || strings.Count(string(out), "/instance.json:") != instances {
		t.Fatalf("%v, %d of %d instances are listed", err, strings.Count(string(out), "/instance.json:"), instances)
	}
	started, err := os.ReadFile(filepath.Join(dir, "started"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(started), "\n")
}

func TestListing_StartsAsManyProcessesWhateverItLists(t *testing.T) {
	if few, many := processesOf(t, 3), processesOf(t, 300); few != many || few == 0 {
		t.Errorf("to list 3 instances takes %d processes, and 300 %d", few, many)
	}
}
