package acceptance_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// TestCreate_WhoseConnectionIsLostIsMadeAnew breaks the connection while a fork
// and a snapshot wait for the lock of their source, which they get when Terraform
// has given up, and in the middle of an image.
func TestCreate_WhoseConnectionIsLostIsMadeAnew(t *testing.T) {
	t.Parallel()
	own := newLab(t, testhost.Options{})
	content, _ := contentOf(t, own.guest.Disk)
	var mended atomic.Bool
	asked := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if mended.Load() {
			_, _ = w.Write(content)
			return
		}
		_, _ = w.Write(content[:len(content)/2])
		w.(http.Flusher).Flush()
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)

	source := own.provider(nil) + image("disk", own.guest.Disk, "") + strings.Replace(stopped("source"), `"default/images/disk"`, "kvm_image.disk.id", 1)
	w := newWorkspace(t, source)
	w.want(0, "apply", "-auto-approve")

	w.write(source + image("stream", server.URL, "") + forkOf("fork", "default/instances/source", `state = "stopped"`) + `
		resource "kvm_snapshot" "snap" {
			name     = "snap"
			instance = kvm_instance.source.id
		}`)
	lock, err := os.Open(own.path("instances/source/lock"))
	must(t, err)
	defer lock.Close()
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	applied := make(chan string, 1)
	go func() {
		_, out := w.terraform("apply", "-auto-approve")
		applied <- out
	}()
	<-asked
	eventually(t, func() bool { return testhost.WaitingFor(lock.Name()) == 2 })
	own.StopSSHD()
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_UN)) // the host finishes what nobody hears of any more
	said := <-applied
	for _, verb := range []string{"fork instance fork", "take snapshot snap", "create image stream"} {
		tells(t, said, "Unable to "+verb, "connection was lost", "Host: default", "may be on the host all the same", "marked as tainted", "Run terraform apply again after that")
	}

	mended.Store(true)
	must(t, own.StartSSHD(t.Context()))
	for _, made := range []string{"instances/fork/instance.json", "snapshots/snap/snapshot.json"} {
		eventually(t, func() bool { _, err := os.Stat(own.path(made)); return err == nil })
	}
	plan := w.want(2, "plan", "-detailed-exitcode")
	tells(t, plan, "kvm_image.stream will be created")
	tells(t, plan, "kvm_instance.fork is tainted, so must be replaced")
	tells(t, plan, "kvm_snapshot.snap is tainted, so must be replaced")
	tells(t, plan, "Plan: 3 to add, 0 to change, 2 to destroy")
	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")
	w.want(0, "destroy", "-auto-approve")
}
