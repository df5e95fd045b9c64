package acceptance_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// image is an image of a name; checksum may be "".
func image(name, source, checksum string) string {
	if checksum != "" {
		checksum = "checksum = " + quote("sha256:"+checksum)
	}
	return fmt.Sprintf("resource \"kvm_image\" %q {\n  name = %q\n  source = %s\n  %s\n}\n", name, name, quote(source), checksum)
}

func TestImage_OfTheSameContentIsStoredOnce(t *testing.T) {
	t.Parallel()
	content, sum := contentOf(t, shared.guest.Disk)
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/disk.qcow2", http.StatusFound)
			return
		}
		requests.Add(1)
		_, _ = w.Write(content)
	}))
	t.Cleanup(server.Close)

	first := image("same-path", shared.guest.Disk, "")
	second := image("same-url", server.URL+"/moved", sum)
	third := strings.Replace(image("same-again", server.URL+"/disk.qcow2", ""), "}", "depends_on = [kvm_image.same-url]\n}", 1)
	oneFile := check(func(context.Context) error {
		var infos []os.FileInfo
		for _, name := range []string{"disk", "same-path", "same-url", "same-again"} {
			info, err := os.Stat(filepath.Join(shared.DataDir, "images", name, "data"))
			if err != nil {
				return err
			}
			infos = append(infos, info)
			if !os.SameFile(infos[0], info) {
				return fmt.Errorf("%s is not the same file as %s", name, "disk")
			}
		}
		return nil
	})
	steps := []tf.TestStep{
		{
			Config: first + second + third,
			ConfigStateChecks: checks{
				has("kvm_image.same-path", "format", "qcow2"), has("kvm_image.same-path", "sha256", sum),
				statecheck.ExpectKnownValue("kvm_image.same-path", tfjsonpath.New("size_bytes"), knownvalue.Int64Exact(int64(len(content)))),
				statecheck.ExpectKnownValue("kvm_image.same-path", tfjsonpath.New("virtual_size_bytes"), knownvalue.Int64Exact(64<<20)),
				has("kvm_image.same-url", "id", "default/images/same-url"), has("kvm_image.same-again", "sha256", sum),
				oneFile,
				check(func(context.Context) error {
					if n := requests.Load(); n != 1 { // what has the checksum of another is there already
						return fmt.Errorf("the file was asked for %d times; want once, for same-again", n)
					}
					return nil
				}),
			},
		},
	}
	steps = append(steps, imported("kvm_image.same-url", "default/images/same-url")...)
	shared.apply(t, "same", steps...)
}

// TestImage_ThatIsNotWhatItShouldBeLeavesNothing has one case for each way to be
// so, and mends it: the same apply then works.
func TestImage_ThatIsNotWhatItShouldBeLeavesNothing(t *testing.T) {
	t.Parallel()
	content, _ := contentOf(t, shared.guest.Disk)
	content = append(content[:len(content):len(content)], "of its own"...) // not what is there already
	sum := fmt.Sprintf("%x", sha256.Sum256(content))
	var mended atomic.Bool
	broken := func(how http.HandlerFunc) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !mended.Load() {
				how(w, r)
				return
			}
			_, _ = w.Write(content)
		}))
		t.Cleanup(server.Close)
		return server.URL + "/disk.qcow2"
	}
	missing := broken(http.NotFound)
	short := broken(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = w.Write(content[:len(content)/2])
		panic(http.ErrAbortHandler)
	})
	whole := broken(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(content) })

	dir := t.TempDir()
	backed, external, absent := filepath.Join(dir, "backed.qcow2"), filepath.Join(dir, "external.qcow2"), filepath.Join(dir, "absent.qcow2")
	qemuImg(t, "create", "-q", "-f", "qcow2", "-b", shared.guest.Disk, "-F", "qcow2", backed)
	qemuImg(t, "create", "-q", "-f", "qcow2", "-o", "data_file="+filepath.Join(dir, "secret")+",data_file_raw=on", external, "1M")

	cut := filepath.Join(dir, "cut.qcow2")
	must(t, os.WriteFile(cut, content[:len(content)/2], 0o600))

	var steps []tf.TestStep
	for _, c := range []struct {
		name, source, checksum string
		diagnostic             []string
	}{
		{"bad-missing", missing, "", []string{"/disk.qcow2", "answered 404 Not Found"}},
		{"bad-short", short, "", []string{"/disk.qcow2", "bytes arrived", "attempts to resume brought no more"}},
		{"bad-sum", whole, strings.Repeat("0", 64), []string{"sha256:" + sum, "sha256:000"}},
		{"bad-backed", backed, "", []string{"backing file", "flatten it first: qemu-img convert"}},
		{"bad-external", external, "", []string{"external data file", "convert it first: qemu-img convert"}},
		{"bad-cut", cut, "", []string{"the image is damaged"}},
		{"bad-absent", absent, "", []string{"absent.qcow2: no such file"}},
	} {
		steps = append(steps, after(shared.nothing(t, "bad"),
			refused(image(c.name, c.source, c.checksum), append([]string{"Unable to create image " + c.name}, append(c.diagnostic, "Host: default")...)...)))
	}
	all := image("bad-missing", missing, "") + image("bad-short", short, "") + image("bad-sum", whole, sum) +
		image("bad-backed", backed, "") + image("bad-external", external, "") + image("bad-cut", cut, "") + image("bad-absent", absent, "")
	mend := func() {
		shared.nothing(t, "bad")()
		mended.Store(true)
		for _, path := range []string{backed, external, cut, absent} {
			must(t, errors.Join(os.RemoveAll(path), os.WriteFile(path, content, 0o600)))
		}
	}
	shared.apply(t, "bad", append(steps, after(mend, tf.TestStep{Config: all}))...)
}

func qemuImg(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("qemu-img", args...).CombinedOutput(); err != nil {
		t.Fatalf("qemu-img %v: %v: %s", args, err, out)
	}
}

func contentOf(t *testing.T, path string) (content []byte, sha256sum string) {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return content, fmt.Sprintf("%x", sha256.Sum256(content))
}
