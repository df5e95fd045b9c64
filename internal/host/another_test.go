package host_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// another is a host of the test's own, reached in a way of its own, that has
// from the start what the shared one has: its images and the golden snapshot, as
// links to the same files.
func another(t *testing.T, opts testhost.Options, changes ...func(*ssh.Config)) *lab {
	t.Helper()
	from := shared(t).testhost.DataDir
	th := testhost.New(t, opts)
	out, err := exec.Command("sh", "-c", `cd "$1" && mkdir "$2/instances" "$2/ports" "$2/snapshots" && cp -al images "$2" && cp -al snapshots/golden "$2/snapshots"`,
		"sh", from, th.DataDir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cfg := wayTo(th)
	for _, change := range changes {
		change(&cfg)
	}
	l := connectBy(th, cfg)
	l.far, l.t = opts.Link != nil, t
	t.Cleanup(func() { _ = l.Close() })
	t.Cleanup(func() {
		if err := l.clean(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// files are those of a directory of the host's.
func (l *lab) files(pattern string) []string {
	l.t.Helper()
	found, err := filepath.Glob(l.path(pattern))
	must(l.t, err)
	return found
}
