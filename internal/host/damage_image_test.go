package host_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// TestImage_ThatIsDamagedIsGivenToNobody has images of the same content, whose
// files are cut short, gone, and without metadata.
func TestImage_ThatIsDamagedIsGivenToNobody(t *testing.T) {
	l := newLab(t, testhost.Options{})
	ctx := context.Background()
	content := []byte(strings.Repeat("content of its own ", 1000))
	sum := fmt.Sprintf("%x", sha256.Sum256(content))
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, content, 0o600))
	uids := map[string]string{}
	put := func(name, sum string) {
		t.Helper()
		image, err := l.PutImage(ctx, host.ImageSpec{Name: name, Source: file, SHA256: sum}, opener(file))
		must(t, err)
		uids[name] = image.UID
	}
	for _, name := range []string{"cut", "gone", "mute"} {
		put(name, "")
		must(t, os.Remove(l.path("images", name, "data")))
	}
	must(t, os.WriteFile(l.path("images/cut/data"), content[:100], 0o600))
	must(t, os.WriteFile(l.path("images/mute/data"), content, 0o600))
	must(t, os.WriteFile(l.path("images/mute/image.json"), []byte(`{"name":`), 0o600))
	l.Forget()

	for name, problem := range map[string]string{"cut": "has 100 bytes instead of 19000", "gone": "its data is missing", "mute": "its metadata cannot be read"} {
		for what, spec := range map[string]host.InstanceSpec{
			"disk":   {Name: "made", VCPUs: 1, MemoryMiB: 64, Image: name},
			"kernel": {Name: "made", VCPUs: 1, MemoryMiB: 64, Kernel: &host.KernelSpec{Image: name}},
		} {
			if _, err := l.Create(ctx, spec); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "image "+name+" is damaged") || !strings.Contains(err.Error(), problem) {
				t.Errorf("%s as the %s: %v", name, what, err)
			}
		}
	}
	mute, err := l.Image(ctx, "mute")
	must(t, err)
	if err := l.NoteImage(ctx, mute, []byte(`{}`)); !errors.Is(err, host.ErrInvalid) {
		t.Errorf("a note on what cannot be read: %v", err)
	}
	for name, known := range map[string]string{"linked": sum, "streamed": ""} {
		put(name, known)
		if got, err := os.ReadFile(l.path("images", name, "data")); err != nil || string(got) != string(content) {
			t.Errorf("%s has %d bytes, %v; want %d", name, len(got), err, len(content))
		}
	}

	inst, err := l.Create(ctx, host.InstanceSpec{Name: "made", VCPUs: 1, MemoryMiB: 64, Kernel: &host.KernelSpec{Image: "linked"}})
	must(t, err)
	if err := l.Update(ctx, inst, host.Change{Kernel: &host.KernelSpec{Image: "linked", Initrd: "cut"}}); !errors.Is(err, host.ErrInvalid) {
		t.Errorf("another initrd: %v", err)
	}
	must(t, l.DeleteInstance(ctx, "made", inst.UID))
	if err := l.DeleteImage(ctx, "linked", ""); !errors.Is(err, host.ErrInvalid) {
		t.Errorf("delete of what is not known: %v", err)
	}
	for name, uid := range uids {
		if err := l.DeleteImage(ctx, name, uid); (err != nil) != (name == "mute") {
			t.Errorf("delete of %s: %v", name, err)
		}
	}
	must(t, os.RemoveAll(l.path("images/mute"))) // as it is told to
}
