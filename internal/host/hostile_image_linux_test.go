package host_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// nothing fails the test unless the host has nothing of what was refused.
func (l *lab) nothing(t *testing.T) {
	t.Helper()
	left, _ := os.ReadDir(l.path("images"))
	for _, entry := range left {
		t.Errorf("%s is left on the host", entry.Name())
		_ = os.RemoveAll(l.path("images", entry.Name()))
	}
	l.Forget()
}

func (l *lab) put(source string) (*host.Image, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return l.PutImage(ctx, host.ImageSpec{Name: "it", Source: source}, opener(source))
}

// TestImage_ThatIsHostileIsRefusedAndLeavesNothing has images that name other files, lie about
// their size, are encrypted, have snapshots, or are damaged.
func TestImage_ThatIsHostileIsRefusedAndLeavesNothing(t *testing.T) {
	l := newLab(t, testhost.Options{})
	f := forge{t, t.TempDir()}
	c := newCanary(t)
	backed := f.create("backed", "-b", c.path, "-F", "raw")
	guests, err := os.ReadFile(backed) // a raw disk, into whose first sectors a guest wrote that
	must(t, err)
	must(t, os.WriteFile(f.path("guest"), append(guests, make([]byte, 1<<20)...), 0o600))
	external := f.create("external", "-o", "data_file="+c.path)
	f.qemuImg("create", "-q", "-f", "qcow2", "-o", "cluster_size=2M", "pebibytes", "64P")

	for name, tt := range map[string]struct {
		source string
		want   string
	}{
		"backing file":                      {backed, "flatten it first: qemu-img convert"},
		"raw that looks like qcow2":         {f.path("guest"), "names a backing file"},
		"data file":                         {external, "convert it first: qemu-img convert"},
		"encrypted":                         {f.change(f.create("luks"), map[int]uint64{32: 2<<32 | 1}), "is encrypted"},
		"encrypted, old":                    {f.change(f.create("aes", "-o", "compat=0.10"), map[int]uint64{32: 1<<32 | 1}), "is encrypted"},
		"unknown feature":                   {f.change(f.create("feature"), map[int]uint64{72: 1 << 63}), "incompatible features"},
		"exbibytes":                         {f.change(f.create("exbibytes"), map[int]uint64{24: 7 << 60}), "virtual size"},
		"64 PiB that QEMU makes itself":     {f.path("pebibytes"), "virtual size"},
		"L1 table outside of the file":      {f.change(f.full("l1"), map[int]uint64{40: 1 << 40}), "ends before"},
		"refcounts outside of the file":     {f.change(f.full("refcounts"), map[int]uint64{48: 1 << 40}), "ends before"},
		"snapshots outside of the file":     {f.change(f.full("table"), map[int]uint64{56: 1<<32 | 65535, 64: 1 << 40}), "ends before"},
		"cut within its tables":             {f.cut(f.full("tables"), 60<<10), "ends before"},
		"cut within its data":               {f.cut(f.full("cut"), 700<<10), "qemu-img check"},
		"clusters outside of the file":      {f.change(f.full("clusters"), map[int]uint64{4 << 16: 1<<63 | 1<<40}), "qemu-img check"},
		"snapshot table that is not one":    {f.change(f.full("garbage"), map[int]uint64{56: 1<<32 | 1, 64: 5 << 16}), "qemu-img check"},
		"header as large as the file":       {f.change(f.full("header"), map[int]uint64{96: 4<<32 | 0xff0000}), "header"},
		"clusters of 2 GiB":                 {f.change(f.full("2g"), map[int]uint64{16: 31}), "clusters of 2^31"},
		"refcounts that do not fit in bits": {f.change(f.full("width"), map[int]uint64{96: 63<<32 | 104}), "reference counts"},
	} {
		t.Run(name, func(t *testing.T) {
			c := c
			c.watch(t)
			_, err := l.put(tt.source)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "image it on host lab") {
				t.Errorf("%v; want %q", err, tt.want)
			}
			if err != nil && len(err.Error()) > 2000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			if c.sung() {
				t.Error("a file of the host's was opened")
			}
			l.nothing(t)
		})
	}
	c.watch(t)
	f.qemuImg("info", "--backing-chain", "backed")
	if !c.sung() {
		t.Error("the canary does not notice that it is opened")
	}
}

// TestImage_ThatIsOddAndSelfContainedIsTaken has what looks hostile and is not,
// and reads what a guest would from each.
func TestImage_ThatIsOddAndSelfContainedIsTaken(t *testing.T) {
	l := newLab(t, testhost.Options{})
	f := forge{t, t.TempDir()}
	c := newCanary(t)

	snapshots := f.full("snapshots")
	f.qemuImg("snapshot", "-c", "one", snapshots)
	f.qemuImg("snapshot", "-c", "x\nvirtual size: 5 (5 bytes)", snapshots) // as qemu-img info prints it
	dirty := f.change(f.full("dirty"), map[int]uint64{72: 1})
	leaky := f.full("leaky")
	must(t, os.Truncate(leaky, 3<<20))
	unnamed := f.change(f.create("unnamed", "-b", c.path, "-F", "raw"), map[int]uint64{8: 0}) // the name stays in it
	old := f.create("old", "-o", "compat=0.10")
	odd := f.path("odd")
	must(t, os.WriteFile(odd, []byte("a boot file"), 0o600))

	for name, tt := range map[string]struct {
		source  string
		format  string
		virtual int64
	}{
		"snapshots inside":          {snapshots, "qcow2", 1 << 20},
		"not closed":                {dirty, "qcow2", 1 << 20},
		"longer than it needs":      {leaky, "qcow2", 1 << 20},
		"name without a use for it": {unnamed, "qcow2", 1 << 20},
		"version 2":                 {old, "qcow2", 1 << 20},
		"a boot file":               {odd, "raw", 512},
	} {
		t.Run(name, func(t *testing.T) {
			c := c
			c.watch(t)
			image, err := l.put(tt.source)
			must(t, err)
			if image.Format != tt.format || image.VirtualSizeBytes != tt.virtual {
				t.Errorf("%s of %d bytes, want %s of %d", image.Format, image.VirtualSizeBytes, tt.format, tt.virtual)
			}
			f.qemuImg("convert", "-f", image.Format, "-O", "raw", l.path("images/it/data"), "seen")
			if c.sung() {
				t.Error("a file of the host's was opened")
			}
			must(t, l.DeleteImage(context.Background(), "it", image.UID))
		})
	}
}

// TestImage_ThatIsABombIsNotExpanded runs an instance of 256 MiB that were
// compressed to 1 MiB.
func TestImage_ThatIsABombIsNotExpanded(t *testing.T) {
	l := newLab(t, testhost.Options{})
	f := forge{t, t.TempDir()}
	must(t, os.WriteFile(f.path("raw"), []byte(strings.Repeat("boom", 1<<28>>2)), 0o600))
	f.qemuImg("convert", "-c", "-f", "raw", "-O", "qcow2", "raw", "bomb")
	must(t, os.Truncate(f.path("raw"), 0))
	image, err := l.put(f.path("bomb"))
	must(t, err)
	if image.VirtualSizeBytes != 1<<28 || image.SizeBytes > 4<<20 {
		t.Errorf("%d bytes that become %d: that is no bomb", image.SizeBytes, image.VirtualSizeBytes)
	}
	inst, err := l.Create(context.Background(), host.InstanceSpec{Name: "it", Image: "it", VCPUs: 1, MemoryMiB: 64})
	must(t, err)
	must(t, l.Start(context.Background(), inst))
	if used := allocated(t, l.testhost.DataDir); used > 8<<20 {
		t.Errorf("the host has %d bytes of it", used)
	}
	must(t, l.DeleteInstance(context.Background(), "it", inst.UID))
	must(t, l.DeleteImage(context.Background(), "it", image.UID))
}

// TestImage_ThatKeepsQemuImgBusyIsRefused has an L1 table whose four million
// entries are all of the same L2 table, and that of the same cluster: to check it
// takes hours, and what is said of it gigabytes.
func TestImage_ThatKeepsQemuImgBusyIsRefused(t *testing.T) {
	l := connectWith(testhost.New(t, testhost.Options{}), host.Prelude+"\nulimit -t 3\n") // a host may give less
	t.Cleanup(func() { _ = l.Close() })
	f := forge{t, t.TempDir()}
	f.qemuImg("create", "-q", "-f", "qcow2", "busy", "2P")
	image, err := os.ReadFile(f.path("busy"))
	must(t, err)
	const copied = 1 << 63
	l1, entries := binary.BigEndian.Uint64(image[40:]), binary.BigEndian.Uint32(image[36:])
	image = append(image, make([]byte, -len(image)&0xffff)...)
	l2 := uint64(len(image))
	for i := range entries {
		binary.BigEndian.PutUint64(image[l1+8*uint64(i):], copied|l2)
	}
	for range 1 << 13 {
		image = binary.BigEndian.AppendUint64(image, copied|l2+1<<16)
	}
	must(t, os.WriteFile(f.path("busy"), append(image, make([]byte, 1<<16)...), 0o600))
	_, err = l.put(f.path("busy"))
	if !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "more memory or time") || len(err.Error()) > 2000 {
		t.Errorf("%v", err)
	}
	l.nothing(t)
}

// allocated is what a directory takes on the disk; what has several names counts once for each.
func allocated(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	must(t, filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil {
			bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return err
	}))
	return bytes
}

// TestImage_ThatDoesNotFitIsRefusedAndLeavesNothing has a data directory of 16 MiB.
func TestImage_ThatDoesNotFitIsRefusedAndLeavesNothing(t *testing.T) {
	l := newLab(t, testhost.Options{})
	if err := syscall.Mount("tmpfs", l.testhost.DataDir, "tmpfs", 0, "size=16m,mode=0700"); err != nil {
		t.Skipf("a small filesystem cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(l.testhost.DataDir, syscall.MNT_DETACH)) })
	free := func() uint64 {
		var fs syscall.Statfs_t
		must(t, syscall.Statfs(l.testhost.DataDir, &fs))
		return fs.Bfree
	}
	_, err := l.Images(context.Background())
	must(t, err)
	small, err := l.PutImage(context.Background(), host.ImageSpec{Name: "small", Source: os.DevNull}, func(context.Context) (host.ImageSource, error) {
		return endless{1 << 20, new(int64)}, nil
	})
	must(t, err)
	must(t, l.DeleteImage(context.Background(), "small", small.UID))
	before := free()

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/announced" {
			w.Header().Set("Content-Length", fmt.Sprint(32<<20))
		}
		w.(http.Flusher).Flush()
		for err := error(nil); err == nil && r.Context().Err() == nil; {
			_, err = w.Write(make([]byte, 1<<20))
		}
	}))
	t.Cleanup(server.Close)
	for name, source := range map[string]string{"announced": server.URL + "/announced", "endless": server.URL + "/endless"} {
		t.Run(name, func(t *testing.T) {
			least := before
			ctx, cancel := context.WithCancel(context.Background())
			watched := make(chan struct{})
			go func() {
				defer close(watched)
				for ctx.Err() == nil {
					least = min(least, free())
					time.Sleep(time.Millisecond)
				}
			}()
			_, err := l.put(source)
			cancel()
			<-watched
			if !errors.Is(err, host.ErrUnfit) || !strings.Contains(err.Error(), "free") || !strings.Contains(err.Error(), "Free space in "+l.testhost.DataDir) {
				t.Errorf("%v", err)
			}
			if least == 0 {
				t.Error("it took the last byte, which the guests on the host need")
			}
			if name == "announced" && least < before-64 {
				t.Errorf("%d blocks were written of what cannot fit", before-least)
			}
			l.nothing(t)
			if now := free(); now != before {
				t.Errorf("%d blocks are free, before it were %d", now, before)
			}
		})
	}
}

// endless is a source of so many zeros.
type endless struct {
	size int64
	read *int64
}

func (e endless) Read(p []byte) (int, error) {
	n := min(int64(len(p)), e.size-*e.read)
	if n == 0 {
		return 0, io.EOF
	}
	clear(p[:n])
	*e.read += n
	return int(n), nil
}

func (endless) Close() error { return nil }

func (e endless) Size() int64 { return -1 }

func (endless) SHA256() string {
	return "30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58" // of 1 MiB
}

// TestImage_ThatDripsEndsWithTheTimeLimit has a server that gives a byte now and then.
func TestImage_ThatDripsEndsWithTheTimeLimit(t *testing.T) {
	l := newLab(t, testhost.Options{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte{0})
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	begun := time.Now()
	_, err := l.PutImage(ctx, host.ImageSpec{Name: "it", Source: server.URL}, opener(server.URL))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(begun))
	}
	for range 50 { // the host notices that nobody sends any more
		if left, _ := os.ReadDir(l.path("images")); len(left) == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	l.nothing(t)
}
